"""Accounts that change their names stay one item; a name that passes on makes another; every merge can be undone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from staydown.core.assessment import PurposeAnswer, Verdict
from staydown.core.errors import Invalid, NotEntitled, NotFound, Refused
from staydown.core.ids import ItemId
from staydown.core.item import Item
from staydown.core.network import Operation
from staydown.core.states import ItemState, Presence
from staydown.flow import deconflict, names
from staydown.ports.work import NameRow
from support import ALICE, BOB, CAROL, DAVE, Desk

OLD, NEW = "https://flock.exercise.example/@old_name", "https://flock.exercise.example/@new_name"
OLD_KEY, NEW_KEY = "flock:account:old_name", "flock:account:new_name"


def item_of(desk: Desk, item: ItemId) -> Item:
    with desk.store.begin(write=False) as work:
        return work.items.get([item])[0]


def names_of(desk: Desk, item: ItemId) -> list[NameRow]:
    with desk.store.begin(write=False) as work:
        return work.names.of(item)


def behind(desk: Desk, *words: str) -> list[ItemId | None]:
    with desk.store.begin(write=False) as work:
        found = work.items.find(words)
    return [found.get(word) for word in words]


def raws(desk: Desk, item: ItemId) -> list[str]:
    with desk.store.begin(write=False) as work:
        return [one.raw for one in work.names.seen(limit=100, of=[item])]


def merge(desk: Desk, kept: ItemId, merged: ItemId) -> None:
    with desk.store.begin() as work:
        names.merge(work, ALICE, kept, merged, reason="the same pinned message, the same owner")


def split(desk: Desk, merged: ItemId) -> None:
    with desk.store.begin() as work:
        names.split(desk.app.catalogue, work, ALICE, merged, reason="it was an error")


def renamed(desk: Desk) -> tuple[ItemId, ItemId]:
    """An account that was kept under its old name, gone there, and kept under a new one: (first item, second item)."""
    desk.show("old_name", number="4711")
    (first,) = desk.sight(OLD)
    desk.keep([first])
    desk.show("old_name", presence="removed", number="4711")
    desk.show("new_name", number="4711")
    (second,) = desk.sight(NEW, agency="BB")
    desk.keep([second])
    return first, second


def test_a_renamed_account_stays_one_item_by_the_providers_number(desk: Desk) -> None:
    first, second = renamed(desk)
    assert desk.state(second) is ItemState.MERGED
    assert behind(desk, OLD_KEY, NEW_KEY, OLD, NEW) == [first] * 4
    item = item_of(desk, first)
    assert item.agencies == ("AA", "BB")
    assert item.stable_id == "4711"
    assert sorted(raws(desk, first)) == sorted([OLD, NEW])
    with desk.store.begin(write=False) as work:
        assert [one.id for one in work.items.listed()] == [first]
        assert work.figures.counts()["items"] == 1
        assert sum(work.figures.by_state().values()) == 1
    assert "item:merge:made" in desk.tags(f"item:{first}")


def test_the_newer_name_is_its_own_where_the_older_one_leads_nowhere(desk: Desk) -> None:
    desk.show("old_name", presence="removed", number="4711")
    (first,) = desk.sight(OLD)
    with desk.store.begin() as work:
        work.names.set_numbers({first: "4711"})
    desk.keep([first])
    desk.later(hours=2)
    assert item_of(desk, first).presence in {Presence.DOUBTED, Presence.OFFLINE}
    desk.show("new_name", number="4711")
    (second,) = desk.sight(NEW)
    desk.keep([second])
    item = item_of(desk, first)
    assert (item.key, item.address) == (NEW_KEY, NEW)
    assert [(row.key, row.is_alias) for row in names_of(desk, first)] == [(OLD_KEY, True), (NEW_KEY, False)]
    split(desk, second)
    assert (item_of(desk, first).key, item_of(desk, first).address) == (OLD_KEY, OLD)
    assert (item_of(desk, second).key, item_of(desk, second).address) == (NEW_KEY, NEW)


def test_what_is_sighted_under_either_name_afterwards_meets_in_one_item(desk: Desk) -> None:
    first, _ = renamed(desk)
    assert desk.sight("hxxps://flock.exercise[.]example/@New_Name", agency="CC") == [first]
    assert desk.sight(f"{OLD}?utm_source=x", agency="CC") == [first]


def test_a_merge_is_undone_with_everything_it_moved_and_what_came_in_since(desk: Desk) -> None:
    first, second = renamed(desk)
    before = names_of(desk, first)
    late = "hxxps://flock.exercise[.]example/@New_Name"
    desk.sight(late, agency="CC")
    split(desk, second)
    assert desk.state(second) is ItemState.RECORDED
    assert raws(desk, first) == [OLD]
    assert sorted(raws(desk, second)) == sorted([NEW, late])
    assert behind(desk, OLD_KEY, NEW_KEY) == [first, second]
    assert item_of(desk, second).agencies == ("BB", "CC")
    assert item_of(desk, first).agencies == ("AA",)
    after = names_of(desk, first)
    assert [row.key for row in after] == [row.key for row in before]
    assert after[-1].until_at is not None
    assert "item:merge:undone" in desk.tags(f"item:{first}")
    with desk.store.begin(write=False) as work:
        (made,) = work.names.merges()
    assert (made.undone_by, made.undone_reason) == ("alice", "it was an error")


def test_merges_of_merges_come_apart_one_by_one(desk: Desk) -> None:
    a, b, c = desk.sight(*(desk.show(name) for name in ("aaa", "bbb", "ccc")))
    merge(desk, b, a)
    merge(desk, c, b)
    assert behind(desk, "flock:account:aaa", "flock:account:bbb", "flock:account:ccc") == [c, c, c]
    split(desk, b)
    assert behind(desk, "flock:account:aaa", "flock:account:bbb", "flock:account:ccc") == [b, b, c]
    assert len(raws(desk, b)) == 2
    split(desk, a)
    assert behind(desk, "flock:account:aaa", "flock:account:bbb", "flock:account:ccc") == [a, b, c]
    assert [len(raws(desk, one)) for one in (a, b, c)] == [1, 1, 1]
    merge(desk, a, b)  # and may be made again
    assert desk.state(b) is ItemState.MERGED


def test_a_name_that_passed_on_makes_a_new_item(desk: Desk) -> None:
    desk.show("old_name", number="4711")
    (first,) = desk.sight(OLD)
    desk.keep([first])
    desk.show("old_name", number="4712")  # gone, and taken by a stranger
    with desk.store.begin() as work:
        work.queue.add(names.WorkKind.CHECK, [first], due_at=work.now)
    desk.later(hours=3)
    assert item_of(desk, first).presence is Presence.OFFLINE
    assert item_of(desk, first).key == "flock:account:number=4711"
    assert "item:name:passed" in desk.tags(f"item:{first}")
    (other,) = desk.sight(OLD, agency="BB")
    assert other != first
    assert behind(desk, OLD_KEY, OLD) == [other, other]
    assert raws(desk, first) == [OLD]
    assert [row.key for row in names_of(desk, first)] == [OLD_KEY, "flock:account:number=4711"]
    desk.keep([other])
    assert item_of(desk, other).stable_id == "4712"
    assert desk.state(other) is ItemState.RECORDED


def test_a_page_that_writes_its_number_otherwise_is_nobody_elses(desk: Desk) -> None:
    desk.show("old_name", number="4711")
    (first,) = desk.sight(OLD)
    desk.keep([first])
    desk.show("old_name", number="account-x")  # the page was rebuilt
    with desk.store.begin() as work:
        work.queue.add(names.WorkKind.CHECK, [first], due_at=work.now)
    desk.later(hours=3)
    assert item_of(desk, first).presence is Presence.ONLINE
    assert item_of(desk, first).key == OLD_KEY


def test_a_stranger_under_a_removed_name_is_no_return(desk: Desk) -> None:
    desk.show("old_name", number="4711")
    request, (first,) = desk.referred(OLD)
    desk.decided(request.reference, "removed")
    desk.show("old_name", presence="removed", number="4711")
    desk.later(days=1)
    assert desk.state(first) is ItemState.REMOVED
    desk.show("old_name", number="4712")
    desk.later(days=30)
    assert desk.state(first) is ItemState.REMOVED
    assert "item:return:seen" not in desk.tags(f"item:{first}")


def test_an_address_with_the_number_proves_it_at_once(desk: Desk) -> None:
    first, second = desk.sight(
        "https://www.facebook.com/profile.php?id=100001234567890", "https://www.facebook.com/made.up"
    )
    with desk.store.begin() as work:
        work.names.set_numbers({second: "100001234567890"})
        assert len(names.prove(work, [second])) == 1
    assert behind(desk, "facebook:account:100001234567890", "facebook:account:madeup") == [first, first]


def test_one_number_of_two_kinds_is_two_things(desk: Desk) -> None:
    person, club = desk.sight("https://vk.com/id12345", "https://vk.com/club12345")
    assert person != club
    with desk.store.begin() as work:
        assert names.prove(work, [person, club]) == []
        assert len(work.names.numbers([person, club])) == 2


def test_who_was_asked_for_is_kept_and_two_of_them_stay_two(desk: Desk) -> None:
    desk.show("old_name", number="4711")
    desk.show("new_name", number="4711")
    (first,) = desk.sight(OLD)
    _, (second,) = desk.referred(NEW)
    desk.keep([first])
    assert desk.state(first) is ItemState.MERGED  # the younger one was asked for
    assert behind(desk, OLD_KEY) == [second]
    split(desk, first)
    desk.referred(desk.show("third"))
    with pytest.raises(Refused, match="a request was made"):
        merge(desk, first, second)


def test_what_was_found_protected_stops_the_item_it_becomes(desk: Desk) -> None:
    first, second = desk.sight(desk.show("old_name"), desk.show("new_name"))
    desk.sight(NEW, agency="BB")
    desk.keep([first, second])
    desk.view([first])
    proposal = desk.put([first]).requests[0]
    desk.view([second], Verdict.EXEMPT, by=CAROL, journalism=PurposeAnswer.YES)
    merge(desk, first, second)
    assert desk.state(first) is ItemState.UNSURE
    with desk.store.begin(write=False) as work:
        assert [one.dropped for one in work.requests.lines([proposal.id])[proposal.id]] == [True]
    desk.view([first])  # the other agency's view still counts
    assert desk.state(first) is ItemState.UNSURE
    assert not desk.put([first]).requests


def test_a_protected_item_is_not_merged_into_one_that_was_asked_for(desk: Desk) -> None:
    _, (first,) = desk.referred(desk.show("old_name"))
    (second,) = desk.sight(desk.show("new_name"))
    desk.view([second], Verdict.EXEMPT, research=PurposeAnswer.YES)
    with pytest.raises(Refused, match="withdraw first"):
        merge(desk, first, second)
    assert desk.state(second) is ItemState.EXEMPT


def test_a_hold_on_either_name_holds_the_item(desk: Desk) -> None:
    first, second = desk.sight(desk.show("old_name"), desk.show("new_name"))
    with desk.store.begin() as work:
        until, longest = work.now + timedelta(days=3), timedelta(days=90)
        deconflict.place(work, CAROL, [second], reason="r", until=until, longest=longest, at_most=9)
    merge(desk, first, second)
    desk.keep([first])
    desk.view([first])
    assert desk.put([first]).left_out == {first: "wait"}
    with desk.store.begin(write=False) as work:
        assert deconflict.waiting(work, [first]) == {first}


def test_an_operations_list_follows_the_merge_and_its_undoing(desk: Desk) -> None:
    first, second = desk.sight(desk.show("old_name"), desk.show("new_name"))
    with desk.store.begin() as work:
        code, at = ALICE.agency, work.now
        work.operations.add(
            Operation(id="autumn", title="made up", lead=code, opens_at=at, closes_at=at.replace(year=2030), agencies=(code,), hour_h=None)  # type: ignore[arg-type]
        )  # fmt: skip
        work.operations.add_items("autumn", [second])  # type: ignore[arg-type]
    merge(desk, first, second)
    with desk.store.begin(write=False) as work:
        assert [one.id for one in work.items.listed(operation="autumn")] == [first]  # type: ignore[arg-type]
    split(desk, second)
    with desk.store.begin(write=False) as work:  # nobody took the other one off it
        assert [one.id for one in work.items.listed(operation="autumn")] == [first, second]  # type: ignore[arg-type]


def test_rules_that_stand_against_a_merge(desk: Desk) -> None:
    first, second = desk.sight(desk.show("old_name"), desk.show("new_name"))
    (site,) = desk.sight("https://page.example/")
    (post,) = desk.sight("https://flock.exercise.example/@old_name/1")
    for kept, merged, words in (
        (first, site, "two providers"),
        (first, post, "of the kind"),
    ):
        with pytest.raises(Refused, match=words):
            merge(desk, kept, merged)
    with desk.store.begin() as work:
        work.names.set_numbers({first: "1", second: "2"})
    with pytest.raises(Refused, match="two different numbers"):
        merge(desk, first, second)
    with desk.store.begin() as work:
        with pytest.raises(NotEntitled):
            names.merge(work, DAVE, first, second, reason="x")
        with pytest.raises(Invalid, match="reason"):
            names.merge(work, BOB, first, second, reason=" ")
        with pytest.raises(Invalid, match="one item already"):
            names.merge(work, BOB, first, first, reason="x")
        with pytest.raises(NotFound):
            names.merge(work, BOB, first, ItemId(999), reason="x")
        with pytest.raises(NotFound, match="merged into no other"):
            names.split(desk.app.catalogue, work, BOB, second, reason="x")


def test_a_split_item_stands_where_its_assessments_put_it(desk: Desk) -> None:
    for verdict, state in ((Verdict.EXEMPT, ItemState.EXEMPT), (Verdict.TERRORIST, ItemState.ASSESSED), (Verdict.CLEAR, ItemState.CLEARED)):  # fmt: skip
        first, second = desk.sight(desk.show(f"a_{verdict.value}"), desk.show(f"b_{verdict.value}"))
        answers = {"art": PurposeAnswer.YES} if verdict is Verdict.EXEMPT else {}
        desk.view([second], verdict, **answers)
        merge(desk, first, second)
        assert desk.state(second) is ItemState.MERGED
        split(desk, second)
        assert desk.state(second) is state
