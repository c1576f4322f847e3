"""Taking in: identify, intake, check."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from staydown.cli.common import Json, OperationOption, app_of, emit, emit_one, progress, say, signs_in, who
from staydown.core.errors import Invalid

if TYPE_CHECKING:
    from staydown.flow.outlook import Outlook


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(identify)
    app.command()(intake)
    app.command()(check)


def identify(
    ctx: typer.Context,
    addresses: Annotated[
        list[str] | None, typer.Argument(metavar="[URL]...", help="Default: one a line on stdin.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say which thing an address names: one key for every spelling.

    Example: staydown identify https://t.me/s/example_channel/12 --json
    """
    catalogue = app_of(ctx).catalogue
    rows = (_identified(catalogue.identify(raw), raw) for raw in (addresses or _lines()))
    emit(rows, as_json=as_json, columns=("key", "kind", "address", "container", "refused"))


def _lines() -> Iterator[str]:
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape", newline="\n")
    for line in sys.stdin:
        yield line.rstrip("\r\n")


def _identified(found: object, raw: str) -> dict[str, object]:
    from staydown.core.item import Identity

    shown = raw.encode("utf-8", "replace").decode()
    if isinstance(found, Identity):
        return {
            "raw": shown,
            "key": found.key,
            "kind": found.kind.value,
            "provider": found.provider,
            "address": found.address,
            "container": found.container,
            "wraps": found.wraps,
            "refused": None,
        }
    empty: dict[str, object] = dict.fromkeys(("key", "kind", "provider", "address", "container", "wraps"))
    return {"raw": shown, **empty, "refused": getattr(found, "reason", "")}


def intake(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="csv, tsv, jsonl, xlsx, txt, md, html, eml, mbox, STIX 2.1 or MISP JSON.")
    ],
    agency: Annotated[str, typer.Option(help="Whose sightings these are, where the file does not say.")],
    operation: OperationOption = None,
    form: Annotated[
        str | None, typer.Option("--format", help="The format, where it cannot be guessed.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="Which column is url, agency, first_seen, note, confidence or sharing; may be repeated.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take in a list of sightings. Taking the same file in again adds nothing.

    Records that cannot be taken go to FILE.refused with line and reason; the exit code is then 3.

    Example: staydown intake seen.xlsx --agency NL-IRU --map url=Webadres --dry-run
    """
    from staydown.ahead import ahead_of
    from staydown.core.ids import agency_code, operation_id
    from staydown.core.rights import Verb
    from staydown.flow import record
    from staydown.flow.outlook import look_ahead
    from staydown.reason.columns import mapping_of
    from staydown.registry import choose_importer

    code, given = agency_code(agency), mapping_of(columns or [])
    if not file.exists():
        raise Invalid(f"{file} does not exist", hint="Check the path.")
    app = app_of(ctx)
    if signs_in(app):
        with app.store.begin(write=False) as work:
            who(app, work, "").require(Verb.RECORD, within=code)
    importer = choose_importer(file, app.importers, form)
    told = record.columns_of(importer, file, given)
    if told:
        say(f"columns: {', '.join(f'{name} from {column!r}' for name, column in told.items())}")
    how: dict[str, Any] = {
        "importer": importer,
        "agency": code,
        "operation": operation_id(operation) if operation else None,
        "given": given,
        "choose": partial(choose_importer, plugs=app.importers),
    }
    with progress(f"{'looking at' if dry_run else 'taking in'} {file.name}") as step:
        if dry_run:
            outlook = look_ahead(app.tools, file, progress=step, **how)
        else:
            ahead = ahead_of(importer.name, file)
            done = record.take_in(app.tools, file, progress=step, ahead=ahead, **how)
    if dry_run:
        _show_outlook(outlook, importer.name, told, as_json=as_json)
        return
    emit_one(
        {
            "sightings": done.sightings,
            "items_new": done.items_new,
            "items_known": done.items_known,
            "refused": done.refused,
            "refused_file": str(done.refused_file) if done.refused_file else None,
            "seconds": done.seconds,
        },
        as_json=as_json,
    )
    for new in done.agencies_new:
        say(f"note: {new} is an agency that this store did not know; it was added")
    if done.refused:
        say(f"refused records: {done.refused}; see {done.refused_file}")
        raise typer.Exit(3)


def _show_outlook(outlook: Outlook, name: str, columns: Mapping[str, str] | None, *, as_json: bool) -> None:
    """What a dry run found; the exit code is that of a real one."""
    emit_one(
        {
            "dry_run": True,
            "format": name,
            "columns": dict(columns) if columns else None,
            "records": outlook.records,
            "items_new": outlook.items_new,
            "items_known": outlook.items_known,
            "refused": outlook.refused,
            "agencies_new": list(outlook.agencies_new),
            "examples": [{"raw": raw, "key": key} for raw, key in outlook.examples] if as_json else None,
            "reasons": dict(outlook.reasons) if as_json else None,
        },
        as_json=as_json,
    )
    if not as_json:
        for raw, key in outlook.examples:
            say(f"  {raw}  ->  {key}")
        for reason, count in outlook.reasons.items():
            say(f"  would be refused, {count}: {reason}")
    say("nothing was changed")
    if outlook.refused:
        raise typer.Exit(3)


def check(
    ctx: typer.Context,
    addresses: Annotated[list[str], typer.Argument(metavar="URL...")],
    as_json: Json = False,
) -> None:
    """Look at addresses once, by their provider's own signs; nothing is stored.

    The verdict is online, offline, blocked or unclear. An address that the guard refuses is not contacted.

    Example: staydown check https://example.org/page --json
    """
    from staydown.core.item import Identity
    from staydown.ports import Ask, Trouble

    app = app_of(ctx)
    tools = app.tools
    found = [app.catalogue.identify(raw) for raw in addresses]
    asked = [
        one.address if isinstance(one, Identity) else raw for one, raw in zip(found, addresses, strict=True)
    ]
    refused = False
    rows = []
    for raw, one, reply in zip(
        addresses, found, tools.fetch.many([Ask(address=a) for a in asked]), strict=True
    ):
        room = app.catalogue.room(one.provider if isinstance(one, Identity) else "web")
        look = tools.probe.look(room, reply)
        refused = refused or reply.trouble is Trouble.REFUSED
        rows.append(
            {
                "address": raw,
                "verdict": look.sight.value,
                "reason": look.reason,
                "status": reply.status,
                "seconds": round(reply.seconds, 3),
            }
        )
    emit(rows, as_json=as_json)
    if refused:
        raise typer.Exit(5)
