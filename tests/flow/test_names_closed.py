"""Ways in which names and merges misled, found by a second reader; each is closed, and stays closed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flow.test_names import NEW, NEW_KEY, OLD, OLD_KEY, behind, item_of, merge, raws, renamed, split
from staydown.core.assessment import PurposeAnswer, Verdict
from staydown.core.errors import Refused
from staydown.core.ids import AgencyCode, ItemId
from staydown.core.people import Role
from staydown.core.states import ItemState, Presence
from staydown.flow import deconflict, names, record
from staydown.ports.work import WorkKind
from staydown.registry import choose_importer, plugs
from support import CAROL, Desk, person


def look(desk: Desk, *items: ItemId, times: int = 2) -> None:
    """Look at items, more than an hour apart."""
    for _ in range(times):
        with desk.store.begin() as work:
            work.queue.add(WorkKind.CHECK, items, due_at=work.now)
        desk.later(hours=3)


def test_an_account_that_only_changed_its_name_is_not_removed(desk: Desk) -> None:
    desk.show("old_name", number="4711")
    _, (first,) = desk.referred(OLD)
    desk.show("old_name", presence="removed", number="4711")
    desk.show("new_name", number="4711")
    (second,) = desk.sight(NEW, agency="BB")
    desk.keep([second])
    assert item_of(desk, first).address == NEW
    desk.later(days=5)
    assert desk.state(first) is ItemState.REFERRED


def test_a_longer_number_is_another(desk: Desk) -> None:
    desk.show("old_name", number="4711")
    request, (first,) = desk.referred(OLD)
    desk.decided(request.reference, "removed")
    desk.show("old_name", presence="removed", number="4711")
    desk.later(days=1)
    assert desk.state(first) is ItemState.REMOVED
    desk.show("old_name", number="47110")
    desk.later(days=30)
    assert desk.state(first) is ItemState.REMOVED


def test_an_item_whose_name_passed_on_is_seen_only_by_its_number(desk: Desk) -> None:
    desk.show("old_name", number="4711")
    request, (first,) = desk.referred(OLD)
    desk.decided(request.reference, "removed")
    desk.show("old_name", presence="removed", number="4711")
    desk.later(days=1)
    desk.show("old_name", number="4712")
    look(desk, first)
    assert item_of(desk, first).key == "flock:account:number=4711"
    desk.show("old_name")  # the stranger's page, rebuilt without a number
    look(desk, first)
    assert desk.state(first) is ItemState.REMOVED


def test_a_name_that_passed_on_leaves_the_others(desk: Desk) -> None:
    first, _ = renamed(desk)
    with desk.store.begin() as work:  # as if it were still looked for under the older name
        work.names.set_own(first, OLD_KEY)  # type: ignore[arg-type]
        work.names.set_address(first, OLD)
    desk.show("old_name", number="4712")
    look(desk, first)
    assert behind(desk, OLD_KEY, NEW_KEY) == [None, first]
    assert (item_of(desk, first).address, item_of(desk, first).presence) == (NEW, Presence.ONLINE)
    assert desk.state(first) is not ItemState.GONE
    look(desk, first)
    assert behind(desk, NEW_KEY) == [first]


@pytest.mark.parametrize("protected", [0, 1])
def test_of_two_views_of_one_agency_the_protective_one_counts(desk: Desk, protected: int) -> None:
    items = desk.sight(desk.show("old_name"), desk.show("new_name"))
    desk.sight(OLD, NEW, agency="BB")
    desk.keep(items)
    desk.view([items[protected]], Verdict.EXEMPT, journalism=PurposeAnswer.YES)
    desk.view([items[1 - protected]])
    merge(desk, items[0], items[1])
    desk.view([items[0]], by=CAROL)
    assert desk.state(items[0]) is ItemState.UNSURE
    assert not desk.put([items[0]], by=CAROL).requests
    desk.later(minutes=1)
    desk.view([items[0]])  # whoever looks at the whole of it says so anew
    desk.view([items[0]], by=CAROL)
    assert desk.state(items[0]) is ItemState.ASSESSED


def test_a_split_takes_the_number_along(desk: Desk) -> None:
    _, (first,) = desk.referred(desk.show("old_name"))
    (second,) = desk.sight(desk.show("new_name", number="9999"))
    desk.keep([second])
    merge(desk, first, second)
    assert item_of(desk, first).stable_id == "9999"
    split(desk, second)
    assert item_of(desk, first).stable_id is None
    desk.show("old_name", number="4711")
    desk.later(days=5)
    assert desk.state(first) is ItemState.REFERRED


def test_what_a_person_split_stays_split(desk: Desk) -> None:
    _, second = renamed(desk)
    split(desk, second)
    desk.keep([second])
    assert desk.state(second) is ItemState.RECORDED


def test_an_inner_merge_is_undone_after_the_outer_one(desk: Desk) -> None:
    a, b, c = desk.sight(*(desk.show(name) for name in ("aaa", "bbb", "ccc")))
    merge(desk, b, a)
    merge(desk, c, b)
    with pytest.raises(Refused, match="became another item itself"):
        split(desk, a)
    split(desk, b)
    split(desk, a)
    assert behind(desk, "flock:account:aaa", "flock:account:bbb", "flock:account:ccc") == [a, b, c]


def test_no_item_is_left_without_a_name(desk: Desk) -> None:
    first, second = renamed(desk)
    desk.show("old_name", number="4712")
    with desk.store.begin() as work:
        work.names.set_own(first, OLD_KEY)  # type: ignore[arg-type]
        work.names.set_address(first, OLD)
    look(desk, first)
    split(desk, second)
    assert item_of(desk, first).key == "flock:account:number=4711"
    with desk.store.begin(write=False) as work:
        assert len(list(work.items.sightings())) == 2
    (third,) = desk.sight(desk.show("third"))
    merge(desk, first, third)
    assert sorted(raws(desk, first)) == sorted([OLD, "https://flock.exercise.example/@third"])


def test_two_of_one_number_that_both_lost_their_names_block_nobody(desk: Desk) -> None:
    _, (a,) = desk.referred(desk.show("old_name"))
    _, (b,) = desk.referred(desk.show("new_name"))
    with desk.store.begin() as work:
        work.names.set_numbers({a: "4711", b: "4711"})
    desk.show("old_name", number="9001")
    desk.show("new_name", number="9002")
    look(desk, a, b)
    assert {item_of(desk, a).key, item_of(desk, b).key} == {
        "flock:account:number=4711",
        f"flock:account:number=4711#{b}",
    }


def test_a_hold_on_the_merged_one_can_be_disputed(desk: Desk) -> None:
    first, second = desk.sight(desk.show("old_name"), desk.show("new_name"))
    with desk.store.begin() as work:
        until, longest = work.now + timedelta(days=3), timedelta(days=90)
        deconflict.place(work, CAROL, [second], reason="r", until=until, longest=longest, at_most=9)
    merge(desk, first, second)
    officer = person("olga", "AA", Role.DECONFLICTION)
    with desk.store.begin() as work:
        work.people.add(officer)
        assert deconflict.dispute(work, officer, first, reason="it is urgent") == 1


def test_merging_and_splitting_within_one_instant(desk: Desk) -> None:
    first, second = desk.sight(desk.show("old_name"), desk.show("new_name"))
    for _ in range(2):
        merge(desk, first, second)
        split(desk, second)
    assert behind(desk, OLD_KEY, NEW_KEY) == [first, second]


def test_what_waits_is_said_once(desk: Desk) -> None:
    desk.show("old_name", number="1")
    desk.show("new_name", number="1")
    desk.referred(OLD)
    (b,) = desk.sight(NEW)
    desk.view([b], Verdict.EXEMPT, art=PurposeAnswer.YES)
    for _ in range(3):
        desk.keep([b])
    assert desk.tags(f"item:{b}").count("item:merge:waited") == 1
    with desk.store.begin() as work:
        assert names.prove(work, [b], fresh=[]) == []


def test_an_address_with_a_zero_byte_stops_no_list(desk: Desk, tmp_path: object) -> None:
    file = desk.home / "list.csv"
    known = plugs("importers")
    bad = "https://www.youtube.com/profile?user=a%00b"
    for note in ("first", "second"):
        file.write_text(f"url,note\n{bad},{note}\nhttps://page.example/a,{note}\n", encoding="utf-8")
        done = record.take_in(
            desk.tools,
            file,
            importer=choose_importer(file, known),  # type: ignore[arg-type]
            agency=AgencyCode("AA"),
        )
        assert (done.sightings, done.refused) == (2, 0)
    assert behind(desk, "youtube:channel:user/a%00b") != [None]
