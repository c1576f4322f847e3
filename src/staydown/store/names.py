"""Names of items over time, the provider's own numbers, and items that prove to be one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    Connection,
    RowMapping,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from staydown.core.errors import NotFound
from staydown.core.ids import ItemId, ItemKey, MergeId, PersonId
from staydown.core.item import ACTORS, Identity, Proof
from staydown.core.states import ItemState
from staydown.ports.work import Merge, NameRow, Number, Seen
from staydown.store.sets import among, insert_new, is_sqlite, new_ids, unhelped
from staydown.store.tables import (
    Instant,
    item_keys,
    items,
    merged_sightings,
    merges,
    operation_items,
    sightings,
)

INTAKE_LOCK = 0x5D01
"""The advisory lock that whoever makes items takes on PostgreSQL; any number, as long as nobody else uses it."""
_ACTORS = [kind.value for kind in ACTORS]


def merged_of(conn: Connection, ids: Collection[ItemId]) -> dict[ItemId, ItemId]:
    """Items that were merged into some items, each with the one it became."""
    rows = conn.execute(
        select(items.c.id, items.c.merged_into).where(
            items.c.merged_into.is_not(None), among(conn, items.c.merged_into, ids)
        )
    )
    return {row.id: row.merged_into for row in rows}


class Names:
    """What things are called, and which of them are one."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    # --- names ------------------------------------------------------------------------------------

    def of(self, item: ItemId) -> list[NameRow]:
        """Every name an item had or has, in the order in which it got them."""
        rows = self._conn.execute(
            select(item_keys).where(item_keys.c.item == item).order_by(item_keys.c.from_at, item_keys.c.id)
        )
        return [
            NameRow(key=row.key, from_at=row.from_at, until_at=row.until_at, is_alias=row.is_alias)
            for row in rows
        ]

    def open_keys(self, ids: Collection[ItemId]) -> dict[ItemId, list[ItemKey]]:
        """The names under which items are found now, the own one first."""
        rows = self._conn.execute(
            select(item_keys.c.item, item_keys.c.key)
            .where(among(self._conn, item_keys.c.item, ids), item_keys.c.until_at.is_(None))
            .order_by(item_keys.c.is_alias, item_keys.c.id)
        )
        found: dict[ItemId, list[ItemKey]] = {}
        for row in rows:
            found.setdefault(row.item, []).append(row.key)
        return found

    def known_keys(self, ids: Collection[ItemId]) -> dict[ItemId, frozenset[ItemKey]]:
        """The names that items have, and those that passed from them to others."""
        rows = self._conn.execute(
            select(item_keys.c.item, item_keys.c.key).where(
                among(self._conn, item_keys.c.item, ids),
                or_(item_keys.c.until_at.is_(None), item_keys.c.has_passed.is_(True)),
            )
        )
        found: dict[ItemId, set[ItemKey]] = {item: set() for item in ids}
        for row in rows:
            found[row.item].add(row.key)
        return {item: frozenset(keys) for item, keys in found.items()}

    def alone(self) -> None:
        """Keep intake from making items until this transaction ends, or two would have one name."""
        if not is_sqlite(self._conn):
            self._conn.execute(select(func.pg_advisory_xact_lock(INTAKE_LOCK)))

    def close(self, keys: Collection[ItemKey], *, has_passed: bool = False) -> None:
        """Nobody is found under these names any more; or somebody else is, where they passed on."""
        if keys:
            self._conn.execute(
                update(item_keys)
                .where(among(self._conn, item_keys.c.key, keys), item_keys.c.until_at.is_(None))
                .values(until_at=self._now, has_passed=has_passed)
            )

    def open(self, item: ItemId, keys: Sequence[ItemKey], *, is_alias: bool) -> None:
        """An item is found under these names from now on; whoever had one before has to have let go of it."""
        if keys:
            self._conn.execute(
                insert(item_keys),
                [{"key": key, "item": item, "from_at": self._now, "is_alias": is_alias} for key in keys],
            )

    def set_own(self, item: ItemId, key: ItemKey) -> None:
        """Of the names an item has now, make one its own and the others further ones."""
        self._conn.execute(
            update(item_keys)
            .where(item_keys.c.item == item, item_keys.c.until_at.is_(None))
            .values(is_alias=case((item_keys.c.key == key, literal(False)), else_=literal(True)))
        )

    def describe(self, item: ItemId, identity: Identity) -> None:
        """Let an item be what an identity says: provider, kind, address, container and what it wraps."""
        self._conn.execute(
            update(items)
            .where(items.c.id == item)
            .values(
                provider=identity.provider,
                kind=identity.kind.value,
                address=identity.address,
                container=identity.container,
                wraps=func.coalesce(identity.wraps, items.c.wraps),
            )
        )

    def set_address(self, item: ItemId, address: str) -> None:
        """Where an item is found now."""
        self._conn.execute(update(items).where(items.c.id == item).values(address=address))

    def set_wraps(self, found: Mapping[ItemId, ItemKey]) -> frozenset[ItemId]:
        """Note what short links lead to, where that was not known; gives those of which it was not."""
        if not found:
            return frozenset()
        unknown = frozenset(
            self._conn.execute(
                select(items.c.id).where(among(self._conn, items.c.id, list(found)), items.c.wraps.is_(None))
            ).scalars()
        )
        if unknown:
            self._conn.execute(
                update(items).where(items.c.id == bindparam("b_item")).values(wraps=bindparam("b_key")),
                [{"b_item": item, "b_key": found[item]} for item in sorted(unknown)],
            )
        return unknown

    # --- the provider's own numbers -----------------------------------------------------------------

    def numbers(self, ids: Collection[ItemId]) -> dict[ItemId, Number]:
        """The provider's own numbers of accounts, channels, groups and bots, where they are known."""
        named = (
            exists()
            .where(
                item_keys.c.item == items.c.id,
                item_keys.c.until_at.is_(None),
                item_keys.c.key.not_like("%:number=%"),
            )
            .correlate(items)
        )
        rows = self._conn.execute(
            select(items.c.id, items.c.stable_id, named.label("has_name")).where(
                among(self._conn, items.c.id, ids), items.c.stable_id.is_not(None)
            )
        )
        return {row.id: Number(value=row.stable_id, has_name=bool(row.has_name)) for row in rows}

    def set_numbers(self, found: Mapping[ItemId, str]) -> frozenset[ItemId]:
        """Note the numbers of accounts, channels, groups and bots that had none; gives those."""
        if not found:
            return frozenset()
        fresh = frozenset(
            self._conn.execute(
                select(items.c.id).where(
                    among(self._conn, items.c.id, list(found)),
                    items.c.stable_id.is_(None),
                    unhelped(items.c.kind).in_(_ACTORS),
                )
            ).scalars()
        )
        if fresh:
            self._conn.execute(
                update(items)
                .where(items.c.id == bindparam("b_item"))
                .values(stable_id=bindparam("b_number")),
                [{"b_item": item, "b_number": found[item]} for item in sorted(fresh)],
            )
        return fresh

    def addresses(self, item: ItemId) -> dict[ItemKey, str]:
        """Where an item is found under the names it has from merges."""
        found: dict[ItemKey, str] = {}
        for made in self.merges(of=[item]):
            if made.undone_at is None and made.kept == item:
                found[made.kept_key] = made.kept_address
                address = self._conn.execute(
                    select(items.c.address).where(items.c.id == made.merged)
                ).scalar_one()
                found |= {
                    row.key: address
                    for row in self.of(made.merged)
                    if row.until_at == made.at and not row.is_alias
                }
        return found

    def same_number(self, ids: Collection[ItemId]) -> list[list[ItemId]]:
        """Groups of items of one provider and kind with one number, where one of `ids` is among them; oldest first."""
        if not ids:
            return []
        stands = (items.c.stable_id.is_not(None), unhelped(items.c.state) != ItemState.MERGED.value)
        named = (items.c.provider, items.c.kind, items.c.stable_id)
        asked = {
            tuple(row)
            for row in self._conn.execute(select(*named).where(among(self._conn, items.c.id, ids), *stands))
        }
        if not asked:
            return []
        rows = self._conn.execute(
            select(*named, items.c.id)
            .where(among(self._conn, items.c.stable_id, sorted({number for *_, number in asked})), *stands)
            .order_by(items.c.id)
        )
        found: dict[tuple[object, ...], list[ItemId]] = {}
        for *name, number in rows:
            if tuple(name) in asked:
                found.setdefault(tuple(name), []).append(number)
        return [group for group in found.values() if len(group) > 1]

    # --- items that prove to be one -----------------------------------------------------------------

    def root(self, ids: Collection[ItemId]) -> dict[ItemId, ItemId]:
        """What items are now: themselves, or what they were merged into."""
        rows = self._conn.execute(
            select(items.c.id, func.coalesce(items.c.merged_into, items.c.id).label("root")).where(
                among(self._conn, items.c.id, ids)
            )
        )
        return {row.id: row.root for row in rows}

    def merge(
        self,
        kept: ItemId,
        merged: ItemId,
        *,
        proof: Proof,
        by: PersonId | None,
        reason: str,
        number_taken: bool,
    ) -> MergeId:
        """Let one item carry the sightings and names of another, and stand on its operations' lists; what moves is noted."""
        number = MergeId(new_ids(self._conn, merges, 1)[0])
        keys = self.open_keys([kept, merged])
        address = self._conn.execute(select(items.c.address).where(items.c.id == kept)).scalar_one()
        self._conn.execute(
            insert(merges).values(
                id=number, kept=kept, merged=merged, proof=proof.value, by=by, reason=reason, at=self._now,
                kept_key=(keys.get(kept) or [ItemKey("")])[0], kept_address=address, number_taken=number_taken,
            )
        )  # fmt: skip
        self._conn.execute(
            insert(merged_sightings).from_select(
                ["merge", "sighting"],
                select(literal(number), sightings.c.id).where(sightings.c.item == merged),
            )
        )
        lists = self._conn.execute(
            select(operation_items.c.operation).where(operation_items.c.item == merged)
        ).scalars()
        insert_new(self._conn, operation_items, [{"operation": one, "item": kept} for one in lists])
        self._conn.execute(update(sightings).where(sightings.c.item == merged).values(item=kept))
        self._conn.execute(
            update(items).where(items.c.merged_into == merged).values(merged_into=kept)
        )  # what it had become itself goes with it
        self._conn.execute(update(items).where(items.c.id == merged).values(merged_into=kept))
        names = keys.get(merged, [])
        self.close(names)
        self.open(kept, names, is_alias=kept in keys)
        self._widen(kept)
        return number

    def split(self, merge: Merge, *, by: PersonId, reason: str) -> None:
        """Undo a merge: what it moved goes back, and what had been merged into that item before."""
        self._conn.execute(
            update(merges)
            .where(merges.c.id == merge.id)
            .values(undone_at=self._now, undone_by=by, undone_reason=reason)
        )
        moved = select(merged_sightings.c.sighting).where(merged_sightings.c.merge == merge.id)
        self._conn.execute(update(sightings).where(sightings.c.id.in_(moved)).values(item=merge.merged))
        own = self._below(merge.merged)
        self._conn.execute(update(items).where(items.c.id == merge.merged).values(merged_into=None))
        self._conn.execute(
            update(items).where(among(self._conn, items.c.id, own)).values(merged_into=merge.merged)
        )
        rows = self._conn.execute(
            select(item_keys.c.key, item_keys.c.is_alias)
            .where(item_keys.c.item == merge.merged, item_keys.c.until_at == merge.at)
            .order_by(item_keys.c.is_alias, item_keys.c.id)
        )
        had = {row.key: bool(row.is_alias) for row in rows}
        mine = set(self.open_keys([merge.kept]).get(merge.kept, []))
        back = {
            key: is_alias for key, is_alias in had.items() if key in mine
        }  # not one that passed on meanwhile
        self.close(list(back))
        for is_alias in (False, True):
            self.open(merge.merged, [key for key in back if back[key] is is_alias], is_alias=is_alias)
        if merge.number_taken:
            self._conn.execute(update(items).where(items.c.id == merge.kept).values(stable_id=None))
        if merge.kept_key in mine:
            self.set_own(merge.kept, merge.kept_key)
            self.set_address(merge.kept, merge.kept_address)
        for item in (merge.kept, merge.merged):
            self._widen(item)

    def _below(self, item: ItemId) -> list[ItemId]:
        """The items that were merged into one, and into those, by the merges in force."""
        found: list[ItemId] = []
        todo = [item]
        while todo:
            todo = list(
                self._conn.execute(
                    select(merges.c.merged).where(
                        among(self._conn, merges.c.kept, todo), merges.c.undone_at.is_(None)
                    )
                ).scalars()
            )
            found += todo
        return found

    def move(self, moved: Mapping[int, ItemId]) -> None:
        """Let single sightings belong to other items."""
        if not moved:
            return
        before = list(
            self._conn.execute(
                select(sightings.c.item).distinct().where(among(self._conn, sightings.c.id, list(moved)))
            ).scalars()
        )
        self._conn.execute(
            update(sightings)
            .where(sightings.c.id == bindparam("b_sighting"))
            .values(item=bindparam("b_item")),
            [{"b_sighting": number, "b_item": item} for number, item in sorted(moved.items())],
        )
        for item in sorted({*before, *moved.values()}):
            self._widen(item)

    def _widen(self, item: ItemId) -> None:
        """An item is seen from the first to the last of the sightings it has."""
        first, last = self._conn.execute(
            select(func.min(sightings.c.seen_at), func.max(sightings.c.seen_at)).where(
                sightings.c.item == item
            )
        ).one()
        if first is not None:
            self._conn.execute(
                update(items).where(items.c.id == item).values(
                    first_seen=literal(first, Instant), last_seen=literal(last, Instant)
                )
            )  # fmt: skip

    def merges(
        self, *, of: Collection[ItemId] | None = None, numbers: Collection[MergeId] | None = None
    ) -> list[Merge]:
        """Merges in the order in which they were made: all, those that touch some items, or some by number."""
        statement = select(merges).order_by(merges.c.id)
        if numbers is not None:
            statement = statement.where(among(self._conn, merges.c.id, numbers))
        if of is not None:
            statement = statement.where(
                among(self._conn, merges.c.kept, of) | among(self._conn, merges.c.merged, of)
            )
        return [_merge(row) for row in self._conn.execute(statement).mappings()]

    def merge_of(self, item: ItemId) -> Merge:
        """The merge in force by which an item became another.

        Raises:
            NotFound: It was merged into none.
        """
        row = self._conn.execute(
            select(merges).where(merges.c.merged == item, merges.c.undone_at.is_(None))
        ).mappings().one_or_none()  # fmt: skip
        if row is None:
            raise NotFound(f"item {item} was merged into no other", hint="List merges: staydown merges.")
        return _merge(row)

    # --- going through all of them ------------------------------------------------------------------

    def seen(self, *, after: int = 0, limit: int, of: Collection[ItemId] | None = None) -> list[Seen]:
        """Sightings in the order of their numbers, as they were typed, with the item they belong to."""
        statement = (
            select(sightings.c.id, sightings.c.item, sightings.c.raw)
            .where(sightings.c.id > after)
            .order_by(sightings.c.id)
            .limit(limit)
        )
        if of is not None:
            statement = statement.where(among(self._conn, sightings.c.item, of))
        return [Seen(number=row.id, item=row.item, raw=row.raw) for row in self._conn.execute(statement)]

    def holders(self, keys: Collection[ItemKey]) -> dict[ItemKey, ItemId]:
        """Who is found under some names now."""
        rows = self._conn.execute(
            select(item_keys.c.key, item_keys.c.item).where(
                among(self._conn, item_keys.c.key, keys), item_keys.c.until_at.is_(None)
            )
        )
        return {row.key: row.item for row in rows}

    def make(self, identities: Sequence[Identity], like: Sequence[ItemId]) -> list[ItemId]:
        """New items for identities nobody has, as they were recorded now; seen when the items they come from were."""
        ids = [ItemId(number) for number in new_ids(self._conn, items, len(identities))]
        for number, identity, model in zip(ids, identities, like, strict=True):
            source = select(
                literal(number), literal(identity.provider), literal(identity.kind.value),
                literal(identity.address), literal(identity.container), literal(identity.wraps),
                literal(ItemState.RECORDED.value), literal("unseen"), items.c.first_seen, items.c.last_seen,
                literal(self._now, Instant), literal(self._now, Instant),
            ).where(items.c.id == model)  # fmt: skip
            self._conn.execute(
                insert(items).from_select(
                    [
                        "id", "provider", "kind", "address", "container", "wraps", "state", "presence",
                        "first_seen", "last_seen", "recorded_at", "since",
                    ],
                    source,
                )
            )  # fmt: skip
            self.open(number, [identity.key], is_alias=False)
            self._conn.execute(
                insert(operation_items).from_select(
                    ["operation", "item"],
                    select(operation_items.c.operation, literal(number)).where(
                        operation_items.c.item == model
                    ),
                )
            )
        return ids


def _merge(row: RowMapping) -> Merge:
    return Merge(
        id=row["id"],
        kept=row["kept"],
        merged=row["merged"],
        proof=Proof(row["proof"]),
        by=row["by"],
        reason=row["reason"],
        at=row["at"],
        kept_key=row["kept_key"],
        kept_address=row["kept_address"],
        number_taken=bool(row["number_taken"]),
        undone_at=row["undone_at"],
        undone_by=row["undone_by"],
        undone_reason=row["undone_reason"] or "",
    )
