"""Assessments and holds."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, func, insert, select, update

from staydown.core.assessment import Assessment, Ground, Verdict
from staydown.core.errors import NotFound
from staydown.core.hold import Hold
from staydown.core.ids import AgencyCode, HoldId, ItemId, PersonId
from staydown.core.states import HOLD_IN_FORCE, HoldState
from staydown.store.names import merged_of
from staydown.store.sets import among, for_update, new_ids, unhelped
from staydown.store.tables import assessments, holds, merges, questions
from staydown.store.tables import items as items_table
from staydown.store.walls import across

_IN_FORCE = [state.value for state in sorted(HOLD_IN_FORCE)]


class Assessments:
    """What persons found."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def add(self, made: Sequence[Assessment]) -> list[int]:
        """Add assessments; the same agency's earlier ones on these items are closed."""
        for agency in {one.agency for one in made}:
            on = [one.item for one in made if one.agency == agency]
            self._conn.execute(
                update(assessments)
                .where(
                    among(self._conn, assessments.c.item, on),
                    assessments.c.agency == agency,
                    assessments.c.closed_at.is_(None),
                )
                .values(closed_at=self._now)
            )
        ids = new_ids(self._conn, assessments, len(made))
        rows = [
            {
                "id": number,
                "item": one.item,
                "by": one.by,
                "agency": one.agency,
                "verdict": one.verdict.value,
                "ground": one.ground.value if one.ground else None,
                "purposes": json.dumps({p.value: a.value for p, a in one.purposes.items()}, sort_keys=True),
                "reason": one.reason,
                "at": self._now,
            }
            for number, one in zip(ids, made, strict=True)
        ]
        if rows:
            self._conn.execute(insert(assessments), rows)
        return ids

    @across
    def open(self, ids: Collection[ItemId]) -> dict[ItemId, dict[AgencyCode, tuple[Verdict, Ground | None]]]:
        """The assessments in force, by item and agency.

        Of an item that carries merged ones all of them count: of one agency the most cautious, until it assesses the
        item after the last merge.
        """
        merged = merged_of(self._conn, ids)
        since = self._merged_at(merged)
        rows = self._conn.execute(
            select(
                assessments.c.item,
                assessments.c.agency,
                assessments.c.verdict,
                assessments.c.ground,
                assessments.c.at,
            )
            .where(among(self._conn, assessments.c.item, [*ids, *merged]), assessments.c.closed_at.is_(None))
            .order_by(assessments.c.id)
        )
        found: dict[ItemId, dict[AgencyCode, tuple[Verdict, Ground | None]]] = {}
        settled: set[tuple[ItemId, AgencyCode]] = set()
        for row in rows:
            one = (Verdict(row.verdict), Ground(row.ground) if row.ground else None)
            now = merged.get(row.item, row.item)
            others, place = found.setdefault(now, {}), (now, row.agency)
            if row.item == now and now in since and row.at > since[now]:
                settled.add(place)
                others[row.agency] = one
            elif place not in settled and (
                row.agency not in others or _CAUTION[one[0]] > _CAUTION[others[row.agency][0]]
            ):
                others[row.agency] = one
        return found

    def _merged_at(self, merged: Mapping[ItemId, ItemId]) -> dict[ItemId, datetime]:
        """When items last had another merged into them."""
        if not merged:
            return {}
        rows = self._conn.execute(
            select(merges.c.merged, merges.c.at).where(
                among(self._conn, merges.c.merged, list(merged)), merges.c.undone_at.is_(None)
            )
        )
        last: dict[ItemId, datetime] = {}
        for row in rows:
            root = merged[row.merged]
            last[root] = max(row.at, last.get(root, row.at))
        return last

    def assessed_by(self, ids: Collection[ItemId], person: PersonId) -> frozenset[ItemId]:
        """Those of the items that the person ever assessed, under whatever name."""
        merged = merged_of(self._conn, ids)
        rows = self._conn.execute(
            select(assessments.c.item)
            .distinct()
            .where(among(self._conn, assessments.c.item, [*ids, *merged]), assessments.c.by == person)
        )
        return frozenset(merged.get(item, item) for item in rows.scalars())


_CAUTION = {Verdict.TERRORIST: 0, Verdict.CLEAR: 1, Verdict.UNSURE: 2, Verdict.EXEMPT: 3}
"""Which of one agency's assessments of what became one item counts: the one that speaks most against a request."""


class Holds:
    """Where somebody asked to wait."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def _force(self) -> object:
        return and_(holds.c.state.in_(_IN_FORCE), holds.c.until > self._now)

    def place(
        self, ids: Collection[ItemId], *, agency: AgencyCode, by: PersonId, reason: str, until: datetime
    ) -> list[HoldId]:
        """Place one hold on each item; where the agency holds it already, that hold now ends at `until`."""
        wanted = sorted(set(ids))
        mine = [
            among(self._conn, holds.c.item, wanted),
            holds.c.agency == agency,
            holds.c.state.in_(_IN_FORCE),
        ]
        self._conn.execute(
            update(holds)
            .where(*mine, holds.c.until <= self._now)
            .values(state=HoldState.EXPIRED.value, ended_at=self._now, ended_reason="its instant came")
        )
        rows = self._conn.execute(
            update(holds).where(*mine).values(until=until).returning(holds.c.id, holds.c.item)
        )
        longer = {row.item: row.id for row in rows}
        fresh = [item for item in wanted if item not in longer]
        numbers = new_ids(self._conn, holds, len(fresh))
        if fresh:
            self._conn.execute(
                insert(holds),
                [
                    {
                        "id": number,
                        "item": item,
                        "agency": agency,
                        "by": by,
                        "reason": reason,
                        "placed_at": self._now,
                        "until": until,
                        "state": HoldState.OPEN.value,
                    }
                    for number, item in zip(numbers, fresh, strict=True)
                ],
            )
        return sorted(HoldId(number) for number in [*longer.values(), *numbers])

    @across
    def on(self, ids: Collection[ItemId]) -> frozenset[ItemId]:
        """Those of the items that somebody holds now, under whatever name."""
        merged = merged_of(self._conn, ids)
        rows = self._conn.execute(
            select(holds.c.item)
            .distinct()
            .where(among(self._conn, holds.c.item, [*ids, *merged]), self._force())  # type: ignore[arg-type]
        )
        return frozenset(merged.get(item, item) for item in rows.scalars())

    def open_of(self, agency: AgencyCode) -> int:
        """How many holds an agency has in force."""
        return self._conn.execute(
            select(func.count()).select_from(holds).where(holds.c.agency == agency, self._force())  # type: ignore[arg-type]
        ).scalar_one()

    @across
    def get(self, hold: HoldId) -> Hold:
        """One hold, locked for a change.

        Raises:
            NotFound: No such hold.
        """
        row = self._conn.execute(for_update(self._conn, select(holds).where(holds.c.id == hold))).first()
        if row is None:
            raise NotFound(f"there is no hold {hold}")
        return _hold(row)

    @across
    def listed(self, *, items: Collection[ItemId] | None = None) -> list[Hold]:
        """Holds in force, oldest first; of some items, under whatever name they were held."""
        statement = select(holds).where(self._force()).order_by(holds.c.id)  # type: ignore[arg-type]
        if items is not None:
            held = [*items, *merged_of(self._conn, items)]
            statement = statement.where(among(self._conn, holds.c.item, held))
        return [_hold(row) for row in self._conn.execute(statement)]

    def due(self, ids: Collection[HoldId]) -> list[Hold]:
        """Those of the holds whose instant has come and that nobody has closed, locked for a change."""
        statement = (
            select(holds)
            .where(
                among(self._conn, holds.c.id, ids),
                unhelped(holds.c.state).in_(_IN_FORCE),
                holds.c.until <= self._now,
            )
            .order_by(holds.c.id)
        )
        return [_hold(row) for row in self._conn.execute(for_update(self._conn, statement))]

    @across
    def end(self, ids: Collection[HoldId], state: HoldState, *, by: PersonId | None, reason: str) -> None:
        """Write another state to holds."""
        self._conn.execute(
            update(holds)
            .where(among(self._conn, holds.c.id, ids))
            .values(state=state.value, ended_at=self._now, ended_by=by, ended_reason=reason)
        )

    def asked(self, item: ItemId, *, by: PersonId, agency: AgencyCode) -> None:
        """Note that somebody asked about an item; the holder is shown it."""
        self._conn.execute(insert(questions).values(item=item, by=by, agency=agency, at=self._now))

    def questions_of(self, agency: AgencyCode, since: datetime) -> int:
        """How many questions an agency has asked since an instant."""
        return self._conn.execute(
            select(func.count())
            .select_from(questions)
            .where(questions.c.agency == agency, questions.c.at > since)
        ).scalar_one()

    @across
    def questions_about(self, agency: AgencyCode) -> list[tuple[ItemId, AgencyCode, datetime]]:
        """Questions about items that an agency holds: (item, who asked, when)."""
        of_root = items_table.alias("of_root")
        own = select(func.coalesce(of_root.c.merged_into, of_root.c.id)).where(
            of_root.c.id.in_(select(holds.c.item).where(holds.c.agency == agency))
        )
        rows = self._conn.execute(
            select(questions.c.item, questions.c.agency, questions.c.at)
            .where(questions.c.item.in_(own), questions.c.agency != agency)
            .order_by(questions.c.id)
        )
        return [(row.item, row.agency, row.at) for row in rows]


def _hold(row: object) -> Hold:
    get = row._mapping  # type: ignore[attr-defined]
    return Hold(
        id=get["id"],
        item=get["item"],
        agency=get["agency"],
        by=get["by"],
        reason=get["reason"],
        placed_at=get["placed_at"],
        until=get["until"],
        state=HoldState(get["state"]),
    )
