"""Footing of every instrument: protected purposes, holds, evidence, language; pure."""

from __future__ import annotations

from collections.abc import Iterator

from staydown.core.assessment import Verdict
from staydown.core.order import Reach
from staydown.law.matter import HOUSE, LED, TCO, Finding, Force, Matter, Rule, said


def protected(m: Matter) -> Iterator[Finding]:
    """Journalism, research, art, education and counter-speech."""
    if m.protected or m.verdict in {Verdict.EXEMPT, Verdict.UNSURE}:
        yield said(
            "protected",
            Force.FORBIDS,
            f"{TCO}, Art. 1(3)",
            "A protected purpose was found, or somebody is in doubt about one. Let a legal officer assess it anew.",
        )


def assessed(m: Matter) -> Iterator[Finding]:
    """A person has found terrorist content, and which limb."""
    if m.verdict in {None, Verdict.CLEAR} or not m.limbs:
        yield said(
            "assessed",
            Force.FORBIDS,
            f"{TCO}, Art. 2(7)",
            "Nobody of the agency has found terrorist content in it on a named limb. Assess it first.",
        )


def held(m: Matter) -> Iterator[Finding]:
    """An investigation asks to wait; whose it is is not said."""
    if m.held:
        yield said(
            "hold", Force.FORBIDS, f"{TCO}, Art. 14(1), recital 36", "Wait: the item must stay for now."
        )


def evidence(m: Matter) -> Iterator[Finding]:
    """Something is kept before anything can disappear."""
    if not m.kept:
        yield said(
            "evidence",
            Force.NEEDS,
            HOUSE,
            "No evidence is kept. Keep it, or write down why it is not needed.",
        )


def transfer(m: Matter) -> Iterator[Finding]:
    """Personal data that go to a provider outside the Union."""
    if m.home is None and m.establishment is not None:
        yield said(
            "transfer",
            Force.ADVISES,
            f"{LED}, Art. 39",
            f"{m.provider} is outside the Union: send no more personal data than needed, and note the transfer.",
        )


def private(m: Matter) -> Iterator[Finding]:
    """What was never shown to the public."""
    if m.reach is Reach.PRIVATE:
        yield said(
            "private",
            Force.DISCOURAGES,
            "Charter of Fundamental Rights, Art. 7",
            "It was sent between persons, not to the public. Give the reasons and the basis on which it was seen.",
        )


EVERY: tuple[Rule, ...] = (protected, assessed, held, evidence)


def language(m: Matter, form: str, source: str) -> Iterator[Finding]:
    if m.language not in m.languages:
        yield said(
            "language",
            Force.FORBIDS,
            source,
            f"{m.provider} accepts {', '.join(m.languages)}, not {m.language}.",
        )
    elif m.forms and m.language not in m.forms.get(form, ()):
        there = ", ".join(m.forms.get(form, ())) or "none"
        yield said(
            "language", Force.NEEDS, HOUSE, f"The form does not exist in {m.language} yet; there is {there}."
        )
