"""The main job as a whole: an exercise at the size of November 2019, beside what its requests alone would take.

There is no other program that does this work. The peer is a bare aiohttp client, without guard, limits or a store,
that asks idle simulated providers as often as the exercise did: nothing can be faster on the same sockets.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from staydown.bench import base
from staydown.bench.topics import Options
from staydown.core.errors import Broken

SIZE = 2600
SAMPLE = 20_000
"""Requests of the peer that are really made; its seconds are scaled to the exercise's number."""


def measure(options: Options) -> Mapping[str, object]:
    """Seconds of one exercise of `size` items (the scenario has 26,000), and of its requests alone."""
    from staydown.exercise.run import play

    size = options.size or SIZE
    ours, figures = [], {}
    for number in range(options.rounds or 1):
        with base.maybe_database(options) as address:
            done = play(
                "action-day-2019",
                seed=options.seed,
                out=options.scratch / str(number),
                items=size,
                database=address,
                progress=options.progress,
            )
        figures = dict(done.figures)
        if done.wrong or any(figures[name] for name in ("posted_twice", "lost", "clocks_missed")):
            raise Broken(f"the exercise did not hold: {(done.wrong or ('see its figures',))[0]}")
        ours.append(float(str(figures["wall_seconds"])))
    asked, unique = int(str(figures["http_requests"])), int(str(figures["items_unique"]))
    seconds, bare = statistics.median(ours), _bare(min(asked, SAMPLE)) * asked / min(asked, SAMPLE)
    kept = (
        "posted_twice",
        "lost",
        "clocks_missed",
        "ledger_size",
        "peak_mib",
        "seconds_by_stage",
        "work_by_kind",
    )
    return {
        "what": "items taken through the whole path, from sighting to watching",
        "peer_is": "the same number of requests by a bare aiohttp client",
        "items": size,
        "items_unique": unique,
        "http_requests": asked,
        "requests_per_item": round(asked / unique, 2),
        "ours": round(unique / seconds, 1),
        "peer": round(unique / bare, 1),
        "ratio": round(bare / seconds, 4),
        "seconds": round(seconds, 1),
        "peer_seconds": round(bare, 1),
        **{name: figures[name] for name in kept},
    }


def _bare(count: int) -> float:
    from staydown.testing.memory import MemoryWorld
    from staydown.testing.simulated import Servers
    from staydown.testing.world import Page

    world = MemoryWorld(now=datetime(2026, 3, 2, tzinfo=UTC))
    providers = ("flock", "reel", "hearth", "quill")
    for name in providers:
        world.pages[name, "/made-up"] = Page(presence="online", kind="page", name="made up", text="made up")
    with Servers(world) as servers:
        places = [servers.hosts[f"{name}.exercise.example"] for name in providers]
        return asyncio.run(_ask(list(itertools.islice(itertools.cycle(places), count))))


async def _ask(places: list[tuple[str, int]]) -> float:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        todo = iter(places)

        async def lane() -> None:
            for host, port in todo:
                async with session.get(f"http://{host}:{port}/made-up") as answer:
                    await answer.read()

        began = time.monotonic()
        await asyncio.gather(*(lane() for _ in range(64)))
        return time.monotonic() - began
