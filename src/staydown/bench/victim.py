"""A worker that is meant to die: forked from a process that has everything loaded, so a life begins in milliseconds.

The process reads one order a line (JSON) from its input, forks a worker for it, and says on its output what became of
the child: `pid` when it lives, `stopped` when it stops itself, `status` when it is over. It has one thread, so that
forking is safe; the child opens store and connections of its own.
"""

from __future__ import annotations

import errno
import gc
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from staydown.core.errors import Outside, StaydownError
from staydown.core.ids import AgencyCode
from staydown.core.request import Parcel, Receipt
from staydown.ports import Courier, Known, Knows
from staydown.ports.tools import Begin, Point, Tools
from staydown.ports.work import Work

FAULTS = "faults"
"""A file in the home that grows by one byte whenever a fault is put in at a named point, and by nothing else."""
REFUSED = "refused-writes"
"""A file in the home that grows by one byte whenever the database says that it is full."""
ERRNOS = {"enospc": errno.ENOSPC, "eio": errno.EIO}
"""What the disk says at a point: there is no room, or it is failing."""
DISK_FULL = "53100"
REST_S = 0.005
STARTS_S = 60.0


@dataclass(frozen=True, slots=True)
class NeverAsked:
    """A courier as it would be without the question: what may have arrived is sent again."""

    inner: Courier
    can_be_asked: bool = False

    @property
    def name(self) -> str:
        """As contact points name it."""
        return self.inner.name

    def ask(self, parcels: Sequence[Parcel]) -> list[Known]:
        """Nobody asks."""
        return [Known(knows=Knows.CANNOT_TELL, detail="never asked") for _ in parcels]

    def send(self, parcels: Sequence[Parcel]) -> list[Receipt]:
        """As the courier itself."""
        return self.inner.send(parcels)


# --- the child --------------------------------------------------------------------------------------


def _live(home: Path, database: str | None, order: Mapping[str, Any]) -> None:
    """Be a worker until somebody ends it, or its time is over."""
    from staydown.app import open_app
    from staydown.worker.loop import once, worker_name

    app = open_app(home, database=database)
    if order["full"]:
        _fill(app.store.engine)
    tools = replace(app.tools, reached=_trap(home, order))
    if order["full"]:
        tools = replace(tools, begin=_counted_refusals(tools.begin, home))
    if order["naive"]:
        tools = replace(tools, couriers={name: NeverAsked(one) for name, one in tools.couriers.items()})
    ends, name = time.monotonic() + float(order["seconds"]), worker_name()
    while time.monotonic() < ends:
        if not _once(once, tools, name) and order["drain"]:
            break
        time.sleep(REST_S)


def _once(once: Any, tools: Tools, name: str) -> int:
    try:
        return int(once(tools, name))
    except StaydownError:  # the database gives trouble: as the worker does, wait and go on
        time.sleep(0.05)
        return 1


def _trap(home: Path, order: Mapping[str, Any]) -> Any:
    """What happens at a named point; couriers may reach it from several threads at a time."""
    fault, wanted, only_once = order["fault"], order["point"], threading.Lock()

    def reached(point: Point) -> None:
        if point.value != wanted:
            return
        if fault in ERRNOS:
            _met(home / FAULTS)
            raise OSError(ERRNOS[fault], os.strerror(ERRNOS[fault]))
        if only_once.acquire(blocking=False):
            _met(home / FAULTS)
            os.kill(os.getpid(), signal.SIGKILL if fault == "kill" else signal.SIGSTOP)

    return reached


def _fill(engine: Any) -> None:
    """No page can be added to the database: as on a full disk, writes fail."""
    from sqlalchemy import event

    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda dbapi, _record: dbapi.execute("PRAGMA max_page_count = 1"))
        engine.dispose()


def _counted_refusals(begin: Begin, home: Path) -> Begin:
    """Transactions as they are; one that the database refuses because it is full is counted."""

    @contextmanager
    def counted(*, write: bool = True, of: AgencyCode | None = None) -> Iterator[Work]:
        try:
            with begin(write=write, of=of) as work:
                yield work
        except Outside as error:
            words = getattr(error.__cause__, "orig", None)
            if getattr(words, "sqlstate", "") == DISK_FULL or "is full" in str(words):
                _met(home / REFUSED)
            raise

    return counted


def _met(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(handle, b".")
    os.close(handle)


# --- the process it is forked from --------------------------------------------------------------------


def _load(home: Path) -> None:
    """Import everything a worker needs, and open nothing."""
    import psycopg  # noqa: F401

    import staydown.fetch.audit
    import staydown.store.engine
    import staydown.vault
    import staydown.worker.loop  # noqa: F401
    from staydown.app import open_app
    from staydown.registry import plugs

    open_app(home).catalogue.identify("https://flock.exercise.example/@made_up")
    for sort in ("probes", "couriers", "instruments", "matchers"):
        plugs(sort)
    gc.collect()
    gc.freeze()


def _say(**words: object) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def serve() -> None:
    """Fork a worker for each order until the input ends."""
    lines = sys.stdin
    settings = json.loads(lines.readline())
    home = Path(settings["home"])
    _load(home)
    log = logging.getLogger("staydown")
    log.addHandler(logging.NullHandler())  # it complains about every fault that is put in
    log.propagate = False
    _say(ready=os.getpid())
    for line in iter(lines.readline, ""):
        pid = os.fork()
        if pid == 0:
            _child(home, settings["database"], json.loads(line))
        _say(pid=pid)
        while True:
            _, status = os.waitpid(pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                break
            _say(stopped=pid)
        _say(status=os.waitstatus_to_exitcode(status))


def _child(home: Path, database: str | None, order: Mapping[str, Any]) -> None:
    code = 1
    try:
        _live(home, database, order)
        code = 0
    except BaseException as error:  # noqa: BLE001  # the child's outer wall: it must never return into the parent's loop
        sys.stderr.write(f"victim: {type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


# --- seen from the measurement --------------------------------------------------------------------------


def _counted(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


class Victims:
    """The process that workers are forked from, one life at a time."""

    def __init__(self, home: Path, database: str | None) -> None:
        self.home = home
        self._process = subprocess.Popen(  # our own interpreter on our own module
            [sys.executable, "-P", "-m", "staydown.bench.victim"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._rest = b""
        self._tell({"home": str(home), "database": database})
        if "ready" not in self.hear(STARTS_S):
            raise Outside("the process that workers are forked from did not start")

    def _tell(self, words: Mapping[str, object]) -> None:
        if self._process.stdin is None:
            raise Outside("the workers' process has no line to us")
        self._process.stdin.write(json.dumps(words).encode() + b"\n")

    def hear(self, seconds: float) -> dict[str, int]:
        """The next word about a life; empty where none came in time."""
        pipe = self._process.stdout
        ends = time.monotonic() + seconds
        while b"\n" not in self._rest:
            left = ends - time.monotonic()
            if pipe is None or left < 0 or not select.select([pipe], [], [], max(left, 0))[0]:
                return {}
            got = os.read(pipe.fileno(), 4096)
            if not got:
                raise Outside("the workers' process has ended", hint="Its own words stand above.")
            self._rest += got
        line, _, self._rest = self._rest.partition(b"\n")
        return dict(json.loads(line))

    def begin(
        self,
        *,
        point: str = "",
        fault: str = "",
        naive: bool = False,
        full: bool = False,
        drain: bool = False,
        seconds: float = 60,
    ) -> int:
        """Begin a life; gives its process id.

        Args:
            point: Where the fault happens; empty: nowhere.
            fault: `kill` and `stop` happen once, `enospc` and `eio` every time the point is reached.
            naive: Receivers are never asked.
            full: The database cannot grow.
            drain: The life ends by itself when nothing is due.
            seconds: It ends by itself after so long.
        """
        order = {"point": point, "fault": fault, "naive": naive, "full": full, "drain": drain}
        self._tell({**order, "seconds": seconds})
        return self.hear(STARTS_S)["pid"]

    def over(self, seconds: float = STARTS_S) -> int | None:
        """How a life ended; None where it goes on."""
        while word := self.hear(seconds):
            if "status" in word:
                return word["status"]
        return None

    def end(self, pid: int) -> None:
        """Kill a life and wait until it is over."""
        with suppress(ProcessLookupError):  # it had ended by itself
            os.kill(pid, signal.SIGKILL)
        self.over()

    def faults(self) -> int:
        """How often a fault was put in so far."""
        return _counted(self.home / FAULTS)

    def refused(self) -> int:
        """How often the database said so far that it is full."""
        return _counted(self.home / REFUSED)

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


if __name__ == "__main__":
    serve()
