"""Which measurements there are, and what they share.

Every topic is a module with `measure(options)`. It works in a scratch folder of its own, never in a user's home,
and gives medians over rounds in which ours and the peer take turns, because machines are shared and noisy.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from staydown.core.errors import NotFound, Outside

TOPICS: Mapping[str, str] = {
    "exercise": "the main job as a whole, beside its requests alone",
    "intake": "a large list taken in, beside a bare upsert",
    "clocks": "how late clocks ring among many, also after a kill",
    "ledger": "entries added and proved, beside pymerkle",
    "work": "work done and taken over, beside procrastinate",
    "restore": "a backup taken under load, restored to a clean place and compared row by row",
    "restarts": "the PostgreSQL server restarted again and again under a worker that sends",
    "points": "workers killed, out of disk or paused at each point of a request's way out",
    "kill": "workers killed again and again while they send: lost, doubled, marked as repeats",
}
"""What is measured, by the name of its topic."""


def nothing(_steps: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line said; every topic has defaults of its own where something is None."""

    scratch: Path  #: an empty folder that the caller removes
    size: int | None = None  #: how many records, entries, requests ...
    rounds: int | None = None
    seed: int = 1
    database: str | None = None  #: a PostgreSQL address; None: SQLite, or a server of the topic's own
    postgres: bool = False  #: where no database is given: on a PostgreSQL server of the topic's own
    only: str = ""  #: one part of the topic, such as one point of a request's way; empty: all
    progress: Callable[[int], None] = nothing


def measure(name: str, options: Options) -> Mapping[str, object]:
    """The figures of one topic.

    Raises:
        NotFound: There is no such topic.
        Outside: The peer is not installed, or a database does not answer.
    """
    if name not in TOPICS:
        raise NotFound(f"there is no measurement {name!r}", hint=f"There is: {', '.join(sorted(TOPICS))}.")
    module = importlib.import_module(f"staydown.bench.{name}")
    figures: Mapping[str, object] = module.measure(options)
    return {"bench": name, **figures}


def peer(name: str, *, install: str = "make setup") -> ModuleType:
    """The module of a peer, which is no dependency of the program.

    Raises:
        Outside: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Outside(
            f"{name} is not installed", hint=f"It comes with the development group: {install}."
        ) from error


def timed(act: Callable[[], object]) -> float:
    """Seconds of real time that an act takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def beside(
    count: int, ours: Callable[[], float], peers: Callable[[], float], *, rounds: int
) -> dict[str, float]:
    """Ours and the peer's per second, in turns; both functions give the seconds that `count` took."""
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        mine.append(ours())
        theirs.append(peers())
    return {"ours": rate(count, mine), "peer": rate(count, theirs), "ratio": ratio(theirs, mine)}


def ratio(theirs: Sequence[float], mine: Sequence[float]) -> float:
    """How many times faster ours is, from the medians of seconds."""
    return round(statistics.median(theirs) / statistics.median(mine), 2)


def rate(count: int, seconds: Sequence[float]) -> float:
    """So many a second, from the median of several rounds."""
    return round(count / statistics.median(seconds), 1)
