"""The contract of every provider room, ours and a stranger's."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from staydown import registry
from staydown.core.check import Sight
from staydown.core.errors import Invalid
from staydown.core.item import Identity
from staydown.reason.rooms import Pattern, Room
from staydown.reason.web import COMMON_SIGNS
from staydown.registry import load_rooms, plugs, read_room

ROOMS = load_rooms()
PATTERNS = [(room, pattern) for room in ROOMS for pattern in room.patterns]
EXAMPLES = [
    (raw, expected) for room in ROOMS for examples in (room.examples, *(p.examples for p in room.patterns)) for raw, expected in examples.items()
]  # fmt: skip


@pytest.mark.parametrize(("raw", "expected"), EXAMPLES)
def test_an_example_gives_its_key_and_its_address_gives_it_again(raw: str, expected: str) -> None:
    found = ROOMS.identify(raw)
    assert isinstance(found, Identity), found
    assert found.key == expected
    again = ROOMS.identify(found.address)
    assert isinstance(again, Identity)
    assert again.key == expected


@pytest.mark.parametrize(
    ("room", "pattern"), PATTERNS, ids=lambda one: getattr(one, "name", None) or one.path.pattern
)
def test_every_pattern_shows_an_example_that_needs_it(room: Room, pattern: Pattern) -> None:
    assert pattern.examples, f"{room.name}: {pattern.path.pattern} has no example"
    for raw in pattern.examples:
        found = ROOMS.identify(raw)
        assert isinstance(found, Identity)
        if not pattern.target:
            assert found.provider == room.name
            assert (found.kind, found.key.split(":")[1]) == (pattern.kind, pattern.space)


@pytest.mark.parametrize("room", [room for room in ROOMS if room.name != "web"], ids=lambda room: room.name)
def test_a_look_alike_host_is_never_the_provider(room: Room) -> None:
    for host in room.hosts:
        for alike in (f"{host}.page.example", f"x-{host}", f"page.example/{host}"):
            for pattern in room.patterns:
                if pattern.anywhere:  # of software that anybody may run
                    continue
                for raw in list(pattern.examples)[:1]:
                    path = raw.partition("//")[2].partition("/")[2]
                    found = ROOMS.identify(f"https://{alike}/{path}")
                    if isinstance(found, Identity):
                        assert found.provider != room.name or alike.startswith("x-")


REAL = [room for room in ROOMS if not room.exercise and room.name not in {"web", "redirectors"}]


@pytest.mark.parametrize("room", REAL, ids=lambda room: room.name)
def test_a_real_room_says_what_can_be_put_to_it_and_since_when_we_know(room: Room) -> None:
    assert room.instruments, f"{room.name}: which instruments fit?"
    if room.contacts or room.establishment or room.representative:
        assert all((room.looked_up, room.source)), f"{room.name}: public facts carry their source and day"
    for contact in room.contacts:
        assert all((contact.looked_up, contact.source)), (
            f"{room.name}: {contact.address} carries no source and day"
        )
        assert contact.instruments <= {fit.value for fit in room.instruments}


@pytest.mark.parametrize("room", REAL, ids=lambda room: room.name)
def test_every_sign_fits_its_own_example(room: Room) -> None:
    for sign in room.signs[: len(room.signs) - len(COMMON_SIGNS)]:
        for expression in filter(None, (sign.body, sign.lands_on)):
            assert sign.example, f"{room.name}: {sign.reason!r} shows no example"
            assert expression.search(sign.example), f"{room.name}: {sign.reason!r} does not fit its example"


@pytest.mark.parametrize("room", list(ROOMS), ids=lambda room: room.name)
def test_every_room_says_gone_when_the_server_does(room: Room) -> None:
    assert any(404 in sign.status and sign.sight is Sight.OFFLINE for sign in room.signs)
    if not room.exercise:  # a simulated provider may well lie
        assert not any(sign.sight is Sight.OFFLINE and set(sign.status) & set(range(500, 600)) for sign in room.signs)  # fmt: skip


def test_telegram_and_the_others_are_there() -> None:
    names = {room.name for room in ROOMS}
    assert {"web", "telegram", "x", "youtube", "facebook", "instagram", "tiktok", "flock"} <= names


GOOD = 'name = "made-up"\ntitle = "Made up"\nhosts = ["made-up.example"]\n'
PATTERN = (
    '[[patterns]]\npath = \'/(?P<a>x)\'\nkind = "page"\nid = "{a}"\naddress = "https://made-up.example/{a}"\n'
)
BROKEN = {
    "nmae = 'x'": "Did you mean 'name'",
    "name = ": "no TOML",
    'name = "Made Up"\ntitle = "x"': "name is 'Made Up'",
    'name = "x"': "title is missing",
    GOOD + "exercise = 1": "exercise is neither",
    GOOD + 'languages = "nl"': "languages is not a list",
    GOOD + 'establishment = "ie"': "establishment",
    GOOD + "tracking = [1]": "tracking is not a list",
    GOOD.replace("made-up.example", "Made-Up.example:80"): "hosts holds",
    GOOD + PATTERN.replace("path", "pth"): "patterns 1: unknown field 'pth'",
    GOOD + PATTERN.replace("(?P<a>x)", "("): "patterns 1: path is no regular expression",
    GOOD + PATTERN.replace('"page"', '"pages"'): "kind is 'pages'",
    GOOD + PATTERN.replace('id = "{a}"', 'id = "{b}"'): "speaks of 'b'",
    GOOD + PATTERN.replace('id = "{a}"', 'id = "{"'): "id is no template",
    GOOD + PATTERN + 'fold = ["b"]': "fold speaks of 'b'",
    GOOD + PATTERN.replace('address = "https://made-up.example/{a}"', ""): "address is missing",
    GOOD + "[[patterns]]\nkind = 'page'": "path is missing",
    GOOD + "[patterns]\npath = '/'": "write [[patterns]]",
    GOOD + "[[signs]]\nsight = 'gone'\nreason = 'x'\nstatus = [404]": "sight is 'gone'",
    GOOD + "[[signs]]\nsight = 'offline'\nreason = 'x'": "would always fit",
    GOOD + "[[signs]]\nsight = 'offline'\nreason = 'x'\nstatus = ['404']": "status is not a list",
    GOOD + "[marks]\nname = 'h1 ~ ('": "marks name is no regular expression",
    GOOD + "[marks]\nname = 'h1 ~ x'": "has no single group",
    GOOD + PATTERN + 'turn = { a = "base99" }': "turn holds a word",
    GOOD + 'instruments = ["letter"]': "instruments holds a word",
    GOOD + 'anywhere = ["x"]': "anywhere holds what is no beginning",
    GOOD + 'looked_up = "yesterday"': "looked_up is 'yesterday'",
    GOOD + "[marks]\nnmae = 'h1'": "Did you mean 'name'",
    GOOD + "[[contacts]]\ncourier = 'mail'\naddress = 'a@made-up.example'": "instruments is missing",
}


@pytest.mark.parametrize(("text", "message"), BROKEN.items())
def test_a_malformed_room_is_named_with_its_field(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "made_up" / "provider.toml"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Invalid) as caught:
        read_room(file)
    assert message in f"{caught.value} {caught.value.hint}"
    assert "made_up/provider.toml" in str(caught.value)


def test_a_strangers_room_is_found_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "stranger_room"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "provider.toml").write_text(GOOD + PATTERN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint(name="made-up", value="stranger_room", group="staydown.providers")
    monkeypatch.setattr(
        registry, "entry_points", lambda group: [point] if group == "staydown.providers" else []
    )
    found = load_rooms().identify("http://made-up.example/x")
    assert isinstance(found, Identity)
    assert found.key == "made-up:page:x"


def test_two_plugs_of_one_name_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint(name="csv", value=value, group="staydown.importers") for value in ("a:B", "c:D")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    with pytest.raises(Invalid, match="taken twice"):
        plugs("importers")


def test_a_plug_that_does_not_load_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint(name="nix", value="no_such_module_here:X", group="staydown.probes")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    with pytest.raises(Invalid, match=r"staydown\.probes:nix does not load"):
        plugs("probes")


def test_an_unknown_sort_of_plug_names_the_nearest() -> None:
    with pytest.raises(Invalid) as caught:
        plugs("importer")
    assert "importers" in caught.value.hint
