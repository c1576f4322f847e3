"""The judge over a measurement: plain SQL and the providers' own record, no line of the flow or the store.

Whoever wrote the program has made the same mistake in the tables as in the check, if both come from the same code. So
this one reads the database with its driver alone and holds it against what arrived.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from staydown.testing.world import Arrival

Rows = list[tuple[Any, ...]]
Query = Callable[[str], Rows]
VERIFIER = Path(__file__).parents[3] / "tools" / "verify_ledger.py"
SENT = ("dispatched", "running", "answered")

RULES: Mapping[str, str] = {
    "second_clocks": ("SELECT request FROM clocks GROUP BY request, kind, party, place HAVING COUNT(*) > 1"),
    "second_open_requests": (
        "SELECT item FROM request_items WHERE open GROUP BY item, instrument HAVING COUNT(*) > 1"
    ),
    "same_eyes": (
        'SELECT a.id FROM approvals a JOIN requests r ON r.id = a.request WHERE a."by" = r.proposed_by'
    ),
    "sent_without_approval": (
        "SELECT r.id FROM requests r WHERE r.state IN ('dispatched', 'running', 'answered')"
        " AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.request = r.id)"
    ),
    "sent_without_intent_row": (
        "SELECT r.id FROM requests r WHERE r.state IN ('dispatched', 'running', 'answered')"
        " AND NOT EXISTS (SELECT 1 FROM dispatches d WHERE d.request = r.id)"
    ),
}
"""Each names a rule that is broken by every row its query finds."""


@contextmanager
def query_on(address: str) -> Iterator[Query]:
    """A function that asks the database by its own driver."""
    if address.startswith("sqlite"):
        path = address.partition("///")[2]
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as lite:
            yield lambda sql: lite.execute(sql).fetchall()
        return
    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as postgres:
        yield lambda sql: postgres.execute(sql.encode()).fetchall()


def judge(
    address: str, approved: Mapping[str, str], arrivals: Sequence[Arrival], scratch: Path
) -> dict[str, object]:
    """Hold what people approved against what arrived and what the database says.

    Args:
        address: Of the database.
        approved: The courier of every approved request, by reference.
        arrivals: Everything that came in, in order, as the providers wrote it down.
        scratch: Where the ledger is exported to for the second verifier.

    Returns:
        Counts by courier, how often each rule was broken, and what the second verifier said.
    """
    with query_on(address) as query:
        broken = {name: len(query(sql)) for name, sql in RULES.items()}
        numbers = {
            str(reference): int(number) for number, reference in query("SELECT id, reference FROM requests")
        }
        states = Counter(str(state) for (state,) in query("SELECT state FROM requests"))
        tagged = _tagged(query)
        arrived = {one.reference for one in arrivals}
        broken["arrived_without_intent"] = sum(
            ("request:dispatch:intended", numbers.get(one, -1)) not in tagged for one in arrived
        )
        broken["sent_without_entry"] = sum(
            ("request:dispatch:sent", int(number)) not in tagged
            for (number,) in query(
                "SELECT id FROM requests WHERE state IN ('dispatched', 'running', 'answered')"
            )
        )
        broken["arrived_but_not_settled"] = _unsettled(query, arrived)
        ledger = _verify(query, scratch / "ledger.jsonl")
    by_courier = {name: _counted(name, approved, arrivals) for name in sorted(set(approved.values()))}
    return {
        **{key: sum(one[key] for one in by_courier.values()) for key in next(iter(by_courier.values()), {})},
        **broken,
        "states": dict(states),
        "ledger": ledger,
        "by_courier": by_courier,
    }


def _counted(courier: str, approved: Mapping[str, str], arrivals: Sequence[Arrival]) -> dict[str, int]:
    """What became of the requests of one courier."""
    mine = {reference for reference, name in approved.items() if name == courier}
    by_reference: dict[str, list[Arrival]] = {}
    for one in arrivals:
        if one.via == courier:
            by_reference.setdefault(one.reference, []).append(one)
    again = [one for found in by_reference.values() for one in found[1:]]
    is_mail = courier == "mail"
    return {
        "requests": len(mine),
        "lost": len(mine - by_reference.keys()),
        "unasked_for": len(by_reference.keys() - mine),
        "doubled": 0 if is_mail else sum(len(found) > 1 for found in by_reference.values()),
        "repeats": len(again),
        "repeats_marked": sum(one.repeat for one in again),
        "repeats_unmarked": sum(not one.repeat for one in again) if is_mail else 0,
        "marked_though_first": sum(found[0].repeat for found in by_reference.values()),
        "message_ids_changed": sum(
            len({one.message_id for one in found}) > 1 for found in by_reference.values()
        ),
    }


def _tagged(query: Query) -> set[tuple[str, int]]:
    """(tag, request) of every ledger entry about a request's way out."""
    found = set()
    for (entry,) in query("SELECT entry FROM ledger_entries"):
        value = json.loads(bytes(entry))
        if value["tag"].startswith("request:dispatch:"):
            found.add((value["tag"], int(value["subject"].partition(":")[2])))
    return found


def _unsettled(query: Query, arrived: set[str]) -> int:
    """Requests that arrived but of which our own record does not say that they left."""
    left = {
        str(reference) for reference, state in query("SELECT reference, state FROM requests") if state in SENT
    }
    return len(arrived - left)


def _verify(query: Query, out: Path) -> dict[str, object] | None:
    """What `tools/verify_ledger.py` says of an export written here; None where the tool is not at hand."""
    if not VERIFIER.exists():
        return None
    export(query, out)
    done = subprocess.run(  # noqa: S603  # our own interpreter on our own tool
        [sys.executable, str(VERIFIER), str(out), "--json"], capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout) if done.stdout else {"broken": [done.stderr.strip()]}
    return {"entries": found.get("size"), "root": found.get("root"), "broken": found["broken"]}


def export(query: Query, out: Path) -> None:
    """Write the ledger as `docs/how-to/verify-the-ledger.md` describes it."""
    facts: dict[str, str] = dict(query("SELECT key, value FROM meta"))
    size, checkpoint = query("SELECT size, checkpoint FROM ledger_head")[0]
    head = {
        "format": "staydown-ledger-1",
        "origin": facts["origin"],
        "public_key": _b64(bytes.fromhex(facts["public_key"])),
        "size": size,
        "checkpoint": checkpoint,
    }
    rows = query(
        "SELECT e.n, e.entry, d.salt, d.detail FROM ledger_entries e"
        " LEFT JOIN ledger_details d ON d.n = e.n ORDER BY e.n"
    )
    with out.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head) + "\n")
        for number, entry, salt, detail in rows:
            row: dict[str, object] = {"n": number, "entry": _b64(bytes(entry))}
            if salt is not None and detail is not None:
                row |= {"salt": _b64(bytes(salt)), "detail": _b64(bytes(detail))}
            file.write(json.dumps(row) + "\n")
        for (note,) in query("SELECT note FROM checkpoints ORDER BY size"):
            file.write(json.dumps({"checkpoint": note}) + "\n")


def waiting(address: str) -> int:
    """How many rows of work would still send something."""
    with query_on(address) as query:
        return int(query("SELECT COUNT(*) FROM work WHERE kind = 'dispatch'")[0][0])


def verified(address: str, scratch: Path) -> dict[str, object] | None:
    """What the second verifier says of the ledger in a database."""
    with query_on(address) as query:
        return _verify(query, scratch / "second.jsonl")


def differences(address: str, copy: Path, tables: Sequence[tuple[str, Sequence[str]]]) -> dict[str, int]:
    """How many rows differ between a copy of a store and a database, by table.

    Args:
        address: Of the database.
        copy: The folder of the copy.
        tables: Name and columns of each.
    """
    if address.startswith("sqlite"):
        return _differ_sqlite(
            address.partition("///")[2], copy / "staydown.sqlite", [name for name, _ in tables]
        )
    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as conn:
        return {
            name: _differ_postgres(conn, copy / f"{name}.copy", name, columns) for name, columns in tables
        }


def entries_that_differ(source: str, restored: str, size: int) -> int:
    """How many of the first `size` ledger entries are not the same bytes in two databases, or lack in one."""
    sql = f"SELECT n, entry FROM ledger_entries WHERE n < {int(size)} ORDER BY n"  # noqa: S608  # a number
    with query_on(source) as here, query_on(restored) as there:
        ours, theirs = ({int(n): bytes(entry) for n, entry in query(sql)} for query in (here, there))
    return sum(n not in ours or ours.get(n) != theirs.get(n) for n in range(size))


def between(source: str, restored: str) -> dict[str, int]:
    """How many rows differ between two databases of one sort, by table; a table that only one has counts as one."""
    if source.startswith("sqlite"):
        path, copy = (address.partition("///")[2] for address in (source, restored))
        with query_on(source) as here, query_on(restored) as there:
            ours, theirs = ({str(name) for (name,) in query(_LITE_TABLES)} for query in (here, there))
        return dict.fromkeys(ours ^ theirs, 1) | _differ_sqlite(path, Path(copy), sorted(ours & theirs))
    one, other = (address.replace("+psycopg", "") for address in (source, restored))
    with psycopg.connect(one, autocommit=True) as conn, psycopg.connect(other, autocommit=True) as second:
        mine, others = _columns(conn), _columns(second)
        return dict.fromkeys(mine.keys() ^ others.keys(), 1) | {
            name: _apart(_rows(conn, name, columns), _rows(second, name, others[name]))
            for name, columns in mine.items()
            if name in others
        }


_LITE_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
_COLUMNS = (
    "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns"
    " WHERE table_schema = 'public' GROUP BY table_name"
)


def _columns(conn: psycopg.Connection[Any]) -> dict[str, list[str]]:
    return {str(name): list(columns) for name, columns in conn.execute(_COLUMNS).fetchall()}


def _differ_sqlite(path: str, copy: Path, names: Sequence[str]) -> dict[str, int]:
    found = {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        conn.execute("ATTACH ? AS copy", (f"file:{copy}?mode=ro",))
        for name in names:
            here, there = f'main."{name}"', f'copy."{name}"'
            counts = [
                conn.execute(f"SELECT COUNT(*) FROM (SELECT * FROM {one} EXCEPT SELECT * FROM {other})")  # noqa: S608
                for one, other in ((here, there), (there, here))
            ]
            found[name] = sum(int(count.fetchone()[0]) for count in counts)
    return found


def _differ_postgres(conn: psycopg.Connection[Any], copy: Path, name: str, columns: Sequence[str]) -> int:
    return _apart(_rows(conn, name, columns), Counter(copy.read_bytes().splitlines()))


def _rows(conn: psycopg.Connection[Any], name: str, columns: Sequence[str]) -> Counter[bytes]:
    listed = ", ".join(f'"{column}"' for column in columns)
    sql = f'COPY (SELECT {listed} FROM "{name}") TO STDOUT'  # noqa: S608  # names out of our own manifest or schema
    with conn.cursor() as cursor, cursor.copy(sql.encode()) as rows:
        return Counter(b"".join(bytes(block) for block in rows).splitlines())


def _apart(here: Counter[bytes], there: Counter[bytes]) -> int:
    return (here - there).total() + (there - here).total()


def holds(found: Mapping[str, Any]) -> bool:
    """Whether every rule held."""
    rules = (
        *RULES,
        "lost",
        "unasked_for",
        "doubled",
        "repeats_unmarked",
        "message_ids_changed",
    )
    rules += ("arrived_without_intent", "sent_without_entry", "arrived_but_not_settled")
    ledger = found["ledger"]
    return not any(found[rule] for rule in rules) and (ledger is None or not ledger["broken"])


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()
