"""names: what an item is called, when two items are one, and when a name has passed to somebody else.

A provider's own number outlives every name. Two items that carry one number are one; a person may say so too.
Everything a merge does is noted and can be undone. Nobody is merged away for whom a request was ever made, and
no merge weakens a protection: holds and assessments of both count for the one that is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from staydown.core.assessment import VERDICT_EVENT, Verdict
from staydown.core.errors import Invalid, NotFound, Refused
from staydown.core.ids import AgencyCode, ItemId, ItemKey, MergeId, PersonId
from staydown.core.item import ACTORS, Identity, Item, Proof
from staydown.core.people import Person
from staydown.core.rights import Relation, Verb
from staydown.core.states import ITEM, ItemEvent, ItemState, Presence, allows
from staydown.flow import assess
from staydown.ports import Catalogue
from staydown.ports.work import Work, WorkKind

BATCH = 5_000
"""Sightings that are looked through at a time when a merge is undone."""
_STATE_OF: Mapping[Verdict, ItemState] = {
    Verdict.CLEAR: ItemState.CLEARED,
    Verdict.EXEMPT: ItemState.EXEMPT,
    Verdict.UNSURE: ItemState.UNSURE,
}


def merge(work: Work, person: Person, kept: ItemId, merged: ItemId, *, reason: str) -> MergeId:
    """Say that two items are one: `kept` carries the sightings of both from now on.

    Raises:
        NotEntitled: The person is neither analyst nor coordinator.
        Invalid: No reason, or twice the same item.
        NotFound: No such item.
        Refused: A rule stands against it; see `_why_not`.
    """
    person.require(Verb.MERGE, Relation.SHARED)
    if not reason.strip():
        raise Invalid("a merge needs a reason")
    roots = work.names.root([kept, merged])
    if missing := {kept, merged} - roots.keys():
        raise NotFound(f"there is no item {min(missing)}")
    if roots[kept] == roots[merged]:
        raise Invalid("these are one item already", hint="List its names: staydown names KEY.")
    with work.across():  # the sightings of all agencies go with it
        return join(work, roots[kept], roots[merged], proof=Proof.PERSON, by=person.id, reason=reason)


def prove(work: Work, ids: Collection[ItemId], *, fresh: Collection[ItemId] | None = None) -> list[MergeId]:
    """Merge items that carry one number of their provider, where one of `ids` is among them.

    The oldest for which a request was made is kept, else the oldest. Two that a person has split stay two. Where a
    rule stands against it both stay, and the ledger says so when the number of one of them is new.

    Args:
        fresh: Those of `ids` whose number is new; None: all.
    """
    new = set(ids if fresh is None else fresh)
    made: list[MergeId] = []
    for group in work.names.same_number(ids):
        states = work.items.since(group)
        apart = {  # a person said that these are two
            frozenset({one.kept, one.merged})
            for one in work.names.merges(of=group)
            if one.undone_at is not None
        }
        fixed = [item for item in group if not allows(ITEM, states[item][0], ItemEvent.MERGE)]
        kept = (fixed or group)[0]
        for other in group:
            if other == kept or frozenset({kept, other}) in apart:
                continue
            try:
                made.append(
                    join(
                        work,
                        kept,
                        other,
                        proof=Proof.NUMBER,
                        by=None,
                        reason="the provider's number is the same",
                    )
                )
            except Refused as error:
                if not {other, kept} & new:
                    continue
                work.ledger.append("item:merge:waited", f"item:{other}", {"kept": kept, "reason": str(error)})
    return made


def join(
    work: Work, kept: ItemId, merged: ItemId, *, proof: Proof, by: PersonId | None, reason: str
) -> MergeId:
    """Let one item become another; the gates first.

    Raises:
        Refused: A rule stands against it.
    """
    work.names.alone()  # before items are locked, as intake does
    work.items.lock([kept, merged])
    both = {item.id: item for item in work.items.get([kept, merged])}
    if why := _why_not(work, both[kept], both[merged], proof):
        raise Refused(why, hint="Nothing was changed. See docs/how-to/names.md.")
    takes_number = both[kept].stable_id is None and both[merged].stable_id is not None
    takes_name = _is_found_at(work, both[kept], both[merged])
    number = work.names.merge(kept, merged, proof=proof, by=by, reason=reason, number_taken=takes_number)
    work.items.step([merged], ItemEvent.MERGE)
    if takes_number:
        work.names.set_numbers({kept: both[merged].stable_id or ""})
    if takes_name:
        _move_to(work, kept, both[merged].key, both[merged].address)
        work.queue.add(WorkKind.PRESERVE, [kept], due_at=work.now, priority=3)
        if both[kept].state is ItemState.GONE:
            work.items.step([kept], ItemEvent.REAPPEAR)
    if _doubts(work, kept, merged):
        assess.doubt(work, [kept])
    work.queue.add(WorkKind.CHECK, [kept], due_at=work.now, priority=4)
    detail = {"by": by, "merge": number, "merged": merged, "proof": proof.value, "reason": reason}
    work.ledger.append("item:merge:made", f"item:{kept}", detail)
    return number


def _is_found_at(work: Work, kept: Item, merged: Item) -> bool:
    """Whether an item that became one with another is to be looked for under the other's name from now on.

    It is where the other was seen there later than the item under its own: names change in one direction.
    """
    looks = work.items.presence([kept.id, merged.id])
    (mine, _, mine_at), (other, _, other_at) = looks[kept.id], looks[merged.id]
    if other is Presence.ONLINE:
        return (
            mine is not Presence.ONLINE or mine_at is None or (other_at is not None and other_at >= mine_at)
        )
    return other is Presence.UNSEEN and (
        mine in {Presence.OFFLINE, Presence.DOUBTED} or kept.state is ItemState.GONE
    )


def _move_to(work: Work, item: ItemId, key: ItemKey, address: str) -> None:
    """Let an item be found under another of its names; what was seen under the old one says nothing of it."""
    work.names.set_own(item, key)
    work.names.set_address(item, address)
    work.items.set_presence([item], Presence.UNSEEN, missed_at=None, looked_at=None)
    work.queue.add(WorkKind.CHECK, [item], due_at=work.now, priority=4)


def _why_not(work: Work, kept: Item, merged: Item, proof: Proof) -> str:
    """Why two items cannot become one, or nothing."""
    if ItemState.MERGED in {kept.state, merged.state}:
        return "one of them became another item meanwhile"
    if proof is not Proof.RULE:
        if kept.provider != merged.provider:
            return f"they stand at two providers, {kept.provider} and {merged.provider}"
        if kept.kind != merged.kind and not {kept.kind, merged.kind} <= ACTORS:
            return f"one is of the kind {kept.kind.value}, the other {merged.kind.value}"
    if kept.stable_id and merged.stable_id and kept.stable_id != merged.stable_id:
        return "the provider gives them two different numbers"
    if not allows(ITEM, merged.state, ItemEvent.MERGE):
        return (
            f"the item that would be merged is {merged.state.value}: a request was made for it;"
            " keep that one, or confirm a return if both were asked for"
        )
    if _cautious(work, merged.id) - {kept.state} and not allows(ITEM, kept.state, ItemEvent.DOUBT):
        if kept.state in {ItemState.EXEMPT, ItemState.UNSURE, ItemState.GONE}:
            return ""
        return f"it was found protected, cleared or in doubt, and the other one is {kept.state.value}: withdraw first"
    return ""


def _cautious(work: Work, item: ItemId) -> set[ItemState]:
    """Where the assessments in force of an item that speak against a request would have it stand."""
    verdicts = {verdict for verdict, _ in work.assessments.open([item]).get(item, {}).values()}
    return {_STATE_OF[verdict] for verdict in verdicts if verdict in _STATE_OF}


def _doubts(work: Work, kept: ItemId, merged: ItemId) -> bool:
    """Whether the kept item has to be assessed anew, because of what was found in the other one."""
    state = work.items.since([kept])[kept][0]
    return bool(_cautious(work, merged) - {state}) and state not in {ItemState.EXEMPT, ItemState.UNSURE}


def merged_as(work: Work, key: str) -> ItemId:
    """The item that was merged under a name, and is merged still.

    Raises:
        NotFound: None was.
    """
    made = [one.merged for one in work.names.merges() if one.undone_at is None]
    found = [item.id for item in work.items.get(made) if item.key == key]
    if not found:
        raise NotFound(f"no item was merged under the name {key[:80]!r}", hint="List them: staydown merges.")
    return found[-1]


def split(
    catalogue: Catalogue, work: Work, person: Person, merged: ItemId, *, reason: str
) -> tuple[ItemId, ItemId]:
    """Undo a merge: the item is itself again, with its sightings, also those that came in meanwhile under its names.

    Gives the item it had become, and the item.

    Raises:
        NotEntitled: The person is neither analyst nor coordinator.
        Invalid: No reason.
        NotFound: It was merged into none.
        Refused: What it was merged into was itself merged.
    """
    person.require(Verb.MERGE, Relation.SHARED)
    if not reason.strip():
        raise Invalid("undoing a merge needs a reason")
    with work.across():  # the sightings of all agencies go with it
        return _part(catalogue, work, person, merged, reason=reason)


def _part(
    catalogue: Catalogue, work: Work, person: Person, merged: ItemId, *, reason: str
) -> tuple[ItemId, ItemId]:
    work.names.alone()
    made = work.names.merge_of(merged)
    kept = work.names.root([merged])[merged]
    if kept != made.kept:
        raise Refused(
            f"item {made.kept}, into which it was merged, became another item itself",
            hint="Undo that merge first; list them with staydown merges.",
        )
    work.items.lock([kept, merged])
    work.names.split(made, by=person.id, reason=reason)
    for item in (kept, merged):
        _name(work, item)
    names = set(work.names.open_keys([merged]).get(merged, []))
    for moved in _named(catalogue, work, kept, names):
        work.names.move(dict.fromkeys(moved, merged))
    work.items.step([merged], ItemEvent.SPLIT)
    found = work.assessments.open([merged]).get(merged, {})
    if event := _standing(found):
        work.items.step([merged], event)
    work.queue.add(WorkKind.CHECK, [kept, merged], due_at=work.now, priority=4)
    work.ledger.append(
        "item:merge:undone",
        f"item:{kept}",
        {"by": person.id, "merge": made.id, "merged": merged, "reason": reason},
    )
    return kept, merged


def _named(
    catalogue: Catalogue, work: Work, item: ItemId, names: Collection[ItemKey]
) -> Iterable[Sequence[int]]:
    """The sightings of an item that were typed under some names, some thousands at a time."""
    last = 0
    while rows := work.names.seen(after=last, limit=BATCH, of=[item]):
        last = rows[-1].number
        found = ((row.number, catalogue.identify(row.raw)) for row in rows)
        yield [number for number, one in found if isinstance(one, Identity) and one.key in names]


def _standing(found: Mapping[AgencyCode, tuple[Verdict, object]]) -> ItemEvent | None:
    """What the assessments in force together make of an item."""
    verdicts = {verdict for verdict, _ in found.values()}
    if not verdicts:
        return None
    if Verdict.UNSURE in verdicts or {Verdict.EXEMPT, Verdict.TERRORIST} <= verdicts:
        return ItemEvent.DOUBT
    first = next(v for v in (Verdict.EXEMPT, Verdict.TERRORIST, Verdict.CLEAR) if v in verdicts)
    return VERDICT_EVENT[first]


def _name(work: Work, item: ItemId) -> None:
    """Let an item without a name be called by its number, or by its own."""
    if work.names.open_keys([item]).get(item):
        return
    (one,) = work.items.get([item])
    wanted = f"{one.provider}:{one.kind.value}:number={one.stable_id or f'item-{item}'}"
    taken = work.names.holders([ItemKey(wanted)])
    work.names.open(item, [ItemKey(f"{wanted}#{item}" if taken else wanted)], is_alias=False)


def pass_on(work: Work, ids: Collection[ItemId]) -> list[ItemId]:
    """Let items go by another of their names, or by their number, where somebody else has their name by now.

    The next sighting of that name is a new item. Gives those that have another name, under which to look for them.
    """
    if not ids:
        return []
    numbers = work.names.numbers(ids)
    keys = work.names.open_keys(list(numbers))
    elsewhere: list[ItemId] = []
    for item in work.items.get([item for item, one in numbers.items() if one.has_name and keys.get(item)]):
        passed, rest = keys[item.id][0], keys[item.id][1:]
        work.names.close([passed], has_passed=True)
        places = work.names.addresses(item.id)
        known = [key for key in reversed(rest) if key in places]
        if known:
            _move_to(work, item.id, known[0], places[known[0]])
            elsewhere.append(item.id)
        elif rest:
            work.names.set_own(item.id, rest[-1])
        else:
            _name(work, item.id)
        work.ledger.append(
            "item:name:passed", f"item:{item.id}", {"key": passed, "number": numbers[item.id].value}
        )
    return elsewhere
