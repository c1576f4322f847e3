"""Assessments: no default answer, and no contradiction."""

from __future__ import annotations

import itertools

import pytest

from staydown.core.assessment import Assessment, Ground, Purpose, PurposeAnswer, Verdict
from staydown.core.errors import Invalid, NoGround
from staydown.core.ids import AgencyCode, ItemId, PersonId, agency_code, person_id
from support import NO, law


def made(
    verdict: Verdict, ground: Ground | None = None, *, reason: str = "r", **answers: PurposeAnswer
) -> Assessment:
    return Assessment(
        item=ItemId(1),
        by=PersonId("alice"),
        agency=AgencyCode("AA"),
        verdict=verdict,
        ground=ground,
        purposes=NO | {Purpose(name): answer for name, answer in answers.items()},
        reason=reason,
    )


@law("Regulation (EU) 2021/784, Art. 1(3)")
@pytest.mark.parametrize("purpose", Purpose)
def test_every_purpose_has_to_be_answered(purpose: Purpose) -> None:
    whole = made(Verdict.TERRORIST, Ground.INCITES)
    answers = {name: answer for name, answer in whole.purposes.items() if name is not purpose}
    partly = Assessment(
        **{n: getattr(whole, n) for n in ("item", "by", "agency", "verdict", "ground", "reason")},
        purposes=answers,
    )
    with pytest.raises(NoGround, match=purpose.value):
        partly.checked()


@law("Regulation (EU) 2021/784, Art. 2(7)")
@pytest.mark.parametrize("ground", Ground)
def test_terrorist_content_has_one_of_five_grounds(ground: Ground) -> None:
    assert made(Verdict.TERRORIST, ground).checked().ground is ground
    with pytest.raises(NoGround):
        made(Verdict.TERRORIST).checked()


@law("Regulation (EU) 2021/784, Art. 1(3)")
@pytest.mark.parametrize(
    ("purpose", "answer"), list(itertools.product(Purpose, (PurposeAnswer.YES, PurposeAnswer.UNSURE)))
)
def test_a_purpose_not_ruled_out_stops_terrorist(purpose: Purpose, answer: PurposeAnswer) -> None:
    with pytest.raises(NoGround):
        made(Verdict.TERRORIST, Ground.INCITES, **{purpose.value: answer}).checked()


@pytest.mark.parametrize(
    "wrong",
    [
        made(Verdict.EXEMPT),
        made(Verdict.CLEAR, Ground.INCITES),
        made(Verdict.UNSURE, Ground.THREATENS),
        made(Verdict.CLEAR, art=PurposeAnswer.UNSURE),
        made(Verdict.CLEAR, reason="  "),
    ],
)
def test_contradictions_are_refused(wrong: Assessment) -> None:
    with pytest.raises(NoGround):
        wrong.checked()


@pytest.mark.parametrize("text", ["", "a", "1A", "A--B", "-AB", "ÄB", "A" * 25, "A B", "NL\n", "DROP;"[:5]])
def test_malformed_agency_codes(text: str) -> None:
    if text == "NL\n":
        assert agency_code(text) == "NL"
    else:
        with pytest.raises(Invalid):
            agency_code(text)


def test_codes_and_names_are_folded() -> None:
    assert agency_code(" be-iru ") == "BE-IRU"
    assert person_id("Alice") == "alice"
    with pytest.raises(Invalid):
        person_id("alice smith")
