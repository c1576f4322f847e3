"""Measurements, printed as JSON."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from staydown.cli.common import progress, say


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
    seed: Annotated[int, typer.Option(help="Of made-up data.")] = 1,
    only: Annotated[
        str, typer.Option("--only", "--point", help="One part of the topic, such as one named point.")
    ] = "",
    postgres: Annotated[
        bool, typer.Option("--postgres", help="On a PostgreSQL server started for it; else SQLite.")
    ] = False,
    scratch: Annotated[Path | None, typer.Option(help="Where to work; default: the system's own.")] = None,
) -> None:
    """Measure ours and the peer in the same run, and print both with their ratio as one JSON object.

    Example: staydown bench ledger
    """
    from staydown.bench.topics import TOPICS, Options, measure

    if not name:
        for topic, what in sorted(TOPICS.items()):
            typer.echo(f"{topic.ljust(10)}  {what}")
        return
    say(f"measuring {name}; other work on this machine makes the figures worse")
    with tempfile.TemporaryDirectory(prefix="staydown-bench-", dir=scratch) as folder, progress(name) as step:
        options = Options(
            scratch=Path(folder),
            size=size,
            rounds=rounds,
            seed=seed,
            database=ctx.obj.database,
            postgres=postgres,
            only=only,
            progress=step,
        )
        figures = measure(name, options)
    typer.echo(json.dumps(figures))
    if not _holds(figures):
        say("WRONG: a rule did not hold; the figures name it")
        raise typer.Exit(8)


def _holds(figures: object) -> bool:
    """Whether every rule that a topic checked held; what the peer does is not ours to answer for."""
    if isinstance(figures, Mapping):
        parts = [part for name, part in figures.items() if name != "peer"]
        return figures.get("holds", True) is not False and all(_holds(part) for part in parts)
    return all(_holds(part) for part in figures) if isinstance(figures, list) else True
