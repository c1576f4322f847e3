"""More workers beside the exercise's own, each a process: they do due work when they are told, and say when nothing is left."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from staydown.app import open_app
from staydown.core.errors import Outside, StaydownError
from staydown.exercise.cost import peak_kib
from staydown.fetch.audit import attempts
from staydown.ports.tools import Tools
from staydown.ports.work import WorkKind
from staydown.worker.loop import OWN_ERROR, drain, worker_name

ALONE = 60
"""So few rows are not worth a call to the others."""
LEAST, MOST = 120, 500
"""Rows in a batch, where several share what is due: a slow provider holds up each batch, so few large ones are better."""


@dataclass(slots=True)
class Spent:
    """Seconds and rows of work, by kind."""

    seconds: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)

    def note(self, kind: WorkKind, rows: int, seconds: float) -> None:
        """One batch."""
        self.seconds[kind.value] += seconds  # type: ignore[assignment]  # a Counter of fractions
        self.rows[kind.value] += rows


class Stumbles(logging.Handler):
    """Counts batches that failed by an error of the program's own: an exercise must not end well with one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.count = 0
        logging.getLogger("staydown.worker").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """One complaint of a worker."""
        self.count += record.getMessage().startswith(OWN_ERROR)


class Crew:
    """Workers of an exercise: this process, and as many others as are wanted.

    Args:
        tools: What this process works with.
        home: The exercise's home.
        database: Its database, where it is not the home's own.
        workers: How many processes work, this one included.
    """

    def __init__(self, tools: Tools, home: Path, database: str | None, workers: int) -> None:
        self._tools, self._name = tools, worker_name()
        self.spent, self._stumbles = Spent(), Stumbles()
        self._told: list[Mapping[str, Any]] = [{} for _ in range(workers - 1)]
        settings = json.dumps({"home": str(home), "database": database})
        self._others = [_start(settings) for _ in range(workers - 1)]

    def drain(self) -> None:
        """Do everything that is due, together; a few rows are not worth a call."""
        while True:
            with self._tools.begin(write=False) as work:
                due = work.queue.waiting()
            if due == 0:
                return
            usual = self._tools.settings.batch
            others = self._others if due > min(ALONE, usual) else []
            batch = max(min(LEAST, usual), min(MOST, due // (len(others) + 1))) if others else None
            for one in others:
                _tell(one, batch)
            done = drain(self._tools, self._name, spent=self.spent.note, batch=batch)
            for number, one in enumerate(others):
                self._told[number] = _heard(one)
                done += int(self._told[number]["done"])
            if not done:  # somebody who died has it still, until the lease runs out
                time.sleep(0.05)

    @property
    def requests_made(self) -> int:
        """HTTP requests of the other processes."""
        return sum(int(told.get("requests", 0)) for told in self._told)

    @property
    def own_errors(self) -> int:
        """Batches that failed by an error of the program's own, in all processes."""
        return self._stumbles.count + sum(int(told.get("own_errors", 0)) for told in self._told)

    @property
    def outside_attempts(self) -> int:
        """Attempts of the other processes to leave this machine."""
        return sum(int(told.get("outside", 0)) for told in self._told)

    def peak_kib(self) -> int:
        """The most memory that the other processes ever had, called or not, added up."""
        return sum(peak_kib(one.pid) for one in self._others)

    def by_kind(self) -> Spent:
        """Rows and seconds of work of all processes, by kind."""
        total = Spent(Counter(self.spent.seconds), Counter(self.spent.rows))
        for told in self._told:
            total.seconds.update(told.get("seconds", {}))
            total.rows.update(told.get("rows", {}))
        return total

    def stop(self) -> None:
        """End the other processes."""
        for one in self._others:
            if one.stdin is not None:
                one.stdin.close()
        for one in self._others:
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
            if one.stdout is not None:
                one.stdout.close()


def _start(settings: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(  # our own interpreter on our own module
        [sys.executable, "-P", "-m", "staydown.exercise.crew"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if process.stdin is not None:
        process.stdin.write(settings + "\n")
        process.stdin.flush()
    return process


def _tell(process: subprocess.Popen[str], batch: int | None) -> None:
    try:
        if process.stdin is not None:
            process.stdin.write(f"{batch or 0}\n")
            process.stdin.flush()
    except OSError as error:
        raise _died() from error


def _heard(process: subprocess.Popen[str]) -> Mapping[str, Any]:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise _died()
    told: Mapping[str, Any] = json.loads(line)
    return told


def _died() -> StaydownError:
    return Outside(
        "a worker of the exercise died; its own words stand above",
        hint="Start the same command again: it goes on where it was.",
    )


def _serve() -> None:
    settings = json.loads(sys.stdin.readline())
    app = open_app(Path(settings["home"]), database=settings["database"])
    app.require_exercise()
    name, spent, stumbles = worker_name(), Spent(), Stumbles()
    try:
        for line in sys.stdin:
            done = drain(app.tools, name, spent=spent.note, batch=int(line) or None)
            told = {
                "done": done,
                "requests": app.fetch.requests_made,
                "outside": attempts(),
                "own_errors": stumbles.count,
                "seconds": spent.seconds,
                "rows": spent.rows,
            }
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
    finally:
        app.close()


if __name__ == "__main__":
    _serve()
