"""Exercises: run one from beginning to end, or walk the path by hand in a simulated world."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from staydown.cli.common import Json, app_of, emit, emit_one, progress, say, until
from staydown.core.errors import Invalid

exercise = typer.Typer(
    help="The same program on a made-up world; nothing leaves this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in (
        ("run", run),
        ("world", world),
        ("advance", advance),
        ("feed", feed),
        ("scenarios", scenarios),
        ("grid", grid),
    ):
        exercise.command(name)(command)
    app.add_typer(exercise, name="exercise")


def run(
    ctx: typer.Context,
    scenario: Annotated[str, typer.Option(help="See staydown exercise scenarios.")] = "small",
    items: Annotated[int | None, typer.Option(help="Another number of items than the scenario's.")] = None,
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same figures, save seconds, memory and requests.")
    ] = 1,
    out: Annotated[Path, typer.Option(help="Where report, truth and home go.")] = Path("exercise"),
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that do the work; default: the scenario's.")
    ] = None,
    language: Annotated[str, typer.Option(help="Of the report: en or nl.")] = "en",
    through: Annotated[
        str, typer.Option(help="How people act: flow, or api: each signed in, over HTTP.")
    ] = "flow",
    as_json: Json = False,
) -> None:
    """Play a scenario: agencies, providers and an adversary on real sockets, in simulated time.

    Broken off, the same command goes on where it was.

    Example: staydown exercise run --scenario small --seed 1 --out demo --json
    """
    from staydown.exercise.run import play
    from staydown.exercise.scenario import load

    turns = len(load(scenario, items=items).ticks())
    say(f"playing {scenario} with seed {seed} into {out}")
    with progress(f"exercise {scenario}", turns) as step:
        done = play(
            scenario,
            seed=seed,
            out=out,
            items=items,
            database=ctx.obj.database,
            workers=workers,
            language=language,
            through=through,
            alone=True,
            progress=step,
        )
    emit_one(done.figures, as_json=as_json)
    for line in done.wrong:
        say(f"WRONG: {line}")
    for line in done.unwritten:
        say(f"not written: {line}")
    if not done.unwritten:
        say(f"report: {done.report}")
    if done.wrong or done.unwritten:
        raise typer.Exit(8 if done.wrong else 7)


def world(
    ctx: typer.Context,
    items: Annotated[int, typer.Option(help="How many things there are.")] = 60,
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 1,
    seconds: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
) -> None:
    """Run nine simulated providers for an exercise home until Ctrl-C, to walk the path by hand beside them.

    Makes the home where it is missing, with the cast alice, bob, carol and dave.

    Example: staydown --home rehearsal exercise world
    """
    from staydown.exercise.hand import HandWorld

    app = app_of(ctx)
    with HandWorld(app, items=items, seed=seed) as hand:
        say(f"nine providers answer; the simulated time is {hand.now.isoformat()}")
        say("in another terminal, with the same --home, such as:")
        for line in hand.hints():
            say(f"  {line}")
        say("Ctrl-C ends it")
        ends = time.monotonic() + seconds if seconds is not None else None
        with suppress(KeyboardInterrupt):  # the way it is meant to end
            while hand.is_running() and (ends is None or time.monotonic() < ends):
                time.sleep(0.1)


def advance(
    ctx: typer.Context,
    by: Annotated[str, typer.Argument(help="A length such as 2h or 3d.")],
    as_json: Json = False,
) -> None:
    """Let simulated time pass: due work is done at its own instants, and the world goes on.

    Example: staydown --home rehearsal exercise advance 12h
    """
    from staydown.exercise.hand import pass_time

    app = app_of(ctx)
    app.require_exercise()
    with app.tools.begin(write=False) as work:
        to = until(by, work.now)
    done = pass_time(app, to)
    emit_one({"now": to, "work_done": done}, as_json=as_json)


def feed(
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(help="A csv file, to be taken in with staydown intake.")],
    as_json: Json = False,
) -> None:
    """Write down what the made-up agencies' monitoring turned up since the last time.

    Example: staydown --home rehearsal exercise feed seen.csv
    """
    from staydown.exercise.hand import feed as verb

    app = app_of(ctx)
    app.require_exercise()
    emit_one({"out": str(out), "records": verb(app, out)}, as_json=as_json)


def grid(
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(help="A folder for the homes of all these exercises.")],
    items: Annotated[int, typer.Option(min=260, help="Items in each; the scenarios have 26,000.")] = 2600,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from 1.")] = 2,
    as_json: Json = False,
) -> None:
    """Play volume, follow-up and the messenger's own bans in all combinations, then nothing at all: what posts do in each.

    Two years of real data cannot tell which of the three did it; in one and the same made-up world this can be asked.

    Example: staydown exercise grid grid-of-worlds --items 2600 --seeds 2
    """
    if ctx.obj.database is not None:
        raise Invalid(
            "a grid plays many exercises, each on SQLite in a home of its own; --database cannot hold them",
            hint="Leave out --database, and STAYDOWN_DATABASE.",
        )
    from staydown.exercise.grid import cells
    from staydown.exercise.grid import grid as verb

    with progress("exercise grid", len(cells()) * seeds) as step:
        rows = list(verb(out, items=items, seeds=range(1, seeds + 1), progress=step, alone=True))
    emit(rows, as_json=as_json)


def scenarios(as_json: Json = False) -> None:
    """List the scenarios.

    Example: staydown exercise scenarios
    """
    from staydown.exercise.scenario import load, names

    rows = []
    for name in names():
        one = load(name)
        rows.append(
            {
                "scenario": name,
                "title": one.title,
                "items": one.items,
                "agencies": one.agencies,
                "days": one.action_days + one.watch_days,
            }
        )
    emit(rows, as_json=as_json)
