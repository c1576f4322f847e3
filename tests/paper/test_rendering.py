"""Paper: the same form gives the same bytes, whatever is written in it stands there, and can be read back."""

from __future__ import annotations

from staydown.app import forms
from staydown.paper import PaperDesk

DESK = PaperDesk(forms())


def test_the_same_form_gives_the_same_bytes() -> None:
    sample = forms()["tco-annex-1"].sample
    first = DESK.render("tco-annex-1", sample, language="en", draft=False)
    second = DESK.render("tco-annex-1", dict(reversed(sample.items())), language="en", draft=False)
    assert first.pdf == second.pdf
    assert (first.pdf_sha256, first.json_sha256, first.text_sha256) == (
        second.pdf_sha256,
        second.json_sha256,
        second.text_sha256,
    )


def test_what_is_rendered_is_read_back() -> None:
    sheet = DESK.render("tco-annex-1", forms()["tco-annex-1"].sample, language="en")
    read = DESK.read(sheet.pdf)
    assert read.values == sheet.checked.values
    assert (read.form, read.draft, read.exercise, read.signed) == ("tco-annex-1", True, False, ())
