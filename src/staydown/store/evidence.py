"""Captures, marks read off pages, fingerprints, lists and matches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, func, insert, literal, select

from staydown.core.check import Mark, MarkKind
from staydown.core.evidence import Capture, Evidence
from staydown.core.ids import EvidenceId, ItemId
from staydown.ports.work import Found, ListEntry
from staydown.store.sets import among, insert_new, new_ids, unhelped, upsert
from staydown.store.tables import evidence, fingerprints, items, list_entries, marks, matches


class Kept:
    """What is kept of items."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def add(self, captures: Sequence[Capture]) -> list[EvidenceId]:
        """Note captures whose bytes lie in the vault."""
        ids = new_ids(self._conn, evidence, len(captures))
        rows = [
            {
                "id": number,
                "item": one.item,
                "address": one.address,
                "at": one.at,
                "status": one.status,
                "sha256": one.sha256,
                "headers_sha256": one.headers_sha256,
                "size_bytes": one.size_bytes,
                "media_type": one.media_type,
            }
            for number, one in zip(ids, captures, strict=True)
        ]
        if rows:
            self._conn.execute(insert(evidence), rows)
        return [EvidenceId(number) for number in ids]

    def of(self, item: ItemId) -> list[Evidence]:
        """The captures of one item, oldest first."""
        rows = self._conn.execute(select(evidence).where(evidence.c.item == item).order_by(evidence.c.id))
        return [
            Evidence(
                id=EvidenceId(row.id),
                capture=Capture(
                    item=ItemId(row.item),
                    address=row.address,
                    at=row.at,
                    status=row.status,
                    sha256=row.sha256,
                    headers_sha256=row.headers_sha256,
                    size_bytes=row.size_bytes,
                    media_type=row.media_type,
                ),
            )
            for row in rows
        ]

    def pages(self, ids: Collection[ItemId]) -> dict[ItemId, str]:
        """The SHA-256 of the newest kept page of each item, where one is kept."""
        rows = self._conn.execute(
            select(evidence.c.item, evidence.c.sha256)
            .where(among(self._conn, evidence.c.item, ids), evidence.c.media_type.startswith("text/html"))
            .order_by(evidence.c.id)
        )
        return {row.item: row.sha256 for row in rows}

    def hashes(self) -> list[str]:
        """Every SHA-256 that the vault has to hold."""
        both = select(evidence.c.sha256).union(select(evidence.c.headers_sha256))
        return list(self._conn.execute(both).scalars())

    def add_marks(self, by_item: Mapping[ItemId, Iterable[Mark]]) -> None:
        """Note what was read off the items' pages."""
        rows = [
            {"item": item, "kind": mark.kind.value, "value": mark.value}
            for item, found in by_item.items()
            for mark in found
        ]
        insert_new(self._conn, marks, rows)

    def marks(self, ids: Collection[ItemId]) -> dict[ItemId, list[Mark]]:
        """What was read off the items' pages."""
        rows = self._conn.execute(
            select(marks)
            .where(among(self._conn, marks.c.item, ids))
            .order_by(marks.c.item, marks.c.kind, marks.c.value)
        )
        found: dict[ItemId, list[Mark]] = {}
        for row in rows:
            found.setdefault(row.item, []).append(Mark(kind=MarkKind(row.kind), value=row.value))
        return found

    def add_fingerprints(self, rows: Sequence[tuple[ItemId, str, str, str]]) -> None:
        """Note fingerprints: (item, algorithm, value, what was fingerprinted)."""
        insert_new(
            self._conn,
            fingerprints,
            [
                {"item": item, "algorithm": how, "value": value, "what": what}
                for item, how, value, what in rows
            ],
        )

    def same_bytes(self, ids: Collection[ItemId]) -> dict[ItemId, frozenset[str]]:
        """SHA-256 of the media that were kept of each item; an item without any is left out."""
        rows = self._conn.execute(
            select(fingerprints.c.item, fingerprints.c.value).where(
                among(self._conn, fingerprints.c.item, ids), fingerprints.c.algorithm == "sha256"
            )
        )
        found: dict[ItemId, set[str]] = {}
        for row in rows:
            found.setdefault(row.item, set()).add(row.value)
        return {item: frozenset(values) for item, values in found.items()}

    def import_list(self, name: str, entries: Sequence[ListEntry]) -> int:
        """Take in a partner's list; entries known already are replaced. Gives how many it now has."""
        upsert(
            self._conn,
            list_entries,
            [{"list": name, "entry": e.entry, "algorithm": e.algorithm, "value": e.value} for e in entries],
            key=("list", "entry"),
            change=("algorithm", "value"),
        )
        count = select(func.count()).select_from(list_entries).where(list_entries.c.list == name)
        return self._conn.execute(count).scalar_one()

    def exact_matches(self, ids: Collection[ItemId], algorithms: Collection[str]) -> list[Found]:
        """List entries whose fingerprint equals one of the items', not noted before."""
        on = and_(
            fingerprints.c.algorithm == list_entries.c.algorithm, fingerprints.c.value == list_entries.c.value
        )
        known = and_(
            matches.c.item == fingerprints.c.item,
            matches.c.list == list_entries.c.list,
            matches.c.entry == list_entries.c.entry,
            matches.c.algorithm == list_entries.c.algorithm,
        )
        rows = self._conn.execute(
            select(
                fingerprints.c.item,
                list_entries.c.list,
                list_entries.c.entry,
                list_entries.c.algorithm,
                fingerprints.c.what,
            )
            .select_from(fingerprints.join(list_entries, on).outerjoin(matches, known))
            .where(
                among(self._conn, fingerprints.c.item, ids),
                fingerprints.c.algorithm.in_(list(algorithms)),
                matches.c.id.is_(None),
            )
            .order_by(fingerprints.c.item, list_entries.c.list, list_entries.c.entry)
        )
        return [
            Found(item=row.item, list=row.list, entry=row.entry, algorithm=row.algorithm, what=row.what)
            for row in rows
        ]

    def add_matches(self, matcher: str, found: Sequence[tuple[Found, float, str]]) -> None:
        """Note matches: what was found, its score from 0 to 1, and the reason."""
        insert_new(
            self._conn,
            matches,
            [
                {
                    "item": one.item,
                    "list": one.list,
                    "entry": one.entry,
                    "algorithm": one.algorithm,
                    "matcher": matcher,
                    "score": score,
                    "reason": reason,
                    "at": self._now,
                }
                for one, score, reason in found
            ],
        )

    def matched(self, ids: Collection[ItemId]) -> dict[ItemId, list[str]]:
        """The reasons of all matches, by item."""
        rows = self._conn.execute(
            select(matches.c.item, matches.c.reason)
            .where(among(self._conn, matches.c.item, ids))
            .order_by(matches.c.id)
        )
        found: dict[ItemId, list[str]] = {}
        for row in rows:
            found.setdefault(row.item, []).append(row.reason)
        return found

    def shared_marks(
        self,
        ids: Collection[ItemId],
        kinds: Collection[MarkKind],
        *,
        at_most: int,
        since: datetime | None = None,
        removed: bool = False,
    ) -> list[tuple[ItemId, ItemId, MarkKind, str, int]]:
        """Marks that these items share with others: (item, other, kind, value, how many carry it).

        Values that more than `at_most` items carry are left out: they say who stands behind an item, not who it is.

        Args:
            since: Only others that came into the store from this instant on.
            removed: Only others that were ever verified offline.
        """
        words = [kind.value for kind in kinds]
        theirs = marks.alias("theirs")
        own = (
            select(marks.c.item, marks.c.kind, marks.c.value)
            .where(among(self._conn, marks.c.item, ids), unhelped(marks.c.kind).in_(words))
            .cte("own")
        )
        held = (
            select(own.c.kind, own.c.value).distinct().cte("held")
        )  # each value is counted once, whoever has it
        few = (  # counting stops where a value is common, or a logo of thousands would be counted each time
            select(literal(1).label("one"))
            .where(marks.c.kind == held.c.kind, marks.c.value == held.c.value)
            .correlate(held)
            .limit(at_most + 1)
            .subquery()
        )
        count = select(func.count()).select_from(few).correlate(held).scalar_subquery()
        counted = (
            select(held.c.kind, held.c.value, count.label("carriers"))
            .cte("counted")
            .prefix_with("MATERIALIZED")  # or the count would be made for each place that names it
        )
        statement = (
            select(
                own.c.item,
                theirs.c.item.label("other"),
                own.c.kind,
                own.c.value,
                counted.c.carriers,
            )
            .select_from(own)
            .join(counted, and_(counted.c.kind == own.c.kind, counted.c.value == own.c.value))
            .join(
                theirs,
                and_(
                    theirs.c.kind == own.c.kind,
                    theirs.c.value == own.c.value,
                    theirs.c.item != own.c.item,
                ),
            )
            .where(counted.c.carriers.between(2, at_most))
            .order_by(own.c.item, theirs.c.item, own.c.kind, own.c.value)
        )
        if since is not None or removed:
            statement = statement.join(items, items.c.id == theirs.c.item)
        if since is not None:
            statement = statement.where(items.c.recorded_at >= since)
        if removed:
            statement = statement.where(items.c.removed_at.is_not(None))
        rows = self._conn.execute(statement)
        return [(row.item, row.other, MarkKind(row.kind), row.value, row.carriers) for row in rows]
