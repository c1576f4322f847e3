"""Addresses a page names: in its links, its players, its text, and in what the browser wrote when it was saved.

Source: HTML Standard, sections 2.4 (resolving against a base) and 4.2.3; the `saved from url` comment that browsers
write at the top of a page they save.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import ada_url
from selectolax.lexbor import LexborHTMLParser, LexborNode

from staydown.core.errors import Invalid
from staydown.reason.prose import addresses_in, looks_like_one

MAX_DEPTH = 1_500
"""Elements within elements; a parser's time grows with the square of it, and no page needs more."""
_TAG = re.compile(r"<(/?)([a-z][a-z0-9-]{0,40})([^<>]*+)", re.IGNORECASE)
_END_THEMSELVES = frozenset(
    {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
        "p", "li", "dt", "dd", "option", "tr", "td", "th", "thead", "tbody", "tfoot",
    }
)  # fmt: skip
_DRAWN = frozenset(
    {
        "path", "circle", "rect", "use", "g", "line", "polygon", "polyline", "ellipse", "stop", "image", "text", "tspan",
        "lineargradient", "radialgradient", "clippath", "mask", "defs", "symbol", "filter", "animate", "animatetransform",
        "feflood", "fegaussianblur", "feoffset", "feblend", "fecolormatrix", "fecomposite", "femerge", "femergenode",
    }
)  # fmt: skip
"""Elements of a drawing: there, and only there, a slash at its end ends an element."""
_SAVED = re.compile(r"<!--\s*saved from url=\(\d{1,5}\)(\S{1,4000}?)\s*-->")
_LINKS = (
    ("a", "href"),
    ("area", "href"),
    ("iframe", "src"),
    ("video", "src"),
    ("audio", "src"),
    ("source", "src"),
    ("embed", "src"),
)
_OWN = (('link[rel="canonical"]', "href"), ('meta[property="og:url"]', "content"))
_WEB = re.compile(r"(?:https?|tg|matrix):", re.IGNORECASE)


def is_too_deep(page: str) -> bool:
    """Whether elements stand within elements so deep that a parser takes for ever."""
    depth, is_drawing = 0, False
    for found in _TAG.finditer(page):
        ends, name, rest = found[1], found[2].lower(), found[3]
        is_drawing = not ends if name == "svg" else is_drawing and name in _DRAWN
        if name in _END_THEMSELVES or (is_drawing and rest.endswith("/")):
            continue
        depth = max(depth - 1, 0) if ends else depth + 1
        if depth > MAX_DEPTH:
            return True
    return False


def addresses_on(page: str) -> Iterator[tuple[str, str]]:
    """The addresses of a page, each once, with the words that stand at it; its own address first.

    Links within the page, to scripts, pictures and styles are left out: a page has hundreds of those.

    Raises:
        Invalid: It cannot be read as a page.
    """
    if is_too_deep(page):
        raise Invalid(
            "the page's elements lie too deep in each other", hint="Save it as text, or copy its links."
        )
    try:
        tree = LexborHTMLParser(page)
    except (ValueError, RuntimeError, UnicodeError) as error:
        raise Invalid(f"no page that can be read: {error}"[:200]) from error
    own = _own(tree, page)
    base = next((node.attributes.get("href") or "" for node in tree.css("base[href]")), "") or own
    met = {own} if own else set()
    if own:
        yield own, "the page itself"
    for address, words in (*_linked(tree, base), *((one, "") for one in _written(tree))):
        if address not in met:
            met.add(address)
            yield address, words


def _own(tree: LexborHTMLParser, page: str) -> str:
    """Where a page says it was, or nothing."""
    if (saved := _SAVED.search(page[:5000])) and _WEB.match(saved[1]):
        return saved[1]
    for selector, attribute in _OWN:
        for node in tree.css(selector):
            value = (node.attributes.get(attribute) or "").strip()
            if _WEB.match(value):
                return value
    return ""


def _linked(tree: LexborHTMLParser, base: str) -> Iterator[tuple[str, str]]:
    for tag, attribute in _LINKS:
        for node in tree.css(f"{tag}[{attribute}]"):
            value = (node.attributes.get(attribute) or "").strip()
            if value and not value.startswith("#") and (address := _joined(value, base)):
                yield address, " ".join(_words(node).split())[:200]


def _joined(value: str, base: str) -> str:
    """A link as an absolute address, or nothing where it leads to no place of its own."""
    if _WEB.match(value):
        return value
    if not base or re.match(r"[a-z][a-z0-9+.-]*:", value, re.IGNORECASE):
        return value if looks_like_one(value) and not value.startswith("/") and ":" not in value else ""
    try:
        address = ada_url.URL(value, base=base)
    except ValueError:
        return ""
    return "" if address.href.partition("#")[0] == base.partition("#")[0] else address.href


def _words(node: LexborNode) -> str:
    return node.text(deep=True, separator=" ") or ""


def _written(tree: LexborHTMLParser) -> Iterator[str]:
    """Addresses in the text that a reader sees."""
    tree.strip_tags(["script", "style", "noscript", "template"])
    body = tree.body
    if body is not None:
        for line in body.text(deep=True, separator="\n").splitlines():
            yield from addresses_in(line)
