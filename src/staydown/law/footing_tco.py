"""Footing of the removal order: who issues it, to whom, for what, and after which wait; pure.

Source: Regulation (EU) 2021/784 (TCO).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from staydown.core.order import Competence, Reach
from staydown.law.footing_all import language
from staydown.law.matter import (
    ENOUGH,
    SECRET_AT_MOST,
    TCO,
    TCO_ORDER,
    WHOLE,
    Finding,
    FirstContact,
    Force,
    Layer,
    Matter,
    said,
)
from staydown.law.states import EU


def tco_competence(m: Matter) -> Iterator[Finding]:
    """Only a designated authority of a Member State issues orders."""
    if not m.state:
        yield said(
            "competence",
            Force.FORBIDS,
            f"{TCO}, Art. 12(1)",
            "The agency has not said of which state it is, nor what it may do: staydown office set FILE.",
        )
    elif m.state not in EU:
        yield said(
            "competence", Force.FORBIDS, f"{TCO}, Art. 3(1)", f"{m.state} is no Member State of the Union."
        )
    elif Competence.TCO_ISSUE not in m.competences:
        yield said(
            "competence",
            Force.FORBIDS,
            f"{TCO}, Art. 12(1)(a)",
            "The agency is not designated to issue removal orders. Ask the authority of your state that is.",
        )


_OUT_OF_SCOPE: Mapping[Layer, tuple[str, str]] = {
    Layer.CACHING: ("recital 13", "caches"),
    Layer.CONDUIT: ("recital 13", "only carries data"),
    Layer.REGISTRAR: ("recital 13", "is a registrar"),
    Layer.REGISTRY: ("recital 13", "is a registry"),
    Layer.NAMES: ("recital 13", "only resolves names"),
    Layer.PAYMENT: ("recital 13", "handles payments"),
    Layer.SHIELD: ("recital 13", "protects against overload"),
    Layer.CLOUD: ("recital 13", "gives infrastructure that the content provider did not order"),
    Layer.MESSAGING: ("recital 14", "carries messages between persons"),
}


def tco_scope(m: Matter) -> Iterator[Finding]:
    """Only who stores for others and spreads to the public is a hosting service provider."""
    if m.layer is Layer.MEDIA:
        yield said(
            "scope",
            Force.FORBIDS,
            f"{TCO}, Art. 1(5)",
            f"{m.provider} is an audiovisual media service: Directive 2010/13/EU prevails.",
        )
    elif m.layer in _OUT_OF_SCOPE:
        recital, does = _OUT_OF_SCOPE[m.layer]
        yield said(
            "scope",
            Force.FORBIDS,
            f"{TCO}, Art. 2(1), {recital}",
            f"{m.provider} {does}, so no removal order reaches it. Use an abuse report or another order.",
        )


def tco_public(m: Matter) -> Iterator[Finding]:
    """Only what a potentially unlimited number of persons can see."""
    if m.reach is Reach.PRIVATE:
        text = "It was sent between persons whom the sender chose, not to the public."
    elif m.reach is Reach.CLOSED_GROUP:
        text = "A person decides who comes into the group, so it is not spread to the public."
    elif m.reach is Reach.UNKNOWN:
        yield said(
            "public",
            Force.NEEDS,
            f"{TCO}, Art. 2(3), recital 14",
            "Say who can see it: everybody, whoever registers, or only those whom a person lets in.",
        )
        return
    else:
        return
    yield said("public", Force.FORBIDS, f"{TCO}, Art. 2(3), recital 14", text)


def tco_union(m: Matter) -> Iterator[Finding]:
    """Only who offers services in the Union."""
    if m.serves_union is False:
        yield said(
            "union",
            Force.FORBIDS,
            f"{TCO}, Art. 1(2)",
            f"{m.provider} does not offer its services in the Union.",
        )
    elif m.serves_union is None:
        yield said(
            "union",
            Force.NEEDS,
            f"{TCO}, Art. 1(2), recital 16",
            f"Say why {m.provider} offers services in the Union: established there, many users, or aimed at them.",
        )


def tco_reasons(m: Matter) -> Iterator[Finding]:
    """Ticks alone are no sufficiently detailed statement."""
    if len(m.reasons.strip()) < ENOUGH:
        yield said(
            "reasons",
            Force.NEEDS,
            f"{TCO}, Art. 3(4)(b)",
            "Write why it is terrorist content, in sufficient detail; the ticked limbs alone do not say it.",
        )


def tco_whole(m: Matter) -> Iterator[Finding]:
    """An order reaches content."""
    if m.kind in WHOLE and len(m.whole.strip()) < ENOUGH:
        yield said(
            "whole",
            Force.NEEDS,
            f"{TCO}, Art. 3(4)(c); Charter of Fundamental Rights, Art. 52(1)",
            f"It asks for a whole {m.kind.value}. Give reasons that cover all of it, or name single items.",
        )


def tco_first_contact(m: Matter) -> Iterator[Finding]:
    """Twelve hours before the first order, unless an emergency is reasoned in it."""
    if m.contact is FirstContact.DONE or len(m.emergency.strip()) >= ENOUGH:
        return
    told = (
        f"{m.provider} has your procedures, but at the instant of issuing the twelve hours are not over."
        if m.contact is FirstContact.WAITING
        else f"{m.provider} has never had an order of yours, nor information on your procedures. Send that first."
    )
    short = " The reasons given for an emergency are too short." if m.emergency.strip() else ""
    yield said(
        "first-contact",
        Force.WAITS,
        f"{TCO}, Art. 3(2)",
        f"{told}{short} Without the wait an emergency has to be justified in the order.",
    )


def tco_contact_point(m: Matter) -> Iterator[Finding]:
    """Orders go to the contact point, and nowhere else."""
    if TCO_ORDER not in m.contacts:
        yield said(
            "contact-point",
            Force.NEEDS,
            f"{TCO}, Art. 3(5), 15(1)",
            f"No contact point of {m.provider} for removal orders is known. Look it up and enter it.",
        )


def tco_language(m: Matter) -> Iterator[Finding]:
    """One of the languages that the provider has named."""
    yield from language(m, TCO_ORDER, f"{TCO}, Art. 15(2)")


def tco_copy(m: Matter) -> Iterator[Finding]:
    """A copy leaves at the same moment, where another state has jurisdiction."""
    if m.crosses_border and not m.authority_known:
        yield said(
            "copy",
            Force.FORBIDS,
            f"{TCO}, Art. 4(1)",
            f"The copy has to go to the authority of {m.home} at the same moment, and no confirmed address is known.",
        )


def tco_second(m: Matter) -> Iterator[Finding]:
    """No second order on the same matter."""
    if m.order_in_force:
        yield said(
            "second-order",
            Force.DISCOURAGES,
            f"{TCO}, recital 36",
            "An order on the same matter is in force already. Only the signatory can say why another one is needed.",
        )


def tco_redress(m: Matter) -> Iterator[Finding]:
    """How it can be challenged stands in it."""
    if not m.redress_known:
        yield said(
            "redress",
            Force.NEEDS,
            f"{TCO}, Art. 3(4)(f), 9",
            "Your office has not set before which court, until when and under which law an order can be challenged.",
        )


def tco_secret(m: Matter) -> Iterator[Finding]:
    """Silence towards the content provider is decided, dated and short."""
    if m.secret_until is None:
        return
    if m.secret_from is None or m.secret_until <= m.secret_from:
        yield said(
            "secret", Force.NEEDS, f"{TCO}, Art. 11(3)", "Say when silence was decided and when it ends."
        )
    elif m.secret_until - m.secret_from > SECRET_AT_MOST:
        yield said(
            "secret",
            Force.FORBIDS,
            f"{TCO}, Art. 11(3)",
            "Silence towards the content provider lasts six weeks from the decision at most.",
        )


def tco_no_home(m: Matter) -> Iterator[Finding]:
    """A provider that has named nobody in the Union."""
    if m.home is None and m.serves_union:
        yield said(
            "jurisdiction",
            Force.ADVISES,
            f"{TCO}, Art. 16(2)",
            f"{m.provider} has named no legal representative: every Member State has jurisdiction. Tell the others.",
        )


def tco_before_order(m: Matter) -> Iterator[Finding]:
    """A referral may do."""
    if not m.before and not m.threat_to_life:
        yield said(
            "less-intrusive",
            Force.ADVISES,
            f"{TCO}, recital 40; Charter of Fundamental Rights, Art. 52(1)",
            "Nothing less has been tried. A referral may do.",
        )
