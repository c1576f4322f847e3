"""Pages saved by hand: their own address, their links and players, and addresses in their text.

All records of a page stand on line 1; the note is the words of the link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from staydown.core.errors import Invalid
from staydown.ports import GUESSED, BadRow, Row
from staydown.reason.lines import decoded, encoding_of, head_text

MAX_BYTES = 32 * 1024 * 1024
"""Larger pages are refused."""
_BEGINS = re.compile(r"\s*+<(?:!doctype\s++html|html)\b", re.IGNORECASE)
_BEFORE = re.compile(r"\s*+(?:<\?xml[^>]*+>|<!--(?:(?!-->).)*+-->)", re.IGNORECASE | re.DOTALL)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HtmlImporter:
    """Reads saved pages."""

    name: str = "html"
    suffixes: tuple[str, ...] = (".html", ".htm", ".xhtml")

    def sniff(self, path: Path, head: bytes) -> bool:
        """Whether it begins as pages do."""
        text, at = head_text(head), 0
        while found := _BEFORE.match(text, at):
            at = found.end()
        return _BEGINS.match(text, at) is not None

    def columns(self, path: Path, given: Mapping[str, str] = GUESSED) -> Mapping[str, str] | None:
        """None: the format has no columns."""
        return None

    def read(self, path: Path, given: Mapping[str, str] = GUESSED) -> Iterator[Row | BadRow]:
        """The addresses of the page.

        Raises:
            Invalid: It cannot be read, is too large, empty, or names no address.
        """
        from staydown.reason.saved import addresses_on

        found = False
        for address, words in addresses_on(_loaded(path)):
            found = True
            yield Row(line=1, raw=address, note=words)
        if not found:
            raise Invalid("no address on the page", hint="The page links to nothing and names nothing.")


def _loaded(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Invalid(f"larger than {MAX_BYTES // 2**20} MiB", hint="Save the page without its pictures.")
        content = path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}") from error
    if not content.strip():
        raise Invalid(f"{path.name} is empty", hint="The file holds no page.")
    encoding: str | None = encoding_of(content[:4])
    if encoding == "utf-8":
        said = _CHARSET.search(content[:4096])
        encoding = said[1].decode("ascii") if said else None
    return decoded(content, encoding)


IMPORTER = HtmlImporter()
