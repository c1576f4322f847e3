"""Freeze a small made-up store of the present schema, on both databases, for the test of upgrades.

    python -m tools.freeze

Run it once when a schema is released, and commit what it writes to `tests/assets/schemas/VERSION`. A folder that is
there is never written again: it stands for what that release left behind. Each holds a backup as `staydown backup`
makes it; SQLite's file is kept as SQL text, so that a person can read it.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from staydown.backup import backup, read_manifest
from staydown.bench.postgres import databases
from staydown.bench.stage import BOB, stage
from staydown.bench.topics import Options
from staydown.core.states import RequestState
from staydown.flow import withdraw
from staydown.store.backup import SQLITE_FILE
from staydown.store.engine import HEAD
from staydown.testing.world import LineStatus
from staydown.worker.loop import drain

ROOT = Path(__file__).parent.parent / "tests" / "assets" / "schemas"
COURIERS = ("api", "webform", "mail")
SQL_FILE = "staydown.sql"


def freeze(options: Options, out: Path) -> None:
    """Make a store in which something has happened in most tables, and keep its backup."""
    with (
        databases(options) as fresh,
        fresh() as address,
        stage(options.scratch / "home", database=address, couriers=COURIERS) as scene,
    ):
        scene.add(6, COURIERS, keep=True)
        drain(scene.app.tools, "freeze")
        for one in scene.arrivals[:2]:
            scene.world.states[one.provider, one.reference] = [
                LineStatus(number=1, state="removed", at=scene.world.now)
            ]
        scene.later(timedelta(hours=5))
        drain(scene.app.tools, "freeze")
        with scene.app.store.begin() as work:
            running = work.requests.listed(state=RequestState.RUNNING)
            withdraw.withdraw(scene.app.tools, work, BOB, running[-1].id, reason="made up")
        scene.add(3, COURIERS, keep=True)
        backup(scene.app, out)


def readable(out: Path) -> None:
    """Put SQL text in the place of SQLite's file."""
    path = out / read_manifest(out).copy / SQLITE_FILE
    with closing(sqlite3.connect(path)) as conn:
        text = "".join(f"{line}\n" for line in conn.iterdump())
    path.with_name(SQL_FILE).write_text(text, encoding="utf-8")
    path.unlink()


def main() -> int:
    """Freeze the present schema; gives the exit code."""
    folder = ROOT / HEAD
    if folder.exists():
        print(f"{folder} is there already and stays as it is", file=sys.stderr)
        return 1
    for name, is_postgres in (("sqlite", False), ("postgresql", True)):
        with tempfile.TemporaryDirectory(prefix="staydown-freeze-") as scratch:
            made = Path(scratch) / "backup"
            freeze(Options(scratch=Path(scratch), postgres=is_postgres), made)
            if not is_postgres:
                readable(made)
            shutil.copytree(made, folder / name)
    print(f"wrote {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
