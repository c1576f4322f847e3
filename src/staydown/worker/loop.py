"""The loop: lease, act, again. Any number of processes may run it on one store."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from staydown.core.errors import Broken, Collision, Outside, StaydownError
from staydown.core.text import clean
from staydown.flow import (
    answer,
    approve,
    clocks,
    deconflict,
    dispatch,
    duty,
    letters,
    look,
    preserve,
    tell,
    verify,
    withdraw,
)
from staydown.ports.tools import Tools
from staydown.ports.work import Task, WorkKind

log = logging.getLogger("staydown.worker")

VERBS: Mapping[WorkKind, Callable[[Tools, Sequence[Task]], None]] = {
    WorkKind.PRESERVE: preserve.run,
    WorkKind.DISPATCH: dispatch.run,
    WorkKind.WITHDRAWAL: withdraw.run,
    WorkKind.ASK: answer.run,
    WorkKind.CHECK: verify.run,
    WorkKind.CLOCK: clocks.run,
    WorkKind.EXPIRE: approve.run,
    WorkKind.HOLD: deconflict.run,
    WorkKind.ALARM: duty.run,
    WorkKind.WARN: duty.warn,
    WorkKind.SEAL: look.run,
    WorkKind.LETTER: letters.run,
    WorkKind.TELL: tell.run,
}
LIMITS: Mapping[WorkKind, int] = {
    WorkKind.WITHDRAWAL: 8,
    WorkKind.LETTER: 8,
    WorkKind.DISPATCH: 32,
    WorkKind.TELL: 1,
}
"""Kinds whose batches stay small, so that little is in doubt if a process dies."""
LEASES: Mapping[WorkKind, timedelta] = dict.fromkeys(
    (WorkKind.CLOCK, WorkKind.EXPIRE, WorkKind.HOLD), timedelta(seconds=2)
)
"""Kinds that act on nothing outside: each is one transaction that begins by striking its rows off.

Whoever lost such a row changes nothing, so their leases need not outlive a send, and a dead worker's clocks
ring soon.
"""
STEP = timedelta(seconds=2)
"""How far wall and steady time may come apart between two looks before somebody has to know."""
PAUSE_S = 0.25
"""Between two looks for work when there was none."""
RETRY = timedelta(minutes=1)
"""After a batch failed as a whole."""
OWN_ERROR = "work.own_error"
"""What the log calls a failure that no neighbour and no input explains."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 30.0
"""How long to wait for a database that gives trouble: doubled each time."""


def worker_name() -> str:
    """A name for this worker that no other one has."""
    return f"{socket.gethostname()[:20]}:{os.getpid()}:{secrets.token_hex(3)}"


Note = Callable[[WorkKind, int, float], None]
"""Is told of every batch: its kind, how many rows it had, and how many seconds it took."""


def once(tools: Tools, name: str, *, spent: Note | None = None, batch: int | None = None) -> int:
    """Take one batch of due work and do it; gives how many rows were taken.

    What fails is put off and said in the log; what another worker took over is left to it.

    Raises:
        Broken: Evidence or ledger does not verify: stop, and call a person.
    """
    with tools.begin() as work:
        tasks = work.queue.lease(
            by=name,
            limits=LIMITS,
            limit=batch or tools.settings.batch,
            lease=tools.settings.lease,
            leases={kind: lease_of(tools, kind) for kind in LEASES},
        )
    if not tasks:
        return 0
    began = time.monotonic()
    with Renewal(tools, tasks):
        _do(tools, tasks)
    if spent is not None:
        spent(tasks[0].kind, len(tasks), time.monotonic() - began)
    return len(tasks)


def lease_of(tools: Tools, kind: WorkKind) -> timedelta:
    """How long a worker may keep rows of a kind without a word."""
    return min(tools.settings.lease, LEASES.get(kind, tools.settings.lease))


def _do(tools: Tools, tasks: Sequence[Task]) -> None:
    """Do a batch; if it fails as a whole, its rows one by one, so that one bad row holds up no other.

    Raises:
        Broken: Evidence or ledger does not verify.
    """
    kind = tasks[0].kind
    try:
        VERBS[kind](tools, tasks)
    except Broken:
        raise
    except Exception as error:  # noqa: BLE001  # the outer wall: whatever one row brings, the others go on
        _complain(kind, len(tasks), error)
        still = _held(tools, tasks)
        if isinstance(error, Collision):
            _put_off(tools, still, str(error), wait=timedelta(0))
            return
        passing = isinstance(error, OSError) or (isinstance(error, Outside) and not error.permanent)
        if len(tasks) > 1 and not passing:
            for task in still:
                _do(tools, [task])
        else:
            _put_off(tools, still, str(error))


def _complain(kind: WorkKind, rows: int, error: Exception) -> None:
    """Say that a batch failed; an error of this program's own comes with the way there."""
    is_ours = not isinstance(error, (StaydownError, OSError))
    log.error(
        "%s kind=%s rows=%d reason=%s: %s",
        OWN_ERROR if is_ours else "work.failed",
        kind.value,
        rows,
        type(error).__name__,
        error,
        exc_info=error if is_ours else None,
    )


def _held(tools: Tools, tasks: Sequence[Task]) -> list[Task]:
    try:
        with tools.begin(write=False) as work:
            return work.queue.held(tasks)
    except (Collision, Outside) as error:  # the leases run out by themselves
        log.error("work.held_failed reason=%s", error)
        return []


class Renewal:
    """Holds on to leases while their batch is being worked on, from a thread of its own.

    A process that dies takes the thread with it, so its rows are free again within one lease.
    """

    def __init__(self, tools: Tools, tasks: Sequence[Task]) -> None:
        self._tools, self._tasks = tools, tasks
        self._lease = lease_of(tools, tasks[0].kind)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="staydown-lease", daemon=True)

    def __enter__(self) -> Renewal:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        every = self._lease.total_seconds() / 3
        while not self._over.wait(every):
            try:
                with self._tools.begin() as work:
                    work.queue.renew(self._tasks, lease=self._lease)
            except StaydownError as error:
                log.warning("work.renewal_failed rows=%d reason=%s", len(self._tasks), error)


def _put_off(tools: Tools, tasks: Sequence[Task], reason: str, *, wait: timedelta = RETRY) -> None:
    try:
        with tools.begin() as work:
            work.queue.postpone(tasks, due_at=work.now + wait, trouble=clean(reason)[:500])
    except (Collision, Outside) as error:  # the leases run out by themselves
        log.error("work.put_off_failed reason=%s", error)


def run(
    tools: Tools,
    name: str,
    *,
    stop: threading.Event,
    rest: Callable[[float], None],
    until: float | None = None,
    is_once: bool = False,
) -> int:
    """Work until told to stop, whatever the database goes through; gives how many rows were taken.

    While the database gives trouble the worker waits, from a tenth of a second to half a minute, and goes on; nothing
    leaves meanwhile, because every send needs its intent written first. At the end it gives back what it holds.

    Args:
        tools: What the verbs act with.
        name: The worker's name.
        stop: Set by whoever wants it to end; what is in hand is finished first.
        rest: Waits until new work may be there, at most so many seconds.
        until: An instant of the monotonic clock at which it ends.
        is_once: Do what is due, then end; trouble is raised.

    Raises:
        Broken: Evidence or ledger does not verify: stop, and call a person.
        Outside: The database gives trouble that does not pass, or any with `is_once`.
    """

    def is_over() -> bool:
        return stop.is_set() or (until is not None and time.monotonic() >= until)

    try:
        return sum(labour(tools, name, wait=rest, stop=is_over, is_once=is_once))
    finally:
        _give_back(tools, name)


def _give_back(tools: Tools, name: str) -> None:
    try:
        with tools.begin() as work:
            work.queue.give_back(name)
    except (Collision, Outside) as error:  # the leases run out by themselves
        log.error("work.give_back_failed reason=%s", error)


def drain(
    tools: Tools,
    name: str,
    *,
    at_most: int | None = None,
    spent: Note | None = None,
    batch: int | None = None,
) -> int:
    """Do everything that is due; gives how many rows were taken."""
    taken = 0
    while (count := once(tools, name, spent=spent, batch=batch)) and (at_most is None or taken < at_most):
        taken += count
    return taken + count


class WallWatch:
    """Notices when wall time jumps against steady time: somebody set the clock, or the machine slept.

    Deadlines are instants computed once and do not move. But a wrong clock rings them early or late, and lets
    leases end early, so it has to be known.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._steady = wall, steady
        self._apart = wall() - steady()

    def step(self) -> timedelta:
        """How far wall time jumped since the last look; zero for what is too small to matter."""
        apart = self._wall() - self._steady()
        jump, self._apart = timedelta(seconds=apart - self._apart), apart
        if abs(jump) <= STEP:
            return timedelta(0)
        log.error("clock.stepped seconds=%+.1f", jump.total_seconds())
        return jump


def labour(
    tools: Tools,
    name: str,
    *,
    wait: Callable[[float], None],
    stop: Callable[[], bool],
    watch: WallWatch | None = None,
    is_once: bool = False,
) -> Iterator[int]:
    """Work until told to stop; gives how many rows each round took.

    After a step of the wall clock nothing is taken for the length of one lease: leases seem to have run out
    whose holders may be in the middle of a send.

    Args:
        wait: Sleeps for so many seconds, or until there may be work.
        stop: Asked between two rounds.
        is_once: End when nothing is due; trouble is raised.

    Raises:
        Broken: Evidence or ledger does not verify.
        Outside: The database gives trouble that does not pass, or any with `is_once`.
    """
    watch, pause = watch or WallWatch(), FIRST_WAIT_S
    while not stop():
        if watch.step():
            wait_out(tools.settings.lease, wait, stop)
            continue
        try:
            taken = once(tools, name)
        except Collision as error:  # nothing was taken: the other side goes first
            log.warning("work.collision reason=%s", error)
            continue
        except Outside as error:
            if is_once or error.permanent:
                raise
            log.error("work.no_store wait_s=%g reason=%s", pause, error)
            wait_out(timedelta(seconds=pause), time.sleep, stop)
            pause = min(pause * 2, LONGEST_WAIT_S)
            continue
        pause = FIRST_WAIT_S
        yield taken
        if not taken:
            if is_once:
                return
            wait(PAUSE_S)


def wait_out(length: timedelta, wait: Callable[[float], None], stop: Callable[[], bool]) -> None:
    """Wait for a length of steady time, however often the wait is cut short."""
    ends = time.monotonic() + length.total_seconds()
    while not stop() and (left := ends - time.monotonic()) > 0:
        wait(min(left, PAUSE_S))
