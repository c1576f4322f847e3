"""Rules that must hold are constraints: broken by hand, the schema itself refuses, on both databases."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Index, inspect, text
from sqlalchemy.exc import DBAPIError

from staydown.core.errors import Invalid, Stale
from staydown.core.ids import ItemId
from staydown.core.states import ClockState
from staydown.ports.work import WorkKind
from staydown.store.engine import make_engine, make_store, open_store
from staydown.store.ledger import flat_json
from staydown.store.tables import metadata
from support import Desk


def refused(desk: Desk, statement: str, **values: object) -> None:
    with pytest.raises(DBAPIError) as error, desk.store.engine.connect() as conn, conn.begin():
        conn.execute(text(statement), values)
    assert any(word in str(error.value).lower() for word in ("constraint", "unique", "violates"))


def test_no_dispatch_row_without_an_approval(desk: Desk) -> None:
    request, _ = desk.referred(desk.show("qorvana"))
    insert = (
        "INSERT INTO dispatches (id, request, approval, attempt, state, intent_at, message_id, repeat, text_sha256)"
        " VALUES (99, :request, :approval, 9, 'intended', 0, 'm', false, 'x')"
    )
    refused(desk, insert, request=request.id, approval=4711)
    other, _ = desk.referred(desk.show("velmeri"))
    refused(desk, insert, request=request.id, approval=other.id)


def test_the_approver_is_not_the_proposer(desk: Desk) -> None:
    items = desk.sight(desk.show("qorvana"))
    desk.keep(items)
    desk.view(items)
    request = desk.put(items).requests[0]
    insert = (
        'INSERT INTO approvals (id, request, proposed_by, "by", at, expires_at, digest)'
        " VALUES (99, :request, :proposer, 'alice', 0, 9, 'd')"
    )
    refused(desk, insert, request=request.id, proposer="alice")
    refused(desk, insert, request=request.id, proposer="anna")


def test_one_open_row_per_key(desk: Desk) -> None:
    (item,) = desk.sight("https://flock.exercise.example/@qorvana")
    refused(
        desk,
        "INSERT INTO item_keys (id, key, item, from_at) VALUES (99, 'flock:account:qorvana', :item, 0)",
        item=item,
    )


def test_one_open_request_per_item_and_instrument(desk: Desk) -> None:
    request, (item,) = desk.referred(desk.show("qorvana"))
    other, _ = desk.referred(desk.show("velmeri"))
    insert = (
        "INSERT INTO request_items (request, item, number, address, digest, instrument, open)"
        " VALUES (:request, :item, 9, 'a', 'd', 'referral', true)"
    )
    refused(desk, insert, request=other.id, item=item)
    assert request.id != other.id


@pytest.mark.parametrize("state", list(ClockState))
def test_one_clock_per_request_kind_party_and_place_however_it_stands(desk: Desk, state: ClockState) -> None:
    request, _ = desk.referred(desk.show("qorvana"))
    insert = (
        "INSERT INTO clocks (id, request, kind, party, place, source, started_at, strict_end, legal_end, state)"
        f" VALUES (99, :request, 'act', 'provider', 'here', 's', 0, 1, 1, '{state.value}')"
    )
    refused(desk, insert, request=request.id)


@pytest.mark.parametrize(
    ("table", "column", "word"),
    [
        ("items", "state", "vanished"),
        ("items", "kind", "tweet"),
        ("requests", "state", "done"),
        ("assessments", "verdict", "bad"),
    ],
)
def test_only_words_of_the_vocabulary(desk: Desk, table: str, column: str, word: str) -> None:
    desk.referred(desk.show("qorvana"))
    refused(desk, f"UPDATE {table} SET {column} = '{word}'")


def test_the_schema_is_what_the_tables_say(desk: Desk) -> None:
    """The frozen migrations and the tables in the code must not drift apart."""
    found = inspect(desk.store.engine)
    assert set(found.get_table_names()) == {*metadata.tables, "alembic_version"}
    for name, table in metadata.tables.items():
        assert {column["name"] for column in found.get_columns(name)} == set(table.columns.keys()), name
        indexes = {
            index["name"] for index in found.get_indexes(name) if not index.get("duplicates_constraint")
        }
        wanted = {index.name for index in table.indexes if _is_for(index, desk.store.engine.dialect.name)}
        assert wanted <= indexes, name


def _is_for(index: Index, dialect: str) -> bool:
    """Whether an index is made on this database."""
    only = getattr(index, "_ddl_if", None)
    return only is None or only.dialect == dialect


def test_a_database_of_a_newer_version_is_left_alone(desk: Desk) -> None:
    with desk.store.engine.connect() as conn, conn.begin():
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Invalid, match="newer Staydown"):
        open_store(desk.app.settings.database_address, desk.app.key_file)


def test_an_exercise_never_becomes_real(desk: Desk) -> None:
    from staydown.core.errors import Broken

    with desk.store.engine.connect() as conn, conn.begin():
        conn.execute(text("UPDATE meta SET value = 'real' WHERE key = 'kind'"))
    with pytest.raises(Broken, match="first ledger entry"):
        open_store(desk.app.settings.database_address, desk.app.key_file)


def test_a_home_is_made_once(desk: Desk) -> None:
    with pytest.raises(Invalid, match="already"):
        make_store(desk.app.settings.database_address, desk.app.key_file, exercise=True, origin="")


def test_an_address_of_another_database_is_refused() -> None:
    with pytest.raises(Invalid):
        make_engine("mysql://example/x")
    with pytest.raises(Invalid):
        make_engine("no address at all")


# --- work ---------------------------------------------------------------------------------------------


def test_a_lease_is_taken_over_when_it_runs_out(desk: Desk) -> None:
    (item,) = desk.sight(desk.show("qorvana"))
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, [item], due_at=work.now)
        first = work.queue.lease(by="first", limit=9, lease=timedelta(seconds=-1))
    with desk.store.begin() as work:
        second = work.queue.lease(by="second", limit=9, lease=timedelta(seconds=9))
        assert [task.subject for task in second] == [item]
        assert second[0].attempts == 2
        assert work.queue.lease(by="third", limit=9, lease=timedelta(seconds=9)) == []
    with pytest.raises(Stale), desk.store.begin() as work:
        work.queue.done(first)
    with desk.store.begin() as work:
        work.queue.done(second)
        assert work.queue.next_due() is None


def test_work_asked_for_again_meanwhile_is_not_struck_off(desk: Desk) -> None:
    (item,) = desk.sight(desk.show("qorvana"))
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, [item], due_at=work.now)
        taken = work.queue.lease(by="first", limit=9, lease=timedelta(seconds=9))
        later = work.now + timedelta(hours=1)
        work.queue.add(WorkKind.CHECK, [item], due_at=later)
        work.queue.done(taken)
        assert work.queue.next_due() == later


# --- the ledger -----------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), VALUES, max_size=6))
def test_the_quick_encoder_is_the_canonical_one(value: dict[str, object]) -> None:
    assert flat_json(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


def test_what_is_not_committed_leaves_no_entry(desk: Desk) -> None:
    with desk.store.begin(write=False) as work:
        size = work.ledger.size()
    with pytest.raises(RuntimeError), desk.store.begin() as work:
        work.ledger.append("item:test:made", "item:1", {})
        work.ledger.flush()
        raise RuntimeError
    with desk.store.begin(write=False) as work:
        assert work.ledger.size() == size


def test_details_can_be_erased_and_the_chain_stays_whole(desk: Desk) -> None:
    from staydown.flow import audit

    desk.sight(desk.show("qorvana"), desk.show("velmeri"))
    with desk.store.engine.connect() as conn, conn.begin():
        conn.execute(text("DELETE FROM ledger_details"))
    with desk.store.begin(write=False) as work:
        assert audit.verify(work, desk.app.vault, public=desk.store.public_key).broken == ()
        assert b"qorvana" not in b"".join(line.entry for line in work.ledger.lines())


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE ledger_entries SET entry = CAST(REPLACE(CAST(entry AS TEXT), 'recorded', 'reworded') AS BLOB) WHERE n = 1",
        "DELETE FROM ledger_details WHERE n = 2; DELETE FROM ledger_entries WHERE n = 2",
        "UPDATE ledger_details SET detail = CAST('{}' AS BLOB) WHERE n = 1",
        "UPDATE ledger_head SET size = size - 1",
        "UPDATE ledger_head SET checkpoint = ''",
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_forgery_is_found(desk: Desk, forgery: str) -> None:
    from staydown.flow import audit

    desk.sight(desk.show("qorvana"), desk.show("velmeri"), desk.show("tamtosk"))
    with desk.store.engine.connect() as conn, conn.begin():
        for statement in forgery.split("; "):
            assert conn.execute(text(statement)).rowcount == 1
    with desk.store.begin(write=False) as work:
        found = audit.verify(work, desk.app.vault, public=desk.store.public_key)
    if forgery == "UPDATE ledger_head SET size = size - 1":
        assert found.broken == (), "the number beside the signed head is a convenience, not the record"
    else:
        assert found.broken


def test_evidence_that_was_changed_is_found(desk: Desk) -> None:
    from staydown.flow import audit

    desk.keep(desk.sight(desk.show("qorvana")))
    file = next(path for path in (desk.home / "vault").rglob("*") if path.is_file())
    file.chmod(0o640)
    file.write_bytes(file.read_bytes() + b"x")
    with desk.store.begin(write=False) as work:
        found = audit.verify(work, desk.app.vault, public=desk.store.public_key)
    assert any("another hash" in line for line in found.broken)


def test_entries_are_canonical_and_numbered(desk: Desk) -> None:
    desk.sight(desk.show("qorvana"))
    with desk.store.begin(write=False) as work:
        entries = [line.entry for line in work.ledger.lines()]
    for number, entry in enumerate(entries):
        value = json.loads(entry)
        assert value["n"] == number
        assert rfc8785.dumps(value) == entry


def test_the_same_record_twice_is_one_sighting(desk: Desk) -> None:
    address = desk.show("qorvana")
    first: list[ItemId] = desk.sight(address)
    again = desk.sight(
        address, address.upper().replace("/@QORVANA", "/@Qorvana") + "?utm_source=list", agency="BB"
    )
    assert first + first == again
    with desk.store.begin(write=False) as work:
        assert work.figures.counts()["sightings"] == 3
        assert [str(code) for code in work.items.get(first)[0].agencies] == ["AA", "BB"]
    desk.sight(address)
    with desk.store.begin(write=False) as work:
        assert work.figures.counts()["sightings"] == 3
