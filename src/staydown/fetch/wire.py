"""One HTTP/1.1 connection to a checked end point: bytes out, one answer in, within limits.

The answer is parsed by aiohttp's response parser (llhttp); the rest of aiohttp's client is left out because
it costs five times as much per check as everything here together.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp.http import HttpProcessingError, HttpResponseParser

from staydown.fetch.inflate import Body, Undecodable
from staydown.ports import Trouble

MAX_HEADER_BYTES = 8190
MAX_HEADERS = 128
MAX_INTERIM_ANSWERS = 8
SLACK_BYTES = 1024 * 1024
"""How much more than the ceiling may come over the wire: headers, chunk sizes, packing."""
NEVER_PAUSE = 1 << 28
"""Buffer size at which the parser would ask us to stop reading: bodies are taken out long before."""


Key = tuple[str, str, int]
"""What was checked when a connection was made: it serves nothing else."""


class Trip(Exception):
    """The exchange failed; nothing that came is used."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.detail = detail


class Answer:
    """One answer as it came in."""

    __slots__ = ("body", "cut", "headers", "reusable", "status")

    def __init__(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        self.status = status
        self.headers = headers
        self.body = b""
        self.cut = False
        self.reusable = False

    def header(self, name: str) -> str:
        """The first header of that small name, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name), "")


class Wire(asyncio.Protocol):
    """A connection that carries one exchange at a time; it never reads ahead of it."""

    _reading_paused = False  #: read by the parser's buffers

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._answer: Answer | None = None
        self._payload: Any = None
        self._body: Body | None = None
        self._ceiling = 0
        self._received = 0
        self._interim = 0
        self.idle_since = 0.0
        self.key: Key = ("", "", 0)

    # --- for the client ---

    @property
    def is_open(self) -> bool:
        """Whether another exchange can be tried."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def has_heard(self) -> bool:
        """Whether any byte of the present answer has come."""
        return self._received > 0

    def exchange(self, request: bytes, *, with_body: bool, ceiling: int) -> asyncio.Future[Answer]:
        """Send a request; the future brings the answer or raises `Trip`."""
        self._waiter = self._loop.create_future()
        self._answer = self._payload = self._body = None
        self._received = self._interim = 0
        self._ceiling = ceiling
        self._parser = HttpResponseParser(
            self,  # type: ignore[arg-type]  # it only calls the two methods below
            self._loop,
            NEVER_PAUSE,
            max_line_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
            max_field_size=MAX_HEADER_BYTES,
            response_with_body=with_body,
            read_until_eof=True,
            auto_decompress=False,
        )
        if self._transport is None:
            self._fail(Trouble.RESET, "the connection was closed")
        else:
            self._transport.write(request)
        return self._waiter

    def drop(self) -> None:
        """Close at once, without waiting for anything."""
        if self._transport is not None:
            self._transport.abort()

    # --- for the parser: bodies are taken out after every feed, so it never has to wait ---

    def pause_reading(self) -> None:
        """Nothing to do: what came is taken out at once."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Nothing to do: reading never stopped."""

    # --- for the event loop ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Parse what came; anything outside an exchange ends the connection."""
        if self._waiter is None or self._waiter.done():
            self.drop()
            return
        self._received += len(data)
        try:
            messages, _, _ = self._parser.feed_data(data)
            self._take(messages)
            self._drain()
        except HttpProcessingError as error:
            self._fail(Trouble.NONSENSE, f"not HTTP: {_short(error.message)}")
        except Undecodable as error:
            self._fail(Trouble.NONSENSE, str(error))
        else:
            if self._received > self._ceiling + SLACK_BYTES:
                self._overflow()

    def eof_received(self) -> bool:
        """The other side is done: an answer without a length is complete now."""
        if self._waiter is not None and not self._waiter.done():
            self._end_of_stream()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._transport = None
        if self._waiter is None or self._waiter.done():
            return
        if exc is not None and not isinstance(exc, OSError):
            self._fail(Trouble.NONSENSE, f"the answer cannot be read: {_short(str(exc))}")
        else:
            self._fail(Trouble.RESET, f"the connection broke: {_short(str(exc or 'closed'))}")

    # --- inside ---

    def _take(self, messages: Any) -> None:
        for message, payload in messages:
            if self._answer is not None:
                raise HttpProcessingError(message="a second answer to one request")
            if message.code == 101:
                raise HttpProcessingError(message="the answer changes the protocol")
            if 100 <= message.code < 200:
                self._interim += 1
                if self._interim > MAX_INTERIM_ANSWERS:
                    raise HttpProcessingError(message="too many interim answers")
                continue
            headers = tuple([(_clean(name), _clean(value)) for name, value in message.raw_headers])
            self._answer = Answer(message.code, headers)
            self._answer.reusable = not message.should_close
            self._payload = payload
            self._body = Body(self._answer.header("content-encoding"), self._ceiling)

    def _drain(self) -> None:
        if self._answer is None or self._body is None:
            return
        raw = self._payload.read_nowait()
        if raw:
            self._body.feed(raw)
        if self._body.cut or self._payload.is_eof():
            self._finish()

    def _finish(self) -> None:
        assert self._answer is not None
        assert self._body is not None
        self._answer.body = self._body.whole()
        self._answer.cut = self._body.cut
        if self._answer.cut or not self._answer.reusable:
            self._answer.reusable = False
            self.drop()
        assert self._waiter is not None
        if not self._waiter.done():
            self._waiter.set_result(self._answer)

    def _overflow(self) -> None:
        if self._waiter is None or self._waiter.done():
            return
        if self._answer is None or self._body is None:
            self._fail(Trouble.NONSENSE, "more bytes than any answer needs")
            return
        self._body.cut = True
        self._finish()

    def _end_of_stream(self) -> None:
        if self._answer is None:
            began = "in the middle of the headers" if self._received else "without an answer"
            self._fail(Trouble.RESET, f"the connection was closed {began}")
            return
        self._answer.reusable = False
        try:
            self._parser.feed_eof()
            self._drain()
        except HttpProcessingError as error:
            self._fail(Trouble.RESET, f"closed before the announced end: {_short(error.message)}")
        except Undecodable as error:
            self._fail(Trouble.NONSENSE, str(error))

    def _fail(self, trouble: Trouble, detail: str) -> None:
        self.drop()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(Trip(trouble, detail))


def _clean(raw: bytes) -> str:
    """A header as text without control characters; bytes beyond ASCII stand for themselves."""
    text = raw.decode("latin-1")
    return text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)


def _short(text: str) -> str:
    return " ".join(text.split())[:160]
