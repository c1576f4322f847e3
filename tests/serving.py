"""A real server on loopback, and persons who are signed in to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx2
import uvicorn

from staydown.api.app import make_api
from staydown.api.limits_rates import Limiter
from staydown.app import App
from staydown.core.doors import Prefix, new_word
from staydown.core.house import Strength
from staydown.core.people import Person

PURPOSE = {"Staydown-Purpose": "case 7, made up"}


@contextmanager
def serving(app: App, *, limiter: Limiter | None = None) -> Iterator[str]:
    """The API of a home on a port of its own; gives its address."""
    api = make_api(app)
    api.state.limiter = limiter or Limiter(rate_per_s=1e9, burst=1e9)
    with served(api) as address:
        yield address


@contextmanager
def served(api: Any) -> Iterator[str]:
    """Any application on a port of its own; gives its address."""
    server = uvicorn.Server(
        uvicorn.Config(api, log_level="error", timeout_graceful_shutdown=2, lifespan="on")
    )
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # or small packets wait
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the server did not start")
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def word_for(app: App, person: Person, strength: Strength = Strength.PASSKEY) -> str:
    """The word of a session that somebody has just begun."""
    word = new_word(Prefix.SESSION)
    with app.store.begin() as work:
        work.doors.open_session(
            person.id, person.agency, word, strength, ends_at=work.real_now + timedelta(hours=8), agent="test"
        )
    return word


def caller(
    address: str, app: App, person: Person, *, strength: Strength = Strength.PASSKEY, **headers: str
) -> httpx2.Client:
    """A plain HTTP client of somebody who is signed in and says why."""
    told: Mapping[str, str] = {
        "Authorization": f"Bearer {word_for(app, person, strength)}",
        **PURPOSE,
        **headers,
    }
    return httpx2.Client(base_url=address, headers=told, timeout=30)
