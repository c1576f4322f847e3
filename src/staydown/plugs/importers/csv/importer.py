"""Tables as text: separated by comma, semicolon, tab or bar, with a header in any order and case.

A file of one column needs no header. What cannot be read is handed on line by line; the file goes on.
Source: RFC 4180, and what spreadsheets make of it (`sep=;`, byte order marks, mixed line ends).
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from staydown.core.errors import Invalid
from staydown.ports import GUESSED, BadRow, Row
from staydown.reason.columns import columns_of, has_address_column, told_of
from staydown.reason.lines import MAX_LINE, BadLine, head_text, lines_of
from staydown.reason.prose import looks_like_one

_DELIMITERS = ",;\t|"
_MAX_RECORD_LINES = 100
_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)
_FIELDS = {
    mark: re.compile(rf'\s*"(?:[^"]|"")*"[^{re.escape(mark)}]*|(?!\s*")[^{re.escape(mark)}]*')
    for mark in _DELIMITERS
}

_Line = tuple[int, str | BadLine]


@dataclass(frozen=True, slots=True)
class CsvImporter:
    """Reads tables as text."""

    name: str = "csv"
    suffixes: tuple[str, ...] = (".csv", ".tsv", ".tab")

    def sniff(self, path: Path, head: bytes) -> bool:
        """Whether the first line is a header that names a column of addresses."""
        lines = [line for line in head_text(head).splitlines()[:20] if line.strip()]
        lines = lines[1:] if lines and _SEPARATOR.fullmatch(lines[0].strip(" \r\n\ufeff")) else lines
        return bool(lines) and _delimiter(lines[0]) is not None

    def columns(self, path: Path, given: Mapping[str, str] = GUESSED) -> Mapping[str, str] | None:
        """The columns that will be read, by our names for them; None where there is no header.

        Raises:
            Invalid: The file cannot be read, is empty, or has no such column.
        """
        with _opened(path) as stream:
            number, header, mark = _header(_lines(stream), given)
        if mark is None:
            next(_single_column((number, header), iter(())))  # says what is wrong where it is no address
            return None
        names = _cells(header, mark)
        return told_of(names, columns_of(names, given))

    def read(self, path: Path, given: Mapping[str, str] = GUESSED) -> Iterator[Row | BadRow]:
        """Stream the records.

        Raises:
            Invalid: The file cannot be read, is empty, or its header names no column of addresses or one twice.
        """
        with _opened(path) as stream:
            yield from _rows(_lines(stream), given)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}") from error


def _lines(stream: BinaryIO) -> Iterator[_Line]:
    return (line for line in lines_of(stream) if not isinstance(line[1], str) or line[1].strip())


def _header(lines: Iterator[_Line], given: Mapping[str, str]) -> tuple[int, str, str | None]:
    """Number and text of the first line, and what separates its columns; None where it is no header."""
    number, header = _first(lines)
    asked = _SEPARATOR.fullmatch(header.strip(" \r\n\ufeff"))
    if asked:
        number, header = _first(lines)
    mark = asked[1] if asked and asked[1] in _DELIMITERS else _delimiter(header)
    if mark is None and given:  # whoever names columns says that there is a header
        mark = max(_DELIMITERS, key=header.count)
    return number, header, mark


def _rows(lines: Iterator[_Line], given: Mapping[str, str] = GUESSED) -> Iterator[Row | BadRow]:
    number, header, mark = _header(lines, given)
    if mark is None:
        yield from _single_column((number, header), lines)
        return
    names = _cells(header, mark)
    places = columns_of(names, given)
    width = len(names)
    at = [places.get(field, width) for field in ("raw", "agency", "seen_at", "note", "confidence", "sharing")]
    for number, record in _records(lines, mark):
        if isinstance(record, BadLine):
            yield BadRow(line=number, text=record.shown, reason=record.reason)
            continue
        if len(record) > width and any(record[width:]):
            reason = f"has {len(record)} cells where the header has {width}"
            yield BadRow(line=number, text=mark.join(record)[:200], reason=reason)
            continue
        record += [""] * (width + 1 - len(record))
        if len(record) > width + 1 or record[width]:
            record[width:] = [""]
        raw, agency, seen_at, note, confidence, sharing = [record[place].strip() for place in at]
        if raw:
            yield Row(
                line=number,
                raw=raw,
                agency=agency,
                seen_at=seen_at,
                note=note,
                confidence=confidence,
                sharing=sharing,
            )
        else:
            yield BadRow(line=number, text=mark.join(record)[:200], reason="no address")


def _first(lines: Iterator[_Line]) -> tuple[int, str]:
    """The next line, which must be readable.

    Raises:
        Invalid: There is none, or it cannot be read.
    """
    number, line = next(lines, (0, ""))
    if isinstance(line, BadLine):
        raise Invalid(f"the header, line {number}, {line.reason}")
    if not line:
        raise Invalid("the file is empty", hint="The file holds no records.")
    return number, line


def _single_column(first: tuple[int, str], lines: Iterator[_Line]) -> Iterator[Row | BadRow]:
    """A table without header, if it is one column of addresses."""
    number, line = first
    mark = max(_DELIMITERS, key=line.count)
    cells = _cells(line, mark) if mark in line else [line]
    if len(cells) > 1 and any(looks_like_one(cell) for cell in cells):
        raise Invalid("no header", hint="Put a line with column names first, such as url,first_seen,note.")
    if not looks_like_one(cells[0]):
        columns_of(cells)
    yield Row(line=number, raw=cells[0].strip())
    for number, text in lines:
        if isinstance(text, BadLine):
            yield BadRow(line=number, text=text.shown, reason=text.reason)
        else:
            yield Row(line=number, raw=text.strip().strip('"'))


def _delimiter(header: str) -> str | None:
    """What separates the columns of a header with a column of addresses, or None where there is no such column."""
    split = {mark: _cells(header, mark) for mark in _DELIMITERS}
    fitting = [mark for mark, cells in split.items() if has_address_column(cells)]
    return max(fitting, key=lambda mark: len(split[mark]), default=None)


def _cells(record: str, mark: str) -> list[str]:
    if '"' not in record:
        return record.split(mark)
    try:
        return next(csv.reader([record], delimiter=mark, skipinitialspace=True), [])
    except csv.Error:
        return record.split(mark)


def _records(lines: Iterator[_Line], mark: str) -> Iterator[tuple[int, list[str] | BadLine]]:
    """The cells of each record; one that spans lines is put together, if its quotes close soon."""
    waiting: deque[_Line] = deque()
    while True:
        number, line = waiting.popleft() if waiting else next(lines, (0, ""))
        if isinstance(line, BadLine):
            yield number, line
        elif not number:
            return
        elif '"' not in line:
            yield number, line.split(mark)
        elif (whole := _closed(line, mark, lines, waiting)) is None:
            yield number, BadLine(line[:200], "a quotation mark is not closed")
        else:
            yield number, _cells(whole, mark)


def _closed(line: str, mark: str, lines: Iterator[_Line], waiting: deque[_Line]) -> str | None:
    """The record that begins with a line, with the lines its quotes span; None where they do not close.

    Lines taken in vain are put back to wait.
    """
    taken: list[_Line] = []
    whole = line
    while _is_open(whole, mark):
        following = waiting.popleft() if waiting else next(lines, None)
        if following is not None:
            taken.append(following)
        is_over = following is None or isinstance(following[1], BadLine) or len(taken) > _MAX_RECORD_LINES
        if is_over or len(whole) > MAX_LINE:
            waiting.extendleft(reversed(taken))
            return None
        whole += f"\n{taken[-1][1]}"
    return whole


def _is_open(record: str, mark: str) -> bool:
    """Whether a record ends inside a quoted field."""
    at = 0
    while found := _FIELDS[mark].match(record, at):
        at = found.end() + 1
        if at > len(record):
            return False
    return True


IMPORTER = CsvImporter()
