"""The ledger: verify, export, prove."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from staydown.cli.common import Json, app_of, emit_one, report, say
from staydown.core.errors import Broken

ledger = typer.Typer(help="The record that is only added to.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in (("verify", verify), ("export", export), ("prove", prove)):
        ledger.command(name)(command)
    app.add_typer(ledger, name="ledger")


def verify(ctx: typer.Context, as_json: Json = False) -> None:
    """Compute the whole ledger again and hold it against its signed checkpoints, details and evidence.

    Exit code 8 if anything does not fit.

    Example: staydown ledger verify --json
    """
    from staydown.flow.audit import verify as verb

    app = app_of(ctx)
    with app.tools.begin(write=False) as work:
        found = verb(work, app.vault, public=app.store.public_key)
    emit_one(found.row(), as_json=as_json)
    if found.broken:
        raise typer.Exit(report(Broken(found.broken[0])))


def export(
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(help="A file, written as JSON lines.")],
    with_details: Annotated[
        bool, typer.Option("--with-details", help="Also who did what and why: for the own house only.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the ledger so that anybody can check it without this program (tools/verify_ledger.py).

    Example: staydown ledger export ledger.jsonl
    """
    from staydown.flow.audit import export as verb

    app = app_of(ctx)
    with app.tools.begin(write=False) as work:
        found = verb(work, out, public=app.store.public_key, details=with_details)
    emit_one(found, as_json=as_json)
    say("check it without this program: python tools/verify_ledger.py " + str(out))


def prove(
    ctx: typer.Context,
    entry: Annotated[int, typer.Argument(min=0, max=2**62, help="Number of the entry, from 0.")],
    since: Annotated[
        int | None, typer.Option(help="Also prove that the ledger of this size is its beginning.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the proof that an entry is in the ledger, under its newest signed checkpoint.

    Example: staydown ledger prove 0 --json
    """
    from staydown.flow.audit import prove as verb

    with app_of(ctx).tools.begin(write=False) as work:
        found = verb(work, entry, since=since)
    emit_one(found, as_json=as_json)
