"""letterhead: what the store knows of a letter's order, office and addressee is written into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from staydown.core.errors import Invalid, NotFound, Refused
from staydown.core.order import Office, Order, PaperName, Task
from staydown.core.request import Request
from staydown.flow.letters import COPY, FIRST_CONTACT, To
from staydown.law.holidays import zone_of
from staydown.ports.tools import Tools
from staydown.ports.work import Work
from staydown.reason.rooms import Room

RECORDED = frozenset(
    {
        "authority", "issuing_authority", "issuing_ms", "addressee", "contact_point", "order_ref", "reference", "instrument",
        "issued_at", "order_sha256", "recipient_authority", "recipient_ms", "final_on", "provided_at",
    }
)  # fmt: skip
"""Fields of letters that nobody writes by hand."""
AUTHORITY = "authority:"
TO_AUTHORITY: Mapping[str, Task] = {
    COPY: Task.SCRUTINISE,
    "finality": Task.OVERSEE,
    "scrutiny-pre-notice": Task.ISSUE,
    "scrutiny-decision": Task.ISSUE,
}
"""Letters that go to an authority of a state, and what that authority is there for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Whom a letter goes to, and the fields that follow from the record."""

    to: To
    values: dict[str, object]


def head(
    tools: Tools,
    work: Work,
    form: str,
    office: Office,
    *,
    request: Request | None = None,
    provider: str = "",
    state: str = "",
) -> Head:
    """Addressee and known fields of a letter.

    Args:
        request: The order it is about, where it is about one.
        provider: Whom it goes to, where it is about none.
        state: The state whose authority it goes to, where that does not follow from the order.

    Raises:
        NotFound: There is no such provider.
        Refused: Nobody has confirmed an address of that authority, or the provider has no contact point.
    """
    order = work.orders.get([request.id]).get(request.id) if request is not None else None
    task = TO_AUTHORITY.get(form)
    if task is not None or state:
        to = _authority(
            work, office, state or (order.establishment_state if order else None) or "", task or Task.ISSUE
        )
    else:
        to = _provider(tools, work, request.provider if request is not None else provider, office)
    return Head(to=to, values=_values(work, form, office, to, request, order))


def _authority(work: Work, office: Office, state: str, task: Task) -> To:
    found = work.offices.authority(office.agency, state, task) if state else None
    if found is None:
        raise Refused(
            f"no confirmed address of the authority of {state or 'that state'} for the task {task.value!r} is known",
            hint="staydown authority propose, then a second person: staydown authority confirm.",
        )
    return To(
        party=f"{AUTHORITY}{state}",
        addressee=found.name,
        contact_point=found.contact_point,
        courier=found.courier,
        language=found.language,
    )


def _provider(tools: Tools, work: Work, provider: str, office: Office) -> To:
    if not provider:
        raise Invalid("a letter goes to a provider or to an authority", hint="Name one with --to.")
    room: Room = tools.catalogue.room(provider)
    contact = next((one for one in room.contacts if "tco-annex-1" in one.instruments), None) or next(
        iter(room.contacts), None
    )
    if contact is None:
        raise Refused(
            f"no contact point of {room.title} is known", hint="Look it up and enter it in its room."
        )
    if contact.courier not in tools.couriers:
        raise NotFound(f"there is no courier {contact.courier!r} for {room.name}")
    is_real = not work.exercise and tools.settings.courier == "files"
    return To(
        party=room.name,
        addressee=room.title,
        contact_point=contact.address,
        courier="files" if is_real else contact.courier,
        language=room.languages[0],
    )


def _values(
    work: Work, form: str, office: Office, to: To, request: Request | None, order: Order | None
) -> dict[str, object]:
    now = _local(work.now, office)
    contact = office.feedback or ", ".join(filter(None, (office.email, office.tel)))
    every: dict[str, object] = {
        "authority": office.name,
        "issuing_authority": office.name,
        "issuing_ms": office.state,
        "addressee": to.addressee,
        "contact_point": to.contact_point,
        "contact": contact,
        "answered_at": now,
        "provided_at": now,
        "decided_at": now,
        "withdrawn_at": now,
        "recipient_authority": to.addressee,
        "recipient_ms": to.party.removeprefix(AUTHORITY) if to.party.startswith(AUTHORITY) else "",
        "language": to.language,
    }
    if form == FIRST_CONTACT:
        every["reference"] = f"first contact of {office.agency}"
    if request is not None:
        every |= _of_order(work, office, request, order)
    return {key: value for key, value in every.items() if value != ""}


def _of_order(work: Work, office: Office, request: Request, order: Order | None) -> dict[str, object]:
    pdf = work.papers.one(request.id, PaperName.PDF)
    issued = _local(request.issued_at or work.now, office)
    told: dict[str, object] = {
        "order_ref": request.reference,
        "reference": request.reference,
        "instrument": request.instrument,
        "issued_at": issued,
        "sent_at": issued,
        "addressee": request.addressee,
        "order_sha256": pdf.sha256 if pdf else "",
    }
    if order is not None and order.final_at is not None:
        told["final_on"] = order.final_at.astimezone(zone_of(office.state)).date().isoformat()
    return told


def _local(at: datetime, office: Office) -> str:
    return at.astimezone(zone_of(office.state)).isoformat(timespec="seconds")


def fitting(tools: Tools, form: str, values: Mapping[str, object]) -> dict[str, object]:
    """Those of the values that the form has a field for."""
    found = getattr(tools.instruments.get(form), "form", None)
    keys = {one.key for one in found.fields} if found is not None else set()
    return {key: value for key, value in values.items() if key in keys}


def complete(
    tools: Tools,
    work: Work,
    form: str,
    office: Office,
    given: Mapping[str, object],
    *,
    request: Request | None = None,
    provider: str = "",
    state: str = "",
) -> Head:
    """Addressee and all fields of a letter: known ones, and those that a person gives.

    Raises:
        Invalid: A person gives a field that follows from the record.
    """
    if fixed := sorted(RECORDED & set(given)):
        raise Invalid(f"{', '.join(fixed)}: these fields follow from the record and are not written by hand")
    found = head(tools, work, form, office, request=request, provider=provider, state=state)
    return Head(to=found.to, values={**fitting(tools, form, found.values), **given})
