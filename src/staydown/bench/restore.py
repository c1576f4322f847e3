"""A backup taken while a worker sends and lists come in, restored to a clean place and compared.

It is held against its own files, and against the source: under load that has gone on meanwhile, so only the ledger's
beginning can be compared; then once more with the source at rest, when every row has to be the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from staydown.backup import backup, prepare, put_back, read_manifest, restore, verify
from staydown.bench import checker
from staydown.bench.kill import arrived, finish
from staydown.bench.postgres import databases
from staydown.bench.stage import Stage, stage
from staydown.bench.topics import Options
from staydown.bench.victim import Victims
from staydown.core.errors import Outside
from staydown.settings import read_settings

REQUESTS = 600
COURIERS = ("api", "webform", "mail")
INTAKE = 10
APPROVED = 4
"""So many requests more are approved with each list that comes in: the worker always has something to send."""


def steps(_: Options) -> int:
    """Requests, backup, the rest of the work, restore, at rest."""
    return 5


def measure(options: Options) -> dict[str, object]:
    """Back up under load, restore, verify twice, compare every table, and go on working."""
    count = options.size or REQUESTS
    with (
        databases(options) as fresh,
        fresh() as old,
        fresh() as new,
        fresh() as rest,
        stage(options.scratch / "home", database=old, couriers=COURIERS) as scene,
    ):
        scene.add(count, COURIERS, keep=True)
        options.progress(1)
        taken = _under_load(scene, old, options.scratch / "backup")
        options.progress(1)
        with Victims(scene.home, old) as victims:
            finish(scene, victims)
        sent_after = len(scene.arrivals) - int(str(taken["arrived_at_end"]))
        options.progress(1)
        found = _put_back(options.scratch, scene.database, new)
        options.progress(1)
        at_rest = _at_rest(scene, options.scratch, rest)
        options.progress(1)
    return {
        "database": "postgresql" if options.database or options.postgres else "sqlite",
        "requests": count,
        "backup": taken,
        "arrived_after_backup": sent_after,
        **found,
        "at_rest": at_rest,
        "holds": holds(taken, found, at_rest),
    }


def holds(taken: Mapping[str, Any], found: Mapping[str, Any], at_rest: Mapping[str, Any]) -> bool:
    """Whether what came back is what was there; a backup without load says nothing about one under load."""
    second = found["second_verifier"]
    return bool(
        taken["arrived_meanwhile"]
        and taken["sightings_meanwhile"]
        and found["same_head"]
        and not found["rows_that_differ"]
        and not found["source_entries_that_differ"]
        and (second is None or not second["broken"])
        and at_rest["tables_compared"]
        and not at_rest["rows_that_differ"]
    )


def _under_load(scene: Stage, address: str | None, out: Path) -> dict[str, object]:
    """The backup, while a worker sends, somebody takes sightings in and people approve."""
    over, sightings = threading.Event(), [0]

    def take_in() -> None:
        while not over.is_set():
            sightings[0] += len(scene.sight(INTAKE, COURIERS))
            scene.add(APPROVED, COURIERS)

    intake = threading.Thread(target=take_in, name="intake")
    with Victims(scene.home, address) as victims:
        before = len(scene.arrivals)
        pid = victims.begin(seconds=600)
        intake.start()
        try:
            if not arrived(scene, before):
                raise Outside("the worker does not get to send")
            at_start, seen_at_start = len(scene.arrivals), sightings[0]
            found = backup(scene.app, out)
            at_end, seen_at_end = len(scene.arrivals), sightings[0]
        finally:
            over.set()
            intake.join()
            victims.end(pid)
    size_bytes = sum(one.stat().st_size for one in out.rglob("*") if one.is_file())
    return {
        **{key: found[key] for key in ("size", "root", "rows", "evidence_files", "seconds")},
        "size_bytes": size_bytes,
        "arrived_meanwhile": at_end - at_start,
        "sightings_meanwhile": seen_at_end - seen_at_start,
        "arrived_at_end": at_end,
    }


def _put_back(scratch: Path, old: str, address: str | None) -> dict[str, object]:
    """Restore, and hold it against the backup and against the beginning of the source's ledger."""
    from staydown.app import App

    source, home = scratch / "backup", scratch / "new"
    manifest, began = read_manifest(source), time.monotonic()
    settings, _ = prepare(source, manifest, home, database=address)
    put_back(source, manifest, settings)
    app = App(settings, restoring=True)
    verify(app, manifest)
    app.close()
    seconds = time.monotonic() - began
    where = read_settings(home, database=address).database_address
    tables = [(name, columns) for name, columns, _ in manifest.tables]
    differ = checker.differences(where, source / manifest.copy, tables)
    second = checker.verified(where, scratch)
    began = time.monotonic()
    ended = restore(source, home, database=address)
    seconds += time.monotonic() - began
    same = second is None or (second["entries"], second["root"]) == (manifest.size, manifest.root)
    return {
        "restore_seconds": round(seconds, 2),
        "ledger_verifies": True,
        "second_verifier": second,
        "same_head": same,
        "tables_compared": len(differ),
        "rows_that_differ": sum(differ.values()),
        "differences": {name: count for name, count in differ.items() if count},
        "source_entries_compared": manifest.size,
        "source_entries_that_differ": checker.entries_that_differ(old, where, manifest.size),
        "held_back_for_a_person": ended["held_back"],
    }


def _at_rest(scene: Stage, scratch: Path, address: str | None) -> dict[str, object]:
    """Back up into the same folder once more, now that nobody writes, and hold what comes back against the source."""
    source, home = scratch / "backup", scratch / "at-rest"
    backup(scene.app, source)
    manifest = read_manifest(source)
    settings, _ = prepare(source, manifest, home, database=address)
    put_back(source, manifest, settings)
    differ = checker.between(scene.database, settings.database_address)
    return {
        "tables_compared": len(differ),
        "rows": sum(rows for _, _, rows in manifest.tables),
        "rows_that_differ": sum(differ.values()),
        "differences": {name: count for name, count in differ.items() if count},
    }
