"""Setting up: init, person, doctor, work."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import timedelta
from typing import Annotated

import typer

from staydown.cli.common import Json, app_of, emit, emit_one, say, until
from staydown.core.errors import Invalid, Outside, Refused

person = typer.Typer(help="People who work at agencies.", no_args_is_help=True, rich_markup_mode=None)

STOPPED_AT_ONCE = 130
"""The exit code after a second signal."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(init)
    app.command()(doctor)
    app.command()(work)
    person.command("add")(person_add)
    person.command("list")(person_list)
    app.add_typer(person, name="person")


def init(
    ctx: typer.Context,
    as_exercise: Annotated[
        bool, typer.Option("--exercise", help="A rehearsal: made-up world, no way out.")
    ] = False,
    starts_at: Annotated[str, typer.Option(help="Where an exercise's simulated time begins.")] = "",
    as_json: Json = False,
) -> None:
    """Make a home. An exercise can never become real, nor the other way about.

    Example: staydown --home rehearsal init --exercise
    """
    from datetime import UTC, datetime

    if starts_at and not as_exercise:
        raise Invalid("real time cannot be set", hint="--starts-at goes with --exercise.")
    app = app_of(ctx)
    begins = until(starts_at, datetime.now(UTC)) if starts_at else None
    store = app.make(exercise=as_exercise, starts_at=begins)
    emit_one(
        {
            "home": str(app.settings.home),
            "exercise": store.exercise,
            "origin": store.origin,
            "key": store.public_key.hex(),
        },
        as_json=as_json,
    )


def person_add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Short name, such as alice.")],
    agency: Annotated[str, typer.Option(help="Agency code, such as NL-IRU.")],
    role: Annotated[
        list[str] | None, typer.Option(help="May be given several times; default: analyst.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a person with roles at an agency.

    Example: staydown person add bob --agency NL-IRU --role approver
    """
    from staydown.core.ids import agency_code, person_id
    from staydown.core.people import Person, Role

    try:
        roles = frozenset(Role(word) for word in role or ["analyst"])
    except ValueError as error:
        raise Invalid(str(error), hint=f"Roles: {', '.join(r.value for r in Role)}.") from error
    one = Person(id=person_id(name), agency=agency_code(agency), roles=roles)
    app = app_of(ctx)
    if not app.store.exercise and (app.settings.sign_in or app.store.noted("sign_in")):
        raise Refused(
            "this store demands your own sign-in",
            hint="Adding people by hand works before sign-in is set up.",
        )
    with app.store.begin() as unit:
        for code in unit.people.add_agencies([one.agency]):
            unit.ledger.append("agency:code:added", f"agency:{code}", {"code": code})
        unit.people.add(one)
        unit.ledger.append(
            "person:roles:given", "person", {"person": one.id, "roles": sorted(r.value for r in roles)}
        )
    emit_one(
        {"person": one.id, "agency": one.agency, "roles": sorted(r.value for r in roles)}, as_json=as_json
    )


def person_list(ctx: typer.Context, as_json: Json = False) -> None:
    """List who there is.

    Example: staydown person list
    """
    with app_of(ctx).store.begin(write=False) as unit:
        rows = [
            {"person": one.id, "agency": one.agency, "roles": sorted(r.value for r in one.roles)}
            for one in unit.people.all()
        ]
    emit(rows, as_json=as_json)


def doctor(
    ctx: typer.Context,
    strict: Annotated[bool, typer.Option(help="Exit with 8 if anything is not right.")] = False,
    as_json: Json = False,
) -> None:
    """Look for trouble: Python, disk, database, ledger, keys, queue.

    Example: staydown doctor --strict
    """
    from staydown.cli.doctor import examine

    findings = list(examine(app_of(ctx)))
    emit([f.row() for f in findings], as_json=as_json)
    if strict and any(not f.ok for f in findings):
        raise typer.Exit(8)


def _same_time(ahead: timedelta, *, at_most: timedelta) -> None:
    """Refuse to work by a clock that is wrong against the database's: leases are instants that both sides read.

    Raises:
        Outside: They are too far apart.
    """
    if abs(ahead) > at_most:
        way = "ahead of" if ahead > timedelta(0) else "behind"
        raise Outside(
            f"this machine's clock is {abs(ahead).total_seconds():.1f} s {way} the database server's",
            hint="Set both by NTP, then start the worker again: staydown doctor shows the difference.",
        )


def work(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Do what is due, then stop.")] = False,
    seconds: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    as_json: Json = False,
) -> None:
    """Be a worker: keep, send, ask, look and ring clocks as they fall due. Any number may run.

    SIGTERM or Ctrl-C: it finishes what is in hand, gives back what it holds and ends with 0; a second one ends it at
    once. While the database does not answer it waits and goes on by itself.

    Example: staydown work --once
    """
    from staydown.store.engine import wait_for_work
    from staydown.worker.loop import STEP, run, worker_name

    app, name, stop = app_of(ctx), worker_name(), threading.Event()
    _same_time(app.store.clock_ahead(), at_most=STEP)

    def leave(*_: object) -> None:
        if stop.is_set():
            say("staydown: stopped at once; what was in hand is taken up again")
            os._exit(STOPPED_AT_ONCE)
        stop.set()
        say("staydown: finishing what is in hand, then stopping; once more stops at once")

    before = {one: signal.signal(one, leave) for one in (signal.SIGTERM, signal.SIGINT)}
    ends = time.monotonic() + seconds if seconds is not None else None
    try:
        engine = app.store.engine
        if not once:
            say(f"staydown: {name} is at work")
        taken = run(
            app.tools,
            name,
            stop=stop,
            rest=lambda wait: wait_for_work(engine, wait),
            until=ends,
            is_once=once,
        )
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        app.close()
    emit_one({"worker": name, "done": taken}, as_json=as_json)
