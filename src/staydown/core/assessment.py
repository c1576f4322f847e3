"""A person's reasoned view of an item, with its legal ground.

Source: Regulation (EU) 2021/784, Art. 1(3) and 2(7), recitals 11 and 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from staydown.core.errors import NoGround
from staydown.core.ids import AgencyCode, ItemId, PersonId
from staydown.core.states import ItemEvent


class Verdict(StrEnum):
    """What a person found."""

    TERRORIST = "terrorist"  #: terrorist content on a named ground
    CLEAR = "clear"  #: nothing of the kind
    EXEMPT = "exempt"  #: a protected purpose
    UNSURE = "unsure"  #: in doubt, so the item stops


class Ground(StrEnum):
    """The limbs of Art. 2(7)."""

    INCITES = "a"  #: incites, directly or by glorifying, to commit a terrorist offence
    SOLICITS_ACTS = "b"  #: solicits to commit or contribute to a terrorist offence
    SOLICITS_MEMBERSHIP = "c"  #: solicits to take part in a terrorist group
    INSTRUCTS = "d"  #: instructs on weapons, explosives or methods for terrorist offences
    THREATENS = "e"  #: threatens to commit a terrorist offence


class Purpose(StrEnum):
    """The purposes that Art. 1(3) protects; each is asked about on every assessment."""

    EDUCATION = "education"
    JOURNALISM = "journalism"
    ART = "art"
    RESEARCH = "research"
    COUNTER_SPEECH = "counter-speech"  #: preventing or countering terrorism


class PurposeAnswer(StrEnum):
    """There is no default: leaving a question out refuses the assessment."""

    NO = "no"
    YES = "yes"
    UNSURE = "unsure"


VERDICT_EVENT: Mapping[Verdict, ItemEvent] = {
    Verdict.TERRORIST: ItemEvent.FIND_TERRORIST,
    Verdict.CLEAR: ItemEvent.FIND_CLEAR,
    Verdict.EXEMPT: ItemEvent.FIND_EXEMPT,
    Verdict.UNSURE: ItemEvent.DOUBT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One person's view of one item."""

    item: ItemId
    by: PersonId
    agency: AgencyCode
    verdict: Verdict
    ground: Ground | None
    purposes: Mapping[Purpose, PurposeAnswer]
    reason: str

    def checked(self) -> Assessment:
        """This assessment, if it is complete and does not contradict itself.

        Raises:
            NoGround: A purpose question is open, the reason is missing, or verdict, ground and
                purposes do not fit each other.
        """
        missing = [purpose.value for purpose in Purpose if purpose not in self.purposes]
        if missing:
            raise NoGround(f"no answer about {', '.join(missing)}")
        if not self.reason.strip():
            raise NoGround("no reason given")
        answers = set(self.purposes.values())
        if self.verdict is Verdict.TERRORIST and self.ground is None:
            raise NoGround("terrorist content needs one of the grounds a to e of Art. 2(7)")
        if self.verdict is not Verdict.TERRORIST and self.ground is not None:
            raise NoGround(f"a ground does not go with the verdict {self.verdict.value!r}")
        if self.verdict is Verdict.TERRORIST and answers != {PurposeAnswer.NO}:
            raise NoGround(
                "a protected purpose was not ruled out", hint="Use exempt, or unsure to stop the item."
            )
        if self.verdict is Verdict.EXEMPT and PurposeAnswer.YES not in answers:
            raise NoGround("exempt needs a purpose that was answered with yes")
        if self.verdict is Verdict.CLEAR and PurposeAnswer.UNSURE in answers:
            raise NoGround("an unsure purpose does not go with the verdict 'clear'", hint="Use unsure.")
        return self
