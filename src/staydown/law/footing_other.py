"""Footing of what is no removal order: referral, abuse report, notice, national order; pure.

Source: Regulation (EU) 2022/2065 (DSA).
"""

from __future__ import annotations

from collections.abc import Iterator

from staydown.core.item import ItemKind
from staydown.core.order import Competence
from staydown.law.footing_all import language
from staydown.law.matter import (
    ABUSE_REPORT,
    DSA,
    ENOUGH,
    HOUSE,
    NATIONAL_ORDER,
    NOTICE,
    REFERRAL,
    TCO,
    Finding,
    Force,
    Layer,
    Matter,
    said,
)


def refer_competence(m: Matter) -> Iterator[Finding]:
    """Who may refer."""
    if Competence.REFER not in m.competences:
        yield said("competence", Force.FORBIDS, f"{TCO}, recital 40", "The agency makes no referrals.")


def refer_contact(m: Matter) -> Iterator[Finding]:
    """Where referrals go."""
    if REFERRAL not in m.contacts:
        yield said(
            "contact-point", Force.NEEDS, HOUSE, f"No contact point of {m.provider} for referrals is known."
        )


def refer_layer(m: Matter) -> Iterator[Finding]:
    """A referral is about terms for content."""
    if m.layer is not Layer.HOSTING:
        yield said(
            "scope",
            Force.FORBIDS,
            f"{TCO}, recital 40",
            f"{m.provider} does not store the item as a host; an abuse report says what is asked of it.",
        )


def report_layer(m: Matter) -> Iterator[Finding]:
    """An abuse report is for whoever keeps a site reachable."""
    if m.layer in {Layer.PAYMENT, Layer.MESSAGING, Layer.MEDIA}:
        yield said("scope", Force.FORBIDS, HOUSE, f"{m.provider} cannot make the item unreachable.")
    elif m.layer is Layer.HOSTING and m.kind is not ItemKind.SITE:
        yield said(
            "scope",
            Force.FORBIDS,
            "Charter of Fundamental Rights, Art. 52(1)",
            "The item can be named to the platform itself; a report to whoever carries the platform hits more.",
        )


def report_contact(m: Matter) -> Iterator[Finding]:
    """Where abuse reports go."""
    if ABUSE_REPORT not in m.contacts:
        yield said(
            "contact-point",
            Force.NEEDS,
            HOUSE,
            f"No abuse contact of {m.provider} is known: staydown site finds it.",
        )


def notice_layer(m: Matter) -> Iterator[Finding]:
    """Article 16 binds hosts."""
    if m.layer not in {Layer.HOSTING, Layer.CLOUD, Layer.MEDIA}:
        yield said(
            "scope", Force.FORBIDS, f"{DSA}, Art. 16(1), recital 29", f"{m.provider} is no hosting service."
        )


def notice_elements(m: Matter) -> Iterator[Finding]:
    """A notice explains, and is made in good faith."""
    if len(m.reasons.strip()) < ENOUGH:
        yield said(
            "reasons",
            Force.NEEDS,
            f"{DSA}, Art. 16(2)(a)",
            "Explain in substance why the content is illegal.",
        )
    if not m.good_faith:
        yield said(
            "good-faith",
            Force.NEEDS,
            f"{DSA}, Art. 16(2)(d)",
            "State that you believe the notice to be accurate.",
        )


def notice_contact(m: Matter) -> Iterator[Finding]:
    """The provider's own mechanism."""
    if NOTICE not in m.contacts:
        yield said(
            "contact-point",
            Force.NEEDS,
            f"{DSA}, Art. 16(1)",
            f"The notice mechanism of {m.provider} is not known.",
        )


def notice_priority(m: Matter) -> Iterator[Finding]:
    """Priority is a platform's duty, towards trusted flaggers."""
    if m.is_small:
        yield said(
            "priority",
            Force.ADVISES,
            f"{DSA}, Art. 19(1)",
            f"{m.provider} is micro or small: it owes trusted flaggers no priority.",
        )


def national_competence(m: Matter) -> Iterator[Finding]:
    """The DSA gives the form, not the power."""
    if Competence.NATIONAL_ORDER not in m.competences:
        yield said(
            "competence",
            Force.FORBIDS,
            f"{DSA}, Art. 9(1)",
            "No law gives the agency the power to order removal.",
        )
    elif not m.basis.strip():
        yield said(
            "basis",
            Force.NEEDS,
            f"{DSA}, Art. 9(2)(a)(i), recital 31",
            "Name the provision the order rests on; the regulation itself is none.",
        )


def national_scope(m: Matter) -> Iterator[Finding]:
    """No wider than needed."""
    if not m.scope.strip():
        yield said(
            "territory",
            Force.NEEDS,
            f"{DSA}, Art. 9(2)(b)",
            "Say in which territory, and why no less will do.",
        )


def national_elements(m: Matter) -> Iterator[Finding]:
    """Reasons, redress, contact point."""
    if len(m.reasons.strip()) < ENOUGH:
        yield said("reasons", Force.NEEDS, f"{DSA}, Art. 9(2)(a)(ii)", "Explain why the content is illegal.")
    if not m.redress_known:
        yield said("redress", Force.NEEDS, f"{DSA}, Art. 9(2)(a)(v)", "Your office has not set the redress.")
    if NATIONAL_ORDER not in m.contacts:
        yield said(
            "contact-point",
            Force.NEEDS,
            f"{DSA}, Art. 9(2)(c), 11",
            f"No contact point of {m.provider} is known.",
        )


def national_language(m: Matter) -> Iterator[Finding]:
    """A language that the provider has declared."""
    yield from language(m, NATIONAL_ORDER, f"{DSA}, Art. 9(2)(c), 11(3)")


def national_special(m: Matter) -> Iterator[Finding]:
    """The special law comes first."""
    if Competence.TCO_ISSUE in m.competences and m.layer is Layer.HOSTING:
        yield said(
            "special-law",
            Force.ADVISES,
            f"{TCO}, Art. 3",
            "For terrorist content at a host the removal order is the special instrument.",
        )
