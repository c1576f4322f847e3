"""The bytes of one HTTP request, from parts that cannot smuggle a line in."""

from __future__ import annotations

import re

from staydown import __version__
from staydown.core.errors import Refused
from staydown.fetch.guard import Target
from staydown.ports import Ask

METHODS = frozenset({"GET", "HEAD", "POST"})
OWN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect", "accept-encoding",
     "user-agent", "proxy-authorization", "keep-alive"}
)  # fmt: skip
"""Headers that the fetcher writes itself or never sends."""

MAX_HEADER_CHARS = 4096
USER_AGENT = f"Staydown/{__version__} (+content referral and verification)"

_FIXED = f"User-Agent: {USER_AGENT}\r\nAccept-Encoding: gzip, deflate\r\n"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_BARRED = re.compile(r"[^\x20-\x7e\t]")


def is_safe(method: str) -> bool:
    """Whether asking twice does no more than asking once (RFC 9110, 9.2.1)."""
    return method in {"GET", "HEAD"}


def check_request(ask: Ask) -> None:
    """Refuse what must not be put on the wire.

    Raises:
        Refused: Another method than GET, HEAD and POST, a header of the fetcher's own, a header with CR,
            LF, NUL or anything else beyond printable ASCII, or a body where none belongs.
    """
    if ask.method not in METHODS:
        raise Refused(f"the method {ask.method[:20]!r} is not used here")
    if ask.body and ask.method != "POST":
        raise Refused(f"{ask.method} carries no body")
    for name, value in ask.headers.items():
        if not _NAME.fullmatch(name) or len(value) > MAX_HEADER_CHARS or _BARRED.search(value):
            raise Refused(f"the header {name[:40]!r} cannot be sent: only printable ASCII, in one line")
        if name.lower() in OWN_HEADERS:
            raise Refused(f"the header {name!r} is written by the fetcher itself")


def request_bytes(ask: Ask, target: Target) -> bytes:
    """What is written to the wire for a checked ask."""
    head = f"{ask.method} {target.path_qs} HTTP/1.1\r\nHost: {target.authority}\r\n{_FIXED}"
    if not any(name.lower() == "accept" for name in ask.headers):
        head += "Accept: */*\r\n"
    if ask.headers:
        head += "".join(f"{name}: {value}\r\n" for name, value in ask.headers.items())
    if ask.method == "POST":
        head += f"Content-Length: {len(ask.body)}\r\n"
    return f"{head}\r\n".encode("ascii") + ask.body
