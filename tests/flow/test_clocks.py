"""Clocks that stand still, begin anew, warn, alarm, lapse and end; on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from event_orders import EventOrder, read_orders
from ordering import drawn, ready, settle_in
from staydown.app import App, open_app
from staydown.bench.base import running_requests
from staydown.core.errors import IllegalStep, Invalid, NotFound
from staydown.core.ids import AgencyCode, ClockId
from staydown.core.request import Request
from staydown.core.states import ClockState, RequestState
from staydown.flow import clocks
from staydown.flow.clocks import ClockView
from staydown.law.counting import days, months, read_length
from staydown.law.periods import Party
from staydown.ports.work import WorkKind
from staydown.store.engine import Store
from staydown.worker.loop import drain
from support import ALICE, BOB, Desk, law

AA = AgencyCode("AA")
MONDAY = datetime(2026, 11, 23, 9, 20, tzinfo=UTC)  # 10:20 in Amsterdam
HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)  # the legal end of an hour that begins at 10:20


@pytest.fixture
def app(tmp_path: Path, database: str | None) -> Iterator[App]:
    made = open_app(tmp_path / "home", database=database)
    store = made.make(exercise=True, origin="exercise.example/test", starts_at=MONDAY)
    with store.begin() as work:
        work.people.add_agencies([AA, AgencyCode("BB")])
        for one in (ALICE, BOB):
            work.people.add(one)
    store.close()
    yield made
    made.close()


def made(store: Store, count: int = 1, *, first: int = 1) -> list[Request]:
    with store.begin() as work:
        return running_requests(work, count, first=first)


def hour(store: Store, request: Request, *, at: datetime = MONDAY) -> ClockId:
    with store.begin() as work:
        return clocks.begin(work, request, "remove", at=at, state="NL")


def seen(store: Store, request: Request) -> ClockView:
    with store.begin(write=False) as work:
        (only,) = clocks.view(work, request)
        return only


def until(app: App, instant: datetime) -> None:
    """Let time pass, doing what falls due on the way."""
    while True:
        with app.store.begin(write=False) as work:
            due, now = work.queue.next_due(), work.now
        if due is None or due > instant:
            break
        app.store.set_simulated(max(due, now))
        drain(app.tools, "test")
    app.store.set_simulated(instant)


def alarms(store: Store) -> list[str]:
    with store.begin(write=False) as work:
        return [one.text for one in work.duties.alarms(AA)]


def entries(store: Store, prefix: str) -> list[str]:
    with store.begin(write=False) as work:
        tags = [json.loads(line.entry)["tag"] for line in work.ledger.lines()]
    return [tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)]


# --- the table --------------------------------------------------------------------------------------------


def test_every_order_of_events_of_the_table_is_stored_as_it_says(app: App) -> None:
    orders = read_orders()
    for order, request in zip(orders, made(app.store, len(orders)), strict=True):
        app.store.counting = order.rule
        play(app.store, order, request)


def play(store: Store, order: EventOrder, request: Request) -> None:
    with store.begin() as work:
        ids = {}
        for row in order.begin:
            ids[row["clock"], row.get("place", "")] = clocks.begin(
                work,
                request,
                row["clock"],
                at=datetime.fromisoformat(row["at"]),
                state=order.state,
                place=row.get("place", ""),
                party=Party(row["party"]) if "party" in row else None,
                length=read_length(row["length"]) if "length" in row else None,
            )
        for row in order.steps:
            at, clock = datetime.fromisoformat(row["at"]), ids[row["clock"], ""]
            if row["do"] == "suspended":
                clocks.suspend(work, clock, claimed_at=at, ground="made up", by=ALICE)
            elif row["do"] == "restarted":
                clocks.restart(work, clock, at=at, ground="made up", by=ALICE)
            else:
                clocks.judge(work, clock, accepted=row["do"] == "accepted", reason="made up", by=BOB)
    with store.begin(write=False) as work:
        found = {(one.kind, one.place): one for one in clocks.view(work, request)}
    for row in order.expect:
        one = found[row["clock"], row.get("place", "")]
        view = one.by_claim if row.get("view") == "claim" else one.by_authority
        if row["strict"] == "stopped":
            assert view is None, order.title
            continue
        assert view is not None, order.title
        assert view.strict == datetime.fromisoformat(row["strict"]), order.title
        assert view.legal == datetime.fromisoformat(row["legal"]), order.title
        assert one.rule.startswith(("1182/71", "plain"))


# --- ringing ----------------------------------------------------------------------------------------------


@law("Regulation (EU) 2021/784, Art. 3(3)", "Regulation (EEC, Euratom) No 1182/71, Art. 3(1)")
def test_the_hour_alarms_at_its_strict_end_and_lapses_at_its_legal_one(app: App) -> None:
    (request,) = made(app.store)
    hour(app.store, request)
    until(app, MONDAY + HOUR - timedelta(seconds=1))
    assert alarms(app.store) == []
    until(app, MONDAY + HOUR)
    assert seen(app.store, request).state is ClockState.RUNNING, "nobody is late yet"
    assert len(alarms(app.store)) == 1
    assert "nobody is late before 2026-11-23T11:00:00Z" in alarms(app.store)[0]
    until(app, NOON)
    assert seen(app.store, request).state is ClockState.LAPSED
    assert len(alarms(app.store)) == 1, "one alarm for each lapse"
    assert entries(app.store, "request:clock:") == ["started", "lapsed"]


def test_a_worker_that_was_away_says_it_all_at_once(app: App) -> None:
    (request,) = made(app.store)
    hour(app.store, request)
    app.store.set_simulated(NOON + 5 * HOUR)
    drain(app.tools, "test")
    assert seen(app.store, request).state is ClockState.LAPSED
    assert len(alarms(app.store)) == 1


@pytest.mark.parametrize(
    ("came", "state"),
    [
        (MONDAY + HOUR, ClockState.MET),
        (NOON, ClockState.MET),
        (NOON + timedelta(microseconds=1), ClockState.LAPSED),
    ],
)
@law("Regulation (EU) 2021/784, Art. 3(3)")
def test_what_came_by_the_legal_end_is_in_time(app: App, came: datetime, state: ClockState) -> None:
    (request,) = made(app.store)
    hour(app.store, request)
    with app.store.begin() as work:
        clocks.meet(work, {request.id: came}, kinds=["remove"])
    assert seen(app.store, request).state is state
    until(app, NOON + HOUR)
    assert seen(app.store, request).state is state
    assert alarms(app.store) == []


@law("Regulation (EU) 2021/784, Art. 11(3)")
def test_non_disclosure_is_extended_once_and_ends_by_itself(app: App) -> None:
    (request,) = made(app.store)
    with app.store.begin() as work:
        clocks.begin(work, request, "non-disclosure", at=MONDAY, state="NL")
        with pytest.raises(Invalid, match="necessary and proportionate"):
            clocks.extend_non_disclosure(work, request, by=BOB, reason=" ")
    six = MONDAY + timedelta(weeks=6)
    until(app, six - timedelta(days=3))
    assert [text.split(": ")[1] for text in alarms(app.store)] == [
        "'non-disclosure' ends at 2027-01-04T09:20:00Z"
    ]
    with app.store.begin() as work:
        clocks.extend_non_disclosure(work, request, by=BOB, reason="the plot is still being looked into")
    with app.store.begin() as work, pytest.raises(IllegalStep, match="extended already"):
        clocks.extend_non_disclosure(work, request, by=BOB, reason="once more")
    until(app, six)
    with app.store.begin(write=False) as work:
        first, second = clocks.view(work, request)
    assert (first.state, second.state) == (ClockState.ENDED, ClockState.RUNNING)
    assert second.strict_end == six + timedelta(weeks=6)
    until(app, second.strict_end)
    assert entries(app.store, "request:clock:") == ["started", "started", "extended", "ended", "ended"]
    assert any("'non-disclosure-extended' ended by itself" in text for text in alarms(app.store))
    with app.store.begin(write=False) as work:
        assert work.figures.clocks()["clocks_missed"] == 0, "what ends by itself is no duty missed"


@law("Regulation (EU) 2021/784, Art. 11(3)")
def test_non_disclosure_that_ended_is_never_renewed(app: App) -> None:
    (request,) = made(app.store)
    with app.store.begin() as work:
        clocks.begin(work, request, "non-disclosure", at=MONDAY, state="NL")
    until(app, MONDAY + timedelta(weeks=6))
    with app.store.begin() as work, pytest.raises(IllegalStep, match="no non-disclosure is running"):
        clocks.extend_non_disclosure(work, request, by=BOB, reason="too late")


@law("Regulation (EU) 2021/784, Art. 4(3)", "Regulation (EU) 2021/784, Art. 4(4)")
def test_our_own_scrutiny_is_warned_of_a_day_before(app: App) -> None:
    (request,) = made(app.store)
    with app.store.begin() as work:
        clocks.begin(work, request, "decide-scrutiny", at=MONDAY, state="NL", party=Party.AGENCY)
        clocks.begin(
            work, request, "scrutinise", at=MONDAY, state="NL"
        )  # another authority's: none of our alarms
        clocks.begin(work, request, "ask-scrutiny", at=MONDAY, state="NL")
    until(app, MONDAY + 48 * HOUR)
    assert [text.split(": ")[1] for text in alarms(app.store)] == [
        "'decide-scrutiny' ends at 2026-11-26T09:20:00Z"
    ]
    until(app, MONDAY + 74 * HOUR)
    with app.store.begin(write=False) as work:
        states = {one.kind: one.state for one in clocks.view(work, request)}
        assert work.figures.clocks()["clocks_missed"] == 1
    assert states == {
        "decide-scrutiny": ClockState.LAPSED,
        "scrutinise": ClockState.ENDED,
        "ask-scrutiny": ClockState.ENDED,
    }


@law("Regulation (EU) 2021/784, Art. 3(6)")
def test_where_the_law_gives_no_figure_a_person_is_reminded_and_nobody_is_late(app: App) -> None:
    (request,) = made(app.store)
    with app.store.begin() as work:
        clocks.begin(work, request, "feedback", at=MONDAY, state="NL")
    until(app, MONDAY + 24 * HOUR)
    assert seen(app.store, request).state is ClockState.ENDED
    with app.store.begin(write=False) as work:
        assert work.figures.clocks()["clocks_lapsed"] == 0


# --- claims -----------------------------------------------------------------------------------------------


def claim(store: Store, clock: ClockId, *, at: datetime = MONDAY + HOUR / 2) -> None:
    with store.begin() as work:
        clocks.suspend(work, clock, claimed_at=at, ground="the storage has no power", by=ALICE)


def judged(store: Store, clock: ClockId, *, accepted: bool) -> None:
    with store.begin() as work:
        clocks.judge(work, clock, accepted=accepted, reason="looked into", by=BOB)


@law("Regulation (EU) 2021/784, Art. 3(7)")
def test_a_claim_stops_the_clock_and_calls_for_a_judgement(app: App) -> None:
    (request,) = made(app.store)
    clock = hour(app.store, request)
    until(app, MONDAY + HOUR / 2)
    claim(app.store, clock)
    until(app, NOON + 50 * HOUR)
    one = seen(app.store, request)
    assert (one.state, one.by_claim, one.accepted) == (ClockState.SUSPENDED, None, None)
    assert one.by_authority is not None
    assert one.by_authority.legal == NOON
    assert [text.split("; ")[1] for text in alarms(app.store)] == ["somebody has to judge that"]
    assert [(note.step.value, note.by, note.text) for note in one.history] == [
        ("begun", "", ""),
        ("suspended", "alice", "the storage has no power"),
    ]


@law("Regulation (EU) 2021/784, Art. 3(7)")
def test_a_claim_that_is_rejected_after_the_end_lets_the_clock_lapse(app: App) -> None:
    (request,) = made(app.store)
    clock = hour(app.store, request)
    until(app, MONDAY + HOUR / 2)
    claim(app.store, clock)
    until(app, NOON + HOUR)
    judged(app.store, clock, accepted=False)
    drain(app.tools, "test")
    assert seen(app.store, request).state is ClockState.LAPSED
    assert entries(app.store, "request:clock:") == ["started", "suspended", "judged", "lapsed"]
    judged(app.store, clock, accepted=True)
    assert seen(app.store, request).state is ClockState.SUSPENDED, "on second thoughts"


@law("Regulation (EU) 2021/784, Art. 3(7)", "Regulation (EU) 2021/784, Art. 3(8)")
def test_after_a_restart_the_whole_hour_runs_and_lapses_only_by_its_own_legal_end(app: App) -> None:
    (request,) = made(app.store)
    clock = hour(app.store, request)
    until(app, MONDAY + HOUR / 2)
    claim(app.store, clock)
    judged(app.store, clock, accepted=True)
    until(app, NOON)
    with app.store.begin() as work:
        clocks.restart(work, clock, at=NOON, ground="power is back", by=ALICE)
    until(app, NOON + HOUR)
    assert seen(app.store, request).state is ClockState.RUNNING
    until(app, NOON + 2 * HOUR)
    one = seen(app.store, request)
    assert one.state is ClockState.LAPSED
    assert one.by_claim == one.by_authority
    with app.store.begin(write=False) as work:
        subjects = [each.subject for each in work.duties.alarms(AA)]
    assert sorted(subjects) == [f"clock:{clock}:1", f"clock:{clock}:claim:1"]


@law("Regulation (EU) 2021/784, Art. 3(7)")
def test_as_long_as_nobody_judged_the_more_generous_deadline_counts(app: App) -> None:
    (request,) = made(app.store)
    clock = hour(app.store, request)
    until(app, MONDAY + HOUR / 2)
    claim(app.store, clock)
    until(app, NOON)
    with app.store.begin() as work:
        clocks.restart(work, clock, at=NOON, ground="power is back", by=None)
    until(app, NOON + HOUR * 1.5)
    assert seen(app.store, request).state is ClockState.RUNNING
    judged(app.store, clock, accepted=False)
    drain(app.tools, "test")
    assert seen(app.store, request).state is ClockState.LAPSED, "the authority's deadline was 12:00"


@law("Regulation (EU) 2021/784, Art. 3(7)")
def test_a_claim_may_come_after_the_end_and_again_after_a_restart(app: App) -> None:
    (request,) = made(app.store)
    clock = hour(app.store, request)
    until(app, NOON + HOUR)
    assert seen(app.store, request).state is ClockState.LAPSED
    claim(app.store, clock)
    assert seen(app.store, request).state is ClockState.SUSPENDED
    for turn in (1, 2):
        with app.store.begin() as work:
            clocks.restart(work, clock, at=NOON + turn * HOUR, ground="works again", by=ALICE)
        assert seen(app.store, request).state is ClockState.RUNNING
        claim(app.store, clock, at=NOON + turn * HOUR)
    assert seen(app.store, request).state is ClockState.SUSPENDED
    assert [note.step.value for note in seen(app.store, request).history] == [
        "begun", "suspended", "restarted", "suspended", "restarted", "suspended",
    ]  # fmt: skip


@law("Regulation (EU) 2021/784, Art. 3(7)")
def test_what_was_done_under_a_claim_is_late_once_the_claim_is_rejected(app: App) -> None:
    (request,) = made(app.store)
    clock = hour(app.store, request)
    claim(app.store, clock)
    with app.store.begin() as work:
        clocks.meet(work, {request.id: NOON + HOUR}, kinds=["remove"])
    assert seen(app.store, request).state is ClockState.MET
    judged(app.store, clock, accepted=False)
    assert seen(app.store, request).state is ClockState.LAPSED
    judged(app.store, clock, accepted=True)
    assert seen(app.store, request).state is ClockState.MET


def test_nothing_is_judged_or_restarted_that_nobody_claimed(app: App) -> None:
    (request,) = made(app.store)
    clock = hour(app.store, request)
    with pytest.raises(IllegalStep, match="no claim"):
        judged(app.store, clock, accepted=True)
    with app.store.begin() as work, pytest.raises(IllegalStep, match="no claim"):
        clocks.restart(work, clock, at=MONDAY + HOUR, ground="?", by=BOB)
    assert seen(app.store, request).history == ()
    assert entries(app.store, "request:clock:") == ["started"]


def test_a_claim_without_words_or_on_nothing_is_refused(app: App) -> None:
    (request,) = made(app.store)
    clock = hour(app.store, request)
    with app.store.begin() as work:
        with pytest.raises(Invalid, match="in words"):
            clocks.suspend(work, clock, claimed_at=MONDAY, ground="  ", by=ALICE)
        with pytest.raises(NotFound, match="no clock 999"):
            clocks.suspend(work, ClockId(999), claimed_at=MONDAY, ground="x", by=ALICE)
    claim(app.store, clock)
    with pytest.raises(IllegalStep):
        claim(app.store, clock)
    with app.store.begin() as work, pytest.raises(Invalid, match="before the period began"):
        clocks.restart(work, clock, at=MONDAY - HOUR, ground="x", by=ALICE)


# --- begin, cancel, list ----------------------------------------------------------------------------------


def test_what_was_begun_stays_however_it_stands(app: App) -> None:
    (request,) = made(app.store)
    clock = hour(app.store, request)
    assert hour(app.store, request, at=MONDAY + HOUR) == clock
    with app.store.begin() as work:
        clocks.meet(work, {request.id: MONDAY}, kinds=["remove"])
    assert hour(app.store, request, at=MONDAY + HOUR) == clock
    assert seen(app.store, request).state is ClockState.MET
    with app.store.begin() as work:
        assert clocks.begin(work, request, "C02", at=MONDAY, state="NL", place="elsewhere") != clock
    assert entries(app.store, "request:clock:") == ["started", "started"]


def test_what_cannot_begin_is_refused_with_a_way_out(app: App) -> None:
    (request,) = made(app.store)
    with app.store.begin() as work:
        with pytest.raises(Invalid, match="no period 'removal'"):
            clocks.begin(work, request, "removal", at=MONDAY, state="NL")
        with pytest.raises(Invalid, match="'US' is no state"):
            clocks.begin(work, request, "remove", at=MONDAY, state="US")
        with pytest.raises(Invalid, match="national law") as error:
            clocks.begin(work, request, "appeal", at=MONDAY, state="NL")
        assert "Annex I" in error.value.hint
        with pytest.raises(Invalid, match="no time zone"):
            clocks.begin(work, request, "remove", at=datetime(2026, 1, 1), state="NL")
        with pytest.raises(NotFound, match="was in force"):
            clocks.begin(work, request, "remove", at=datetime(2021, 1, 1, tzinfo=UTC), state="NL")
        assert clocks.view(work, request) == []


def test_a_withdrawn_request_cancels_clocks_that_run_or_stand_still(app: App) -> None:
    (request,) = made(app.store)
    claim(app.store, hour(app.store, request))
    with app.store.begin() as work:
        clocks.begin(work, request, "ask-scrutiny", at=MONDAY, state="NL")
        clocks.cancel(work, [request.id])
    until(app, MONDAY + 72 * HOUR)
    with app.store.begin(write=False) as work:
        assert {one.state for one in clocks.view(work, request)} == {ClockState.CANCELLED}


def test_the_queue_shows_what_ends_first_page_by_page_and_only_ones_own(app: App) -> None:
    requests = made(app.store, 5)
    with app.store.begin() as work:
        for turn, request in enumerate(requests):
            clocks.begin(work, request, "remove", at=MONDAY + (turn % 2) * HOUR, state="NL")
            clocks.begin(work, request, "appeal", at=MONDAY, state="NL", length=days(14 + turn))
        clocks.meet(work, {requests[0].id: MONDAY}, kinds=["remove"])
    pages, after = [], None
    with app.store.begin(write=False) as work:
        while page := clocks.queue(work, AA, limit=2, after=after):
            pages += page
            after = (page[-1].strict_end, page[-1].id)
        assert clocks.queue(work, AgencyCode("BB")) == []
        with pytest.raises(Invalid):
            clocks.queue(work, AA, limit=0)
    assert len(pages) == 9
    assert [(one.strict_end, one.id) for one in pages] == sorted((one.strict_end, one.id) for one in pages)
    assert all(one.reference and one.source for one in pages)


def test_the_house_decides_whether_hours_are_stretched(app: App) -> None:
    friday = datetime(2026, 11, 27, 17, 20, tzinfo=UTC)
    plain, stretched = made(app.store, 2)
    with app.store.begin() as work:
        clocks.begin(work, plain, "ask-scrutiny", at=friday, state="NL")
    app.store.counting = "1182/71-stretched"
    with app.store.begin() as work:
        clocks.begin(work, stretched, "ask-scrutiny", at=friday, state="NL")
    assert seen(app.store, plain).legal_end == datetime(2026, 11, 29, 18, 0, tzinfo=UTC)
    assert seen(app.store, stretched).legal_end == datetime(2026, 11, 30, 23, 0, tzinfo=UTC)


def test_a_word_that_is_no_rule_is_refused_at_the_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "staydown.toml").write_text('counting = "by-feel"\n')
    app = open_app(home)
    with pytest.raises(Invalid, match="'by-feel'") as error:
        app.make(exercise=False)
    assert "1182/71-stretched" in error.value.hint
    app.close()


@law("Regulation (EU) 2021/784, Art. 3(9)")
def test_the_time_to_appeal_takes_its_length_from_the_order(app: App) -> None:
    (request,) = made(app.store)
    with app.store.begin() as work:
        clocks.begin(work, request, "appeal", at=MONDAY, state="NL", length=months(1))
    assert seen(app.store, request).legal_end == datetime(2026, 12, 23, 23, 0, tzinfo=UTC)


def test_what_comes_late_under_a_reminder_is_no_fault(app: App) -> None:
    (request,) = made(app.store)
    with app.store.begin() as work:
        clocks.begin(work, request, "copy", at=MONDAY, state="NL")
        clocks.meet(work, {request.id: MONDAY + 5 * HOUR}, kinds=["copy"])
    assert seen(app.store, request).state is ClockState.MET


@pytest.mark.parametrize("binding", [True, False])
def test_a_consent_to_an_order_that_ends_soon_calls_somebody(desk: Desk, binding: bool) -> None:
    settle_in(desk)
    items = ready(desk, desk.show("one"))
    request = drawn(desk, items).request if binding else desk.put(items).requests[0]
    desk.consent(request)
    with desk.store.begin() as work:
        work.queue.cancel(WorkKind.DISPATCH, [request.id])  # no worker takes it
    desk.later(hours=22)
    with desk.store.begin(write=False) as work:
        alarms = [one.text for one in work.duties.alarms(AA)]
    assert ["its approval ends at 2026-03-03T09:00:00Z" in text for text in alarms] == [True] * binding
    desk.later(hours=2)
    assert desk.request(request.id).state is RequestState.PROPOSED
