"""Checking forms: what is missing, what is wrong, and that no data of any kind gets past it or brings it down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staydown.app import forms
from staydown.core.errors import Invalid, Refused
from staydown.reason.formcheck import Checked, check
from staydown.reason.formfile import Form
from staydown.reason.formlayout import lay_out
from staydown.reason.formread import read_form, read_texts
from staydown.reason.formtext import as_json, text_of, visible
from support import law

FORMS = {name: one.form for name, one in forms().items()}
SAMPLES: dict[str, dict[str, Any]] = {name: dict(one.sample) for name, one in forms().items()}
ORDER, FEEDBACK, CANNOT = SAMPLES["tco-annex-1"], SAMPLES["tco-annex-2"], SAMPLES["tco-annex-3"]
DROP = object()


def as_text(form: Form, values: object, language: str) -> str:
    """The form as plain text, as a draft."""
    return text_of(lay_out(form, check(form, values), language, draft=True, exercise=False))


def checked(name: str, **changes: object) -> Checked:
    values = SAMPLES[name] | changes
    return check(FORMS[name], {key: value for key, value in values.items() if value is not DROP})


def says(found: Checked, start: str) -> bool:
    return any(error.startswith(start) for error in found.errors)


@pytest.mark.parametrize("name", FORMS)
def test_every_sample_is_complete_and_survives_its_own_json(name: str) -> None:
    found = check(FORMS[name], SAMPLES[name])
    assert (found.missing, found.errors) == ((), ())
    again = check(FORMS[name], json.loads(as_json(FORMS[name], found)))
    assert again.values == found.values


@pytest.mark.parametrize("name", FORMS)
def test_what_is_always_needed_is_missed(name: str) -> None:
    for one in FORMS[name].fields:
        if one.need:
            for nothing in (DROP, None, "", "  \n", []):
                assert one.key in checked(name, **{one.key: nothing}).missing, (one.key, nothing)
    assert set(check(FORMS[name], {}).missing) >= {one.key for one in FORMS[name].fields if one.need}


@law("Regulation (EU) 2021/784, Art. 4(1)")
def test_across_a_border_the_order_says_so_and_a_copy_goes() -> None:
    assert checked("tco-annex-1", d_copy_sent=DROP).missing == ("d_copy_sent",)
    assert checked("tco-annex-1", d_cross_border=DROP).missing == ("d_cross_border",)
    assert says(checked("tco-annex-1", d_copy_sent=False), "d_copy_sent:")
    assert says(checked("tco-annex-1", d_cross_border=False), "d_cross_border:")
    at_home = {
        "a_establishment_ms": "BE",
        "d_cross_border": DROP,
        "d_copy_sent": DROP,
        "f_establishment_ca": DROP,
    }
    assert checked("tco-annex-1", **at_home).complete
    assert says(checked("tco-annex-1", **(at_home | {"d_cross_border": True})), "d_cross_border:")


@law("Regulation (EU) 2021/784, Art. 16(2)")
def test_a_provider_that_named_nobody_has_no_state_to_copy_to() -> None:
    nobody = {
        "a_establishment_ms": "none",
        "d_cross_border": False,
        "d_copy_sent": DROP,
        "f_establishment_ca": DROP,
    }
    assert checked("tco-annex-1", **nobody).complete


@law("Regulation (EU) 2021/784, Art. 4(4)")
def test_across_a_border_the_other_authority_is_named() -> None:
    assert checked("tco-annex-1", f_establishment_ca=DROP).missing == ("f_establishment_ca",)


@law("Regulation (EU) 2021/784, Art. 3(4)(b)")
def test_ticks_alone_are_no_reasons() -> None:
    assert checked("tco-annex-1", b_reasoning=" ").missing == ("b_reasoning",)
    assert checked("tco-annex-1", b_types=[]).missing == ("b_types",)


@law("Regulation (EU) 2021/784, Art. 3(4)(e)")
def test_the_date_of_the_signature_is_the_day_of_issuing_where_it_was_issued() -> None:
    late = {"a_issued_at": "2026-03-02T23:30:00+01:00", "e_date": "2026-03-02"}
    assert checked("tco-annex-1", **late).complete
    assert says(checked("tco-annex-1", e_date="2026-03-03"), "e_date:")


@law("Regulation (EU) 2021/784, Art. 24")
def test_no_order_is_older_than_the_regulation_applies() -> None:
    old = {"a_issued_at": "2022-06-06T10:00:00Z", "e_date": "2022-06-06"}
    assert says(checked("tco-annex-1", **old), "a_issued_at: lies before 2022-06-07")


def test_ticks_may_be_given_one_by_one_and_addresses_bare() -> None:
    ticks = {
        "b_types": DROP,
        "2_7_c": True,
        "2_7_a": True,
        "2_7_b": False,
        "b_locations": ["https://a.example/x"],
    }
    found = checked("tco-annex-1", **ticks)
    assert found.complete
    assert found.values["b_types"] == ["2_7_a", "2_7_c"]
    assert found.values["b_locations"] == [{"url": "https://a.example/x"}]
    assert says(checked("tco-annex-1", **{"2_7_a": "x"}), "2_7_a: has to be true or false")
    one_more = checked("tco-annex-1", b_types=["2_7_e"], **{"2_7_a": True})
    assert one_more.values["b_types"] == ["2_7_a", "2_7_e"]


@pytest.mark.parametrize(
    ("key", "value", "asked"),
    [
        ("a_issuing_ms", "EL", "Greece is GR"),
        ("a_issuing_ms", "be", "did you mean 'BE'"),
        ("a_issued_at", "2026-03-02T10:00:00", "has no offset from UTC"),
        ("a_issued_at", "2026-02-30T10:00:00Z", "is not in the calendar"),
        ("e_date", "2026-02-30", "is not in the calendar"),
        ("e_email", "desk@made-up", "write one address"),
        ("e_tel", "02 555 01 00", "with the country code"),
        ("e_type", "judical", "did you mean 'judicial'"),
        ("g_law_link", "law.example", "begins with https://"),
        ("b_locations", [{"url": "https://a.example", "urll": 1}], "did you mean 'url'"),
        ("b_locations", ["javascript:alert(1)"], "with its scheme"),
        ("b_reasoning", float("nan"), "has to be a text, not a number"),
        ("b_reasoning", "\ud83d", "half of a character"),
        ("a_order_refs", "x", "did you mean 'a_order_ref'"),
        ("form", "tco-annex-2", "was checked as 'tco-annex-1'"),
        ("version", "2019", "is not known"),
    ],
)
def test_an_error_says_what_is_wrong_and_what_to_do(key: str, value: object, asked: str) -> None:
    found = checked("tco-annex-1", **{key: value})
    assert any(error.startswith(key) and asked in error for error in found.errors), found.errors


@law("Regulation (EU) 2021/784, Art. 3(6)")
def test_feedback_tells_of_nothing_done_before_the_order_came() -> None:
    assert says(checked("tco-annex-2", b_acted_at="2026-03-02T08:59:00Z"), "b_acted_at:")
    assert checked("tco-annex-2", b_acted_at="2026-03-02T09:01:00Z").complete
    assert says(checked("tco-annex-2", c_date="2026-02-27"), "c_date:")


def test_feedback_names_the_provider_or_its_representative() -> None:
    assert checked("tco-annex-2", c_hsp=DROP).missing == ("c_hsp",)
    assert checked("tco-annex-2", c_hsp=DROP, c_rep="Made-up Representation").complete


@law("Regulation (EU) 2021/784, Art. 3(8)")
def test_an_order_that_is_unclear_is_asked_about() -> None:
    for reason in (["err"], ["info"], ["fm", "info"]):
        assert checked("tco-annex-3", b_reasons=reason, b_clarification=DROP).missing == ("b_clarification",)
    assert checked("tco-annex-3", b_reasons=["fm"], b_clarification=DROP).complete
    assert checked("tco-annex-3", b_reasons=DROP, err=True, b_clarification=DROP).missing == (
        "b_clarification",
    )


@law("Regulation (EU) 2022/2065, Art. 16(2)(d)")
def test_a_notice_is_given_in_good_faith() -> None:
    assert says(checked("dsa-art-16", d_good_faith=False), "d_good_faith: has to be true")
    assert checked("dsa-art-16", d_good_faith=DROP).missing == ("d_good_faith",)


@law("Regulation (EU) 2022/2065, Art. 16(2)(c)")
def test_a_notice_names_its_sender_save_for_one_group_of_offences() -> None:
    assert checked("dsa-art-16", c_name=DROP, c_email=DROP).missing == ("c_name", "c_email")
    assert checked("dsa-art-16", c_name=DROP, c_email=DROP, c_exempt=True).complete


@law("Regulation (EU) 2021/784, Art. 11(3)")
def test_silence_lasts_six_weeks_and_once_six_more() -> None:
    to_the_end = {"decided_at": "2026-03-02T10:00:00Z", "expires_at": "2026-04-13T10:00:00Z"}
    assert checked("non-disclosure", **to_the_end).complete
    assert says(
        checked("non-disclosure", **(to_the_end | {"expires_at": "2026-04-13T10:00:01Z"})), "expires_at:"
    )
    more = {
        "extension": True,
        "decided_at": "2026-04-12T10:00:00Z",
        "extended_from": "2026-04-13T10:00:00Z",
        "expires_at": "2026-05-25T10:00:00Z",
    }
    assert checked("non-disclosure", **more).complete
    assert says(checked("non-disclosure", **(more | {"expires_at": "2026-05-25T10:00:01Z"})), "expires_at:")
    assert says(
        checked("non-disclosure", **(more | {"decided_at": "2026-04-13T10:00:01Z"})),
        "extended_from: had lapsed",
    )
    assert checked("non-disclosure", **(more | {"extended_from": DROP})).missing == ("extended_from",)
    assert checked("non-disclosure", extended_from="2026-04-13T10:00:00Z").dropped == ("extended_from",)


@law("Regulation (EU) 2021/784, Art. 3(2)")
def test_a_first_order_waits_twelve_hours() -> None:
    told = {"provided_at": "2026-03-01T10:00:00Z"}
    assert checked("first-contact", **told, earliest_order_at="2026-03-01T22:00:00Z").complete
    assert says(
        checked("first-contact", **told, earliest_order_at="2026-03-01T21:59:59Z"), "earliest_order_at:"
    )


@law("Regulation (EU) 2021/784, Art. 4(5)")
def test_an_infringement_is_announced_before_it_is_found() -> None:
    assert checked("scrutiny-decision", pre_notice_at=DROP).missing == ("pre_notice_at",)
    assert says(checked("scrutiny-decision", pre_notice_at="2026-03-06T10:00:00Z"), "decided_at:")
    upheld = checked("scrutiny-decision", outcome="no_infringement")
    assert upheld.complete
    assert upheld.dropped == ("provisions", "pre_notice_at")


@law("Regulation (EU) 2021/784, Art. 4(1)")
def test_a_copy_goes_to_another_state_and_not_before_the_order() -> None:
    assert says(checked("tco-copy", recipient_ms="BE"), "recipient_ms:")
    assert says(checked("tco-copy", sent_at="2026-03-02T08:59:59Z"), "sent_at:")


@pytest.mark.parametrize(
    ("name", "changes", "start"),
    [
        ("tco-annex-3", {"c_at": "2026-03-02T08:00:00Z"}, "c_at:"),
        ("scrutiny-request", {"requested_at": "2026-03-01T00:00:00Z"}, "requested_at:"),
        ("withdrawal", {"withdrawn_at": "2026-03-01T00:00:00Z"}, "withdrawn_at:"),
        ("finality", {"final_on": "2026-03-01"}, "final_on:"),
        ("threat-to-life", {"informed_at": "2026-03-01T00:00:00Z"}, "informed_at:"),
        ("clarification", {"answered_at": "2026-03-01T00:00:00Z"}, "answered_at:"),
    ],
)
def test_nothing_is_answered_before_it_is_asked(name: str, changes: dict[str, object], start: str) -> None:
    assert says(checked(name, **changes), start)


def test_evidence_of_an_abuse_report_is_never_the_material() -> None:
    (one,) = SAMPLES["xarf"]["evidence"]
    for change in ({"hash": "sha256:00"}, {"size": 3}, {"payload": "AAAA"}, {"content_type": "video/mp4"}):
        assert says(checked("xarf", evidence=[one | change]), "evidence[0]"), change
    assert says(checked("xarf", evidence=[one] * 51), "evidence: is a list of 51")


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["BE", "2026-03-02", "2026-03-02T10:00:00Z", "\ud800", "\u202e", "https://x.example/"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_data_brings_it_down(name: str, data: st.DataObject) -> None:
    form = FORMS[name]
    keys = st.sampled_from([one.key for one in form.fields]) | st.text(max_size=10)
    values = data.draw(st.dictionaries(keys, json_like, max_size=8) | json_like)
    found = check(
        form, SAMPLES[name] | values if isinstance(values, dict) and data.draw(st.booleans()) else values
    )
    assert found.complete == (not found.missing and not found.errors)
    for error in found.errors:
        assert ": " in error
        assert error.isprintable()
    text = as_text(form, values, "en")
    assert "\u202e" not in text
    as_json(form, found)


def test_values_nested_deep_and_huge_are_named_not_followed() -> None:
    deep: object = "x"
    for _ in range(50_000):
        deep = [deep]
    for value in (deep, "x" * 2_000_000, 10**5000, ["https://a.example/"] * 20_000):
        found = checked("tco-annex-1", b_locations=value, b_reasoning=value)
        assert not found.complete
        assert all(len(error) < 300 for error in found.errors)


def test_hostile_text_cannot_pass_for_another_field() -> None:
    forged = "x\nSection Q\n  [x] removed\n*** EXERCISE ***\r\u2028\u2029\x0b\x1b[2J\x00\u202eevil\u2066"
    lines = as_text(
        FORMS["tco-annex-1"], ORDER | {"b_reasoning": forged, "e_name": forged}, "en"
    ).splitlines()
    mine = [
        line
        for line in lines
        if any(word in line for word in ("Section Q", "] removed", "EXERCISE", "evil", "2J"))
    ]
    assert len(mine) == 6
    assert all(line.startswith("  | ") for line in mine)
    assert visible("\x1b\u202e\u200b") == "[U+001B][U+202E][U+200B]"
    assert visible("a\u200db", exact=True) == "a[U+200D]b"


def test_a_language_that_is_missing_is_refused_with_those_there_are() -> None:
    with pytest.raises(Refused) as refused:
        as_text(FORMS["tco-annex-1"], ORDER, "pl")
    assert "de, en, es, fr, it, nl" in refused.value.hint
    with pytest.raises(Invalid):
        as_text(FORMS["tco-annex-1"], ORDER, "../../etc")


def test_a_language_is_added_as_data() -> None:
    words = read_texts("qaa", {"title": "MADE-UP", "labels": {"title": "Made-up label"}})
    table: dict[str, object] = {
        "name": "made-up", "version": "1", "source": "none", "since": FORMS["xarf"].since, "direction": "out",
        "sections": ["a"], "fields": [{"key": "title", "section": "a", "kind": "text", "need": True}],
    }  # fmt: skip
    form = read_form(table, {"qaa": words})
    assert "Made-up label\n  | x\n" in as_text(form, {"title": "x"}, "qaa")
    for change in (
        {"nam": "x"}, {"direction": "up"}, {"since": "today"}, {"sections": "a"}, {"name": "Bad Name"}, {"dated": "nowhere"},
        {"fields": [{"key": "a", "section": "b", "kind": "text"}]}, {"fields": [{"key": "a", "section": "a", "kind": "txt"}]},
        {"fields": [{"key": "a", "section": "a", "kind": "text", "when": {"key": "a"}}]}, {"one_of": ["a"]},
        {"fields": [{"key": "a", "section": "a", "kind": "text"}] * 2},
    ):  # fmt: skip
        with pytest.raises(Invalid):
            read_form(table | change, {"qaa": words})
    with pytest.raises(Invalid):
        read_texts("qaa", {"title": "x", "lables": {}})


@pytest.mark.parametrize("name", FORMS)
def test_a_value_of_another_kind_is_refused_in_every_field(name: str) -> None:
    for one in FORMS[name].fields:
        kept = check(FORMS[name], SAMPLES[name] | {one.key: SAMPLES[name].get(one.key, {"made": "up"})})
        for wrong in ({"made": "up"}, [[1]], 7 if one.kind not in {"number", "integer"} else "seven"):
            found = check(FORMS[name], SAMPLES[name] | {one.key: wrong})
            assert says(found, one.key) or one.key in kept.dropped, (one.key, wrong)
