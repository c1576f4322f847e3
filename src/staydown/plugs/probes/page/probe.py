"""The probe `page`: reads an answer by the provider's own signs, then by what all servers share.

Offline is a finding. An error of ours or theirs (a timeout, a server error, nonsense, an empty or cut page,
a page of another host) is never "offline", and a page that lacks the signs of its provider is not "online".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import urlsplit

import ada_url
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from staydown.core.check import Look, Mark, MarkKind, Sight
from staydown.core.errors import Invalid
from staydown.ports import Reply, Trouble
from staydown.reason.rooms import PART, Room, Sign
from staydown.reason.saved import is_too_deep
from staydown.reason.web import LOG_IN

READ_BYTES = 1024 * 1024
MAX_MARKS = 200
MAX_VALUE_CHARS = 2000
PLACEHOLDER_WORDS = 150
"""A page with more words is no parked page, whatever it says: an article may quote every sentence of one."""
ADDRESSES = frozenset({MarkKind.AVATAR, MarkKind.ADDRESS, MarkKind.MEDIA})

GENERIC: tuple[tuple[MarkKind, str], ...] = (
    (MarkKind.NAME, 'meta[property="og:title"]@content'),
    (MarkKind.NAME, "h1"),
    (MarkKind.MEDIA, 'meta[property="og:image"]@content'),
    (MarkKind.MEDIA, 'meta[property="og:video"]@content'),
)
"""What is read off a page whose room names no marks."""

TROUBLES = {
    Trouble.NO_SUCH_HOST: "the name does not resolve",
    Trouble.UNREACHABLE: "the server cannot be reached",
    Trouble.TIMED_OUT: "no answer in time",
    Trouble.RESET: "the connection broke",
    Trouble.TLS: "no valid certificate",
    Trouble.TOO_MANY_REDIRECTS: "redirects without end",
    Trouble.NONSENSE: "an answer that makes no sense",
    Trouble.NOT_BEGUN: "not asked in time",
}

_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_PLAIN_CHARSETS = re.compile(
    r"utf-?8|utf-?16(?:-?[lb]e)?|us-ascii|iso-8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]"
    r"|gbk|gb2312|gb18030|big5|shift_jis|euc-jp|euc-kr",
    re.IGNORECASE,
)
_SOFT_404 = re.compile(
    r"\b(?:404|not found|no longer (?:available|exists)|does ?n[o']t exist)\b", re.IGNORECASE
)
_RULE = re.compile(r"(.+)@([A-Za-z][A-Za-z0-9-]*)")
_TITLE = re.compile(r"<title[^>]*>([^<]{1,300})", re.IGNORECASE)
_COUNT = re.compile(r"([0-9][0-9 ,.']*)\s*([KkMm])?")


class PageProbe:
    """Reads pages; holds nothing between two of them."""

    def look(self, room: Room, reply: Reply) -> Look:
        """The verdict, with its reason."""
        if reply.trouble is Trouble.REFUSED:
            return Look(sight=Sight.UNCLEAR, reason=f"refused: {reply.detail}")
        if reply.trouble is not None or reply.status is None:
            words = TROUBLES.get(reply.trouble, "no answer") if reply.trouble else "no answer"
            return Look(sight=Sight.UNCLEAR, reason=f"{words} ({reply.detail})" if reply.detail else words)
        is_own = _is_own(room, reply)
        text = _text(reply)
        for sign in room.signs:
            if _holds(sign, reply, text) and (is_own or sign.sight in {Sight.BLOCKED, Sight.UNCLEAR}):
                return _doubt(room, sign, reply, text) or Look(sight=sign.sight, reason=sign.reason)
        if not is_own:
            return Look(
                sight=Sight.UNCLEAR, reason=f"the address leads to another host, {_host(reply.address)[:100]}"
            )
        return _by_status(room, reply, text)

    def marks(self, room: Room, reply: Reply) -> tuple[Mark, ...]:
        """What can be read off the page and compared: at most 200 marks of 2,000 characters."""
        if (
            reply.trouble is not None
            or reply.status is None
            or not 200 <= reply.status < 300
            or not reply.body
        ):
            return ()
        if is_too_deep(text := _text(reply)):
            return ()
        tree = LexborHTMLParser(text)
        rules = tuple(room.marks.items()) or GENERIC
        found = dict.fromkeys(_marks(tree, rules, reply.address))
        return tuple(found)[:MAX_MARKS]


PROBE = PageProbe()


# --- the verdict --------------------------------------------------------------------------------------


def _holds(sign: Sign, reply: Reply, text: str) -> bool:
    """Whether every condition that a sign names holds."""
    if sign.status and reply.status not in sign.status:
        return False
    if sign.lands_on is not None and not sign.lands_on.search(_path_qs(reply.address)):
        return False
    return sign.body is None or sign.body.search(text) is not None


def _by_status(room: Room, reply: Reply, text: str) -> Look:
    """What all servers share."""
    status = reply.status or 0
    if status in {404, 410}:
        return Look(sight=Sight.OFFLINE, reason=f"status {status}: it is not there")
    if status == 451:
        return Look(sight=Sight.BLOCKED, reason="status 451: closed for legal reasons where we look from")
    if status in {401, 403, 407}:
        return Look(sight=Sight.BLOCKED, reason=f"status {status}: closed to us")
    if status == 429:
        return Look(sight=Sight.UNCLEAR, reason="status 429: we asked too often")
    if status >= 500:
        return Look(sight=Sight.UNCLEAR, reason=f"status {status}: the server has trouble")
    if not 200 <= status < 300:
        return Look(sight=Sight.UNCLEAR, reason=f"status {status} does not tell")
    return _of_page(room, reply, text)


def _of_page(room: Room, reply: Reply, text: str) -> Look:
    """A page was shown, and no sign of its provider fits."""
    if any(sign.sight is Sight.ONLINE for sign in room.signs):
        return Look(sight=Sight.UNCLEAR, reason="a page without any sign of its provider")
    shown = Look(sight=Sight.ONLINE, reason=f"status {reply.status}: the page is shown")
    return _doubt_of_shown(reply, text) or shown


def _doubt(room: Room, sign: Sign, reply: Reply, text: str) -> Look | None:
    """What speaks against a sign that says little of itself."""
    if sign.sight is Sight.ONLINE and sign.body is None:
        return _doubt_of_shown(reply, text)
    if (
        sign.sight is Sight.OFFLINE
        and sign.body is not None
        and not room.hosts
        and _words(text) > PLACEHOLDER_WORDS
    ):
        return Look(sight=Sight.UNCLEAR, reason="a long page that holds the words of a placeholder")
    return None


def _doubt_of_shown(reply: Reply, text: str) -> Look | None:
    """What speaks against "the page is shown" where only the status says so."""
    if not reply.body.strip():
        return Look(sight=Sight.UNCLEAR, reason="an empty page")
    if reply.cut:
        return Look(
            sight=Sight.UNCLEAR, reason=f"the page is larger than the {len(reply.body)} bytes that were read"
        )
    asked, landed = _path_qs(reply.ask.address), _path_qs(reply.address)
    if LOG_IN.search(landed) and not LOG_IN.search(asked):
        return Look(sight=Sight.BLOCKED, reason="a log-in wall")
    if landed == "/" and asked != "/":
        return Look(sight=Sight.UNCLEAR, reason="the address leads to the front page")
    if _SOFT_404.search(_title(text)):
        return Look(
            sight=Sight.UNCLEAR, reason="the page's title says that it is not there, its status that it is"
        )
    return None


def _words(text: str) -> int:
    """How many words a page shows."""
    body = LexborHTMLParser(text).body
    return len(body.text(separator=" ").split()) if body is not None else 0


def _is_own(room: Room, reply: Reply) -> bool:
    """Whether the answer came from the host that was asked, or from a host of the provider."""
    host, asked = _host(reply.address), _host(reply.ask.address)
    if host.removeprefix("www.") == asked.removeprefix("www."):
        return True
    return host in room.hosts or any(pattern.fullmatch(host) for pattern in room.host_patterns)


@lru_cache(maxsize=4096)
def _host(address: str) -> str:
    """A host as a browser sees it; an address that is none has its own text for a host."""
    try:
        return str(ada_url.URL(address).hostname).rstrip(".")
    except ValueError:
        return address


def _path_qs(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _title(text: str) -> str:
    found = _TITLE.search(text[:65_536])
    return found.group(1) if found else ""


def _text(reply: Reply) -> str:
    """The first mebibyte of the body as text."""
    named = _CHARSET.search(reply.header("content-type"))
    charset = named.group(1) if named and _PLAIN_CHARSETS.fullmatch(named.group(1)) else "utf-8"
    return reply.body[:READ_BYTES].decode(charset, "replace")


# --- the marks ----------------------------------------------------------------------------------------


def _marks(tree: LexborHTMLParser, rules: Iterable[tuple[MarkKind, str]], base: str) -> Iterator[Mark]:
    for kind, rule in rules:
        selector, attribute, part = _rule(rule)
        try:
            nodes = tree.css(selector)[:MAX_MARKS]
        except SelectolaxError as error:
            raise Invalid(
                f"{selector!r} is no CSS selector", hint="Correct [marks] in the provider's room."
            ) from error
        for node in nodes:
            value = _value(kind, node, attribute, base, part)
            if value:
                yield Mark(kind=kind, value=value)


@lru_cache(maxsize=1024)
def _rule(rule: str) -> tuple[str, str, re.Pattern[str] | None]:
    """A rule as selector, attribute (empty where the text counts) and the expression for the part that counts."""
    where, mark, expression = rule.partition(PART)
    found = _RULE.fullmatch(where)
    selector, attribute = (found.group(1), found.group(2)) if found else (where, "")
    return selector, attribute, re.compile(expression) if mark else None


def _value(kind: MarkKind, node: LexborNode, attribute: str, base: str, part: re.Pattern[str] | None) -> str:
    raw = (node.attributes.get(attribute) or "") if attribute else node.text(deep=True)
    if part is not None:
        found = part.search(raw[:READ_BYTES])
        raw = found.group(1) if found else ""
    value = " ".join(
        "".join(sign if sign.isprintable() else " " for sign in raw[: 4 * MAX_VALUE_CHARS]).split()
    )
    if kind in ADDRESSES:
        return _joined(base, value)
    if kind is MarkKind.FOLLOWERS:
        return _count(value)
    return value[:MAX_VALUE_CHARS]


def _joined(base: str, value: str) -> str:
    """An absolute http or https address, or nothing."""
    if not value:
        return ""
    try:
        address = str(ada_url.join_url(base, value))
    except ValueError:
        return ""
    return address if address.startswith(("http://", "https://")) and len(address) <= MAX_VALUE_CHARS else ""


def _count(value: str) -> str:
    """A number of followers as digits: `12,345` is 12345 and `1.2K` is 1200."""
    found = _COUNT.match(value)
    if not found:
        return ""
    number, unit = found.group(1).strip(" ,.'"), (found.group(2) or "").lower()
    if not unit:
        return re.sub(r"[^0-9]", "", number)
    whole, _, part = number.replace(",", ".").partition(".")
    scale = 1000 if unit == "k" else 1_000_000
    fraction = int(part) / 10 ** len(part) if part.isdecimal() else 0
    return str(int(re.sub(r"[^0-9]", "", whole)) * scale + round(fraction * scale))
