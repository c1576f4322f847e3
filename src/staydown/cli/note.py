"""What happened about a provider outside this program, for the reports of each year."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from staydown.cli.common import As, Json, Reason, app_of, emit_one, who
from staydown.core.errors import Invalid

if TYPE_CHECKING:
    from staydown.flow.note import Kind, What

app_note = typer.Typer(
    help="What happened about a provider outside this program, for the reports of each year.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Provider = Annotated[
    str, typer.Argument(metavar="PROVIDER", help="Its name, as `staydown providers` lists it.")
]
At = Annotated[
    str, typer.Option("--at", help="When it happened, such as 2026-03-02T10:20:00+01:00; default: now.")
]
Since = Annotated[str, typer.Option("--since", help="When the complaint came in; with --under dsa, decided.")]
Under = Annotated[str, typer.Option("--under", help="tco or dsa: under which act.")]
Stage = Annotated[
    str, typer.Option("--what", help="brought, upheld or rejected: note it at each of the two.")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in (
        ("exposure", exposure),
        ("penalty", penalty),
        ("complaint", complaint),
        ("review", review),
    ):
        app_note.command(name)(command)
    app.add_typer(app_note, name="note")


def exposure(
    ctx: typer.Context,
    provider: Provider,
    reason: Reason,
    what: Annotated[
        str, typer.Option("--what", help="exposed (Art. 5(4)), further (5(6)) or reviewed (5(7)).")
    ] = "exposed",
    at: At = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note a decision of the authority on exposure or specific measures.

    Example: staydown note exposure flock --reason "decision 7/2026, two final orders in a year" --as alice
    """
    _note(ctx, "exposure", provider, reason, what=what, at=at, as_=as_, as_json=as_json)


def penalty(
    ctx: typer.Context, provider: Provider, reason: Reason, at: At = "", as_: As = "", as_json: Json = False
) -> None:
    """Note a decision that imposes a penalty.

    Example: staydown note penalty flock --reason "decision 9/2026, no contact point" --as alice
    """
    _note(ctx, "penalty", provider, reason, what="imposed", at=at, as_=as_, as_json=as_json)


def complaint(
    ctx: typer.Context,
    provider: Provider,
    reason: Reason,
    what: Stage = "brought",
    under: Under = "tco",
    since: Since = "",
    at: At = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note a complaint to a provider when it is brought, and once more when it is decided.

    Example: staydown note complaint flock --what upheld --reason "satire, put back" --as flock-officer
    """
    _note(
        ctx,
        "complaint",
        provider,
        reason,
        what=what,
        under=under,
        since=since,
        at=at,
        as_=as_,
        as_json=as_json,
    )


def review(
    ctx: typer.Context,
    provider: Provider,
    reason: Reason,
    what: Stage = "brought",
    at: At = "",
    as_: As = "",
    as_json: Json = False,
) -> None:
    """Note proceedings before an authority or a court about a decision under Art. 5; those about an order in this store
    are noted with the order.

    Example: staydown note review flock --reason "challenged before the made-up court, 4 C 12/26" --as alice
    """
    _note(ctx, "review", provider, reason, what=what, at=at, as_=as_, as_json=as_json)


def _note(
    ctx: typer.Context,
    kind: str,
    provider: str,
    reason: str,
    *,
    what: str,
    at: str,
    as_: str,
    as_json: bool,
    under: str = "tco",
    since: str = "",
) -> None:
    from staydown.core.time import parse
    from staydown.flow import note as verbs

    app, named = app_of(ctx), verbs.Kind(kind)
    act = _word(verbs.Under, under, "--under")
    with app.tools.begin() as work:
        found = verbs.note(
            app.tools,
            work,
            who(app, work, as_),
            provider,
            named,
            reason=reason,
            what=_what(named, what),
            under=verbs.Under(act),
            at=parse(at) if at else None,
            since=parse(since) if since else None,
        )
    row = {
        "provider": found.provider,
        "noted": found.kind.value,
        "what": found.what.value,
        "at": found.at,
        "agency": found.agency,
        "counts_for": list(found.rows),
    }
    emit_one(row, as_json=as_json)


def _what(kind: Kind, text: str) -> What:
    from staydown.flow import note as verbs

    fits = {one.value: one for k, one, _ in (*verbs.AUTHORITY, *verbs.PROVIDER) if k is kind}
    return fits[_word(fits, text, "--what")]


def _word(known: Iterable[str], text: str, option: str) -> str:
    words = list(known)
    if text not in words:
        raise Invalid(f"{text[:40]!r} is nothing for {option}", hint=f"Say {', '.join(words)}.")
    return text
