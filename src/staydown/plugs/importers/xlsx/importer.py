"""Workbooks of Excel and LibreOffice: every sheet with a column of addresses is read.

The header may stand below a title, within the first ten rows. A record's line is the row in its sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from staydown.core.errors import Invalid
from staydown.plugs.importers.xlsx.guard import checked
from staydown.ports import BadRow, Row
from staydown.reason.columns import columns_of, has_address_column

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

    def read(self, path: Path) -> Iterator[Row | BadRow]:
        """The records of all sheets with a column of addresses.

        Raises:
            Invalid: It is no workbook, would take too much room, is locked, empty or without addresses.
        """
        if path.is_file() and path.stat().st_size == 0:
            raise Invalid(f"{path.name} is empty", hint="The file holds no records.")
        checked(path)
        from python_calamine import CalamineError, CalamineWorkbook

        others: list[str] = []
        found = False
        try:
            with CalamineWorkbook.from_path(str(path)) as book:
                for name in book.sheet_names:
                    sheet = book.get_sheet_by_name(name)
                    for row in _rows(sheet, others):
                        found = True
                        yield row
        except (CalamineError, OSError) as error:
            raise Invalid(f"no workbook that can be read: {error}"[:200]) from error
        if not found:
            columns_of(others) if others else _refuse_empty()


def _refuse_empty() -> None:
    raise Invalid("the workbook is empty", hint="The workbook holds no records.")


def _rows(sheet: CalamineSheet, others: list[str]) -> Iterator[Row | BadRow]:
    """The records of one sheet; columns of a sheet without addresses are added to `others`."""
    places: dict[str, int] = {}
    first_row = (sheet.start or (0, 0))[0] + 1
    for number, cells in enumerate(sheet.iter_rows(), first_row):
        texts = [_text(cell) for cell in cells]
        if not any(texts):
            continue
        if places:
            yield _row(number, texts, places)
        elif has_address_column(texts):
            places = columns_of(texts)
        elif number - first_row >= _HEADER_WITHIN:
            break
        elif not others:
            others.extend(text for text in texts if text)


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
