"""Clocks: many pending, some of them due within seconds, rung by a real worker; then once more with the worker killed.

Lateness is measured to the end of the round that committed the lapse, by wall time, from the instant due.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import statistics
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from staydown.bench import base
from staydown.bench.postgres import databases
from staydown.bench.topics import Options
from staydown.core.errors import Broken, Outside
from staydown.core.ids import RequestId
from staydown.core.states import ClockState
from staydown.core.time import iso, parse
from staydown.flow import clocks
from staydown.law.claims import Step
from staydown.law.counting import Rule
from staydown.law.periods import ACT, Period
from staydown.law.register import REMOVE
from staydown.ports.clocks import ClockNote, NewClock
from staydown.ports.work import Task, Work, WorkKind
from staydown.worker import loop

if TYPE_CHECKING:
    from staydown.app import App
    from staydown.ports.tools import Tools

SIZE = 100_000
DUE_SHARE = 20
"""One clock in so many falls due during a run."""
WINDOW = timedelta(seconds=10)
LEAD = timedelta(seconds=5)
"""Time to write down the clocks before the first of them ends."""
STEPS = 200
"""At most so many different ends within the window; clocks share them."""
ORDER_SHARE = 50
"""One request in so many is an order whose clock was suspended: among those that fall due it began anew."""
PART = 1_000
MIDDLE_S = 5.0
"""When the worker is killed, counted from the first end."""
GOAL_RUNNING_S = 1.0
GOAL_RESTART_S = 5.0


def steps(options: Options) -> int:
    """The parts of the pending clocks, and both runs."""
    return -(-((options.size or SIZE) // 2) // PART) + 2


def measure(options: Options) -> Mapping[str, object]:
    """The figures of the clocks, on SQLite or on PostgreSQL.

    Raises:
        Broken: A clock was lost, or rung twice.
    """
    with databases(options) as fresh, fresh() as address:
        return _measure(options, options.size or SIZE, address)


def _measure(options: Options, size: int, address: str | None) -> Mapping[str, object]:
    folder = options.scratch / "home"
    with base.home(folder, address) as app:
        due = max(1, size // DUE_SHARE)
        _pending(app, size // 2, options.progress)  # each request has two clocks
        running = _one_worker(app, folder, address, due, first=size)
        options.progress(1)
        restarted = _killed_and_restarted(app, folder, address, due, first=size + due)
        options.progress(1)
        return {
            "database": app.store.engine.dialect.name,
            "pending": size,
            "due": due,
            "suspended": -(-(size // 2) // ORDER_SHARE),
            "restarted_among_due": -(-due // ORDER_SHARE),
            "window_s": WINDOW.total_seconds(),
            "running": running,
            "restarted": restarted,
            "goal": {"running": GOAL_RUNNING_S, "restarted": GOAL_RESTART_S},
            "goal_is": "worst_s at most, with 100,000 pending",
        }


def _pending(app: App, requests: int, progress: Callable[[int], None]) -> None:
    """Clocks that end long after the measurement."""
    for first in range(1, requests + 1, PART):
        with app.store.begin() as work:
            made = base.running_requests(work, min(PART, requests + 1 - first), first=first)
            later = work.now + timedelta(hours=first % 900)
            clocks.start(work, [(one, later) for one in made], place="AA")
            _claimed(work, [one.id for one in made[::ORDER_SHARE]], {})
        progress(1)


def _soon(app: App, count: int, *, first: int) -> dict[int, datetime]:
    """Requests whose clock ends within the window that begins shortly; the ends, by request.

    Raises:
        Outside: The machine was too slow to write them before the first end.
    """
    with app.store.begin() as work:
        made = [request.id for request in base.running_requests(work, count, first=first)]
    share = -(-count // STEPS)
    apart = WINDOW / -(-count // share)
    begins = datetime.now(UTC) + LEAD
    ends = {request: begins + place // share * apart for place, request in enumerate(made)}
    with app.store.begin() as work:
        orders = dict(list(ends.items())[::ORDER_SHARE])
        work.clocks.start(
            [_new_clock(request, end) for request, end in ends.items() if request not in orders]
        )
        _claimed(work, list(orders), orders)
        due: dict[datetime, list[int]] = defaultdict(list)
        for clock in work.clocks.running(made):
            due[clock.strict_end].append(clock.id)
        for end, ids in due.items():
            work.queue.add(WorkKind.CLOCK, ids, due_at=end, priority=0)
    if datetime.now(UTC) > begins:
        raise Outside(
            "the clocks were not written before the first of them ended", hint="Try a smaller --size."
        )
    return {int(request): end for request, end in ends.items()}


def _claimed(work: Work, requests: Sequence[RequestId], ends: Mapping[RequestId, datetime]) -> None:
    """Clocks of orders that a provider's claim has stopped; those with an end began anew and end there."""
    work.clocks.start([_new_clock(one, ends.get(one, work.now + WINDOW), kind=REMOVE) for one in requests])
    for clock in work.clocks.running(requests):
        if clock.kind != REMOVE.name:
            continue
        begun = {"clock": clock.id, "at": work.now, "instant": clock.started_at, "by": "", "text": ""}
        both = {"strict_end": clock.strict_end, "legal_end": clock.legal_end, "rule": Rule.UNION.value}
        steps = [(Step.BEGUN, both), (Step.SUSPENDED, {})]
        if clock.request in ends:
            steps.append((Step.RESTARTED, both))
        work.clocks.note([ClockNote(step=step.value, **begun, **more) for step, more in steps])  # type: ignore[arg-type]
        state = ClockState.RUNNING if clock.request in ends else ClockState.SUSPENDED
        work.clocks.turn(clock, state, strict_end=clock.strict_end, legal_end=clock.legal_end)


def _new_clock(request: RequestId, end: datetime, *, kind: Period = ACT) -> NewClock:
    return NewClock(
        request=request,
        agency=base.PERSON.agency,
        kind=kind.name,
        party=kind.party.value,
        place="AA",
        source=kind.source,
        started_at=end - kind.span,
        strict_end=end,
        legal_end=end,
    )


# --- the two runs --------------------------------------------------------------------------------------


def _one_worker(app: App, folder: Path, address: str | None, count: int, *, first: int) -> dict[str, object]:
    place = folder / "one"
    place.mkdir()
    worker = base.spawned(labour, folder, address, place, False)
    base.wait_for((place / "up").exists)
    ends = _soon(app, count, first=first)
    _until_rung(app, ends)
    (place / "stop").touch()
    worker.join()
    cpu_s = float((place / "cpu").read_text())
    return {**_lateness(app, place, ends), "cpu_s": round(cpu_s, 2)}


def _killed_and_restarted(
    app: App, folder: Path, address: str | None, count: int, *, first: int
) -> dict[str, object]:
    place = folder / "two"
    place.mkdir()
    worker = base.spawned(labour, folder, address, place, True)
    base.wait_for((place / "up").exists)
    ends = _soon(app, count, first=first)
    from_ = min(ends.values()) + timedelta(seconds=MIDDLE_S)
    (place / "part").write_text(iso(from_))
    (place / "part").rename(place / "dies-from")
    base.wait_for((place / "in-hand").exists)
    os.kill(worker.pid or 0, signal.SIGKILL)
    killed_at = datetime.now(UTC)
    worker.join()
    (place / "up").unlink()
    second = base.spawned(labour, folder, address, place, False)
    base.wait_for((place / "up").exists)
    up_again_s = (datetime.now(UTC) - killed_at).total_seconds()
    _until_rung(app, ends)
    (place / "stop").touch()
    second.join()
    return {
        **_lateness(app, place, ends),
        "killed_with_clocks_in_hand": int((place / "in-hand").read_text()),
        "killed_after_s": round((killed_at - min(ends.values())).total_seconds(), 2),
        "up_again_after_s": round(up_again_s, 2),
        "lease_s": loop.LEASES[WorkKind.CLOCK].total_seconds(),
    }


def _until_rung(app: App, ends: Mapping[int, datetime]) -> None:
    last = max(ends.values())

    def rung() -> bool:
        if datetime.now(UTC) <= last:
            return False
        with app.store.begin(write=False) as work:
            return work.queue.waiting() == 0

    base.wait_for(rung, every_s=0.1)


def _lateness(app: App, place: Path, ends: Mapping[int, datetime]) -> dict[str, object]:
    """How late each clock's lapse was committed, from the ledger and the workers' notes of their rounds."""
    rounds = sorted(float(line) for file in place.glob("*.rounds") for line in file.read_text().split())
    rung: dict[int, float] = {}
    with app.store.begin(write=False) as work:
        for line in work.ledger.lines():
            if b'"request:clock:lapsed"' not in line.entry:
                continue
            entry = json.loads(line.entry)
            request = int(entry["subject"].removeprefix("request:"))
            if request in ends:
                if request in rung:
                    raise Broken(f"the clock of request {request} was rung twice")
                rung[request] = _committed(parse(entry["at"]).timestamp(), rounds) - ends[request].timestamp()
    if len(rung) != len(ends):
        raise Broken(f"{len(ends) - len(rung)} clocks were never rung")
    late = list(rung.values())
    return {
        "rung": len(rung),
        "p50_s": round(statistics.median(late), 3),
        "p99_s": round(base.quantile(late, 0.99), 3),
        "worst_s": round(max(late), 3),
        "earliest_s": round(min(late), 3),
    }


def _committed(at: float, rounds: Sequence[float]) -> float:
    """When the round that began its transaction at an instant was over; that instant where it was not noted."""
    after = bisect_left(rounds, at)
    return rounds[after] if after < len(rounds) else at


# --- in a process of its own -----------------------------------------------------------------------------


def labour(folder: Path, address: str | None, place: Path, dies: bool) -> None:
    """Work until the file `stop` is there; notes when each round was over.

    Args:
        dies: From the instant in the file `dies-from` on, take clocks, say so in the file `in-hand`, and hang until
            killed.
    """
    from staydown.app import open_app
    from staydown.store.engine import wait_for_work

    app = open_app(folder, database=address)
    if dies:
        loop.VERBS = {**loop.VERBS, WorkKind.CLOCK: partial(_die, clocks.run, place)}
    tools = app.tools
    (place / "up").touch()
    stop = (place / "stop").exists
    with (place / f"{os.getpid()}.rounds").open("a") as file:
        for taken in loop.labour(
            tools,
            loop.worker_name(),
            wait=lambda seconds: wait_for_work(app.store.engine, seconds),
            stop=stop,
        ):
            if taken:
                file.write(f"{time.time()}\n")
                file.flush()
    used = resource.getrusage(resource.RUSAGE_SELF)
    (place / "cpu").write_text(str(used.ru_utime + used.ru_stime))
    app.close()


def _die(
    run: Callable[[Tools, Sequence[Task]], None], place: Path, tools: Tools, tasks: Sequence[Task]
) -> None:
    told = place / "dies-from"
    if not told.exists() or datetime.now(UTC) < parse(told.read_text()):
        run(tools, tasks)
        return
    (place / "part").write_text(str(len(tasks)))
    (place / "part").rename(place / "in-hand")
    time.sleep(base.PATIENCE_S)


__all__ = ["labour", "measure"]
