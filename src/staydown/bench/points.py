"""A worker killed, out of disk, on a failing disk, or paused at each named point of a request's way out, with each courier.

Where kills by the clock find what is likely, these find what is rare: the few microseconds between two steps.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from staydown.bench import checker
from staydown.bench.kill import STEP, arrived, finish, refill
from staydown.bench.postgres import databases
from staydown.bench.stage import LEASE_S, PLACES, Stage, stage
from staydown.bench.topics import Options, nothing
from staydown.bench.victim import ERRNOS, Victims
from staydown.core.errors import Invalid, Outside
from staydown.ports.tools import Point

TIMES = 20
SPARE = 24
FULL_S = 1.5
MEETS_S = 20.0
Part = Callable[[Stage, Victims, Sequence[str], int], dict[str, int]]
"""Lets a fault happen so many times; gives counts, and as `met_every_time` whether it really happened."""
FAULTS = ("kill", *ERRNOS)
"""What happens at every named point."""


def steps(options: Options) -> int:
    """Every part, with each courier."""
    return len(chosen(options)) * len(PLACES)


def chosen(options: Options) -> dict[str, Part]:
    """The parts that were asked for, by name.

    Raises:
        Invalid: There is no such part.
    """
    parts = {f"{fault}:{point.value}": at(point, fault) for fault in FAULTS for point in Point}
    parts |= {"full": full, "pause": pause}
    found = {name: part for name, part in parts.items() if options.only in {"", name, *name.split(":")}}
    if not found:
        raise Invalid(f"there is no part {options.only!r}", hint=f"There is: {', '.join(parts)}.")
    return found


def measure(options: Options) -> dict[str, object]:
    """Let each fault happen so many times at each point, with each courier."""
    times, parts = options.size or TIMES, chosen(options)
    began = time.monotonic()
    found: dict[str, Any] = {"database": "postgresql" if options.database or options.postgres else "sqlite"}
    with databases(options) as fresh:
        for courier in PLACES:
            with fresh() as address:
                home = options.scratch / f"points-{courier}"
                found[courier] = run(home, address, [courier], parts, times, options.progress)
    return {
        **found,
        "times_each": times,
        "holds": all(found[courier]["holds"] for courier in PLACES),
        "seconds": round(time.monotonic() - began, 1),
    }


def run(
    home: Path,
    address: str | None,
    couriers: Sequence[str],
    parts: Mapping[str, Part],
    times: int,
    progress: Callable[[int], None] = nothing,
) -> dict[str, Any]:
    """All faults in one store; judged after each, so that a broken rule names its fault."""
    found: dict[str, Any] = {}
    with stage(home, database=address, couriers=couriers) as scene, Victims(home, address) as victims:
        for name, part in parts.items():
            met = part(scene, victims, couriers, times)
            finish(scene, victims)
            verdict = checker.judge(scene.database, scene.approved, scene.arrivals, home)
            found[name] = {**met, "holds": bool(met["met_every_time"]) and checker.holds(verdict)}
            progress(1)
    keys = ("requests", "lost", "doubled", "repeats", "repeats_marked", "repeats_unmarked", "second_clocks")
    return {
        **{key: verdict[key] for key in keys},
        "holds": all(one["holds"] for one in found.values()),
        "ledger": verdict["ledger"],
        "faults": found,
    }


def at(point: Point, fault: str, *, naive: bool = False) -> Part:
    """The fault at one point, so many times; `naive`: to workers that never ask a receiver."""

    def part(scene: Stage, victims: Victims, couriers: Sequence[str], times: int) -> dict[str, int]:
        met = victims.faults()
        for _ in range(times):
            refill(scene, couriers, SPARE)
            before = victims.faults()
            pid = victims.begin(point=point.value, fault=fault, naive=naive)
            _until(lambda before=before: victims.faults() > before)  # type: ignore[misc]
            if fault in ERRNOS:
                time.sleep(0.2)
            victims.end(pid)
            if fault in ERRNOS:
                scene.later(STEP)  # what failed was put off
        faults = victims.faults() - met
        is_met = faults >= times if fault in ERRNOS else faults == times
        return {"times": times, "faults": faults, "met_every_time": is_met}

    return part


def full(scene: Stage, victims: Victims, couriers: Sequence[str], times: int) -> dict[str, int]:
    """The database takes nothing more: nothing may leave that the ledger does not know; then there is room again."""
    refill(scene, couriers, SPARE)
    before, met = len(scene.arrivals), victims.refused()
    with _no_room(scene):
        pid = victims.begin(full=True, seconds=FULL_S * 4)
        _until(lambda: victims.refused() > met)
        time.sleep(FULL_S)
        victims.end(pid)
        while_full = len(scene.arrivals) - before
        verdict = checker.judge(scene.database, scene.approved, scene.arrivals, scene.home)
    refused = victims.refused() - met
    return {
        "refused_writes": refused,
        "met_every_time": refused > 0,
        "arrived_meanwhile": while_full,
        "arrived_without_intent": int(str(verdict["arrived_without_intent"])),
        "waiting_after": checker.waiting(scene.database),
    }


@contextmanager
def _no_room(scene: Stage) -> Iterator[None]:
    """PostgreSQL says of every ledger entry what it says on a full disk; SQLite is held by the worker itself."""
    engine = scene.app.store.engine
    if engine.dialect.name == "sqlite":
        yield
        return
    made = (
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER no_room BEFORE INSERT ON ledger_entries EXECUTE FUNCTION no_room()",
    )
    _execute(engine, *made)
    try:
        yield
    finally:
        _execute(engine, "DROP TRIGGER no_room ON ledger_entries", "DROP FUNCTION no_room()")


def _execute(engine: Any, *statements: str) -> None:
    with engine.connect() as conn, conn.begin():
        for one in statements:
            conn.execute(text(one))


def pause(scene: Stage, victims: Victims, couriers: Sequence[str], times: int) -> dict[str, int]:
    """A worker stands still before it sends, longer than its lease; another takes over; the first goes on."""
    taken_over, times = 0, max(times // 4, 1)
    finish(scene, victims)
    for _ in range(times):
        scene.add(6, couriers)
        before = len(scene.arrivals)
        sleeper = victims.begin(point=Point.AFTER_INTENT.value, fault="stop", drain=True)
        if "stopped" not in victims.hear(MEETS_S):
            raise Outside("the worker did not come to the point at which it is paused")
        time.sleep(LEASE_S + 0.2)
        with Victims(scene.home, scene.app.settings.database or None) as others:
            other = others.begin(drain=True)
            taken_over += arrived(scene, before)
            if others.over() is None:
                others.end(other)
        os.kill(sleeper, signal.SIGCONT)
        if victims.over() is None:
            victims.end(sleeper)
    return {"times": times, "taken_over": taken_over, "met_every_time": taken_over == times}


def _until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + MEETS_S
    while not is_so():
        if time.monotonic() > ends:
            raise Outside("the fault was not met", hint="This machine is too busy for the measurement.")
        time.sleep(0.001)
