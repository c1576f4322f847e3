"""watch: return is expected. Likely returns are suggested with named signals; a person confirms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from staydown.core.errors import Stale
from staydown.core.ids import ItemId, ReturnId
from staydown.core.people import Person
from staydown.core.rights import Relation, Verb
from staydown.core.states import RETURN, ReturnEvent, ReturnState, step
from staydown.ports.work import Suggestion, Work
from staydown.reason.lineage import CARRIERS_AT_MOST, KINDS, SHOWN_FROM, Shared, score

BEFORE = timedelta(days=2)
"""A successor may be opened, and seen, this long before the old one's removal is verified."""


def suggest(work: Work, ids: Sequence[ItemId]) -> list[ReturnId]:
    """Suggest which removed item each of these may be, come back: at most one parent a child."""
    if not ids:
        return []
    work.returns.turn()
    pairs: dict[tuple[ItemId, ItemId], list[Shared]] = defaultdict(list)
    for child, parent, kind, value, carriers in work.kept.shared_marks(
        ids, KINDS, at_most=CARRIERS_AT_MOST, removed=True
    ):
        pairs[child, parent].append(Shared(kind=kind, value=value, carriers=carriers))
    if not pairs:
        return []
    linked = {
        one.child for one in work.returns.listed(ReturnState.CONFIRMED, of={child for child, _ in pairs})
    }
    now = work.names.root({child for child, _ in pairs})
    removed = work.items.removed_before({parent for _, parent in pairs})
    recorded = work.items.recorded_at({child for child, _ in pairs} | set(removed))
    best: dict[ItemId, tuple[float, float, ItemId, tuple[str, ...]]] = {}
    for (child, parent), shared in sorted(pairs.items()):
        gone_at = removed.get(parent)
        if (
            gone_at is None
            or child in linked
            or now[child] != child  # it became another item
            or recorded[child] < gone_at - BEFORE
            or recorded[child] <= recorded[parent]
        ):
            continue
        likely, reasons = score(shared)
        rank = (likely, gone_at.timestamp(), parent, reasons)
        if likely >= SHOWN_FROM and (child not in best or rank[:2] > best[child][:2]):
            best[child] = rank
    found = [
        Suggestion(parent=parent, child=child, score=likely, reasons=reasons)
        for child, (likely, _, parent, reasons) in sorted(best.items())
    ]
    numbers = work.returns.suggest(found)
    for one in work.returns.listed(ReturnState.SUGGESTED, of=[s.child for s in found]):
        if one.id in set(numbers):
            detail = {
                "child": one.child,
                "parent": one.parent,
                "reasons": list(one.reasons),
                "score": str(one.score),
            }
            work.ledger.append("item:return:suggested", f"return:{one.id}", detail)
    return numbers


def suggest_for(work: Work, parents: Sequence[ItemId]) -> list[ReturnId]:
    """Suggest returns among what was kept before these items' removal was verified."""
    work.returns.turn()
    shared = work.kept.shared_marks(parents, KINDS, at_most=CARRIERS_AT_MOST, since=work.now - BEFORE)
    return suggest(work, sorted({other for _, other, *_ in shared}))


def decide(work: Work, person: Person, number: ReturnId, *, is_return: bool) -> None:
    """Say whether one suggested return is one; see `decide_all`."""
    decide_all(work, person, {number: is_return})


def decide_all(work: Work, person: Person, said: Mapping[ReturnId, bool]) -> None:
    """Say of suggested returns whether they are; their lineages follow.

    Raises:
        NotEntitled: The person is no analyst.
        NotFound: No such return.
        IllegalStep: One was decided that way already.
        Stale: Another parent was confirmed for the same item.
    """
    person.require(Verb.DECIDE_RETURN, Relation.SHARED)
    found = work.returns.get(list(said))
    work.items.lock({item for one in found.values() for item in (one.parent, one.child)})
    yes = [found[number] for number, is_return in said.items() if is_return]
    parents: dict[ItemId, ReturnId] = {}
    for one in [*yes, *work.returns.listed(ReturnState.CONFIRMED, of=[one.child for one in yes])]:
        if parents.setdefault(one.child, one.id) != one.id:
            raise Stale(
                "another return was confirmed for this item",
                hint="Reject that one first, if it was an error.",
            )
    after = {
        number: step(RETURN, found[number].state, ReturnEvent.CONFIRM if is_return else ReturnEvent.REJECT)
        for number, is_return in said.items()
    }
    for state in sorted(set(after.values())):
        work.returns.set([number for number in after if after[number] is state], state, by=person.id)
    roots = work.items.lineages([one.parent for one in yes])
    changed: dict[ItemId, ItemId | None] = {one.child: roots.get(one.parent, one.parent) for one in yes}
    undone = [number for number in said if not said[number] and found[number].state is ReturnState.CONFIRMED]
    changed |= {found[number].child: None for number in undone}
    _set_lineages(work, changed)
    for number, state in after.items():
        work.ledger.append(f"item:return:{state.value}", f"return:{number}", {"by": person.id})


def _set_lineages(work: Work, changed: Mapping[ItemId, ItemId | None]) -> None:
    """Write the first ancestor into items and everything that came back from them, generation by generation."""
    todo = dict(changed)
    while todo:
        work.items.set_lineages(todo)
        todo = {child: todo[parent] or parent for parent, child in work.returns.children(sorted(todo))}
