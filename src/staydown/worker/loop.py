"""The loop: lease, act, again. Any number of processes may run it on one store."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from staydown.core.errors import Broken, Outside, StaydownError
from staydown.core.text import clean
from staydown.flow import answer, approve, clocks, deconflict, dispatch, preserve, verify, withdraw
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
}
LIMITS: Mapping[WorkKind, int] = {WorkKind.WITHDRAWAL: 8, WorkKind.DISPATCH: 8}
"""Kinds whose batches stay small, so that little is in doubt if a process dies."""
RETRY = timedelta(minutes=1)
"""After a batch failed as a whole."""
REST_S = 0.5
"""How long to rest where nothing is due."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 30.0
"""How long to wait for a database that gives trouble: doubled each time."""


def worker_name() -> str:
    """A name for this worker that no other one has."""
    return f"{socket.gethostname()[:20]}:{os.getpid()}:{secrets.token_hex(3)}"


def once(tools: Tools, name: str) -> int:
    """Take one batch of due work and do it; gives how many rows were taken.

    What fails is put off and said in the log; what another worker took over is left to it.

    Raises:
        Broken: Evidence or ledger does not verify: stop, and call a person.
    """
    with tools.begin() as work:
        tasks = work.queue.lease(
            by=name, limits=LIMITS, limit=tools.settings.batch, lease=tools.settings.lease
        )
    if not tasks:
        return 0
    with Renewal(tools, tasks):
        _do(tools, tasks)
    return len(tasks)


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
        log.error(
            "work.failed kind=%s rows=%d reason=%s: %s", kind.value, len(tasks), type(error).__name__, error
        )
        still = _held(tools, tasks)
        passing = isinstance(error, OSError) or (isinstance(error, Outside) and not error.permanent)
        if len(tasks) > 1 and not passing:
            for task in still:
                _do(tools, [task])
        else:
            _put_off(tools, still, str(error))


def _held(tools: Tools, tasks: Sequence[Task]) -> list[Task]:
    try:
        with tools.begin(write=False) as work:
            return work.queue.held(tasks)
    except Outside as error:  # the leases run out by themselves
        log.error("work.held_failed reason=%s", error)
        return []


class Renewal:
    """Holds on to leases while their batch is being worked on, from a thread of its own.

    A process that dies takes the thread with it, so its rows are free again within one lease.
    """

    def __init__(self, tools: Tools, tasks: Sequence[Task]) -> None:
        self._tools, self._tasks = tools, tasks
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="staydown-lease", daemon=True)

    def __enter__(self) -> Renewal:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        every = self._tools.settings.lease.total_seconds() / 3
        while not self._over.wait(every):
            try:
                with self._tools.begin() as work:
                    work.queue.renew(self._tasks, lease=self._tools.settings.lease)
            except StaydownError as error:
                log.warning("work.renewal_failed rows=%d reason=%s", len(self._tasks), error)


def _put_off(tools: Tools, tasks: Sequence[Task], reason: str) -> None:
    try:
        with tools.begin() as work:
            work.queue.postpone(tasks, due_at=work.now + RETRY, trouble=clean(reason)[:500])
    except Outside as error:  # the leases run out by themselves
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
    taken, wait = 0, FIRST_WAIT_S
    while not stop.is_set() and (until is None or time.monotonic() < until):
        try:
            count = once(tools, name)
            taken, wait = taken + count, FIRST_WAIT_S
            if not count and is_once:
                break
            if not count:
                rest(REST_S)
        except Outside as error:
            if is_once or error.permanent:
                raise
            log.error("work.no_store wait_s=%g reason=%s", wait, error)
            stop.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)
    _give_back(tools, name)
    return taken


def _give_back(tools: Tools, name: str) -> None:
    try:
        with tools.begin() as work:
            work.queue.give_back(name)
    except Outside as error:  # the leases run out by themselves
        log.error("work.give_back_failed reason=%s", error)


def drain(tools: Tools, name: str, *, at_most: int | None = None) -> int:
    """Do everything that is due; gives how many rows were taken."""
    taken = 0
    while (count := once(tools, name)) and (at_most is None or taken < at_most):
        taken += count
    return taken + count
