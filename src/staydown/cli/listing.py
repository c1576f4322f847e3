"""Lists: what stands behind every number."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from staydown.cli.common import (
    As,
    Json,
    OperationOption,
    Purpose,
    app_of,
    emit,
    emit_one,
    looked,
    require_one_house,
    signs_in,
    who,
)
from staydown.core.errors import Invalid

if TYPE_CHECKING:
    from staydown.core.ids import AgencyCode
    from staydown.store.engine import SqlWork

request = typer.Typer(help="One request.", no_args_is_help=True, rich_markup_mode=None)
Word = TypeVar("Word", bound=StrEnum)
SECRET = frozenset({"held", "holding"})
"""Facets that would tell which items somebody holds."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (items, status, sightings, requests, returns, holds, clocks, report):
        app.command()(command)
    request.command("show")(request_show)
    app.add_typer(request, name="request")


def _word(kind: type[Word], text: str | None) -> Word | None:
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError as error:
        raise Invalid(f"{text!r} is not one of them", hint=f"Words: {', '.join(kind)}.") from error


def _known(work: SqlWork, operation: str | None) -> None:
    """Refuse an operation that does not exist, before an empty list says nothing."""
    if operation is not None:
        from staydown.core.ids import operation_id

        work.operations.get(operation_id(operation))


def items(
    ctx: typer.Context,
    operation: OperationOption = None,
    state: Annotated[str | None, typer.Option(help="Only items in this state.")] = None,
    facet: Annotated[
        str | None, typer.Option(help="Only what a figure counts: assessed, referred, verified, held ...")
    ] = None,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """List items. Which of them are held is shown to deconfliction officers only.

    Example: staydown items --state removed --json
    """
    from staydown.core.ids import operation_id
    from staydown.core.rights import Relation, Verb
    from staydown.core.states import ItemState
    from staydown.store.facets import facets

    app = app_of(ctx)
    require_one_house(app)
    with app.store.begin(write=False) as work:
        if facet is not None and facet not in facets(work.now):
            raise Invalid(f"{facet!r} is no facet", hint=f"Facets: {', '.join(facets(work.now))}.")
        if facet in SECRET:
            who(app, work, as_).require(Verb.SEE_HOLDS, Relation.FOREIGN)
        if operation:
            work.operations.get(operation_id(operation))
        found = work.items.listed(
            operation=operation_id(operation) if operation else None,
            state=_word(ItemState, state),
            facet=facet,
        )
        rows = (
            {
                "key": one.key,
                "kind": one.kind.value,
                "provider": one.provider,
                "address": one.address,
                "state": one.state.value,
                "agencies": list(one.agencies),
                "first_seen": one.first_seen,
                "last_seen": one.last_seen,
                "container": one.container,
                "lineage": one.lineage,
                "wraps": one.wraps,
                "number": one.stable_id,
            }
            for one in found
        )
        emit(rows, as_json=as_json, columns=("key", "kind", "state", "agencies", "first_seen", "lineage"))


def status(
    ctx: typer.Context,
    operation: Annotated[str | None, typer.Argument(help="An operation; default: everything.")] = None,
    as_json: Json = False,
) -> None:
    """Say where things stand.

    Example: staydown status autumn-2026
    """
    from staydown.core.ids import operation_id
    from staydown.flow.publish import status as verb

    with app_of(ctx).tools.begin(write=False) as work:
        found = verb(work, operation_id(operation) if operation else None)
    emit_one(found, as_json=as_json)


def sightings(ctx: typer.Context, operation: OperationOption = None, as_json: Json = False) -> None:
    """List sightings, each agency's own.

    Example: staydown sightings --json
    """
    from staydown.core.ids import operation_id

    require_one_house(app_of(ctx))
    with app_of(ctx).store.begin(write=False) as work:
        _known(work, operation)
        rows = (
            {
                "sighting": one.id,
                "key": one.key,
                "agency": one.agency,
                "raw": one.raw,
                "seen_at": one.seen_at,
                "note": one.note,
                "confidence": one.confidence,
                "sharing": one.sharing,
            }
            for one in work.items.sightings(operation=operation_id(operation) if operation else None)
        )
        emit(rows, as_json=as_json, columns=("sighting", "key", "agency", "seen_at", "raw"))


def requests(
    ctx: typer.Context,
    operation: OperationOption = None,
    state: Annotated[str | None, typer.Option(help="Only requests in this state.")] = None,
    as_json: Json = False,
) -> None:
    """List requests.

    Example: staydown requests --state proposed
    """
    from staydown.core.ids import operation_id
    from staydown.core.states import RequestState

    require_one_house(app_of(ctx))
    with app_of(ctx).store.begin(write=False) as work:
        _known(work, operation)
        found = work.requests.listed(
            state=_word(RequestState, state), operation=operation_id(operation) if operation else None
        )
        lines = work.requests.lines([one.id for one in found])
        rows = [
            {
                "reference": one.reference,
                "state": one.state.value,
                "provider": one.provider,
                "agency": one.agency,
                "items": sum(1 for line in lines.get(one.id, ()) if not line.dropped),
                "proposed_by": one.proposed_by,
                "proposed_at": one.proposed_at,
                "instrument": one.instrument,
            }
            for one in found
        ]
    emit(rows, as_json=as_json)


def request_show(ctx: typer.Context, reference: str, as_json: Json = False) -> None:
    """Show a request as it will leave: text, lines, addressee, courier, and the digest an approval binds.

    Example: staydown request show SD-1-000001
    """
    from staydown.flow.approve import digest_of
    from staydown.flow.consider import is_draft

    require_one_house(app_of(ctx))
    with app_of(ctx).store.begin(write=False) as work:
        number = work.requests.by_reference(reference)
        one, lines = work.requests.one(number), work.requests.lines([number])[number]
        approval = work.requests.approvals([number]).get(number)
    digest = digest_of(one, lines)
    rows = [
        {
            "number": line.line.number,
            "address": line.line.address,
            "dropped": line.dropped,
            "decision": line.decision.value if line.decision else None,
        }
        for line in lines
    ]
    head: dict[str, object] = {
        "reference": one.reference,
        "state": one.state.value,
        "addressee": one.addressee,
        "contact_point": one.contact_point,
        "courier": one.courier,
        "proposed_by": one.proposed_by,
        "approved_by": approval.by if approval else None,
        "digest": digest,
    }
    if as_json:
        emit_one({**head, "text": one.cover, "lines": rows}, as_json=True)
        return
    emit_one(head, as_json=False)
    unapproved = approval is None or is_draft(one)
    typer.echo("\n" + ("DRAFT, NOT AN ORDER\n\n" if unapproved else "") + one.cover)
    emit(rows, as_json=False)


def returns(
    ctx: typer.Context,
    state: Annotated[str | None, typer.Option(help="suggested, confirmed or rejected.")] = None,
    operation: OperationOption = None,
    as_json: Json = False,
) -> None:
    """List likely returns with their signals, best score first.

    Example: staydown returns --state suggested
    """
    from staydown.core.ids import operation_id
    from staydown.core.states import ReturnState

    require_one_house(app_of(ctx))
    with app_of(ctx).store.begin(write=False) as work:
        _known(work, operation)
        found = work.returns.listed(_word(ReturnState, state))
        if operation:
            listed = {one.id for one in work.items.listed(operation=operation_id(operation))}
            found = [one for one in found if one.child in listed]
        keys = {one.id: one.key for one in work.items.get([i for r in found for i in (r.parent, r.child)])}
    rows = [
        {
            "return": one.id,
            "state": one.state.value,
            "score": one.score,
            "parent": keys[one.parent],
            "child": keys[one.child],
            "reasons": list(one.reasons),
        }
        for one in found
    ]
    emit(rows, as_json=as_json)


def holds(ctx: typer.Context, purpose: Purpose = "", as_: As = "", as_json: Json = False) -> None:
    """List the holds you may see, and the questions asked about your own.

    Example: staydown holds --as carol
    """
    from staydown.core.rights import Verb
    from staydown.flow import deconflict

    app = app_of(ctx)
    with app.tools.begin(write=signs_in(app)) as work:
        person = who(app, work, as_)
        found, asked = deconflict.shown(work, person)
        looked(app, work, person, Verb.SEE_HOLDS, [f"hold:{one.id}" for one in found], purpose)
        keys = {one.id: one.key for one in work.items.get([h.item for h in found] + [i for i, _, _ in asked])}
    rows: list[dict[str, object]] = [
        {
            "hold": h.id,
            "key": keys[h.item],
            "agency": h.agency,
            "until": h.until,
            "state": h.state.value,
            "reason": h.reason,
        }
        for h in found
    ]
    rows += [
        {
            "hold": None,
            "key": keys[item],
            "agency": agency,
            "until": at,
            "state": "asked",
            "reason": "a question",
        }
        for item, agency, at in asked
    ]
    emit(rows, as_json=as_json)


def clocks(
    ctx: typer.Context,
    operation: OperationOption = None,
    state: Annotated[
        str | None, typer.Option(help="running, suspended, met, lapsed, ended or cancelled.")
    ] = None,
    party: Annotated[str | None, typer.Option(help="agency, provider, establishment ...")] = None,
    of: Annotated[str, typer.Option("--of", help="Only running clocks of this agency, page by page.")] = "",
    limit: Annotated[int, typer.Option(help="With --of: at most so many.")] = 100,
    yearly: Annotated[bool, typer.Option("--yearly", help="With --of: what comes back each year.")] = False,
    as_json: Json = False,
) -> None:
    """List clocks, what ends first on top, each with both ends and its article.

    Example: staydown clocks --of NL --limit 20
    """
    from staydown.core.ids import agency_code
    from staydown.core.states import ClockState
    from staydown.law.periods import Party

    require_one_house(app_of(ctx))
    with app_of(ctx).store.begin(write=False) as work:
        _known(work, operation)
        if of:
            show = _yearly if yearly else partial(_queue, limit=limit)
            show(work, agency_code(of), as_json=as_json)
            return
        wanted = _word(Party, party)
        found = work.clocks.listed(
            operation=operation, state=_word(ClockState, state), party=wanted.value if wanted else None
        )
    rows = [
        {
            "reference": one.reference,
            "kind": one.kind,
            "party": one.party,
            "state": one.state.value,
            "strict_end": one.strict_end,
            "legal_end": one.legal_end,
            "started_at": one.started_at,
            "place": one.place,
            "source": one.source,
        }
        for one in found
    ]
    columns = ("reference", "kind", "party", "state", "strict_end", "legal_end", "source")
    emit(rows, as_json=as_json, columns=columns)


def _yearly(work: SqlWork, agency: AgencyCode, *, as_json: bool) -> None:
    """What comes back each year, by the calendar of the agency's state; nothing of it is kept in rows."""
    from staydown.law.yearly import yearly

    office = work.offices.get(agency)
    rows = [
        {
            "kind": one.period.name,
            "title": one.period.title,
            "about": one.about,
            "party": one.period.party.value,
            "strict_end": one.ends.strict,
            "legal_end": one.ends.legal,
            "source": one.period.source,
        }
        for one in yearly(work.now, state=office.state if office else "")
    ]
    emit(rows, as_json=as_json, columns=("kind", "about", "party", "strict_end", "source"))


def _queue(work: SqlWork, agency: AgencyCode, *, limit: int, as_json: bool) -> None:
    """What ends first for one agency."""
    from staydown.flow import clocks as verb

    rows = [
        {
            "clock": one.id,
            "reference": one.reference,
            "provider": one.provider,
            "kind": one.kind,
            "party": one.party,
            "place": one.place,
            "strict_end": one.strict_end,
            "legal_end": one.legal_end,
            "left_s": round((min(one.strict_end, one.legal_end) - work.now).total_seconds()),
            "source": one.source,
        }
        for one in verb.queue(work, agency, limit=limit)
    ]
    emit(rows, as_json=as_json, columns=("reference", "kind", "party", "strict_end", "legal_end", "source"))


def report(
    ctx: typer.Context,
    operation: Annotated[str | None, typer.Argument(help="An operation; default: everything.")] = None,
    to: Annotated[str, typer.Option(help="html or json.")] = "html",
    out: Annotated[Path, typer.Option(help="Where it goes.")] = Path("report.html"),
    language: Annotated[str, typer.Option(help="en or nl.")] = "en",
    as_json: Json = False,
) -> None:
    """Write the figures of an operation, each with the command that lists what it counts.

    Example: staydown report autumn-2026 --to html --language nl --out report.html
    """
    from staydown.core.ids import operation_id
    from staydown.flow.publish import write_report

    app = app_of(ctx)
    with app.tools.begin(write=False) as work:
        done = write_report(
            work,
            app.reports,
            operation_id(operation) if operation else None,
            to=to,
            out=out,
            language=language,
        )
    emit_one(done if as_json else {"out": done["out"], "sha256": done["sha256"]}, as_json=as_json)
