"""The guarded fetcher against servers that mean harm, on real sockets."""

from __future__ import annotations

import asyncio
import gzip
import threading
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staydown.core.errors import Outside
from staydown.fetch import GuardedFetch, Policy
from staydown.fetch.client import SILENT_AT_MOST
from staydown.fetch.wire import Trip, Wire
from staydown.ports import Ask, Reply, Trouble

OK = b"HTTP/1.1 200 OK\r\n"
HOST = "hostile.example"
Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def sized(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def packed(body: bytes, encoding: str) -> bytes:
    return sized(body, f"Content-Encoding: {encoding}")


def redirect(location: str, status: str = "302 Found") -> bytes:
    return sized(b"", f"Location: {location}", status=status)


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"Content-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


def forever(head: bytes, piece: bytes) -> Act:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()

    return act


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def reset_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"Content-Length: 100\r\n\r\nhalf")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()


NOT_HTTP = {
    "binary": b"\x16\x03\x01\x00\x00garbage\r\n\r\n",
    "http-0.9": b"<html>old</html>",
    "http-2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "smtp": b"220 mail.example ESMTP\r\n",
    "ssh": b"SSH-2.0-x\r\n\r\n",
    "no-code": b"HTTP/1.1 OK\r\n\r\n",
    "long-code": b"HTTP/1.1 20000 OK\r\nContent-Length: 0\r\n\r\n",
    "nul-in-header": OK + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "nul-in-name": OK + b"X\x00Y: a\r\nContent-Length: 0\r\n\r\n",
    "space-in-name": OK + b"Content Length : 0\r\n\r\n",
    "length-not-a-number": OK + b"Content-Length: ten\r\n\r\nxxxxxxxxxx",
    "length-negative": OK + b"Content-Length: -1\r\n\r\n",
    "length-twice": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "length-huge": OK + b"Content-Length: 99999999999999999999999\r\n\r\nx",
    "chunk-size": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n0\r\n\r\n",
    "chunk-overflow": OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n",
    "long-status": b"HTTP/1.1 200 " + b"a" * 100_000 + b"\r\n\r\n",
    "long-header": OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
    "many-headers": OK + b"".join(b"X-%d: a\r\n" % n for n in range(5000)) + b"\r\n",
    "interim-flood": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500 + sized(b"x"),
    "upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "bytes-after-the-end": sized(b"short") + b"and more than announced",
    "brotli": packed(b"\x0b\x02\x80hello\x03", "br"),
    "zstd": packed(b"\x28\xb5\x2f\xfd\x04\x00", "zstd"),
    "two-encodings": packed(gzip.compress(gzip.compress(b"x")), "gzip, gzip"),
    "unknown-encoding": packed(b"x", "made-up"),
    "gzip-garbage": packed(b"this is no gzip", "gzip"),
    "gzip-short": packed(gzip.compress(b"words " * 1000)[:-20], "gzip"),
    "gzip-crc": packed(gzip.compress(b"words")[:-8] + b"\x00" * 8, "gzip"),
    "deflate-garbage": packed(b"\xff\xff\xff", "deflate"),
}
BROKEN = {
    "closed-at-once": b"",
    "closed-in-headers": OK + b"Content-Le",
    "closed-in-body": OK + b"Content-Length: 100\r\n\r\nhalf",
    "closed-in-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\nhalf",
    "closed-before-last-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nxx\r\n",
}
GOOD = {
    "plain": (sized(b"words"), b"words"),
    "gzip": (packed(gzip.compress(b"words"), "gzip"), b"words"),
    "x-gzip": (packed(gzip.compress(b"words"), "X-GZIP"), b"words"),
    "gzip-two-members": (packed(gzip.compress(b"wo") + gzip.compress(b"rds"), "gzip"), b"words"),
    "gzip-trailing": (packed(gzip.compress(b"words") + b"\x00\x00", "gzip"), b"words"),
    "gzip-empty": (packed(b"", "gzip"), b""),
    "deflate": (packed(zlib.compress(b"words"), "deflate"), b"words"),
    "deflate-raw": (packed(raw_deflate(b"words"), "deflate"), b"words"),
    "identity": (packed(b"words", "identity"), b"words"),
    "chunked": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nwo\r\n3;x=y\r\nrds\r\n0\r\nT: x\r\n\r\n",
        b"words",
    ),
    "until-close": (OK + b"\r\nwords", b"words"),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\n" + sized(b"words"), b"words"),
    "bare-lf": (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nwords", b"words"),
    "all-bytes": (sized(bytes(range(256))), bytes(range(256))),
}
REDIRECTS = {
    "to-private": ("http://10.0.0.1/", Trouble.REFUSED),
    "to-outside": ("http://93.184.216.34/", Trouble.REFUSED),
    "to-unknown": ("http://unknown.example/", Trouble.REFUSED),
    "to-ftp": ("ftp://hostile.example/", Trouble.REFUSED),
    "to-file": ("file:///etc/hostname", Trouble.REFUSED),
    "to-script": ("javascript:void(0)", Trouble.REFUSED),
    "to-user": ("http://u:p@hostile.example/", Trouble.REFUSED),
    "to-nowhere": ("http://[::1/", Trouble.NONSENSE),
    "to-itself": ("/to-itself", Trouble.TOO_MANY_REDIRECTS),
}


class Hostile:
    """Answers by path: fixed bytes, and then it hangs up unless they redirect; or an act."""

    def __init__(self) -> None:
        self.acts: dict[str, bytes | Act] = {**NOT_HTTP, **BROKEN}
        self.acts.update({name: answer for name, (answer, _) in GOOD.items()})
        self.acts.update({name: redirect(location) for name, (location, _) in REDIRECTS.items()})
        self.heard: list[bytes] = []
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    async def _open(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heard.append(head)
                act = self.acts[head.split()[1].decode().split("/")[1].split("?")[0]]
                if callable(act):
                    await act(reader, writer)
                    return
                writer.write(act)
                await writer.drain()
                if not act.startswith(b"HTTP/1.1 3"):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    yield server
    server.close()


@pytest.fixture
def fetch(hostile: Hostile) -> Iterator[GuardedFetch]:
    table = {HOST: ("127.0.0.1", hostile.port), "other.example": ("127.0.0.1", hostile.port)}
    fetch = GuardedFetch(Policy.LOOPBACK, hosts=table, limit=8, per_host=4)
    yield fetch
    fetch.close()


def ask(path: str, *, host: str = HOST, seconds: float = 5, **more: object) -> Ask:
    return Ask(address=f"http://{host}/{path}", timeout=timedelta(seconds=seconds), **more)  # type: ignore[arg-type]


def get(fetch: GuardedFetch, path: str, **more: object) -> Reply:
    return fetch.many([ask(path, **more)])[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NOT_HTTP)
def test_what_is_not_http_is_nonsense(fetch: GuardedFetch, name: str) -> None:
    reply = get(fetch, name)
    assert (reply.trouble, reply.status, reply.body) == (Trouble.NONSENSE, None, b""), reply
    assert reply.detail


@pytest.mark.parametrize("name", BROKEN)
def test_what_ends_early_is_a_broken_connection(fetch: GuardedFetch, name: str) -> None:
    assert get(fetch, name).trouble is Trouble.RESET


@pytest.mark.parametrize("name", GOOD)
def test_what_is_odd_but_right_is_read(fetch: GuardedFetch, name: str) -> None:
    reply = get(fetch, name)
    assert (reply.trouble, reply.status, reply.body, reply.cut) == (None, 200, GOOD[name][1], False), reply


@pytest.mark.parametrize("name", REDIRECTS)
def test_redirects_are_checked_hop_by_hop(fetch: GuardedFetch, hostile: Hostile, name: str) -> None:
    reply = get(fetch, name)
    assert (reply.trouble, reply.status) == (REDIRECTS[name][1], None)
    assert fetch.requests_made == len(hostile.heard) == (6 if name == "to-itself" else 1)


def test_a_redirect_is_followed_or_not_as_asked(fetch: GuardedFetch, hostile: Hostile) -> None:
    hostile.acts["moved"] = redirect("//other.example/plain?x#y", "301 Moved")
    reply = get(fetch, "moved")
    assert (reply.status, reply.body, reply.address) == (200, b"words", "http://other.example/plain?x")
    assert reply.hops == ("http://hostile.example/moved",)
    assert get(fetch, "moved", follow=False).status == 301
    assert get(fetch, "moved", method="POST", body=b"x").status == 301
    hostile.acts["without"] = sized(b"words", status="302 Found")
    assert get(fetch, "without").status == 302
    hostile.acts["looks-like"] = sized(b"words", "Location: http://other.example/plain")
    assert get(fetch, "looks-like").hops == ()


@pytest.mark.parametrize("size", [0, 1, 1000, 1 << 20])
def test_bodies_are_cut_where_asked(fetch: GuardedFetch, hostile: Hostile, size: int) -> None:
    body = bytes(1 << 20)
    hostile.acts |= {"plain-big": sized(body), "gzip-big": packed(gzip.compress(body), "gzip")}
    for name in ("plain-big", "gzip-big"):
        reply = get(fetch, name, max_bytes=size)
        assert (reply.trouble, reply.status, len(reply.body), reply.cut) == (
            None,
            200,
            size,
            size < len(body),
        )


def test_a_gzip_bomb_stops_at_the_ceiling(fetch: GuardedFetch, hostile: Hostile) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    assert len(bomb) < 1 << 20
    hostile.acts["bomb"] = packed(bomb, "gzip")
    reply = get(fetch, "bomb", max_bytes=1 << 20)
    assert (reply.trouble, len(reply.body), reply.cut) == (None, 1 << 20, True)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (OK + b"\r\n", b"x" * 65536),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"e" * 4000 + b"\r\nx\r\n"),
        (OK + b"Content-Length: 99999999999\r\n\r\n", b"x" * 65536),
        (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], b"\x00\x00\x00\xff\xff" * 10_000),
    ],
    ids=["until-close", "chunks", "chunk-extensions", "length", "empty-gzip-blocks"],
)
def test_an_endless_body_is_cut(fetch: GuardedFetch, hostile: Hostile, head: bytes, piece: bytes) -> None:
    hostile.acts["endless"] = forever(head, piece)
    reply = get(fetch, "endless", max_bytes=200_000)
    assert (reply.status, reply.cut) == (200, True), reply
    assert len(reply.body) <= 200_000


def test_endless_headers_are_nonsense(fetch: GuardedFetch, hostile: Hostile) -> None:
    hostile.acts["headers"] = forever(OK, b"X: y\r\n" * 100)
    hostile.acts["one-header"] = forever(OK + b"X: ", b"y" * 10_000)
    hostile.acts["interims"] = forever(b"", b"HTTP/1.1 102 Wait\r\n\r\n")
    for name in ("headers", "one-header", "interims"):
        assert get(fetch, name).trouble is Trouble.NONSENSE


@pytest.mark.parametrize("act", [stall, drip, forever(b"", b"")], ids=["stall", "drip", "nothing"])
def test_the_whole_ask_has_one_time_limit(fetch: GuardedFetch, hostile: Hostile, act: Act) -> None:
    hostile.acts["slow"] = stall if act not in (drip,) else drip
    assert get(fetch, "slow", seconds=0.3).trouble is Trouble.TIMED_OUT
    assert get(fetch, "slow", seconds=0).trouble is Trouble.TIMED_OUT
    assert get(fetch, "plain").status == 200


def test_a_slow_redirect_loop_ends_in_time(fetch: GuardedFetch, hostile: Hostile) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(redirect("/loop"))

    hostile.acts["loop"] = slow
    assert get(fetch, "loop", seconds=0.5).trouble is Trouble.TIMED_OUT


def test_resets_are_told_apart_from_refused_connections(fetch: GuardedFetch, hostile: Hostile) -> None:
    hostile.acts |= {"reset": reset, "reset-in-body": reset_in_body}
    assert get(fetch, "reset").trouble is Trouble.RESET
    assert get(fetch, "reset-in-body").trouble is Trouble.RESET
    gone = GuardedFetch(Policy.LOOPBACK, hosts={"gone.example": ("127.0.0.1", 1)})
    assert gone.many([Ask(address="http://gone.example/")])[0].trouble is Trouble.UNREACHABLE
    gone.close()


def test_a_host_that_stalls_delays_nobody_else(fetch: GuardedFetch, hostile: Hostile) -> None:
    hostile.acts["stall"] = stall
    asks = [ask("stall", seconds=1) for _ in range(8)] + [
        ask("plain", host="other.example") for _ in range(40)
    ]
    replies = fetch.many(asks)
    assert Counter(reply.trouble for reply in replies) == {Trouble.TIMED_OUT: 8, None: 40}
    last_good = max(reply.at for reply in replies if reply.status == 200)
    assert last_good < min(reply.at for reply in replies if reply.trouble)


def test_only_some_asks_of_one_host_run_at_a_time(fetch: GuardedFetch, hostile: Hostile) -> None:
    running = Counter[str]()

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running["now"] += 1
        running["most"] = max(running["most"], running["now"])
        await asyncio.sleep(0.02)
        running["now"] -= 1
        writer.write(sized(b"x"))

    hostile.acts["count"] = count
    threads = [
        threading.Thread(target=fetch.many, args=([ask("count") for _ in range(12)],)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert running["most"] == 4


def test_answers_come_in_the_order_of_the_asks(fetch: GuardedFetch, hostile: Hostile) -> None:
    hostile.acts |= {str(number): sized(str(number).encode()) for number in range(50)}
    asks = [ask(str(number)) if number % 7 else Ask(address="ftp://a.example/") for number in range(50)]
    bodies = [reply.body for reply in fetch.many(asks)]
    assert bodies == [str(number).encode() if number % 7 else b"" for number in range(50)]
    assert fetch.many([]) == []


def test_a_post_is_sent_once_whatever_happens(fetch: GuardedFetch, hostile: Hostile) -> None:
    async def keep_then_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(b"x"))
        await reader.readuntil(b"\r\n\r\n")
        hostile.heard.append(b"a second request on the same connection")

    hostile.acts |= {"kept": keep_then_close, "reset": reset}
    assert get(fetch, "kept").status == 200
    assert get(fetch, "reset", method="POST", body=b"order").trouble is Trouble.RESET
    assert [head.split()[0] for head in hostile.heard] == [b"GET", b"POST"]


def test_a_get_on_a_connection_that_was_closed_meanwhile_is_asked_again(
    fetch: GuardedFetch, hostile: Hostile
) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(b"x"))
        await reader.readuntil(b"\r\n\r\n")

    hostile.acts["once"] = once
    assert [get(fetch, "once").status for _ in range(3)] == [200, 200, 200]
    assert hostile.connections == 3


def test_what_comes_unasked_ends_the_connection(fetch: GuardedFetch, hostile: Hostile) -> None:
    async def poison(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(b"x"))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(sized(b"an answer to nothing"))
        await asyncio.sleep(0.05)

    hostile.acts["poison"] = poison
    assert get(fetch, "poison").body == b"x"
    threading.Event().wait(0.15)
    assert get(fetch, "plain").body == b"words"


@pytest.mark.parametrize(
    ("headers", "method", "body"),
    [
        ({"X": "a\r\nY: b"}, "GET", b""), ({"X": "a\nb"}, "GET", b""), ({"X": "a\rb"}, "GET", b""),
        ({"X": "a\x00b"}, "GET", b""), ({"X": "a\x85b"}, "GET", b""), ({"X": "a\u2028b"}, "GET", b""),
        ({"X\r\nY": "a"}, "GET", b""), ({"X: y": "a"}, "GET", b""), ({"": "a"}, "GET", b""), ({"X": "a" * 5000}, "GET", b""),
        ({"Host": "evil.example"}, "GET", b""), ({"content-length": "0"}, "POST", b"x"),
        ({"Transfer-Encoding": "chunked"}, "POST", b"x"), ({"Connection": "close"}, "GET", b""),
        ({}, "GET\r\n", b""), ({}, "CONNECT", b""), ({}, "TRACE", b""), ({}, "DELETE", b""), ({}, "GET", b"x"),
    ],
)  # fmt: skip
def test_no_line_is_smuggled_into_a_request(
    fetch: GuardedFetch, hostile: Hostile, headers: dict[str, str], method: str, body: bytes
) -> None:
    reply = get(fetch, "plain", headers=headers, method=method, body=body)
    assert reply.trouble is Trouble.REFUSED
    assert hostile.heard == []


def test_the_request_is_honest_and_minimal(fetch: GuardedFetch, hostile: Hostile) -> None:
    get(fetch, "plain?a=%20b&c=ü#fragment", headers={"X-Good": "yes"})
    lines = hostile.heard[0].decode().split("\r\n")
    assert lines[0] == "GET /plain?a=%20b&c=%C3%BC HTTP/1.1"
    assert lines[1] == f"Host: {HOST}"
    assert lines[2].startswith("User-Agent: Staydown/")
    assert "(+content referral and verification)" in lines[2]
    assert "Accept-Encoding: gzip, deflate" in lines
    assert "X-Good: yes" in lines
    assert not any(line.lower().startswith(("cookie", "referer", "content-length")) for line in lines)


def test_head_has_no_body(fetch: GuardedFetch, hostile: Hostile) -> None:
    hostile.acts["head"] = OK + b"Content-Length: 100\r\n\r\n"
    assert (get(fetch, "head", method="HEAD").status, get(fetch, "head", method="HEAD").body) == (200, b"")


def test_headers_come_without_controls(fetch: GuardedFetch, hostile: Hostile) -> None:
    hostile.acts["odd"] = sized(b"x", "X-Odd: \xe9 \x1b[31m ü")
    reply = get(fetch, "odd")
    assert reply.trouble is Trouble.NONSENSE or reply.header("x-odd").isprintable()


class Sink(asyncio.Transport):
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.is_dropped = False

    def write(self, data: object) -> None:
        """Nothing is kept."""

    def is_closing(self) -> bool:
        return self.is_dropped

    def abort(self) -> None:
        self.is_dropped = True


SEEDS = [
    answer
    for answer in [*NOT_HTTP.values(), *BROKEN.values(), *(good for good, _ in GOOD.values())]
    if len(answer) < 5000
]


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_answer_breaks_the_reader(data: st.DataObject) -> None:
    answer = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(answer)))
        answer[place : place + data.draw(st.integers(0, 8))] = data.draw(
            st.sampled_from(SEEDS)
            | st.binary(max_size=4)
            | st.sampled_from([b"\r\n", b"\x00", b"101", b"204", b":"])
        )
    loop = asyncio.new_event_loop()
    wire, piece = Wire(loop), data.draw(st.sampled_from([1, 7, 100, 1 << 20]))
    wire.connection_made(Sink())
    outcome = wire.exchange(
        b"", with_body=data.draw(st.booleans()), ceiling=data.draw(st.sampled_from([0, 3, 1 << 20]))
    )
    for begin in range(0, len(answer), piece):
        wire.data_received(bytes(answer[begin : begin + piece]))
    wire.eof_received()
    wire.connection_lost(None)
    loop.close()
    assert outcome.done()
    assert isinstance(outcome.exception(), Trip | None)


def test_a_closed_way_out_stays_closed(hostile: Hostile) -> None:
    fetch = GuardedFetch(Policy.LOOPBACK, hosts={HOST: ("127.0.0.1", hostile.port)})
    assert get(fetch, "plain").status == 200
    fetch.close()
    fetch.close()
    with pytest.raises(Outside):
        get(fetch, "plain")


def test_a_host_that_does_not_answer_holds_a_call_up_for_a_while_only(
    fetch: GuardedFetch, hostile: Hostile
) -> None:
    hostile.acts["slow"] = stall
    asks = [ask("slow", seconds=0.2) for _ in range(60)]
    replies = fetch.many(asks)
    assert {reply.trouble for reply in replies} == {Trouble.TIMED_OUT}
    assert SILENT_AT_MOST <= fetch.requests_made < 60
    assert sum(reply.detail.startswith("not asked") for reply in replies) == 60 - fetch.requests_made


def test_what_may_not_begin_any_more_does_not_leave(fetch: GuardedFetch) -> None:
    left = [True] * 5
    asks = [ask("plain", method="POST", may_begin=lambda: bool(left) and left.pop()) for _ in range(12)]
    found = Counter(reply.trouble for reply in fetch.many(asks))
    assert found[Trouble.NOT_BEGUN] == 7
    assert fetch.requests_made == 5


def test_answers_are_read_as_they_come_and_an_error_ends_nothing_half_way(fetch: GuardedFetch) -> None:
    asks = [ask("plain") for _ in range(30)]
    assert fetch.read(asks, lambda at, reply: (at, reply.status)) == [(at, 200) for at in range(30)]

    def stumble(at: int, reply: Reply) -> int:
        if at == 7:
            raise ValueError("made up")
        return at

    with pytest.raises(ValueError, match="made up"):
        fetch.read(asks, stumble)
    assert fetch.read(asks[:2], lambda at, _: at) == [0, 1]
