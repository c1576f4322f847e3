"""propose: assessed items of one provider become a request with one instrument."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from staydown.core.assessment import Ground, Verdict
from staydown.core.errors import Invalid, NotFound, Outside
from staydown.core.ids import ItemId, OperationId, RequestId
from staydown.core.people import Person
from staydown.core.request import Request
from staydown.core.rights import Verb
from staydown.core.states import ITEM, ItemEvent, ItemState, RequestState, sources
from staydown.flow import operate
from staydown.ports import Instrument
from staydown.ports.tools import Tools
from staydown.ports.work import NewRequest, Work
from staydown.reason.rooms import ContactPoint, Room

CONTRARY = frozenset({Verdict.EXEMPT, Verdict.UNSURE})
"""Verdicts of another agency that stop an item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What became of the items that somebody wanted to propose."""

    requests: tuple[Request, ...]
    left_out: Mapping[ItemId, str]  #: why an item is in none of them; a hold reads "wait"
    joined: Mapping[ItemId, RequestId]  #: items that stand in an open request already, of whatever agency


def propose(
    tools: Tools,
    work: Work,
    person: Person,
    ids: Sequence[ItemId],
    *,
    instrument: str = "referral",
    operation: OperationId | None = None,
    language: str = "en",
) -> Proposal:
    """Put items into requests, one provider each, as many lines as one request may carry.

    Raises:
        NotEntitled: The person is no analyst.
        NotFound: No such instrument or item, or no operation in which the person's agency takes part.
    """
    person.require(Verb.PROPOSE)
    form = tools.instruments.get(instrument)
    if form is None or not hasattr(form, "render"):
        batches = sorted(name for name, one in tools.instruments.items() if hasattr(one, "render"))
        raise NotFound(
            f"there is no instrument {instrument!r} that takes a batch of items",
            hint=f"There is: {', '.join(batches)}. A form that goes singly is drawn up for one provider's items.",
        )
    if operation is not None:
        operate.joint(work, person, operation)
    work.items.lock(ids)
    grounds, left_out = fit(work, person, ids)
    joined = work.requests.open_items(list(grounds), instrument)
    for item in joined:
        left_out[item] = "stands in an open request already"
    ready = [item for item in sorted(grounds) if item not in joined]
    groups = _by_room(tools, work, ready, instrument, left_out)
    new = list(_drafts(tools, work, person, form, groups, grounds, operation=operation, language=language))
    work.requests.add(new)
    work.items.step([line.item for one in new for line in one.lines], ItemEvent.PROPOSE)
    for one in new:
        detail = {
            "agency": one.request.agency,
            "by": person.id,
            "contact_point": one.request.contact_point,
            "cover_sha256": one.request.cover_digest,
            "lines": [[line.number, line.item, line.digest] for line in one.lines],
            "provider": one.request.provider,
            "reference": one.request.reference,
        }
        work.ledger.append("request:proposal:made", f"request:{one.request.id}", detail)
    return Proposal(requests=tuple(one.request for one in new), left_out=left_out, joined=joined)


def fit(
    work: Work, person: Person, ids: Sequence[ItemId], *, also: frozenset[ItemState] = frozenset()
) -> tuple[dict[ItemId, Ground], dict[ItemId, str]]:
    """Items that may be asked for, with their ground; and why the others may not.

    Args:
        also: States that are open beside those of the table, for what goes further than a request that is out.

    Raises:
        NotFound: There is no such item.
    """
    states = work.items.since(ids)
    assessed = work.assessments.open(ids)
    kept, held = work.items.kept(ids, agency=person.agency), work.holds.on(ids)
    own = work.items.seen_by(ids, person.agency)
    open_from = sources(ITEM, ItemEvent.PROPOSE) | also
    grounds: dict[ItemId, Ground] = {}
    left_out: dict[ItemId, str] = {}
    for item in ids:
        if item not in states:
            raise NotFound(f"there is no item {item}")
        verdict, ground = assessed.get(item, {}).get(person.agency, (None, None))
        if item not in own:
            left_out[item] = f"{person.agency} has not sighted it"
        elif states[item][0] not in open_from:
            left_out[item] = f"is {states[item][0].value}"
        elif verdict is not Verdict.TERRORIST or ground is None:
            left_out[item] = f"{person.agency} has not found terrorist content in it"
        elif item not in kept:
            left_out[item] = "no evidence is kept and no waiver given"
        elif any(found in CONTRARY for code, (found, _) in assessed[item].items() if code != person.agency):
            left_out[item] = "another agency found a protected purpose, or is unsure"
        elif item in held:
            left_out[item] = "wait"
            work.holds.asked(item, by=person.id, agency=person.agency)
        else:
            grounds[item] = ground
    return grounds, left_out


def _by_room(
    tools: Tools, work: Work, ready: Sequence[ItemId], instrument: str, left_out: dict[ItemId, str]
) -> list[tuple[Room, ContactPoint, str, list[tuple[ItemId, str]]]]:
    brief = work.items.brief(ready)
    by_desk: dict[tuple[str, str], list[tuple[ItemId, str]]] = defaultdict(list)
    for item in ready:
        provider, address, *_ = brief[item]
        by_desk[provider, site_of(tools.catalogue.room(provider), address)].append((item, address))
    groups: list[tuple[Room, ContactPoint, str, list[tuple[ItemId, str]]]] = []
    for (provider, site), members in sorted(by_desk.items()):
        room = tools.catalogue.room(provider)
        contact = contact_for(tools, work, room, instrument)
        if contact is None:
            left_out.update(
                {item: f"{provider} has no contact point for {instrument}" for item, _ in members}
            )
        else:
            groups.append((room, contact, f"{room.title} {site}".strip(), members))
    return groups


def site_of(room: Room, address: str) -> str:
    """The host, where a room has none of its own: unrelated sites never share a request."""
    return "" if room.hosts or room.host_patterns or room.schemes else urlsplit(address).hostname or address


def contact_for(tools: Tools, work: Work, room: Room, instrument: str) -> ContactPoint | None:
    """Where a request goes: outside an exercise to the outbox, until a person switches a courier on."""
    known = next((contact for contact in room.contacts if instrument in contact.instruments), None)
    if not work.exercise and tools.settings.courier == "files":
        address = known.address if known else f"{room.name}: no contact point known, look it up"
        return ContactPoint(courier="files", address=address, instruments=frozenset({instrument}))
    if known is not None and known.courier not in tools.couriers:
        raise Outside(f"there is no courier {known.courier!r} for {room.name}", permanent=True)
    return known


def _drafts(
    tools: Tools,
    work: Work,
    person: Person,
    form: Instrument,
    groups: Sequence[tuple[Room, ContactPoint, str, list[tuple[ItemId, str]]]],
    grounds: Mapping[ItemId, Ground],
    *,
    operation: OperationId | None,
    language: str,
) -> Iterator[NewRequest]:
    size = tools.settings.lines_per_request
    parts = [
        (room, contact, addressee, members[at : at + size])
        for room, contact, addressee, members in groups
        for at in range(0, len(members), size)
    ]
    for number, (room, contact, addressee, members) in zip(
        work.requests.reserve(len(parts)), parts, strict=True
    ):
        reference = reference_of(work, number)
        spoken = language if language in room.languages else room.languages[0]
        rendered = form.render(
            reference=reference,
            agency=person.agency,
            addressee=addressee,
            language=spoken,
            lines=[(item, at, address, grounds[item].value) for at, (item, address) in enumerate(members, 1)],
            issued_at=work.now,
            exercise=work.exercise,
        )
        request = Request(
            id=number,
            reference=reference,
            provider=room.name,
            instrument=form.name,
            agency=person.agency,
            operation=operation,
            state=RequestState.PROPOSED,
            version=1,
            proposed_by=person.id,
            proposed_at=work.now,
            addressee=addressee,
            contact_point=contact.address,
            courier=contact.courier,
            cover=rendered.cover,
            cover_digest=hashlib.sha256(rendered.cover.encode()).hexdigest(),
            language=spoken,
            issued_at=work.now,
            subject=rendered.subject,
        )
        yield NewRequest(request=request, subject=rendered.subject, lines=rendered.lines)


def reference_of(work: Work, number: RequestId) -> str:
    """How a request is named towards its provider."""
    store = "-".join(part for part in (work.origin.rsplit("/", 1)[-1], work.restored.mark) if part)
    return f"SD-{store}-{number:06d}"


def proposable(work: Work, person: Person, *, operation: OperationId | None = None) -> list[ItemId]:
    """Items that the person's agency has sighted and that are assessed but in no request."""
    return work.items.in_state([ItemState.ASSESSED], seen_by=person.agency, operation=operation)


def chosen(work: Work, words: Sequence[str]) -> list[ItemId]:
    """Items by key or canonical address.

    Raises:
        Invalid: None were named.
        NotFound: One of them is not known.
    """
    if not words:
        raise Invalid(
            "no item was named", hint="Name keys, such as web:site:example.org; `staydown items` lists them."
        )
    found = work.items.find(words)
    if missing := [word for word in words if word not in found]:
        raise NotFound(f"no item is known as {missing[0][:120]!r}")
    return [found[word] for word in dict.fromkeys(words)]
