"""Looking at a workbook before anything opens it, so that a small file cannot take all memory.

Three things are measured while each part is unpacked once, in pieces: how much there is in truth (a
directory may lie), how wide and long the sheets claim to be (readers reserve the whole rectangle), and
how much text the cells draw from the shared strings.
Source: ECMA-376 part 1, sections 18.3.1.4 (cells) and 18.4 (shared strings); PKWARE APPNOTE 4.3.12.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from staydown.core.errors import Invalid

MAX_UNPACKED = 256 * 1024 * 1024
MAX_RATIO = 200
MAX_PARTS = 5_000
MAX_CELLS = 8_000_000
MAX_TEXT = 256 * 1024 * 1024

_PIECE = 1024 * 1024
_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]{0,200}?\br\s*=\s*["']([A-Z]{1,4})([0-9]{1,9})["']""")
_SHARED = re.compile(
    rb"""<(?:\w+:)?c\s[^>]{0,200}?\bt\s*=\s*["']s["'][^>]{0,200}>\s*<(?:\w+:)?v>\s*([0-9]{1,9})\s*<"""
)
_STRING = re.compile(rb"<(?:\w+:)?si[\s>].*?</(?:\w+:)?si>", re.DOTALL)
_OVERLAP = 512


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
    if "[Content_Types].xml" not in archive.namelist():
        raise Invalid("a zip file, but no workbook")


def _check_parts(archive: zipfile.ZipFile) -> None:
    """Unpack each part once: wrong sizes and sums show, and cells are measured wherever they stand."""
    strings = _string_sizes(archive)
    text = 0
    for part in archive.infolist():
        rows = columns = 0
        for piece in _pieces(archive, part):
            for found in _CELL.finditer(piece):
                columns, rows = max(columns, _column(found[1])), max(rows, int(found[2]))
            if strings:
                text += sum(
                    strings[at] for found in _SHARED.finditer(piece) if (at := int(found[1])) < len(strings)
                )
        if rows * columns > MAX_CELLS:
            raise Invalid(
                f"a sheet is {rows} rows by {columns} columns", hint="Delete stray cells far from the table."
            )
        if text > MAX_TEXT:
            raise Invalid("the cells of the workbook hold too much text")


def _string_sizes(archive: zipfile.ZipFile) -> list[int]:
    """The sizes of the shared strings, in their order; empty where they cannot add up to too much."""
    name = next((name for name in archive.namelist() if name.lower() == "xl/sharedstrings.xml"), None)
    if name is None:
        return []
    return [len(found[0]) for found in _STRING.finditer(archive.read(name))]


def _pieces(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part in pieces that overlap, so that no cell is cut in two."""
    with archive.open(part) as stream:
        tail = b""
        while piece := stream.read(_PIECE):
            yield tail + piece
            tail = piece[-_OVERLAP:]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
