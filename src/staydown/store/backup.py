"""A store as it stood at one instant, written to files while others go on working, and read back.

SQLite gives its own file, page by page. PostgreSQL gives every table as text in the order of its keys, out of one
transaction with one view; no program of the server is needed.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from staydown.core.errors import Broken, Invalid, Outside
from staydown.store.engine import make_engine, translated, upgrade, version_of
from staydown.store.sets import upsert
from staydown.store.tables import dispatches, meta, requests, withdrawals, work
from staydown.store.tables_orders import letters
from staydown.store.walls import HOUSE, enter, unforced

SQLITE_FILE = "staydown.sqlite"
CHUNK_BYTES = 1024 * 1024
Step = Callable[[int], None]

_FACTS = "SELECT key, value FROM meta"
_VERSION = "SELECT version_num FROM alembic_version"
_HEAD = "SELECT size, checkpoint FROM ledger_head"
_HASHES = "SELECT sha256 FROM evidence UNION SELECT headers_sha256 FROM evidence ORDER BY 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """One table in the copy."""

    name: str
    columns: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What stands in the copy of a store."""

    database: str  #: sqlite or postgresql
    schema: str
    facts: Mapping[str, str]
    ledger_size: int
    checkpoint: str
    tables: tuple[Copied, ...]  #: in an order in which they can be filled
    hashes: tuple[str, ...]  #: of every evidence file that the copy names


def take(engine: Engine, out: Path, step: Step) -> Snapshot:
    """Copy a store into a folder; others may go on writing meanwhile.

    Args:
        engine: The store.
        out: An empty folder.
        step: Told of every table that is done.

    Raises:
        Outside: Disk or database gives trouble.
    """
    try:
        if engine.dialect.name == "sqlite":
            return _take_sqlite(engine, out / SQLITE_FILE, step)
        return _take_postgres(engine, out, step)
    except DBAPIError as error:
        raise translated(error) from error
    except (OSError, sqlite3.Error) as error:
        raise Outside(f"the copy cannot be written: {error}", hint="Make room on the disk.") from error


def _take_sqlite(engine: Engine, path: Path, step: Step) -> Snapshot:
    source = str(engine.url.database)
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(path)) as there:
        here.backup(there)  # one step: one view, whoever writes meanwhile
        there.execute("PRAGMA journal_mode = DELETE")
        names = [
            name
            for (name,) in there.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            )
        ]
        tables = []
        for name in names:
            columns = tuple(str(row[1]) for row in there.execute(f'PRAGMA table_info("{name}")'))
            count = there.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0]  # noqa: S608  # our own tables
            tables.append(Copied(name=name, columns=columns, rows=int(count)))
            step(1)
        found = _snapshot("sqlite", lambda sql: there.execute(sql).fetchall(), tables)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return found


def _take_postgres(engine: Engine, out: Path, step: Step) -> Snapshot:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn, conn.begin():
        enter(conn, HOUSE, role=False)
        tables = []
        for name in _ordered(conn):
            tables.append(_copy_out(conn, name, out / f"{name}.copy"))
            step(1)
        return _snapshot("postgresql", lambda sql: [tuple(row) for row in conn.execute(text(sql))], tables)


def _ordered(conn: Connection) -> list[str]:
    """All tables but Alembic's own, each after those its keys point at."""
    found = inspect(conn).get_sorted_table_and_fkc_names()
    return [name for name, _ in found if name is not None and name != "alembic_version"]


def _copy_out(conn: Connection, name: str, path: Path) -> Copied:
    looked = inspect(conn)
    columns = tuple(str(column["name"]) for column in looked.get_columns(name))
    key = looked.get_pk_constraint(name)["constrained_columns"]
    sql = f'COPY (SELECT {_listed(columns)} FROM "{name}" ORDER BY {_listed(key)}) TO STDOUT'  # noqa: S608  # our own tables
    rows = 0
    with _raw(conn).cursor() as cursor, path.open("wb") as file:
        with cursor.copy(sql) as copy:
            for block in copy:
                rows += bytes(block).count(b"\n")  # a line break inside a value is written as \n
                file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return Copied(name=name, columns=columns, rows=rows)


def _snapshot(database: str, query: Callable[[str], list[tuple[Any, ...]]], tables: list[Copied]) -> Snapshot:
    (size, checkpoint), (version,) = query(_HEAD)[0], query(_VERSION)[0]
    return Snapshot(
        database=database,
        schema=str(version),
        facts={str(key): str(value) for key, value in query(_FACTS)},
        ledger_size=int(size),
        checkpoint=str(checkpoint),
        tables=tuple(tables),
        hashes=tuple(str(one) for (one,) in query(_HASHES)),
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _raw(conn: Connection) -> Any:
    return conn.connection.driver_connection


# --- back -------------------------------------------------------------------------------------------


def require_empty(address: str) -> None:
    """Refuse where a store is already.

    Raises:
        Invalid: There is one.
        Outside: The database does not answer.
    """
    engine = make_engine(address)
    try:
        if version_of(engine) is not None:
            raise Invalid("the database holds a store already", hint="Restore into an empty database.")
    finally:
        engine.dispose()


def load(address: str, source: Path, *, schema: str, tables: Sequence[Copied], step: Step) -> None:
    """Fill an empty PostgreSQL database, all of it or nothing, in the schema it was copied in.

    Raises:
        Outside: Disk or database gives trouble; nothing was written.
        Broken: A table came out with another number of rows.
    """
    engine = make_engine(address)
    try:
        with engine.connect().execution_options(staydown_write=True) as conn, conn.begin():
            enter(conn, HOUSE, role=False)
            upgrade(conn, to=schema)
            with unforced(conn):
                for table in tables:
                    _copy_in(conn, table, source / f"{table.name}.copy")
                    step(1)
    except DBAPIError as error:
        raise translated(error) from error
    except OSError as error:
        raise Outside(f"the copy cannot be read: {error}") from error
    finally:
        engine.dispose()


def _copy_in(conn: Connection, table: Copied, path: Path) -> None:
    sql = f'COPY "{table.name}" ({_listed(table.columns)}) FROM STDIN'
    with _raw(conn).cursor() as cursor, path.open("rb") as file:
        with cursor.copy(sql) as copy:
            while block := file.read(CHUNK_BYTES):
                copy.write(block)
        if cursor.rowcount != table.rows:
            raise Broken(f"{table.name} has {cursor.rowcount} rows where the copy speaks of {table.rows}")
    if "id" in table.columns and (name := _sequence(conn, table.name)):
        top = conn.execute(text(f'SELECT MAX(id) FROM "{table.name}"')).scalar_one()  # noqa: S608  # our own tables
        if top is not None:
            conn.execute(text("SELECT setval(:name, :top)"), {"name": name, "top": top})


def _sequence(conn: Connection, table: str) -> str | None:
    is_number = (
        "SELECT data_type IN ('bigint', 'integer') FROM information_schema.columns"
        " WHERE table_name = :table AND column_name = 'id'"
    )
    if not conn.execute(text(is_number), {"table": table}).scalar_one_or_none():
        return None
    found = conn.execute(text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table})
    return found.scalar_one_or_none()


def reopen(conn: Connection, *, mark: str, of: str, now: datetime) -> bool:
    """Make a restored store ready for work; gives False where that was done before.

    Nobody holds a lease on it; every withdrawal may have been told; and what it does not know, because it happened
    after the copy, is noted as doubtful: requests up to the highest number may have left, and new ones carry `mark`
    in their reference, because the old numbers may have been used.

    Args:
        conn: One open transaction.
        mark: Of this restore; no other one has it.
        of: The hash of the manifest it came from.
        now: The store's instant.
    """
    known = select(meta.c.value).where(meta.c.key == "restored_mark")
    if conn.execute(known).scalar_one_or_none() == mark:
        return False
    conn.execute(update(work).values(lease_until=None, lease_by=None))
    untold = withdrawals.c.told_at.is_(None) & withdrawals.c.tried_at.is_(None)
    conn.execute(update(withdrawals).where(untold).values(tried_at=now))
    unsent = letters.c.sent_at.is_(None) & letters.c.tried_at.is_(None)
    conn.execute(
        update(letters).where(unsent).values(tried_at=now)
    )  # each may have left after the copy was taken
    top = conn.execute(select(func.coalesce(func.max(requests.c.id), 0))).scalar_one()
    tries = conn.execute(select(func.coalesce(func.max(dispatches.c.id), 0))).scalar_one()
    facts = {
        "restored_mark": mark,
        "restored_of": of,
        "restored_upto": str(top),
        "restored_tries": str(tries),
    }
    upsert(
        conn,
        meta,
        [{"key": key, "value": value} for key, value in facts.items()],
        key=("key",),
        change=("value",),
    )
    return True


def sha256_of(path: Path) -> str:
    """The hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK_BYTES):
            digest.update(block)
    return digest.hexdigest()
