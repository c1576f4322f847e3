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

import psycopg
from sqlalchemy.exc import DBAPIError

from staydown.core.errors import Invalid, NotFound, Outside
from staydown.store.engine import make_engine, translated


@dataclass(frozen=True, slots=True)
class Topic:
    """One measurement."""

    what: str  #: in words
    takes: Sequence[str]  #: the options that change something in it


TOPICS: Mapping[str, Topic] = {
    "exercise": Topic(
        "the main job as a whole, beside its requests alone",
        ("size", "rounds", "seed", "postgres", "database"),
    ),
    "intake": Topic(
        "a large list taken in, beside a bare upsert", ("size", "rounds", "seed", "postgres", "database")
    ),
    "api": Topic(
        "sightings over HTTP beside a list that pydantic checks, and lists of many items",
        ("size", "rounds", "seed", "postgres", "database"),
    ),
    "identify": Topic(
        "addresses read on one core, beside can-ada alone, w3lib and courlan", ("size", "rounds", "seed")
    ),
    "clocks": Topic("how late clocks ring among many, also after a kill", ("size", "postgres", "database")),
    "ledger": Topic("entries added and proved, beside pymerkle", ("size", "rounds")),
    "work": Topic(
        "work done and taken over, beside procrastinate", ("size", "rounds", "postgres", "database")
    ),
    "restore": Topic(
        "a backup taken under load, restored to a clean place and compared row by row",
        ("size", "postgres", "database"),
    ),
    "restarts": Topic(
        "the PostgreSQL server restarted again and again under a worker that sends", ("size", "postgres")
    ),
    "points": Topic(
        "workers killed, out of disk or paused at each point of a request's way out",
        ("size", "only", "postgres", "database"),
    ),
    "kill": Topic(
        "workers killed again and again while they send: lost, doubled, marked as repeats",
        ("size", "seed", "only", "postgres", "database"),
    ),
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
    seed: int | None = None  #: of made-up data and of chance; None: 1
    database: str | None = None  #: a PostgreSQL address; None: SQLite, or a server of the topic's own
    postgres: bool = False  #: where no database is given: on a PostgreSQL server of the topic's own
    only: str = ""  #: one part of the topic, such as one point of a request's way; empty: all
    progress: Callable[[int], None] = nothing

    @property
    def chance(self) -> int:
        """The seed in force."""
        return 1 if self.seed is None else self.seed


def topic(name: str) -> Topic:
    """One topic.

    Raises:
        NotFound: There is no such topic.
    """
    if name not in TOPICS:
        raise NotFound(f"there is no measurement {name!r}", hint=f"There is: {', '.join(sorted(TOPICS))}.")
    return TOPICS[name]


def check(name: str, options: Options) -> None:
    """Refuse what the topic would not heed.

    Raises:
        NotFound: There is no such topic.
        Invalid: It does not take an option that was given, or the address is none of PostgreSQL.
    """
    takes = topic(name).takes
    given: Mapping[str, object] = {
        "size": options.size,
        "rounds": options.rounds,
        "seed": options.seed,
        "only": options.only or None,
        "postgres": options.postgres or None,
        "database": options.database,
    }
    hint = f"It takes {', '.join(f'--{one}' for one in takes)}."
    for option, value in given.items():
        if value is not None and option not in takes:
            raise Invalid(f"the measurement {name} takes no --{option}", hint=hint)
    if options.database is None:
        return
    if options.postgres:
        raise Invalid(
            "--postgres and --database exclude each other", hint="With --postgres a server is started."
        )
    if make_engine(options.database).dialect.name != "postgresql":
        raise Invalid(
            "a measurement takes the address of a PostgreSQL server only",
            hint="Such as postgresql://user@host/name; for SQLite leave --database out.",
        )


def steps(name: str, options: Options) -> int:
    """How many steps of progress a topic will tell of."""
    return int(importlib.import_module(f"staydown.bench.{name}").steps(options))


def measure(name: str, options: Options) -> Mapping[str, object]:
    """The figures of one topic.

    Raises:
        NotFound: There is no such topic.
        Invalid: It does not take an option that was given.
        Outside: The peer is not installed, or a database does not answer.
    """
    check(name, options)
    module = importlib.import_module(f"staydown.bench.{name}")
    try:
        figures: Mapping[str, object] = module.measure(options)
    except DBAPIError as error:
        raise translated(error) from error
    except psycopg.OperationalError as error:
        raise Outside(f"the database gave trouble: {error}", hint="Look whether it still runs.") from error
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
