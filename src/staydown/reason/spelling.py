"""Reading an address as people write it: quoted, defanged, full-width, without a scheme.

What comes out of `absolute` is text a WHATWG parser can read. Nothing here knows a provider.
Source: WHATWG URL Standard section 4.4 (leading and trailing blanks, tab and newline); the rest is
practice of referral units, collected in tests/reason/test_canon_spelling.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from pathlib import Path

from publicsuffixlist import PSLFILE

from staydown.core.errors import Invalid

MAX_BYTES = 8192
"""Longer addresses are refused: no server is bound to read them (RFC 9110, section 4.1)."""

MAX_WRAPS = 16
"""How often quotes, brackets and the like may stand around each other."""

WEB_SCHEMES = frozenset({"http", "https"})

_BLANKS = " \t\r\n\f\v\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\ufeff" + "".join(
    map(chr, [*range(0x202A, 0x202F), *range(0x2060, 0x2070)])
)
_JOINERS = "\u200c\u200d"
_OPENING = "<\"'“”„‟«»‹›‘’‚`「『"
_CLOSING = '<>"“”„‟«»‹›‘’`」』'

_CLOSED = re.compile(rf"[{re.escape(_CLOSING)}]+[,;.:!?]*$")
_SENTENCE = "،؛؟۔。、，；！？…"
"""Ends of sentences in scripts of which no address makes use; behind an address they belong to the sentence."""
_MARKDOWN = re.compile(
    r"!?\[[^\]]{0,1000}\]\(\s*<?(?P<at>[^\s<>]{3,8000}?)>?(?:\s+[\"'(].*)?\s*\)", re.DOTALL
)
_ANCHOR = re.compile(r"a\s[^>]{0,500}?\bhref\s*=\s*[\"']?(?P<at>[^\"'\s>]{3,8000})", re.IGNORECASE)
_SPACED = re.compile(r"h(?: t){2} p(?: s)? ?: ?/ ?/ ", re.IGNORECASE)
_GAPS = re.compile(r"\s*\.\s*|\s+dot\s+|(?<=//)\s+", re.IGNORECASE)
_ENTITY = re.compile(r"&amp;(?=[A-Za-z0-9_.\[\]%-]{1,80}=)", re.IGNORECASE)
_CONTROL = "".join(map(chr, range(0x20)))
_AROUND = _BLANKS + _INVISIBLE + _JOINERS + _CONTROL
_DELETE = dict.fromkeys(map(ord, _INVISIBLE))
# A joiner belongs to the word only between letters of the scripts that use one; beside ASCII it hides.
_STRAY_JOINER = re.compile(r"(?:(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f]))")
# A closing mark ends what stands before it, but behind one of these it may be the value itself.
_TAIL = re.compile(rf"(?<![?=&#{re.escape(_CLOSING)}])[{re.escape(_CLOSING)}]+$")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SECOND = re.compile(r"\s(?:h(?:tt|xx)ps?|tg)\s*\[?:", re.IGNORECASE)
_LINE_END = re.compile(r"[\r\n]\s*")
_NEXT_LINE = re.compile(r"(?:www\.|[^\s/]+\.[a-z]{2,}/)", re.IGNORECASE)

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if code != 0xFF05} | {
    0x3002: 0x2E,
    0xFF61: 0x2E,
}
"""Without the percent sign: narrowed, it would begin an escape that a browser does not see."""

_DOT = r"\s*(?:\[\s*(?:\.|dot|punt|punkt|point|punto)\s*\]|\(\s*(?:\.|dot)\s*\)|\{\s*(?:\.|dot)\s*\})\s*"
_DEFANG = re.compile(
    rf"(?P<dot>{_DOT}|\[\.|\.\])|(?P<mark>\[(?:://|:/|:|/|\?|@)\]|\((?:://|:|/)\)|\{{(?:://|:|/)\}})",
    re.IGNORECASE,
)
_BROKEN_SCHEME = re.compile(r"(?:hxx|xx|h\*\*|h__|hxt|htx|ht{1,3}|tt)p(s?)\s*(?=:)", re.IGNORECASE)
_NO_COLON = re.compile(r"(https?)[/\\]{2}", re.IGNORECASE)
_TWICE = re.compile(r"(?:https?:[/\\]*)+(?=https?:[/\\]{2})", re.IGNORECASE)
_AFTER_SLASHES = re.compile(r"^\s+|(?<=^//)\s+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_BARE = re.compile(
    r"(?P<host>[^\s/?#@:\\%]+\.[^\s/?#@:\\%]+)(?::(?P<port>\d{1,5}))?(?:[/?#\\].*)?", re.DOTALL
)
_DOTTED_NUMBERS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_OPEN_NAMES = frozenset({"example", "test", "invalid", "onion", "i2p"})


def absolute(raw: str, schemes: Collection[str] = WEB_SCHEMES) -> str:
    """The text as an absolute address, with what hid it taken away.

    Args:
        raw: As typed.
        schemes: Schemes, small, that somebody can read; `http` and `https` belong among them.

    Raises:
        Invalid: It is empty, too long, holds control characters, more than one address or none.
    """
    text = _bare_of_wrapping(raw)
    _refuse_broken(text)
    text = _visible(text)
    if " " in text[:80]:
        text = _without_gaps(text)
    if "&amp;" in text:
        text = _ENTITY.sub("&", text)
    if not text.isascii():
        text = _narrow(text)
    text = _refanged(text)
    return _with_scheme(text, schemes)


def narrow(text: str) -> str:
    """The text with full-width letters, signs and ideographic stops as their ASCII twins."""
    return text.translate(_FULL_WIDTH)


def _bare_of_wrapping(raw: str) -> str:
    """The text without blanks, quotes and brackets around it, and without the marks of a link."""
    text = raw
    for _ in range(MAX_WRAPS):
        before = len(text)
        text = text.strip(_AROUND)
        quoted = text[:1] == "'"
        is_opened = text[:1] in _OPENING
        text = text.lstrip(_OPENING)
        text = (_CLOSED if is_opened else _TAIL).sub("", text)
        text = text.rstrip(_SENTENCE)
        if quoted:
            text = text.rstrip("'")
        if (text[:1], text[-1:]) in {("(", ")"), ("[", "]"), ("{", "}")} and text[1:2].isalpha():
            text = text[1:-1]
        if found := _MARKDOWN.fullmatch(text) or _ANCHOR.match(text):
            text = found["at"]
        if text[:4].lower() == "url:" and text[4:5] not in {"", "/"}:
            text = text[4:]
        if len(text) == before:
            break
    return text


def _refuse_broken(text: str) -> None:
    if not text:
        raise Invalid("empty")
    if len(text) > MAX_BYTES:
        raise Invalid(f"longer than {MAX_BYTES} bytes")
    if _SURROGATE.search(text):
        raise Invalid("holds half a character")
    if _SECOND.search(text) or _goes_on_with_another(text):
        raise Invalid("more than one address in one line")


def _goes_on_with_another(text: str) -> bool:
    """Whether a second line begins as an address does, after a first that is one already."""
    end = _LINE_END.search(text)
    return end is not None and text.count("/", 0, end.start()) > 2 and bool(_NEXT_LINE.match(text, end.end()))


def _visible(text: str) -> str:
    """The text without marks that show nothing, and without tabs and newlines."""
    if not text.isascii():
        text = _STRAY_JOINER.sub("", text.translate(_DELETE))
    return text.replace("\t", "").replace("\r", "").replace("\n", "")


def _without_gaps(text: str) -> str:
    """The text without blanks that were put into its scheme or host to keep it from being clicked."""
    if _SPACED.match(text):
        return text.replace(" ", "")
    end = _head_end(text)
    closed = _GAPS.sub(".", text[:end].replace("// ", "//"))
    host = closed.rpartition("//")[2].partition(":")[0]
    return closed + text[end:] if " " not in closed.strip() and is_known_name(host) and "." in host else text


def _head_end(text: str) -> int:
    """Where scheme and host end."""
    start = text.find("//")
    start = start + 2 if 0 <= start <= 12 else 0
    ends = [at for mark in "/?#\\" if (at := text.find(mark, start)) >= 0]
    return min(ends, default=len(text))


def _narrow(text: str) -> str:
    """The text in ASCII width throughout, if its scheme or host was written in full width."""
    folded = text.translate(_FULL_WIDTH)
    end = _head_end(folded)
    return folded if folded[:end] != text[:end] else text


def _refanged(text: str) -> str:
    """The text with `hxxp`, `[.]` and the like undone, if scheme or host was written so.

    A path alone is left as it stands: `[.]` may be part of it.
    """
    scheme = _BROKEN_SCHEME.match(text)
    head = text[: _head_end(text) + 2]
    if _DEFANG.search(head) or (scheme and scheme[0].lower() not in WEB_SCHEMES):
        text = _DEFANG.sub(lambda found: "." if found["dot"] else found["mark"][1:-1], text)
    if found := _BROKEN_SCHEME.match(text):
        text = f"http{found[1].lower()}{text[found.end() :]}"
    text = _NO_COLON.sub(r"\1://", text, count=1) if _NO_COLON.match(text) else text
    return text[found.end() :] if (found := _TWICE.match(text)) else text


def _with_scheme(text: str, schemes: Collection[str]) -> str:
    """The text with a scheme: `https` where none was written, `http` before port 80."""
    if text.startswith(("//", "\\\\")):
        return "https:" + text
    if bare := _BARE.fullmatch(text):
        if not is_known_name(bare["host"]):
            raise Invalid("no address: it has no scheme and no known top-level domain")
        return ("http://" if bare["port"] == "80" else "https://") + text
    if not (found := _SCHEME.match(text)):
        raise Invalid("no address")
    scheme = found[1].lower()
    if scheme == "view-source":
        return _with_scheme(text[found.end() :].lstrip(), schemes)
    if scheme in WEB_SCHEMES:
        return f"{scheme}:{_AFTER_SLASHES.sub('', text[found.end() :], count=1)}"
    if scheme in schemes:
        return f"{scheme}:{text[found.end() :]}"
    raise Invalid(f"{scheme}: names no place that can be removed" if "." not in scheme else "no address")


def is_known_name(host: str) -> bool:
    """Whether a text without a scheme can be a host: a known ending, or four numbers."""
    ending = host.rstrip(".").rpartition(".")[2].lower()
    if not ending.isascii() or ending.startswith("xn--") or ending in _OPEN_NAMES:
        return True
    return ending in _endings() or bool(_DOTTED_NUMBERS.fullmatch(host))


@cache
def _endings() -> frozenset[str]:
    """The top-level domains of the public suffix list."""
    lines = Path(PSLFILE).read_text(encoding="utf-8").splitlines()
    rules = (line.split(" ", 1)[0] for line in lines if line and not line.startswith("//"))
    return frozenset(rule.rpartition(".")[2].lower() for rule in rules)
