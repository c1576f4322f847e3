"""The live tally of operations as server-sent events: one poller for each operation and agency, however many listen."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from staydown.api.gate import Caller, still
from staydown.app import App
from staydown.core.errors import StaydownError
from staydown.core.ids import AgencyCode, OperationId
from staydown.flow import publish

Of = tuple[OperationId, AgencyCode]
EVERY_S = 1.0
"""Between two looks at the figures."""
BEAT_S = 15.0
"""A comment at least so often, so that nobody between takes the connection for dead."""
ASK_S = 5.0
"""Between two questions whether the caller may still listen."""


@dataclass(slots=True)
class _Tally:
    """What an operation's figures were last, and who waits for the next."""

    id: str = ""
    text: str = ""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    listeners: int = 0
    poller: asyncio.Task[None] | None = None


class Tallies:
    """The tallies that somebody of this process listens to."""

    def __init__(self, app: App, *, every_s: float = EVERY_S, beat_s: float = BEAT_S, ask_s: float = ASK_S):
        self._app, self._every_s, self._beat_s, self._ask_s = app, every_s, beat_s, ask_s
        self._by_name: dict[Of, _Tally] = {}

    @property
    def pollers(self) -> int:
        """How many operations are looked at, each for one agency."""
        return sum(one.poller is not None for one in self._by_name.values())

    async def follow(self, caller: Caller, name: OperationId, last: str | None) -> AsyncIterator[bytes]:
        """Events from now on; the present tally first, unless the caller has it already."""
        of = name, caller.person.agency
        tally = self._by_name.setdefault(of, _Tally())
        tally.listeners += 1
        if tally.poller is None:
            tally.poller = asyncio.create_task(self._poll(of, tally))
        try:
            async for part in self._parts(caller, tally, last or ""):
                yield part
        finally:
            tally.listeners -= 1
            if not tally.listeners and tally.poller is not None:
                tally.poller.cancel()
                self._by_name.pop(of, None)

    async def _parts(self, caller: Caller, tally: _Tally, had: str) -> AsyncIterator[bytes]:
        asked = said = time.monotonic()
        yield b"retry: 3000\n\n"
        while True:
            if tally.id and tally.id != had:
                had, said = tally.id, time.monotonic()
                yield f"id: {had}\nevent: tally\ndata: {tally.text}\n\n".encode()
            if time.monotonic() - asked >= self._ask_s:
                asked = time.monotonic()
                if not await run_in_threadpool(still, self._app.tools, caller):
                    yield b"event: end\ndata: signed out\n\n"
                    return
            if tally.poller is None or tally.poller.done():
                yield b"event: end\ndata: the figures cannot be read now\n\n"
                return
            if time.monotonic() - said >= self._beat_s:
                said = time.monotonic()
                yield b": beat\n\n"
            await self._wait(tally)

    async def _wait(self, tally: _Tally) -> None:
        try:
            async with asyncio.timeout(min(self._ask_s, self._beat_s)):
                async with tally.changed:
                    await tally.changed.wait()
        except TimeoutError:
            return

    async def _poll(self, of: Of, tally: _Tally) -> None:
        while True:
            try:
                text = await run_in_threadpool(self._read, of)
            except StaydownError:
                async with tally.changed:
                    tally.changed.notify_all()
                return
            if text != tally.text:
                async with tally.changed:
                    tally.text, tally.id = text, hashlib.sha256(text.encode()).hexdigest()[:16]
                    tally.changed.notify_all()
            await asyncio.sleep(self._every_s)

    def _read(self, of: Of) -> str:
        name, agency = of
        with self._app.store.begin(write=False) as work:  # figures over all who take part
            return json.dumps(publish.status(work, name, to=agency), separators=(",", ":"), sort_keys=True)


def tallies_of(request: Request) -> Tallies:
    """The tallies of this process."""
    return cast("Tallies", request.app.state.tallies)


TheTallies = Annotated[Tallies, Depends(tallies_of)]
