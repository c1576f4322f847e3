"""What `staydown bench restore` prints can be believed: a row or an entry that differs from the source is seen."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from staydown.bench import base, checker, restore
from staydown.bench.topics import Options


def test_what_comes_back_is_held_against_the_source(tmp_path: Path, database: str | None) -> None:
    found = restore.measure(Options(scratch=tmp_path, size=60, database=database))
    assert found["holds"], found
    assert found["source_entries_compared"] > 60  # type: ignore[operator]
    assert found["source_entries_that_differ"] == 0
    at_rest = found["at_rest"]
    assert at_rest["tables_compared"] >= found["tables_compared"]  # type: ignore[index,operator]
    assert (at_rest["rows_that_differ"], at_rest["differences"]) == (0, {})  # type: ignore[index]


GOOD_BACKUP = {"arrived_meanwhile": 3, "sightings_meanwhile": 4}
GOOD = {
    "same_head": True,
    "rows_that_differ": 0,
    "source_entries_that_differ": 0,
    "second_verifier": {"broken": []},
}
GOOD_REST = {"tables_compared": 20, "rows_that_differ": 0}


def test_every_part_counts() -> None:
    assert restore.holds(GOOD_BACKUP, GOOD, GOOD_REST)
    for name in GOOD_BACKUP:
        assert not restore.holds({**GOOD_BACKUP, name: 0}, GOOD, GOOD_REST), name
    for name, bad in {
        "same_head": False,
        "rows_that_differ": 1,
        "source_entries_that_differ": 1,
        "second_verifier": {"broken": ["x"]},
    }.items():
        assert not restore.holds(GOOD_BACKUP, {**GOOD, name: bad}, GOOD_REST), name
    assert not restore.holds(GOOD_BACKUP, GOOD, {**GOOD_REST, "rows_that_differ": 1})
    assert not restore.holds(GOOD_BACKUP, GOOD, {**GOOD_REST, "tables_compared": 0})


def twins(tmp_path: Path) -> tuple[str, str]:
    """A small store, and a copy of its file."""
    with base.home(tmp_path / "one", None) as app:
        with app.store.begin() as work:
            base.running_requests(work, 3)
        address = app.settings.database_address
    (tmp_path / "two").mkdir()
    copy = tmp_path / "two" / "staydown.sqlite"
    with sqlite3.connect(tmp_path / "one" / "staydown.sqlite") as here, sqlite3.connect(copy) as there:
        here.backup(there)
    return address, f"sqlite:///{copy}"


def test_one_row_that_differs_is_seen(tmp_path: Path) -> None:
    source, copy = twins(tmp_path)
    assert set(checker.between(source, copy).values()) == {0}
    with sqlite3.connect(copy.partition("///")[2]) as there:
        there.execute("UPDATE requests SET cover = 'another' WHERE id = 2")
        there.execute("DELETE FROM agencies")
    found = {name: count for name, count in checker.between(source, copy).items() if count}
    assert found == {"requests": 2, "agencies": 1}


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_one_row_that_differs_is_seen_on_postgres(database: str, other_database: str) -> None:
    for address in (database, other_database):
        engine = create_engine(address)
        with engine.begin() as conn:
            conn.execute(text("CREATE TABLE made_up (id INTEGER PRIMARY KEY, name TEXT)"))
            conn.execute(text("INSERT INTO made_up VALUES (1, 'a'), (2, 'b')"))
        engine.dispose()
    assert checker.between(database, other_database) == {"made_up": 0}
    with (engine := create_engine(other_database)).begin() as conn:
        conn.execute(text("UPDATE made_up SET name = 'c' WHERE id = 2"))
    engine.dispose()
    assert checker.between(database, other_database) == {"made_up": 2}


def test_one_entry_that_differs_is_seen(tmp_path: Path) -> None:
    source, copy = twins(tmp_path)
    assert checker.entries_that_differ(source, copy, 1) == 0
    assert checker.entries_that_differ(source, copy, 2) == 1, "neither has it: it was cut off"
    with sqlite3.connect(copy.partition("///")[2]) as there:
        (entry,) = there.execute("SELECT entry FROM ledger_entries WHERE n = 0").fetchone()
        row = json.loads(bytes(entry))
        there.execute("UPDATE ledger_entries SET entry = ? WHERE n = 0", (json.dumps(row).encode(),))
    assert checker.entries_that_differ(source, copy, 1) == 1, "the same values in other bytes"
