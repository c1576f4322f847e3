"""Clocks with their history, and what transparency reports count."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from staydown.core.errors import NotFound, Stale
from staydown.core.ids import AgencyCode, ClockId, RequestId
from staydown.core.states import ClockState, ItemState
from staydown.ports.clocks import ClockNote, ClockRow, DueClock, NewClock, NewCount, QueuedClock, RowCount
from staydown.store.sets import among, for_update, insert_new
from staydown.store.tables import checks, clocks, items, request_items, requests
from staydown.store.tables_clocks import clock_events, counted

_RUNS = clocks.c.state == ClockState.RUNNING.value
_GOES_ON = clocks.c.state.in_([ClockState.RUNNING.value, ClockState.SUSPENDED.value])


class Clocks:
    """Legal and house periods that run."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def start(self, new: Sequence[NewClock]) -> None:
        """Start clocks; one that was begun for the same request, kind, party and place stays, however it stands."""
        insert_new(
            self._conn,
            clocks,
            [
                {
                    "request": one.request,
                    "agency": one.agency,
                    "kind": one.kind,
                    "party": one.party,
                    "place": one.place,
                    "source": one.source,
                    "started_at": one.started_at,
                    "strict_end": one.strict_end,
                    "legal_end": one.legal_end,
                    "length": one.length,
                    "country": one.country,
                    "rule": one.rule,
                    "state": ClockState.RUNNING.value,
                }
                for one in new
            ],
        )

    def running(self, requests: Collection[RequestId]) -> list[DueClock]:
        """The clocks that run for some requests."""
        wanted = select(clocks).where(among(self._conn, clocks.c.request, requests), _RUNS)
        return [_clock(row) for row in self._conn.execute(wanted)]

    def get(self, ids: Collection[ClockId]) -> list[DueClock]:
        """Those of the clocks that still run."""
        wanted = select(clocks).where(among(self._conn, clocks.c.id, ids), _RUNS)
        return [_clock(row) for row in self._conn.execute(wanted)]

    def of(self, requests: Collection[RequestId]) -> list[DueClock]:
        """All clocks of some requests, those that ended too, in the order in which they began."""
        wanted = (
            select(clocks)
            .where(among(self._conn, clocks.c.request, requests))
            .order_by(clocks.c.started_at, clocks.c.id)
        )
        return [_clock(row) for row in self._conn.execute(wanted)]

    def one(self, clock: ClockId, *, lock: bool = False) -> DueClock:
        """A clock, however it stands.

        Raises:
            NotFound: There is no such clock.
        """
        wanted = select(clocks).where(clocks.c.id == clock)
        row = self._conn.execute(for_update(self._conn, wanted) if lock else wanted).one_or_none()
        if row is None:
            raise NotFound(f"there is no clock {clock}", hint="staydown clocks lists them.")
        return _clock(row)

    def listed(
        self, *, operation: str | None = None, state: ClockState | None = None, party: str | None = None
    ) -> list[ClockRow]:
        """Clocks in the order of their ends."""
        statement = (
            select(clocks, requests.c.reference)
            .join(requests, requests.c.id == clocks.c.request)
            .order_by(clocks.c.strict_end, clocks.c.id)
        )
        for column, value in (
            (requests.c.operation, operation),
            (clocks.c.state, state.value if state else None),
            (clocks.c.party, party),
        ):
            if value is not None:
                statement = statement.where(column == value)
        return [
            ClockRow(
                reference=row.reference,
                kind=row.kind,
                party=row.party,
                place=row.place,
                state=ClockState(row.state),
                started_at=row.started_at,
                strict_end=row.strict_end,
                legal_end=row.legal_end,
                source=row.source,
            )
            for row in self._conn.execute(statement)
        ]

    def queue(
        self, agency: AgencyCode, *, limit: int, after: tuple[datetime, ClockId] | None = None
    ) -> list[QueuedClock]:
        """Running clocks of an agency, what ends first on top; `after` is where the last page ended."""
        wanted = (
            select(clocks, requests.c.reference, requests.c.provider)
            .join(requests, requests.c.id == clocks.c.request)
            .where(clocks.c.agency == agency, _RUNS)
            .order_by(clocks.c.strict_end, clocks.c.id)
            .limit(limit)
        )
        if after is not None:
            at, clock = after
            wanted = wanted.where(
                clocks.c.strict_end >= at, or_(clocks.c.strict_end > at, clocks.c.id > clock)
            )
        return [
            QueuedClock(
                id=row.id,
                request=row.request,
                reference=row.reference,
                provider=row.provider,
                kind=row.kind,
                party=row.party,
                place=row.place,
                strict_end=row.strict_end,
                legal_end=row.legal_end,
                source=row.source,
            )
            for row in self._conn.execute(wanted)
        ]

    def end(self, ids: Collection[ClockId], state: ClockState) -> frozenset[ClockId]:
        """Stop clocks; gives those that were running until now."""
        if not ids:
            return frozenset()
        rows = self._conn.execute(
            update(clocks)
            .where(among(self._conn, clocks.c.id, ids), _RUNS)
            .values(state=state.value, ended_at=self._now)
            .returning(clocks.c.id)
        )
        return frozenset(rows.scalars())

    def end_all(
        self, requests: Collection[RequestId], state: ClockState, *, kinds: Sequence[str] = ()
    ) -> None:
        """Stop the clocks of some requests that run or stand still, of some kinds where given."""
        statement = update(clocks).where(among(self._conn, clocks.c.request, requests), _GOES_ON)
        if kinds:
            statement = statement.where(clocks.c.kind.in_(list(kinds)))
        self._conn.execute(statement.values(state=state.value, ended_at=self._now))

    def turn(self, clock: DueClock, state: ClockState, *, strict_end: datetime, legal_end: datetime) -> None:
        """Write where a clock stands now.

        Raises:
            Stale: It no longer is as it was read.
        """
        over = {ClockState.MET, ClockState.LAPSED, ClockState.ENDED, ClockState.CANCELLED}
        changed = self._conn.execute(
            update(clocks)
            .where(clocks.c.id == clock.id, clocks.c.state == clock.state.value)
            .values(
                state=state.value,
                strict_end=strict_end,
                legal_end=legal_end,
                ended_at=self._now if state in over else None,
            )
        )
        if changed.rowcount != 1:
            raise Stale(f"clock {clock.id} has moved on")

    def note(self, notes: Sequence[ClockNote]) -> None:
        """Add to the history of clocks."""
        if notes:
            self._conn.execute(
                insert(clock_events),
                [
                    {
                        "clock": one.clock,
                        "step": one.step,
                        "at": one.at,
                        "instant": one.instant,
                        "by": one.by,
                        "text": one.text,
                        "strict_end": one.strict_end,
                        "legal_end": one.legal_end,
                        "rule": one.rule,
                    }
                    for one in notes
                ],
            )

    def history(self, ids: Collection[ClockId]) -> Mapping[ClockId, list[ClockNote]]:
        """What was noted about clocks, in the order in which it was noted."""
        found: dict[ClockId, list[ClockNote]] = {one: [] for one in ids}
        wanted = select(clock_events).where(among(self._conn, clock_events.c.clock, ids))
        for row in self._conn.execute(wanted.order_by(clock_events.c.id)):
            found[row.clock].append(
                ClockNote(
                    clock=row.clock,
                    step=row.step,
                    at=row.at,
                    instant=row.instant,
                    by=row.by,
                    text=row.text,
                    strict_end=row.strict_end,
                    legal_end=row.legal_end,
                    rule=row.rule,
                )
            )
        return found

    def followed_up(self, requests: Collection[RequestId], kind: str) -> frozenset[RequestId]:
        """Those of the requests whose every line was looked at while the clock of that kind ran."""
        if not requests:
            return frozenset()
        started = (
            select(
                clocks.c.request,
                func.min(clocks.c.started_at).label("at"),
                func.max(clocks.c.strict_end).label("end"),
            )
            .where(among(self._conn, clocks.c.request, requests), clocks.c.kind == kind, _RUNS)
            .group_by(clocks.c.request)
            .cte("started")
        )
        unseen = (
            select(request_items.c.request)
            .join(started, started.c.request == request_items.c.request)
            .join(items, items.c.id == request_items.c.item)
            .outerjoin(
                checks,
                and_(
                    checks.c.item == request_items.c.item,
                    checks.c.at >= started.c.at,
                    checks.c.at <= started.c.end,
                ),
            )
            .where(
                request_items.c.dropped_at.is_(None),
                items.c.state != ItemState.WITHDRAWN.value,
                checks.c.id.is_(None),
            )
        )
        left = set(self._conn.execute(unseen).scalars())
        return frozenset(set(self._conn.execute(select(started.c.request)).scalars()) - left)


def _clock(row: object) -> DueClock:
    get = row._mapping  # type: ignore[attr-defined]
    return DueClock(
        id=get["id"],
        request=get["request"],
        agency=get["agency"],
        kind=get["kind"],
        party=get["party"],
        place=get["place"],
        state=ClockState(get["state"]),
        source=get["source"],
        started_at=get["started_at"],
        strict_end=get["strict_end"],
        legal_end=get["legal_end"],
        length=get["length"],
        country=get["country"],
        rule=get["rule"],
    )


class Counted:
    """What has happened that the law wants counted."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def add(self, new: Sequence[NewCount]) -> None:
        """Note it."""
        if new:
            self._conn.execute(
                insert(counted),
                [
                    {
                        "at": one.at or self._now,
                        "agency": one.agency,
                        "provider": one.provider,
                        "row": one.row,
                        "amount": one.amount,
                        "seconds": one.seconds,
                        "request": one.request,
                    }
                    for one in new
                ],
            )

    def about(self, agency: AgencyCode, request: RequestId) -> frozenset[str]:
        """The rows of an agency for which a request was counted before."""
        found = select(counted.c.row).where(counted.c.request == request, counted.c.agency == agency)
        return frozenset(self._conn.execute(found.distinct()).scalars())

    def rows(
        self, agency: AgencyCode, *, since: datetime, until: datetime, provider: str = ""
    ) -> Mapping[str, RowCount]:
        """What an agency's rows come to between two instants, the second not included."""
        within = [counted.c.agency == agency, counted.c.at >= since, counted.c.at < until]
        if provider:
            within.append(counted.c.provider == provider)
        sums = select(counted.c.row, func.sum(counted.c.amount).label("n")).where(*within)
        timed = select(counted.c.row, counted.c.seconds).where(*within, counted.c.seconds.is_not(None))
        times: dict[str, list[float]] = {}
        for row in self._conn.execute(timed.order_by(counted.c.seconds)):
            times.setdefault(row.row, []).append(row.seconds)
        return {
            row.row: RowCount(row=row.row, amount=int(row.n), times=tuple(times.get(row.row, ())))
            for row in self._conn.execute(sums.group_by(counted.c.row))
        }
