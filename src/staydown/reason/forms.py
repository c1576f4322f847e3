"""Trying the forms of one room against a parsed address.

A form is a `Pattern` made ready: with the letters its path must start with, and whether it reads an
address that stands inside the path.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus
from uuid import UUID

from staydown.reason.escapes import folded, plain_path
from staydown.reason.rooms import Pattern, Room, Turn

_LITERAL = re.compile(r"(?:[A-Za-z0-9/_@=-]|\\[./+-])*")
_DOUBLE = re.compile(r"/{2,}")


class Parts:
    """A parsed address as rooms look at it.

    Attributes:
        path: Settled, with its leading slash.
        query: Settled, without the question mark.
        fragment: Without the `#`.
        scheme: A scheme of the provider's own.
        trimmed: The path without slashes that mean nothing and without needless escapes.
        whole: Path and query as one text, for addresses inside an address.
    """

    __slots__ = ("_parameters", "fragment", "host", "path", "query", "scheme", "trimmed", "whole")

    def __init__(
        self, host: str, path: str, query: str, fragment: str = "", scheme: str | None = None
    ) -> None:
        self.host, self.path, self.query, self.fragment, self.scheme = host, path, query, fragment, scheme
        trimmed = plain_path(path)
        if "//" in trimmed:
            trimmed = _DOUBLE.sub("/", trimmed)
        self.trimmed = trimmed.rstrip("/") or "/"
        self.whole = f"{path}?{query}" if query else path
        self._parameters: dict[str, str] | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """The query's parameters, decoded; of a repeated one the first."""
        if self._parameters is None:
            self._parameters = found = {}
            for piece in self.query.split("&"):
                name, _, value = piece.partition("=")
                if piece and (name := _unquoted(name)) not in found:
                    found[name] = _unquoted(value)
        return self._parameters


def _unquoted(text: str) -> str:
    """A name or value of a query, decoded as forms are."""
    return unquote_plus(text, errors="replace") if "%" in text or "+" in text else text


@dataclass(frozen=True, slots=True)
class Form:
    """A pattern made ready."""

    pattern: Pattern
    starts: str
    reads_inside: bool
    is_path_only: bool  #: whether the path alone decides
    wants_query: bool
    wants_fragment: bool

    def may_fit(self, parts: Parts) -> bool:
        """Whether the path begins as it has to."""
        return (parts.whole if self.reads_inside else parts.trimmed).startswith(self.starts)

    def groups(self, parts: Parts) -> dict[str, str] | None:
        """The named groups of an address that has this form, folded as the room says, or None."""
        pattern = self.pattern
        if pattern.hosts and parts.host not in pattern.hosts:
            return None
        for name in pattern.query:  # how most forms with a query fail
            if name not in parts.parameters:
                return None
        if not (found := pattern.path.fullmatch(parts.whole if self.reads_inside else parts.trimmed)):
            return None
        groups: dict[str, str] = found.groupdict()
        if None in groups.values():
            groups = {name: value for name, value in groups.items() if value is not None}
        if not self.is_path_only and not _read_rest(pattern, parts, groups):
            return None
        for name in pattern.fold:
            if name in groups:
                groups[name] = folded(groups[name])
        for name, words in pattern.except_.items():
            if groups.get(name, "").lower() in words:
                return None
        for name, turn in pattern.turn.items():
            if name in groups:
                groups[name] = _TURNS[turn](groups[name])
        return groups


def _read_rest(pattern: Pattern, parts: Parts, groups: dict[str, str]) -> bool:
    """Whether host, query and fragment fit as well; adds their groups. All parameters of the query are there."""
    rest = [
        (pattern.host, parts.host),
        (pattern.fragment, parts.fragment),
        (pattern.whole_query, parts.query),
    ]
    for name, expression in pattern.query.items():
        rest.append((expression, parts.parameters[name]))
    for at, (wanted, text) in enumerate(rest):
        if wanted is None:
            continue
        if not (found := wanted.fullmatch(text)):
            return False
        for name, value in found.groupdict().items():
            if value is not None:
                is_decoded = at >= _WRITTEN and name not in (pattern.target, pattern.wraps)
                groups[name] = quote(value, safe=_MAY_STAND) if is_decoded else value
    return True


_WRITTEN = 3
"""The first parts of an address are as they were written; behind them come parameters, which were decoded."""
_MAY_STAND = "-._~!$&'()*+,;=:@/"


def forms_of(room: Room, *, is_guest: bool, parts: Parts) -> tuple[Form, ...]:
    """The forms of a room that addresses like this one may have, in the order in which they are tried.

    Args:
        is_guest: On a host that no room claims: those forms alone that fit anywhere.
        parts: Tells scheme, host (where the room has it exactly), and whether there is a query and a fragment.
    """
    is_own_host = parts.host in room.hosts
    made = (
        _form(pattern)
        for pattern in room.patterns
        if pattern.scheme == parts.scheme
        and (pattern.anywhere or not is_guest)
        and not (is_own_host and pattern.hosts and parts.host not in pattern.hosts)
    )
    return tuple(
        form
        for form in made
        if (parts.query or not form.wants_query) and (parts.fragment or not form.wants_fragment)
    )


class Choice:
    """The forms that addresses of one sort may have, and a quick way to those that fit.

    Once it was asked often enough, the paths of all forms are joined in one expression, which says at one go the
    first whose path fits; and the same for the forms behind each of those that did not fit in the end.
    """

    __slots__ = ("_asked", "_forms", "_inside", "_joined", "_joins")

    def __init__(self, forms: tuple[Form, ...]) -> None:
        self._forms = forms
        self._inside = any(form.reads_inside for form in forms)
        self._joins = len(forms) > 1 and not any(
            _JOINS_BADLY.search(form.pattern.path.pattern) for form in forms
        )
        self._asked = 0
        self._joined: dict[int, re.Pattern[str]] = {}

    def fitting(self, parts: Parts) -> Iterator[Form]:
        """The forms whose path fits, and those that read an inner address, in their order."""
        self._asked += 1
        if not self._joins or self._asked <= OFTEN:
            yield from (form for form in self._forms if form.may_fit(parts))
            return
        at, last = 0, len(self._forms)
        while at < last:
            found = self._from(at).fullmatch(parts.trimmed)
            following = int(found.lastgroup[1:]) if found and found.lastgroup else last
            if self._inside:
                yield from (form for form in self._forms[at:following] if form.reads_inside)
            if following < last:
                yield self._forms[following]
            at = following + 1

    def _from(self, at: int) -> re.Pattern[str]:
        """One expression for the paths of the forms from a place on."""
        if (expression := self._joined.get(at)) is None:
            expression = self._joined[at] = _joined(self._forms, at)
        return expression


OFTEN = 64
"""After so many questions one joined expression is worth its making."""
_NEVER = r"(?!)"
_NAMED = re.compile(r"\(\?P<\w+>")
_JOINS_BADLY = re.compile(r"\\[1-9]|\(\?(?:P=|\(|[aiLmsux])")
"""What means something else, or nothing, inside a longer expression: references back, conditions, flags for all."""


def joined(paths: Iterable[str]) -> re.Pattern[str]:
    """One expression for paths that one of several matches; of a path that cannot be joined, one that matches all."""
    return re.compile(
        "|".join(f"(?:{'.*' if _JOINS_BADLY.search(one) else _NAMED.sub('(?:', one)})" for one in paths)
    )


def _joined(forms: tuple[Form, ...], start: int) -> re.Pattern[str]:
    """One expression whose group `f3` takes part where the path of the fourth form is the first from `start` that fits."""
    paths = (
        f"(?P<f{at}>{_NAMED.sub('(?:', form.pattern.path.pattern)})"
        for at, form in enumerate(forms)
        if at >= start and not form.reads_inside
    )
    return re.compile("|".join(paths) or _NEVER)


def _form(pattern: Pattern) -> Form:
    inside = {name for name in (pattern.target, pattern.wraps) if name}
    return Form(
        pattern=pattern,
        starts=literal_start(pattern.path.pattern),
        reads_inside=bool(inside & set(pattern.path.groupindex)),
        is_path_only=not (pattern.host or pattern.fragment or pattern.whole_query or pattern.query),
        wants_query=bool(pattern.query)
        or (pattern.whole_query is not None and pattern.whole_query.fullmatch("") is None),
        wants_fragment=pattern.fragment is not None and pattern.fragment.fullmatch("") is None,
    )


def literal_start(expression: str) -> str:
    """The letters with which everything an expression matches begins."""
    depth = 0
    for mark in re.sub(r"\\.|\[[^\]]*\]", "", expression):
        depth += (mark == "(") - (mark == ")")
        if mark == "|" and depth == 0:
            return ""
    found = _LITERAL.match(expression)
    text = found[0] if found else ""
    if expression[len(text) : len(text) + 1] in {"?", "*", "{", "+"}:
        text = re.sub(r"\\?.$", "", text)
    return text.replace("\\", "")


_BASE58 = {
    mark: value for value, mark in enumerate("123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ")
}


def _as_uuid(text: str) -> str:
    """A UUID with hyphens from its short form in Flickr's base 58, or from hex digits; what is neither stays."""
    digits = text.replace("-", "").lower()
    if len(digits) == 32 and all(mark in "0123456789abcdef" for mark in digits):
        return str(UUID(digits))
    number = 0
    for mark in text:
        number = number * 58 + _BASE58.get(mark, 1 << 128)
    return str(UUID(int=number)) if number < 1 << 128 else text


_BASE62 = {
    mark: value for value, mark in enumerate("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
}


def _as_digits(text: str) -> str:
    """Digits from letters of base 62, of which every four from the end stand for seven digits; digits stay."""
    if text.isdigit():
        return text
    groups = [text[max(end - 4, 0) : end] for end in range(len(text), 0, -4)]
    numbers: list[int] = []
    for group in groups:
        number = 0
        for mark in group:
            number = number * 62 + _BASE62.get(mark, 10**8)
        numbers.append(number)
    if any(number >= 10**7 for number in numbers):
        return text
    return "".join(f"{number:07}" for number in reversed(numbers)).lstrip("0") or "0"


def _undotted(text: str) -> str:
    return text.replace(".", "")


def _from_base64(text: str) -> str:
    """The text that base 64 stands for; what stands for none stays."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return text


_TURNS: Mapping[Turn, Callable[[str], str]] = {
    Turn.BASE64: _from_base64,
    Turn.CAPITALS: str.upper,
    Turn.UUID: _as_uuid,
    Turn.SEVENS: _as_digits,
    Turn.UNDOTTED: _undotted,
}


def undashed(label: str) -> str:
    """The host a translation proxy wrote as one label: `-` was a dot, `--` a hyphen."""
    return label.replace("--", "/").replace("-", ".").replace("/", "-")


def fill(template: str, groups: dict[str, str]) -> str | None:
    """The template with its groups put in, or None where the address did not carry one of them."""
    try:
        return template.format_map(groups)
    except KeyError:
        return None
