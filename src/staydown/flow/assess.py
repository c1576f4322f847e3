"""assess: a person's view of an item, with its ground; a machine never does this."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from staydown.core.assessment import VERDICT_EVENT, Assessment, Ground, Verdict
from staydown.core.errors import IllegalStep, NotEntitled, NotFound
from staydown.core.ids import AgencyCode, ItemId
from staydown.core.people import Person
from staydown.core.rights import Verb
from staydown.core.states import ITEM, ItemEvent, ItemState, allows
from staydown.ports.work import Drop, Work


def assess(work: Work, person: Person, made: Sequence[Assessment]) -> None:
    """Store assessments and step their items.

    Where another agency found an exempt purpose, or was unsure, an item that this one finds to be terrorist
    content becomes `unsure`: it stops until they agree.

    Args:
        work: One open transaction.
        person: Who assesses; every assessment must be in this person's name.
        made: Complete assessments; each is checked again here.

    Raises:
        NotEntitled: No analyst, or somebody else's name or agency.
        NoGround: An assessment is incomplete or contradicts itself.
        NotFound: An item does not exist.
        IllegalStep: An item is in a request or behind one, where its assessment cannot change.

    Source: Regulation (EU) 2021/784, Art. 1(3) and 2(7).
    """
    person.require(Verb.ASSESS)
    for one in made:
        person.require(Verb.ASSESS, within=one.agency)
        one.checked()
    ids = [one.item for one in made]
    work.items.lock(ids)
    states = work.items.since(ids)
    if missing := [item for item in ids if item not in states]:
        raise NotFound(f"there is no item {missing[0]}")
    if strange := set(ids) - work.items.seen_by(ids, person.agency):
        raise NotEntitled(
            f"{person.agency} has not sighted item {min(strange)}", hint="Record an own sighting first."
        )
    others = work.assessments.open(ids)
    events: dict[ItemEvent, list[ItemId]] = defaultdict(list)
    for one in made:
        event = event_of(one, others.get(one.item, {}))
        if not allows(ITEM, states[one.item][0], event):
            raise IllegalStep(f"item {one.item} is {states[one.item][0].value} and cannot be assessed now")
        events[event].append(one.item)
    numbers = work.assessments.add(made)
    for event, part in events.items():
        work.items.step(part, event)
        _take_out(work, [item for item in part if states[item][0] is ItemState.PROPOSED])
    for number, one in zip(numbers, made, strict=True):
        detail = {
            "assessment": number,
            "by": one.by,
            "ground": one.ground.value if one.ground else None,
            "purposes": {purpose.value: answer.value for purpose, answer in one.purposes.items()},
            "reason": one.reason,
            "verdict": one.verdict.value,
        }
        work.ledger.append("item:assessment:made", f"item:{one.item}", detail)


def doubt(work: Work, ids: Sequence[ItemId]) -> None:
    """Let items stop until they are assessed anew; those in a request that has not left come out of it."""
    states = work.items.since(ids)
    moved = work.items.step(ids, ItemEvent.DOUBT)
    _take_out(work, [item for item in sorted(moved) if states[item][0] is ItemState.PROPOSED])


def _take_out(work: Work, ids: Sequence[ItemId]) -> None:
    """Doubt about an item takes it out of a request that has not left."""
    if ids:
        drops = [
            Drop(request=requests[-1], item=item, reason="in doubt")
            for item, requests in work.requests.sent_for(ids).items()
        ]
        with work.across():  # it may be another agency's request
            work.requests.drop(drops)
        for drop in drops:
            detail = {"items": [drop.item], "reason": drop.reason}
            work.ledger.append("request:lines:dropped", f"request:{drop.request}", detail)


def event_of(one: Assessment, others: Mapping[AgencyCode, tuple[Verdict, Ground | None]]) -> ItemEvent:
    """What an assessment does to its item, given the other agencies' assessments in force."""
    contrary = {verdict for agency, (verdict, _) in others.items() if agency != one.agency}
    if one.verdict is Verdict.TERRORIST and contrary & {Verdict.EXEMPT, Verdict.UNSURE}:
        return ItemEvent.DOUBT
    return VERDICT_EVENT[one.verdict]
