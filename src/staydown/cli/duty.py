"""Duty and alarms: duty add, duty list, duty remove, alarms, take-alarm, threat."""

from __future__ import annotations

from typing import Annotated

import typer

from staydown.cli.common import As, Json, app_of, emit, emit_one, until, who
from staydown.core.errors import Invalid

duty = typer.Typer(
    help="Who answers alarms and threats to life, and when.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    duty.command("add")(add)
    duty.command("list")(listing)
    duty.command("remove")(remove)
    app.add_typer(duty, name="duty")
    app.command()(alarms)
    app.command("take-alarm")(take_alarm)
    app.command()(threat)


def add(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(help="Who is on duty.")],
    until_: Annotated[str, typer.Option("--until", help="An instant, or a length such as 12h or 7d.")],
    from_: Annotated[
        str, typer.Option("--from", help="An instant, or a length from now; default: now.")
    ] = "",
    matter: Annotated[str, typer.Option(help="alarm, or life for threats to life.")] = "alarm",
    rank: Annotated[int, typer.Option(help="1 is called first.")] = 1,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Put somebody of the own agency on the roster.

    Example: staydown duty add anna --until 12h --rank 1 --as bob
    """
    from staydown.core.house import Matter
    from staydown.core.ids import PersonId, person_id
    from staydown.flow import duty as verb

    try:
        what = Matter(matter)
    except ValueError as error:
        raise Invalid(str(error), hint="Say alarm or life.") from error
    app = app_of(ctx)
    with app.tools.begin() as work:
        begins = until(from_, work.now) if from_ else work.now
        number = verb.put_on(
            work,
            who(app, work, as_),
            PersonId(person_id(person)),
            what,
            rank=rank,
            from_at=begins,
            until_at=until(until_, work.now),
        )
        made = work.duties.get(number)
    emit_one(
        {"duty": made.id, "person": made.person, "from": made.from_at, "until": made.until_at},
        as_json=as_json,
    )


def listing(ctx: typer.Context, as_: As = "", as_json: Json = False) -> None:
    """List who is on duty at the own agency from now on.

    Example: staydown duty list --as bob
    """
    from staydown.core.rights import Verb

    app = app_of(ctx)
    with app.tools.begin(write=False) as work:
        person = who(app, work, as_)
        person.require(Verb.SEE_ROSTER)
        found = work.duties.listed(person.agency, since=work.now)
    emit(
        [
            {
                "duty": one.id,
                "matter": one.matter.value,
                "rank": one.rank,
                "person": one.person,
                "from": one.from_at,
                "until": one.until_at,
            }
            for one in found
        ],
        as_json=as_json,
    )


def remove(ctx: typer.Context, number: int, as_: As = "", as_json: Json = False) -> None:
    """Take a line off the roster, from now on.

    Example: staydown duty remove 3 --as bob
    """
    from staydown.core.ids import DutyId
    from staydown.flow import duty as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        verb.take_off(work, who(app, work, as_), DutyId(number))
    emit_one({"duty": number, "removed": True}, as_json=as_json)


def alarms(
    ctx: typer.Context,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that nobody has taken.")] = False,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """List the own agency's alarms, newest first.

    Example: staydown alarms --open --as anna
    """
    from staydown.core.rights import Verb

    app = app_of(ctx)
    with app.tools.begin(write=False) as work:
        person = who(app, work, as_)
        person.require(Verb.SEE_ALARMS)
        found = work.duties.alarms(person.agency, open_only=open_only)
    emit(
        [
            {
                "alarm": one.id,
                "matter": one.matter.value,
                "state": one.state.value,
                "raised_at": one.raised_at,
                "taken_by": one.taken_by,
                "text": one.text,
            }
            for one in found
        ],
        as_json=as_json,
    )


def take_alarm(ctx: typer.Context, number: int, as_: As = "", as_json: Json = False) -> None:
    """Answer for an alarm: nobody else is called.

    Example: staydown take-alarm 4 --as anna
    """
    from staydown.core.ids import AlarmId
    from staydown.flow import duty as verb

    app = app_of(ctx)
    with app.tools.begin() as work:
        taken = verb.take(work, who(app, work, as_), AlarmId(number))
    emit_one({"alarm": taken.id, "taken_by": taken.taken_by, "text": taken.text}, as_json=as_json)


def threat(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="What threatens whom, in words; no names of private persons.")],
    keys: Annotated[list[str] | None, typer.Option("--item", help="An item by key; may be repeated.")] = None,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Say that a life is in danger: whoever is on duty is called at once, and the holders of the items too.

    Example: staydown threat "an attack is announced for tonight" --item flock:account:some_one --as alice
    """
    from staydown.flow import duty as verb
    from staydown.flow.propose import chosen

    app = app_of(ctx)
    with app.tools.begin() as work:
        items = chosen(work, keys) if keys else []
        number = verb.threat(work, who(app, work, as_), text, items=items)
    emit_one({"alarm": number}, as_json=as_json)
