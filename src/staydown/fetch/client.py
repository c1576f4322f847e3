"""`GuardedFetch`: many asks at once through the guard, each within its limits.

An event loop in one background thread carries all exchanges. Per host only some asks run at a time, and an
ask waits for its host before it takes one of the places of the whole, so a host that stalls delays nobody
but itself. A redirect to another host counts for the host it came from.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import ada_url

from staydown.core.errors import Outside, Refused
from staydown.fetch.guard import Guard, Hosts, Policy, Resolve, Target
from staydown.fetch.pool import Pool
from staydown.fetch.request import check_request, is_safe, request_bytes
from staydown.fetch.wire import Answer, Trip
from staydown.ports import Ask, Read, Reply, Trouble

MAX_REDIRECTS = 5
RESOLVERS = 32
"""Names that are looked up at a time: a slow look-up must not delay the others."""
SILENT = frozenset({Trouble.TIMED_OUT, Trouble.UNREACHABLE})
SILENT_AT_MOST = 16
"""After so many asks in a row without an answer, a host's remaining ones of the same call are not made."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _Patience:
    """How long a host has not answered in one call: a dead one must not hold up the rest of the call for ever."""

    __slots__ = ("silent",)

    def __init__(self) -> None:
        self.silent = 0

    @property
    def is_over(self) -> bool:
        """Whether what is left is not asked any more."""
        return self.silent >= SILENT_AT_MOST

    def note(self, reply: Reply) -> None:
        """One more reply."""
        self.silent = self.silent + 1 if reply.trouble in SILENT else 0


class _Lane:
    """The asks of one host that run at a time."""

    __slots__ = ("places", "users")

    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.users = 0


class GuardedFetch:
    """The one guarded way out, as `ports.Fetch` asks for it; safe to call from several threads.

    Args:
        policy: Where the program may go.
        hosts: The hosts table of the exercise, or a function that gives the present one.
        limit: How many asks run at a time, overall.
        per_host: How many of them at one host.
        relays: Hosts of mail servers named in the settings, which may stand inside the house.
        inside: An address whose origin may stand inside the house; whoever has one uses it for that alone.
        resolve: In place of the system's resolver.
        longest: No ask takes longer than this, whatever it says itself.
    """

    def __init__(
        self,
        policy: Policy = Policy.PUBLIC,
        *,
        hosts: Hosts | Callable[[], Hosts] | None = None,
        limit: int = 64,
        per_host: int = 8,
        relays: Collection[str] = (),
        inside: str = "",
        resolve: Resolve | None = None,
        longest: timedelta | None = None,
    ) -> None:
        self._guard = Guard(policy, hosts=hosts, resolve=resolve, relays=relays, inside=inside)
        self._loop = asyncio.new_event_loop()
        self._pool = Pool(self._guard, self._loop)
        self._overall = asyncio.Semaphore(limit)
        self._per_host = per_host
        self._longest = longest
        self._lanes: dict[str, _Lane] = {}
        self._requests_made = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def requests_made(self) -> int:
        """How many HTTP requests have left, redirect hops included."""
        return self._requests_made

    def many(self, asks: Sequence[Ask]) -> list[Reply]:
        """Answers in the order of the asks; never raises for a single bad address.

        Raises:
            Outside: It was closed.
        """
        return self.read(asks, lambda _, reply: reply)

    def read(self, asks: Sequence[Ask], how: Callable[[int, Reply], Read]) -> list[Read]:
        """What `how` makes of each answer as it comes in, in the order of the asks; the answers are not kept.

        Raises:
            Outside: It was closed.
        """
        if not asks:
            return []
        self._start()
        return asyncio.run_coroutine_threadsafe(self._all(asks, how), self._loop).result()

    def mailbox(self, host: str, port: int) -> tuple[str, int]:
        """A checked IP address and port of a mail server.

        Raises:
            Refused: The guard does not allow it.
            Outside: The name does not resolve.
        """
        return self._guard.mailbox(host, port)

    def addresses(self, host: str) -> tuple[str, ...]:
        """The checked IP addresses of a host, each once.

        Raises:
            Refused: The guard does not allow one of them.
            Outside: The name does not resolve.
        """
        return self._guard.addresses(host)

    def close(self) -> None:
        """Let go of connections and end the background thread; a second call does nothing."""
        with self._lock:
            thread, self._thread = self._thread, None
            was_closed, self._closed = self._closed, True
        if thread is not None:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
        if not was_closed:
            self._loop.close()

    def _limit(self, ask: Ask) -> timedelta:
        longest = ask.timeout if self._longest is None else min(ask.timeout, self._longest)
        return max(timedelta(0), longest)

    def _start(self) -> None:
        with self._lock:
            if self._closed:
                raise Outside("the way out was closed", permanent=True)
            if self._thread is None:
                self._loop.set_default_executor(ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolve"))
                self._thread = threading.Thread(target=self._loop.run_forever, name="fetch", daemon=True)
                self._thread.start()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._pool.close()
        await self._loop.shutdown_default_executor()

    async def _all(self, asks: Sequence[Ask], how: Callable[[int, Reply], Read]) -> list[Read]:
        found: dict[int, Read] = {}
        failed: list[Exception] = []

        def take(number: int, reply: Reply) -> None:
            if not failed:
                try:
                    found[number] = how(number, reply)
                except Exception as error:  # noqa: BLE001  # raised below, when nothing is under way any more
                    failed.append(error)

        waiting: dict[str, list[tuple[int, Ask, Target]]] = {}
        for number, ask in enumerate(asks):
            try:
                check_request(ask)
                target = self._guard.read(ask.address)
            except Refused as error:
                take(number, _refused(ask, str(error)))
            else:
                waiting.setdefault(target.host, []).append((number, ask, target))
        workers = []
        for host, queue in waiting.items():
            jobs, patience = iter(queue), _Patience()
            places = min(self._per_host, len(queue))
            workers += [self._work(host, jobs, patience, take) for _ in range(places)]
        await asyncio.gather(*workers)
        if failed:
            raise failed[0]
        return [found[number] for number in range(len(asks))]

    async def _work(
        self,
        host: str,
        jobs: Iterator[tuple[int, Ask, Target]],
        patience: _Patience,
        take: Callable[[int, Reply], None],
    ) -> None:
        """Take asks of one host until none is left."""
        lane = self._lanes.setdefault(host, _Lane(self._per_host))
        lane.users += 1
        try:
            for number, ask, target in jobs:
                async with lane.places, self._overall:
                    if is_safe(ask.method) and patience.is_over:
                        words = f"not asked: {host} had left {SILENT_AT_MOST} asks unanswered"
                        reply = _without(ask, Trouble.TIMED_OUT, words)
                    else:
                        reply = await self._one(ask, target)
                        patience.note(reply)
                take(number, reply)
        finally:
            lane.users -= 1
            if not lane.users:
                self._lanes.pop(host, None)

    async def _one(self, ask: Ask, target: Target) -> Reply:
        """One ask from its first request to its reply."""
        began = time.perf_counter()
        hops: list[str] = []
        address = target.href
        answer: Answer | None = None
        trouble: Trouble | None = None
        detail = ""
        try:
            async with asyncio.timeout(self._limit(ask).total_seconds()):
                while True:
                    address = target.href
                    answer = await self._exchange(ask, target)
                    following = self._next(ask, target, answer)
                    if following is None:
                        break
                    if len(hops) == MAX_REDIRECTS:
                        raise Trip(Trouble.TOO_MANY_REDIRECTS, f"more than {MAX_REDIRECTS} redirects")
                    hops.append(address)
                    target = following
        except TimeoutError:
            answer, trouble, detail = (
                None,
                Trouble.TIMED_OUT,
                f"no whole answer in {self._limit(ask).total_seconds():g} s",
            )
        except Trip as trip:
            answer, trouble, detail = None, trip.trouble, trip.detail
        return Reply(
            ask=ask,
            address=address,
            at=datetime.now(UTC),
            seconds=time.perf_counter() - began,
            status=answer.status if answer else None,
            headers=answer.headers if answer else (),
            body=answer.body if answer else b"",
            cut=answer.cut if answer else False,
            hops=tuple(hops),
            trouble=trouble,
            detail=detail,
        )

    def _next(self, ask: Ask, target: Target, answer: Answer) -> Target | None:
        """Where a redirect leads, checked anew; None where there is none to follow."""
        location = answer.header("location")
        if not ask.follow or answer.status not in REDIRECTS or not location or not is_safe(ask.method):
            return None
        try:
            return self._guard.read(ada_url.join_url(target.href, location))
        except ValueError as error:
            raise Trip(
                Trouble.NONSENSE, f"a redirect to something that is no address: {location[:200]!r}"
            ) from error
        except Refused as error:
            raise Trip(Trouble.REFUSED, f"a redirect to {location[:200]}: {error}") from error

    async def _exchange(self, ask: Ask, target: Target) -> Answer:
        """One request and its answer; a connection that had been closed in the meantime is replaced once."""
        request = request_bytes(ask, target)
        wire = self._pool.idle(target) if is_safe(ask.method) else None
        was_idle = wire is not None
        while True:
            if wire is None:
                wire = await self._pool.connect(target)
            if ask.may_begin is not None and not ask.may_begin():
                self._pool.keep(wire)  # nothing was said on it yet
                raise Trip(Trouble.NOT_BEGUN, "its turn came too late")
            self._requests_made += 1
            try:
                answer = await wire.exchange(request, with_body=ask.method != "HEAD", ceiling=ask.max_bytes)
            except Trip as trip:
                if not was_idle or wire.has_heard or trip.trouble is not Trouble.RESET:
                    raise
                wire, was_idle = None, False
                continue
            except asyncio.CancelledError:
                wire.drop()
                raise
            if answer.reusable:
                self._pool.keep(wire)
            return answer


def _refused(ask: Ask, reason: str) -> Reply:
    return _without(ask, Trouble.REFUSED, reason)


def _without(ask: Ask, trouble: Trouble, detail: str) -> Reply:
    """The reply to an ask that nobody was contacted for."""
    sayable = ask.address.encode("utf-8", "replace").decode("utf-8")
    return Reply(ask=ask, address=sayable, at=datetime.now(UTC), seconds=0.0, trouble=trouble, detail=detail)
