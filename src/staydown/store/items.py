"""Items, their keys and their sightings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from staydown.core.ids import AgencyCode, ItemId, ItemKey, OperationId
from staydown.core.item import ACTORS, Item, ItemKind, NewSighting
from staydown.core.states import ITEM, ItemEvent, ItemState, Presence, sources, step
from staydown.core.time import micros
from staydown.ports.work import Recorded, SightingRow
from staydown.store.facets import facets, on_list
from staydown.store.names import INTAKE_LOCK
from staydown.store.sets import among, insert_new, insert_rows, insert_unknown, is_sqlite, new_ids, unhelped
from staydown.store.tables import Instant, evidence, item_keys, items, merges, persons, sightings, waivers
from staydown.store.walls import across


class Items:
    """The things themselves."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now
        self._locked: set[ItemId] = set()

    def record(self, seen: Sequence[NewSighting]) -> Recorded:
        """Store sightings, merging them into items by key; the same record twice stays one record."""
        if not is_sqlite(self._conn):  # one intake at a time, or two would make the same item
            self._conn.execute(select(func.pg_advisory_xact_lock(INTAKE_LOCK)))
        before = self._open_keys({one.identity.key for one in seen})
        spans = _spans(seen)
        fresh = self._add_items(seen, before, spans)
        self._widen(spans, before)
        return Recorded(
            sightings=tuple(self._add_sightings(seen, before | fresh)),
            items_new=tuple(sorted(fresh.values())),
            items_known=tuple(sorted(set(before.values()))),
        )

    def _open_keys(self, keys: Collection[ItemKey]) -> dict[ItemKey, ItemId]:
        rows = self._conn.execute(
            select(item_keys.c.key, item_keys.c.item).where(
                among(self._conn, item_keys.c.key, keys), item_keys.c.until_at.is_(None)
            )
        )
        return {row.key: row.item for row in rows}

    def _add_items(
        self,
        seen: Sequence[NewSighting],
        known: Mapping[ItemKey, ItemId],
        spans: Mapping[ItemKey, tuple[int, int]],
    ) -> dict[ItemKey, ItemId]:
        first: dict[ItemKey, NewSighting] = {}
        for one in seen:
            if one.identity.key not in known:
                first.setdefault(one.identity.key, one)
        ids = new_ids(self._conn, items, len(first))
        fresh = {key: ItemId(number) for key, number in zip(first, ids, strict=True)}
        now = micros(self._now)
        insert_rows(
            self._conn,
            items,
            (
                "id", "provider", "kind", "address", "container", "wraps", "state", "presence",
                "first_seen", "last_seen", "recorded_at", "since", "stable_id",
            ),
            [
                (
                    fresh[key], one.identity.provider, one.identity.kind.value, one.identity.address,
                    one.identity.container, one.identity.wraps, ItemState.RECORDED.value, Presence.UNSEEN.value,
                    *spans[key], now, now, one.identity.stable_id if one.identity.kind in ACTORS else None,
                )
                for key, one in first.items()
            ],
        )  # fmt: skip
        insert_rows(
            self._conn,
            item_keys,
            ("key", "item", "from_at"),
            [(key, fresh[key], now) for key in sorted(fresh)],  # near places of the index one after the other
        )
        return fresh

    def _add_sightings(
        self, seen: Sequence[NewSighting], known: Mapping[ItemKey, ItemId]
    ) -> list[tuple[int, ItemId, NewSighting]]:
        unique = list({one.fingerprint: one for one in seen}.values())
        ids = new_ids(self._conn, sightings, len(unique))
        now = micros(self._now)
        inserted = insert_unknown(
            self._conn,
            sightings,
            (
                "id", "item", "agency", "raw", "seen_at", "recorded_at", "fingerprint",
                "note", "confidence", "sharing",
            ),
            [
                (
                    number, known[one.identity.key], one.agency, one.identity.raw, micros(one.seen_at), now,
                    one.fingerprint, one.note, one.confidence, one.sharing,
                )
                for number, one in sorted(
                    zip(ids, unique, strict=True), key=lambda pair: pair[1].fingerprint
                )
            ],
        )  # fmt: skip
        return [
            (number, known[one.identity.key], one)
            for number, one in zip(ids, unique, strict=True)
            if number in inserted
        ]

    def _widen(self, seen: Mapping[ItemKey, tuple[int, int]], known: Mapping[ItemKey, ItemId]) -> None:
        """Items that were there before are now seen from the earliest to the latest of all sightings."""
        spans = {known[key]: span for key, span in seen.items() if key in known}
        self.lock(spans)
        first, last = bindparam("b_first", type_=BigInteger), bindparam("b_last", type_=BigInteger)
        was_first, was_last = (
            type_coerce(column, BigInteger) for column in (items.c.first_seen, items.c.last_seen)
        )
        if spans:
            self._conn.execute(
                update(items)
                .where(items.c.id == bindparam("b_item"), or_(was_first > first, was_last < last))
                .values(
                    first_seen=case((was_first > first, first), else_=was_first),
                    last_seen=case((was_last < last, last), else_=was_last),
                ),
                [
                    {"b_item": item, "b_first": begin, "b_last": end}
                    for item, (begin, end) in sorted(spans.items())
                ],
            )

    # --- reading -------------------------------------------------------------------------------

    def find(self, keys: Collection[str]) -> dict[str, ItemId]:
        """The items behind keys or canonical addresses; what is unknown is left out."""
        found: dict[str, ItemId] = {
            str(key): item for key, item in self._open_keys([ItemKey(k) for k in keys]).items()
        }
        rest = [word for word in keys if word not in found]
        if rest:
            now = func.coalesce(items.c.merged_into, items.c.id).label("now")
            rows = self._conn.execute(
                select(items.c.address, now)
                .where(among(self._conn, items.c.address, rest))
                .order_by(items.c.id)  # of an address that passed on, the one who has it now
            )
            found |= {row.address: row.now for row in rows}
            before = self._conn.execute(  # where items were found before a merge gave them another address
                select(merges.c.kept_address, now)
                .join(items, items.c.id == merges.c.kept)
                .where(among(self._conn, merges.c.kept_address, rest), merges.c.undone_at.is_(None))
                .order_by(merges.c.id)
            )
            found = {row.kept_address: row.now for row in before} | found
        return found

    def _select(self) -> Select[tuple[object, ...]]:
        root, named = items.alias("root"), item_keys.alias("named")
        root_key = (
            select(named.c.key)
            .where(named.c.item == root.c.id, named.c.until_at.is_(None), named.c.is_alias.is_(False))
            .limit(1)
            .correlate(root)
            .scalar_subquery()
        )
        codes = (
            func.group_concat(sightings.c.agency.distinct())
            if is_sqlite(self._conn)
            else func.string_agg(sightings.c.agency.distinct(), ",")
        )
        who = select(codes).where(sightings.c.item == items.c.id).correlate(items).scalar_subquery()
        own = func.coalesce(item_keys.c.key, last_key()).label("key")
        return select(items, own, who.label("agencies"), root_key.label("root_key")).select_from(
            items.outerjoin(item_keys, own_key()).outerjoin(root, root.c.id == items.c.lineage)
        )

    @across
    def get(self, ids: Collection[ItemId]) -> list[Item]:
        """Items by id, in the order of their ids."""
        rows = self._conn.execute(
            self._select().where(among(self._conn, items.c.id, ids)).order_by(items.c.id)
        )
        return [_item(row) for row in rows]

    def listed(
        self,
        *,
        operation: OperationId | None = None,
        state: ItemState | None = None,
        facet: str | None = None,
    ) -> Iterator[Item]:
        """Stream items in the order of their ids; `facet` is one of `store/facets.py`."""
        is_merged = state is ItemState.MERGED
        statement = self._select().where(on_list(operation, merged=is_merged)).order_by(items.c.id)
        if state is not None:
            statement = statement.where(items.c.state == state.value)
        if facet is not None:
            statement = statement.where(facets(self._now)[facet])
        for row in self._conn.execute(statement, execution_options={"yield_per": 2000}):
            yield _item(row)

    def sightings(self, *, operation: OperationId | None = None) -> Iterator[SightingRow]:
        """Stream sightings in the order they were recorded."""
        rows = self._conn.execute(
            select(sightings, func.coalesce(item_keys.c.key, last_key()).label("key"))
            .select_from(
                sightings.join(items, items.c.id == sightings.c.item).outerjoin(item_keys, own_key())
            )
            .where(on_list(operation))
            .order_by(sightings.c.id),
            execution_options={"yield_per": 2000},
        )
        for row in rows:
            yield SightingRow(
                id=row.id,
                key=row.key,
                agency=row.agency,
                raw=row.raw,
                seen_at=row.seen_at,
                note=row.note,
                confidence=row.confidence,
                sharing=row.sharing,
            )

    def brief(self, ids: Collection[ItemId]) -> dict[ItemId, tuple[str, str, ItemState, Presence]]:
        """Provider, address, state and presence by id."""
        rows = self._conn.execute(
            select(items.c.id, items.c.provider, items.c.address, items.c.state, items.c.presence)
            .where(among(self._conn, items.c.id, ids))
            .order_by(items.c.id)
        )
        return {
            row.id: (row.provider, row.address, ItemState(row.state), Presence(row.presence)) for row in rows
        }

    def lock(self, ids: Collection[ItemId]) -> None:
        """Lock items in the order of their ids, so that a hold and a dispatch meet here; once for each transaction."""
        fresh = set(ids) - self._locked
        if not fresh or is_sqlite(self._conn):
            return
        self._conn.execute(
            select(items.c.id)
            .where(among(self._conn, items.c.id, sorted(fresh)))
            .order_by(items.c.id)
            .with_for_update(key_share=True)  # rows that only name an item may go on
        ).all()
        self._locked |= fresh

    def in_state(
        self,
        states: Collection[ItemState],
        *,
        seen_by: AgencyCode | None = None,
        operation: OperationId | None = None,
        provider: str | None = None,
        limit: int | None = None,
    ) -> list[ItemId]:
        """Ids of items in some states, oldest first."""
        statement = (
            select(items.c.id)
            .where(items.c.state.in_([state.value for state in states]))
            .order_by(items.c.id)
        )
        if seen_by is not None:
            statement = statement.where(
                exists().where(sightings.c.item == items.c.id, sightings.c.agency == seen_by)
            )
        if operation is not None:
            statement = statement.where(on_list(operation))
        if provider is not None:
            statement = statement.where(items.c.provider == provider)
        return list(self._conn.execute(statement.limit(limit)).scalars())

    def desks(self, states: Collection[ItemState]) -> dict[AgencyCode, list[ItemId]]:
        """Items in some states by each agency that has sighted them, oldest first: what lies on its desk."""
        rows = self._conn.execute(
            select(sightings.c.agency, sightings.c.item)
            .distinct()
            .join(items, items.c.id == sightings.c.item)
            .where(items.c.state.in_([state.value for state in states]))
            .order_by(sightings.c.agency, sightings.c.item)
        )
        found: dict[AgencyCode, list[ItemId]] = {}
        for agency, item in rows:
            found.setdefault(AgencyCode(agency), []).append(ItemId(item))
        return found

    def seen_by(self, ids: Collection[ItemId], agency: AgencyCode) -> frozenset[ItemId]:
        """Those of the items that the agency has sighted itself."""
        rows = self._conn.execute(
            select(sightings.c.item)
            .distinct()
            .where(among(self._conn, sightings.c.item, ids), sightings.c.agency == agency)
        )
        return frozenset(rows.scalars())

    def kept(self, ids: Collection[ItemId], *, agency: AgencyCode | None = None) -> frozenset[ItemId]:
        """Those of the items of which evidence is kept, or a reasoned waiver of the agency (or any) exists."""
        has_evidence = exists().where(evidence.c.item == items.c.id)
        own = persons.c.agency == agency if agency is not None else persons.c.agency.is_not(None)
        has_waiver = exists().where(waivers.c.item == items.c.id, persons.c.id == waivers.c.by, own)
        rows = self._conn.execute(
            select(items.c.id).where(among(self._conn, items.c.id, ids), or_(has_evidence, has_waiver))
        )
        return frozenset(rows.scalars())

    # --- changing ------------------------------------------------------------------------------

    def step(self, ids: Collection[ItemId], event: ItemEvent) -> frozenset[ItemId]:
        """Take `event` for all items whose state allows it; gives those that moved.

        One statement, whatever the number: the new state is looked up from the table of states.
        """
        if not ids:
            return frozenset()
        self.lock(ids)
        allowed = sources(ITEM, event)
        moves = case({state.value: step(ITEM, state, event).value for state in allowed}, value=items.c.state)
        values: dict[str, object] = {"state": moves, "since": self._now, "version": items.c.version + 1}
        if event is ItemEvent.VERIFY:
            values["removed_at"] = self._now
            values["first_removed_at"] = func.coalesce(items.c.first_removed_at, literal(self._now, Instant))
        rows = self._conn.execute(
            update(items)
            .where(
                among(self._conn, items.c.id, ids),
                unhelped(items.c.state).in_([state.value for state in allowed]),
            )
            .values(**values)
            .returning(items.c.id)
        )
        return frozenset(rows.scalars())

    def set_presence(
        self,
        ids: Collection[ItemId],
        presence: Presence,
        *,
        missed_at: datetime | None,
        looked_at: datetime | None,
    ) -> None:
        """Write what the checks say together."""
        if ids:
            self._conn.execute(
                update(items)
                .where(among(self._conn, items.c.id, ids))
                .values(presence=presence.value, missed_at=missed_at, looked_at=looked_at)
            )

    def presence(
        self, ids: Collection[ItemId]
    ) -> dict[ItemId, tuple[Presence, datetime | None, datetime | None]]:
        """Presence, first missing check of the run, and last telling check, by id."""
        rows = self._conn.execute(
            select(items.c.id, items.c.presence, items.c.missed_at, items.c.looked_at).where(
                among(self._conn, items.c.id, ids)
            )
        )
        return {row.id: (Presence(row.presence), row.missed_at, row.looked_at) for row in rows}

    def since(self, ids: Collection[ItemId]) -> dict[ItemId, tuple[ItemState, Presence, datetime]]:
        """State, presence, and the instant the state began, by id."""
        rows = self._conn.execute(
            select(items.c.id, items.c.state, items.c.presence, items.c.since).where(
                among(self._conn, items.c.id, ids)
            )
        )
        return {row.id: (ItemState(row.state), Presence(row.presence), row.since) for row in rows}

    def removed_before(self, ids: Collection[ItemId]) -> dict[ItemId, datetime]:
        """Those of the items that were ever verified offline, with the last time of it."""
        rows = self._conn.execute(
            select(items.c.id, items.c.removed_at).where(
                among(self._conn, items.c.id, ids),
                items.c.removed_at.is_not(None),
                items.c.state.not_in([ItemState.WITHDRAWN.value, ItemState.REINSTATED.value]),
            )
        )
        return {row.id: row.removed_at for row in rows}

    def recorded_at(self, ids: Collection[ItemId]) -> dict[ItemId, datetime]:
        """When the items first came into the store."""
        rows = self._conn.execute(
            select(items.c.id, items.c.recorded_at).where(among(self._conn, items.c.id, ids))
        )
        return {row.id: row.recorded_at for row in rows}

    def set_lineages(self, roots: Mapping[ItemId, ItemId | None]) -> None:
        """Note the first ancestor of items, or that there is none."""
        if roots:
            self._conn.execute(
                update(items).where(items.c.id == bindparam("b_item")).values(lineage=bindparam("b_root")),
                [{"b_item": item, "b_root": root} for item, root in sorted(roots.items())],
            )

    def lineages(self, ids: Collection[ItemId]) -> dict[ItemId, ItemId]:
        """The first ancestors of items, where one is known."""
        rows = self._conn.execute(
            select(items.c.id, items.c.lineage).where(
                among(self._conn, items.c.id, ids), items.c.lineage.is_not(None)
            )
        )
        return {row.id: row.lineage for row in rows}

    def waive(self, ids: Collection[ItemId], *, by: str, reason: str) -> None:
        """Note why an item may be acted on without kept evidence."""
        insert_new(
            self._conn, waivers, [{"item": i, "by": by, "at": self._now, "reason": reason} for i in ids]
        )


def own_key() -> ColumnElement[bool]:
    """The name by which an item is called now; an item that was merged into another has none."""
    return and_(
        item_keys.c.item == items.c.id, item_keys.c.until_at.is_(None), item_keys.c.is_alias.is_(False)
    )


def last_key() -> ScalarSelect[str]:
    """The last name an item had of its own."""
    past = item_keys.alias("past")
    return (
        select(past.c.key)
        .where(past.c.item == items.c.id, past.c.is_alias.is_(False))
        .order_by(past.c.id.desc())
        .limit(1)
        .correlate(items)
        .scalar_subquery()
    )


def _spans(seen: Sequence[NewSighting]) -> dict[ItemKey, tuple[int, int]]:
    """From when to when each key was seen, in microseconds."""
    spans: dict[ItemKey, tuple[int, int]] = {}
    for one in seen:
        at = micros(one.seen_at)
        first, last = spans.get(one.identity.key, (at, at))
        spans[one.identity.key] = (min(first, at), max(last, at))
    return spans


def _item(row: object) -> Item:
    get = row._mapping  # type: ignore[attr-defined]
    root = get["root_key"]
    return Item(
        id=get["id"],
        key=get["key"],
        kind=ItemKind(get["kind"]),
        provider=get["provider"],
        address=get["address"],
        state=ItemState(get["state"]),
        presence=Presence(get["presence"]),
        container=get["container"],
        first_seen=get["first_seen"],
        last_seen=get["last_seen"],
        agencies=tuple(AgencyCode(code) for code in sorted((get["agencies"] or "").split(",")) if code),
        lineage=ItemKey(root) if root else None,
        wraps=get["wraps"],
        stable_id=get["stable_id"],
    )
