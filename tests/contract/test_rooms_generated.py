"""What must hold for every address that any room's patterns allow, not only for the examples beside them."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staydown.core.item import Identity
from staydown.reason.escapes import folded
from staydown.reason.forms import _TURNS
from staydown.reason.rooms import Pattern, Room
from staydown.registry import load_rooms

ROOMS = load_rooms()
WITH_PATTERNS = [room for room in ROOMS if room.patterns]
LETTERS = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
PLAIN = re.compile(r"[A-Za-z0-9/_.+=@$!:~-]*")
EXAMPLES = int(os.environ.get("STAYDOWN_EXAMPLES", "8"))
"""For each room and each rule; more are tried by hand."""
QUIET = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip


def matching(expression: re.Pattern[str]) -> st.SearchStrategy[str]:
    """Texts that an expression matches wholly, of letters that stand in addresses as they are, and not long."""
    return st.from_regex(expression, fullmatch=True, alphabet=LETTERS).filter(
        lambda text: len(text) < 300 and "//" not in text and PLAIN.fullmatch(text) is not None
    )


def hosts_of(room: Room, pattern: Pattern) -> st.SearchStrategy[str]:
    """Hosts on which a pattern may be met."""
    if pattern.host is not None:
        return matching(pattern.host)
    if pattern.anywhere and not room.hosts:
        return st.sampled_from(["made-up.example", "board.page.example"])
    names = sorted(pattern.hosts or room.hosts)
    return st.sampled_from([f"made-up{name[1:]}" if name.startswith("*.") else name for name in names])


@st.composite
def addresses(draw: st.DrawFn, room: Room, pattern: Pattern | None = None) -> tuple[Pattern, str]:
    """A pattern of a room (or the one given), and an address it allows."""
    if pattern is None:
        pattern = draw(st.sampled_from([one for one in room.patterns if not one.target and not one.wraps]))
    path = draw(matching(pattern.path))
    query = "&".join(
        f"{quote(name, safe='')}={quote(draw(matching(one)), safe='')}" for name, one in pattern.query.items()
    )
    fragment = draw(matching(pattern.fragment)) if pattern.fragment else ""
    start = f"{pattern.scheme}:/" if pattern.scheme else f"https://{draw(hosts_of(room, pattern))}"
    return pattern, f"{start}{path}{'?' if query else ''}{query}{'#' if fragment else ''}{fragment}"


def having_some(room: Room) -> bool:
    """Whether a room has patterns of its own things: redirectors have none."""
    return any(not one.target and not one.wraps for one in room.patterns)


OWN = [room for room in WITH_PATTERNS if having_some(room)]


@pytest.mark.parametrize("room", OWN, ids=lambda room: room.name)
def test_an_address_leads_to_its_key_again(room: Room) -> None:
    @given(addresses(room))
    @QUIET
    def holds(sample: tuple[Pattern, str]) -> None:
        _, raw = sample
        found = ROOMS.identify(raw)
        if not isinstance(found, Identity):
            return
        again = ROOMS.identify(found.address)
        assert isinstance(again, Identity), (raw, found.address, again)
        assert again.key == found.key, (raw, found.address)
        assert (again.kind, again.provider, again.container is None or found.container is None or again.container == found.container) == (
            found.kind, found.provider, True,
        ), (raw, found.address)  # fmt: skip

    holds()


@pytest.mark.parametrize("room", OWN, ids=lambda room: room.name)
def test_every_spelling_gives_one_key(room: Room) -> None:
    @given(
        addresses(room),
        st.sampled_from(["http", "upper", "port", "dot", "defanged", "tracked", "quoted", "bare"]),
    )
    @QUIET
    def holds(sample: tuple[Pattern, str], how: str) -> None:
        pattern, raw = sample
        found = ROOMS.identify(raw)
        if pattern.scheme or not isinstance(found, Identity) or found.provider != room.name:
            return
        host, slash, rest = raw.removeprefix("https://").partition("/")
        spelled = {
            "http": f"http://{host}{slash}{rest}",
            "upper": f"HTTPS://{host.upper()}{slash}{rest}",
            "port": f"https://{host}:443{slash}{rest}",
            "dot": f"https://{host}.{slash}{rest}",
            "defanged": f"hxxps[:]//{host.replace('.', '[.]')}{slash}{rest}",
            "tracked": _tracked(raw),
            "quoted": f"«{raw}»",
            "bare": f"{host}{slash}{rest}",
        }[how]
        again = ROOMS.identify(spelled)
        assert isinstance(again, Identity), (raw, spelled, again)
        assert again.key == found.key, (raw, spelled)

    holds()


def _tracked(raw: str) -> str:
    """The address with a parameter that says where it was clicked."""
    head, mark, fragment = raw.partition("#")
    return f"{head}{'&' if '?' in head else '?'}utm_source=made_up{mark}{fragment}"


@pytest.mark.parametrize("room", OWN, ids=lambda room: room.name)
def test_no_two_things_share_a_key(room: Room) -> None:
    """Where two addresses of one form differ in a part that is identity, their keys differ."""

    @given(st.data())
    @QUIET
    def holds(data: st.DataObject) -> None:
        pattern, first = data.draw(addresses(room))
        _, second = data.draw(addresses(room, pattern))
        one, two = ROOMS.identify(first), ROOMS.identify(second)
        if not (isinstance(one, Identity) and isinstance(two, Identity)):
            return
        mine, theirs = _parts(pattern, first), _parts(pattern, second)
        if mine is None or theirs is None or mine == theirs:
            return
        assert one.key != two.key, (first, second, pattern.id)

    holds()


def _parts(pattern: Pattern, raw: str) -> dict[str, str] | None:
    """The parts of an address that stand in its id, folded and turned as the room says; None where unsure."""
    path = (
        re.sub(r"^(?:https?://[^/]*|[a-z0-9.]+:)", "", raw).partition("#")[0].partition("?")[0].rstrip("/")
        or "/"
    )
    if (found := pattern.path.fullmatch(path)) is None:
        return None
    used = set(re.findall(r"\{(\w+)\}", pattern.id))
    parts = {name: value for name, value in found.groupdict().items() if value is not None and name in used}
    for name in parts.keys() & pattern.fold:
        parts[name] = folded(parts[name])
    for name in parts.keys() & set(pattern.turn):
        parts[name] = _TURNS[pattern.turn[name]](parts[name])
    return parts or None
