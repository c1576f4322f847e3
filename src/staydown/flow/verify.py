"""verify: checks from more than one time, and what they say together.

"Removed" is never a provider's word and never one look: two looks that agree, apart in time. An error of
ours is no look at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from staydown.core.check import Check, Look, MarkKind, Sight
from staydown.core.ids import ItemId, ItemKey
from staydown.core.item import Identity, ItemKind
from staydown.core.states import CHECK, ItemEvent, ItemState, Presence, PresenceEvent, step
from staydown.flow import count, names, watch
from staydown.ports import Ask, Catalogue, Reply
from staydown.ports.tools import Tools
from staydown.ports.work import Drop, Number, Task, Work, WorkKind
from staydown.reason.rooms import Room
from staydown.reason.web import LOG_IN

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
ASKED = (4 * _HOUR, 12 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY)
"""When items that were asked for are looked at, counted from the dispatch."""
WATCHED = (_DAY, 4 * _DAY, 14 * _DAY, 30 * _DAY, 60 * _DAY, 90 * _DAY)
"""When removed items are looked at, counted from the verified removal."""
TAKEN_BACK = (1 * _HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY)
"""When items of a withdrawn request are looked at, until they are back."""
LADDERS: Mapping[ItemState, tuple[timedelta, ...]] = {
    ItemState.REFERRED: ASKED,
    ItemState.REFUSED: ASKED,
    ItemState.REMOVED: WATCHED,
    ItemState.WITHDRAWN: TAKEN_BACK,
}
VANISHES = frozenset({ItemState.RECORDED, ItemState.UNSURE, ItemState.ASSESSED, ItemState.PROPOSED})
VERIFIES = frozenset({ItemState.REFERRED, ItemState.REFUSED, ItemState.RETURNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One look at an item, before it is stored."""

    item: ItemId
    look: Look
    status: int | None
    seconds: float
    has_passed: bool = False  #: somebody else has the name by now
    leads_to: ItemKey | None = None  #: what a short link was found to wrap


def looked(
    tools: Tools, item: ItemId, provider: str, reply: Reply, *, number: Number | None = None
) -> Looked:
    """Read an answer by the provider's own signs.

    Args:
        number: The provider's own number of the item, where it is known. A page that shows another one is somebody
            else's: what was looked for is not there. An item whose name has passed on is there only where its
            number is shown.
    """
    room = tools.catalogue.room(provider)
    look = tools.probe.look(room, reply)
    target = None
    if look.sight not in {Sight.BLOCKED, Sight.OFFLINE} and (target := _target(tools.catalogue, reply)):
        look = Look(sight=Sight.ONLINE, reason=f"leads to {target}"[:200])
    has_passed = False
    if number is not None and look.sight is Sight.ONLINE:
        shown = _numbers_on(tools, room, reply)
        has_passed = number.value not in shown and any(_is_alike(one, number.value) for one in shown)
        if has_passed:
            look = Look(
                sight=Sight.OFFLINE, reason="somebody else has the name by now: the provider's number differs"
            )
        elif not number.has_name and number.value not in shown:
            look = Look(
                sight=Sight.UNCLEAR, reason="its name has passed on, and this page does not show its number"
            )
    return Looked(
        item=item,
        look=look,
        status=reply.status,
        seconds=reply.seconds,
        has_passed=has_passed,
        leads_to=target,
    )


def _numbers_on(tools: Tools, room: Room, reply: Reply) -> set[str]:
    """The provider's numbers that a page shows."""
    if MarkKind.STABLE_ID not in room.marks:
        return set()
    return {mark.value for mark in tools.probe.marks(room, reply) if mark.kind is MarkKind.STABLE_ID}


def _target(catalogue: Catalogue, reply: Reply) -> ItemKey | None:
    """What a short link leads to, where the answer tells."""
    if reply.status is None or reply.address == reply.ask.address:
        return None
    asked = catalogue.identify(reply.ask.address)
    if not isinstance(asked, Identity) or not asked.resolves:
        return None
    found = catalogue.identify(reply.address)
    if not isinstance(found, Identity) or found.resolves or found.kind is ItemKind.SITE:
        return None  # the service's own front page or another link is no target
    if LOG_IN.search(reply.address):
        return None
    is_page_of_its_own = found.provider == "web" and found.key.split("/")[0] == f"web:page:{_host(asked)}"
    return None if is_page_of_its_own else found.key


def _host(identity: Identity) -> str:
    return identity.address.partition("//")[2].partition("/")[0]


def _is_alike(one: str, other: str) -> bool:
    """Whether two numbers are of one shape: a page that is built otherwise than before is nobody else's."""
    if one.isdigit() and other.isdigit():
        return True
    return len(one) == len(other) and one[:2] == other[:2]


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Look at items that are due, and write what follows."""
    ids = [ItemId(task.subject) for task in tasks]
    with tools.begin(write=False) as work:
        brief, numbers = work.items.brief(ids), work.names.numbers(ids)
    looks = tools.fetch.read(
        [Ask(address=brief[item][1]) for item in ids],
        lambda at, reply: looked(tools, ids[at], brief[ids[at]][0], reply, number=numbers.get(ids[at])),
    )
    with tools.begin() as work:
        work.items.lock(ids)  # items before rows of work, as dispatch takes them
        work.queue.done(tasks)
        note(work, looks, apart=tools.settings.apart, place=tools.settings.place)


def note(work: Work, looks: Sequence[Looked], *, apart: timedelta, place: str) -> None:
    """Store looks, step what they say together, and act on it: removal, return, reinstatement, gone."""
    work.items.lock([one.item for one in looks])
    work.checks.add(
        [
            Check(
                item=one.item, at=work.now, place=place, look=one.look, status=one.status, seconds=one.seconds
            )
            for one in looks
        ]
    )
    telling = {one.item: one.look for one in looks if one.look.sight in {Sight.ONLINE, Sight.OFFLINE}}
    _step_presence(work, telling, apart=apart)
    elsewhere = _pass_on(work, [one.item for one in looks if one.has_passed])
    after = work.items.since([one.item for one in looks])
    _consequences(work, after, {item for item, look in telling.items() if look.sight is Sight.ONLINE})
    targets = {one.item: one.leads_to for one in looks if one.leads_to}
    for item in sorted(work.names.set_wraps(targets)):
        work.ledger.append("item:target:found", f"item:{item}", {"wraps": targets[item]})
    schedule(work, [one.item for one in looks if one.item not in elsewhere], apart=apart)


def _pass_on(work: Work, ids: Sequence[ItemId]) -> frozenset[ItemId]:
    """Let items whose name somebody else has by enough looks go; gives those to be looked for under another name."""
    if not ids:
        return frozenset()
    looks = work.items.presence(ids)
    offline = [item for item, (presence, _, _) in looks.items() if presence is Presence.OFFLINE]
    return frozenset(names.pass_on(work, offline))


def _step_presence(work: Work, telling: Mapping[ItemId, Look], *, apart: timedelta) -> None:
    groups: dict[tuple[Presence, datetime | None], list[ItemId]] = defaultdict(list)
    for item, (presence, missed_at, _) in work.items.presence(list(telling)).items():
        if telling[item].sight is Sight.ONLINE:
            groups[step(CHECK, presence, PresenceEvent.SEE), None].append(item)
            continue
        again = presence is Presence.DOUBTED and missed_at is not None and work.now - missed_at >= apart
        event = PresenceEvent.MISS_AGAIN if again else PresenceEvent.MISS
        groups[step(CHECK, presence, event), missed_at or work.now].append(item)
    for (presence, missed_at), ids in groups.items():
        work.items.set_presence(ids, presence, missed_at=missed_at, looked_at=work.now)


def _consequences(
    work: Work, after: Mapping[ItemId, tuple[ItemState, Presence, datetime]], seen: Iterable[ItemId]
) -> None:
    offline = {item for item, (_, presence, _) in after.items() if presence is Presence.OFFLINE}
    removed = work.items.step([i for i in offline if after[i][0] in VERIFIES], ItemEvent.VERIFY)
    if removed:
        work.requests.close_items(removed)
        _say(work, removed, "item:removal:verified")
        watch.suggest_for(work, sorted(removed))
    _vanish(work, [i for i in offline if after[i][0] in VANISHES], after)
    online = set(seen)
    back = work.items.step([i for i in online if after[i][0] is ItemState.REMOVED], ItemEvent.REAPPEAR)
    _say(work, back, "item:return:seen")
    found = work.items.step([i for i in online if after[i][0] is ItemState.GONE], ItemEvent.REAPPEAR)
    _say(work, found, "item:sighting:confirmed")
    righted = work.items.step([i for i in online if after[i][0] is ItemState.WITHDRAWN], ItemEvent.REINSTATE)
    _say(work, righted, "item:reinstatement:seen")
    count.reinstated(work, sorted(righted))


def _vanish(
    work: Work, ids: Sequence[ItemId], after: Mapping[ItemId, tuple[ItemState, Presence, datetime]]
) -> None:
    """Items that went offline before we asked: out of their requests, and never credited to us."""
    if not ids:
        return
    proposed = [item for item in ids if after[item][0] is ItemState.PROPOSED]
    drops = [
        Drop(request=request, item=item, reason="gone")
        for item, requests in work.requests.sent_for(proposed).items()
        for request in requests[-1:]
    ]
    work.requests.drop(drops)
    _say(work, work.items.step(ids, ItemEvent.VANISH), "item:gone:noted")


def _say(work: Work, ids: Iterable[ItemId], tag: str) -> None:
    for item in sorted(ids):
        work.ledger.append(tag, f"item:{item}", {})


def schedule(work: Work, ids: Sequence[ItemId], *, apart: timedelta) -> None:
    """Ask for the next look at each item, where one is wanted; what was asked for sooner stays."""
    due: dict[ItemId, datetime] = {}
    for item, (state, presence, since) in work.items.since(ids).items():
        ladder = LADDERS.get(state, ())
        following = next((since + rung for rung in ladder if since + rung > work.now), None)
        if presence is Presence.DOUBTED and (state in VERIFIES or state in VANISHES):
            soon = work.now + apart
            following = min(following, soon) if following else soon
        if following is not None:
            due[item] = following
    work.queue.add_by(WorkKind.CHECK, due)
