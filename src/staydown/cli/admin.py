"""Letting the first people in: admin first, admin invite."""

from __future__ import annotations

from typing import Annotated

import typer

from staydown.cli.common import As, Json, Reason, app_of, emit_one, who

admin = typer.Typer(help="Who lets people in.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    admin.command("first")(first)
    admin.command("invite")(invite)
    app.add_typer(admin, name="admin")


def first(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Short name, such as ada.")],
    agency: Annotated[str, typer.Option(help="Agency code, such as NL-IRU.")],
    again: Annotated[bool, typer.Option("--again", help="Although there is an administrator.")] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Invite an agency's first administrator: prints an address that works once, for an hour.

    From then on everybody signs in, and --as is refused in a real store.

    Example: staydown admin first ada --agency NL-IRU
    """
    from staydown.core.ids import agency_code, person_id
    from staydown.flow import admit

    app = app_of(ctx)
    with app.store.begin() as work:
        made = admit.first(work, person_id(name), agency_code(agency), again=again, reason=reason)
    _tell(app.settings.address, made, as_json=as_json)


def invite(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Whom to invite.")],
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Invite a person of the own agency: prints an address that works once, for a week.

    Example: staydown admin invite bob --as ada
    """
    from staydown.core.ids import PersonId, person_id
    from staydown.flow import admit

    app = app_of(ctx)
    with app.store.begin() as work:
        made = admit.invite(work, who(app, work, as_), PersonId(person_id(name)))
    _tell(app.settings.address, made, as_json=as_json)


def _tell(address: str, made: object, *, as_json: bool) -> None:
    from staydown.flow.admit import Invited

    assert isinstance(made, Invited)
    row = {
        "person": made.person,
        "address": f"{address.rstrip('/')}/enrol#{made.word}",
        "expires_at": made.expires_at,
    }
    emit_one(row, as_json=as_json)
