"""Measurements, printed as JSON."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from staydown.cli.common import progress, say
from staydown.core.errors import Invalid, Outside


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(bench)


def bench(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What to measure; without a name the topics are listed.")] = "",
    size: Annotated[
        int | None, typer.Option("--size", "--kills", min=1, help="How much; each topic has a default.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="How often; medians are printed.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of made-up data and of chance; default: 1.")] = None,
    only: Annotated[
        str, typer.Option("--only", "--point", help="One part of the topic, such as one named point.")
    ] = "",
    postgres: Annotated[
        bool, typer.Option("--postgres", help="On a PostgreSQL server started for it; else SQLite.")
    ] = False,
    scratch: Annotated[Path | None, typer.Option(help="Where to work; default: the system's own.")] = None,
) -> None:
    """Measure ours and the peer in the same run, and print both with their ratio as one JSON object.

    An option that the topic does not take is refused; the list of topics says what each one takes.

    Example: staydown bench ledger
    """
    from staydown.bench.topics import TOPICS, Options, check, measure, steps

    if not name:
        for one, topic in sorted(TOPICS.items()):
            typer.echo(f"{one.ljust(10)}  {topic.what}")
            typer.echo(f"{''.ljust(10)}  {' '.join(f'--{option}' for option in topic.takes)}")
        return
    options = Options(
        scratch=Path(),
        size=size,
        rounds=rounds,
        seed=seed,
        database=_database(ctx, name, postgres=postgres),
        postgres=postgres,
        only=only,
    )
    check(name, options)
    total = steps(name, options)
    say(f"measuring {name}; other work on this machine makes the figures worse")
    with _folder(scratch) as folder, progress(name, total) as step:
        figures = measure(name, replace(options, scratch=folder, progress=step))
    typer.echo(json.dumps(figures))
    if not _holds(figures):
        say("WRONG: a rule did not hold; the figures name it")
        raise typer.Exit(8)


def _database(ctx: typer.Context, name: str, *, postgres: bool) -> str | None:
    """The server to measure on; one that only the environment names is left alone where it is not asked for."""
    from staydown.bench.topics import topic

    os.environ.pop("STAYDOWN_DATABASE", None)  # no home of a measurement may end up there
    address: str | None = ctx.obj.database
    source = ctx.parent.get_parameter_source("database") if ctx.parent else None
    is_ambient = source is not None and source.name == "ENVIRONMENT"
    if is_ambient and (postgres or "database" not in topic(name).takes):
        return None
    return address


@contextmanager
def _folder(scratch: Path | None) -> Iterator[Path]:
    """An empty folder, removed after the block.

    Raises:
        Invalid: There is no such place.
        Outside: Nothing can be written there.
    """
    if scratch is not None and not scratch.is_dir():
        raise Invalid(f"{scratch} is no folder", hint="Make it, or leave --scratch out.")
    try:
        folder = tempfile.TemporaryDirectory(prefix="staydown-bench-", dir=scratch)
    except OSError as error:
        raise Outside(f"there is no room to work in: {error}", hint="Name another --scratch.") from error
    with folder as name:
        yield Path(name)


def _holds(figures: object) -> bool:
    """Whether every rule that a topic checked held; what the peer does is not ours to answer for."""
    if isinstance(figures, Mapping):
        parts = [part for name, part in figures.items() if name != "peer"]
        return figures.get("holds", True) is not False and all(_holds(part) for part in parts)
    return all(_holds(part) for part in figures) if isinstance(figures, list) else True
