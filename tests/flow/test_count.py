"""What the law wants reported is counted as it happens, and a public report shows no small cell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from staydown.cli.main import app as command
from staydown.core.errors import Invalid
from staydown.core.ids import AgencyCode
from staydown.flow import count, withdraw
from staydown.flow.count import Reported, transparency
from staydown.law.figures import FIGURES, ROWS, SMALL, CountedBy, Of, figures_of
from support import BOB, Desk, law

AA, BB = AgencyCode("AA"), AgencyCode("BB")


def rows(desk: Desk, **more: object) -> dict[str, Reported]:
    with desk.store.begin(write=False) as work:
        return {one.row.id: one for one in transparency(work, AA, 2026, **more)}  # type: ignore[arg-type]


def shown(desk: Desk, *names: str) -> dict[str, int | None]:
    found = rows(desk)
    return {name: found[name].count for name in names}


# --- the rows -------------------------------------------------------------------------------------------


@law(
    "Regulation (EU) 2021/784, Art. 7(3)",
    "Regulation (EU) 2021/784, Art. 8(1)",
    "Regulation (EU) 2021/784, Art. 21(1)",
    "Regulation (EU) 2022/2065, Art. 15(1)",
    "Regulation (EU) 2022/2065, Art. 22(3)",
    "Regulation (EU) 2022/2065, Art. 24(1)",
)
def test_every_letter_of_the_articles_has_a_row() -> None:
    sources = {one.source.split(", Art. ")[1] for one in FIGURES}
    assert sources == {
        *(f"7(3)({letter})" for letter in "abcdefg"),
        *(f"8(1)({letter})" for letter in "abcd"),
        "21(1)",
        *(f"15(1)({letter})" for letter in "abcde"),
        "24(1)",
        "22(3)",
    }
    assert len({one.id for one in FIGURES}) == len(FIGURES)
    assert all(one.part_of in ROWS for one in ROWS.values() if one.part_of)
    assert {one.by for one in FIGURES} == set(CountedBy) - {CountedBy.HOUSE}


def test_rows_are_chosen_by_how_they_begin() -> None:
    assert {one.source for one in figures_of("tco-8")} == {
        f"Regulation (EU) 2021/784, Art. 8(1)({x})" for x in "abcd"
    }
    assert [one.id for one in figures_of("tco-8-d")] == ["tco-8-d"]
    with pytest.raises(Invalid) as error:
        figures_of("tco-9")
    assert "tco-8" in error.value.hint


# --- counting -------------------------------------------------------------------------------------------


def test_a_year_in_which_nothing_happened_is_all_noughts(desk: Desk) -> None:
    found = rows(desk)
    assert set(found) == set(ROWS)
    assert {one.count for one in found.values() if one.row.of is not Of.WORDS} == {0}
    assert {one.count for one in found.values() if one.row.of is Of.WORDS} == {None}
    assert all(one.median_s is None for one in found.values())


@law("Regulation (EU) 2021/784, recital 40")
def test_a_referral_is_counted_as_it_leaves_and_as_it_is_answered(desk: Desk) -> None:
    request, _ = desk.referred(desk.show("one"), desk.show("two"), desk.show("three"))
    assert shown(desk, "referrals", "referred-items", "referred-removed") == {
        "referrals": 1,
        "referred-items": 3,
        "referred-removed": 0,
    }
    desk.later(minutes=10)
    desk.decided(request.reference, "removed", "removed", "refused")
    desk.later(hours=2)
    found = rows(desk)
    assert (found["referred-removed"].count, found["referred-refused"].count) == (2, 1)
    assert found["referred-removed"].median_s is not None
    assert 0 < found["referred-removed"].median_s <= 2 * 3600
    desk.later(days=1)
    assert rows(desk)["referred-removed"].count == 2, "what was said once is counted once"


@law("Directive (EU) 2016/680, Art. 7(3)")
def test_a_withdrawal_and_its_reinstatement_are_counted(desk: Desk) -> None:
    address = desk.show("one")
    request, _ = desk.referred(address)
    desk.show("one", presence="gone")
    desk.later(hours=6)
    with desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, BOB, request.id, reason="it was an error")
    desk.show("one")
    desk.later(days=2)
    assert shown(desk, "withdrawn-items", "reinstated-items") == {"withdrawn-items": 1, "reinstated-items": 1}


def test_only_what_is_of_the_agency_and_of_its_year_counts(desk: Desk) -> None:
    with desk.store.begin() as work:
        count.counted(work, "tco-8-a-issued", agency=AA, amount=7)
        count.counted(work, "tco-8-a-issued", agency=BB, amount=2)
        count.counted(work, "tco-8-a-issued", agency=AA, provider="flock", amount=3)
        count.counted(work, "tco-8-a-issued", agency=AA, amount=0)
        assert {one.row.id: one.count for one in transparency(work, AA, 2026, article="tco-8-a-issued")} == {
            "tco-8-a-issued": 10
        }
        assert transparency(work, AA, 2025, article="tco-8-a-issued")[0].count == 0
        assert transparency(work, AA, 2026, article="tco-8-a-issued", provider="flock")[0].count == 3


def test_a_calendar_year_is_that_of_the_state() -> None:
    since, until = count.year_of(2026, state="GR")
    assert (since.isoformat(), until.isoformat()) == (
        "2025-12-31T22:00:00+00:00",
        "2026-12-31T22:00:00+00:00",
    )
    with pytest.raises(Invalid, match="year 1870"):
        count.year_of(1870)


@pytest.mark.parametrize(
    ("row", "more"),
    [("tco-99", {}), ("tco-7-a", {}), ("tco-8-d", {"amount": -1}), ("tco-21-a-items", {"seconds": -0.5})],
)
def test_what_cannot_be_counted_is_refused(desk: Desk, row: str, more: dict[str, float]) -> None:
    with desk.store.begin() as work, pytest.raises(Invalid):
        count.counted(work, row, agency=AA, **more)  # type: ignore[arg-type]


def test_the_median_is_that_of_the_times_noted(desk: Desk) -> None:
    with desk.store.begin() as work:
        for seconds in (10.0, 30.0, 3600.0):
            count.counted(work, "tco-21-a-items", agency=AA, seconds=seconds)
    assert rows(desk)["tco-21-a-items"].median_s == 30.0
    assert rows(desk, public=True)["tco-21-a-items"].median_s is None


# --- what the public sees ---------------------------------------------------------------------------------

PARTS = ("tco-8-a-cross-border", "tco-8-a-removed", "tco-8-a-not-removed", "tco-8-a-impossible")


@pytest.fixture(scope="module")
def plain() -> dict[str, Reported]:
    return {one.id: Reported(row=one, count=0, median_s=None) for one in figures_of("tco-8-a")}


@given(st.integers(0, 60), st.lists(st.integers(0, 60), min_size=4, max_size=4))
def test_no_small_cell_is_shown_and_none_can_be_reckoned(
    plain: dict[str, Reported], whole: int, parts: list[int]
) -> None:
    counts = {"tco-8-a-issued": whole, **dict(zip(PARTS, (min(part, whole) for part in parts), strict=True))}
    given_rows = [
        Reported(row=one.row, count=counts.get(one.row.id, 0), median_s=None) for one in plain.values()
    ]
    found = {one.row.id: one.count for one in count._without_small(given_rows)}
    assert not [n for n in found.values() if n is not None and 0 < n < SMALL]
    assert all(found[name] == 0 for name, n in counts.items() if n == 0), "nought is shown as nought"
    hidden = [name for name in PARTS if found[name] is None]
    if found["tco-8-a-issued"] is not None:
        assert len(hidden) != 1, "the rest would tell it"
        for name in PARTS:
            assert found[name] is None or not 0 < whole - found[name] < SMALL or found[name] == 0


def test_the_command_prints_every_row(desk: Desk, database: str | None) -> None:
    desk.referred(desk.show("one"))
    options = ["--home", str(desk.home), *(["--database", database] if database else [])]
    ran = CliRunner().invoke(
        command, [*options, "transparency", "--year", "2026", "--of", "aa", "--article", "referr", "--json"]
    )
    assert ran.exit_code != 0, "no row begins with half a word"
    ran = CliRunner().invoke(
        command, [*options, "transparency", "--year", "2026", "--of", "AA", "--public", "--json"]
    )
    assert ran.exit_code == 0, ran.output
    lines = {one["row"]: one for one in map(json.loads, ran.stdout.splitlines())}
    assert lines["referrals"]["count"] is None
    assert lines["referrals"]["suppressed"]
    assert lines["tco-8-a-issued"] == {
        "row": "tco-8-a-issued",
        "label": "removal orders issued",
        "count": 0,
        "of": "orders",
        "median_s": None,
        "suppressed": False,
        "part_of": "",
        "by": "authority",
        "source": "Regulation (EU) 2021/784, Art. 8(1)(a)",
        "exercise": True,
    }


def test_an_agency_that_is_not_there_has_no_report(tmp_path: Path) -> None:
    ran = CliRunner().invoke(
        command, ["--home", str(tmp_path), "transparency", "--year", "2026", "--of", "ZZ"]
    )
    assert ran.exit_code != 0
