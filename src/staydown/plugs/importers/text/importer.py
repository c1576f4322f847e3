"""Addresses found in running text or one a line, plain or defanged, in any script.

The last resort for mails, chat logs and notes: everything that reads as an address becomes a record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from staydown.core.errors import Invalid
from staydown.ports import GUESSED, BadRow, Row
from staydown.reason.lines import BadLine, head_text, lines_of
from staydown.reason.prose import addresses_in


@dataclass(frozen=True, slots=True)
class TextImporter:
    """Finds addresses in text."""

    name: str = "text"
    suffixes: tuple[str, ...] = (".txt", ".text", ".md", ".log")

    def sniff(self, path: Path, head: bytes) -> bool:
        """Whether it is text that names an address."""
        text = head_text(head)
        return "\0" not in text and any(True for line in text.splitlines() for _ in addresses_in(line))

    def columns(self, path: Path, given: Mapping[str, str] = GUESSED) -> Mapping[str, str] | None:
        """None: the format has no columns."""
        return None

    def read(self, path: Path, given: Mapping[str, str] = GUESSED) -> Iterator[Row | BadRow]:
        """Stream the addresses; a line without one gives nothing.

        Raises:
            Invalid: The file cannot be read, is empty, or names no address.
        """
        try:
            stream = path.open("rb")
        except OSError as error:
            raise Invalid(f"{path.name} cannot be read: {error.strerror}") from error
        found = lines = 0
        with stream:
            for number, line in lines_of(stream):
                lines = number
                if isinstance(line, BadLine):
                    found += 1
                    yield BadRow(line=number, text=line.shown, reason=line.reason)
                    continue
                for address in addresses_in(line):
                    found += 1
                    yield Row(line=number, raw=address)
        if not found:
            raise Invalid(
                "no address in the text" if lines else f"{path.name} is empty",
                hint="The file holds no records.",
            )


IMPORTER = TextImporter()
