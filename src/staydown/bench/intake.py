"""Taking a large list in: identified, merged, stored and on the ledger, beside a bare upsert of the same keys."""

from __future__ import annotations

import csv
import random
import resource
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from staydown.bench.postgres import databases
from staydown.bench.topics import Options
from staydown.core.errors import Broken

if TYPE_CHECKING:
    from staydown.flow.record import Intake

SIZE = 200_000
GOAL_PER_SECOND = 16_667
REPEATS = 0.1
"""Share of the records that another agency has reported before, in another spelling."""
FORMS = (
    "https://hearth.exercise.example/{name}",
    "https://flock.exercise.example/@{name}",
    "https://quill.exercise.example/p/{name}",
    "https://reel.exercise.example/watch?v={name}",
    "https://{name}.barehost.exercise.example/",
    "https://www.{name}.example/page/{number}",
)


def steps(options: Options) -> int:
    """As many as records, in every round."""
    return (options.size or SIZE) * (options.rounds or 1)


def measure(options: Options) -> Mapping[str, object]:
    """Seconds to take in `size` sightings, one after the other, into an empty store; every record counts.

    Raises:
        Broken: Some were refused, or did not become the things that they are.
    """
    with databases(options) as fresh:
        return _measure(options, fresh)


def _measure(
    options: Options, fresh: Callable[[], AbstractContextManager[str | None]]
) -> Mapping[str, object]:
    from staydown.ahead import ahead_of
    from staydown.app import open_app
    from staydown.core.ids import AgencyCode
    from staydown.flow import record

    size, seed = options.size or SIZE, options.chance
    file = options.scratch / "sightings.csv"
    _write(file, size, seed)
    ours: list[float] = []
    peer: list[float] = []
    peak_kib = 0
    taken: record.Intake | None = None
    keys: list[str] = []
    for number in range(options.rounds or 1):
        with fresh() as address:
            app = open_app(options.scratch / f"home-{number}", database=address)
            app.make(exercise=True)
            began = time.monotonic()
            taken = record.take_in(
                app.tools,
                file,
                importer=app.importers["csv"],
                agency=AgencyCode("AA"),
                progress=options.progress,
                ahead=ahead_of("csv", file),
            )
            ours.append(time.monotonic() - began)
            app.close()
        if not peer:  # from here on the peer's keys count too
            peak_kib = sum(
                resource.getrusage(who).ru_maxrss
                for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)  # the one that reads ahead
            )
            keys = [_bare_key(row[0]) for row in _records(size, seed)]
        _require_all(taken, things=len(set(keys)))
        peer.append(_bare(options.scratch / f"bare-{number}.sqlite", keys))
    seconds, bare = statistics.median(ours), statistics.median(peer)
    return {
        "what": "sightings taken in: identified, merged, stored, on the ledger",
        "peer_is": "sqlite3, one table with a unique key, upsert",
        "database": "PostgreSQL" if options.database or options.postgres else "SQLite",
        "sightings": taken.sightings if taken else 0,
        "items_new": taken.items_new if taken else 0,
        "items_known": taken.items_known if taken else 0,
        "refused": taken.refused if taken else 0,
        "seconds": round(seconds, 2),
        "unit": "sightings a second",
        "goal": GOAL_PER_SECOND,
        "goal_is": "sightings a second at least: 1,000,000 in 60 s",
        "ours": round(size / seconds, 1),
        "peer": round(size / bare, 1),
        "ratio": round(bare / seconds, 4),
        "peak_mib": round(peak_kib / 1024, 1),
    }


def _require_all(taken: Intake, *, things: int) -> None:
    """No figure counts if a record was refused, or two spellings of one thing became two, or two things one.

    Raises:
        Broken: It is so.
    """
    if (taken.refused, taken.items_new, taken.items_known) != (0, things, 0):
        raise Broken(
            f"{things} things became {taken.items_new} new items and {taken.items_known} known ones;"
            f" {taken.refused} records were refused"
        )


def _records(size: int, seed: int) -> Iterator[tuple[str, str, str, str]]:
    """(address, agency, instant, note): a tenth repeats an earlier thing in another spelling, by another agency."""
    chance = random.Random(seed)  # noqa: S311  # made-up data
    for number in range(size):
        is_repeat = number > 0 and chance.random() < REPEATS
        of = chance.randrange(number) if is_repeat else number
        address = FORMS[of % len(FORMS)].format(name=f"n{of:x}q{of * 2654435761 % 2**32:x}", number=of)
        if is_repeat:
            address = f"{address.replace('https://', 'hxxps://')}#seen"
        agency = "ABCDEFGHIJKL"[(of + is_repeat) % 12] * 2
        yield address, agency, f"2026-03-{of % 27 + 1:02d}T{of % 24:02d}:{of % 60:02d}:00Z", "monitoring"


def _write(path: Path, size: int, seed: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["url", "agency", "first_seen", "note"])
        writer.writerows(_records(size, seed))


def _bare_key(address: str) -> str:
    """A key that is one for both spellings, for a peer that does not identify."""
    return address.removeprefix("hxxps://").removeprefix("https://").removesuffix("#seen")


def _bare(path: Path, keys: list[str]) -> float:
    began = time.monotonic()
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("CREATE TABLE items (key TEXT PRIMARY KEY, seen INTEGER NOT NULL) WITHOUT ROWID")
    upsert = "INSERT INTO items VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET seen = seen + 1"
    for at in range(0, len(keys), 5000):
        with conn:
            conn.executemany(upsert, [(key,) for key in keys[at : at + 5000]])
    conn.close()
    return time.monotonic() - began
