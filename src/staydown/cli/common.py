"""What all commands share: the home, the person, output, errors and exit codes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from staydown.core import errors
from staydown.core.doors import Prefix
from staydown.core.ids import PersonId, person_id
from staydown.core.time import parse

if TYPE_CHECKING:
    from staydown.app import App
    from staydown.core.people import Person
    from staydown.core.rights import Verb
    from staydown.ports.work import Work

EXIT: Mapping[type[errors.StaydownError], int] = {
    errors.Invalid: 3,
    errors.NotFound: 4,
    errors.Refused: 5,
    errors.Stale: 6,
    errors.Outside: 7,
    errors.Broken: 8,
}
"""Exit codes by sort of error; 2 is wrong usage."""

WORD = "STAYDOWN_WORD"
"""Where a person's own token stands once everybody signs in; never an option, which others could see."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
As = Annotated[str, typer.Option("--as", metavar="PERSON", envvar="STAYDOWN_AS", help="Who acts.")]
Purpose = Annotated[
    str,
    typer.Option(
        "--purpose", envvar="STAYDOWN_PURPOSE", help="Why you look; asked for once persons sign in."
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why, in words; it goes on the record.")]
OperationOption = Annotated[
    str | None, typer.Option("--operation", metavar="ID", help="Only this operation.")
]


@dataclass(slots=True)
class State:
    """What the global options said."""

    home: Path
    database: str | None
    app: App | None = None


def app_of(ctx: typer.Context) -> App:
    """The app of the home that the global options name."""
    from staydown.app import open_app

    state: State = ctx.obj
    if state.app is None:
        state.app = open_app(state.home, database=state.database)
    return state.app


def exit_code(error: errors.StaydownError) -> int:
    """The exit code for an error."""
    return next((code for kind, code in EXIT.items() if isinstance(error, kind)), 1)


def who(app: App, work: Work, name: str) -> Person:
    """The person who acts.

    Once persons sign in, a name is no longer enough: the person's own token has to stand in the environment.

    Raises:
        Refused: The store demands that person's own credential.
        Invalid: Nobody was named.
    """
    if signs_in(app):
        return _by_token(work, name)
    if not name:
        raise errors.Invalid("nobody was named", hint="Say who acts: --as alice, or set STAYDOWN_AS.")
    return work.people.get(PersonId(person_id(name)))


def signs_in(app: App) -> bool:
    """Whether persons sign in here, so that no name is enough."""
    return not app.store.exercise and bool(app.settings.sign_in or app.store.noted("sign_in"))


def require_one_house(app: App) -> None:
    """Refuse to list the cases of all agencies to whoever sits at the machine, once persons sign in.

    Raises:
        Refused: They do.
    """
    if signs_in(app):
        raise errors.Refused(
            "cases are seen with one's own sign-in here",
            hint="Ask over the API with your own word, such as GET /v1/requests; docs/reference/api.md lists it.",
        )


def looked(app: App, work: Work, person: Person, verb: Verb, subjects: Sequence[str], purpose: str) -> None:
    """Write down a look at sensitive data, where persons sign in.

    Raises:
        Invalid: No purpose was given.
    """
    if signs_in(app):
        from staydown.flow import look

        look.looked(work, person, verb, subjects, count=len(subjects), purpose=purpose)


def _by_token(work: Work, name: str) -> Person:
    """The person whose own token stands in the environment; a name beside it has to be theirs."""
    word = os.environ.get(WORD, "")
    token = work.doors.token(word) if word.startswith(Prefix.TOKEN) else None
    if token is None or (name and name != token.person):
        raise errors.Refused(
            "this store demands your own sign-in"
            if not word
            else f"{WORD} opens nothing, or not as {name!r}",
            hint=f"Make a token on the page /account and put it into {WORD}; what takes a passkey is done there.",
        )
    return work.people.get(token.person).by_token(token.scope)


def say(text: str) -> None:
    """Talk goes to standard error, so that results can be piped."""
    typer.echo(text, err=True)


def emit(rows: Iterable[Mapping[str, object]], *, as_json: bool, columns: Iterable[str] | None = None) -> int:
    """Print results: one JSON object a line, or aligned columns. Gives how many rows there were."""
    if as_json:
        return _emit_json(rows)
    shown = [{key: _cell(value) for key, value in row.items()} for row in rows]
    if not shown:
        say("nothing to show")
        return 0
    names = list(columns or shown[0])
    widths = [min(60, max(len(name), *(len(row.get(name, "")) for row in shown))) for name in names]
    typer.echo("  ".join(name.ljust(width) for name, width in zip(names, widths, strict=True)).rstrip())
    for row in shown:
        line = "  ".join(row.get(name, "").ljust(width) for name, width in zip(names, widths, strict=True))
        typer.echo(line.rstrip())
    return len(shown)


def _emit_json(rows: Iterable[Mapping[str, object]]) -> int:
    count = 0
    write = sys.stdout.write
    for row in rows:
        write(json.dumps(row, ensure_ascii=False, default=_plain) + "\n")
        count += 1
    return count


def emit_one(row: Mapping[str, object], *, as_json: bool) -> None:
    """Print one result: a JSON object, or one line per field."""
    if as_json:
        _emit_json([row])
        return
    width = max(len(name) for name in row)
    for name, value in row.items():
        typer.echo(f"{name.ljust(width)}  {_cell(value)}")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (Path, timedelta)):
        return str(value)
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be printed as JSON")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_cell(part)}" for key, part in value.items()) or "-"
    if isinstance(value, (tuple, list)):
        return ", ".join(_cell(part) for part in value) or "-"
    text = str(value).strip().replace("\n", " / ")
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def until(text: str, now: datetime) -> datetime:
    """An instant, or a length of time from now such as `48h` or `14d`.

    Raises:
        Invalid: It is neither.
    """
    if text[:-1].isdecimal() and text[-1] in "hd":
        if len(text) > 6:
            raise errors.Invalid(f"{text[:40]!r} is too long a time")
        return now + (timedelta(hours=int(text[:-1])) if text[-1] == "h" else timedelta(days=int(text[:-1])))
    return parse(text)


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, where somebody is watching; gives the function that moves it on."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    parts = (SpinnerColumn(), TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda steps: bar.advance(task, steps)


def report(error: errors.StaydownError) -> int:
    """Say on standard error what went wrong and what to do next; gives the exit code."""
    say(f"staydown: {error}")
    say(f"  next: {error.hint}")
    return exit_code(error)
