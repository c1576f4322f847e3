"""Backup and restore of a home with its store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from staydown.cli.common import Json, app_of, emit_one, progress, report, say
from staydown.core.errors import Broken


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(help="A folder; an older backup of this store in it is renewed.")],
    as_json: Json = False,
) -> None:
    """Copy store, evidence, key and settings as of one instant, while work goes on.

    The backup holds the ledger's key, so it is as secret as the home. Exit code 8 if evidence was missing or changed.

    Example: staydown backup /srv/backup/staydown
    """
    from staydown.backup import backup as take

    with progress("copied") as step:
        found = take(app_of(ctx), out, step)
    emit_one(found, as_json=as_json)
    if found["missing"]:
        raise typer.Exit(report(Broken("evidence is missing or changed; everything else is in the backup")))


def restore(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="The folder of a backup.")],
    as_json: Json = False,
) -> None:
    """Put a backup into an empty home and database, and verify all of it.

    Requests that may have left after the backup are asked about, or wait for a person where nobody can be asked.

    Example: staydown --home new-home restore /srv/backup/staydown
    """
    from staydown.backup import restore as put_back

    with progress("restored") as step:
        found = put_back(source, ctx.obj.home, database=ctx.obj.database, step=step)
    emit_one(found, as_json=as_json)
    if found["held_back"]:
        say(
            f"{found['held_back']} requests may have left after the backup: look at each, then approve it again"
        )
