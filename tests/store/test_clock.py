"""A wrong clock: deadlines do not move, and somebody gets to know."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from staydown.app import App, open_app
from staydown.bench.base import PERSON, running_requests
from staydown.cli.doctor import examine
from staydown.core.states import ClockState
from staydown.flow import clocks
from staydown.ports.work import WorkKind
from staydown.store import tables
from staydown.store.engine import Store
from staydown.worker import loop

HOURS = timedelta(hours=1)
Deadlines = list[tuple[object, ...]]


@pytest.fixture
def app(tmp_path: Path, database: str | None) -> Iterator[App]:
    """A real store, with one person."""
    made = open_app(tmp_path / "home", database=database)
    made.__dict__["store"] = made.make(exercise=False, origin="clock.example")
    with made.store.begin() as work:
        work.people.add_agencies([PERSON.agency])
        work.people.add(PERSON)
    yield made
    made.close()


def started(store: Store, at: datetime) -> None:
    """Start both clocks of one request that was received at an instant."""
    with store.begin() as work:
        clocks.start(work, [(one, at) for one in running_requests(work, 1)], place="AA")


def deadlines(store: Store) -> Deadlines:
    """Every clock with its ends, and the instant at which its row of work is due."""
    kept, due = tables.clocks, tables.work
    statement = (
        select(kept.c.id, kept.c.started_at, kept.c.strict_end, kept.c.legal_end, due.c.due_at)
        .outerjoin(due, (due.c.subject == kept.c.id) & (due.c.kind == WorkKind.CLOCK.value))
        .order_by(kept.c.id)
    )
    with store.begin(write=False) as work:
        return [tuple(row) for row in work.conn.execute(statement)]


def states(store: Store) -> list[ClockState]:
    with store.begin(write=False) as work:
        return [one.state for one in work.clocks.listed()]


def set_clock(store: Store, by: timedelta) -> None:
    """Step the wall clock of this machine, as this store sees it."""
    store.real_now = lambda: datetime.now(UTC) + by


@pytest.mark.parametrize("hours", [-2, 2, -24 * 100, 24 * 100])
def test_stepping_the_wall_clock_moves_no_deadline(app: App, hours: int) -> None:
    store = app.store
    now = datetime.now(UTC)
    later = now + (abs(hours) + 1) * HOURS
    is_near = abs(hours) < 24  # our own day of follow-up begins now; no step here may ring anything
    if is_near:
        started(store, later)
    with store.begin() as work:  # one that stands still, one that began anew, and one counted by the calendar
        for request in running_requests(work, 2, first=10):
            clock = clocks.begin(work, request, "remove", at=later, state="NL")
            clocks.suspend(work, clock, claimed_at=later, ground="made up", by=PERSON)
            if request.id == 11:
                clocks.restart(work, clock, at=later + HOURS, ground="made up", by=PERSON)
            clocks.begin(work, request, "preserve", at=later, state="GR")
        work.queue.cancel(WorkKind.ALARM, [one.id for one in work.duties.alarms(PERSON.agency)])
    before = deadlines(store)
    set_clock(store, hours * HOURS)
    assert loop.once(app.tools, "worker") == 0
    with store.begin() as work:
        assert abs(work.now - now - hours * HOURS) < HOURS / 2, "the step reached the store"
        work.ledger.append("item:test:made", "item:1", {})
    set_clock(store, timedelta(0))
    assert loop.once(app.tools, "worker") == 0
    assert deadlines(store) == before
    assert sorted(states(store)) == [ClockState.RUNNING] * (5 if is_near else 3) + [ClockState.SUSPENDED]


def test_a_clock_that_goes_slow_rings_at_the_instant_laid_down(app: App) -> None:
    started(app.store, datetime.now(UTC) - 2 * HOURS)  # ended an hour ago by the true clock
    before = deadlines(app.store)
    set_clock(app.store, -2 * HOURS)
    assert loop.once(app.tools, "worker") == 0, "by this clock the end is an hour away"
    set_clock(app.store, timedelta(0))
    assert loop.once(app.tools, "worker") == 1
    assert [row[1:4] for row in deadlines(app.store)] == [row[1:4] for row in before]
    assert sorted(states(app.store)) == [ClockState.LAPSED, ClockState.RUNNING]


@pytest.fixture
def _amsterdam() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Amsterdam"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("_amsterdam")
@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC),  # an hour is left out on clocks in Amsterdam
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # an hour comes twice
        datetime(2016, 12, 31, 23, 30, tzinfo=UTC),  # a leap second follows before the end
        datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),  # a new year
    ],
)
def test_daylight_changes_and_leap_seconds_change_no_length(app: App, at: datetime) -> None:
    app.store.real_now = lambda: at
    started(app.store, at)
    lengths = {(strict - begun, due) for _, begun, strict, _, due in deadlines(app.store)}  # type: ignore[operator]
    assert {length for length, _ in lengths} == {HOURS, 24 * HOURS}
    with app.store.begin(write=False) as work:
        rows = work.clocks.listed()
    assert [row.strict_end for row in rows] == [at + HOURS, at + 24 * HOURS]
    assert all(row.strict_end.utcoffset() == timedelta(0) for row in rows)


# --- the doctor ---------------------------------------------------------------------------------------


def finding(app: App) -> tuple[bool, str]:
    return next((one.ok, one.detail) for one in examine(app) if one.check == "clock")


def test_the_doctor_is_content_with_a_right_clock(app: App) -> None:
    assert finding(app)[0]


def test_the_doctor_finds_a_clock_before_the_newest_record(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(app.store, -2 * HOURS)
    monkeypatch.setattr(Store, "clock_ahead", lambda _: timedelta(0))  # the server's clock is wrong as well
    is_ok, detail = finding(app)
    assert not is_ok
    assert "before the newest record" in detail


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_the_doctor_finds_a_clock_ahead_of_the_servers(app: App) -> None:
    set_clock(app.store, timedelta(seconds=3))
    is_ok, detail = finding(app)
    assert not is_ok
    assert "ahead of the database server" in detail
    set_clock(app.store, timedelta(seconds=1))
    assert finding(app)[0]


# --- the worker ---------------------------------------------------------------------------------------


class Hands:
    """Wall and steady time, set by hand."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000.0, 50.0

    def watch(self) -> loop.WallWatch:
        return loop.WallWatch(lambda: self.wall, lambda: self.steady)

    def go(self, wall: float, steady: float) -> None:
        self.wall += wall
        self.steady += steady


@pytest.mark.parametrize(("wall", "alarm"), [(12.1, "+2.1"), (7205, "+7195.0"), (-7190, "-7200.0")])
def test_a_jump_of_the_wall_clock_is_an_alarm_once(
    wall: float, alarm: str, caplog: pytest.LogCaptureFixture
) -> None:
    hands = Hands()
    watch = hands.watch()
    hands.go(wall, 10)
    with caplog.at_level(logging.ERROR, logger="staydown.worker"):
        assert watch.step()
        assert not watch.step()
    assert [one.getMessage() for one in caplog.records] == [f"clock.stepped seconds={alarm}"]


def test_time_that_goes_by_and_small_corrections_are_none(caplog: pytest.LogCaptureFixture) -> None:
    hands = Hands()
    watch = hands.watch()
    for wall, steady in ((3600, 3600), (0.5, 0.5), (1.9, 0.0), (0.0, 1.9)):
        hands.go(wall, steady)
        assert not watch.step()
    assert caplog.records == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_after_a_step_nothing_is_taken_for_one_lease(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases of others seem to have run out then, while their holders may be sending."""
    hands, waits, taken_after = Hands(), [], []
    watch = hands.watch()
    monkeypatch.setattr(loop, "wait_out", lambda length, *_: waits.append(length))
    monkeypatch.setattr(loop, "once", lambda *_: taken_after.append(len(waits)) or 0)
    rounds = iter([False, False, True])
    hands.go(7200, 0)
    assert list(loop.labour(app.tools, "w", wait=lambda _: None, stop=lambda: next(rounds), watch=watch)) == [
        0
    ]
    assert waits == [app.settings.lease]
    assert taken_after == [1], "the first round only waits"


# --- leases -------------------------------------------------------------------------------------------


def test_only_what_acts_on_nothing_outside_has_a_short_lease(app: App) -> None:
    short = {kind for kind in WorkKind if loop.lease_of(app.tools, kind) < app.settings.lease}
    assert short == {WorkKind.CLOCK, WorkKind.EXPIRE, WorkKind.HOLD}


def test_a_row_is_leased_for_as_long_as_its_kind_says(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    store, due = app.store, tables.work
    seen: dict[str, timedelta] = {}

    def look(tools: object, tasks: object) -> None:
        with store.begin(write=False) as work:
            for row in work.conn.execute(select(due.c.kind, due.c.lease_until).where(due.c.lease_by == "w")):
                seen[row.kind] = row.lease_until - work.real_now
            work.conn.rollback()
        with store.begin() as work:
            work.queue.done(tasks)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "VERBS", dict.fromkeys(WorkKind, look))
    with store.begin() as work:
        for kind in (WorkKind.CLOCK, WorkKind.DISPATCH):
            work.queue.add(kind, [1], due_at=work.now)
    assert loop.once(app.tools, "w") + loop.once(app.tools, "w") == 2
    assert seen["clock"] <= timedelta(seconds=2) < seen["dispatch"] <= app.settings.lease
