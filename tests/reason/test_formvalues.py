"""Single values of forms: what nobody sees, what turns what is read, and how instants are kept."""

from __future__ import annotations

import pytest

from staydown.app import forms
from staydown.reason.formcheck import Checked, check
from staydown.reason.formfile import Field, Kind
from staydown.reason.formvalues import Wrong, is_blank, read_value, why_not

FORMS = {name: one.form for name, one in forms().items()}


def filled(name: str, **changed: object) -> Checked:
    """The sample of a form, with other values."""
    return check(FORMS[name], {**forms()[name].sample, **changed})


@pytest.mark.parametrize(
    "text",
    ["\u200b", "\ufeff", "\u2060\u200d", "\u2800", "\u3164\uffa0", "\0\x1b", "\u00ad \t", "\U000e0041", "\u202e", "\u034f"],
)  # fmt: skip
def test_a_text_that_nobody_sees_is_not_filled_in(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(f"{text}a")
    assert "a_addressee" in filled("tco-annex-1", a_addressee=text).missing


def test_half_a_character_is_wrong_and_not_blank() -> None:
    assert not is_blank("\ud800")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.WEBLINK, "http://[x"), (Kind.WEBLINK, "https://x.example:port/"), (Kind.WEBLINK, "https://x.example/\u202egpj"),
        (Kind.LOCATION, "https://x.example/\u2066a"), (Kind.LOCATION, "https://x\u200b.example/"), (Kind.LOCATION, "http://[x"),
        (Kind.LOCATION, "tg:a\u202eb"), (Kind.EMAIL, "a@b-.de"), (Kind.EMAIL, "a@-b.de"), (Kind.EMAIL, "a@b..de"),
        (Kind.EMAIL, "a\u202e@b.de"), (Kind.PHONE, "0032 2 555 01 00"), (Kind.DATE, "9999-12-31"),
    ],
)  # fmt: skip
def test_what_looks_like_an_address_and_is_none(kind: Kind, text: str) -> None:
    assert why_not(kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.WEBLINK, "https://[::1]:8080/x?y#z"), (Kind.WEBLINK, "HTTP://日本.example"), (Kind.LOCATION, "tg://resolve?domain=x"),
        (Kind.LOCATION, "https://me:it@x.example/"), (Kind.EMAIL, "a.b+c@d-e.example"), (Kind.PHONE, "+32 2 555 01 00"),
    ],
)  # fmt: skip
def test_what_is_one_is_taken(kind: Kind, text: str) -> None:
    assert why_not(kind, text) == ""


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-03-02T10:00:00+0100", "2026-03-02T10:00:00+01:00"),
        ("2026-03-02T10:00-02", "2026-03-02T10:00-02:00"),
        ("2026-03-02T10:00:00.123456789Z", "2026-03-02T10:00:00.123456Z"),
        ("2026-03-02T10:00:00.5+01:00", "2026-03-02T10:00:00.5+01:00"),
    ],
)
def test_instants_are_kept_in_one_spelling(given: str, kept: str) -> None:
    assert read_value(Field(key="at", section="", kind=Kind.INSTANT), given) == kept


@pytest.mark.parametrize("year", ["0001", "1989", "2201", "9999"])
def test_an_instant_outside_any_case_is_refused_by_its_year(year: str) -> None:
    assert "outside the years 1990 to 2200" in why_not(Kind.INSTANT, f"{year}-12-31T23:59:59+00:00")
    assert "outside the years" in " ".join(
        filled("tco-annex-1", a_issued_at=f"{year}-12-31T23:59:59Z").errors
    )


def test_errors_show_the_form_wanted() -> None:
    assert "such as +32 2 555 01 00" in why_not(Kind.PHONE, "0032 2 555 01 00")
    field = FORMS["dsa-statement"].field("content_language")
    assert field is not None
    found = read_value(field, "en")
    assert isinstance(found, Wrong)
    assert "did you mean 'EN'? write two capital letters" in found.why
