"""Rendering: a laid-out form becomes a tagged PDF (PDF/A-3a and PDF/UA-1) with its own data attached.

The same form gives the same bytes: only typst's own fonts are used, and the document carries the form's date, not today's.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files

from staydown.core.errors import Invalid
from staydown.paper.setting import LEVELS, sheet_of
from staydown.reason.formlayout import Laid

UNDATED = datetime(2000, 1, 1, tzinfo=UTC)


def render(laid: Laid, body: bytes, about: dict[str, object], *, dated: datetime | None) -> bytes:
    """The PDF of a layout.

    Args:
        laid: What is to be read.
        body: The form's JSON, attached as it is.
        about: What the sheet is, attached as `sheet.json`.
        dated: The date the document carries; where there is none, a fixed one.

    Raises:
        Invalid: It cannot be set.
    """
    import typst

    for level in range(LEVELS):
        try:
            return _compiled(laid, body, about, dated, level=level)
        except typst.TypstError as error:
            if "could not be displayed" not in error.diagnostic or level == LEVELS - 1:
                raise Invalid(f"the form cannot be set: {error.message}") from error
    raise AssertionError("every level returns or raises")


def _compiled(
    laid: Laid, body: bytes, about: dict[str, object], dated: datetime | None, *, level: int
) -> bytes:
    import typst

    sheet = sheet_of(laid, level=level) | {
        "attached": f"{laid.form}.json",
        "json": body.decode(),
        "about": json.dumps(about, sort_keys=True),
    }
    made = typst.compile(
        files("staydown.paper").joinpath("sheet.typ").read_bytes(),
        sys_inputs={"sheet": json.dumps(sheet)},
        pdf_standards=["a-3a", "ua-1"],
        ignore_system_fonts=True,
        timestamp=(dated or UNDATED).replace(microsecond=0),
    )
    if not isinstance(made, bytes):
        raise Invalid("the form cannot be set: no single document came of it")
    return made
