"""Lists as the API shows them: page by page from where the last one ended, in a fixed number of queries."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, exists, func, literal, select, tuple_

from staydown.core.errors import NotFound
from staydown.core.ids import AgencyCode, EvidenceId, ItemId, OperationId
from staydown.core.item import ItemKind
from staydown.core.states import HOLD_IN_FORCE, ItemState, ReturnState
from staydown.store.items import last_key, own_key
from staydown.store.names import merged_of
from staydown.store.sets import among, is_sqlite
from staydown.store.tables import (
    assessments,
    checks,
    evidence,
    holds,
    item_keys,
    items,
    matches,
    operation_agencies,
    operation_items,
    operations,
    returns,
    sightings,
)
from staydown.store.walls import across

Rows = list[dict[str, Any]]
_NO_CHAR_BEHIND = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which items a list shows, and in what order: by number, by key where a prefix is given, by time with `since`."""

    state: ItemState | None = None
    provider: str | None = None
    kind: ItemKind | None = None
    operation: OperationId | None = None
    seen_by_us: bool | None = None
    since: datetime | None = None  #: whose present state began at this instant or later
    key: str | None = None  #: how its key begins


class Views:
    """What the API shows of the shared record and of the caller's own."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    # --- items -----------------------------------------------------------------------------------

    def items(
        self, agency: AgencyCode, wanted: Wanted, *, after: Sequence[Any] | None, limit: int
    ) -> tuple[Rows, list[Any] | None]:
        """Items from behind a place on, and the place where the page ends; None where the list ends."""
        order = self._order(wanted)
        shown = select(items) if wanted.key is None else self._items()  # keys are looked up for one page only
        statement = shown.where(*self._conditions(agency, wanted)).order_by(*order).limit(limit + 1)
        if after is not None:
            place = [literal(value, column.type) for column, value in zip(order, after, strict=True)]
            statement = statement.where(
                tuple_(*order) > tuple_(*place) if len(order) > 1 else order[0] > place[0]
            )
        rows = [dict(row._mapping) for row in self._conn.execute(statement)]
        is_last, rows = len(rows) <= limit, rows[:limit]
        if wanted.key is None:
            keys = self._keys({row["id"] for row in rows})
            for row in rows:
                row["key"] = keys[row["id"]]
        self._add_company(agency, rows)
        return rows, None if is_last or not rows else [
            _place(rows[-1], wanted)[at] for at in range(len(order))
        ]

    def item(self, agency: AgencyCode, item: ItemId) -> dict[str, Any]:
        """One item.

        Raises:
            NotFound: No such item.
        """
        row = self._conn.execute(self._items().where(items.c.id == item)).first()
        if row is None:
            raise NotFound("there is no such item")
        rows = [dict(row._mapping)]
        self._add_company(agency, rows)
        return rows[0]

    def numbers(self, words: Collection[str]) -> dict[str, ItemId]:
        """The items whose numbers were written out; what is none is left out."""
        by_word = {
            word: int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 17
        }
        found = self._conn.execute(
            select(items.c.id).where(among(self._conn, items.c.id, list(by_word.values())))
        )
        known = set(found.scalars())
        return {word: ItemId(number) for word, number in by_word.items() if number in known}

    def _items(self) -> Select[Any]:
        return select(items, func.coalesce(item_keys.c.key, last_key()).label("key")).select_from(
            items.outerjoin(item_keys, own_key())
        )

    def _order(self, wanted: Wanted) -> list[ColumnElement[Any]]:
        if wanted.key is not None:
            return [self._plain(item_keys.c.key)]
        if wanted.since is not None:
            return [items.c.since, items.c.id]
        return [items.c.id]

    def _plain(self, column: Any) -> ColumnElement[str]:
        """Text compared sign by sign, whatever the language of the database."""
        return column if is_sqlite(self._conn) else column.collate("C")  # type: ignore[no-any-return]

    def _conditions(self, agency: AgencyCode, wanted: Wanted) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = [
            items.c.merged_into.is_not(None)
            if wanted.state is ItemState.MERGED
            else items.c.merged_into.is_(None)
        ]
        for column, value in ((items.c.state, wanted.state), (items.c.kind, wanted.kind)):
            if value is not None:
                found.append(column == value.value)
        if wanted.provider is not None:
            found.append(items.c.provider == wanted.provider)
        if wanted.operation is not None:
            found.append(
                exists().where(
                    operation_items.c.item == items.c.id, operation_items.c.operation == wanted.operation
                )
            )
        if wanted.seen_by_us is not None:
            ours = exists().where(sightings.c.item == items.c.id, sightings.c.agency == agency)
            found.append(ours if wanted.seen_by_us else ~ours)
        if wanted.since is not None:
            found.append(items.c.since >= wanted.since)
        if wanted.key is not None:
            key = self._plain(item_keys.c.key)
            found += [key >= wanted.key, key < wanted.key + _NO_CHAR_BEHIND]
        return found

    def _add_company(self, agency: AgencyCode, rows: Rows) -> None:
        """How many agencies have seen each item, whether the own one has, and whether somebody asks to wait.

        The last only of what the own agency has sighted and assessed, as for a question: else nothing is said.
        """
        ids = [ItemId(row["id"]) for row in rows]
        seen = self._seen(agency, ids)
        told = self._assessed(agency, [one for one in ids if seen.get(one, (0, False))[1]])
        held = self._held(sorted(told))
        for row in rows:
            row["agencies"], row["ours"] = seen.get(row["id"], (0, False))
            row["wait"] = row["id"] in held if row["id"] in told else None

    def _assessed(self, agency: AgencyCode, ids: Sequence[ItemId]) -> frozenset[ItemId]:
        """Those of the items of which an assessment of the agency is in force, under whatever name."""
        merged = merged_of(self._conn, ids)
        rows = self._conn.execute(
            select(assessments.c.item)
            .distinct()
            .where(
                among(self._conn, assessments.c.item, [*ids, *merged]),
                assessments.c.agency == agency,
                assessments.c.closed_at.is_(None),
            )
        )
        return frozenset(merged.get(item, item) for item in rows.scalars())

    @across
    def _seen(self, agency: AgencyCode, ids: Sequence[ItemId]) -> dict[int, tuple[int, bool]]:
        rows = self._conn.execute(
            select(
                sightings.c.item,
                func.count(sightings.c.agency.distinct()).label("agencies"),
                func.sum(case((sightings.c.agency == agency, 1), else_=0)).label("own"),
            )
            .where(among(self._conn, sightings.c.item, ids))
            .group_by(sightings.c.item)
        )
        return {row.item: (row.agencies, row.own > 0) for row in rows}

    @across
    def _held(self, ids: Sequence[ItemId]) -> frozenset[int]:
        merged = merged_of(self._conn, ids)
        rows = self._conn.execute(
            select(holds.c.item)
            .distinct()
            .where(
                among(self._conn, holds.c.item, [*ids, *merged]),
                holds.c.state.in_([state.value for state in HOLD_IN_FORCE]),
                holds.c.until > self._now,
            )
        )
        return frozenset(merged.get(item, item) for item in rows.scalars())

    # --- what belongs to an item -----------------------------------------------------------------------

    def matches(self, item: ItemId, *, after: int, limit: int) -> Rows:
        """Matches of an item, in the order they were noted; one more than asked for where there are more."""
        return self._rows(select(matches).where(matches.c.item == item), matches.c.id, after, limit)

    def checks(self, item: ItemId, *, after: int, limit: int) -> Rows:
        """Looks at an item, in the order they were made."""
        return self._rows(select(checks).where(checks.c.item == item), checks.c.id, after, limit)

    def evidence(self, item: ItemId, *, after: int, limit: int) -> Rows:
        """What is kept of an item."""
        return self._rows(select(evidence).where(evidence.c.item == item), evidence.c.id, after, limit)

    def capture(self, number: EvidenceId) -> dict[str, Any]:
        """One act of keeping.

        Raises:
            NotFound: No such evidence.
        """
        row = self._conn.execute(select(evidence).where(evidence.c.id == number)).first()
        if row is None:
            raise NotFound("there is no such evidence")
        return dict(row._mapping)

    # --- the own agency's --------------------------------------------------------------------------------

    def sightings(self, agency: AgencyCode, *, item: ItemId | None, after: int, limit: int) -> Rows:
        """The agency's own records."""
        statement = (
            select(sightings, func.coalesce(item_keys.c.key, last_key()).label("key"))
            .select_from(
                sightings.join(items, items.c.id == sightings.c.item).outerjoin(item_keys, own_key())
            )
            .where(sightings.c.agency == agency)
        )
        if item is not None:
            statement = statement.where(sightings.c.item == item)
        return self._rows(statement, sightings.c.id, after, limit)

    def assessments(self, agency: AgencyCode, *, item: ItemId | None, after: int, limit: int) -> Rows:
        """The agency's own assessments, those that were closed too."""
        statement = select(assessments).where(assessments.c.agency == agency)
        if item is not None:
            statement = statement.where(assessments.c.item == item)
        rows = self._rows(statement, assessments.c.id, after, limit)
        for row in rows:
            row["purposes"] = json.loads(row["purposes"])
        return rows

    # --- the shared record ----------------------------------------------------------------------------------

    def returns(self, state: ReturnState | None, *, after: int, limit: int) -> Rows:
        """Likely returns, in the order they were suggested."""
        statement = select(returns)
        if state is not None:
            statement = statement.where(returns.c.state == state.value)
        rows = self._rows(statement, returns.c.id, after, limit)
        keys = self._keys({row[side] for row in rows for side in ("parent", "child")})
        for row in rows:
            row["reasons"] = json.loads(row["reasons"])
            row["parent_key"], row["child_key"] = keys[row["parent"]], keys[row["child"]]
        return rows

    def _keys(self, ids: Collection[int]) -> dict[int, str]:
        own = func.coalesce(item_keys.c.key, last_key()).label("key")
        named = select(items.c.id, own).select_from(items.outerjoin(item_keys, own_key()))
        rows = self._conn.execute(named.where(among(self._conn, items.c.id, sorted(ids))))
        return {row.id: row.key for row in rows}

    def operations(self, agency: AgencyCode) -> Rows:
        """Operations that an agency takes part in, by name."""
        own = select(operation_agencies.c.operation).where(operation_agencies.c.agency == agency)
        found = self._conn.execute(
            select(operations).where(operations.c.id.in_(own)).order_by(operations.c.id)
        )
        rows = [{**row._mapping, "agencies": []} for row in found]
        by_name: Mapping[str, dict[str, Any]] = {row["id"]: row for row in rows}
        codes = self._conn.execute(
            select(operation_agencies)
            .where(among(self._conn, operation_agencies.c.operation, list(by_name)))
            .order_by(operation_agencies.c.operation, operation_agencies.c.agency)
        )
        for row in codes:
            by_name[row.operation]["agencies"].append(row.agency)
        return rows

    def _rows(self, statement: Select[Any], number: ColumnElement[int], after: int, limit: int) -> Rows:
        """Rows behind a number, and one more than asked for where there are more."""
        page = statement.where(number > after).order_by(number).limit(limit + 1)
        return [dict(row._mapping) for row in self._conn.execute(page)]


def _place(row: Mapping[str, Any], wanted: Wanted) -> list[Any]:
    if wanted.key is not None:
        return [row["key"]]
    return [row["since"], row["id"]] if wanted.since is not None else [row["id"]]


__all__ = ["Views", "Wanted"]
