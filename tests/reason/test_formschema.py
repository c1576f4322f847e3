"""The schema of a form and its check judge alike, whatever is filled in."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staydown.app import forms
from staydown.reason.formcheck import Checked, check
from staydown.reason.formfile import Form
from staydown.reason.formrules import RULES
from staydown.reason.formschema import schema

FORMS = {name: one.form for name, one in forms().items()}
SAMPLES = {name: dict(one.sample) for name, one in forms().items()}
VALIDATORS = {name: jsonschema.Draft202012Validator(schema(form)) for name, form in FORMS.items()}
DRAWN = Path(__file__).parent.parent.parent / "docs" / "reference" / "forms"
ODD: list[object] = [
    None, "", " ", "\t\n", [], {}, [[]], [""], [None], True, False, 0, 1, -1, 1.5, 1.0, 2**60, "x", "a\nb", "x\n", "none",
    "BE", "be", "EL", "GR", "NO", "US", "2_7_a", "2_7_f", ["2_7_a", "2_7_a"], ["err"], "fm", "removed", "other", "true",
    "2026-03-02", "2026-13-02", "2026-03-02\n", "2026-03-02T10:00:00+01:00", "2026-03-02T10:00:00", "2026-03-02T10:00:00Z",
    "2026-03-02t10:00z", "desk@made-up.example", "desk@", "@x.example", "a b@x.example", "desk@x.example\n", "+32 2 555 01 00",
    "+3225550100", "0032 2", "+0 1234567", "https://x.example/a?b#c", "http://", "https://x.example/ a", "tg://resolve?domain=x",
    "javascript:alert(1)", "file:///etc", "//x.example", "mailto:x@y.example", ["https://x.example/"], {"url": "https://x.example/"},
    [{"url": "https://x.example/", "extra": None}], [{"url": ""}], [{"link": "https://x.example/"}], [{"url": "https://x.example/"}, 7],
    "x" * 501, "x" * 201, "y" * 10_001, {"org": "x"}, {"EAN-13": "1234567890123"}, {"EAN-13": "123"}, "sha256:00", "content:x", "Yes",
    "No", "EN", "en", "SOURCE_VOLUNTARY", "DECISION_VISIBILITY_OTHER", ["DECISION_VISIBILITY_OTHER"], "CONTENT_TYPE_OTHER",
    "DECISION_GROUND_INCOMPATIBLE_CONTENT", "DECISION_MONETARY_OTHER", "infringement", "confirmed", "part", "4.2.0", "\u200b", "日本",
]  # fmt: skip


def beyond(form: Form, found: Checked) -> list[str]:
    """Errors that a schema could have found."""
    named = schema(form)["x-rules"]
    assert isinstance(named, list)
    right = {key: value for key, value in found.values.items() if key not in found.unread}
    ruled = {error for name in named if name in RULES for error in RULES[name](right)}
    return [
        error
        for error in found.errors
        if error not in ruled and "not in the calendar" not in error and "has to lie between 20" not in error
    ]


def agree(name: str, values: dict[str, object]) -> None:
    found = check(FORMS[name], values)
    errors = [error.message[:200] for error in VALIDATORS[name].iter_errors(values)]
    if found.complete:
        assert not errors, (found, errors)
    elif found.missing or beyond(FORMS[name], found):
        assert errors, (found.missing, found.errors)


@pytest.mark.parametrize("name", FORMS)
def test_every_schema_is_one_and_takes_the_sample(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(FORMS[name]))
    VALIDATORS[name].validate(SAMPLES[name])


@pytest.mark.parametrize("name", FORMS)
def test_the_drawn_schema_is_the_one_in_force(name: str) -> None:
    drawn = json.loads((DRAWN / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert drawn == schema(FORMS[name])


@pytest.mark.parametrize("name", FORMS)
def test_each_field_with_each_odd_value(name: str) -> None:
    for one in FORMS[name].fields:
        for odd in ODD:
            agree(name, SAMPLES[name] | {one.key: copy.deepcopy(odd)})
        agree(name, {key: value for key, value in SAMPLES[name].items() if key != one.key})


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_check_and_schema_agree(name: str, data: st.DataObject) -> None:
    form = FORMS[name]
    keys = [one.key for one in form.fields]
    keys += [choice for one in form.fields if one.ticks for choice in one.choices]
    values = dict(SAMPLES[name])
    for key in data.draw(st.lists(st.sampled_from(keys), max_size=6, unique=True)):
        field = form.field(key)
        own = [*field.choices, [*field.choices[:2]]] if field else [True, False]
        pool = [*ODD, *own, *SAMPLES[name].values()]
        values[key] = copy.deepcopy(data.draw(st.sampled_from(pool)))
    for key in data.draw(st.lists(st.sampled_from(keys), max_size=3)):
        values.pop(key, None)
    agree(name, values)
