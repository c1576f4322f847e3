"""Operations: new, add, release, list."""

from __future__ import annotations

from typing import Annotated

import typer

from staydown.cli.common import As, Json, app_of, emit, emit_one, until, who

operation = typer.Typer(help="Agencies acting in one window.", no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="ID", help="Short name, such as autumn-2026.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in (("new", new), ("add", add), ("release", release), ("list", listing)):
        operation.command(name)(command)
    app.add_typer(operation, name="operation")


def new(
    ctx: typer.Context,
    name: Name,
    title: Annotated[str, typer.Option(help="What people call it.")] = "",
    agency: Annotated[list[str] | None, typer.Option(help="Agencies that take part, several times.")] = None,
    closes: Annotated[
        str, typer.Option(help="When the window ends: an instant, or a length such as 4d.")
    ] = "4d",
    hour: Annotated[str | None, typer.Option(help="Hour H: when approved requests leave together.")] = None,
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Open an operation under your agency's lead.

    Example: staydown operation new autumn-2026 --agency BE --agency NL --closes 4d --hour 24h --as carla
    """
    from staydown.core.ids import agency_code, operation_id
    from staydown.flow import operate

    app = app_of(ctx)
    with app.tools.begin() as work:
        made = operate.begin(
            work,
            who(app, work, as_),
            operation_id(name),
            title=title or name,
            agencies=[agency_code(code) for code in agency or []],
            opens_at=work.now,
            closes_at=until(closes, work.now),
            hour_h=until(hour, work.now) if hour else None,
        )
    emit_one(
        {
            "operation": made.id,
            "lead": made.lead,
            "agencies": list(made.agencies),
            "closes_at": made.closes_at,
            "hour_h": made.hour_h,
        },
        as_json=as_json,
    )


def add(
    ctx: typer.Context,
    name: Name,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Keys or canonical addresses.")],
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Put items on the operation's list.

    Example: staydown operation add autumn-2026 flock:account:some_one --as carla
    """
    from staydown.core.ids import operation_id
    from staydown.flow import operate
    from staydown.flow.propose import chosen

    app = app_of(ctx)
    with app.tools.begin() as work:
        count = operate.add_items(work, who(app, work, as_), operation_id(name), chosen(work, keys))
    emit_one({"operation": name, "added": count}, as_json=as_json)


def release(ctx: typer.Context, name: Name, as_: As = "", as_json: Json = False) -> None:
    """Let everything that is approved leave now; what is approved later leaves at once.

    Example: staydown operation release autumn-2026 --as carla
    """
    from staydown.core.ids import operation_id
    from staydown.flow import operate

    app = app_of(ctx)
    with app.tools.begin() as work:
        count = operate.release(work, who(app, work, as_), operation_id(name))
    emit_one({"operation": name, "released": count}, as_json=as_json)


def listing(ctx: typer.Context, as_json: Json = False) -> None:
    """List operations.

    Example: staydown operation list
    """
    with app_of(ctx).store.begin(write=False) as work:
        rows = [
            {
                "operation": one.id,
                "title": one.title,
                "lead": one.lead,
                "agencies": list(one.agencies),
                "opens_at": one.opens_at,
                "closes_at": one.closes_at,
                "hour_h": one.hour_h,
                "released_at": one.released_at,
            }
            for one in work.operations.all()
        ]
    emit(rows, as_json=as_json)
