"""Sites: who stands between a site and its readers, and which registries are asked about it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from staydown.cli.common import Json, app_of, emit, emit_one, say

if TYPE_CHECKING:
    from staydown.reason.rungs import Contact, Ladder, Rung, Suggestion


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(site)
    app.command()(site_bootstrap)


def site(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="A page or a site.")],
    whole: Annotated[
        bool, typer.Option("--whole", help="Show what stands below a platform that is known as well.")
    ] = False,
    no_touch: Annotated[
        bool, typer.Option("--no-touch", help="Do not ask the site itself for its security.txt.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find who can remove a site: host, network, CDN, DNS, registrar and registry, with their contacts.

    Registries are asked by RDAP. The nearest layer that can be asked is suggested with the reason; nothing is sent
    to anybody, and nothing is stored.

    Example: staydown site https://example.org/page --no-touch
    """
    from staydown.flow.site import ladder, suggest

    found = ladder(app_of(ctx).tools, address, whole=whole, touch=not no_touch)
    suggested = suggest(found)
    if as_json:
        emit_one(_as_row(found, suggested), as_json=True)
        return
    for line in _lines(found, suggested):
        typer.echo(_plain(line))
    for snag in found.snags:
        say(_plain(f"trouble: {snag.source}: {snag.what}. {snag.next}"))


def site_bootstrap(
    ctx: typer.Context,
    fetch: Annotated[
        bool, typer.Option("--refresh", help="Fetch IANA's files first; good ones replace those in use.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show which files say what registry to ask about names, IP addresses and AS numbers.

    Example: staydown site-bootstrap --refresh
    """
    from staydown.flow.registries import in_use, refresh
    from staydown.reason.bootstrap import Sort

    tools = app_of(ctx).tools
    if fetch:
        refresh(tools)
    used = {sort: in_use(tools.settings.home, sort) for sort in Sort}
    emit(
        (
            {
                "file": f"{sort.value}.json",
                "from": one.path or "shipped",
                "published": one.bootstrap.publication,
                "entries": len(one.bootstrap),
                "refused": one.refused or None,
            }
            for sort, one in used.items()
        ),
        as_json=as_json,
        columns=("file", "from", "published", "entries"),
    )
    for one in used.values():
        if one.refused:
            say(f"not used: {one.refused}")


# --- shapes ----------------------------------------------------------------------------------------


def _as_row(found: Ladder, suggested: Suggestion) -> dict[str, object]:
    return {
        "address": found.address,
        "host": found.host,
        "domain": found.domain or None,
        "addresses": list(found.addresses),
        "status": list(found.status),
        "layers": [_layer(rung, is_nearest=rung is suggested.rung) for rung in found.rungs],
        "contacts": [_contact(one) for one in found.contacts],
        "nearest": suggested.rung.layer.value if suggested.rung else None,
        "reason": suggested.reason,
        "troubles": [{"source": one.source, "what": one.what, "next": one.next} for one in found.snags],
    }


def _layer(rung: Rung, *, is_nearest: bool) -> dict[str, object]:
    return {
        "layer": rung.layer.value,
        "who": rung.who or None,
        "why_not": rung.why_not or None,
        "notes": list(rung.notes),
        "found": list(rung.found),
        "contacts": [_contact(one) for one in rung.contacts],
        "instruments": [fit.value for fit in rung.footing.fits],
        "legal_check": [fit.value for fit in rung.footing.arguable],
        "footing": rung.footing.words,
        "request": rung.footing.request,
        "effect": rung.footing.effect,
        "own": rung.is_own,
        "nearest": is_nearest,
    }


def _contact(one: Contact) -> dict[str, object]:
    return {
        "layer": one.layer.value,
        "party": one.party,
        "address": one.address,
        "kind": one.kind.value,
        "scope": one.scope,
        "source": one.source,
        "guess": one.is_guess,
        "warns_site": one.warns,
    }


def _lines(found: Ladder, suggested: Suggestion) -> Iterator[str]:
    at = f" at {', '.join(found.addresses)}" if found.addresses else ""
    yield f"{found.address}"
    yield f"host {found.host}{at}" + (f", domain {found.domain}" if found.domain else "")
    for rung in found.rungs:
        yield ""
        yield f"{'*' if rung is suggested.rung else ' '} {rung.layer.value.ljust(9)}  {rung.who or 'not known'}"
        yield from _details(rung)
    yield ""
    nearest = suggested.rung.layer.value if suggested.rung else "nobody"
    yield from textwrap.wrap(f"nearest: {nearest}. {suggested.reason}", 110)


def _details(rung: Rung) -> Iterator[str]:
    yield from (_line("", note) for note in rung.notes)
    if rung.why_not:
        yield _line("but", rung.why_not)
    if not rung.who:
        return
    yield _line("ask", f"{rung.footing.request} ({', '.join(rung.footing.fits)})")
    if rung.footing.arguable:
        yield _line("", f"only after a lawyer has looked: {', '.join(rung.footing.arguable)}")
    yield _line("effect", rung.footing.effect)
    for one in rung.contacts:
        marks = ("; a guess" if one.is_guess else "") + ("; the site reads it" if one.warns else "")
        yield _line(one.kind.value, f"{one.address}  [{one.scope}{marks}]")
    yield from (_line("found", source) for source in rung.found)


def _line(name: str, text: str) -> str:
    return f"             {name.ljust(7)} {text}"


def _plain(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
