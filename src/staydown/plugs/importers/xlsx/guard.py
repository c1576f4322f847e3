"""Looking at a workbook before anything opens it, so that a small file cannot take all memory.

Each part is unpacked once, in pieces: how much there is in truth (a directory may lie), how wide and long the sheets
are (readers reserve the whole rectangle, and some count wrongly where a number is too long), and how much text the
cells draw from the shared strings. Sheets are read by an XML parser, not by patterns: what stands in an attribute, or
in which order, must not matter.
Source: ECMA-376 part 1, sections 18.3.1.4 (cells), 18.3.1.73 (rows) and 18.4 (shared strings); PKWARE APPNOTE 4.3.12.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from staydown.core.errors import Invalid

MAX_UNPACKED = 256 * 1024 * 1024
MAX_RATIO = 200
MAX_PARTS = 5_000
MAX_CELLS = 8_000_000
MAX_TEXT = 256 * 1024 * 1024
MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384

_PIECE = 1024 * 1024
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_NUMBER = re.compile(r"[0-9]{1,7}")
_OVERLAP = 64


def checked(path: Path) -> None:
    """Refuse a workbook that would not fit.

    Raises:
        Invalid: It is no zip file, is broken, or would take too much room; says which.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_directory(archive, path.stat().st_size)
            _check_parts(archive)
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Invalid(f"no workbook: {error}"[:200]) from error


def _check_directory(archive: zipfile.ZipFile, size_bytes: int) -> None:
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS:
        raise Invalid(f"the workbook has {len(parts)} parts; {MAX_PARTS} are allowed")
    if unpacked > MAX_UNPACKED:
        raise Invalid(f"the workbook unpacks to {unpacked // 2**20} MiB; {MAX_UNPACKED // 2**20} are allowed")
    if unpacked > MAX_RATIO * max(size_bytes, 1):
        raise Invalid(
            f"the workbook unpacks to {unpacked // max(size_bytes, 1)} times its size; {MAX_RATIO} are allowed"
        )
    names = archive.namelist()
    if "[Content_Types].xml" not in names:
        raise Invalid("a zip file, but no workbook")
    if len({name.lower() for name in names}) < len(names):
        raise Invalid("a part of the workbook is there twice", hint="Open it and save it again.")


def _check_parts(archive: zipfile.ZipFile) -> None:
    """Unpack each part once: wrong sizes and sums show, and cells are measured wherever they stand."""
    sizes = _string_sizes(archive)
    text = 0
    for part in archive.infolist():
        sheet = _Sheet(sizes)
        is_xml, holds_cells, tail = True, False, b""
        for piece in _pieces(archive, part):
            holds_cells = holds_cells or b"sheetData" in tail + piece
            tail = piece[-_OVERLAP:]
            is_xml = is_xml and sheet.feed(piece)
        if holds_cells and not (is_xml and sheet.feed(b"", is_last=True)):
            raise Invalid(f"a sheet of the workbook, {part.filename[:60]}, is no XML that can be read")
        if sheet.rows * sheet.columns > MAX_CELLS:
            raise Invalid(
                f"a sheet is {sheet.rows} rows by {sheet.columns} columns",
                hint="Delete stray cells far from the table.",
            )
        text += sheet.text
        if text > MAX_TEXT:
            raise Invalid("the cells of the workbook hold too much text")


def _string_sizes(archive: zipfile.ZipFile) -> list[int]:
    """The sizes of the shared strings, in their order."""
    sizes: list[int] = []
    for part in archive.infolist():
        if part.filename.lower().endswith("sharedstrings.xml"):
            strings = _Strings()
            for piece in _pieces(archive, part):
                strings.feed(piece)
            strings.feed(b"", is_last=True)
            sizes = max(sizes, strings.sizes, key=sum)
    return sizes


class _Reading:
    """An XML parser that holds nothing and refuses documents which define entities."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self.begin
        self._parser.EndElementHandler = self.end
        self._parser.CharacterDataHandler = self.say

    def feed(self, piece: bytes, *, is_last: bool = False) -> bool:
        """Read on; False where it is no XML."""
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError:
            return False
        return True

    def _refuse(self, *_: object) -> None:
        raise Invalid("a part of the workbook defines a document type", hint="Open it and save it again.")

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def say(self, text: str) -> None:
        """Text within an element."""


class _Strings(_Reading):
    """Measures the shared strings."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "si":
            self.sizes.append(0)

    def say(self, text: str) -> None:
        if self.sizes:
            self.sizes[-1] += len(text)


class _Sheet(_Reading):
    """Measures one sheet: its rectangle, and the text its cells draw from the shared strings."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self._sizes = sizes
        self.rows = self.columns = self.text = 0
        self._row = self._column = 0
        self._draws = False
        self._said = ""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(":")[2]
        if kind == "row":
            self._row = _row(attributes["r"]) if "r" in attributes else self._row + 1
            self._column = 0
        elif kind == "c":
            self._cell(attributes)
        self._said = ""

    def _cell(self, attributes: dict[str, str]) -> None:
        if "r" in attributes:
            self._column, row = _place(attributes["r"])
        else:
            self._column, row = self._column + 1, self._row
        self.rows, self.columns = max(self.rows, row), max(self.columns, self._column)
        self._draws = attributes.get("t") == "s"

    def say(self, text: str) -> None:
        if self._draws and len(self._said) < 32:
            self._said += text[:32]

    def end(self, name: str) -> None:
        if self._draws and name.rpartition(":")[2] == "v":
            at = int(self._said) if _NUMBER.fullmatch(self._said.strip()) else -1
            self.text += self._sizes[at] if 0 <= at < len(self._sizes) else 0
            self._draws = False
        self._said = ""


def _row(text: str) -> int:
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_ROWS:
        raise Invalid(f"a row of the workbook is numbered {text[:40]!r}", hint="Open it and save it again.")
    return int(text)


def _place(text: str) -> tuple[int, int]:
    """Column and row of a cell."""
    found = _REFERENCE.fullmatch(text)
    column = _column(found[1]) if found else 0
    if found is None or column > MAX_COLUMNS or not 1 <= int(found[2]) <= MAX_ROWS:
        raise Invalid(f"a cell of the workbook stands at {text[:40]!r}", hint="Open it and save it again.")
    return column, int(found[2])


def _pieces(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(part) as stream:
        while piece := stream.read(_PIECE):
            yield piece


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number
