"""A store of every released schema opens today: it is brought up to date, verifies, and can be read."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from staydown.app import App, open_app
from staydown.backup import VAULT, Manifest, read_manifest
from staydown.flow.audit import verify
from staydown.store.backup import SQLITE_FILE, Copied, load
from staydown.store.engine import HEAD, make_engine, open_store, version_of
from staydown.store.tables import metadata

ASSETS = Path(__file__).parent.parent / "assets" / "schemas"
SCHEMAS = sorted(folder.name for folder in ASSETS.iterdir() if folder.is_dir())


def laid_out(schema: str, home: Path, database: str | None) -> Manifest:
    """A home with the store that a release of that schema left behind."""
    source = ASSETS / schema / ("postgresql" if database else "sqlite")
    manifest = read_manifest(source)
    copy = source / manifest.copy
    (home / "keys").mkdir(parents=True)
    shutil.copyfile(copy / "ledger.key", home / "keys" / "ledger.key")
    shutil.copytree(source / VAULT, home / VAULT)
    if database is None:
        with closing(sqlite3.connect(home / SQLITE_FILE)) as conn:
            conn.executescript((copy / "staydown.sql").read_text(encoding="utf-8"))
    else:
        tables = [Copied(name=name, columns=columns, rows=rows) for name, columns, rows in manifest.tables]
        load(database, copy, schema=manifest.schema, tables=tables, step=lambda _: None)
    return manifest


def words(value: Any) -> str:
    """A value in words that are the same in every run."""
    if isinstance(value, dict):
        return str(sorted((str(key), words(part)) for key, part in value.items() if key != "comment"))
    return str([words(part) for part in value]) if isinstance(value, (list, tuple)) else str(value)


def drawn(engine: Engine) -> dict[str, Any]:
    """Everything the database says about its schema, without the order of columns."""
    looked = inspect(engine)

    def plain(rows: Any) -> list[str]:
        return sorted(words(row) for row in rows)

    return {
        name: {
            "columns": plain(looked.get_columns(name)),
            "key": sorted(looked.get_pk_constraint(name)["constrained_columns"]),
            "foreign": plain(looked.get_foreign_keys(name)),
            "unique": plain(looked.get_unique_constraints(name)),
            "checks": plain(looked.get_check_constraints(name)),
            "indexes": plain(looked.get_indexes(name)),
        }
        for name in looked.get_table_names()
    }


def fresh(home: Path, database: str | None) -> App:
    app = open_app(home, database=database)
    app.make(exercise=True).close()
    return app


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_old_store_is_brought_up_to_date_and_verifies(
    schema: str, tmp_path: Path, database: str | None, other_database: str | None
) -> None:
    manifest = laid_out(schema, tmp_path / "old", database)
    app = open_app(tmp_path / "old", database=database)
    assert version_of(app.store.engine) == HEAD
    rows = {name: count for name, _, count in manifest.tables}
    with app.store.begin(write=False) as work:
        found = verify(work, app.vault, public=app.store.public_key)
        assert found.broken == ()
        assert (found.size, found.root) == (manifest.size, manifest.root)
        assert len(work.requests.listed()) == rows["requests"] > 0
        assert work.figures.counts()["items"] == rows["items"] > 0
        lines = work.requests.lines([one.id for one in work.requests.listed()])
        assert sum(len(part) for part in lines.values()) == rows["request_items"]
        brief = work.items.brief([one.line.item for part in lines.values() for one in part])
        assert all(provider and address for provider, address, *_ in brief.values())
    new = fresh(tmp_path / "new", other_database)
    assert drawn(app.store.engine) == drawn(new.store.engine)
    with app.store.engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"include_object": _is_of(conn.dialect.name)})
        assert compare_metadata(context, metadata) == []
    app.close()
    new.close()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_several_programs_open_an_old_store_at_once_while_a_worker_is_busy(
    schema: str, tmp_path: Path, database: str | None
) -> None:
    laid_out(schema, tmp_path / "old", database)
    home = open_app(tmp_path / "old", database=database)
    older = make_engine(home.settings.database_address)
    wrong: list[BaseException] = []
    has_read = threading.Event()

    def go(act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:  # asserted on below
            wrong.append(error)

    def be_busy() -> None:  # as a worker of the older program: it has read, and will write
        with older.connect().execution_options(staydown_write=True) as conn, conn.begin():
            conn.exec_driver_sql("SELECT * FROM work LIMIT 1").all()
            has_read.set()
            time.sleep(0.5)
            conn.exec_driver_sql("UPDATE work SET priority = priority WHERE id = 1")

    def come_up() -> None:
        has_read.wait(5)
        open_store(home.settings.database_address, home.key_file).close()

    threads = [threading.Thread(target=go, args=(act,)) for act in (be_busy, come_up, come_up, come_up)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
    assert version_of(older) == HEAD
    older.dispose()


def test_every_schema_that_was_released_is_kept() -> None:
    assert SCHEMAS[0] == "0001"
    assert all(one <= HEAD for one in SCHEMAS)


def _is_of(dialect: str) -> Callable[..., bool]:
    """Leave out what is made on another database only."""

    def include(one: object, *_: object) -> bool:
        only = getattr(one, "_ddl_if", None)
        return only is None or only.dialect == dialect

    return include
