"""Walls between agencies: on PostgreSQL the database alone refuses what crosses them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Table, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from ordering import OFFICE, settle_in
from staydown.core.house import AccessKind, Matter
from staydown.core.ids import AgencyCode
from staydown.core.rights import Verb
from staydown.core.states import ItemState
from staydown.flow import deconflict, duty
from staydown.store import walls
from staydown.store.tables import metadata
from support import ALICE, CAROL, Desk

AA, BB, CC = AgencyCode("AA"), AgencyCode("BB"), AgencyCode("CC")
STATEMENTS = 10_000
SHARED = {
    "meta", "agencies", "operations", "operation_agencies", "items", "item_keys", "merges", "merged_sightings",
    "operation_items", "evidence", "waivers", "marks", "fingerprints", "list_entries", "matches", "checks", "returns",
    "work", "ledger_entries", "ledger_head", "checkpoints", "access_hours",
}  # fmt: skip
"""Tables of the record that all work on, and of the machinery."""


@pytest.fixture
def walled(desk: Desk, database: str | None) -> Desk:
    """Two agencies with something in every table that belongs to one."""
    if database is None:
        pytest.skip("SQLite has no row-level security; there the first wall stands alone")
    addresses = [desk.show(f"made_up_{n}") for n in range(6)]
    desk.referred(*addresses[:3])
    items = desk.sight(*addresses[3:], agency="BB")
    with desk.store.begin() as work:
        deconflict.place(
            work,
            CAROL,
            items[:1],
            reason="watched",
            until=work.now + timedelta(days=3),
            longest=timedelta(days=9),
            at_most=9,
        )
        for one in (ALICE, CAROL):
            work.accesses.note(
                AccessKind.CONSULTATION, one, Verb.SEE_SIGHTINGS, ["item:1"], count=1, purpose="case"
            )
            number = duty.alarm(work, one.agency, Matter.ALARM, f"clock:{one.id}", "made up")
            assert number is not None
            work.duties.called(number, one.id, means="desk", reached=True, detail="")
    desk.view(items, by=CAROL)
    settle_in(desk)
    with desk.store.begin() as work:
        work.offices.set(replace(OFFICE, agency=BB), by=CAROL.id)
        work.offices.propose(replace(work.offices.authorities(AA)[0], agency=BB, by=CAROL.id))
    return desk


def _walled_tables(conn: Connection) -> list[Table]:
    names = conn.execute(
        text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'")
    ).scalars()
    return [metadata.tables[name] for name in sorted(names)]


def test_every_table_is_walled_or_known_to_be_shared(walled: Desk) -> None:
    with walled.store.begin(write=False) as work:
        behind = {table.name for table in _walled_tables(work.conn)}
    assert behind | SHARED == set(metadata.tables)
    assert behind == set(walls.WALLED)
    assert not behind & SHARED


def test_without_an_agency_nothing_is_there(walled: Desk) -> None:
    with walled.store.begin(write=False) as work:
        tables = _walled_tables(work.conn)
        filled = {
            t.name for t in tables if work.conn.execute(select(func.count()).select_from(t)).scalar_one()
        }
        assert {
            "sightings",
            "assessments",
            "holds",
            "requests",
            "request_items",
            "accesses",
            "alarms",
        } <= filled
        work.conn.execute(text("SELECT set_config('staydown.agency', '', true)"))
        for table in tables:
            if table.name == "offices":
                continue  # what stands on forms is read by everybody, and written by its own agency
            assert work.conn.execute(select(func.count()).select_from(table)).scalar_one() == 0, table.name


def test_the_role_bypasses_nothing(walled: Desk) -> None:
    with walled.store.begin(of=AA) as work:
        row = work.conn.execute(
            text("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        ).one()
        owners = work.conn.execute(
            text(
                "SELECT count(*) FROM pg_tables WHERE tableowner = current_user AND schemaname = current_schema()"
            )
        )
        assert (row.rolname, row.rolsuper, row.rolbypassrls, owners.scalar_one()) == (
            walls.ROLE,
            False,
            False,
            0,
        )


def test_ten_thousand_statements_across_are_refused_by_the_database_alone(walled: Desk) -> None:
    """Reads, changes, deletions, re-labels and insertions of the other agency's rows, past all of our own code."""
    with walled.store.begin(write=False) as work:
        owned = [t for t in _walled_tables(work.conn) if "agency" in t.c]
        rows = {
            (t.name, code): [dict(r._mapping) for r in work.conn.execute(select(t).where(t.c.agency == code))]
            for t in owned
            for code in (AA, BB)
        }
    drawn, outcomes = random.Random(7), Counter[str]()
    targets = [(t, code) for t in owned for code in (AA, BB) if rows[t.name, code]]
    assert {t.name for t, _ in targets} >= {
        "sightings",
        "assessments",
        "requests",
        "accesses",
        "alarms",
        "persons",
        "offices",
        "authorities",
    }
    done = 0
    while done < STATEMENTS:
        with walled.store.begin(of=CC if drawn.random() < 0.3 else drawn.choice([AA, BB])) as work:
            own = work.conn.execute(text("SELECT current_setting('staydown.agency')")).scalar_one()
            for _ in range(100):
                table, code = drawn.choice([one for one in targets if one[1] != own])
                row = drawn.choice(rows[table.name, code])
                kind = drawn.choice(["read", "change", "delete", "label", "insert", "take"])
                if (table.name, kind) == ("offices", "read"):
                    kind = "change"  # everybody reads those
                outcomes[f"{kind}:{_attempt(work.conn, table, row, kind, own)}"] += 1
                done += 1
    crossed = {key: count for key, count in outcomes.items() if not key.endswith(":refused")}
    assert crossed == {}
    assert done == sum(outcomes.values()) >= STATEMENTS
    assert len(outcomes) == 6


def _attempt(conn: Connection, table: Table, row: dict[str, object], kind: str, own: str) -> str:
    key = next(iter(table.primary_key.columns))
    mine = key == row[key.name]
    statement = {
        "read": select(table).where(mine),
        "change": update(table).where(mine).values({"agency": row["agency"]}),
        "delete": delete(table).where(mine),
        "label": update(table).where(mine).values(agency=own),  # their row made ours
        "insert": insert(table).values(row | _fresh(table)),  # a row of theirs, written by us
        "take": update(table).where(table.c.agency == own).values(agency=row["agency"]),  # ours made theirs
    }[kind]
    try:
        with conn.begin_nested():
            done = conn.execute(statement)
            touched = len(done.all()) if kind == "read" else done.rowcount
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", "")
        return "refused" if state in {"42501"} else f"other {state}"
    return "refused" if touched == 0 else "crossed"


def _fresh(table: Table) -> dict[str, object]:
    fresh: dict[str, object] = {}
    for column in table.primary_key.columns:
        fresh[column.name] = f"new.{random.getrandbits(40)}" if column.type.python_type is str else 10**12
    for name in ("hash", "fingerprint", "reference"):
        if name in table.c:
            fresh[name] = random.randbytes(32) if name != "reference" else random.randbytes(9).hex()
    return fresh


def test_children_follow_their_parents(walled: Desk) -> None:
    for code, sees in ((AA, True), (BB, False), (CC, False)):
        with walled.store.begin(of=code, write=False) as work:
            for name in ("requests", "request_items", "approvals", "dispatches", "clocks"):
                count = work.conn.execute(
                    select(func.count()).select_from(metadata.tables[name])
                ).scalar_one()
                assert (count > 0) is sees, (code, name)


def test_a_providers_desk_sees_what_was_sent_to_it_and_nothing_else(walled: Desk) -> None:
    fourth = walled.sight(walled.show("made_up_9"))
    walled.keep(fourth)
    walled.view(fourth)
    unsent = walled.put(fourth).requests[0]
    with walled.store.begin(of=AgencyCode("FLOCK"), write=False) as work:
        seen = work.requests.listed()
    assert seen
    assert unsent.id not in {one.id for one in seen}
    with walled.store.begin(of=AgencyCode("HEARTH"), write=False) as work:
        assert work.requests.listed() == []


def test_looking_across_ends_where_it_began(walled: Desk) -> None:
    with walled.store.begin(of=AA) as work:
        count = select(func.count()).select_from(metadata.tables["holds"])
        assert work.conn.execute(count).scalar_one() == 0
        with work.across():
            assert work.conn.execute(count).scalar_one() == 1
            with work.across():
                pass
            assert work.conn.execute(count).scalar_one() == 1
        assert work.conn.execute(count).scalar_one() == 0
        with pytest.raises(ZeroDivisionError), work.across():
            raise ZeroDivisionError
        assert work.conn.execute(count).scalar_one() == 0
        assert work.holds.on(work.items.in_state(list(ItemState)))
    with walled.store.begin(write=False) as work:  # the pool hands the same connection out again
        assert work.conn.execute(count).scalar_one() == 1
