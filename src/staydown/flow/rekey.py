"""rekey: after a change of the rules of identity, every item is found under the key the rules give today.

Each sighting is read anew as it was typed. Items whose key changed are renamed; two that now have one key are merged,
with everything a merge notes; an item that was two things all along lets the other go. No sighting is lost, and what
a person has to decide is left as it is and counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from staydown.core.errors import Refused
from staydown.core.ids import ItemId, ItemKey
from staydown.core.item import Identity, Proof
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


class _Undo(Exception):
    """Takes back what a trial did."""


def rekey(tools: Tools, *, is_trial: bool = False, progress: Callable[[int], None] | None = None) -> Rekeyed:
    """Go through all sightings, some thousands in each transaction; broken off, it is begun anew.

    Args:
        is_trial: Nothing is changed.
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
    known = work.names.all_keys({row.item for row in rows})
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
    known = work.names.all_keys([item])[item]
    groups: _Groups = defaultdict(list)
    stays = False
    for row in work.names.seen(limit=1_000_000, of=[item]):
        found = catalogue.identify(row.raw)
        if not isinstance(found, Identity):
            continue
        if found.key in known:
            stays = True
        else:
            groups[found.key].append((row.number, found))
    if not groups:
        return
    (before,) = work.items.get([item])
    if (stays or len(groups) > 1) and (before.state not in LETS_GO or work.holds.on([item])):
        done.waiting.append(before.key)
        return
    if not stays:
        key = min(groups, key=lambda one: groups[one][0][0])
        taken = groups.pop(key)
        if not _take(work, item, key, taken[0][1], done):
            done.waiting.append(before.key)
            return
    _let_go(work, item, groups, done)


def _take(work: Work, item: ItemId, key: ItemKey, identity: Identity, done: Rekeyed) -> bool:
    """Let an item have a key; False where another one has it and a rule stands against a merge."""
    holder = work.names.holders([key]).get(key)
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
    try:
        names.join(work, kept, merged, proof=Proof.RULE, by=None, reason=REASON)
    except Refused:
        return False
    work.names.set_own(kept, key)
    work.names.describe(kept, identity)
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
