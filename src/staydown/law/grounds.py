"""The grounds of terrorist content and the purposes the law protects, in its own terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from staydown.core.assessment import Ground, Purpose

SOURCE = "Regulation (EU) 2021/784, Art. 2(7)"
EXEMPT_SOURCE = "Regulation (EU) 2021/784, Art. 1(3)"

GROUND_TEXT: Mapping[Ground, str] = {
    Ground.INCITES: "incites the commission of a terrorist offence, directly or by glorifying terrorist acts",
    Ground.SOLICITS_ACTS: "solicits a person or a group to commit, or contribute to, a terrorist offence",
    Ground.SOLICITS_MEMBERSHIP: "solicits a person or a group to take part in a terrorist group's activities",
    Ground.INSTRUCTS: "gives instruction on weapons, noxious substances or methods for a terrorist offence",
    Ground.THREATENS: "threatens to commit a terrorist offence",
}
"""A short wording of each limb, for texts that quote the ground; the statutory form has the full one."""

PURPOSE_QUESTION: Mapping[Purpose, str] = {
    Purpose.EDUCATION: "Is it spread for educational purposes?",
    Purpose.JOURNALISM: "Is it spread for journalistic purposes?",
    Purpose.ART: "Is it spread for artistic purposes?",
    Purpose.RESEARCH: "Is it spread for research purposes?",
    Purpose.COUNTER_SPEECH: "Does it serve to prevent or counter terrorism?",
}
"""What an analyst is asked about every item; none of them has a default answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundRow:
    """One line of the table of grounds, for pages and docs."""

    letter: str
    text: str
    source: str


def grounds() -> tuple[GroundRow, ...]:
    """The grounds in the order of the article."""
    return tuple(
        GroundRow(letter=ground.value, text=text, source=f"{SOURCE}({ground.value})")
        for ground, text in GROUND_TEXT.items()
    )
