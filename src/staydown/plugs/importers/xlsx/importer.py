"""Workbooks of Excel and LibreOffice: every sheet with a column of addresses is read.

The header may stand below a title, within the first ten rows. A record's line is the row in its sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from staydown.core.errors import Invalid
from staydown.plugs.importers.xlsx.guard import checked
from staydown.ports import GUESSED, BadRow, Row
from staydown.reason.columns import columns_of, has_address_column, plain, told_of

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_HEADER_WITHIN = 10
_Cell = str | int | float | bool | datetime | date | time | timedelta


@dataclass(frozen=True, slots=True)
class XlsxImporter:
    """Reads workbooks."""

    name: str = "xlsx"
    suffixes: tuple[str, ...] = (".xlsx", ".xlsm")

    def sniff(self, path: Path, head: bytes) -> bool:
        """Whether it is a zip file that begins as workbooks do."""
        return head.startswith(b"PK\x03\x04") and (b"[Content_Types].xml" in head or b"xl/" in head)

    def columns(self, path: Path, given: Mapping[str, str] = GUESSED) -> Mapping[str, str] | None:
        """The columns that will be read of the first sheet with addresses, by our names for them.

        Raises:
            Invalid: It is no workbook that can be read, or no sheet has such columns.
        """
        others: list[str] = []
        for sheet in _sheets(path):
            for _, texts in _lines(sheet):
                if _is_header(texts, given):
                    return told_of(texts, columns_of(texts, given))
                others = others or [text for text in texts if text]
        columns_of(others, given) if others else _refuse_empty()
        return None

    def read(self, path: Path, given: Mapping[str, str] = GUESSED) -> Iterator[Row | BadRow]:
        """The records of all sheets with a column of addresses.

        Raises:
            Invalid: It is no workbook, would take too much room, is locked, empty or without addresses.
        """
        others: list[str] = []
        found = False
        for sheet in _sheets(path):
            for row in _rows(sheet, others, given):
                found = True
                yield row
        if not found:
            columns_of(others, given) if others else _refuse_empty()


def _sheets(path: Path) -> Iterator[CalamineSheet]:
    """The sheets of a workbook that was looked at before it is opened.

    Raises:
        Invalid: It is none that can be read.
    """
    if path.is_file() and path.stat().st_size == 0:
        raise Invalid(f"{path.name} is empty", hint="The file holds no records.")
    checked(path)
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            for name in book.sheet_names:
                yield book.get_sheet_by_name(name)
    except (CalamineError, OSError) as error:
        raise Invalid(f"no workbook that can be read: {error}"[:200]) from error


def _refuse_empty() -> None:
    raise Invalid("the workbook is empty", hint="The workbook holds no records.")


def _lines(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    """The rows of a sheet in which something stands, with their numbers, as far as a header may come."""
    first_row = (sheet.start or (0, 0))[0] + 1
    for number, cells in enumerate(sheet.iter_rows(), first_row):
        texts = [_text(cell) for cell in cells]
        if any(texts):
            yield number, texts
        if number - first_row >= _HEADER_WITHIN:
            return


def _is_header(texts: Sequence[str], given: Mapping[str, str]) -> bool:
    """Whether a row names the column of addresses: the one that was given, or any."""
    if "raw" in given:
        return given["raw"] in texts or plain(given["raw"]) in map(plain, texts)
    return has_address_column(texts)


def _rows(
    sheet: CalamineSheet, others: list[str], given: Mapping[str, str] = GUESSED
) -> Iterator[Row | BadRow]:
    """The records of one sheet; columns of a sheet without addresses are added to `others`."""
    header = next(((number, texts) for number, texts in _lines(sheet) if _is_header(texts, given)), None)
    if header is None:
        others.extend(
            next(([one for one in texts if one] for _, texts in _lines(sheet)), []) if not others else []
        )
        return
    top, names = header
    places = columns_of(names, given)
    first_row = (sheet.start or (0, 0))[0] + 1
    for number, cells in enumerate(sheet.iter_rows(), first_row):
        if number > top and any(texts := [_text(cell) for cell in cells]):
            yield _row(number, texts, places)


def _row(number: int, texts: Sequence[str], places: dict[str, int]) -> Row | BadRow:
    if not texts[places["raw"]]:
        return BadRow(line=number, text=" | ".join(texts)[:200], reason="no address")
    return Row(line=number, **{field: texts[at] for field, at in places.items()})


def _text(cell: _Cell) -> str:
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


IMPORTER = XlsxImporter()
