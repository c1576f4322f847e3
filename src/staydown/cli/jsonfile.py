"""JSON that a person hands over in a file, read strictly: what could be read in two ways is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

from staydown.core.errors import Invalid, NotFound

MOST_BYTES = 64 * 1024 * 1024
_HALF = re.compile("[\ud800-\udfff]")


def read_bytes(file: Path) -> bytes:
    """What a file holds.

    Raises:
        NotFound: There is no such file.
        Invalid: It cannot be read, or is too large.
    """
    try:
        with file.open("rb") as opened:
            body = opened.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {file}", hint="Check the path.") from error
    except (OSError, ValueError) as error:
        raise Invalid(f"{file.name} cannot be read: {error}") from error
    if len(body) > MOST_BYTES:
        raise Invalid(f"{file.name} is larger than {MOST_BYTES // 2**20} MiB")
    return body


def parse(body: bytes, name: str) -> object:
    """The JSON in a file.

    Raises:
        Invalid: It is none, says a thing twice, holds half of a character or is nested too deep.
    """
    try:
        found = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise Invalid(f"{name} is not UTF-8", hint="Write it as JSON, in UTF-8.") from error
    except RecursionError as error:
        raise Invalid(f"{name} is nested too deep to be a form") from error
    except ValueError as error:
        raise Invalid(f"{name} is no JSON: {str(error)[:160]}") from error
    return found


def read_object(file: Path) -> dict[str, object]:
    """The JSON object in a file, fit to be stored.

    Raises:
        Invalid: It cannot be read, or is no JSON object, or no text that can be stored.
    """
    try:
        body = read_bytes(file)
    except NotFound as error:
        raise Invalid(str(error), hint=error.hint) from error
    found = parse(body, file.name)
    if not isinstance(found, dict):
        raise Invalid(f"{file.name} holds no JSON object", hint="Write an object with fields, such as {}.")
    if half := _HALF.search(json.dumps(found, ensure_ascii=False)):
        raise Invalid(
            f"{file.name} holds half of a character (U+{ord(half[0]):04X})", hint="Write it again, as UTF-8."
        )
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys are each there once: a reader could otherwise not tell which value counts."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:40]!a} is there twice")
        found[key] = value
    return found
