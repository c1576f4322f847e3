"""One identity for every spelling of an address: the key under which sightings meet.

For plain web addresses identity is the host
(`www.` included), the port, the path with its case and trailing slash, and the query with its order;
never the scheme, the case of the host, default ports, fragments or tracking parameters. Providers say
in their rooms which parts of their addresses count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from urllib.parse import unquote

import can_ada

from staydown.core.errors import Invalid, NotFound, Outside
from staydown.core.ids import ItemKey
from staydown.core.item import Identity, ItemKind, Refusal
from staydown.reason import spelling
from staydown.reason.escapes import settled, tidied
from staydown.reason.forms import Choice, Form, Parts, fill, forms_of, joined, literal_start, undashed
from staydown.reason.hosts import INNER_NAMES, why_not_public
from staydown.reason.rooms import Door, Room, door_of
from staydown.reason.tracking import without_tracking
from staydown.reason.web import WEB

RULES = 2
"""Counts the changes of these rules that alter keys. Whoever raises it writes a fragment of the changelog that says so;
the store's keys are brought up to date by `staydown rekey`. The keys are pinned by `tests/reason/keys.jsonl`."""

MAX_DEPTH = 8
"""How many redirectors or archives may stand around one address."""

MAX_KEY = 1024
"""Longer keys are cut and closed with a hash: databases index keys, and indexes have limits."""

# What a browser's address line gives: nothing to take away, so nothing to look for.
_CLEAN = re.compile(r"https?://(?!https?:)[!$%&*+,\-./0-9:;=?@A-Z_a-z~#|^]+")
# An address in which a parser has nothing to do: small host, no port, no escape, no dot segment.
_PLAIN = re.compile(
    r"(https?:)//((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63})"
    r"((?:/(?!\.)[A-Za-z0-9\-._~!$&()*+,;=:@]*)*)(?:\?([A-Za-z0-9\-._~!$&()*+,;=:@/?]*))?"
)
_ESCAPED_SCHEME = re.compile(r"(?:[a-z]+%3A|[^/?]*%2F)", re.IGNORECASE)
# What every host may have for machines: never a provider's account or page.
_EVERYWHERE = frozenset(
    f"/{name}"
    for name in (
        "robots.txt", "favicon.ico", "sitemap.xml", "ads.txt", "app-ads.txt", "humans.txt", "security.txt", "crossdomain.xml",
        "browserconfig.xml", "manifest.json", "site.webmanifest", "apple-app-site-association", "apple-touch-icon.png",
    )
)  # fmt: skip
_WEB_STARTS = ("https:", "http:")
_SHORT = 1000
"""A longer address may have a key that has to be cut."""
_LONG_WAY = INNER_NAMES | {"arpa"}
_USUAL_PORTS = frozenset({"", "80", "443"})  # a provider answers the same under either scheme
_ENDING = re.compile(r"(?:\\\.|[a-z0-9-])+$")

_HostPattern = tuple[re.Pattern[str], Door]


class _TooDeep(Invalid):
    """An address wrapped so often that nobody means it."""


class Rooms:
    """All provider rooms, and the one way to read an address; implements `ports.Catalogue`.

    Args:
        rooms: Rooms, or doors to rooms that are read when an address first leads there.

    Raises:
        Invalid: Two rooms have one name, one host or one scheme.
    """

    def __init__(self, rooms: Sequence[Room | Door] = ()) -> None:
        doors = [door_of(one) if isinstance(one, Room) else one for one in rooms]
        if WEB.name not in {door.name for door in doors}:
            doors.append(door_of(WEB))
        self._doors = _once(((door.name, door) for door in doors), "room")
        hosts = _once(((host, door) for door in doors for host in door.hosts), "host")
        self._hosts = {host: door for host, door in hosts.items() if not host.startswith("*.")}
        self._below = {host[2:]: door for host, door in hosts.items() if host.startswith("*.")}
        schemes = _once(((scheme, door) for door in doors for scheme in door.schemes), "scheme")
        self._schemes = {**dict.fromkeys(spelling.WEB_SCHEMES, self._doors[WEB.name]), **schemes}
        self._endings, self._patterns = _host_patterns(doors)
        self._starts = tuple(literal_start(expression.pattern) for expression, _ in self._patterns)
        self._anywhere = tuple((start, door) for door in doors for start in door.anywhere)
        self._anywhere_starts = tuple(start for start, _ in self._anywhere)
        self._entered: dict[str, Room] = {}
        self._guest_paths: re.Pattern[str] | None = None
        self._choices: dict[tuple[str, str | None, bool, str, bool, bool], Choice] = {}

    def __iter__(self) -> Iterator[Room]:
        return iter([self._enter(door) for door in self._doors.values()])

    def room(self, provider: str) -> Room:
        """The room of a provider.

        Raises:
            NotFound: No such room.
            Outside: Its file is malformed.
        """
        if door := self._doors.get(provider):
            return self._enter(door)
        raise NotFound(
            f"no provider is called {provider[:40]!r}", hint=f"Known: {', '.join(sorted(self._doors))}."
        )

    def _enter(self, door: Door) -> Room:
        """The room behind a door.

        Raises:
            Outside: Its file is malformed. No address is at fault, so it is none of the errors addresses meet.
        """
        room = self._entered.get(door.name)
        if room is None:
            try:
                room = self._entered[door.name] = door.enter()
            except Invalid as error:
                raise Outside(str(error), hint=error.hint, permanent=True) from error
        return room

    def identify(self, raw: str) -> Identity | Refusal:
        """Read one address; never raises on text of any kind.

        Raises:
            Outside: The file of the room it leads to is malformed.
        """
        try:
            if len(raw) < _SHORT and (plain := _PLAIN.fullmatch(raw)):
                scheme, host, path, query = plain.groups()
                if query and "&amp;" in query:
                    return self._read(raw, raw, 0)
                if door := self._hosts.get(host):
                    parts = Parts(host, path or "/", query or "")
                    return self._at(self._enter(door), parts, raw, scheme)
                if self._is_nobodys(host) and not (
                    path.startswith(self._anywhere_starts) and self._may_be_guests(path)
                ):
                    return _web(raw, scheme, host, path or "/", without_tracking(query) if query else "")
            return self._read(raw, raw, 0)
        except Invalid as error:
            return Refusal(raw=raw, reason=str(error))

    def _at(self, room: Room, parts: Parts, raw: str, scheme: str) -> Identity:
        """The identity of a plain address on a room's own host."""
        if identity := self._in_room(room, parts, raw, 0):
            return identity
        query = without_tracking(parts.query, room.tracking) if parts.query else ""
        tidy = tidied(parts.path, query)
        if tidy and (identity := self._in_room(room, Parts(parts.host, *tidy), raw, 0)):
            return identity
        return _web(raw, scheme, parts.host, parts.path, query)

    def _read(self, text: str, raw: str, depth: int) -> Identity:
        """The identity of `text`, which stood `depth` wrappers deep in `raw`.

        Raises:
            Invalid: It names no item; the message says why.
        """
        if depth > MAX_DEPTH:
            raise _TooDeep(f"wrapped more than {MAX_DEPTH} times")
        if len(text) > spelling.MAX_BYTES or not _CLEAN.fullmatch(text) or "&amp;" in text:
            text = spelling.absolute(text, self._schemes)
        if not text.startswith(_WEB_STARTS):
            word, _, rest = text.partition(":")
            return self._by_scheme(word, rest, raw, depth)
        url = _parsed(text)
        scheme = url.protocol
        if "@" in text and (url.username or url.password):
            raise Invalid("carries a user name before the host", hint="Give the address without it.")
        host = url.hostname
        if host[-1:] == ".":
            host = host[:-1]
        if reason := why_not_public(host):
            raise Invalid(reason)
        port, path, query = url.port, settled(url.pathname), settled(url.search[1:])
        room = self._room_at(host) if port in _USUAL_PORTS else None
        guests = () if room or not path.startswith(self._anywhere_starts) else self._guests(path)
        for one in (room,) if room else guests:
            is_guest = room is None
            fragment = url.hash[1:] if "#" in text else ""
            parts = Parts(host, path, query, fragment)
            if one.hashbang and fragment.startswith("!/"):
                inner, _, asked = fragment[1:].partition("?")
                if identity := self._in_room(one, Parts(host, settled(inner), settled(asked)), raw, depth):
                    return identity
            identity = self._in_room(one, parts, raw, depth, is_guest=is_guest)
            if identity is None and not text.isascii() and (twin := _narrow_path(text)):
                parts = Parts(host, settled(twin.pathname), settled(twin.search[1:]), twin.hash[1:])
                identity = self._in_room(one, parts, raw, depth, is_guest=is_guest)
            if identity is None and (tidy := tidied(path, without_tracking(query, one.tracking))):
                identity = self._in_room(one, Parts(host, *tidy), raw, depth, is_guest=is_guest)
            if identity is not None:
                return identity
        if query:
            query = without_tracking(query, room.tracking if room else ())
        return _web(raw, scheme, f"{host}:{port}" if port else host, path, query)

    def _is_nobodys(self, host: str) -> bool:
        """Whether a plain host is public and no room's, as most are; False sends it the long way."""
        top = host.rfind(".")
        return not (
            host in self._hosts
            or host[top + 1 :] in _LONG_WAY
            or host[host.rfind(".", 0, top) + 1 :] in self._endings
            or host.startswith(self._starts)
            or "xn--" in host
            or len(host) > 253
            or self._door_above(host) is not None
        )

    def _door_above(self, host: str) -> Door | None:
        """The door of the nearest `*.` host above, if there is one."""
        below, at = self._below, host.find(".")
        while at > 0:
            if door := below.get(host[at + 1 :]):
                return door
            at = host.find(".", at + 1)
        return None

    def _room_at(self, host: str) -> Room | None:
        if (door := self._hosts.get(host)) or (door := self._door_above(host)):
            return self._enter(door)
        cut = host.rfind(".", 0, host.rfind("."))
        for expression, door in (*self._endings.get(host[cut + 1 :], ()), *self._patterns):
            if expression.fullmatch(host):
                return self._enter(door)
        return None

    def _may_be_guests(self, path: str) -> bool:
        """Whether the path of an address on a host of nobody is one that some guest's form knows."""
        if self._guest_paths is None:
            rooms = {door.name: self._enter(door) for _, door in self._anywhere}
            paths = [one.path.pattern for room in rooms.values() for one in room.patterns if one.anywhere]
            self._guest_paths = joined(paths)
        trimmed = path.rstrip("/") or "/"
        return "//" in path or self._guest_paths.fullmatch(trimmed) is not None

    def _guests(self, path: str) -> tuple[Room, ...]:
        """The rooms of software many run that know paths which begin so."""
        doors = {door.name: door for start, door in self._anywhere if path.startswith(start)}
        return tuple(self._enter(door) for door in doors.values())

    def _by_scheme(self, scheme: str, rest: str, raw: str, depth: int) -> Identity:
        """Read an address in a provider's own scheme, such as `tg:`."""
        rest, _, fragment = rest.partition("#")
        path, _, query = rest.partition("?")
        room, path = self._enter(self._schemes[scheme]), "/" + settled(path.strip("/"))
        word, slash, behind = path.partition("/")[2].partition("/")
        spellings = (path, f"/{word.lower()}{slash}{behind}", path.lower())
        for one in dict.fromkeys(spellings):  # as written, then as forms of small letters want it
            parts = Parts("", one, settled(query), settled(fragment), scheme)
            if identity := self._in_room(room, parts, raw, depth):
                return identity
        raise Invalid(f"{scheme}: in no form that names an item")

    def _in_room(
        self, room: Room, parts: Parts, raw: str, depth: int, *, is_guest: bool = False
    ) -> Identity | None:
        """The identity by the room's first form that fits, or None; a guest has no hosts of its own here."""
        if parts.trimmed in _EVERYWHERE or parts.trimmed.startswith("/.well-known/"):
            return None
        known = (
            room.name, parts.scheme, is_guest, parts.host if parts.host in room.hosts else "",
            not parts.query, not parts.fragment,
        )  # fmt: skip
        choice = self._choices.get(known)
        if choice is None:
            choice = self._choices[known] = Choice(forms_of(room, is_guest=is_guest, parts=parts))
        for form in choice.fitting(parts):
            if (groups := form.groups(parts)) is None:
                continue
            pattern = form.pattern
            inner = None
            if wrapped := pattern.target or pattern.wraps:
                text = groups.get(wrapped, "")
                if pattern.is_dashed:
                    text = f"https://{undashed(text)}{parts.whole}"
                if pattern.target and form.reads_inside and "?" not in text and "%3F" in text:
                    text = unquote(text)  # whoever leads on writes the whole of it escaped
                if (inner := self._inside(text, raw, depth)) is None:
                    continue
                if pattern.target:
                    return inner
                groups |= {"wraps": inner.key, "wraps_address": inner.address}
            if identity := _shaped(room, form, groups, raw, inner):
                return identity
        return None

    def _inside(self, text: str, raw: str, depth: int) -> Identity | None:
        """The identity of an address inside another, or None where there is none to read."""
        if _ESCAPED_SCHEME.match(text):
            text = unquote(text, errors="replace")
        try:
            return self._read(text, raw, depth + 1)
        except _TooDeep:
            raise
        except Invalid:
            return None


def _shaped(
    room: Room, form: Form, groups: dict[str, str], raw: str, inner: Identity | None
) -> Identity | None:
    """The identity a form gives, or None where the address lacks a part the form needs."""
    pattern = form.pattern
    id_, address = fill(pattern.id, groups), fill(pattern.address, groups)
    if id_ is None or address is None:
        return None
    container = fill(pattern.container, groups) if pattern.container else None
    return Identity(
        raw=raw,
        key=_key(f"{room.name}:{pattern.space}:{id_}"),
        provider=room.name,
        kind=pattern.kind,
        address=_fitting(address),
        container=_key(f"{room.name}:{container}") if container else None,
        wraps=inner.key if inner else None,
        stable_id=groups.get(pattern.stable_id) if pattern.stable_id else None,
        resolves=pattern.resolves,
    )


def _web(raw: str, scheme: str, site: str, path: str, query: str) -> Identity:
    """The identity of a page or site that no provider's room claims."""
    if path == "/" and not query:
        key = ItemKey(f"web:site:{site}")
        return Identity(raw=raw, key=key, provider="web", kind=ItemKind.SITE, address=f"{scheme}//{site}/")
    place = f"{site}{path}?{query}" if query else site + path
    key, address = ItemKey(f"web:page:{place}"), f"{scheme}//{place}"
    if len(key) > MAX_KEY:
        key, address = _key(key), _fitting(address)
    return Identity(
        raw=raw,
        key=key,
        provider="web",
        kind=ItemKind.PAGE,
        address=address,
        container=ItemKey(f"web:site:{site}"),
    )


def _parsed(text: str) -> can_ada.URL:
    try:
        return can_ada.parse(text)
    except ValueError as error:
        raise Invalid("no valid address") from error


def _narrow_path(text: str) -> can_ada.URL | None:
    """The address with a full-width path in ASCII, if that changes it."""
    narrow = spelling.narrow(text)
    return _parsed(narrow) if narrow != text else None


def _key(text: str) -> ItemKey:
    if len(text) <= MAX_KEY:
        return ItemKey(text)
    return ItemKey(f"{text[: MAX_KEY - 80]}#sha256={sha256(text.encode()).hexdigest()}")


def _fitting(address: str) -> str:
    if len(address) > spelling.MAX_BYTES:
        raise Invalid(f"longer than {spelling.MAX_BYTES} bytes when written out")
    return address


def _once(pairs: Iterable[tuple[str, Door]], what: str) -> dict[str, Door]:
    """The pairs as a mapping.

    Raises:
        Invalid: A name stands twice.
    """
    once: dict[str, Door] = {}
    for name, door in pairs:
        if name in once:
            raise Invalid(
                f"the {what} {name!r} stands in two provider rooms ({once[name].title}; {door.title})",
                hint="Remove one of them, or take the name out of one.",
            )
        once[name] = door
    return once


def _host_patterns(doors: Iterable[Door]) -> tuple[dict[str, list[_HostPattern]], list[_HostPattern]]:
    """The doors' host patterns: by the last two labels of the host, and those that end in no fixed ones."""
    by_ending: dict[str, list[_HostPattern]] = {}
    anywhere: list[_HostPattern] = []
    for door in doors:
        for expression in door.host_patterns:
            found = _ENDING.search(expression.pattern)
            labels = found[0].replace("\\", "").split(".") if found else []
            is_fixed = len(labels) > 2 and "|" not in re.sub(r"\(.*?\)", "", expression.pattern)
            bucket = by_ending.setdefault(".".join(labels[-2:]), []) if is_fixed else anywhere
            bucket.append((expression, door))
    return by_ending, anywhere
