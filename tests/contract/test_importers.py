"""The contract of every importer: good records come out, bad ones are named, nothing else happens."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staydown.core.errors import Invalid
from staydown.flow.record import _rows
from staydown.plugs.importers.csv.importer import IMPORTER as CSV
from staydown.plugs.importers.html.importer import IMPORTER as HTML
from staydown.plugs.importers.jsonl.importer import IMPORTER as JSONL
from staydown.plugs.importers.mail.importer import IMPORTER as MAIL
from staydown.plugs.importers.misp.importer import IMPORTER as MISP
from staydown.plugs.importers.stix.importer import IMPORTER as STIX
from staydown.plugs.importers.text.importer import IMPORTER as TEXT
from staydown.plugs.importers.xlsx.importer import IMPORTER as XLSX
from staydown.ports import BadRow, Enclosed, Importer, Row
from staydown.reason.columns import mapping_of
from staydown.registry import choose_importer

ASSETS = Path(__file__).parent.parent / "assets" / "imports"
ALL: dict[str, Importer] = {one.name: one for one in (CSV, HTML, JSONL, MAIL, MISP, STIX, TEXT, XLSX)}
A, B, C, TG = "https://page.example/a", "https://page.example/b", "https://page.example/c", "t.me/made_up"

GOOD = {
    "good-header-any-order-and-case.csv": ("csv", [A, TG]),
    "good-tabs.tsv": ("csv", [A, B]),
    "good-one-column-no-header.csv": ("csv", [A, TG]),
    "good-utf-8-mark.csv": ("csv", ["https://page.example/ä"]),
    "good-utf-16.csv": ("csv", ["https://page.example/ä"]),
    "good-separator-line.csv": ("csv", ["https://page.example/a,b"]),
    "good-note-over-two-lines.csv": ("csv", [A, B]),
    "mixed-line-ends.csv": ("csv", [A, B, C]),
    "good.jsonl": ("jsonl", [A, TG]),
    "good.txt": ("text", [A, "hxxps://t[.]me/made_up", "page.example/b"]),
    "good-one-a-line.txt": ("text", ["hxxp://page[.]example/a", "t[.]me/made_up"]),
    "good.md": ("text", [A, B]),
    "good-stix.json": (
        "stix",
        [A, "https://page.example/it's", "https://t.me/made_up", "https://page.example/old"],
    ),
    "good-misp.json": ("misp", [A, B, "https://t.me/made_up"]),
    "good-misp-response.json": ("misp", [A, B, "https://t.me/made_up"] * 2),
    "good.xlsx": ("xlsx", [A, TG, B]),
    "good.mbox": ("mail", [A, "hxxp://t[.]me/made_up"]),
    "good-saved.html": (
        "html",
        [
            "https://board.example/thread/7", "https://board.example/thread/8", A, "https://player.example/v/1",
            B, "hxxps://t[.]me/made_up",
        ],
    ),
}  # fmt: skip

SOME_BAD: dict[str, tuple[list[str], list[tuple[int, str]]]] = {
    "latin-1-bytes.csv": ([B], [(2, "not UTF-8")]),
    "nul-bytes.csv": ([B], [(2, "NUL")]),
    "lost-characters.csv": ([B], [(2, "lost")]),
    "quote-never-closed.csv": ([f"https://page.example/{i}" for i in range(5)], [(2, "not closed")]),
    "too-many-cells.csv": ([B], [(2, "has 4 cells where the header has 3")]),
    "no-address-in-a-row.csv": ([B], [(2, "no address")]),
    "bad-lines.jsonl": (
        [A, B],
        [(2, "no JSON"), (3, "object"), (4, "object"), (5, "no address"), (6, "no address"), (7, "no address"), (8, "no address")],
    ),
    "nested-too-deep.jsonl": ([B], [(1, "too deep")]),
    "number-too-long.jsonl": ([B], [(1, "no JSON")]),
    "latin-1-bytes.txt": ([A, B], [(2, "not UTF-8")]),
    "stix-objects-broken.json": ([B], [(1, "no STIX"), (2, "no address"), (3, "no single address")]),
    "misp-attributes-broken.json": ([B], [(1, "no attribute"), (2, "no address"), (3, "no address")]),
}  # fmt: skip

WHOLLY_BAD = {
    "header-names-a-column-twice.csv": ("csv", "url twice"),
    "no-address-column.csv": ("csv", "columns found: number, colour"),
    "several-columns-no-header.csv": ("csv", "no header"),
    "empty.csv": ("csv", "empty"),
    "only-blank-lines.csv": ("csv", "empty"),
    "utf-32.csv": ("csv", "UTF-32"),
    "empty.jsonl": ("jsonl", "empty"),
    "no-address.txt": ("text", "no address"),
    "empty.txt": ("text", "empty"),
    "empty.html": ("html", "empty"),
    "no-address.html": ("html", "no address"),
    "empty.eml": ("mail", "empty"),
    "stix-no-bundle.json": ("stix", "no STIX bundle"),
    "stix-cut-off.json": ("stix", "no JSON"),
    "stix-nested-too-deep.json": ("stix", "too deep"),
    "misp-no-event.json": ("misp", "no MISP event"),
    "no-address-column.xlsx": ("xlsx", "columns found: colour, size"),
    "one-cell-far-away.xlsx": ("xlsx", "1048576 rows by 16384 columns"),
    "row-number-too-long.xlsx": ("xlsx", "no XML"),
    "empty-sheet.xlsx": ("xlsx", "empty"),
    "empty.xlsx": ("xlsx", "empty"),
    "no-zip.xlsx": ("xlsx", "no workbook"),
    "cut-off.xlsx": ("xlsx", "no workbook"),
    "zip-but-no-workbook.xlsx": ("xlsx", "no workbook"),
    "no-such-file.csv": ("csv", "cannot be read"),
    "no-such-file.xlsx": ("xlsx", "cannot be read"),
}


def raws(rows: Sequence[object]) -> list[str]:
    return [row.raw for row in rows if isinstance(row, Row)]


def read(name: str, format_: str | None = None) -> list[Row | BadRow | Enclosed]:
    path = ASSETS / name
    return list(choose_importer(path, ALL, format_).read(path))


def whole(name: str, **given: str) -> list[Row | BadRow]:
    """The records of a file as the flow reads them: several in a cell apart, files within it read too."""
    path = ASSETS / name
    choose = partial(choose_importer, plugs=ALL)
    return list(_rows(choose(path), path, given, choose))


@pytest.mark.parametrize(("name", "expected"), GOOD.items(), ids=GOOD)
def test_a_good_file_is_recognised_and_read(name: str, expected: tuple[str, list[str]]) -> None:
    importer, addresses = expected
    assert choose_importer(ASSETS / name, ALL).name == importer
    rows = read(name)
    assert raws(rows) == addresses
    assert [row for row in rows if isinstance(row, BadRow) and row.reason != "no address"] == []


@pytest.mark.parametrize(("name", "expected"), SOME_BAD.items(), ids=SOME_BAD)
def test_bad_records_are_named_and_the_rest_is_read(
    name: str, expected: tuple[list[str], list[tuple[int, str]]]
) -> None:
    addresses, bad = expected
    rows = read(name)
    assert raws(rows) == addresses
    named = [(row.line, row.reason) for row in rows if isinstance(row, BadRow)]
    assert [line for line, _ in named] == [line for line, _ in bad]
    for (_, reason), (_, part) in zip(named, bad, strict=True):
        assert part in reason


@pytest.mark.parametrize(("name", "expected"), WHOLLY_BAD.items(), ids=WHOLLY_BAD)
def test_a_file_that_cannot_be_read_says_why(name: str, expected: tuple[str, str]) -> None:
    importer, message = expected
    with pytest.raises(Invalid) as caught:
        read(name, importer)
    assert message in str(caught.value)


@pytest.mark.parametrize("path", sorted(ASSETS.iterdir()), ids=lambda path: path.name)
@pytest.mark.parametrize("importer", ALL.values(), ids=ALL)
def test_any_importer_meets_any_file_with_records_or_invalid(path: Path, importer: Importer) -> None:
    try:
        for row in importer.read(path):
            assert isinstance(row, Row | BadRow | Enclosed)
            assert row.line >= 1
            if not isinstance(row, Enclosed):
                assert len(row.text if isinstance(row, BadRow) else row.raw) <= 100_000
    except Invalid as error:
        said = str(error)
    else:
        said = "records"
    assert said


def test_what_stood_beside_an_address_comes_along() -> None:
    first = read("good-header-any-order-and-case.csv")[0]
    assert first == Row(line=2, raw=A, agency="NL", seen_at="2026-11-22", note="made up", sharing="TLP:GREEN")
    assert read("good.jsonl")[0] == Row(
        line=1, raw=A, seen_at="2026-11-22", note="x", confidence="80", sharing="TLP:AMBER"
    )
    note = read("good-note-over-two-lines.csv")
    assert [(row.line, row.note) for row in note if isinstance(row, Row)] == [
        (2, 'first\nsecond "quoted", third'),
        (4, ""),
    ]
    sheet = read("good.xlsx")[0]
    assert sheet == Row(line=4, raw=A, seen_at="2026-11-22T10:00:00", note="x")


def test_a_mail_brings_its_texts_its_lists_and_the_mail_inside_it() -> None:
    rows = whole("good.eml")
    assert raws(rows) == [
        "hxxps://page[.]example/a",
        "https://page.example/a-very-long-path",
        B,
        C,
        "nonsense",
        "t.me/made_up",
    ]
    first = rows[0]
    assert isinstance(first, Row)
    assert (first.line, first.seen_at, first.note, first.sharing) == (
        1, "2026-03-02T09:30:00Z", "TLP:AMBER made up list é", "TLP:AMBER",
    )  # fmt: skip
    listed = rows[3]
    assert isinstance(listed, Row)
    assert (listed.seen_at, listed.note) == ("2026-03-01", "from the list")
    (bad,) = (row for row in rows if isinstance(row, BadRow))
    assert (bad.text, bad.reason) == ("report.pdf", "attachments of the type application/pdf are not read")


def written(tmp_path: Path, name: str, content: bytes) -> list[str]:
    """What is read of a file with these bytes."""
    path = tmp_path / name
    path.write_bytes(content)
    choose = partial(choose_importer, plugs=ALL)
    return raws(list(_rows(choose(path), path, {}, choose)))


MAIL_HEAD = b"From: a@agency.example\nMessage-ID: <x@agency.example>\nSubject: list\n"


def test_a_line_that_begins_as_an_envelope_ends_no_mail(tmp_path: Path) -> None:
    body = b"\nHello\n\nFrom tomorrow see https://page.example/a\nhttps://page.example/b\n"
    assert written(tmp_path, "one.eml", MAIL_HEAD + body) == [A, B]
    envelope = b"From a@agency.example Mon Mar  2 10:30:00 2026\n"
    assert written(tmp_path, "two.mbox", envelope + MAIL_HEAD + body + b"\n" + envelope + MAIL_HEAD + b"\n" + C.encode()) == [A, B, C]  # fmt: skip


def test_an_address_that_was_folded_is_put_together(tmp_path: Path) -> None:
    head = MAIL_HEAD + b"Content-Type: text/plain; format=flowed; delsp=yes\n"
    assert written(tmp_path, "flowed.eml", head + b"\nhttps://page.example/ \na and more\n") == [A]


def test_a_mail_without_addresses_says_so(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no address in the mail"):
        written(tmp_path, "none.eml", MAIL_HEAD + b"\nnothing\n")


HOSTILE = {
    "comments before a page": ("x.html", b"<!-- -->" * 20_000 + b"x"),
    "elements in elements": ("x.html", b"<html><body>" + b"<div>" * 200_000),
    "a drawing that is none": ("x.html", b"<html><svg><div>" + b"<path/>" * 150_000),
    "blanks before an address": ("x.csv", b"url\nhttp://a" + b" " * 90_000 + b"b\n"),
    "dots without end": ("x.txt", "a。".encode() * 30_000),
    "dots in a mail": ("x.eml", MAIL_HEAD + b"\n" + "a。".encode() * 100_000),
    "encoded words": ("x.eml", b"Subject: " + b"=?utf-8?q?a?= " * 100_000 + b"\n" + MAIL_HEAD + b"\nx\n"),
    "links in links": ("x.md", b"[x](" * 20_000),
    "prefixes": ("x.csv", b"url\n" + b"url:" * 20_000 + b"\n"),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("name", "content"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_take_no_longer_than_others(tmp_path: Path, name: str, content: bytes) -> None:
    """Each of these took minutes, or for ever."""
    found: list[str] = []
    with suppress(Invalid):
        found = written(tmp_path, name, content)
    assert len(found) < 50


def test_a_page_with_a_large_drawing_is_no_hostile_one(tmp_path: Path) -> None:
    drawing = b"<svg><g>" + b"<path d='x'/><circle r='1'/>" * 5_000 + b"</g></svg>"
    page = (
        b"<html><body>" + drawing + b"<p>x" * 3_000 + b"<a href='https://page.example/a'>x</a></body></html>"
    )
    assert written(tmp_path, "drawn.html", page) == [A]


def test_a_cell_with_several_addresses_is_several_records() -> None:
    rows = whole("several-in-a-cell.csv")
    assert raws(rows) == [A, B, C, "t.me/made_up", "https://page.example/a;b=1"]
    assert [row.line for row in rows] == [2, 2, 3, 3, 5]


def test_columns_are_guessed_told_and_can_be_given(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text(f"Nr;Quelle;Webseite;Datum\n1;x;{A};2026-03-01\n", encoding="utf-8")
    with pytest.raises(Invalid) as caught:
        CSV.columns(listed)
    assert "--map url=COLUMN" in caught.value.hint
    given = mapping_of(["url=Webseite", "note=Quelle"])
    assert CSV.columns(listed, given) == {"url": "Webseite", "first_seen": "Datum", "note": "Quelle"}
    assert list(CSV.read(listed, given)) == [Row(line=2, raw=A, seen_at="2026-03-01", note="x")]
    with pytest.raises(Invalid) as caught:
        CSV.columns(listed, mapping_of(["url=Website"]))
    assert "Webseite" in caught.value.hint
    assert CSV.columns(ASSETS / "good-one-column-no-header.csv") is None
    assert JSONL.columns(ASSETS / "good.jsonl", {}) is not None
    sheet = XLSX.columns(ASSETS / "good.xlsx")
    assert sheet is not None
    assert set(sheet) >= {"url", "first_seen", "note"}
    assert TEXT.columns(ASSETS / "good.txt") is None


@pytest.mark.parametrize(
    ("given", "words"), [("url", "no mapping"), ("ulr=x", "there is no field"), ("url=", "no mapping")]
)
def test_a_mapping_that_means_nothing_is_refused(given: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        mapping_of([given])


def test_exchange_formats_bring_time_and_sharing_level() -> None:
    stix = [row for row in read("good-stix.json") if isinstance(row, Row)]
    assert (stix[0].seen_at, stix[0].sharing) == ("2026-11-20T09:00:00Z", "TLP:GREEN")
    assert (stix[1].seen_at, stix[1].note, stix[1].confidence) == ("2026-11-21T10:00:00Z", "made up", "85")
    misp = [row for row in read("good-misp.json") if isinstance(row, Row)]
    assert (misp[0].seen_at, misp[0].sharing, misp[0].note) == ("2023-11-14T22:13:20Z", "TLP:AMBER", "one")
    assert (misp[1].seen_at, misp[1].sharing) == ("2026-11-20T09:00:00+00:00", "TLP:RED")


def test_a_file_is_chosen_by_name_ending_and_looks(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"url,note\n{A},x\n", encoding="utf-8")
    assert choose_importer(listed, ALL).name == "csv"
    assert choose_importer(listed, ALL, "text").name == "text"
    nameless = tmp_path / "list"
    nameless.write_bytes((ASSETS / "good.xlsx").read_bytes())
    assert choose_importer(nameless, ALL).name == "xlsx"
    nameless.write_text("nothing of the kind", encoding="utf-8")
    with pytest.raises(Invalid, match="no known format"):
        choose_importer(nameless, ALL)
    with pytest.raises(Invalid) as caught:
        choose_importer(nameless, ALL, "cvs")
    assert "csv" in caught.value.hint


@pytest.mark.parametrize(("importer", "start"), [(CSV, "url,note\n"), (TEXT, ""), (JSONL, "")])
def test_a_huge_line_is_refused_without_being_held(tmp_path: Path, importer: Importer, start: str) -> None:
    path = tmp_path / "huge"
    good = f'{{"url": "{A}"}}' if importer is JSONL else A
    path.write_text(f"{start}{good}\n{'x' * 10_000_000}\n{good}\n", encoding="utf-8")
    tracemalloc.start()
    rows = list(importer.read(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert raws(rows) == [A, A]
    assert ["longer than" in row.reason for row in rows if isinstance(row, BadRow)] == [True]
    assert peak < 5_000_000


@pytest.mark.parametrize("importer", [CSV, TEXT, JSONL], ids=lambda one: one.name)
def test_memory_does_not_grow_with_the_file(tmp_path: Path, importer: Importer) -> None:
    peaks = []
    for count in (2_000, 40_000):
        path = tmp_path / f"{count}"
        line = f'{{"url": "{A}/%d"}}' if importer is JSONL else f"{A}/%d"
        path.write_text(
            "\n".join(["url"] * (importer is CSV) + [line % at for at in range(count)]), encoding="utf-8"
        )
        tracemalloc.start()
        assert sum(isinstance(row, Row) for row in importer.read(path)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 4_000_000


_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRINGS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"


def _workbook(path: Path, sheet: bytes, strings: bytes = b"") -> Path:
    """The good workbook with another first sheet, and with shared strings if any are given."""
    with (
        zipfile.ZipFile(ASSETS / "good.xlsx") as good,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in good.namelist():
            part = good.read(name)
            if name == "xl/worksheets/sheet1.xml":
                part = sheet
            elif strings and name == "[Content_Types].xml":
                entry = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_STRINGS_TYPE}"/></Types>'
                part = part.replace(b"</Types>", entry.encode())
            elif strings and name == "xl/_rels/workbook.xml.rels":
                entry = f'<Relationship Id="rS" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
                part = part.replace(b"</Relationships>", entry.encode())
            made.writestr(name, part)
        if strings:
            made.writestr("xl/sharedStrings.xml", strings)
    return path


_SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "bomb.xlsx", b" " * 40_000_000)
    with pytest.raises(Invalid, match="times its size"):
        list(XLSX.read(path))


def test_a_workbook_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "lie.xlsx", _SHEET % (b"<row></row>" * 200_000))
    content = path.read_bytes()
    real = struct.pack("<I", len(_SHEET % (b"<row></row>" * 200_000)))
    assert content.count(real) == 2
    path.write_bytes(content.replace(real, struct.pack("<I", 1000)))
    with pytest.raises(Invalid, match="no workbook"):
        list(XLSX.read(path))


_FAR = b'<row r="1"><c r="A1" t="inlineStr"><is><t>url</t></is></c>%s</row>'
CELLS: dict[str, tuple[bytes, str]] = {
    "far, behind a long attribute": (
        b'<c x="%s" r="XFD1048576"><v>1</v></c>' % (b"x" * 600),
        "1048576 rows by 16384",
    ),
    "far, behind a sign in an attribute": (
        b'<c x="a>b" r="XFD1048576"><v>1</v></c>',
        "1048576 rows by 16384",
    ),
    "a number that wraps": (b'<c r="B44444444444444444"><v>1</v></c>', "a cell of the workbook stands at"),
    "beyond the last column": (b'<c r="XFE1"><v>1</v></c>', "a cell of the workbook stands at"),
    "written as an entity": (b'<c r="&#88;FD1048576"><v>1</v></c>', "1048576 rows by 16384"),
    "twice": (b'<c r="A1" r="XFD1048576"><v>1</v></c>', "no XML"),
    "in a row without numbers": (
        b'</row><row r="4294967290"><c><v>1</v></c>',
        "a row of the workbook is numbered",
    ),
    "never closed": (b'<c r="A2">', "no XML"),
}


@pytest.mark.parametrize(("cell", "words"), CELLS.values(), ids=CELLS)
def test_a_cell_far_away_is_seen_however_it_is_written(tmp_path: Path, cell: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        list(XLSX.read(_workbook(tmp_path / "far.xlsx", _SHEET % (_FAR % cell))))


def test_a_workbook_with_entities_of_its_own_is_refused(tmp_path: Path) -> None:
    sheet = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + _SHEET % (_FAR % b"")
    with pytest.raises(Invalid, match="document type"):
        list(XLSX.read(_workbook(tmp_path / "entities.xlsx", sheet)))


def test_a_workbook_with_a_part_twice_is_refused(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "twice.xlsx", _SHEET % (_FAR % b""))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("xl/worksheets/sheet1.xml", _SHEET % (_FAR % b'<c r="XFD1048576"/>'))
    with pytest.raises(Invalid, match="twice"):
        list(XLSX.read(path))


_STRINGS = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%s</sst>'


def _drawing(rows: int) -> bytes:
    """A sheet whose first row draws shared string 0 and all others shared string 1."""
    cell = b'<row r="%d"><c r="A%d" t="s"><v>%d</v></c></row>'
    return _SHEET % b"".join(cell % (at, at, at > 1) for at in range(1, rows + 1))


def test_shared_strings_are_read(tmp_path: Path) -> None:
    strings = _STRINGS % b"<si><t>URL</t></si><si><r><t>https://</t></r><r><t>page.example/a</t></r></si>"
    assert raws(list(XLSX.read(_workbook(tmp_path / "shared.xlsx", _drawing(3), strings)))) == [A, A, B]


def test_one_string_drawn_by_many_cells_is_refused(tmp_path: Path) -> None:
    noise = bytes(65 + (at * at * 7 + at // 3) % 26 for at in range(30_000))
    strings = _STRINGS % (b"<si><t>url</t></si><si><t>%s</t></si>" % noise)
    path = _workbook(tmp_path / "drawn.xlsx", _drawing(20_000), strings)
    with pytest.raises(Invalid, match="too much text"):
        list(XLSX.read(path))


def _mutations() -> st.SearchStrategy[tuple[str, list[tuple[int, int]]]]:
    names = [path.name for path in sorted(ASSETS.iterdir()) if 0 < path.stat().st_size < 20_000]
    return st.tuples(
        st.sampled_from(names), st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=8)
    )


@given(_mutations())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changed_bytes_never_lead_to_anything_but_records_or_invalid(
    tmp_path: Path, mutation: tuple[str, list[tuple[int, int]]]
) -> None:
    name, changes = mutation
    content = bytearray((ASSETS / name).read_bytes())
    for at, byte in changes:
        content[at % len(content)] = byte
    path = tmp_path / name
    path.write_bytes(content)
    try:
        for row in choose_importer(path, ALL).read(path):
            assert isinstance(row, Row | BadRow | Enclosed)
    except Invalid as error:
        said = str(error)
    else:
        said = "records"
    assert said
