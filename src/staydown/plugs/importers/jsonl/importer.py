"""One JSON object a line, with the address under `url`, `address`, `raw` or a like name.

Source: jsonlines.org; RFC 8259.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from staydown.core.errors import Invalid
from staydown.ports import GUESSED, BadRow, Row
from staydown.reason.columns import columns_of, fields_of, told_of
from staydown.reason.lines import BadLine, head_text, lines_of


@dataclass(frozen=True, slots=True)
class JsonlImporter:
    """Reads one JSON object a line."""

    name: str = "jsonl"
    suffixes: tuple[str, ...] = (".jsonl", ".ndjson")

    def sniff(self, path: Path, head: bytes) -> bool:
        """Whether the first line is a JSON object with an address."""
        first = next((line for line in head_text(head).splitlines() if line.strip()), "")
        return isinstance(_row(1, first), Row)

    def columns(self, path: Path, given: Mapping[str, str] = GUESSED) -> Mapping[str, str] | None:
        """The names that will be read, by our names for them, from the first record that is one.

        Raises:
            Invalid: The file cannot be read, or that record has no such name.
        """
        try:
            with path.open("rb") as stream:
                record = next((one for _, line in lines_of(stream) if (one := _object(line))), None)
        except OSError as error:
            raise Invalid(f"{path.name} cannot be read: {error.strerror}") from error
        if record is None:
            return None
        names = list(record)
        return told_of(names, columns_of(names, given))

    def read(self, path: Path, given: Mapping[str, str] = GUESSED) -> Iterator[Row | BadRow]:
        """Stream the records.

        Raises:
            Invalid: The file cannot be read, or is empty.
        """
        try:
            stream = path.open("rb")
        except OSError as error:
            raise Invalid(f"{path.name} cannot be read: {error.strerror}") from error
        is_empty = True
        with stream:
            for number, line in lines_of(stream):
                if isinstance(line, BadLine):
                    is_empty = False
                    yield BadRow(line=number, text=line.shown, reason=line.reason)
                elif line and not line.isspace():
                    is_empty = False
                    yield _row(number, line, given)
        if is_empty:
            raise Invalid(f"{path.name} is empty", hint="The file holds no records.")


def _object(line: str | BadLine) -> dict[str, object] | None:
    """A line's object, or None where it holds none."""
    try:
        record = json.loads(line) if isinstance(line, str) else None
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _row(number: int, line: str, given: Mapping[str, str] | None = None) -> Row | BadRow:
    try:
        record = json.loads(line)
    except RecursionError:
        return BadRow(line=number, text=line[:200], reason="nested too deep")
    except ValueError as error:
        return BadRow(line=number, text=line[:200], reason=f"is no JSON: {error}"[:200])
    if not isinstance(record, dict):
        return BadRow(line=number, text=line[:200], reason="is no JSON object")
    fields = fields_of(record, given)
    if not fields.get("raw"):
        return BadRow(line=number, text=line[:200], reason="no address")
    return Row(line=number, **fields)


IMPORTER = JsonlImporter()
