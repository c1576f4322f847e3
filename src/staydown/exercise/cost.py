"""What an exercise costs: seconds by stage, requests, rows of work and memory, added up over all its lives."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START, TIME = "start", "time"


def peak_kib(pid: int) -> int:
    """The most memory that a process ever had; 0 where the system does not tell, or it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    told = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0")
    return int(told.split()[1])


def own_peak_kib() -> int:
    """The most memory that this process ever had."""
    return peak_kib(os.getpid())


@dataclass(slots=True)
class Cost:
    """What was spent, in one life of an exercise or in several."""

    stages: dict[str, float] = field(default_factory=dict)  #: seconds
    requests: int = 0  #: over HTTP
    outside: int = 0  #: attempts to leave this machine
    rows: dict[str, int] = field(default_factory=dict)  #: of work, by kind
    seconds: dict[str, float] = field(default_factory=dict)  #: of work, by kind, of all processes
    peak_kib: int = 0  #: of all processes together, in the life that had most

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Cost:
        """What `as_row` gave."""
        return cls(**told)

    def as_row(self) -> dict[str, object]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}

    def plus(self, other: Cost) -> Cost:
        """Both together."""
        return Cost(
            stages=_sum(self.stages, other.stages),
            requests=self.requests + other.requests,
            outside=self.outside + other.outside,
            rows={kind: int(count) for kind, count in _sum(self.rows, other.rows).items()},
            seconds=_sum(self.seconds, other.seconds),
            peak_kib=max(self.peak_kib, other.peak_kib),
        )

    @property
    def wall_seconds(self) -> float:
        """All stages together: at each instant the exercise is in one of them."""
        return sum(self.stages.values())

    def figures(self) -> dict[str, object]:
        """For printing."""
        return {
            "wall_seconds": round(self.wall_seconds, 2),
            "seconds_by_stage": {name: round(spent, 2) for name, spent in self.stages.items()},
            "work_by_kind": {
                kind: {"rows": self.rows[kind], "seconds": round(self.seconds.get(kind, 0.0), 2)}
                for kind in sorted(self.rows)
            },
            "peak_mib": round(self.peak_kib / 1024, 1),
        }


def _sum(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for part in (one, other):
        total.update(part)
    return dict(total)


class Stages:
    """A watch with one hand: every second goes to the stage that was entered last."""

    def __init__(self, began: float) -> None:
        self._now, self._since = START, began
        self._spent: dict[str, float] = {}

    def enter(self, name: str) -> str:
        """Go over to a stage; gives the one before."""
        at, before = time.monotonic(), self._now
        self._spent[before] = self._spent.get(before, 0.0) + at - self._since
        self._now, self._since = name, at
        return before

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """One stage within another."""
        before = self.enter(name)
        try:
            yield
        finally:
            self.enter(before)

    def spent(self) -> dict[str, float]:
        """Seconds by stage, until now."""
        self.enter(self._now)
        return dict(self._spent)
