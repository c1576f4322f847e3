"""Decisions, penalties, complaints and reviews are noted by the side that reports them, on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from staydown.cli.main import app as command
from staydown.core.errors import Invalid, NotEntitled, NotFound, StaydownError
from staydown.core.ids import AgencyCode
from staydown.core.people import Person, Role, desk_of
from staydown.flow.count import transparency
from staydown.flow.note import AUTHORITY, PROVIDER, Kind, Under, What, note
from staydown.law.figures import ROWS, CountedBy
from support import ALICE, DAVE, SAM, STARTS, Desk, law, person

FLOCK = desk_of("flock")
OFFICER = person("flock-officer", FLOCK, Role.PROVIDER)
OTHER = person("hearth-officer", desk_of("hearth"), Role.PROVIDER)


@pytest.fixture
def house(desk: Desk) -> Desk:
    with desk.store.begin() as work:
        for one in (OFFICER, OTHER):
            work.people.add_agencies([one.agency])
            work.people.add(one)
    return desk


def noted(desk: Desk, by: Person, kind: Kind, **more: object) -> None:
    with desk.store.begin() as work:
        note(desk.tools, work, by, "flock", kind, **({"reason": "file 7/2026"} | more))  # type: ignore[arg-type]


def shown(desk: Desk, agency: str, year: int = 2026) -> dict[str, int | None]:
    with desk.store.begin(write=False) as work:
        return {one.row.id: one.count for one in transparency(work, AgencyCode(agency), year) if one.count}


@law(
    "Regulation (EU) 2021/784, Art. 7(3)",
    "Regulation (EU) 2021/784, Art. 8(1)",
    "Regulation (EU) 2021/784, Art. 21(1)",
    "Regulation (EU) 2022/2065, Art. 15(1)",
)
@pytest.mark.parametrize("side", ["authority", "provider"])
def test_each_side_notes_what_its_reports_count(house: Desk, side: str) -> None:
    table, by = (AUTHORITY, ALICE) if side == "authority" else (PROVIDER, OFFICER)
    wanted: dict[str, int] = {}
    for kind, what, under in table:
        noted(house, by, kind, what=what, under=under)
        for row in table[kind, what, under]:
            wanted[row] = wanted.get(row, 0) + 1
    assert shown(house, by.agency) == wanted
    sides = {CountedBy.AUTHORITY, CountedBy.STATE} if side == "authority" else {CountedBy.PROVIDER}
    assert {ROWS[row].by for row in wanted} == sides
    assert len(house.tags("provider:flock")) == len(table)


def test_a_note_is_one_entry_of_the_ledger_and_keeps_the_reason_out_of_the_chain(house: Desk) -> None:
    noted(house, SAM, Kind.PENALTY, reason="decision 9/2026 about a made-up person")
    assert house.tags("provider:flock") == ["provider:penalty:noted"]
    with house.store.begin(write=False) as work:
        assert not [line for line in work.ledger.lines() if b"made-up person" in bytes(line.entry)]


def test_it_counts_in_the_year_in_which_it_happened(house: Desk) -> None:
    noted(house, ALICE, Kind.PENALTY, at=datetime(2025, 12, 30, 12, tzinfo=UTC))
    assert (shown(house, "AA", 2025), shown(house, "AA", 2026)) == ({"tco-8-d": 1}, {})


@law("Regulation (EU) 2022/2065, Art. 15(1)")
def test_a_complaint_under_the_dsa_says_how_long_it_took(house: Desk) -> None:
    noted(house, OFFICER, Kind.COMPLAINT, under=Under.DSA)
    noted(
        house, OFFICER, Kind.COMPLAINT, under=Under.DSA, what=What.REJECTED, since=STARTS - timedelta(days=3), at=STARTS
    )  # fmt: skip
    with house.store.begin(write=False) as work:
        (found,) = [
            one for one in transparency(work, FLOCK, 2026, article="dsa-15-d") if one.row.id == "dsa-15-d"
        ]
    assert (found.count, found.median_s) == (1, 3 * 86_400)


@pytest.mark.parametrize(
    ("by", "kind"),
    [
        (DAVE, Kind.PENALTY),
        (DAVE, Kind.COMPLAINT),
        (OTHER, Kind.COMPLAINT),
        (OFFICER, Kind.EXPOSURE),
        (OFFICER, Kind.PENALTY),
    ],
)
def test_nobody_notes_what_is_for_others_to_note(house: Desk, by: Person, kind: Kind) -> None:
    with pytest.raises(NotEntitled):
        noted(house, by, kind)
    assert not house.tags("provider:flock")


@pytest.mark.parametrize(
    "more",
    [
        {"reason": "  "},
        {"at": STARTS + timedelta(days=400)},
        {"what": What.UPHELD},
        {"under": Under.DSA},
        {"since": STARTS - timedelta(days=1)},
    ],
)
def test_words_that_do_not_go_together_are_refused(house: Desk, more: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        noted(house, ALICE, Kind.PENALTY, **more)
    assert shown(house, "AA") == {}


def test_a_complaint_is_not_decided_before_it_came(house: Desk) -> None:
    with pytest.raises(Invalid, match="before it began"):
        noted(
            house, OFFICER, Kind.COMPLAINT, under=Under.DSA, what=What.UPHELD, at=STARTS - timedelta(days=2),
            since=STARTS - timedelta(days=1),
        )  # fmt: skip


def test_a_provider_that_is_not_known_has_no_notes(house: Desk) -> None:
    with house.store.begin() as work, pytest.raises(NotFound):
        note(house.tools, work, ALICE, "nowhere", Kind.PENALTY, reason="file 7")


def test_the_commands_say_what_they_counted(house: Desk, database: str | None) -> None:
    options = ["--home", str(house.home), *(["--database", database] if database else [])]

    def run(*words: str) -> dict[str, object]:
        ran = CliRunner().invoke(command, [*options, "note", *words, "--reason", "file 7/2026", "--json"])
        if isinstance(ran.exception, StaydownError):
            raise ran.exception
        assert ran.exit_code == 0, ran.output
        return json.loads(ran.stdout)

    assert run("exposure", "flock", "--what", "further", "--as", "alice")["counts_for"] == ["tco-8-b-further"]
    assert run("penalty", "flock", "--at", "2026-02-01T10:00:00+01:00", "--as", "sam") == {
        "provider": "flock", "noted": "penalty", "what": "imposed", "at": "2026-02-01T09:00:00Z", "agency": "AA",
        "counts_for": ["tco-8-d"],
    }  # fmt: skip
    assert run("complaint", "flock", "--what", "upheld", "--as", "flock-officer")["counts_for"] == [
        "tco-7-d-upheld", "tco-7-g",
    ]  # fmt: skip
    assert run("review", "flock", "--as", "alice")["counts_for"] == ["tco-8-c-decisions", "tco-21-e"]
    for words in (
        ("review", "flock", "--what", "lost", "--as", "alice"),
        ("complaint", "flock", "--under", "gdpr", "--as", "alice"),
        ("penalty", "flock", "--at", "yesterday", "--as", "alice"),
    ):
        with pytest.raises(Invalid) as told:
            run(*words)
        assert told.value.hint
