"""What two workers, a paused one, or a restored store could do to a request: each of these once lost or doubled one."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from staydown.app import HOSTS, open_app
from staydown.backup import backup, restore
from staydown.core.assessment import Assessment, Purpose, PurposeAnswer, Verdict
from staydown.core.errors import Collision, Outside
from staydown.core.ids import ItemId
from staydown.core.request import DispatchState, Request
from staydown.core.states import RequestState
from staydown.flow import answer, approve, assess, carry, dispatch, preserve, verify, withdraw
from staydown.ports import Ask, Reply
from staydown.ports.tools import Point, Tools
from staydown.ports.work import Task, Work, WorkKind
from staydown.store.engine import wall_time
from staydown.store.items import Items
from staydown.store.queue import Queue
from staydown.store.requests import Requests
from staydown.testing.world import Page
from staydown.worker.loop import drain, once
from support import ANNA, BOB, NO, Desk


def paste(desk: Desk, name: str) -> str:
    desk.world.pages["quill", f"/p/{name}"] = Page(presence="online", kind="paste", name=name, text="made up")
    return f"https://quill.exercise.example/p/{name}"


def place(desk: Desk, provider: str, name: str) -> str:
    return {"flock": desk.show, "hearth": desk.channel, "quill": lambda one: paste(desk, one)}[provider](name)


def approved(desk: Desk, *addresses: str) -> tuple[Request, list[ItemId]]:
    items = desk.sight(*addresses)
    desk.keep(items)
    desk.view(items)
    request = desk.put(items).requests[0]
    desk.consent(request)
    return request, items


def several(desk: Desk, *addresses: str) -> list[Request]:
    """One approved request for each address; nothing has left yet."""
    items = desk.sight(*addresses)
    desk.keep(items)
    desk.view(items)
    requests = [desk.put([item]).requests[0] for item in items]
    for one in requests:
        desk.consent(one)
    return requests


def leased(desk: Desk, kind: WorkKind, *, by: str = "one", seconds: float = 60) -> list[Task]:
    """All due rows of one kind, as a worker takes them; others are left."""
    with desk.store.begin() as work:
        for other in ("clock", "expire", "hold", "preserve", "dispatch", "ask", "check", "withdrawal"):
            if other != kind.value:
                work.conn.exec_driver_sql(f"UPDATE work SET priority = 9 WHERE kind = '{other}'")
        work.conn.exec_driver_sql(f"UPDATE work SET priority = 0 WHERE kind = '{kind.value}'")
    with desk.store.begin() as work:
        tasks = work.queue.lease(by=by, limit=500, lease=timedelta(seconds=seconds))
    assert {task.kind for task in tasks} == {kind}
    return tasks


def intakes(desk: Desk) -> Counter[str]:
    return Counter(one.reference for one in desk.world.intakes)


# --- a pause in the middle of a batch ------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["quill", "hearth"])
def test_a_worker_that_stood_still_in_the_middle_of_a_batch_sends_nothing_more(
    desk: Desk, provider: str, database: str | None
) -> None:
    """Another worker took the rest over meanwhile. A web form would take it twice, a letter would go unmarked."""
    several(desk, *(place(desk, provider, f"madeup{number}") for number in range(8)))
    short = replace(desk.tools, settings=replace(desk.tools.settings, lease_s=1))
    tasks = leased(desk, WorkKind.DISPATCH, seconds=1)
    stood: list[float] = []
    other = open_app(desk.home, database=database)  # a process of its own has a way out of its own

    def stand_still(point: Point) -> None:
        if point is Point.MID_SEND and not stood:
            stood.append(time.monotonic())
            time.sleep(1.2)
            assert drain(other.tools, "another")

    dispatch.run(replace(short, reached=stand_still), tasks)
    other.close()
    desk.later(hours=1)
    desk.later(hours=1)
    arrived = intakes(desk)
    assert len(arrived) == 8
    assert stood
    if provider == "quill":
        assert max(arrived.values()) == 1
    else:  # all it can do is to say so: what arrived twice said of itself that it might
        first, *more = [one.repeat for one in desk.world.intakes]
        assert not first
        assert len(more) == 7


def test_what_has_left_is_written_down_though_the_rest_was_taken_over(desk: Desk) -> None:
    requests = several(desk, *(place(desk, "hearth", f"madeup{number}") for number in range(3)))
    short = replace(desk.tools, settings=replace(desk.tools.settings, lease_s=1))
    tasks = leased(desk, WorkKind.DISPATCH, seconds=1)

    def lose(point: Point) -> None:
        if point is Point.MID_SEND:
            time.sleep(0.6)
            with desk.store.begin() as work:
                work.conn.exec_driver_sql("UPDATE work SET lease_by = 'another' WHERE kind = 'dispatch'")

    dispatch.run(replace(short, reached=lose), tasks)
    assert len(desk.world.intakes) == 1
    states = [desk.request(one.id).state for one in requests]
    assert sorted(states) == [RequestState.APPROVED, RequestState.APPROVED, RequestState.DISPATCHED]


class Breaking:
    """Transactions of which some break: before they are committed, or just after, when nobody gets to know."""

    def __init__(self, desk: Desk, times: int, *, is_committed: bool) -> None:
        self._begin, self._left, self._is_committed = desk.tools.begin, times, is_committed
        self.is_on = False

    @contextmanager
    def __call__(self, *, write: bool = True) -> Iterator[Work]:
        breaks = self.is_on and write and self._left > 0
        with self._begin(write=write) as work:
            yield work
            if breaks and not self._is_committed:
                self._left -= 1
                raise Outside("the database gave trouble: it restarts")
        if breaks:
            self._left -= 1
            raise Outside("the database gave trouble: the connection is gone")


@pytest.mark.parametrize("is_committed", [False, True])
@pytest.mark.parametrize("provider", ["flock", "hearth"])
def test_what_was_sent_is_written_down_when_the_database_is_back(
    desk: Desk, provider: str, is_committed: bool
) -> None:
    request, _ = approved(desk, place(desk, provider, "madeup"))
    breaking = Breaking(desk, 3 if not is_committed else 1, is_committed=is_committed)

    def sent(point: Point) -> None:
        if point is Point.AFTER_SEND:
            breaking.is_on = True

    tasks = leased(desk, WorkKind.DISPATCH)
    dispatch.run(replace(desk.tools, begin=breaking, reached=sent), tasks)
    breaking.is_on = False
    desk.later(hours=2)
    assert intakes(desk) == {request.reference: 1}
    tags = desk.tags(f"request:{request.id}")
    assert tags.count("request:dispatch:sent") == tags.count("request:dispatch:intended") == 1
    with desk.store.begin(write=False) as work:
        assert work.figures.dispatches() == {"dispatches": 1, "repeats": 0}


@pytest.mark.parametrize("provider", ["flock", "hearth"])
def test_a_server_slower_than_half_a_lease_gets_its_request(
    desk: Desk, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is renewed while it answers; a request that is never begun would never arrive."""
    request, _ = approved(desk, place(desk, provider, "madeup"))
    sure = carry.Held.is_sure
    asked: list[bool] = []

    def slow(self: carry.Held) -> bool:
        if len(asked) == 1:  # after the look before the batch, at the parcel's own turn
            time.sleep(0.7)
        asked.append(sure(self))
        return asked[-1]

    monkeypatch.setattr(carry.Held, "is_sure", slow)
    short = replace(desk.tools, settings=replace(desk.tools.settings, lease_s=1))
    dispatch.run(short, leased(desk, WorkKind.DISPATCH))
    assert False in asked
    assert intakes(desk) == {request.reference: 1}


def test_receipts_outlive_trouble_in_the_middle_of_a_batch(desk: Desk) -> None:
    """The lease cannot be confirmed: nothing more leaves, and what has left is written down."""
    requests = several(desk, *(place(desk, "hearth", f"madeup{number}") for number in range(3)))
    breaking = Breaking(desk, 1, is_committed=False)

    def slow(point: Point) -> None:
        if point is Point.MID_SEND:
            time.sleep(0.6)
            breaking.is_on = True

    short = replace(
        desk.tools, begin=breaking, reached=slow, settings=replace(desk.tools.settings, lease_s=1)
    )
    dispatch.run(short, leased(desk, WorkKind.DISPATCH))
    assert len(desk.world.intakes) == 1
    states = sorted(desk.request(one.id).state for one in requests)
    assert states == [RequestState.APPROVED, RequestState.APPROVED, RequestState.DISPATCHED]
    breaking.is_on = False
    desk.later(hours=1)
    assert set(intakes(desk).values()) == {1}
    with desk.store.begin(write=False) as work:
        assert work.figures.dispatches()["repeats"] == 0


# --- restored ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["quill", "hearth"])
def test_an_attempt_that_failed_before_the_backup_does_not_hide_one_that_came_after(
    desk: Desk, tmp_path: Path, provider: str, other_database: str | None
) -> None:
    request, _ = approved(desk, place(desk, provider, "madeup"))
    if provider == "quill":
        desk.world.faults["quill", "/report"] = ["error"]
    else:
        desk.world.faults["hearth", "smtp"] = ["error"]
    desk.work()
    if provider == "quill":  # it is asked about, and known to have failed
        with desk.store.begin(write=False) as work:
            due = work.queue.next_due()
        assert due is not None
        desk.store.set_simulated(due)
        desk.world.now = due
        once(desk.tools, "worker")
    with desk.store.begin(write=False) as work:
        assert [one.state for one in work.requests.attempts([request.id])[request.id]] == [
            DispatchState.FAILED
        ]
    backup(desk.app, tmp_path / "copy")
    hosts = (desk.home / HOSTS).read_text()
    desk.later(minutes=30)
    assert intakes(desk) == {request.reference: 1}

    restore(tmp_path / "copy", tmp_path / "new", database=other_database)
    (tmp_path / "new" / HOSTS).write_text(hosts)
    app = open_app(tmp_path / "new", database=other_database)
    try:
        if provider == "hearth":
            with app.store.begin() as work:
                approve.approve(app.tools, work, BOB, [request.id])
        for _ in range(4):
            drain(app.tools, "restored")
            with app.store.begin(write=False) as work:
                now = work.now
            app.store.set_simulated(now + timedelta(minutes=10))
        with app.store.begin(write=False) as work:
            assert work.requests.one(request.id).state is not RequestState.APPROVED
            repeats = work.figures.dispatches()["repeats"]
    finally:
        app.close()
    if provider == "quill":
        assert intakes(desk) == {request.reference: 1}
    else:
        assert repeats == 1, "it may have arrived before: the letter says so"


# --- two persons, two workers at one moment ---------------------------------------------------------------


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_doubt_that_is_committed_before_the_intent_keeps_the_line_back(desk: Desk) -> None:
    _, items = approved(desk, desk.show("one"), desk.show("two"))
    has_locked, threads = threading.Event(), []
    quoted = Assessment(
        item=items[0], by=ANNA.id, agency=ANNA.agency, verdict=Verdict.EXEMPT, ground=None,
        purposes=NO | {Purpose.JOURNALISM: PurposeAnswer.YES}, reason="a journalist",
    )  # fmt: skip

    def doubt() -> None:
        with desk.store.begin() as work:
            assess.assess(work, ANNA, [quoted])
            has_locked.set()
            time.sleep(0.4)

    def reached(point: Point) -> None:
        if point is Point.BEFORE_INTENT and not threads:
            threads.append(threading.Thread(target=doubt))
            threads[0].start()
            assert has_locked.wait(5)

    drain(replace(desk.tools, reached=reached), "worker")
    threads[0].join()
    (taken,) = desk.world.intakes
    assert [address for _, address in taken.lines] == ["https://flock.exercise.example/@two"]


@pytest.mark.parametrize("provider", ["flock", "quill", "hearth"])
def test_a_withdrawal_does_not_overtake_its_request(desk: Desk, provider: str) -> None:
    request, _ = approved(desk, place(desk, provider, "madeup"))
    done: list[int] = []

    def take_back(point: Point) -> None:
        if point is Point.AFTER_INTENT and not done:
            done.append(1)
            with desk.store.begin() as work:
                withdraw.withdraw(desk.tools, work, BOB, request.id, reason="an error of ours")
            once(desk.tools, "another")
            assert not desk.world.withdrawn

    drain(replace(desk.tools, reached=take_back), "worker")
    desk.later(hours=1)
    assert intakes(desk) == {request.reference: 1}
    assert desk.world.withdrawn == [(provider, request.reference, (1,))]
    assert desk.request(request.id).state is RequestState.WITHDRAWN
    assert desk.tags(f"request:{request.id}")[-1] == "request:withdrawal:sent"
    with desk.store.begin(write=False) as work:
        left = work.conn.exec_driver_sql("SELECT COUNT(*) FROM work WHERE kind IN ('dispatch', 'withdrawal')")
        assert left.scalar_one() == 0


@pytest.mark.parametrize("provider", ["flock", "quill"])
def test_trouble_in_the_middle_of_withdrawals_tells_nobody_twice(
    desk: Desk, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [desk.referred(place(desk, provider, f"madeup{n}"))[0] for n in range(3)]
    with desk.store.begin() as work:
        for one in requests:
            withdraw.withdraw(desk.tools, work, BOB, one.id, reason="an error of ours")
    confirm, calls = Queue.confirm, []

    def troubled(self: Queue, tasks: list[Task], *, lease: timedelta) -> None:
        calls.append(1)
        if len(calls) == 4:
            raise Outside("the database gave trouble: made up")
        confirm(self, tasks, lease=lease)

    monkeypatch.setattr(Queue, "confirm", troubled)
    desk.work()
    assert len(desk.world.withdrawn) == 2
    desk.later(hours=2)
    assert sorted(one[1] for one in desk.world.withdrawn) == sorted(one.reference for one in requests)


def test_a_withdrawal_that_may_have_arrived_is_asked_about(desk: Desk) -> None:
    request, _ = desk.referred(paste(desk, "madeup"))
    with desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, BOB, request.id, reason="an error of ours")
    desk.world.faults["quill", "/report"] = ["reset"]  # taken in, the answer is lost
    desk.work()
    assert len(desk.world.withdrawn) == 1
    desk.later(hours=1)
    assert len(desk.world.withdrawn) == 1
    assert desk.tags(f"request:{request.id}")[-1] == "request:withdrawal:sent"


def test_a_withdrawal_asks_whether_it_may_still_leave(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    request, _ = desk.referred(paste(desk, "madeup"))
    with desk.store.begin() as work:
        withdraw.withdraw(desk.tools, work, BOB, request.id, reason="an error of ours")
    with monkeypatch.context() as patch:
        patch.setattr(carry.Held, "may_begin", lambda _: False)  # it stood still for too long
        desk.work()
    assert not desk.world.withdrawn
    desk.later(hours=1)
    assert len(desk.world.withdrawn) == 1


# --- locks -----------------------------------------------------------------------------------------------


def meet(*acts: Callable[[], None]) -> list[BaseException]:
    """Let several act at the same moment; gives what went wrong."""
    wrong: list[BaseException] = []

    def go(act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:  # asserted on by the caller
            wrong.append(error)

    threads = [threading.Thread(target=go, args=(act,)) for act in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return wrong


@pytest.fixture
def _slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everybody holds what they have locked for a while."""
    for kind, name in ((Requests, "answer"), (Items, "lock"), (Queue, "add_by"), (Requests, "drop")):
        inner = getattr(kind, name)

        def slow(
            self: object, *given: object, inner: Callable[..., object] = inner, **more: object
        ) -> object:
            found = inner(self, *given, **more)
            time.sleep(0.25)
            return found

        monkeypatch.setattr(kind, name, slow)
    return


@pytest.mark.usefixtures("_slow")
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_an_answer_and_a_look_do_not_wait_for_each_other(desk: Desk) -> None:
    request, items = desk.referred(desk.show("one"), desk.show("two"))
    desk.decided(request.reference, "removed", "refused")
    desk.show("one", presence="removed")
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, items, due_at=work.now)
        work.queue.add(WorkKind.ASK, [request.id], due_at=work.now)
    looks, asks = leased(desk, WorkKind.CHECK), leased(desk, WorkKind.ASK, by="two")
    assert meet(lambda: verify.run(desk.tools, looks), lambda: answer.run(desk.tools, asks)) == []


@pytest.mark.usefixtures("_slow")
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_dispatch_and_a_look_do_not_wait_for_each_other(desk: Desk) -> None:
    request, items = approved(desk, desk.show("one"), desk.show("two"))
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, items, due_at=work.now)
    looks, sends = leased(desk, WorkKind.CHECK), leased(desk, WorkKind.DISPATCH, by="two")

    def look() -> None:
        for _ in range(3):
            verify.run(desk.tools, looks)
            with desk.store.begin() as work:
                work.queue.add(WorkKind.CHECK, items, due_at=work.now)
            looks[:] = leased(desk, WorkKind.CHECK)

    assert meet(look, lambda: dispatch.run(desk.tools, sends)) == []
    assert desk.request(request.id).state is RequestState.RUNNING


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_deadlock_is_named_and_its_batch_is_due_again_at_once(desk: Desk) -> None:
    items = desk.sight(desk.show("one"), desk.show("two"))
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, items, due_at=work.now)
    both = threading.Barrier(2)

    def lock(*order: ItemId) -> None:
        with desk.store.begin() as work:
            work.items.lock(order[:1])
            both.wait(5)
            work.items.lock(order[1:])

    wrong = meet(lambda: lock(*items), lambda: lock(*reversed(items)))
    assert [type(one) for one in wrong] == [Collision]


def collides_once(tools: Tools) -> Tools:
    begin, left = tools.begin, [1]

    def colliding(*, write: bool = True) -> object:
        if write and left and threading.current_thread() is threading.main_thread():
            left.pop()
            raise Collision("made up")
        return begin(write=write)

    return replace(tools, begin=colliding)  # type: ignore[arg-type]


def test_after_a_collision_a_batch_is_done_again_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (item,) = desk.sight(desk.show("one"))
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, [item], due_at=work.now)
    runs: list[int] = []
    inner = verify.run

    def troubled(tools: Tools, tasks: list[Task]) -> None:
        runs.append(len(tasks))
        inner(collides_once(tools) if len(runs) == 1 else tools, tasks)

    from staydown.worker import loop

    monkeypatch.setattr(loop, "VERBS", {**loop.VERBS, WorkKind.CHECK: troubled})
    drain(desk.tools, "worker")
    assert runs == [1, 1]


# --- clocks of leases -----------------------------------------------------------------------------------------


def test_a_lease_that_a_wrong_clock_wrote_holds_nobody_up(desk: Desk) -> None:
    approved(desk, desk.show("one"))
    desk.store.real_now = lambda: wall_time() + timedelta(hours=2)
    with desk.store.begin() as work:
        assert work.queue.lease(by="dead", limit=5, lease=timedelta(seconds=9))
    desk.store.real_now = wall_time
    assert once(desk.tools, "another")


def test_a_machine_whose_clock_goes_slow_takes_no_lease_that_is_good(desk: Desk) -> None:
    approved(desk, desk.show("one"))
    with desk.store.begin() as work:
        assert work.queue.lease(by="alive", limit=5, lease=timedelta(seconds=60))
    desk.store.real_now = lambda: wall_time() - timedelta(minutes=30)
    with desk.store.begin() as work:
        assert not work.queue.lease(by="behind", limit=5, lease=timedelta(seconds=9))


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_on_a_server_its_clock_says_which_leases_are_believed(desk: Desk) -> None:
    approved(desk, desk.show("one"))
    with desk.store.begin() as work:
        assert work.queue.lease(by="alive", limit=5, lease=timedelta(seconds=60))
    desk.store.real_now = lambda: wall_time() - timedelta(days=2)
    with desk.store.begin() as work:
        assert not work.queue.lease(by="far behind", limit=5, lease=timedelta(seconds=9))


@pytest.mark.parametrize("name", ["postpone", "held", "lease", "give_back"])
def test_a_worker_outlives_a_collision_wherever_it_comes(
    desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (item,) = desk.sight(desk.show("one"))
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, [item], due_at=work.now)
    inner, times = getattr(Queue, name), [1]

    def colliding(self: Queue, *given: object, **more: object) -> object:
        if times:
            times.pop()
            raise Collision("made up")
        return inner(self, *given, **more)

    def fail_once(tools: Tools, tasks: list[Task], left: list[int] = [1]) -> None:  # noqa: B006
        if left:
            left.pop()
            raise Collision("made up")
        verify.run(tools, tasks)

    from staydown.worker import loop

    monkeypatch.setattr(Queue, name, colliding)
    monkeypatch.setattr(loop, "VERBS", {**loop.VERBS, WorkKind.CHECK: fail_once})
    stop = threading.Event()
    ends = time.monotonic() + 1.5
    loop.run(desk.tools, "worker", stop=stop, rest=lambda _: time.sleep(0.01), until=ends)
    assert not times


def test_a_lease_of_a_clock_a_little_ahead_is_kept(desk: Desk) -> None:
    approved(desk, desk.show("one"))
    desk.store.real_now = lambda: wall_time() + timedelta(seconds=2)
    with desk.store.begin() as work:
        assert work.queue.lease(by="alive", limit=5, lease=timedelta(seconds=9))
    desk.store.real_now = wall_time
    with desk.store.begin() as work:
        assert not work.queue.lease(by="another", limit=5, lease=timedelta(seconds=9))


# --- size ---------------------------------------------------------------------------------------------------


def test_holds_that_end_cost_the_same_number_of_statements_however_many(desk: Desk) -> None:
    from staydown.flow import deconflict
    from support import CAROL

    items = desk.sight(*(desk.show(f"name{n}") for n in range(6)))

    def statements(part: list[ItemId]) -> int:
        with desk.store.begin() as work:
            deconflict.place(
                work, CAROL, part, reason="made up", until=work.now + timedelta(hours=1),
                longest=timedelta(days=90), at_most=100,
            )  # fmt: skip
        with desk.store.begin(write=False) as work:
            after = work.now + timedelta(hours=2)
        desk.store.set_simulated(after)
        desk.world.now = after
        tasks = leased(desk, WorkKind.HOLD)
        said: list[str] = []
        listen = lambda *given: said.append(given[2])  # noqa: E731
        event.listen(desk.store.engine, "before_cursor_execute", listen)
        deconflict.run(desk.tools, tasks)
        event.remove(desk.store.engine, "before_cursor_execute", listen)
        return len(said)

    assert statements(items[:1]) == statements(items[1:])


def test_pages_that_are_too_much_for_one_batch_are_kept_in_several(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory holds a part of them; each is kept with all of its media all the same, and hardly anything asked twice."""
    monkeypatch.setattr(preserve, "BATCH_BYTES", 20_000)
    addresses = []
    for number in range(120):
        path = f"/media/{number}.png"
        desk.world.bytes_of["flock", path] = bytes([number]) * 1000
        desk.world.bytes_of["flock", f"/media/more{number}.png"] = bytes([number, 1]) * 500
        addresses.append(desk.show(f"name{number}", avatar=path, media=(f"/media/more{number}.png",)))
    items = desk.sight(*addresses)
    asked, sizes = Counter[str](), list[int]()
    read, put_all = desk.tools.fetch.read, desk.tools.vault.put_all

    def counted(asks: list[Ask], how: Callable[[int, Reply], object]) -> list[object]:
        def note(at: int, reply: Reply) -> object:
            asked[asks[at].address] += reply.trouble is None
            return how(at, reply)

        return read(asks, note)

    def kept_bytes(bodies: list[bytes]) -> list[str]:
        sizes.append(sum(map(len, bodies)))
        return put_all(bodies)

    monkeypatch.setattr(desk.tools.fetch, "read", counted)
    monkeypatch.setattr(desk.tools.vault, "put_all", kept_bytes)
    desk.keep(items)
    with desk.store.begin(write=False) as work:
        kept = {item: len(work.kept.of(item)) for item in items}
        left = work.conn.exec_driver_sql("SELECT COUNT(*) FROM work WHERE kind = 'preserve'").scalar_one()
    assert set(kept.values()) == {3}, "the page, its picture and what it carries"
    assert left == 0
    assert len(sizes) > 3
    assert {count for address, count in asked.items() if "/media/" not in address} == {1}, "no page twice"
    assert asked.total() < 2 * 360


@pytest.mark.parametrize(("error", "counted"), [(ValueError("made up"), 1), (Outside("made up"), 0)])
def test_an_exercise_counts_work_that_failed_by_an_error_of_the_program(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, counted: int
) -> None:
    (item,) = desk.sight(desk.show("one"))
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, [item], due_at=work.now)

    def fail(_tools: Tools, _tasks: list[Task]) -> None:
        raise error

    from staydown.exercise.crew import Stumbles
    from staydown.worker import loop

    monkeypatch.setattr(loop, "VERBS", {**loop.VERBS, WorkKind.CHECK: fail})
    stumbles = Stumbles()
    drain(desk.tools, "worker")
    assert stumbles.count == counted


def test_an_approval_ends_at_its_instant_for_dispatch_too(desk: Desk) -> None:
    """Expiry and dispatch may be due at one instant, in the hands of two workers."""
    request, _ = approved(desk, desk.show("one"))
    with desk.store.begin(write=False) as work:
        ends = work.requests.approvals([request.id])[request.id].expires_at
    desk.store.set_simulated(ends)
    desk.world.now = ends
    tasks = leased(desk, WorkKind.DISPATCH)
    dispatch.run(desk.tools, tasks)
    assert not desk.world.intakes
    assert desk.request(request.id).state is RequestState.PROPOSED


def test_an_answer_brings_a_look_at_once_unless_one_has_just_missed_the_item(desk: Desk) -> None:
    request, (one, two) = desk.referred(desk.show("one"), desk.show("two"))
    desk.later(minutes=90)
    desk.show("one", presence="removed")
    desk.show("two", presence="removed")
    with desk.store.begin() as work:
        work.queue.add(WorkKind.CHECK, [one], due_at=work.now)
    desk.work()  # one is doubted now
    with desk.store.begin() as work:
        now = work.now + timedelta(minutes=10)
    desk.store.set_simulated(now)
    desk.world.now = now
    desk.decided(request.reference, "removed", "removed")
    with desk.store.begin() as work:
        work.queue.add(WorkKind.ASK, [request.id], due_at=work.now)
    tasks = leased(desk, WorkKind.ASK)
    answer.run(desk.tools, tasks)
    with desk.store.begin(write=False) as work:
        rows = work.conn.exec_driver_sql("SELECT subject, due_at FROM work WHERE kind = 'check'").all()
        due = dict(rows)
        assert work.queue.waiting() >= 1
    assert due[two] < due[one]
