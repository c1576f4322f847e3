"""Several at once on one store: lists that overlap meet in the same items, work is done once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from staydown.core.ids import ItemId
from staydown.flow import preserve
from staydown.worker.loop import once
from support import ALICE, Desk

ADDRESSES = [f"https://flock.exercise.example/@name{number}" for number in range(60)]


def test_overlapping_lists_taken_in_at_once_meet_in_one_item_each(desk: Desk) -> None:
    def take(turn: int) -> list[ItemId]:
        own = ADDRESSES[turn * 8 :] + ADDRESSES[: turn * 8]
        return desk.sight(*own, agency=("AA", "BB", "CC", "AA")[turn])

    with ThreadPoolExecutor(4) as pool:
        found = [set(ids) for ids in pool.map(take, range(4))]
    assert all(ids == found[0] for ids in found)
    with desk.store.begin(write=False) as work:
        assert work.figures.counts()["items"] == len(ADDRESSES)
        numbers = [line.number for line in work.ledger.lines()]
    assert numbers == list(range(len(numbers)))


def test_a_row_of_work_is_done_by_one_worker(desk: Desk) -> None:
    for number in range(40):
        desk.show(f"name{number}")
    items = desk.sight(*ADDRESSES[:40])
    with desk.store.begin() as work:
        preserve.ask(work, ALICE, items)

    def labour(number: int) -> list[int]:
        name, taken = f"worker-{number}", []
        while True:
            with desk.store.begin() as work:
                tasks = work.queue.lease(by=name, limit=3, lease=timedelta(seconds=30))
                taken += [task.subject for task in tasks]
                work.queue.done(tasks)
            if not tasks:
                return taken

    with ThreadPoolExecutor(4) as pool:
        taken = Counter(subject for part in pool.map(labour, range(4)) for subject in part)
    assert taken == Counter(items)


def test_workers_side_by_side_keep_everything_once(desk: Desk) -> None:
    for number in range(24):
        desk.show(f"name{number}")
    items = desk.sight(*ADDRESSES[:24])
    with desk.store.begin() as work:
        preserve.ask(work, ALICE, items)

    def labour(number: int) -> int:
        taken = 0
        while count := once(desk.tools, f"worker-{number}"):
            taken += count
        return taken

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(labour, range(3))) == 24
    with desk.store.begin(write=False) as work:
        assert work.items.kept(items) == set(items)
        assert work.queue.waiting() == 0
        assert work.queue.next_due() is None
    assert all(desk.tags(f"item:{item}").count("item:evidence:kept") == 1 for item in items[:5])
