"""rekey: after a change of the rules of identity, every item is found under the key the rules give today.

Each sighting is read anew as it was typed. Items whose key changed are renamed; two that now have one key are merged,
with everything a merge notes; an item that was two things all along lets the other go. An item that carries others by a
proof keeps them, under the names they have today. No sighting is lost, and what a person has to decide is left as it is
and counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from staydown.core.errors import Refused
from staydown.core.ids import ItemId, ItemKey
from staydown.core.item import Identity, Item, Proof
from staydown.core.states import ITEM, ItemEvent, ItemState, allows
from staydown.flow import names
from staydown.ports import Catalogue
from staydown.ports.tools import Tools
from staydown.ports.work import Seen, Work

BATCH = 10_000
"""Sightings in one transaction."""
_Groups = dict[ItemKey, list[tuple[int, Identity]]]
REASON = "the rules of identity changed"
LETS_GO = frozenset({ItemState.RECORDED, ItemState.GONE})
"""States in which an item may let a part of its sightings go without a person."""


@dataclass(slots=True, kw_only=True)
class Rekeyed:
    """What it did, or would do."""

    sightings: int = 0
    renamed: int = 0  #: items found under another key from now on
    merged: int = 0  #: items that became another
    parted: int = 0  #: items that were made or grew because another one was two things
    waiting: list[str] = field(default_factory=list)  #: keys of items that a person has to look at
    unreadable: int = 0  #: sightings that today's rules would refuse; they stay where they are
    met: set[ItemId] = field(default_factory=set)  #: what a trial puts right and takes back is counted once
    at: set[ItemId] = field(default_factory=set)  #: items being put right now


class _Undo(Exception):
    """Takes back what a trial did."""


def rekey(tools: Tools, *, is_trial: bool = False, progress: Callable[[int], None] | None = None) -> Rekeyed:
    """Go through all sightings, some thousands in each transaction; broken off, it is begun anew.

    Args:
        is_trial: Nothing is changed. The counts are near: what one batch would leave to the next is not seen.
    """
    done = Rekeyed()
    last = 0
    while True:
        try:
            with tools.begin() as work:
                rows = work.names.seen(after=last, limit=BATCH)
                _batch(tools.catalogue, work, rows, done)
                if is_trial:
                    raise _Undo
        except _Undo:
            pass
        if not rows:
            break
        last = rows[-1].number
        done.sightings += len(rows)
        if progress:
            progress(len(rows))
    if not is_trial:
        with tools.begin() as work:
            work.ledger.append(
                "store:keys:renewed",
                "store",
                {
                    "merged": done.merged,
                    "parted": done.parted,
                    "renamed": done.renamed,
                    "waiting": len(done.waiting),
                },
            )
    return done


def _batch(catalogue: Catalogue, work: Work, rows: Sequence[Seen], done: Rekeyed) -> None:
    """Look at some sightings, and put right the items of those that have another key today."""
    known = work.names.known_keys({row.item for row in rows})
    strange: set[ItemId] = set()
    for row in rows:
        found = catalogue.identify(row.raw)
        if not isinstance(found, Identity):
            done.unreadable += 1
        elif found.key not in known[row.item] and row.item not in done.met:
            strange.add(row.item)
    done.met |= strange
    if strange:
        work.names.alone()
        work.items.lock(strange)
    for item in sorted(strange):
        if work.names.root([item])[item] == item:  # it may have become another in this very batch
            _put_right(catalogue, work, item, done)


def _put_right(catalogue: Catalogue, work: Work, item: ItemId, done: Rekeyed) -> None:
    """Let one item have the keys its sightings have today."""
    if item in done.at:
        return
    done.at.add(item)
    groups, stays = _groups(catalogue, work, item)
    if groups:
        (before,) = work.items.get([item])
        if not _change(catalogue, work, before, groups, done, stays=stays):
            done.waiting.append(before.key)
    done.at.discard(item)


def _groups(catalogue: Catalogue, work: Work, item: ItemId) -> tuple[_Groups, bool]:
    """The sightings of an item that have another key today, by that key; and whether some have one they had before."""
    known = work.names.known_keys([item])[item]
    groups: _Groups = defaultdict(list)
    stays, last = False, 0
    while rows := work.names.seen(after=last, limit=BATCH, of=[item]):
        last = rows[-1].number
        for row in rows:
            found = catalogue.identify(row.raw)
            if isinstance(found, Identity):
                stays = stays or found.key in known
                if found.key not in known:
                    groups[found.key].append((row.number, found))
    return groups, stays


def _change(
    catalogue: Catalogue, work: Work, item: Item, groups: _Groups, done: Rekeyed, *, stays: bool
) -> bool:
    """Rename, merge or part one item; False where a person has to look at it."""
    is_proved = any(
        one.undone_at is None and one.kept == item.id and one.proof is not Proof.RULE
        for one in work.names.merges(of=[item.id])
    )
    if is_proved:  # it was two by its names and is one by a proof: all of them are its names
        return _rename(catalogue, work, item, groups, done, stays=stays)
    if (stays or len(groups) > 1) and (item.state not in LETS_GO or work.holds.on([item.id])):
        return False
    if not stays:
        key = min(groups, key=lambda one: groups[one][0][0])
        taken = groups.pop(key)
        if not _take(catalogue, work, item.id, key, taken[0][1], done):
            return False
    if groups:
        _let_go(work, item.id, groups, done)
    return True


def _rename(
    catalogue: Catalogue, work: Work, item: Item, groups: _Groups, done: Rekeyed, *, stays: bool
) -> bool:
    """Give an item that carries merged ones its names as they are today."""
    taken = [key for key in groups if (one := _holder(catalogue, work, key, done)) and one != item.id]
    if taken:
        return False
    own = catalogue.identify(item.address)
    fresh = [key for key in groups if key not in work.names.known_keys([item.id])[item.id]]
    work.names.open(item.id, fresh, is_alias=True)
    if isinstance(own, Identity) and own.key in fresh:
        work.names.set_own(item.id, own.key)
        work.names.describe(item.id, own)
    elif fresh and not stays:
        work.names.set_own(item.id, fresh[0])
        work.names.describe(item.id, groups[fresh[0]][0][1])
    done.renamed += 1
    work.ledger.append("item:key:renewed", f"item:{item.id}", {"keys": fresh})
    return True


def _holder(catalogue: Catalogue, work: Work, key: ItemKey, done: Rekeyed) -> ItemId | None:
    """Who is found under a key, after whoever has it only by yesterday's rules has let go of it."""
    holder = work.names.holders([key]).get(key)
    if holder is None or _still_has(catalogue, work, holder, key):
        return holder
    if holder in done.at:  # keys went round in a circle: it gets its own when its turn is over
        work.names.close([key])
        return None
    _put_right(catalogue, work, holder, done)
    return work.names.holders([key]).get(key)


def _still_has(catalogue: Catalogue, work: Work, item: ItemId, key: ItemKey) -> bool:
    """Whether any sighting of an item gives a key today."""
    last = 0
    while rows := work.names.seen(after=last, limit=BATCH, of=[item]):
        last = rows[-1].number
        for row in rows:
            found = catalogue.identify(row.raw)
            if isinstance(found, Identity) and found.key == key:
                return True
    return False


def _take(
    catalogue: Catalogue, work: Work, item: ItemId, key: ItemKey, identity: Identity, done: Rekeyed
) -> bool:
    """Let an item have a key; False where another one has it and a rule stands against a merge."""
    holder = _holder(catalogue, work, key, done)
    if holder is None:
        work.names.close(work.names.open_keys([item]).get(item, [])[:1])
        work.names.open(item, [key], is_alias=False)
        work.names.describe(item, identity)
        work.ledger.append("item:key:renewed", f"item:{item}", {"key": key})
        done.renamed += 1
        return True
    states = work.items.since([item, holder])
    is_free = [one for one in (holder, item) if allows(ITEM, states[one][0], ItemEvent.MERGE)]
    if not is_free:
        return False
    merged = max(is_free)
    kept = item if merged == holder else holder
    before = work.names.open_keys([item]).get(item, [])
    try:
        names.join(work, kept, merged, proof=Proof.RULE, by=None, reason=REASON)
    except Refused:
        return False
    work.names.set_own(kept, key)
    work.names.describe(kept, identity)
    work.names.close([one for one in before if one != key])
    done.merged += 1
    return True


def _let_go(
    work: Work, item: ItemId, groups: Mapping[ItemKey, Sequence[tuple[int, Identity]]], done: Rekeyed
) -> None:
    """Give the sightings that are of other things to those things."""
    holders = work.names.holders(list(groups))
    fresh = [key for key in groups if key not in holders]
    made = work.names.make([groups[key][0][1] for key in fresh], [item] * len(fresh))
    holders |= dict(zip(fresh, made, strict=True))
    moved = {number: holders[key] for key, group in groups.items() for number, _ in group}
    work.names.move(moved)
    for other in sorted(set(holders.values())):
        work.ledger.append("item:part:moved", f"item:{other}", {"from": item})
    done.parted += len(holders)
