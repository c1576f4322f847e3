"""Paper: the same form gives the same bytes, whatever is written in it stands there, and all of it is read back."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader

from staydown.app import forms
from staydown.core.errors import Invalid, NotFound, Refused
from staydown.paper import PaperDesk
from staydown.paper.rendering import render
from staydown.paper.setting import LEVELS, can_show, units
from staydown.reason.formcheck import check
from staydown.reason.formlayout import label_of, lay_out, words_of
from staydown.reason.formtext import as_json
from staydown.reason.formvalues import is_blank
from staydown.testing.orders import HOSTILE, made_up_order

FORMS = forms()
DESK = PaperDesk(FORMS)
ORDER: dict[str, Any] = dict(FORMS["tco-annex-1"].sample)


def pages(pdf: bytes) -> list[str]:
    texts = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)]
    return [text.replace("\ufffe", "-") for text in texts]  # how PDFium writes a hyphen at the end of a line


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def written(pdf: bytes) -> str:
    """What the pages say, without blanks, headers and footers."""
    foot = re.compile(r"[^\n]*tco-annex-1[^\n]*2021-05-17[^\n]*$")
    return squeezed("".join(foot.sub("", page.replace("\r", "").strip()) for page in pages(pdf)))


def test_the_same_form_gives_the_same_bytes() -> None:
    first = DESK.render("tco-annex-1", ORDER, language="en", draft=False)
    second = DESK.render("tco-annex-1", dict(reversed(ORDER.items())), language="en", draft=False)
    assert first.pdf == second.pdf
    assert (first.json, first.text) == (second.json, second.text)


@pytest.mark.parametrize("seed", range(40))
def test_a_generated_order_is_rendered_and_read_back(seed: int) -> None:
    values = made_up_order(seed)
    sheet = DESK.render(
        "tco-annex-1", values, language=("en", "nl", "fr", "de", "es", "it")[seed % 6], draft=False
    )
    read = DESK.read(sheet.pdf)
    assert read.values == sheet.checked.values == values
    assert json.loads(sheet.json) == values | {"form": "tco-annex-1", "version": sheet.version}
    assert (read.draft, read.same_on_paper, read.signed) == (False, True, ())
    paper = written(sheet.pdf)
    assert all(one["url"] in paper for one in values["b_locations"])


def test_the_document_is_tagged_titled_dated_and_says_its_language() -> None:
    for language in ("en", "nl", "fr", "de", "es", "it"):
        sheet = DESK.render("tco-annex-1", ORDER, language=language)
        reader = PdfFileReader(io.BytesIO(sheet.pdf))
        root: Any = reader.root
        assert root["/MarkInfo"]["/Marked"]
        assert "/StructTreeRoot" in root
        assert str(root["/Lang"]).startswith(language)
        assert root["/ViewerPreferences"]["/DisplayDocTitle"]
        metadata = bytes(root["/Metadata"].data).decode()
        title = FORMS["tco-annex-1"].form.words(language).title
        assert title in metadata
        assert "2026-03-02T09:00:00" in metadata
        assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
        assert "<pdfaid:part>3</pdfaid:part>" in metadata
        assert b"/JavaScript" not in sheet.pdf


@pytest.mark.parametrize("language", ["en", "nl", "fr", "de", "es", "it"])
@pytest.mark.parametrize(("draft", "exercise"), [(True, False), (False, True), (True, True), (False, False)])
def test_banners_stand_on_every_page_and_pages_are_counted(
    language: str, draft: bool, exercise: bool
) -> None:
    values = ORDER | {"b_reasoning": "Made-up words. " * 1500}
    sheet = DESK.render("tco-annex-1", values, language=language, draft=draft, exercise=exercise)
    words, found = words_of(language), pages(sheet.pdf)
    assert len(found) > 5
    for number, page in enumerate(found, 1):
        assert (words.draft in page and "DRAFT, NOT AN ORDER" in page) is draft
        assert (words.exercise in page and "EXERCISE" in page) is exercise
        assert words.page.format(page=number, pages=len(found)) in page
    assert ("DRAFT, NOT AN ORDER" in sheet.text) is draft


@pytest.mark.parametrize("text", HOSTILE, ids=[f"text-{at}" for at in range(len(HOSTILE))])
def test_text_that_looks_like_something_else_is_text(text: str) -> None:
    sheet = DESK.render(
        "tco-annex-1", ORDER | {"b_reasoning": text, "e_name": text}, language="en", draft=False
    )
    read = DESK.read(sheet.pdf)
    assert read.values["b_reasoning"] == text
    paper = written(sheet.pdf)
    mirrored = "()[]<>{}" if "ש" in text or "ع" in text else ""
    for char in text:
        if char.isascii() and char.isprintable() and char not in f" {mirrored}":
            assert char in paper
        elif not can_show(char) and char not in "\n\r\u200c\u200d":
            assert f"[U+{ord(char):04X}]" in paper


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80).filter(
        lambda text: not is_blank(text)
    )
)
def test_no_text_is_refused_or_lost(text: str) -> None:
    sheet = DESK.render("tco-annex-1", ORDER | {"b_reasoning": text}, language="en", draft=False)
    assert DESK.read(sheet.pdf).values["b_reasoning"] == text


def test_very_long_reasons_and_very_many_addresses_fit() -> None:
    words = "".join(f"word{number} " for number in range(12_000))[:100_000].strip()
    sheet = DESK.render("tco-annex-1", ORDER | {"b_reasoning": words}, language="en", draft=False)
    paper = "".join(pages(sheet.pdf))
    assert all(word in paper for word in words.split())
    many = [{"url": f"https://vid.example/{number}/{'x' * (number % 400)}"} for number in range(500)]
    sheet = DESK.render("tco-annex-1", ORDER | {"b_locations": many}, language="en", draft=False)
    paper = written(sheet.pdf)
    assert all(one["url"] in paper for one in many)
    assert DESK.read(sheet.pdf).values["b_locations"] == many


def test_nothing_runs_off_the_paper() -> None:
    wide = (
        "W" * 3000
        + " "
        + "日" * 300
        + " "
        + "https://x.example/"
        + "m" * 2000
        + " "
        + "é" * 500
        + "ש" * 500
        + "ع" * 500
    )
    sheet = DESK.render(
        "tco-annex-1", ORDER | {"b_reasoning": wide, "a_addressee": "W" * 500}, language="en", draft=False
    )
    for page in pypdfium2.PdfDocument(sheet.pdf):
        width, height = page.get_size()
        text = page.get_textpage()
        for at in range(text.count_chars()):
            left, bottom, right, top = text.get_charbox(at)
            assert 0 <= left <= right <= width
            assert 0 <= bottom <= top <= height


def test_a_draft_may_be_incomplete_and_marks_what_is_missing() -> None:
    values = {key: value for key, value in ORDER.items() if key != "e_name"} | {"e_email": "nowhere"}
    sheet = DESK.render("tco-annex-1", values, language="nl")
    paper = "".join(pages(sheet.pdf))
    for shown in (paper, sheet.text):
        assert "NOG IN TE VULLEN" in shown
        assert "TE VERBETEREN" in shown
        assert "nowhere" in shown
    with pytest.raises(Refused) as refused:
        DESK.render("tco-annex-1", values, language="nl", draft=False)
    assert "e_email" in str(refused.value)


def test_what_is_no_sheet_of_ours_is_told_from_what_is() -> None:
    sheet = DESK.render("tco-annex-1", ORDER, language="en")
    for body, why in (
        (b"", "no PDF"),
        (b"{}", "no PDF"),
        (b"%PDF-1.7 and then nothing", "cannot be read"),
        (sheet.pdf[:20_000], "cannot be read"),
        (sheet.pdf.replace(b"sheet.json", b"shoot.json"), ""),
    ):
        with pytest.raises(Invalid) as wrong:
            DESK.read(body)
        assert why in str(wrong.value)
    with pytest.raises(NotFound) as unknown:
        DESK.render("tco-anex-1", ORDER, language="en")
    assert "tco-annex-1" in unknown.value.hint


def test_an_abuse_report_is_attached_as_the_standard_writes_it() -> None:
    sheet = DESK.render("xarf", FORMS["xarf"].sample, language="en", draft=False)
    assert "form" not in json.loads(sheet.json)
    read = DESK.read(sheet.pdf)
    assert (read.form, read.checked.complete) == ("xarf", True)
    assert read.values == json.loads(sheet.json)


def test_whoever_prints_one_thing_and_attaches_another_is_found_out() -> None:
    honest = DESK.render("tco-annex-2", FORMS["tco-annex-2"].sample, language="en", draft=False)
    assert DESK.read(honest.pdf).same_on_paper
    form, values = FORMS["tco-annex-2"].form, dict(FORMS["tco-annex-2"].sample)
    laid = lay_out(form, check(form, values), "en", draft=False, exercise=False)
    other = as_json(form, check(form, values | {"b_measure": "disabled"}))
    about: dict[str, object] = {
        "form": form.name,
        "version": form.version,
        "language": "en",
        "draft": False,
        "exercise": False,
    }
    forged = render(laid, other, about, dated=None)
    read = DESK.read(forged)
    assert (read.values["b_measure"], read.same_on_paper) == ("disabled", False)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_never_brings_it_down(data: st.DataObject) -> None:
    body = bytearray(DESK.render("tco-annex-2", FORMS["tco-annex-2"].sample, language="en").pdf)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(body) - 1))
        if data.draw(st.booleans()):
            body[at] = data.draw(st.integers(0, 255))
        else:
            del body[at : at + data.draw(st.integers(1, 5000))]
    try:
        found = DESK.read(bytes(body))
    except (Invalid, NotFound):
        return
    assert found.form in FORMS


@pytest.mark.parametrize("language", ["en", "nl", "fr", "de", "es", "it"])
@pytest.mark.parametrize("name", sorted(FORMS))
def test_every_field_of_every_form_is_on_paper_in_text_and_read_back(name: str, language: str) -> None:
    form, values = FORMS[name].form, dict(FORMS[name].sample)
    for one in form.fields:
        if one.kind in {"text", "long"} and not one.pattern and one.key in values:
            values[one.key] = f"MARK{one.key.replace('_', '')}"
    sheet = DESK.render(name, values, language=language, draft=False)
    paper, text = squeezed("".join(pages(sheet.pdf))), squeezed(sheet.text)
    words, shared = form.words(language), words_of(language)
    for one in form.fields:
        for shown in (squeezed(label_of(words, shared, one.key)), str(values.get(one.key, ""))):
            if shown.startswith("MARK") or shown == squeezed(label_of(words, shared, one.key)):
                assert shown in paper, (one.key, "PDF")
                assert shown in text, (one.key, "text")
    assert DESK.read(sheet.pdf).values == sheet.checked.values
    assert sheet.checked.values.keys() == values.keys() - {"form"}


def test_each_level_of_setting_shows_fewer_letters_and_loses_none() -> None:
    text = "aé\u0301 Ж e\u0301日"
    shown = ["".join(units(text, exact=False, level=level)) for level in range(LEVELS)]
    assert shown == [
        "aé\u0301 Ж e\u0301[U+65E5]",
        "aé[U+0301] Ж e[U+0301][U+65E5]",
        "aé[U+0301] [U+0416] e[U+0301][U+65E5]",
    ]
    values = ORDER | {"b_reasoning": "\u05d0\u0301 \u0416\u05b7 \u0628\u0301 and the rest"}
    assert "andtherest" in written(DESK.render("tco-annex-1", values, language="en", draft=False).pdf)
