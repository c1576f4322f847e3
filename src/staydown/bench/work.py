"""Work: durable completions of our queue beside procrastinate on the same PostgreSQL, and how soon work is taken over.

A completion is a row leased and struck off: two transactions for a batch. The peer takes one job at a time; it gets
the settings with which it was fastest here. SQLite is measured for ours alone, for the peer needs PostgreSQL. Time goes
from the first row asked for to the last one struck off: neither side's start and end of a process count.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staydown.bench import base
from staydown.bench.postgres import server
from staydown.bench.topics import Options, peer, rate, ratio
from staydown.core.errors import Broken, Stale
from staydown.ports.work import Task, WorkKind
from staydown.worker import loop

if TYPE_CHECKING:
    from staydown.app import App
    from staydown.ports.tools import Tools
    from staydown.ports.work import Work

SIZE = 20_000
PEERS_SHARE = 10
"""The peer gets so many times fewer jobs, for it would take long."""
ROUNDS = 3
GOAL_PER_SECOND = 2_000
GOAL_TAKEOVER_S = 10
CONCURRENCY = 5
"""Jobs that one worker of the peer has in hand at a time."""


def steps(options: Options) -> int:
    """One and two workers in each round; SQLite; taking over on both."""
    return 2 * (options.rounds or ROUNDS) + 3


def measure(options: Options) -> Mapping[str, object]:
    """The figures of the queue.

    Raises:
        Outside: procrastinate or a PostgreSQL server is missing.
        Broken: A row was lost, or done twice.
    """
    procrastinate = peer("procrastinate")
    size, rounds = options.size or SIZE, options.rounds or ROUNDS
    peers_size = max(2, size // PEERS_SHARE)
    with (
        server(options) as found,
        found.database() as ours,
        found.database() as theirs,
        base.home(options.scratch / "pg", ours) as app,
    ):
        _prepare_peer(procrastinate, theirs)
        one, two, one_by_one = _in_turns(app, theirs, size, peers_size, rounds, options.progress)
        durability = _durability(app)
        takeover = {"postgresql": _takeover(app, options.scratch / "pg", ours, size)}
        options.progress(1)
    with base.home(options.scratch / "sqlite", None) as app:
        sqlite = [[_drained(app, size, workers) for _ in range(rounds)] for workers in (1, 2)]
        options.progress(1)
        takeover["sqlite"] = _takeover(app, options.scratch / "sqlite", None, size)
        options.progress(1)
    return {
        **two,
        "goal": GOAL_PER_SECOND,
        "goal_is": "completions a second at least",
        "unit": "durable completions a second, two workers, PostgreSQL",
        "rows": size,
        "peers_jobs": peers_size,
        "batch": app.settings.batch,
        "rounds": rounds,
        "one_worker": one,
        "two_workers": two,
        "one_worker_one_row_at_a_time": one_by_one,
        "sqlite": {"one_worker": rate(size, sqlite[0]), "two_workers": rate(size, sqlite[1])},
        "postgresql": durability,
        "takeover_seconds": {name: found["killed_s"] for name, found in takeover.items()},
        "takeover": takeover,
        "goal_takeover_s": GOAL_TAKEOVER_S,
    }


def _in_turns(
    app: App, theirs: str, size: int, peers_size: int, rounds: int, progress: Callable[[int], None]
) -> list[dict[str, float]]:
    """One worker, then two, then one that takes one row at a time; ours and the peer's by turns."""
    mine: dict[int, list[float]] = {1: [], 2: []}
    peers: dict[int, list[float]] = {1: [], 2: []}
    single: list[float] = []
    for workers in (1, 2):
        for _ in range(rounds):
            mine[workers].append(_drained(app, size, workers) / size)
            peers[workers].append(_peer_drained(theirs, peers_size, workers, app.settings.home) / peers_size)
            if workers == 1:
                single.append(_drained(app, peers_size, 1, batch=1) / peers_size)
            progress(1)
    return [
        {"ours": rate(1, ours), "peer": rate(1, other), "ratio": ratio(other, ours)}
        for ours, other in ((mine[1], peers[1]), (mine[2], peers[2]), (single, peers[1]))
    ]


def _durability(app: App) -> dict[str, str]:
    with app.store.engine.connect() as conn:
        return {
            name: str(conn.exec_driver_sql(f"SHOW {name}").scalar_one())
            for name in ("server_version", "fsync", "synchronous_commit")
        }


# --- throughput ----------------------------------------------------------------------------------------


def _raced(target: Callable[..., None], workers: int, place: Path, *given: object) -> float:
    """Seconds from the first row that one of some processes asks for until the last one is struck off."""
    place.mkdir()
    processes = [base.spawned(target, place, number, *given) for number in range(workers)]
    base.wait_for(lambda: len(list(place.glob("ready-*"))) == workers)
    (place / "go").touch()
    for process in processes:
        process.join()
    return _span(place, workers)


def _span(place: Path, workers: int) -> float:
    spans = [json.loads(file.read_text()) for file in place.glob("done-*")]
    if len(spans) != workers:
        raise Broken("a worker process failed")
    return float(max(end for _, end in spans) - min(begin for begin, _ in spans))


def _at_the_start(place: Path, number: int) -> None:
    (place / f"ready-{number}").touch()
    base.wait_for((place / "go").exists, every_s=0.0005)


def _at_the_end(place: Path, number: int, began: float, ended: float) -> None:
    (place / f"part-{number}").write_text(json.dumps([began, ended]))
    (place / f"part-{number}").rename(place / f"done-{number}")


def _place(home: Path) -> Path:
    """A folder that is not there yet."""
    return home / f"round-{time.monotonic_ns()}"


def _drained(app: App, size: int, workers: int, *, batch: int | None = None) -> float:
    with app.store.begin() as work:
        work.queue.add(WorkKind.CHECK, range(1, size + 1), due_at=work.now)
    home, address = app.settings.home, app.settings.database or None
    seconds = _raced(drain, workers, _place(home), home, address, batch or app.settings.batch)
    with app.store.begin(write=False) as work:
        if work.queue.next_due() is not None:
            raise Broken("rows of work are left")
    return seconds


def drain(place: Path, number: int, home: Path, address: str | None, batch: int) -> None:
    """Lease and strike off, batch by batch, until nothing is left; in a process of its own."""
    from staydown.app import open_app

    app = open_app(home, database=address)
    name, lease = loop.worker_name(), app.settings.lease

    def leased() -> list[Task]:
        with app.store.begin() as work:
            return work.queue.lease(by=name, limit=batch, lease=lease)

    def is_over() -> bool:
        with app.store.begin(write=False) as work:
            return work.queue.next_due() is None

    with app.store.begin(write=False) as work:
        work.queue.waiting()  # connected before the start
    _at_the_start(place, number)
    began = ended = time.monotonic()
    while (tasks := leased()) or not is_over():
        with app.store.begin() as work:
            work.queue.done(tasks)
        ended = time.monotonic()
    _at_the_end(place, number, began, ended)
    app.close()


# --- the peer --------------------------------------------------------------------------------------------


def _peer_app(address: str) -> tuple[Any, Any]:
    """The peer's app and its one task, which does nothing."""
    import procrastinate

    conninfo = address.replace("postgresql+psycopg://", "postgresql://")
    made = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo))

    async def nothing() -> None:
        """Do nothing."""

    return made, made.task(name="nothing")(nothing)


def _prepare_peer(_: object, address: str) -> None:
    async def prepare() -> None:
        app, _ = _peer_app(address)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()

    asyncio.run(prepare())


def _peer_drained(address: str, jobs: int, workers: int, home: Path) -> float:
    async def add() -> None:
        app, task = _peer_app(address)
        async with app.open_async():
            await task.batch_defer_async(*({} for _ in range(jobs)))

    asyncio.run(add())
    return _raced(peer_drain, workers, _place(home), address)


def peer_drain(place: Path, number: int, address: str) -> None:
    """The peer's worker, until nothing is left; in a process of its own."""
    at: list[float] = []

    async def drain() -> None:
        app, _ = _peer_app(address)
        _clocked(app.job_manager, at)
        async with app.open_async():
            _at_the_start(place, number)
            await app.run_worker_async(
                wait=False,
                concurrency=CONCURRENCY,
                listen_notify=False,
                delete_jobs="successful",
                install_signal_handlers=False,
            )

    asyncio.run(drain())
    _at_the_end(place, number, at[0], at[-1])


def _clocked(manager: Any, at: list[float]) -> None:
    """Note when the peer first asks for a job and when it has struck one off: it is not charged with more."""
    fetch, finish = manager.fetch_job, manager.finish_job

    async def fetched(**given: Any) -> Any:
        if not at:
            at.append(time.monotonic())
        return await fetch(**given)

    async def finished(**given: Any) -> None:
        await finish(**given)
        at.append(time.monotonic())

    manager.fetch_job, manager.finish_job = fetched, finished


# --- taking over -----------------------------------------------------------------------------------------


def _takeover(app: App, home: Path, address: str | None, size: int) -> dict[str, object]:
    rows = min(size, app.settings.batch)
    killed_s, _ = _interrupted(app, home, address, rows, signal.SIGKILL)
    paused_s, said = _interrupted(app, home, address, rows, signal.SIGSTOP)
    return {
        "rows": rows,
        "lease_s": app.settings.lease.total_seconds(),
        "killed_s": killed_s,
        "paused_s": paused_s,
        "paused_then": said,
    }


def _interrupted(
    app: App, home: Path, address: str | None, rows: int, how: signal.Signals
) -> tuple[float, dict[str, str]]:
    """Interrupt a worker with rows in hand; gives the seconds until another one has done them all."""
    place = _place(home)
    place.mkdir()
    second = base.spawned(labour, place, home, address, False)
    base.wait_for((place / "up").exists)
    first = base.spawned(labour, place, home, address, True)
    with app.store.begin() as work:
        work.queue.add(WorkKind.CHECK, range(1, rows + 1), due_at=work.now)
    base.wait_for((place / "in-hand").exists)
    os.kill(first.pid or 0, how)  # the lease has just begun: nobody waits longer than this
    began = time.monotonic()
    (place / "go").touch()

    def is_done() -> bool:
        with app.store.begin(write=False) as work:
            return work.queue.next_due() is None

    base.wait_for(is_done, every_s=0.01)
    seconds = round(time.monotonic() - began, 2)
    said: dict[str, str] = {}
    if how is signal.SIGSTOP:
        (place / "resume").touch()
        os.kill(first.pid or 0, signal.SIGCONT)
        base.wait_for((place / "said").exists)
        said = dict(line.split() for line in (place / "said").read_text().splitlines())
    (place / "stop").touch()
    for process in (first, second):
        process.join()
    done = Counter((place / "done").read_text().split())
    if len(done) != rows or set(done.values()) != {1}:
        raise Broken(f"of {rows} rows {len(done)} were done, some of them {max(done.values())} times")
    return seconds, said


def labour(place: Path, home: Path, address: str | None, hangs: bool) -> None:
    """Be a worker until the file `stop` is there; one that hangs takes a batch and does nothing with it."""
    from staydown.app import open_app
    from staydown.store.engine import wait_for_work

    app = open_app(home, database=address)
    loop.VERBS = {**loop.VERBS, WorkKind.CHECK: partial(_hang if hangs else _strike_off, place)}
    if not hangs:
        (place / "up").touch()
        base.wait_for((place / "go").exists)
    for _ in loop.labour(
        app.tools,
        loop.worker_name(),
        wait=lambda seconds: wait_for_work(app.store.engine, seconds),
        stop=(place / "stop").exists,
    ):
        pass
    app.close()


def _strike_off(place: Path, tools: Tools, tasks: Sequence[Task]) -> None:
    with tools.begin() as work:
        work.queue.done(tasks)
    with (place / "done").open("a") as file:
        file.writelines(f"{task.subject}\n" for task in tasks)


def _hang(place: Path, tools: Tools, tasks: Sequence[Task]) -> None:
    """Hold rows; when told to go on, say what came of confirming them and of striking them off."""
    (place / "in-hand").touch()
    base.wait_for((place / "resume").exists)
    acts: Mapping[str, Callable[[Work], None]] = {
        "confirm": lambda work: work.queue.confirm(tasks, lease=tools.settings.lease),
        "done": lambda work: work.queue.done(tasks),
    }
    lines = []
    for name, act in acts.items():
        try:
            with tools.begin() as work:
                act(work)
            lines.append(f"{name} counted")
        except Stale:
            lines.append(f"{name} stale")
    (place / "said-part").write_text("\n".join(lines))
    (place / "said-part").rename(place / "said")


__all__ = ["drain", "labour", "measure", "peer_drain"]
