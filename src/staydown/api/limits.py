"""What comes in is bounded before anybody reads it: size, depth, and what a path or a query may hold."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.concurrency import run_in_threadpool

from staydown.api.problems import TooLarge, Unfit, WrongMedia, refusal
from staydown.core.errors import Invalid, StaydownError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_BYTES = 1024 * 1024
STREAM_BYTES = 1024 * 1024 * 1024
DEPTH = 32
"""How deep JSON may be nested."""
STREAMED = "application/x-ndjson"
STREAMS = frozenset({"/v1/sightings"})
"""Routes that take a stream of lines."""
OURS = "/v1/"
BRACKETS = 20_000
"""So many lists and objects are taken in one body: looking at more would hold others up."""
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_ITEM = re.compile(rb"(/v1/items/)([^/]+)(.*)")
_BY_DEFAULT = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Limits:
    """Middleware around the whole API; what lies outside of `/v1/` it leaves alone."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bound one request, and see to the headers of its answer."""
        if scope["type"] != "http" or not scope["path"].startswith(OURS):
            await self._app(scope, receive, send)
            return
        guarded = _headed(send, bare=scope["method"] == "HEAD")
        try:
            _check_address(scope)
            bounded = await _bounded(scope, receive)
        except StaydownError as error:
            await refusal(error)(scope, receive, guarded)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, bounded, guarded)


def _check_address(scope: Scope) -> None:
    """Refuse signs that no name of ours holds; leave an item's key in one piece, whatever stands in it.

    Raises:
        Unfit: NUL, or bytes that are no UTF-8.
    """
    raw = scope.get("raw_path") or scope["path"].encode()
    for part in (raw, scope.get("query_string", b"")):
        plain = unquote_to_bytes(part)
        try:
            plain.decode()
        except UnicodeDecodeError as error:
            raise Unfit("the address is no UTF-8") from error
        if b"\0" in plain:
            raise Unfit("the address holds NUL")
    if found := _ITEM.fullmatch(raw):
        scope["path"] = b"".join(found.groups()).decode("ascii", "replace")


async def _bounded(scope: Scope, receive: Receive) -> Receive:
    """The body, read and looked at where it is JSON, else counted while it is read.

    Raises:
        TooLarge: It is longer than what is taken.
        WrongMedia: It is of another type.
        Invalid: JSON is nested too deep.
    """
    headers = dict(scope["headers"])
    sort = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    length = headers.get(b"content-length", b"")
    streams = scope["method"] == "POST" and scope["path"] in STREAMS and sort == STREAMED.encode()
    most = STREAM_BYTES if streams else BODY_BYTES
    if length.isdigit() and int(length) > most:
        raise _too_large(most)
    if streams:
        return _counted(receive, most)
    body = await _read(receive, most)
    if body and sort != b"application/json":
        raise WrongMedia(f"a body of type {sort.decode('latin-1')[:80] or 'unknown'!r} is not taken here")
    if body.count(b"[") + body.count(b"{") > BRACKETS:
        raise Invalid(f"the JSON has more than {BRACKETS} lists and objects", hint="Send less at a time.")
    if await run_in_threadpool(depth_of, body) > DEPTH:
        raise Invalid(f"the JSON is nested more than {DEPTH} deep")
    return _again(body, receive)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"the body is longer than {most} bytes")


def _counted(receive: Receive, most: int) -> Receive:
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise _too_large(most)
        return message

    return counting


async def _read(receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_large(most)
        more = message.get("more_body", False)
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand a body out that was read already, then whatever comes behind it."""
    given = False

    async def handing() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return handing


def depth_of(body: bytes) -> int:
    """How deep JSON is nested, counted up to one more than what is taken."""
    depth = deepest = 0
    for found in _BRACKETS.finditer(_TEXT.sub(b"", body)):
        depth += 1 if found[0] in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > DEPTH:
            break
    return deepest


def _headed(send: Send, *, bare: bool) -> Send:
    """Add the headers that every answer has where it does not say otherwise; without a body for HEAD."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message.get("headers", [])}
            message["headers"] = [
                *message.get("headers", []),
                *((name, value) for name, value in _BY_DEFAULT if name not in there),
            ]
        elif bare and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sending
