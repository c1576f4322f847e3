"""The API: sightings taken in beside a plain route that checks a list with pydantic, and lists of many items."""

from __future__ import annotations

import json
import random
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staydown.bench.base import PERSON, home, quantile, spawned, wait_for
from staydown.bench.listed import FILTERS, fill, names_of
from staydown.bench.postgres import databases
from staydown.bench.topics import Options, rate, ratio, timed
from staydown.core.errors import Outside

if TYPE_CHECKING:
    import httpx2

    from staydown.api.bulk import Block
    from staydown.app import App

SIZE = 1_000_000
"""Items in the lists."""
SENT = 20_000
"""Sightings in one request."""
ROUNDS = 5
CALLS = 60
"""Calls of each list."""
WARM = 5
"""Calls before them, which warm the caches."""


def steps(options: Options) -> int:
    """As many as items, and the calls of each list."""
    return (options.size or SIZE) + CALLS * len(FILTERS)


def measure(options: Options) -> Mapping[str, object]:
    """Sightings a second checked and stored, and milliseconds and queries of each list.

    Raises:
        Outside: A server does not start, or does not answer as it should.
    """
    rounds = options.rounds or ROUNDS
    checked = _checked(options, rounds)
    with databases(options) as fresh:
        with fresh() as address, home(options.scratch / "stored", address) as app:
            stored = _stored(app, rounds)
        with fresh() as address, home(options.scratch / "listed", address) as app:
            listed = _listed(app, options)
    return {"sent": SENT, "rounds": rounds, "checked": checked, "stored": stored, **listed}


# --- taking in ----------------------------------------------------------------------------------------


def _records(count: int, seed: int, *, round_: int = 0) -> list[dict[str, str]]:
    """Made-up sightings, each of another account."""
    chance = random.Random(seed)  # noqa: S311  # made-up data
    return [
        {
            "url": f"https://flock.exercise.example/@{chance.getrandbits(40):x}_{round_}_{number}",
            "seen_at": f"2026-03-{1 + number % 28:02}T08:00:00Z",
            "note": "seen in a channel of links, made up",
            "confidence": "high",
            "sharing": "TLP:AMBER",
        }
        for number in range(count)
    ]


def _lines(records: Sequence[Mapping[str, str]]) -> bytes:
    return b"".join(json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in records)


def _checked(options: Options, rounds: int) -> dict[str, float]:
    """Sightings a second that are only read and checked: our stream, and a list that pydantic checks."""
    import httpx2

    records = _records(SENT, options.chance)
    lines, listed = _lines(records), json.dumps(records, separators=(",", ":")).encode()
    note = options.scratch / "port"
    process = spawned(serve_both, str(note))
    try:
        wait_for(lambda: note.exists() and bool(note.read_text()))
        with httpx2.Client(base_url=f"http://127.0.0.1:{note.read_text()}", timeout=120) as client:
            ours = _asker(client, "/ours", lines, "application/x-ndjson")
            peers = _asker(client, "/peer", listed, "application/json")
            ours(), peers()  # both are warm
            mine, theirs = [], []
            for _ in range(rounds):
                mine.append(timed(ours))
                theirs.append(timed(peers))
    finally:
        process.terminate()
        process.join(10)
    return {"ours": rate(SENT, mine), "peer": rate(SENT, theirs), "ratio": ratio(theirs, mine)}


def _asker(client: httpx2.Client, path: str, body: bytes, sort: str) -> Callable[[], None]:
    def ask() -> None:
        answer = client.post(path, content=body, headers={"Content-Type": sort})
        if answer.status_code != 200 or answer.json() != {"taken": SENT}:
            raise Outside(f"{path} answered {answer.status_code}: {answer.text[:200]}")

    return ask


def serve_both(note: str) -> None:
    """Serve both routes from one process, until it is ended; writes its port down."""
    import uvicorn

    listener = _listener()
    server = uvicorn.Server(uvicorn.Config(_both(), log_level="error"))
    Path(note).write_text(str(listener.getsockname()[1]))
    server.run(sockets=[listener])


def _both() -> Any:
    """Our reading of a stream, and what anybody would write first."""
    from typing import Annotated

    from fastapi import FastAPI, Request
    from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints
    from starlette.concurrency import run_in_threadpool

    from staydown.api import bulk

    class Seen(BaseModel):
        model_config = ConfigDict(extra="forbid")
        url: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
        seen_at: AwareDatetime | None = None
        note: Annotated[str, StringConstraints(max_length=2000)] = ""
        confidence: Annotated[str, StringConstraints(max_length=100)] = ""
        sharing: Annotated[str, StringConstraints(max_length=100)] = ""

    api = FastAPI()

    async def ours(request: Request) -> dict[str, int]:
        taken = 0
        async for block in bulk.blocks(request.stream()):
            taken += await run_in_threadpool(_count, block)
        return {"taken": taken}

    def peer(seen: list[Seen]) -> dict[str, int]:
        return {"taken": len(seen)}

    ours.__annotations__["request"] = Request
    peer.__annotations__["seen"] = list[Seen]
    api.post("/ours")(ours)
    api.post("/peer")(peer)
    return api


def _count(block: Block) -> int:
    from staydown.api.bulk import Line, records

    return sum(isinstance(one, Line) for _, one in records(block))


def _stored(app: App, rounds: int) -> dict[str, float]:
    """Sightings a second through the route itself: checked, identified, merged, stored, on the ledger."""
    with _served(app) as client:
        seconds = []
        for number in range(rounds):
            body = _lines(_records(SENT, number + 1, round_=number))
            began = time.perf_counter()
            answer = client.post(
                "/v1/sightings", content=body, headers={"Content-Type": "application/x-ndjson"}
            )
            seconds.append(time.perf_counter() - began)
            if answer.status_code != 200 or answer.json()["items_new"] != SENT:
                raise Outside(f"the intake answered {answer.status_code}: {answer.text[:200]}")
    return {"ours": rate(SENT, seconds)}


# --- listing --------------------------------------------------------------------------------------------


def _listed(app: App, options: Options) -> dict[str, object]:
    """Milliseconds of each list over HTTP, and how many queries one call makes."""
    count = options.size or SIZE
    fill(app, count, seed=options.chance, progress=options.progress)
    figures: dict[str, object] = {}
    with _served(app) as client, _counted(app) as queries:
        for name, asked in names_of(app, count).items():
            figures[name] = _list(client, asked, queries)
            options.progress(CALLS)
    return {"items": count, "database": app.store.engine.dialect.name, "lists": figures}


def _list(client: httpx2.Client, asked: Mapping[str, str], queries: list[str]) -> dict[str, float]:
    seconds, before, shown = [], 0, 0
    for number in range(WARM + CALLS):
        if number == WARM:
            before = len(queries)
        began = time.perf_counter()
        answer = client.get("/v1/items", params=dict(asked))
        if number >= WARM:
            seconds.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise Outside(f"the list answered {answer.status_code}: {answer.text[:200]}")
        shown = len(answer.json()["rows"])
    return {
        "rows": shown,
        "median_ms": round(statistics.median(seconds), 2),
        "p95_ms": round(quantile(seconds, 0.95), 2),
        "queries": round((len(queries) - before) / CALLS, 1),
    }


@contextmanager
def _counted(app: App) -> Iterator[list[str]]:
    """Every statement that leaves for the database."""
    from sqlalchemy import event

    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(app.store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(app.store.engine, "before_cursor_execute", note)


def _listener() -> socket.socket:
    """A port of its own, said to be TCP: asyncio else leaves small packets waiting for one another."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


@contextmanager
def _served(app: App) -> Iterator[httpx2.Client]:
    """The API in a thread of its own, and a client of somebody who is signed in."""
    import threading

    import httpx2
    import uvicorn

    from staydown.api.app import make_api
    from staydown.api.limits_rates import Limiter
    from staydown.core.doors import Prefix, new_word
    from staydown.core.house import Strength

    api, word = make_api(app), new_word(Prefix.SESSION)
    api.state.limiter = Limiter(rate_per_s=1e9, burst=1e9)
    with app.store.begin() as work:
        ends = work.real_now + timedelta(hours=8)
        work.doors.open_session(PERSON.id, PERSON.agency, word, Strength.PASSKEY, ends_at=ends, agent="bench")
    listener = _listener()
    server = uvicorn.Server(uvicorn.Config(api, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_for(lambda: server.started or not thread.is_alive())
    headers = {"Authorization": f"Bearer {word}", "Staydown-Purpose": "a measurement"}
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with httpx2.Client(base_url=address, headers=headers, timeout=600) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
