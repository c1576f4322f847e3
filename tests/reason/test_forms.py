"""Joining the paths of many forms in one expression changes no answer."""

from __future__ import annotations

import pytest

from staydown.core.item import Identity
from staydown.reason.canon import Rooms
from staydown.reason.forms import OFTEN
from staydown.reason.roomfile import room_from
from staydown.registry import load_rooms


def test_every_example_has_the_same_key_the_first_time_and_after_many() -> None:
    examples = [
        raw
        for room in load_rooms()
        for several in (room.examples, *(pattern.examples for pattern in room.patterns))
        for raw in several
    ]
    fresh = [load_rooms_once().identify(raw) for raw in examples]
    worn = load_rooms_once()
    for raw in examples:
        for _ in range(OFTEN + 2):
            worn.identify(raw)
    assert [worn.identify(raw) for raw in examples] == fresh
    assert len(examples) > 300


ROOMS = tuple(load_rooms())


def load_rooms_once() -> Rooms:
    """Rooms of which no address was asked yet."""
    return Rooms(ROOMS)


@pytest.mark.parametrize(
    "path", [r"/(?P<a>x+)-(?P=a)", r"/(x+)-\1(?P<a>y?)", r"/(?P<a>z)?(?(a)q|w)", r"(?i)/(?P<a>V)"]
)
def test_what_cannot_be_joined_is_tried_one_by_one(path: str) -> None:
    def pattern(path: str, space: str) -> dict[str, object]:
        return {
            "path": path,
            "kind": "page",
            "space": space,
            "id": "{a}",
            "address": "https://made-up.example/{a}",
        }

    fields = {
        "name": "made-up",
        "title": "Made up",
        "hosts": ["made-up.example"],
        "patterns": [pattern(path, "odd"), pattern("/(?P<a>[a-z-]+)", "even")],
    }
    rooms = Rooms([room_from(fields, "made_up/provider.toml")])
    asked = [
        "https://made-up.example/xx-xx",
        "https://made-up.example/zq",
        "https://made-up.example/v",
        "https://made-up.example/other",
    ]
    first = [found.key if isinstance(found := rooms.identify(raw), Identity) else None for raw in asked]
    for _ in range(OFTEN * 2):
        again = [found.key if isinstance(found := rooms.identify(raw), Identity) else None for raw in asked]
        assert again == first
    assert any(key and ":odd:" in key for key in first)
