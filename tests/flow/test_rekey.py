"""A change of the rules of identity brings every item under its new key, and keeps every sighting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from staydown.core.ids import ItemId, ItemKey
from staydown.core.item import Identity, Refusal
from staydown.core.states import ItemState
from staydown.flow import names
from staydown.flow.rekey import Rekeyed, rekey
from staydown.reason.canon import Rooms
from staydown.reason.roomfile import room_from
from staydown.reason.rooms import Room
from staydown.registry import load_rooms
from support import ALICE, Desk

PLAIN = tuple(load_rooms())


def room(*, fold: bool) -> Room:
    """A provider whose names do, or do not, mind the case of letters."""
    pattern: dict[str, object] = {
        "path": "/u/(?P<name>[A-Za-z]+)",
        "kind": "account",
        "id": "{name}",
        "address": "https://made-up.example/u/{name}",
        "fold": ["name"] if fold else [],
    }
    fields = {"name": "made-up", "title": "Made up", "hosts": ["made-up.example"], "patterns": [pattern]}
    return room_from(fields, "made_up/provider.toml")


def under(desk: Desk, *rooms: Room) -> None:
    """From now on the desk reads addresses by these rooms beside ours."""
    desk.tools = replace(desk.tools, catalogue=Rooms([*PLAIN, *rooms]))


def keys(desk: Desk) -> dict[str, int]:
    """The items there are, each with how many sightings it has."""
    with desk.store.begin(write=False) as work:
        return {one.key: len(work.names.seen(limit=99, of=[one.id])) for one in work.items.listed()}


def state(desk: Desk, key: str) -> ItemState:
    with desk.store.begin(write=False) as work:
        return work.items.since(list(work.items.find([key]).values())).popitem()[1][0]


def test_a_new_room_renames_and_merges_what_was_plain_pages(desk: Desk) -> None:
    a, b, c = desk.sight(
        "https://made-up.example/u/Name", "http://made-up.example/u/NAME", "made-up.example/u/other"
    )
    desk.view([b])
    assert set(keys(desk)) == {f"web:page:made-up.example/u/{name}" for name in ("Name", "NAME", "other")}
    under(desk, room(fold=True))
    trial = rekey(desk.tools, is_trial=True)
    assert len(keys(desk)) == 3
    done = rekey(desk.tools)
    assert (done.sightings, done.renamed, done.merged, done.parted, done.waiting) == (3, 2, 1, 0, [])
    assert trial.renamed + trial.merged == 3
    assert keys(desk) == {"made-up:account:name": 2, "made-up:account:other": 1}
    assert desk.state(b) is ItemState.MERGED
    assert desk.state(a) is ItemState.RECORDED
    with desk.store.begin(write=False) as work:
        (found,) = work.items.get([c])
        assert (found.provider, found.kind.value, found.container) == ("made-up", "account", None)
        assert found.address == "https://made-up.example/u/other"
    assert desk.sight("https://made-up.example/u/nAme") == [a]


def test_what_is_right_already_stays_and_a_second_time_changes_nothing(desk: Desk) -> None:
    desk.sight("https://made-up.example/u/Name", "https://t.me/made_up_name")
    under(desk, room(fold=True))
    rekey(desk.tools)
    before = keys(desk)
    assert rekey(desk.tools) == Rekeyed(sightings=2)
    assert keys(desk) == before


def test_an_item_that_was_two_things_lets_the_other_go(desk: Desk) -> None:
    under(desk, room(fold=True))
    first, again = desk.sight("https://made-up.example/u/Name", "https://made-up.example/u/NAME")
    assert first == again
    under(desk, room(fold=False))
    done = rekey(desk.tools)
    assert (done.renamed, done.parted) == (1, 1)
    assert keys(desk) == {"made-up:account:Name": 1, "made-up:account:NAME": 1}
    desk.sight("https://made-up.example/u/NAME", agency="BB")
    assert keys(desk) == {"made-up:account:Name": 1, "made-up:account:NAME": 2}


def test_what_a_rule_merged_a_later_rule_parts(desk: Desk) -> None:
    desk.sight("https://made-up.example/u/Name", "https://made-up.example/u/NAME")
    under(desk, room(fold=True))
    assert rekey(desk.tools).merged == 1
    under(desk, room(fold=False))
    assert rekey(desk.tools).parted == 1
    assert keys(desk) == {"made-up:account:Name": 1, "made-up:account:NAME": 1}


def test_what_a_person_has_to_decide_waits(desk: Desk) -> None:
    under(desk, room(fold=True))
    (item, _) = desk.sight("https://made-up.example/u/Name", "https://made-up.example/u/NAME")
    desk.view([item])
    under(desk, room(fold=False))
    done = rekey(desk.tools)
    assert done.waiting == ["made-up:account:name"]
    assert keys(desk) == {"made-up:account:name": 2}


def test_two_that_were_both_asked_for_stay_two(desk: Desk) -> None:
    addresses = [desk.show("one"), desk.show("two")]
    requests: list[ItemId] = [desk.referred(one)[1][0] for one in addresses]
    same = room_from(
        {
            "name": "made-up",
            "title": "Made up",
            "hosts": ["m.flock.exercise.example"],
            "patterns": [
                {
                    "path": "/.*",
                    "kind": "account",
                    "id": "same",
                    "address": "https://m.flock.exercise.example/same",
                }
            ],
        },
        "made_up/provider.toml",
    )
    others = [one for one in PLAIN if one.name != "flock"]
    flock = next(one for one in PLAIN if one.name == "flock")
    mine = replace(same, name="flock", hosts=flock.hosts, patterns=same.patterns)
    desk.tools = replace(desk.tools, catalogue=Rooms([*others, mine]))
    done = rekey(desk.tools)
    assert len(done.waiting) == 1
    assert [desk.state(one) for one in requests] == [ItemState.REFERRED] * 2


def test_it_says_on_the_ledger_what_it_did(desk: Desk) -> None:
    (item,) = desk.sight("https://made-up.example/u/Name")
    under(desk, room(fold=True))
    rekey(desk.tools)
    assert "item:key:renewed" in desk.tags(f"item:{item}")
    assert "store:keys:renewed" in desk.tags("store")


@pytest.mark.parametrize("raw", ["https://printer.exercise/", "https://x.example/a"])
def test_a_sighting_that_todays_rules_refuse_stays_where_it_is(desk: Desk, raw: str) -> None:
    desk.sight(raw)
    before = keys(desk)

    class Nothing(Rooms):
        """Rules that refuse everything."""

        def identify(self, raw: str):  # type: ignore[no-untyped-def]
            return super().identify(f"mailto:{raw}")

    desk.tools = replace(desk.tools, catalogue=Nothing(PLAIN))
    assert rekey(desk.tools) == Rekeyed(sightings=1, unreadable=1)
    assert keys(desk) == before


class Changed(Rooms):
    """Rules that give some things other keys."""

    table: dict[str, str] = {}  # noqa: RUF012  # each test sets its own

    def identify(self, raw: str) -> Identity | Refusal:
        found = super().identify(raw)
        if isinstance(found, Identity) and found.key in self.table:
            return replace(found, key=ItemKey(self.table[found.key]))
        return found


def rules(desk: Desk, **changes: str) -> None:
    """From now on pages of x.example have other names."""
    made = Changed(PLAIN)
    made.table = {f"web:page:x.example/{old}": f"web:page:x.example/{new}" for old, new in changes.items()}
    desk.tools = replace(desk.tools, catalogue=made)


def pages(desk: Desk, *names: str) -> list[ItemId]:
    return desk.sight(*(f"https://x.example/{name}" for name in names))


def held(desk: Desk, *names: str) -> list[ItemId | None]:
    wanted = [f"web:page:x.example/{name}" for name in names]
    with desk.store.begin(write=False) as work:
        found = work.items.find(wanted)
    return [found.get(one) for one in wanted]


@pytest.mark.parametrize("is_assessed", [False, True])
def test_keys_that_follow_each_other_merge_nothing(desk: Desk, is_assessed: bool) -> None:
    a, b = pages(desk, "one", "two")
    if is_assessed:
        desk.view([a])
    rules(desk, one="two", two="three")
    done = rekey(desk.tools)
    assert (done.renamed, done.merged, done.waiting) == (2, 0, [])
    assert held(desk, "one", "two", "three") == [None, a, b]


def test_keys_that_change_places_merge_nothing(desk: Desk) -> None:
    a, b = pages(desk, "one", "two")
    rules(desk, one="two", two="one")
    rekey(desk.tools)
    assert held(desk, "one", "two") == [b, a]
    assert [one is ItemState.RECORDED for one in (desk.state(a), desk.state(b))] == [True, True]


def test_a_change_that_is_taken_back_is_taken_back(desk: Desk) -> None:
    (a,) = pages(desk, "one")
    before = desk.tools
    rules(desk, one="uno")
    rekey(desk.tools)
    desk.tools = before
    rekey(desk.tools)
    assert held(desk, "one", "uno") == [a, None]
    assert pages(desk, "one") == [a]


@pytest.mark.parametrize("is_assessed", [False, True])
def test_what_a_person_merged_stays_merged_under_its_new_names(desk: Desk, is_assessed: bool) -> None:
    a, b = pages(desk, "one", "two")
    with desk.store.begin() as work:
        names.merge(work, ALICE, a, b, reason="one page")
    if is_assessed:
        desk.view([a])
    rules(desk, one="uno", two="due")
    assert rekey(desk.tools).waiting == []
    assert held(desk, "uno", "due") == [a, a]
    assert desk.state(b) is ItemState.MERGED
    assert sum(keys(desk).values()) == 2
    with desk.store.begin() as work:
        names.split(desk.tools.catalogue, work, ALICE, b, reason="two after all")
    assert desk.state(b) is ItemState.RECORDED
