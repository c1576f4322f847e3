"""Work that is due, as leased rows; written in the transaction that causes it.

`due_at` follows the store's clock (simulated in an exercise), leases follow real time always.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from staydown.core.errors import Stale
from staydown.ports.work import Subject, Task, WorkKind
from staydown.store.sets import among, is_sqlite
from staydown.store.tables import Instant, work

FAR = timedelta(hours=1)
"""A lease that ends later than this was written by a wrong clock: none is anywhere near as long."""
PRIORITIES = range(10)
"""0 is taken first."""


def _due(now: Any, real_now: Any, far: Any) -> tuple[ColumnElement[bool], ...]:
    """Due, and free: never taken, its lease over, or with a lease that only a wrong clock can have written."""
    until = work.c.lease_until
    return work.c.due_at <= now, or_(until.is_(None), until <= real_now, until > far)


def _far_by_server() -> ColumnElement[int]:
    """Up to when a lease is believed, by the server's clock: a machine whose own goes slow must not take good ones."""
    micros = cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
    return micros + FAR // timedelta(microseconds=1)


def _look(priority: int, far: Any) -> Select[Any]:
    """The first row to take of one priority."""
    first = (
        select(work.c.priority, work.c.kind)
        .where(work.c.priority == priority, *_due(bindparam("now"), bindparam("real_now"), far))
        .order_by(work.c.due_at, work.c.subject)
        .limit(1)
    )
    return select(first.subquery())


_LOOKS = {
    "sqlite": union_all(*(_look(one, bindparam("far")) for one in PRIORITIES)),
    "postgresql": union_all(*(_look(one, _far_by_server()) for one in PRIORITIES)),
}
"""Built once: a worker asks it several times a second."""


class Queue:
    """The work table."""

    def __init__(self, conn: Connection, now: datetime, real_now: datetime) -> None:
        self._conn, self._now, self._real_now = conn, now, real_now
        self._has_told = False

    def add(self, kind: WorkKind, subjects: Collection[int], *, due_at: datetime, priority: int = 5) -> None:
        """Ask for work on subjects; where the same is asked for already, the new instant counts."""
        self.add_at(kind, dict.fromkeys(subjects, due_at), priority=priority)

    def add_at(self, kind: WorkKind, due: Mapping[Subject, datetime], *, priority: int = 5) -> None:
        """Ask for work on subjects, each due at an instant of its own."""
        if priority not in PRIORITIES:
            raise ValueError(f"priorities go from 0 to 9, not {priority}")
        self._ask(kind, due, priority=priority, is_sooner=False)

    def add_by(self, kind: WorkKind, due: Mapping[Subject, datetime]) -> None:
        """Ask for work on subjects, each by an instant; where it is due sooner anyway, that stays."""
        self._ask(kind, due, priority=5, is_sooner=True)

    def _ask(
        self, kind: WorkKind, due: Mapping[Subject, datetime], *, priority: int, is_sooner: bool
    ) -> None:
        """Add rows, or change those that are there.

        Attempts are counted anew each time, so `done` can tell a row that was asked for again while it was in hand.
        """
        if not due:
            return
        make = sqlite_insert if is_sqlite(self._conn) else postgres_insert
        sooner = func.min if is_sqlite(self._conn) else func.least
        statement = make(work)
        fresh = statement.excluded
        change: dict[str, Any] = {"attempts": 0}
        if is_sooner:
            in_hand = work.c.lease_until > self._real_now  # its present instant has been taken care of
            change["due_at"] = case((in_hand, fresh.due_at), else_=sooner(work.c.due_at, fresh.due_at))
        else:
            change |= {"due_at": fresh.due_at, "priority": fresh.priority}
        rows = [
            {"kind": kind.value, "subject": subject, "due_at": at, "priority": priority, "attempts": 0}
            for subject, at in sorted(due.items())
        ]
        self._conn.execute(
            statement.on_conflict_do_update(index_elements=["kind", "subject"], set_=change), rows
        )
        if not (self._has_told or is_sqlite(self._conn)):  # workers hear of it once, when all is committed
            self._conn.execute(text("NOTIFY staydown_work"))
            self._has_told = True

    def lease(
        self,
        *,
        by: str,
        limit: int,
        lease: timedelta,
        limits: Mapping[WorkKind, int] | None = None,
        leases: Mapping[WorkKind, timedelta] | None = None,
    ) -> list[Task]:
        """Take due rows of one kind, the most pressing, that nobody has or whose lease ran out.

        Args:
            by: The worker's name.
            limit: How many rows at most; `limits` has kinds of which fewer are taken.
            lease: How long they stay taken without a word from the worker; `leases` has kinds with another length.
        """
        first = self._most_pressing()
        far = self._real_now + FAR if is_sqlite(self._conn) else _far_by_server()
        if first is None:
            return []
        priority, kind = first
        limit = min(limit, (limits or {}).get(kind, limit))
        lease = (leases or {}).get(kind, lease)
        chosen = (
            select(work.c.id)
            .where(
                work.c.priority == priority, work.c.kind == kind.value, *_due(self._now, self._real_now, far)
            )
            .order_by(work.c.due_at, work.c.subject)
            .limit(limit)
        )
        if not is_sqlite(self._conn):
            chosen = chosen.with_for_update(skip_locked=True)
        rows = self._conn.execute(
            update(work)
            .where(work.c.id.in_(chosen.scalar_subquery() if is_sqlite(self._conn) else chosen))
            .values(lease_until=self._real_now + lease, lease_by=by, attempts=work.c.attempts + 1)
            .returning(work.c.id, work.c.kind, work.c.subject, work.c.due_at, work.c.attempts)
        ).all()
        tasks = [
            Task(
                id=row.id,
                kind=WorkKind(row.kind),
                subject=row.subject,
                due_at=row.due_at,
                attempts=row.attempts,
                by=by,
            )
            for row in rows
        ]
        return sorted(tasks, key=lambda task: (task.due_at, task.subject))

    def _most_pressing(self) -> tuple[int, WorkKind] | None:
        """Priority and kind of the first row to take.

        One look into the index per priority: to sort all that is due would cost more the more is left to do.
        """
        given = {"now": self._now, "real_now": self._real_now}
        if is_sqlite(self._conn):
            given["far"] = self._real_now + FAR
        first = self._conn.execute(_LOOKS[self._conn.dialect.name], given).all()
        if not first:
            return None
        row = min(first, key=lambda row: row.priority)
        return row.priority, WorkKind(row.kind)

    def _mine(self, tasks: Sequence[Task]) -> object:
        return among(self._conn, work.c.id, [task.id for task in tasks]) & work.c.lease_by.in_(
            {task.by for task in tasks}
        )

    def confirm(self, tasks: Sequence[Task], *, lease: timedelta) -> None:
        """Hold on to leased rows for longer.

        Raises:
            Stale: A lease ran out and somebody else took the row.
        """
        done = self._conn.execute(
            update(work).where(self._mine(tasks)).values(lease_until=self._real_now + lease)  # type: ignore[arg-type]
        )
        if done.rowcount != len(tasks):
            raise Stale("a lease ran out and another worker took over")

    def renew(self, tasks: Sequence[Task], *, lease: timedelta) -> None:
        """Hold on to those of the rows that are still leased by whoever took them."""
        self._conn.execute(
            update(work).where(self._mine(tasks)).values(lease_until=self._real_now + lease)  # type: ignore[arg-type]
        )

    def done(self, tasks: Sequence[Task]) -> None:
        """Strike leased rows off; one that was asked for again meanwhile stays, and is free.

        Raises:
            Stale: A lease ran out and somebody else took the row.
        """
        if not tasks:
            return
        mine = self._mine(tasks)
        struck = self._conn.execute(delete(work).where(mine, work.c.attempts > 0))  # type: ignore[arg-type]
        if struck.rowcount == len(tasks):
            return
        again = self._conn.execute(update(work).where(mine).values(lease_until=None, lease_by=None))  # type: ignore[arg-type]
        if struck.rowcount + again.rowcount != len(tasks):
            raise Stale("a lease ran out and another worker took over")

    def held(self, tasks: Sequence[Task]) -> list[Task]:
        """Those of the rows that still exist and are leased by whoever took them."""
        rows = self._conn.execute(select(work.c.id).where(self._mine(tasks)))  # type: ignore[arg-type]
        still = set(rows.scalars())
        return [task for task in tasks if task.id in still]

    def in_hand(self, kind: WorkKind, subjects: Collection[int]) -> frozenset[int]:
        """Those of the subjects on whose row somebody works at present."""
        rows = self._conn.execute(
            select(work.c.subject).where(
                work.c.kind == kind.value,
                among(self._conn, work.c.subject, subjects),
                work.c.lease_until > self._real_now,
            )
        )
        return frozenset(rows.scalars())

    def postpone(self, tasks: Sequence[Task], *, due_at: datetime, trouble: str = "") -> None:
        """Give leased rows back, due later; one that was asked for again meanwhile keeps its new instant."""
        if tasks:
            later = case((work.c.attempts > 0, literal(due_at, Instant)), else_=work.c.due_at)
            self._conn.execute(
                update(work)
                .where(self._mine(tasks))  # type: ignore[arg-type]
                .values(lease_until=None, lease_by=None, due_at=later, last_trouble=trouble or None)
            )

    def give_back(self, by: str) -> None:
        """Free every row that one worker holds, due as before."""
        self._conn.execute(update(work).where(work.c.lease_by == by).values(lease_until=None, lease_by=None))

    def cancel(self, kind: WorkKind, subjects: Collection[int]) -> None:
        """Take work back that is no longer wanted."""
        self._conn.execute(
            delete(work).where(work.c.kind == kind.value, among(self._conn, work.c.subject, subjects))
        )

    def next_due(self) -> datetime | None:
        """The instant of the earliest row, due or not."""
        return self._conn.execute(select(func.min(work.c.due_at))).scalar_one_or_none()

    def waiting(self) -> int:
        """How many rows are due now."""
        return self._conn.execute(
            select(func.count()).select_from(work).where(work.c.due_at <= self._now)
        ).scalar_one()
