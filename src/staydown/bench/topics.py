"""Which measurements there are, and what they share.

Every topic is a module with `measure(options)`. It works in a scratch folder of its own, never in a user's home,
and gives medians over rounds in which ours and the peer take turns, because machines are shared and noisy.
"""

from __future__ import annotations

import importlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from staydown.core.errors import NotFound

TOPICS: Mapping[str, str] = {
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


def rate(count: int, seconds: Sequence[float]) -> float:
    """So many a second, from the median of several rounds."""
    return round(count / statistics.median(seconds), 1)
