"""Sets of values in SQL without one parameter each, and ids handed out in blocks."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    Text,
    any_,
    bindparam,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


def is_sqlite(conn: Connection) -> bool:
    """Whether the store is SQLite; the other one is PostgreSQL."""
    return conn.dialect.name == "sqlite"


def among(
    conn: Connection, column: ColumnElement[Any], values: Collection[int] | Collection[str]
) -> ColumnElement[bool]:
    """`column IN values`, sent as one parameter however many there are."""
    listed = list(values)
    if is_sqlite(conn):
        rows = func.json_each(literal(json.dumps(listed), Text)).table_valued("value")
        return column.in_(select(rows.c.value))
    of_text = bool(listed) and isinstance(listed[0], str)
    return column == any_(literal(listed, ARRAY(Text if of_text else BigInteger)))


def new_ids(conn: Connection, table: Table, count: int) -> list[int]:
    """Ids for rows about to be inserted, in order.

    SQLite's writers come one after the other, so the highest id is enough there.
    """
    if count == 0:
        return []
    if is_sqlite(conn):
        top = conn.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
        return list(range(top + 1, top + 1 + count))
    drawn = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
    return list(conn.execute(drawn, {"name": table.name, "count": count}).scalars())


def insert_new(conn: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows, leaving out those that some unique rule already knows."""
    if rows:
        make = sqlite_insert if is_sqlite(conn) else postgres_insert
        conn.execute(make(table).on_conflict_do_nothing(), list(rows))


def upsert(
    conn: Connection,
    table: Table,
    rows: Sequence[Mapping[str, object]],
    *,
    key: Sequence[str],
    change: Sequence[str],
) -> None:
    """Insert rows; where the key is known, change the named columns instead."""
    if not rows:
        return
    make = sqlite_insert if is_sqlite(conn) else postgres_insert
    statement = make(table)
    fresh = statement.excluded
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=list(key), set_={name: fresh[name] for name in change}
        ),
        list(rows),
    )


def for_update(conn: Connection, statement: Any, **options: Any) -> Any:
    """Lock what a SELECT finds; SQLite's write transaction has the lock already."""
    return statement if is_sqlite(conn) else statement.with_for_update(**options)


__all__ = ["among", "bindparam", "for_update", "insert_new", "is_sqlite", "new_ids", "upsert"]
