"""The order in which work is taken, and that taking it does not cost more the more is left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event

from staydown.ports.work import Task, WorkKind
from support import Desk

NINE = timedelta(seconds=9)


def lease(desk: Desk, limit: int = 100) -> list[Task]:
    with desk.store.begin() as work:
        return work.queue.lease(by="worker", limit=limit, lease=NINE)


def test_priority_comes_first_then_the_instant_then_the_subject(desk: Desk) -> None:
    with desk.store.begin() as work:
        early, now = work.now - timedelta(hours=1), work.now
        work.queue.add(WorkKind.CHECK, [3, 1, 2], due_at=now)
        work.queue.add(WorkKind.CHECK, [9], due_at=early)
        work.queue.add(WorkKind.ASK, [4], due_at=early - timedelta(hours=9), priority=6)
        work.queue.add(WorkKind.CHECK, [8], due_at=now, priority=4)
        work.queue.add(WorkKind.CLOCK, [7], due_at=now, priority=0)
        work.queue.add(WorkKind.DISPATCH, [5], due_at=now + timedelta(seconds=1), priority=0)
    taken = [[task.subject for task in lease(desk)] for _ in range(5)]
    assert taken == [[7], [8], [9, 1, 2, 3], [4], []]


def test_a_full_batch_leaves_the_rest_in_order(desk: Desk) -> None:
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, range(10, 0, -1), due_at=work.now)
    assert [[task.subject for task in lease(desk, 4)] for _ in range(3)] == [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [9, 10],
    ]


@pytest.mark.parametrize("priority", [-1, 10])
def test_a_priority_that_nobody_would_look_at_is_refused(desk: Desk, priority: int) -> None:
    with pytest.raises(ValueError, match="0 to 9"), desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, [1], due_at=work.now, priority=priority)


def due(desk: Desk) -> dict[int, object]:
    with desk.store.begin(write=False) as work:
        rows = work.conn.exec_driver_sql("SELECT subject, lease_by FROM work").all()
    return {row.subject: row.lease_by for row in rows}


@pytest.mark.parametrize("after", [timedelta(0), timedelta(minutes=-30), timedelta(hours=3)])
def test_what_is_asked_for_again_while_it_is_in_hand_is_done_again(desk: Desk, after: timedelta) -> None:
    """Whatever the new instant: what was in hand may have been looked at before there was a reason to."""
    with desk.store.begin() as work:
        work.queue.add_at(WorkKind.CHECK, {1: work.now - timedelta(hours=1), 2: work.now})
    tasks = lease(desk)
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, [1], due_at=work.now + after)
    with desk.store.begin() as work:
        work.queue.done(tasks)
    assert due(desk) == {1: None}
    with desk.store.begin(write=False) as work:
        assert work.queue.next_due() == work.now + after


def test_what_is_put_off_keeps_an_instant_that_was_asked_for_meanwhile(desk: Desk) -> None:
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, [1, 2], due_at=work.now)
    tasks = lease(desk)
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, [1], due_at=work.now)
    with desk.store.begin() as work:
        work.queue.postpone(tasks, due_at=work.now + timedelta(hours=1))
    assert [task.subject for task in lease(desk)] == [1]


def test_what_is_wanted_by_an_instant_is_not_put_off(desk: Desk) -> None:
    with desk.store.begin() as work:
        soon, late = work.now + timedelta(hours=1), work.now + timedelta(hours=9)
        work.queue.add(WorkKind.CHECK, [1], due_at=soon)
        work.queue.add_by(WorkKind.CHECK, {1: late, 2: late})
        assert work.queue.next_due() == soon
        work.queue.add_by(WorkKind.CHECK, {2: work.now})
        assert work.queue.next_due() == work.now
    assert [task.subject for task in lease(desk)] == [2]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_is_sorted_to_take_a_batch(desk: Desk) -> None:
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, range(1, 500), due_at=work.now)
    said: list[tuple[str, object]] = []
    event.listen(desk.store.engine, "before_cursor_execute", lambda *given: said.append((given[2], given[3])))
    lease(desk)
    plans = []
    with desk.store.begin(write=False) as work:
        for statement, given in list(said):
            if statement.startswith(("SELECT anon", "UPDATE work")):
                plans += work.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()  # type: ignore[arg-type]
    steps = [str(row[-1]) for row in plans]
    assert any("ix_work_pressing" in step for step in steps)
    assert not [step for step in steps if "TEMP B-TREE" in step or "SCAN work" in step]
