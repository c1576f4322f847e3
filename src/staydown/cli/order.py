"""Instruments drawn on legal forms: footing, drawing up, signature, and what is said about an order afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from staydown.cli.common import (
    As,
    Json,
    OperationOption,
    Purpose,
    Reason,
    app_of,
    emit,
    emit_one,
    looked,
    require_one_house,
    signs_in,
    who,
)
from staydown.cli.jsonfile import read_object
from staydown.core.errors import Invalid, Outside
from staydown.core.rights import Verb

if TYPE_CHECKING:
    from datetime import datetime

    from staydown.flow.footing import Said

order = typer.Typer(
    help="One order, or another instrument on a form.", no_args_is_help=True, rich_markup_mode=None
)
Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="The request's reference.")]
Keys = Annotated[list[str], typer.Argument(metavar="KEY...", help="Keys or canonical addresses of items.")]
At = Annotated[
    str, typer.Option("--at", help="The instant, with its offset, such as 2026-03-02T10:20:00+01:00.")
]
SaidFile = Annotated[
    Path | None,
    typer.Option(
        "--said",
        help="JSON with what only a person can say: reach, layer, serves_union, threat_to_life, emergency, whole,"
        " again, reasons, basis, scope, good_faith, language, secret_until.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in (
        ("draw", draw),
        ("show", show),
        ("paper", paper),
        ("sign", sign),
        ("received", received),
        ("feedback", feedback),
        ("judge", judge),
        ("resume", resume),
        ("informed", informed),
        ("extend-silence", extend_silence),
        ("scrutiny", scrutiny),
        ("scrutiny-notice", scrutiny_notice),
        ("scrutiny-decision", scrutiny_decision),
        ("appeal", appeal),
        ("court", court),
        ("finalise", finalise),
        ("reinstated", reinstated),
        ("dossier", dossier),
    ):
        order.command(name)(command)
    app.add_typer(order, name="order")
    app.command("footing")(footing)
    app.command("orders")(orders)
    app.command("statements")(statements)


def read_json(path: Path | None) -> dict[str, Any]:
    """The JSON object in a file; nothing for no file.

    Raises:
        Invalid: It cannot be read, is no object, says a thing twice or holds half of a character.
    """
    return {} if path is None else read_object(path)


def said_from(found: dict[str, Any]) -> Said:
    """What a person says of the footing, from a JSON object.

    Raises:
        Invalid: An unknown field, or one of another type.
    """
    from staydown.core.order import Reach
    from staydown.core.time import parse
    from staydown.flow.footing import Said
    from staydown.law.matter import Layer

    known = set(Said.__dataclass_fields__)
    if strange := sorted(set(found) - known):
        raise Invalid(f"unknown: {', '.join(strange)}", hint=f"Known are {', '.join(sorted(known))}.")
    read: dict[str, Any] = {}
    for name, value in found.items():
        kind = {"serves_union": bool, "threat_to_life": bool, "good_faith": bool}.get(name, str)
        if not isinstance(value, kind):
            raise Invalid(f"{name} has to be {'true or false' if kind is bool else 'a text'}")
        read[name] = value
    try:
        if "reach" in read:
            read["reach"] = Reach(read["reach"])
        if "layer" in read:
            read["layer"] = Layer(read["layer"])
    except ValueError as error:
        raise Invalid(str(error), hint="docs/reference/footing.md shows the words.") from error
    for name in ("secret_from", "secret_until"):
        if name in read:
            read[name] = parse(read[name])
    return Said(**read)


def instant(text: str, now: datetime) -> datetime:
    """An instant as typed; nothing is now."""
    from staydown.core.time import parse

    return parse(text) if text else now


def footing(
    ctx: typer.Context, keys: Keys, said: SaidFile = None, as_: As = "", as_json: Json = False
) -> None:
    """Say which instrument fits each item, the least intrusive first, and why; a person chooses.

    Example: staydown footing flock:account:some_one --as alice
    """
    from staydown.flow import footing as verb
    from staydown.flow.propose import chosen

    app = app_of(ctx)
    with app.tools.begin(write=False) as work:
        ids = chosen(work, keys)
        found = verb.suggest(app.tools, work, who(app, work, as_), ids, said_from(read_json(said)))
        names = {one.id: one.key for one in work.items.get(ids)}
    emit(
        [
            {
                "key": names[item],
                "instrument": one.instrument,
                "standing": one.standing.value,
                "why": list(one.why) if as_json else " ".join(one.why),
            }
            for item, rows in found.items()
            for one in rows
        ],
        as_json=as_json,
    )


def draw(
    ctx: typer.Context,
    keys: Keys,
    instrument: Annotated[str, typer.Option(help="tco-annex-1, dsa-art-9, dsa-art-16 or xarf.")],
    said: SaidFile = None,
    values: Annotated[Path | None, typer.Option(help="JSON with more fields of the form.")] = None,
    representative: Annotated[str, typer.Option(help="Name, post and grade of who certifies an order.")] = "",
    file: Annotated[str, typer.Option(help="The file number at the agency.")] = "",
    issue_at: Annotated[
        str, typer.Option(help="When it is issued; default: now, or when a wait is over.")
    ] = "",
    operation: OperationOption = None,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Draw up an instrument for items of one provider, for a second person to approve and, if it binds, a third to sign.

    Example: staydown order draw flock:account:some_one --instrument tco-annex-1 --said said.json
    --representative "S. Made-Up, commissioner" --as alice
    """
    from staydown.core.ids import operation_id
    from staydown.flow.draw import draw as verb
    from staydown.flow.propose import chosen

    app = app_of(ctx)
    with app.tools.begin() as work:
        made = verb(
            app.tools,
            work,
            who(app, work, as_),
            chosen(work, keys),
            instrument=instrument,
            said=said_from(read_json(said)),
            given=read_json(values),
            representative=representative,
            file=file,
            operation=operation_id(operation) if operation else None,
            issue_at=instant(issue_at, work.now) if issue_at else None,
        )
    row = {
        "reference": made.request.reference,
        "instrument": made.request.instrument,
        "state": made.request.state.value,
        "issued_at": made.request.issued_at,
        "language": made.request.language,
        "findings": [f"{one.force.value}: {one.text} ({one.source})" for one in made.findings],
    }
    emit_one(row, as_json=as_json)


def show(ctx: typer.Context, reference: Reference, as_json: Json = False) -> None:
    """Show what the approver and the signatory have to see: form, ground, evidence, waiting, clocks, persons, digest.

    Example: staydown order show SD-1-000001
    """
    from staydown.flow.consider import consider, is_draft

    app = app_of(ctx)
    require_one_house(app)
    with app.store.begin(write=False) as work:
        seen = consider(app.tools, work, work.requests.by_reference(reference))
    one = seen.request
    row: dict[str, object] = {
        "reference": one.reference,
        "instrument": one.instrument,
        "state": one.state.value,
        "binding": one.binding,
        "addressee": one.addressee,
        "contact_point": one.contact_point,
        "courier": one.courier,
        "issued_at": one.issued_at,
        "grounds": list(seen.grounds),
        "items": len([line for line in seen.lines if not line.dropped]),
        "evidence_kept": seen.kept,
        "wait": seen.wait,
        "complete": not seen.missing and not seen.errors,
        "missing": list(seen.missing),
        "errors": list(seen.errors),
        "findings": [f"{each.force.value}: {each.text} ({each.source})" for each in seen.findings],
        "clocks": [f"{each.name} ({each.source})" for each in seen.clocks],
        "persons": list(seen.persons),
        "letters": [f"{each.form} to {each.addressee}: {each.state.value}" for each in seen.letters],
        "papers": [f"{name} {sha256}" for name, sha256 in seen.papers],
        "digest": seen.digest,
    }
    if as_json:
        emit_one({**row, "text": one.cover}, as_json=True)
        return
    emit_one(row, as_json=False)
    typer.echo("\n" + ("DRAFT, NOT AN ORDER\n\n" if is_draft(one) else "") + one.cover)


def paper(
    ctx: typer.Context,
    reference: Reference,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    to: Annotated[str, typer.Option(help="pdf, json, txt or pdf-signed.")] = "pdf",
    as_json: Json = False,
) -> None:
    """Write a rendition into a file; before it is approved and signed it says DRAFT, NOT AN ORDER on every page.

    Example: staydown order paper SD-1-000001 --to pdf --out order.pdf
    """
    from staydown.core.order import PaperName
    from staydown.flow.consider import shown

    app = app_of(ctx)
    require_one_house(app)
    if to not in set(PaperName):
        raise Invalid(f"{to[:40]!r} is no rendition", hint=f"There is: {', '.join(PaperName)}.")
    with app.store.begin(write=False) as work:
        request = work.requests.one(work.requests.by_reference(reference))
        body = shown(app.tools, work, request, PaperName(to))
    write_file(out, body)
    emit_one({"out": str(out), "bytes": len(body), "state": request.state.value}, as_json=as_json)


def write_file(out: Path, body: bytes) -> None:
    """Write a file.

    Raises:
        Outside: It cannot be written.
    """
    try:
        out.write_bytes(body)
    except OSError as error:
        raise Outside(f"{out} cannot be written: {error.strerror}") from error


def sign(
    ctx: typer.Context,
    reference: Reference,
    digest: Annotated[
        str | None, typer.Option(help="What `order show` printed; refuses if it changed since.")
    ] = None,
    reasons: Annotated[str, typer.Option(help="For what the law discourages, such as a second order.")] = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Sign one order, as the third person, over exactly what was approved. It leaves at its instant of issuing.

    Example: staydown order show SD-1-000001 && staydown order sign SD-1-000001 --as sam
    """
    from staydown.flow.sign import sign as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        number = work.requests.by_reference(reference)
        verb(app.tools, work, who(app, work, as_), number, seen=digest, reasons=reasons)
        request = work.requests.one(number)
    emit_one(
        {"reference": reference, "state": request.state.value, "issued_at": request.issued_at},
        as_json=as_json,
    )


def received(
    ctx: typer.Context,
    reference: Reference,
    how: Annotated[str, typer.Option(help="By what it is proved: a mail server's 250 is no proof.")],
    at: At = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note by what it is proved that an order arrived: its hour starts.

    Example: staydown order received SD-1-000001 --how "read receipt of their desk" --at 2026-03-02T10:20:00+01:00
    """
    from staydown.flow.order import received as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        number = work.requests.by_reference(reference)
        found = verb(
            work,
            who(app, work, as_),
            number,
            at=instant(at, work.now),
            how=how,
            place=app.settings.place,
        )
    emit_one({"reference": reference, "order": found.state.value}, as_json=as_json)


def feedback(
    ctx: typer.Context,
    reference: Reference,
    file: Annotated[Path, typer.Argument(help="Annex II or III as JSON, or a PDF of ours that holds it.")],
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note Annex II or III as it came back: it proves receipt, and ends or suspends the hour.

    Example: staydown order feedback SD-1-000001 annex-2.json --as alice
    """
    from staydown.flow import order as verb

    app = app_of(ctx)
    values = dict(app.tools.paper.read(file.read_bytes()).values) if _is_pdf(file) else read_json(file)
    form = str(values.get("form") or (verb.ANNEX_3 if "b_reasons" in values else verb.ANNEX_2))
    if form not in {verb.ANNEX_2, verb.ANNEX_3}:
        raise Invalid(f"{form[:40]!r} does not come back for an order", hint="Annex II or Annex III does.")
    act = verb.feedback if form == verb.ANNEX_2 else verb.impossibility
    with app.tools.begin() as work:
        number = work.requests.by_reference(reference)
        found = act(app.tools, work, who(app, work, as_), number, values)
    emit_one({"reference": reference, "form": form, "order": found.state.value}, as_json=as_json)


def _is_pdf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(5) == b"%PDF-"
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from error


def judge(
    ctx: typer.Context,
    reference: Reference,
    reason: Reason,
    accept: Annotated[bool, typer.Option("--accept/--reject", help="Whether the claim holds.")] = True,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Say what the authority makes of the provider's claim that the hour does not run; both views are kept.

    Example: staydown order judge SD-1-000001 --reject --reason "their other desk was reachable" --as alice
    """
    from staydown.flow.order import judge as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        number = work.requests.by_reference(reference)
        verb(work, who(app, work, as_), number, accepted=accept, reason=reason)
    emit_one({"reference": reference, "accepted": accept}, as_json=as_json)


def resume(
    ctx: typer.Context, reference: Reference, reason: Reason, at: At = "", as_: As = "", as_json: Json = False
) -> None:
    """Note that the grounds ended, or the clarification was received: the whole hour runs again.

    Example: staydown order resume SD-1-000001 --at 2026-03-02T14:00:00+01:00 --reason "their systems are back"
    """
    from staydown.flow.order import grounds_ended as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        number = work.requests.by_reference(reference)
        found = verb(work, who(app, work, as_), number, at=instant(at, work.now), ground=reason)
    emit_one({"reference": reference, "order": found.state.value}, as_json=as_json)


def informed(
    ctx: typer.Context,
    reference: Reference,
    party: Annotated[str, typer.Option(help="Which content provider, as the provider names it.")],
    at: At = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note that a content provider was informed: its own 48 hours to ask for scrutiny start.

    Example: staydown order informed SD-1-000001 --party "account 7" --as alice
    """
    from staydown.flow.order import informed as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        number = work.requests.by_reference(reference)
        verb(work, who(app, work, as_), number, party=party, at=instant(at, work.now))
    emit_one({"reference": reference, "party": party}, as_json=as_json)


def extend_silence(
    ctx: typer.Context, reference: Reference, reason: Reason, as_: As = "", as_json: Json = False
) -> None:
    """Extend non-disclosure once, by six weeks, while it is in force.

    Example: staydown order extend-silence SD-1-000001 --reason "arrests are prepared" --as sam
    """
    from staydown.flow.order import extend_silence as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        found = verb(work, who(app, work, as_), work.requests.by_reference(reference), reasons=reason)
    emit_one({"reference": reference, "silent_until": found.secret_until}, as_json=as_json)


def scrutiny(
    ctx: typer.Context,
    reference: Reference,
    reason: Reason,
    asked_by: Annotated[str, typer.Option(help="provider, content-provider or authority.")],
    party: Annotated[str, typer.Option(help="Who it is, by name.")],
    at: At = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note a reasoned request for scrutiny, or that the authority of establishment began one.

    Example: staydown order scrutiny SD-1-000001 --asked-by provider --party Flock --reason "the reasons are thin"
    """
    from staydown.core.order import Asker
    from staydown.flow.order import scrutiny_asked as verb

    if asked_by not in set(Asker):
        raise Invalid(f"{asked_by[:40]!r} asks for no scrutiny", hint=f"Say {', '.join(Asker)}.")
    app = app_of(ctx)
    with app.tools.begin() as work:
        number = verb(
            work,
            who(app, work, as_),
            work.requests.by_reference(reference),
            asked_by=Asker(asked_by),
            party=party,
            at=instant(at, work.now),
            reasons=reason,
        )
    emit_one({"reference": reference, "scrutiny": number}, as_json=as_json)


Number = Annotated[int, typer.Option("--scrutiny", min=1, max=2**62, help="As `order scrutiny` printed it.")]


def scrutiny_notice(
    ctx: typer.Context,
    reference: Reference,
    reason: Reason,
    number: Number,
    at: At = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note that the authority of establishment told of its intention, before it finds an infringement.

    Example: staydown order scrutiny-notice SD-1-000001 --scrutiny 1 --reason "it intends to find one"
    """
    from staydown.flow.order import scrutiny_noticed as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        request = work.requests.by_reference(reference)
        verb(work, who(app, work, as_), request, number, at=instant(at, work.now), reasons=reason)
    emit_one({"reference": reference, "scrutiny": number, "state": "noticed"}, as_json=as_json)


def scrutiny_decision(
    ctx: typer.Context,
    reference: Reference,
    reason: Reason,
    number: Number,
    infringement: Annotated[bool, typer.Option("--infringement/--upheld", help="What was decided.")],
    at: At = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note the decision of the authority of establishment; an infringement ends the order's legal effect.

    Example: staydown order scrutiny-decision SD-1-000001 --scrutiny 1 --upheld --reason "it is well reasoned"
    """
    from staydown.flow.order import scrutiny_decided as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        found = verb(
            app.tools,
            work,
            who(app, work, as_),
            work.requests.by_reference(reference),
            number,
            infringement=infringement,
            at=instant(at, work.now),
            reasons=reason,
        )
    emit_one({"reference": reference, "order": found.state.value}, as_json=as_json)


def appeal(
    ctx: typer.Context,
    reference: Reference,
    court_: Annotated[str, typer.Option("--court", help="Before which it was challenged.")],
    by_provider: Annotated[
        bool, typer.Option("--by-provider", help="The hosting service provider brought it itself.")
    ] = False,
    at: At = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note that the order was challenged before a court.

    Example: staydown order appeal SD-1-000001 --court "Made-up Court of First Instance" --as alice
    """
    from staydown.flow.order import appealed as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        request = work.requests.by_reference(reference)
        found = verb(
            work,
            who(app, work, as_),
            request,
            at=instant(at, work.now),
            court=court_,
            by_provider=by_provider,
        )
    emit_one({"reference": reference, "order": found.state.value}, as_json=as_json)


def court(
    ctx: typer.Context,
    reference: Reference,
    reason: Reason,
    confirmed: Annotated[bool, typer.Option("--confirmed/--annulled", help="What the court decided.")],
    at: At = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note what the court decided: a confirmed order is final, an annulled one has no effect.

    Example: staydown order court SD-1-000001 --annulled --reason "judgment 12/2026" --as sam
    """
    from staydown.flow.order import court_decided as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        found = verb(
            app.tools,
            work,
            who(app, work, as_),
            work.requests.by_reference(reference),
            confirmed=confirmed,
            at=instant(at, work.now),
            text=reason,
        )
    emit_one({"reference": reference, "order": found.state.value}, as_json=as_json)


def finalise(ctx: typer.Context, reference: Reference, as_: As = "", as_json: Json = False) -> None:
    """Say that an order is final, once the time to challenge it is over.

    Example: staydown order finalise SD-1-000001 --as sam
    """
    from staydown.flow.order import finalise as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        found = verb(work, who(app, work, as_), work.requests.by_reference(reference))
    emit_one(
        {"reference": reference, "order": found.state.value, "final_at": found.final_at}, as_json=as_json
    )


def reinstated(
    ctx: typer.Context, reference: Reference, at: At = "", as_: As = "", as_json: Json = False
) -> None:
    """Note that the provider says it has put back what the order had removed; our looks are kept apart.

    Example: staydown order reinstated SD-1-000001 --as alice
    """
    from staydown.flow.order import reinstated as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        request = work.requests.by_reference(reference)
        found = verb(work, who(app, work, as_), request, at=instant(at, work.now))
    emit_one({"reference": reference, "order": found.state.value}, as_json=as_json)


def dossier(
    ctx: typer.Context,
    reference: Reference,
    out: Annotated[Path, typer.Option(help="The ZIP file to write.")],
    purpose: Purpose = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Export all that belongs to one order: papers, persons, receipts, answers, clocks, scrutiny, ledger entries.

    Example: staydown order dossier SD-1-000001 --out dossier.zip --as sam
    """
    from staydown.flow.dossier import dossier as verb

    app = app_of(ctx)
    with app.tools.begin(write=signs_in(app)) as work:
        person = who(app, work, as_)
        number = work.requests.by_reference(reference)
        body, names = verb(app.tools, work, person, number)
        looked(app, work, person, Verb.EXPORT_DOSSIER, [f"request:{number}"], purpose)
    write_file(out, body)
    emit_one({"out": str(out), "files": len(names), "bytes": len(body)}, as_json=as_json)


def orders(
    ctx: typer.Context,
    state: Annotated[str | None, typer.Option(help="Only orders in this state of law.")] = None,
    as_json: Json = False,
) -> None:
    """List orders and how they stand in law.

    Example: staydown orders --state running
    """
    from staydown.core.states import OrderState

    if state is not None and state not in set(OrderState):
        raise Invalid(f"{state[:40]!r} is no state of an order", hint=f"There is: {', '.join(OrderState)}.")
    app = app_of(ctx)
    require_one_house(app)
    with app.store.begin(write=False) as work:
        requests = [one for one in work.requests.listed() if one.binding]
        found = work.orders.get([one.id for one in requests])
    emit(
        [
            {
                "reference": one.reference,
                "instrument": one.instrument,
                "provider": one.provider,
                "request": one.state.value,
                "order": found[one.id].state.value,
                "received_at": one.received_at,
                "silent_until": found[one.id].secret_until,
                "appeal_until": found[one.id].appeal_until,
            }
            for one in requests
            if state is None or found[one.id].state.value == state
        ],
        as_json=as_json,
    )


def statements(
    ctx: typer.Context,
    reference: Reference,
    values: Annotated[
        Path | None, typer.Option(help="JSON with what the provider says: ground, explanation, language, ...")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A file to write them into, one JSON object a line.")
    ] = None,
    small: Annotated[
        bool, typer.Option("--small", help="The provider is a micro or small enterprise.")
    ] = False,
    orders_too: Annotated[
        bool, typer.Option("--orders-too", help="Report removal orders as well; ask your counsel.")
    ] = False,
    as_: As = "",
) -> None:
    """Write statements of reasons for the DSA Transparency Database, one for each line the provider acted on.

    Example: staydown statements SD-1-000001 --values ground.json --out statements.jsonl --as officer
    """
    from staydown.flow.statements import statements as verb

    app = app_of(ctx)
    with app.tools.begin(write=False) as work:
        found = verb(
            app.tools,
            work,
            who(app, work, as_),
            work.requests.by_reference(reference),
            given=read_json(values),
            is_small=small,
            orders_too=orders_too,
        )
    rows = [{key: value for key, value in one.values.items() if key != "form"} for one in found]
    if out is not None:
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_file(out, lines.encode())
        emit_one({"out": str(out), "statements": len(rows)}, as_json=True)
        return
    emit(rows, as_json=True)
