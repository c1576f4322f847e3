"""Single values of forms: what nobody sees, what turns what is read, and how instants are kept."""

from __future__ import annotations

import json

import jsonschema
import pytest

from staydown.app import forms
from staydown.reason.formcheck import Checked, check
from staydown.reason.formfile import Field, Kind
from staydown.reason.formschema import schema
from staydown.reason.formtext import as_json
from staydown.reason.formvalues import Wrong, is_blank, read_value, why_not
from support import law

FORMS = {name: one.form for name, one in forms().items()}
VALIDATORS = {name: jsonschema.Draft202012Validator(schema(form)) for name, form in FORMS.items()}


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


@law("Regulation (EU) 2021/784, Art. 3(4)(b)")
@pytest.mark.parametrize(
    "given",
    [
        ["a", "2_7_c"],
        ["2_7_c", "a", "2_7_a"],
        {"2_7_a": True, "2_7_b": False, "c": True},
        ["2_7_a", "c", "c"],
    ],
)
def test_boxes_are_ticked_in_whatever_way_is_clear(given: object) -> None:
    found = filled("tco-annex-1", b_types=given)
    assert (found.complete, found.values["b_types"]) == (True, ["2_7_a", "2_7_c"])
    VALIDATORS["tco-annex-1"].validate({**forms()["tco-annex-1"].sample, "b_types": given})


def test_one_box_may_stand_alone_and_an_unknown_one_is_named() -> None:
    assert filled("tco-annex-1", b_types="b").values["b_types"] == ["2_7_b"]
    assert filled("tco-annex-1", b_types={"2_7_a": False}).missing == ("b_types",)
    for wrong in (["f"], "f", {"f": False}, {"2_7_a": 1}):
        assert "b_types" in filled("tco-annex-1", b_types=wrong).wrong
        assert not VALIDATORS["tco-annex-1"].is_valid({**forms()["tco-annex-1"].sample, "b_types": wrong})


@pytest.mark.parametrize(
    ("name", "also"),
    [
        ("dsa-art-16", {"a": "a_explanation", "b": "b_locations", "d": "d_good_faith"}),
        (
            "dsa-art-9",
            {"i": "i_legal_basis", "ii": "ii_reasons", "iii": "iii_authority", "iv": "iv_locations"},
        ),
    ],
)
def test_elements_go_by_the_letters_of_the_act_as_well(name: str, also: dict[str, str]) -> None:
    sample = dict(forms()[name].sample)
    letters = {short: sample[key] for short, key in also.items()}
    short = {key: value for key, value in sample.items() if key not in also.values()} | letters
    found = check(FORMS[name], short)
    assert (found.complete, found.values) == (True, check(FORMS[name], sample).values)
    VALIDATORS[name].validate(short)
    first = next(iter(also))
    assert f"{first}: stands for {also[first]}" in check(FORMS[name], short | sample).errors[0]
    assert not VALIDATORS[name].is_valid(short | sample)
    assert check(FORMS[name], {key: short[key] for key in short if key != first}).missing == (also[first],)


def test_an_open_form_keeps_what_it_does_not_know() -> None:
    sample = dict(forms()["xarf"].sample) | {"x_case": {"number": [1, "two"]}, "ticket": "T-1"}
    found = check(FORMS["xarf"], sample)
    assert found.complete
    assert json.loads(as_json(FORMS["xarf"], found))["x_case"] == {"number": [1, "two"]}
    VALIDATORS["xarf"].validate(sample)
    inside = check(FORMS["xarf"], sample | {"_internal": {"who": "alice"}})
    assert (inside.complete, inside.dropped, inside.values) == (True, ("_internal",), found.values)
    assert "ticket" in check(FORMS["xarf"], sample | {"ticket": "\ud800"}).errors[0]
    assert "is no field" in filled("referral", ticket="T-1").errors[0]


@law("Regulation (EU) 2021/784, Art. 4(1)")
def test_a_copy_goes_to_another_state_alone() -> None:
    home = {"a_establishment_ms": forms()["tco-annex-1"].sample["a_issuing_ms"]}
    domestic = {**forms()["tco-annex-1"].sample, **home, "d_cross_border": False}
    domestic.pop("d_copy_sent")
    domestic.pop("f_establishment_ca")
    nowhere = domestic | {"a_establishment_ms": "none"}
    for right in (domestic, nowhere):
        assert check(FORMS["tco-annex-1"], right).complete
        VALIDATORS["tco-annex-1"].validate(right)
    crossing = {"d_cross_border": True, "d_copy_sent": True, "f_establishment_ca": "Made-up"}
    for wrong, key in (
        (domestic | {"d_copy_sent": True}, "d_copy_sent"),
        (nowhere | crossing, "d_cross_border"),
    ):
        assert key in check(FORMS["tco-annex-1"], wrong).wrong
        assert not VALIDATORS["tco-annex-1"].is_valid(wrong)
