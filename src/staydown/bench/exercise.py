"""The main job as a whole: an exercise at the size of November 2019, beside what its requests alone would take.

There is no other program that does this work. The peer is a bare aiohttp client, without guard, limits or a store,
that asks idle simulated providers as often as the exercise did: nothing can be faster on the same sockets. Its providers
run in a process of their own, as the exercise's world does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from staydown.bench import base, checker
from staydown.bench.postgres import databases
from staydown.bench.topics import Options
from staydown.core.errors import Broken
from staydown.settings import read_settings

SCENARIO = "action-day-2019"
PROVIDERS = ("flock", "reel", "hearth", "quill")
SIZE = 2600
SAMPLE = 20_000
"""Requests of the peer that are really made; its seconds are scaled to the exercise's number."""
GOAL_ITEMS, GOAL_S, GOAL_PEAK_MIB = 26_000, 300, 2048


def steps(options: Options) -> int:
    """As many as turns, in every round."""
    from staydown.exercise.scenario import load

    return len(load(SCENARIO, items=options.size or SIZE).ticks()) * (options.rounds or 1)


def measure(options: Options) -> Mapping[str, object]:
    """Seconds of one exercise of `size` items (the scenario has 26,000), and of its requests alone.

    Raises:
        Broken: A rule did not hold, or the second verifier finds fault with the ledger.
    """
    size = options.size or SIZE
    ours, figures = [], dict[str, object]()
    with databases(options) as fresh:
        for number in range(options.rounds or 1):
            with fresh() as address:
                figures = _played(options, options.scratch / str(number), size, address)
            ours.append(float(str(figures["wall_seconds"])))
    asked, unique = int(str(figures["http_requests"])), int(str(figures["items_unique"]))
    seconds = statistics.median(ours)
    bare = _bare(options.scratch / "bare", min(asked, SAMPLE)) * asked / min(asked, SAMPLE)
    kept = (
        "posted_twice",
        "lost",
        "clocks_missed",
        "ledger_size",
        "peak_mib",
        "seconds_by_stage",
        "work_by_kind",
        "second_verifier",
    )
    return {
        "what": "items taken through the whole path, from sighting to watching",
        "peer_is": "the same number of requests by a bare aiohttp client",
        "items": size,
        "items_unique": unique,
        "http_requests": asked,
        "requests_per_item": round(asked / unique, 2),
        "unit": "items a second",
        "goal": round(GOAL_ITEMS / GOAL_S, 1),
        "goal_is": f"items a second at least: {GOAL_ITEMS} in {GOAL_S} s, within {GOAL_PEAK_MIB} MiB",
        "goal_seconds": GOAL_S,
        "goal_peak_mib": GOAL_PEAK_MIB,
        "ours": round(unique / seconds, 1),
        "peer": round(unique / bare, 1),
        "ratio": round(bare / seconds, 4),
        "seconds": round(seconds, 1),
        "peer_seconds": round(bare, 1),
        **{name: figures[name] for name in kept},
    }


def _played(options: Options, out: Path, size: int, address: str | None) -> dict[str, object]:
    from staydown.exercise.run import play

    done = play(
        SCENARIO,
        seed=options.chance,
        out=out,
        items=size,
        database=address,
        alone=True,
        progress=options.progress,
    )
    figures = done.figures
    if done.wrong or any(figures[name] for name in ("posted_twice", "lost", "clocks_missed")):
        raise Broken(f"the exercise did not hold: {(done.wrong or ('see its figures',))[0]}")
    database = read_settings(out / "home", database=address).database_address
    second = checker.verified(database, options.scratch)
    if second is not None and second["broken"]:
        raise Broken(f"the second verifier finds fault with the ledger: {second['broken']}")
    return {**figures, "second_verifier": second}


def _bare(place: Path, count: int) -> float:
    place.mkdir()
    process = base.spawned(serve, place)
    try:
        base.wait_for((place / "hosts").exists)
        hosts = json.loads((place / "hosts").read_text())
        places = [tuple(hosts[f"{name}.exercise.example"]) for name in PROVIDERS]
        return asyncio.run(_ask(list(itertools.islice(itertools.cycle(places), count))))
    finally:
        process.kill()
        process.join()


def serve(place: Path) -> None:
    """Idle providers, in a process of their own; where they answer is written to the file `hosts`."""
    from staydown.testing.memory import MemoryWorld
    from staydown.testing.simulated import Servers
    from staydown.testing.world import Page

    world = MemoryWorld(now=datetime(2026, 3, 2, tzinfo=UTC))
    for name in PROVIDERS:
        world.pages[name, "/made-up"] = Page(presence="online", kind="page", name="made up", text="made up")
    with Servers(world) as servers:
        (place / "part").write_text(json.dumps(servers.hosts))
        (place / "part").rename(place / "hosts")
        threading.Event().wait()


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
