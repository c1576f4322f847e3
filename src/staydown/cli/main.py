"""The command `staydown`: global options, the list of commands, and the outer wall for errors."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from staydown import __version__
from staydown.cli import (
    act,
    admin,
    backup,
    bench,
    duty,
    exercise,
    form,
    intake,
    ledger,
    letter,
    listing,
    names,
    note,
    operation,
    order,
    serve,
    setup,
    site,
    transparency,
)
from staydown.cli.common import State, report, say
from staydown.core.errors import StaydownError

INTERRUPTED = 130
"""The exit code after Ctrl-C."""
log = logging.getLogger("staydown")

app = typer.Typer(
    name="staydown",
    help="From a sighting to a verified removal, lawfully and together, and it stays down.\n\nExample: staydown exercise run --scenario small --seed 1 --out demo",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def options(
    ctx: typer.Context,
    home: Annotated[
        Path, typer.Option(envvar="STAYDOWN_HOME", help="The folder with store, vault and keys.")
    ] = Path("staydown-home"),
    database: Annotated[
        str | None,
        typer.Option(envvar="STAYDOWN_DATABASE", help="A PostgreSQL address; default: SQLite in the home."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say more on standard error.")] = False,
) -> None:
    """Read the global options."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO if verbose else logging.ERROR, format="%(name)s %(message)s"
    )
    ctx.obj = State(home=home, database=database or None)


for module in (
    setup,
    admin,
    intake,
    names,
    site,
    form,
    act,
    order,
    letter,
    listing,
    transparency,
    note,
    operation,
    ledger,
    backup,
    duty,
    serve,
    exercise,
    bench,
):
    module.register(app)


@app.command()
def version() -> None:
    """Print the version.

    Example: staydown version
    """
    typer.echo(__version__)


def run() -> None:
    """The process's outer wall: errors become exit codes, and nothing half-done stays behind."""
    try:
        app()
    except StaydownError as error:
        sys.exit(report(error))
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            say("staydown: interrupted; nothing was lost, the same command goes on where it was")
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:  # the process's outer wall
        say(f"staydown: an error of this program, not of yours: {type(error).__name__}: {error}")
        say("  next: nothing half-done was written. Repeat with --verbose and report what it prints.")
        log.info("what happened", exc_info=error)
        sys.exit(1)
