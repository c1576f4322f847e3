"""The contract of a legal form that is a plug: ours keep it, a stranger's may join, and the standards' own validators agree."""

from __future__ import annotations

import json
import sys
import uuid
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
import xarf
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing.jsonschema import DRAFT202012
from xarf.schema_validator import SchemaValidator

from staydown.app import forms
from staydown.core.errors import NotFound
from staydown.paper import PaperDesk
from staydown.reason.formcheck import check
from staydown.reason.formfile import Form
from staydown.reason.formlayout import label_of, lay_out, words_of
from staydown.reason.formrules import RULES, SETTLES
from staydown.reason.formtext import as_json, text_of
from staydown.registry import plugs

FORMS = forms()
LANGUAGES = ("de", "en", "es", "fr", "it", "nl")
ASKED_FOR = {
    "tco-annex-1", "tco-annex-2", "tco-annex-3", "dsa-art-16", "dsa-art-9", "dsa-statement", "referral", "xarf", "first-contact",
    "tco-copy", "scrutiny-request", "scrutiny-pre-notice", "scrutiny-decision", "non-disclosure", "withdrawal", "finality",
    "threat-to-life", "clarification",
}  # fmt: skip


def as_text(form: Form, values: object, language: str) -> str:
    """The form as plain text, as a draft."""
    return text_of(lay_out(form, check(form, values), language, draft=True, exercise=False))


def test_every_form_is_there() -> None:
    assert set(FORMS) == ASKED_FOR


@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_form_is_called_as_its_entry_point_and_knows_its_words(name: str) -> None:
    plug = FORMS[name]
    assert (plug.name, plug.form.name, plug.sample["form"]) == (name, name, name)
    assert plug.languages == LANGUAGES
    assert plug.binding is plug.form.binding
    assert set(plug.form.rules) <= set(RULES)
    assert set(plug.form.settles) <= set(SETTLES)
    english = plug.form.words("en")
    for language in LANGUAGES:
        words, shared = plug.form.words(language), words_of(language)
        for table in ("headings", "labels", "notes", "choices"):
            assert getattr(words, table).keys() == getattr(english, table).keys(), (language, table)
        assert {one: set(some) for one, some in words.choices.items()} == {
            one: set(some) for one, some in english.choices.items()
        }
        assert (len(words.preamble), len(words.closing)) == (len(english.preamble), len(english.closing))
        known = {"EAN-13", "a", "aaaa", "mx", "txt"}
        for one in plug.form.fields:
            for key in (one.key, *(f"{one.key}.{part.key}" for part in one.parts)):
                label = label_of(words, shared, key)
                assert label != key or key.rpartition(".")[2] in known, (language, key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_languages_differ(language: str) -> None:
    titles = {name: plug.form.words(language).title for name, plug in FORMS.items()}
    others = [
        {name: plug.form.words(one).title for name, plug in FORMS.items()}
        for one in LANGUAGES
        if one != language
    ]
    assert all(titles["tco-annex-1"] != other["tco-annex-1"] for other in others)
    assert len(set(titles.values())) == len(titles)


def test_a_stranger_adds_a_form_and_a_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / f"stranger_{uuid.uuid4().hex[:8]}"
    (package / "texts").mkdir(parents=True)
    (package / "__init__.py").write_text(
        f"from staydown.reason.formread import DataForm\n\nINSTRUMENT = DataForm({package.name!r})\n"
    )
    (package / "form.toml").write_text(
        'name = "made-up"\nversion = "1"\nsource = "none"\nsince = 2026-01-01\ndirection = "out"\nsections = ["a"]\n'
        '[[fields]]\nkey = "reasons"\nsection = "a"\nkind = "long"\nneed = true\n'
    )
    (package / "texts" / "qaa.toml").write_text(
        'title = "MADE-UP TITLE"\n[labels]\nreasons = "Made-up label"\n'
    )
    (package / "sample.json").write_text('{"form": "made-up", "reasons": "because"}')
    info = tmp_path / f"{package.name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package.name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[staydown.instruments]\nmade-up = {package.name}:INSTRUMENT\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = forms()
    assert set(found) == ASKED_FOR | {"made-up"}
    sheet = PaperDesk(found).render("made-up", found["made-up"].sample, language="qaa", draft=False)
    assert "Made-up label\n  | because\n" in sheet.text
    assert PaperDesk(found).read(sheet.pdf).values == {"reasons": "because"}
    sys.modules.pop(package.name)


def test_only_what_takes_a_batch_can_be_proposed_as_one() -> None:
    batches = {name for name, one in plugs("instruments").items() if hasattr(one, "render")}
    assert batches == {"referral"}


def xarf_schema(name: str) -> jsonschema.Draft202012Validator:
    folder = resources.files(xarf) / "schemas"
    core = json.loads((folder / "xarf-core.json").read_text())
    base = json.loads((folder / "types" / "content-base.json").read_text())
    held = [(one["$id"], DRAFT202012.create_resource(one)) for one in (core, base)]
    registry: Any = referencing.Registry().with_resources(held)
    return jsonschema.Draft202012Validator(
        {"core": core, "base": base}[name], registry=registry, format_checker=jsonschema.FormatChecker()
    )


CORE, BASE = xarf_schema("core"), xarf_schema("base")
REPORT: dict[str, Any] = {key: value for key, value in FORMS["xarf"].sample.items() if key != "form"}


def test_the_standards_own_schemas_take_our_report() -> None:
    found = check(FORMS["xarf"].form, REPORT)
    written = json.loads(as_json(FORMS["xarf"].form, found))
    assert written == REPORT
    CORE.validate(written)
    BASE.validate(written)
    assert written["reporter"] != written["sender"]
    assert written["tags"] == ["content:terrorist", "law:tco-2-7-a"]


def test_the_standard_has_no_type_for_terrorist_content_yet() -> None:
    """If this fails, a type exists upstream: use it, and say so in docs/decisions/0020."""
    said = [str(error) for error in SchemaValidator().validate(REPORT)]
    assert any(
        "terrorist_content" in one or "enum" in one or "const" in one or "not valid" in one for one in said
    ), said


@settings(max_examples=150, deadline=None)
@given(
    key=st.sampled_from(sorted(REPORT)),
    odd=st.sampled_from(
        [
            None,
            "",
            "x",
            7,
            1.5,
            True,
            [],
            ["x"],
            {},
            {"org": "x"},
            "4.2",
            "2026-03-02",
            "not-a-uuid",
            ["Bad Tag"],
            "y" * 1001,
        ]
    ),
)
def test_what_we_call_complete_the_standards_schemas_take(key: str, odd: object) -> None:
    found = check(FORMS["xarf"].form, REPORT | {key: odd})
    if found.complete:
        written = json.loads(as_json(FORMS["xarf"].form, found))
        CORE.validate(written)
        BASE.validate(written)


def test_a_form_that_is_not_there_is_not_found_with_a_guess() -> None:
    with pytest.raises(NotFound) as missing:
        PaperDesk(FORMS).check("tco-annex1", {})
    assert "tco-annex-1" in missing.value.hint


def test_the_text_of_every_sample_names_every_value() -> None:
    for name, plug in FORMS.items():
        text = as_text(plug.form, plug.sample, "en")
        for one in plug.form.fields:
            value = plug.sample.get(one.key)
            if isinstance(value, str) and "\n" not in value and one.key not in plug.form.words("en").choices:
                assert f"  | {value}" in text, (name, one.key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_batch_letter_is_written_in_every_language_of_its_form(language: str) -> None:
    letter: Any = plugs("instruments")["referral"]
    told = {
        "reference": "R-1",
        "agency": "AA",
        "addressee": "Made-up Video",
        "language": language,
        "exercise": True,
    }
    lines = [
        (number, number, f"https://vid.example/{ground}", ground) for number, ground in enumerate("abcde", 1)
    ]
    made = letter.render(lines=lines, issued_at=datetime(2026, 3, 2, tzinfo=UTC), **told)
    taken_back = letter.withdrawal(reason="made up", **told)
    for text in (made.cover, made.subject, taken_back):
        assert "R-1" in text
        assert words_of(language).exercise in text
        assert "{" not in text
    assert all(f"({ground}) " in made.cover for ground in "abcde")
