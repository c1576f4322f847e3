"""Letters beside requests, what stands on the agency's forms, and the authorities of states."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from staydown.cli.common import As, Json, Reason, app_of, emit, emit_one, require_one_house, who
from staydown.cli.order import At, instant, read_json

letter = typer.Typer(help="One letter.", no_args_is_help=True, rich_markup_mode=None)
office = typer.Typer(help="What stands on your agency's forms.", no_args_is_help=True, rich_markup_mode=None)
authority = typer.Typer(
    help="Competent authorities of states, and where they take mail.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="The letter's reference.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for group, name, commands in (
        (letter, "letter", (draw, show, approve, sign, drop, received)),
        (office, "office", (set_, show_office)),
        (authority, "authority", (propose, confirm, list_)),
    ):
        for command in commands:
            group.command(command.__name__.removesuffix("_office").rstrip("_"))(command)
        app.add_typer(group, name=name)
    app.command("letters")(letters)


def draw(
    ctx: typer.Context,
    form: Annotated[str, typer.Argument(help="first-contact, clarification, finality, non-disclosure, ...")],
    about: Annotated[str, typer.Option(help="The order it is about.")] = "",
    to: Annotated[str, typer.Option(help="A provider, where it is about no order.")] = "",
    state: Annotated[str, typer.Option(help="A state, whose authority it goes to.")] = "",
    values: Annotated[Path | None, typer.Option(help="JSON with the fields that a person gives.")] = None,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Draw up a letter, for a second person to approve and, where it decides something, a third to sign.

    Example: staydown letter draw first-contact --to flock --values procedures.json --as alice
    """
    from staydown.flow import footing, letterhead
    from staydown.flow.letters import draw as verb

    app = app_of(ctx)
    given = read_json(values)
    with app.tools.begin() as work:
        person = who(app, work, as_)
        request = work.requests.one(work.requests.by_reference(about)) if about else None
        head = letterhead.complete(
            app.tools,
            work,
            form,
            footing.office_of(work, person),
            given,
            request=request,
            provider=to,
            state=state.upper(),
        )
        made = verb(app.tools, work, person, form, head.to, head.values, request=request)
    emit_one(
        {
            "reference": made.reference,
            "form": made.form,
            "addressee": made.addressee,
            "contact_point": made.contact_point,
            "state": made.state.value,
            "digest": made.digest,
        },
        as_json=as_json,
    )


def show(ctx: typer.Context, reference: Reference, as_json: Json = False) -> None:
    """Show a letter as it will leave, and the digest that consent binds.

    Example: staydown letter show SL-1-000001
    """
    from staydown.flow.consider import DRAFT
    from staydown.flow.letters import one

    app = app_of(ctx)
    require_one_house(app)
    with app.store.begin(write=False) as work:
        found = one(work, work.letters.by_reference(reference))
    row: dict[str, object] = {
        name: getattr(found, name)
        for name in (
            "reference", "form", "addressee", "contact_point", "courier", "language", "by", "approved_by", "signed_by",
            "sent_at", "received_at", "digest",
        )
    }  # fmt: skip
    row["state"] = found.state.value
    text = found.text if found.sent_at is not None else DRAFT + found.text
    if as_json:
        emit_one({**row, "text": text}, as_json=True)
        return
    emit_one(row, as_json=False)
    typer.echo("\n" + text)


Digest = Annotated[str | None, typer.Option(help="What `letter show` printed; refuses if it changed since.")]


def approve(
    ctx: typer.Context, reference: Reference, digest: Digest = None, as_: As = "", as_json: Json = False
) -> None:
    """Give the second consent to a letter.

    Example: staydown letter show SL-1-000001 && staydown letter approve SL-1-000001 --as bob
    """
    from staydown.flow.letters import approve as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        found = verb(work, who(app, work, as_), work.letters.by_reference(reference), seen=digest)
    emit_one({"reference": reference, "state": found.state.value}, as_json=as_json)


def sign(
    ctx: typer.Context, reference: Reference, digest: Digest = None, as_: As = "", as_json: Json = False
) -> None:
    """Sign a letter that decides something, as the third person.

    Example: staydown letter sign SL-1-000001 --as sam
    """
    from staydown.flow.letters import sign as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        found = verb(work, who(app, work, as_), work.letters.by_reference(reference), seen=digest)
    emit_one({"reference": reference, "state": found.state.value}, as_json=as_json)


def drop(
    ctx: typer.Context, reference: Reference, reason: Reason, as_: As = "", as_json: Json = False
) -> None:
    """Say that a letter will not be sent.

    Example: staydown letter drop SL-1-000001 --reason "superseded" --as bob
    """
    from staydown.flow.letters import drop as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        verb(work, who(app, work, as_), work.letters.by_reference(reference), reason=reason)
    emit_one({"reference": reference, "state": "dropped"}, as_json=as_json)


def received(
    ctx: typer.Context,
    reference: Reference,
    how: Annotated[str, typer.Option(help="By what it is proved: a mail server's 250 is no proof.")],
    at: At = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note by what it is proved that a letter arrived, such as first-contact information.

    Example: staydown letter received SL-1-000001 --how "their mail of this morning" --as alice
    """
    from staydown.flow.letters import received as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        number = work.letters.by_reference(reference)
        found = verb(work, who(app, work, as_), number, at=instant(at, work.now), how=how)
    emit_one(
        {"reference": reference, "state": found.state.value, "received_at": found.received_at},
        as_json=as_json,
    )


def letters(
    ctx: typer.Context,
    about: Annotated[str, typer.Option(help="Only those about this order.")] = "",
    as_json: Json = False,
) -> None:
    """List letters.

    Example: staydown letters --about SD-1-000001
    """
    app = app_of(ctx)
    require_one_house(app)
    with app.store.begin(write=False) as work:
        request = work.requests.by_reference(about) if about else None
        found = work.letters.listed(request=request)
    emit(
        [
            {
                "reference": one.reference,
                "form": one.form,
                "addressee": one.addressee,
                "state": one.state.value,
                "sent_at": one.sent_at,
                "received_at": one.received_at,
            }
            for one in found
        ],
        as_json=as_json,
    )


def set_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON with the fields of the office.")],
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Set what stands on your agency's forms and what it may do: state, kind, name, address, competences, redress.

    Example: staydown office set office.json --as sam
    """
    from staydown.flow.office import read_office, set_office

    app = app_of(ctx)
    with app.tools.begin() as work:
        person = who(app, work, as_)
        found = read_office(person.agency, read_json(file))
        set_office(work, person, found)
    emit_one({"agency": found.agency, "state": found.state, "name": found.name}, as_json=as_json)


def show_office(
    ctx: typer.Context, agency: Annotated[str, typer.Argument(help="Its code.")], as_json: Json = False
) -> None:
    """Show what stands on an agency's forms.

    Example: staydown office show AA
    """
    from staydown.core.errors import NotFound
    from staydown.core.ids import agency_code

    with app_of(ctx).store.begin(write=False) as work:
        found = work.offices.get(agency_code(agency))
    if found is None:
        raise NotFound(f"{agency} has set no office", hint="staydown office set FILE")
    row = {name: getattr(found, name) for name in found.__dataclass_fields__}
    row["competences"] = sorted(one.value for one in found.competences)
    emit_one(row, as_json=as_json)


def propose(
    ctx: typer.Context,
    state: Annotated[str, typer.Argument(help="Two letters.")],
    name: Annotated[str, typer.Option(help="What it is called.")],
    contact_point: Annotated[str, typer.Option(help="Where it takes mail.")],
    task: Annotated[str, typer.Option(help="issue, scrutinise, oversee or penalise.")] = "scrutinise",
    courier: Annotated[str, typer.Option(help="By what it is carried there.")] = "mail",
    language: Annotated[str, typer.Option(help="In which it is written to.")] = "en",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Name the competent authority of a state and its address; it is used once a second person confirms it.

    Example: staydown authority propose IE --name "Made-up Authority" --contact-point desk@authority.example --as sam
    """
    from staydown.flow.office import propose_authority

    app = app_of(ctx)
    with app.tools.begin() as work:
        number = propose_authority(
            app.tools,
            work,
            who(app, work, as_),
            state=state,
            task=task,
            name=name,
            contact_point=contact_point,
            courier=courier,
            language=language,
        )
    emit_one({"authority": number, "confirmed": False}, as_json=as_json)


def confirm(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(min=1, max=2**62, help="As `authority list` shows it.")],
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Confirm an authority's address, as a second person; the one that stood before ends.

    Example: staydown authority confirm 1 --as bob
    """
    from staydown.flow.office import confirm_authority

    app = app_of(ctx)
    with app.tools.begin() as work:
        confirm_authority(work, who(app, work, as_), number)
    emit_one({"authority": number, "confirmed": True}, as_json=as_json)


def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List the authorities that are known, and which wait for a second person.

    Example: staydown authority list
    """
    with app_of(ctx).store.begin(write=False) as work:
        found = work.offices.authorities()
    emit(
        [
            {
                "authority": one.id,
                "agency": one.agency,
                "state": one.state,
                "task": one.task.value,
                "name": one.name,
                "contact_point": one.contact_point,
                "by": one.by,
                "confirmed_by": one.confirmed_by,
            }
            for one in found
        ],
        as_json=as_json,
    )
