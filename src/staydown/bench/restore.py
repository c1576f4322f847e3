"""A backup taken while a worker sends and lists come in, restored to a clean place and compared row by row."""

from __future__ import annotations

import threading
import time
from pathlib import Path

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
INTAKE = 40


def measure(options: Options) -> dict[str, object]:
    """Back up under load, restore, verify twice, compare every table, and go on working."""
    count = options.size or REQUESTS
    with databases(options) as fresh, fresh() as old, fresh() as new:
        with stage(options.scratch / "home", database=old, couriers=COURIERS) as scene:
            scene.add(count, COURIERS, keep=True)
            taken = _under_load(scene, old, options.scratch / "backup")
            with Victims(scene.home, old) as victims:
                finish(scene, victims)
            sent_after = len(scene.arrivals) - int(str(taken["arrived_at_end"]))
        found = _put_back(options.scratch, new)
    return {
        "database": "postgresql" if options.database or options.postgres else "sqlite",
        "requests": count,
        "backup": taken,
        "arrived_after_backup": sent_after,
        **found,
    }


def _under_load(scene: Stage, address: str | None, out: Path) -> dict[str, object]:
    """The backup, while a worker sends and somebody takes sightings in."""
    over, sightings = threading.Event(), [0]

    def take_in() -> None:
        while not over.is_set():
            sightings[0] += len(scene.sight(INTAKE, COURIERS))

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


def _put_back(scratch: Path, address: str | None) -> dict[str, object]:
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
        "held_back_for_a_person": ended["held_back"],
        "holds": same and not any(differ.values()) and (second is None or not second["broken"]),
    }
