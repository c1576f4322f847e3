"""Forms: check, render and read back the legal forms. No home is needed, and nothing leaves."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from staydown.cli.common import Json, emit, emit_one, report, say
from staydown.cli.jsonfile import parse, read_bytes
from staydown.core.errors import Broken, Invalid, Outside

if TYPE_CHECKING:
    from staydown.paper import PaperDesk
    from staydown.ports.paper import SignatureFinding
    from staydown.reason.formcheck import Checked

form = typer.Typer(help="Legal forms: check, render, read back.", no_args_is_help=True, rich_markup_mode=None)
MALFORMED = 3
"""The exit code of a form that is not complete."""
File = Annotated[Path, typer.Argument(metavar="FILE", help="A JSON object with `form` and the form's keys.")]
Named = Annotated[str, typer.Option("--form", help="Which form it is, where the file does not say.")]


class To(StrEnum):
    """What a form is rendered to."""

    PDF = "pdf"
    JSON = "json"
    TXT = "txt"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for name, command in (
        ("check", check),
        ("render", render),
        ("list", list_),
        ("schema", schema),
        ("read", read),
    ):
        form.command(name)(command)
    app.add_typer(form, name="form")


def check(file: File, named: Named = "", as_json: Json = False) -> None:
    """Say what is missing or wrong in a filled-in form; exit code 3 while anything is.

    Example: staydown form check order.json --json
    """
    name, values = _filled_in(file, named)
    found = _desk().check(name, values)
    emit_one(found.as_row(), as_json=as_json)
    if not found.complete:
        _tell(found)
        raise typer.Exit(MALFORMED)


def render(
    file: File,
    to: Annotated[To, typer.Option("--to", help="What to make of it.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write it.")],
    language: Annotated[str, typer.Option("--language", help="Language of the form's own words.")] = "en",
    named: Named = "",
    as_json: Json = False,
) -> None:
    """Render a form as it stands: every page says DRAFT, NOT AN ORDER, and what is missing is marked.

    Example: staydown form render order.json --to pdf --language nl --out order.pdf
    """
    name, values = _filled_in(file, named)
    sheet = _desk().render(name, values, language=language, draft=True)
    body = {To.PDF: sheet.pdf, To.JSON: sheet.json, To.TXT: sheet.text.encode()}[to]
    try:
        out.write_bytes(body)
    except OSError as error:
        raise Outside(f"{out} cannot be written: {error.strerror}", permanent=True) from error
    row = sheet.checked.as_row() | {"out": str(out), "sha256": hashlib.sha256(body).hexdigest()}
    emit_one(row, as_json=as_json)
    _tell(sheet.checked)


def list_(as_json: Json = False) -> None:
    """List the forms there are, with the languages they exist in.

    Example: staydown form list
    """
    from staydown.app import forms

    rows = [
        {
            "form": name,
            "version": one.form.version,
            "source": one.form.source,
            "direction": one.form.direction,
            "binding": one.form.binding,
            "languages": list(one.form.languages),
        }
        for name, one in forms().items()
    ]
    emit(rows, as_json=as_json)


def schema(name: Annotated[str, typer.Argument(metavar="NAME", help="A form, such as tco-annex-1.")]) -> None:
    """Print the JSON Schema of a form.

    Example: staydown form schema tco-annex-1
    """
    from staydown.reason.formschema import schema as drawn

    typer.echo(json.dumps(drawn(_desk().form(name)), indent=1))


def read(
    file: Annotated[Path, typer.Argument(metavar="FILE.pdf", help="A form on paper, signed or not.")],
    roots: Annotated[
        Path | None, typer.Option("--roots", help="Certificates in PEM that signatures may lead to.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read a form back from its PDF, and what is found about its signatures; exit code 8 if one is broken.

    Example: staydown form read order.pdf --json
    """
    trusted = read_bytes(roots) if roots else b""
    found = _desk().read(read_bytes(file), roots=trusted)
    row = found.checked.as_row() | {
        "language": found.language,
        "draft": found.draft,
        "exercise": found.exercise,
        "same_on_paper": found.same_on_paper,
        "values": dict(found.values),
        "signed": [_signature(one) for one in found.signed],
    }
    emit_one(row, as_json=as_json)
    if broken := [one for one in found.signed if one.is_broken]:
        why = broken[0].detail or "what was signed is not what is there"
        raise typer.Exit(report(Broken(f"the signature {broken[0].name or '?'} is broken: {why}")))


def _desk() -> PaperDesk:
    from staydown.app import forms
    from staydown.paper import PaperDesk

    return PaperDesk(forms())


def _signature(one: SignatureFinding) -> dict[str, object]:
    return {
        "name": one.name,
        "intact": one.intact,
        "whole": one.whole,
        "trusted": one.trusted,
        "signer": one.signer,
        "claimed_at": one.claimed_at,
        "stamped_at": one.stamped_at,
        "stamp_trusted": one.stamp_trusted,
        "detail": one.detail,
    }


def _tell(found: Checked) -> None:
    """Say in words what the object says, for whoever sits there."""
    if found.complete:
        return
    say(f"{found.form} is not complete: {len(found.missing)} missing, {len(found.errors)} wrong")
    for key in found.missing[:20]:
        say(f"  {key}: is missing; fill it in")
    for error in found.errors[:20]:
        say(f"  {error}")


def _filled_in(file: Path, named: str) -> tuple[str, dict[str, object]]:
    """The name of the form, and what was filled in.

    Raises:
        Invalid: The file is no JSON object, or nothing says which form it is.
    """
    values = parse(read_bytes(file), file.name)
    if not isinstance(values, dict):
        raise Invalid(f"{file.name} holds no JSON object", hint='Write {"form": "tco-annex-1", ...}.')
    name = named or values.get("form") or ("xarf" if "xarf_version" in values else "")
    if not isinstance(name, str) or not name:
        raise Invalid(
            f"{file.name} does not say which form it is",
            hint='Add "form": "tco-annex-1", or say --form NAME.',
        )
    return name, values
