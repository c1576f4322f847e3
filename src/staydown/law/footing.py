"""Footing: which instrument fits an item, its provider and the agency, and what stands in the way; pure.

Every rule is a small function with its article. What the law forbids cannot be approved; what it discourages needs the
signatory's reasons; what is lacking can be supplied; advice stops nothing. Suggestions go from the least intrusive
instrument to the most (docs/decisions/0023).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from staydown.law import footing_other as other
from staydown.law import footing_tco as tco
from staydown.law.footing_all import EVERY, private, transfer
from staydown.law.matter import (
    ABUSE_REPORT,
    DSA,
    ENOUGH,
    LADDER,
    NATIONAL_ORDER,
    NOTICE,
    ORDERS,
    REFERRAL,
    TCO,
    TCO_ORDER,
    Finding,
    Force,
    Matter,
    Outcome,
    Rule,
)

RULES: Mapping[str, tuple[Rule, ...]] = {
    REFERRAL: (*EVERY, private, other.refer_competence, other.refer_layer, other.refer_contact, transfer),
    ABUSE_REPORT: (*EVERY, private, other.report_layer, other.report_contact, transfer),
    NOTICE: (
        *EVERY,
        private,
        other.notice_layer,
        other.notice_elements,
        other.notice_contact,
        other.notice_priority,
        transfer,
    ),
    TCO_ORDER: (
        *EVERY,
        tco.tco_competence,
        tco.tco_scope,
        tco.tco_public,
        tco.tco_union,
        tco.tco_reasons,
        tco.tco_whole,
        tco.tco_first_contact,
        tco.tco_contact_point,
        tco.tco_language,
        tco.tco_copy,
        tco.tco_second,
        tco.tco_redress,
        tco.tco_secret,
        tco.tco_no_home,
        tco.tco_before_order,
    ),
    NATIONAL_ORDER: (
        *EVERY,
        private,
        other.national_competence,
        other.national_scope,
        other.national_elements,
        other.national_language,
        tco.tco_second,
        other.national_special,
        transfer,
    ),
}
"""The rules of each instrument, in the order in which a person meets them."""


def findings(instrument: str, matter: Matter) -> tuple[Finding, ...]:
    """What all rules of an instrument say; nothing for one that has no rules here, such as a letter."""
    return tuple(found for rule in RULES.get(instrument, ()) for found in rule(matter))


def stops(found: Sequence[Finding], *, reasons: str = "") -> tuple[Finding, ...]:
    """Those findings that stop an approval or signature.

    Args:
        reasons: The signatory's, for what the law discourages.
    """
    told = len(reasons.strip()) >= ENOUGH
    return tuple(
        one
        for one in found
        if one.force in {Force.FORBIDS, Force.WAITS, Force.NEEDS}
        or (one.force is Force.DISCOURAGES and not told)
    )


class Standing(StrEnum):
    """How an instrument stands for a matter."""

    SUGGESTED = "suggested"
    POSSIBLE = "possible"  #: open, but another one is less intrusive or comes first
    WAITS = "waits"  #: it was used, and its answer is waited for
    TRIED = "tried"  #: it was used, in vain
    LACKING = "lacking"  #: something has to be supplied first
    CLOSED = "closed"  #: the law does not allow it


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One instrument as it stands for a matter, and why."""

    instrument: str
    standing: Standing
    why: tuple[str, ...]
    findings: tuple[Finding, ...]


def options(matter: Matter) -> tuple[Option, ...]:
    """All instruments, the least intrusive first; at most one is suggested, and a person chooses."""
    rows: list[Option] = []
    waits = next((name for name in LADDER if matter.before.get(name) is Outcome.OPEN), None)
    chosen = None if waits and not matter.threat_to_life else _chosen(matter)
    for name in LADDER:
        found = findings(name, matter)
        rows.append(
            Option(
                instrument=name,
                standing=Standing.SUGGESTED if name == chosen else _standing(matter, name, found),
                why=tuple(_why(matter, name, found, chosen=chosen)),
                findings=found,
            )
        )
    return tuple(rows)


def _is_open(matter: Matter, name: str) -> bool:
    """Whether nothing forbids it; what is lacking can be supplied."""
    return not any(one.force is Force.FORBIDS for one in findings(name, matter))


def _chosen(matter: Matter) -> str | None:
    """The least intrusive instrument that the law allows and that was not used in vain."""
    usable = [name for name in LADDER if _is_open(matter, name)]
    if matter.threat_to_life:
        orders = [name for name in usable if name in ORDERS]
        usable = orders or usable
    fresh = [name for name in usable if name not in matter.before]
    tried = [LADDER.index(name) for name in matter.before if matter.before[name] is not Outcome.OPEN]
    higher = [name for name in fresh if not tried or LADDER.index(name) > max(tried)]
    settled = [name for name in (higher or fresh) if not _lacks(matter, name)]
    return next(iter(settled or higher or fresh), None)


def _lacks(matter: Matter, name: str) -> bool:
    """Whether it lacks what nobody at the desk can supply, such as a contact point."""
    return any(one.rule == "contact-point" for one in findings(name, matter))


def _standing(matter: Matter, name: str, found: Sequence[Finding]) -> Standing:
    if any(one.force is Force.FORBIDS for one in found):
        return Standing.CLOSED
    outcome = matter.before.get(name)
    if outcome is not None:
        return Standing.WAITS if outcome is Outcome.OPEN else Standing.TRIED
    return (
        Standing.LACKING
        if any(one.force in {Force.WAITS, Force.NEEDS} for one in found)
        else Standing.POSSIBLE
    )


_WHAT: Mapping[str, str] = {
    REFERRAL: f"A referral only asks; the decision stays with the provider ({TCO}, recital 40).",
    ABUSE_REPORT: "A report to whoever keeps the site reachable asks under its own terms.",
    NOTICE: f"A notice gives knowledge of the content and has to be decided on ({DSA}, Art. 6, 16).",
    TCO_ORDER: f"A removal order binds within one hour, in all Member States ({TCO}, Art. 3).",
    NATIONAL_ORDER: f"A national order binds where its own law reaches ({DSA}, Art. 9).",
}


def _why(matter: Matter, name: str, found: Sequence[Finding], *, chosen: str | None) -> Iterator[str]:
    outcome = matter.before.get(name)
    if name == chosen:
        yield _WHAT[name]
        if matter.threat_to_life and name in ORDERS:
            yield f"There is a threat to life ({TCO}, Art. 14(5)): the emergency lane runs beside it."
        elif matter.before:
            told = ", ".join(f"{key}: {value.value}" for key, value in sorted(matter.before.items()))
            yield f"Less was tried ({told})."
    elif outcome is not None:
        yield f"It was used before: {outcome.value}."
    for one in found:
        if one.force is not Force.ADVISES or name == chosen:
            yield f"{one.text} ({one.source})"
