"""footing: what the store knows of items, provider and agency, put before the rules of law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from staydown.core.assessment import Ground, Verdict
from staydown.core.errors import Invalid, NotFound, Refused
from staydown.core.ids import ItemId, RequestId
from staydown.core.item import Item
from staydown.core.order import Competence, Office, Reach, Task
from staydown.core.people import Person
from staydown.core.request import Decision, Request
from staydown.core.rights import Relation, Verb
from staydown.core.states import ItemState, RequestState
from staydown.law import counting, register
from staydown.law.footing import Option, findings, options, stops
from staydown.law.matter import Finding, FirstContact, Layer, Matter, Outcome
from staydown.ports.tools import Tools
from staydown.ports.work import LineState, Work
from staydown.reason.rooms import Fit, Room

CONTRARY = frozenset({Verdict.EXEMPT, Verdict.UNSURE})
ENDED = {
    Decision.REFUSED: Outcome.REFUSED,
    Decision.REMOVED: Outcome.RETURNED,
    Decision.RESTRICTED: Outcome.REFUSED,
}
"""What a provider's word means for the next instrument, where the item is still, or again, there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What only a person can say when an instrument is chosen."""

    reach: Reach = Reach.UNKNOWN
    layer: Layer | None = None  #: None: as the provider's room has it
    serves_union: bool | None = None
    threat_to_life: bool = False
    emergency: str = ""
    whole: str = ""
    again: str = ""
    reasons: str = ""
    basis: str = ""
    scope: str = ""
    good_faith: bool = False
    language: str = ""  #: empty: the first that the provider accepts and the form has
    secret_from: datetime | None = None
    secret_until: datetime | None = None
    secret_reasons: str = ""  #: why silence is necessary and proportionate


NOTHING = Said()


def office_of(work: Work, person: Person) -> Office:
    """What the person's agency has set for its forms.

    Raises:
        Invalid: It has set nothing.
    """
    found = work.offices.get(person.agency)
    if found is None:
        raise Invalid(
            f"{person.agency} has not said what stands on its forms: state, name, address, competences, redress",
            hint="An administrator sets it: staydown office set FILE.",
        )
    return found


def layer_of(room: Room) -> Layer:
    """What a provider does with what it has, by the instruments that fit it."""
    if Fit.TCO_ORDER in room.instruments or not room.instruments:
        return Layer.HOSTING
    if Fit.DSA_NOTICE in room.instruments:
        return Layer.CLOUD
    return Layer.MESSAGING if Fit.REFERRAL in room.instruments else Layer.CONDUIT


def matters(
    tools: Tools,
    work: Work,
    person: Person,
    ids: Sequence[ItemId],
    said: Said = NOTHING,
    *,
    at: datetime | None = None,
    besides: RequestId | None = None,
) -> dict[ItemId, Matter]:
    """What the rules of footing ask about, for each item.

    Args:
        said: What a person adds.
        at: The instant of issuing, for the twelve hours; None: now.
        besides: A request that is not counted as one before: the one that is looked at.

    Raises:
        NotFound: There is no such item.
        Invalid: The agency has set nothing for its forms.
    """
    office = work.offices.get(person.agency) or Office(
        agency=person.agency, state="", kind="other", name=person.agency
    )
    known = {one.id: one for one in work.items.get(ids)}
    if missing := [item for item in ids if item not in known]:
        raise NotFound(f"there is no item {missing[0]}")
    assessed = work.assessments.open(ids)
    kept, held = work.items.kept(ids, agency=person.agency), work.holds.on(ids)
    orders = work.orders.on_matter(ids)
    before = _before(work, person, ids, known, besides)
    rooms = {one.provider: tools.catalogue.room(one.provider) for one in known.values()}
    contact = {name: first_contact(work, person, name, office, at or work.now) for name in rooms}
    addressed = _addressed(work, office, rooms)
    found: dict[ItemId, Matter] = {}
    for item in ids:
        own, room = known[item], rooms[known[item].provider]
        verdict, ground = assessed.get(item, {}).get(person.agency, (None, None))
        found[item] = Matter(
            kind=own.kind,
            reach=said.reach,
            verdict=verdict,
            limbs=frozenset({ground}) if isinstance(ground, Ground) else frozenset(),
            protected=any(one in CONTRARY for one, _ in assessed.get(item, {}).values()),
            held=item in held,
            kept=item in kept,
            threat_to_life=said.threat_to_life,
            provider=room.title,
            layer=said.layer or layer_of(room),
            serves_union=True if _in_union(room) else said.serves_union,
            establishment=room.establishment,
            representative=room.representative,
            languages=room.languages,
            contacts=frozenset(name for contact in room.contacts for name in contact.instruments),
            state=office.state,
            competences=office.competences,
            language=said.language or room.languages[0],
            forms={name: tuple(getattr(one, "languages", ())) for name, one in tools.instruments.items()},
            before=before.get(item, {}),
            order_in_force=any(one != besides for one in orders.get(item, ())),
            contact=contact[own.provider],
            emergency=said.emergency,
            whole=said.whole,
            again=said.again,
            reasons=said.reasons,
            authority_known=addressed[room.name],
            redress_known=bool(office.redress_body and office.redress_deadline and office.redress_law),
            basis=said.basis or office.legal_basis,
            scope=said.scope,
            good_faith=said.good_faith,
            secret_from=said.secret_from,
            secret_until=said.secret_until,
        )
    return found


def _in_union(room: Room) -> bool:
    from staydown.law.states import EU

    return room.establishment in EU or room.representative is not None


def _addressed(work: Work, office: Office, rooms: Mapping[str, Room]) -> dict[str, bool]:
    """By provider, whether the agency knows where the copy for the state of establishment goes; one look for all."""
    homes = {
        name: Matter(establishment=room.establishment, representative=room.representative).home
        for name, room in rooms.items()
    }
    elsewhere = set(homes.values()) - {None, office.state}
    if elsewhere:
        elsewhere -= {
            one.state
            for one in work.offices.authorities(office.agency)
            if one.task is Task.SCRUTINISE and one.confirmed_by is not None
        }
    return {name: home not in elsewhere for name, home in homes.items()}


def first_contact(work: Work, person: Person, provider: str, office: Office, at: datetime) -> FirstContact:
    """How it stands with the information before the first order of the agency to a provider.

    Source: Regulation (EU) 2021/784, Art. 3(2): at least twelve hours; a minimum wait ends at the later of its ends.
    """
    over = waits_until(work, person, provider, office)
    if over is None:
        return FirstContact.NONE
    return FirstContact.DONE if over <= at else FirstContact.WAITING


def waits_until(work: Work, person: Person, provider: str, office: Office) -> datetime | None:
    """When the twelve hours are over; None where the provider has neither information nor an earlier order."""
    told = work.letters.first_contact(person.agency, provider)
    earlier = work.orders.first_received(person.agency, provider)
    if earlier is not None:
        return earlier
    if told is None:
        return None
    length = register.INFORM.length
    if not isinstance(length, counting.Length):
        raise Invalid("the wait before a first order has no length in the register")
    return counting.ends(told, length, state=office.state).later


def _before(
    work: Work,
    person: Person,
    ids: Sequence[ItemId],
    known: Mapping[ItemId, Item],
    besides: RequestId | None,
) -> dict[ItemId, dict[str, Outcome]]:
    """What became of the agency's own earlier requests for these items, by instrument."""
    sent = work.requests.sent_for(ids)
    numbers = sorted({number for own in sent.values() for number in own} - {besides})
    requests = {one.id: one for one in work.requests.get(numbers) if one.agency == person.agency}
    lines = work.requests.lines(list(requests))
    found: dict[ItemId, dict[str, Outcome]] = {}
    for item, own in sent.items():
        for number in own:
            request = requests.get(number)
            if request is None or request.state is RequestState.WITHDRAWN:
                continue
            line = next(one for one in lines[number] if one.line.item == item)
            found.setdefault(item, {})[request.instrument] = _outcome(request, line, known[item])
    return found


def _outcome(request: Request, line: LineState, item: Item) -> Outcome:
    if item.state in {ItemState.RETURNED, ItemState.ASSESSED} and line.decision is Decision.REMOVED:
        return Outcome.RETURNED
    if line.decision in ENDED:
        return ENDED[line.decision] if line.decision is not Decision.REMOVED else Outcome.OPEN
    return Outcome.SILENT if request.state in {RequestState.CLOSED, RequestState.ANSWERED} else Outcome.OPEN


def suggest(
    tools: Tools, work: Work, person: Person, ids: Sequence[ItemId], said: Said = NOTHING
) -> dict[ItemId, tuple[Option, ...]]:
    """How each instrument stands for each item, the least intrusive first.

    Raises:
        NotEntitled: The person may not see the own agency's requests.
    """
    person.require(Verb.SEE_ITEMS, Relation.SHARED)
    return {item: options(one) for item, one in matters(tools, work, person, ids, said).items()}


def require(
    found: Sequence[Finding], *, reasons: str = "", but: frozenset[str] = frozenset(), what: str = "it"
) -> None:
    """Refuse where a finding stops it.

    Args:
        found: What the rules say.
        reasons: The signatory's, for what the law discourages.
        but: Rules that are asked later, such as the twelve hours before it is signed.

    Raises:
        Refused: Names every rule that stops it, with its article.
    """
    stopping = [one for one in stops(found, reasons=reasons) if one.rule not in but]
    if stopping:
        told = "; ".join(dict.fromkeys(f"{one.text.rstrip('.')} ({one.source})" for one in stopping))
        raise Refused(f"{what} cannot go on: {told}", hint="staydown footing KEY says what fits instead.")


def all_findings(instrument: str, facts: Mapping[ItemId, Matter]) -> tuple[Finding, ...]:
    """What the rules say about all items of one request, each finding once."""
    return tuple(dict.fromkeys(one for own in facts.values() for one in findings(instrument, own)))


__all__ = [
    "Competence",
    "Said",
    "all_findings",
    "first_contact",
    "layer_of",
    "matters",
    "office_of",
    "require",
    "suggest",
    "waits_until",
]
