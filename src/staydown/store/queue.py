"""Work that is due, as leased rows; written in the transaction that causes it.

`due_at` follows the store's clock (simulated in an exercise), leases follow real time always.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, or_, select, text, update

from staydown.core.errors import Stale
from staydown.ports.work import Task, WorkKind
from staydown.store.sets import among, is_sqlite, upsert
from staydown.store.tables import work


class Queue:
    """The work table."""

    def __init__(self, conn: Connection, now: datetime, real_now: datetime) -> None:
        self._conn, self._now, self._real_now = conn, now, real_now

    def add(self, kind: WorkKind, subjects: Collection[int], *, due_at: datetime, priority: int = 5) -> None:
        """Ask for work on subjects; where the same is asked for already, the new instant counts."""
        upsert(
            self._conn,
            work,
            [
                {
                    "kind": kind.value,
                    "subject": subject,
                    "due_at": due_at,
                    "priority": priority,
                    "attempts": 0,
                }
                for subject in subjects
            ],
            key=("kind", "subject"),
            change=("due_at", "priority"),
        )
        if subjects and not is_sqlite(self._conn):
            self._conn.execute(text("NOTIFY staydown_work"))

    def lease(
        self, *, by: str, limit: int, lease: timedelta, limits: Mapping[WorkKind, int] | None = None
    ) -> list[Task]:
        """Take due rows of one kind, the most pressing, that nobody has or whose lease ran out.

        Args:
            by: The worker's name.
            limit: How many rows at most; `limits` has kinds of which fewer are taken.
            lease: How long they stay taken without a word from the worker.
        """
        free = or_(work.c.lease_until.is_(None), work.c.lease_until <= self._real_now)
        due = (
            select(work.c.kind)
            .where(work.c.due_at <= self._now, free)
            .order_by(work.c.priority, work.c.due_at)
        )
        first = self._conn.execute(due.limit(1)).scalar_one_or_none()
        if first is None:
            return []
        limit = min(limit, (limits or {}).get(WorkKind(first), limit))
        chosen = (
            select(work.c.id)
            .where(work.c.kind == first, work.c.due_at <= self._now, free)
            .order_by(work.c.priority, work.c.due_at, work.c.subject)
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
        """Strike leased rows off; one that was asked for again meanwhile stays, with its new instant.

        Raises:
            Stale: A lease ran out and somebody else took the row.
        """
        if not tasks:
            return
        mine = self._mine(tasks)
        latest = max(task.due_at for task in tasks)
        struck = self._conn.execute(delete(work).where(mine, work.c.due_at <= latest))  # type: ignore[arg-type]
        again = self._conn.execute(update(work).where(mine).values(lease_until=None, lease_by=None))  # type: ignore[arg-type]
        if struck.rowcount + again.rowcount != len(tasks):
            raise Stale("a lease ran out and another worker took over")

    def held(self, tasks: Sequence[Task]) -> list[Task]:
        """Those of the rows that still exist and are leased by whoever took them."""
        rows = self._conn.execute(select(work.c.id).where(self._mine(tasks)))  # type: ignore[arg-type]
        still = set(rows.scalars())
        return [task for task in tasks if task.id in still]

    def postpone(self, tasks: Sequence[Task], *, due_at: datetime, trouble: str = "") -> None:
        """Give leased rows back, due later."""
        if tasks:
            self._conn.execute(
                update(work)
                .where(self._mine(tasks))  # type: ignore[arg-type]
                .values(lease_until=None, lease_by=None, due_at=due_at, last_trouble=trouble or None)
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
