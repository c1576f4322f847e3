"""Laying a filled-in form out: one neutral order of headings, labels and values, from which text and paper are made."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from staydown.reason.formcheck import Checked
from staydown.reason.formfile import Field, Form, Kind, Texts

EXACT = frozenset({Kind.LOCATION, Kind.WEBLINK, Kind.EMAIL, Kind.PHONE, Kind.INSTANT, Kind.DATE})
"""Kinds whose every character counts; they are set so that each can be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Words that all forms share, in one language."""

    yes: str
    no: str
    page: str
    draft: str
    exercise: str
    missing: str
    wrong: str
    empty: str
    reference: str
    code_points: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One value: a text with how it is set, or a tick with what it says."""

    text: str
    exact: bool = False
    ticked: bool | None = None
    label: str = ""  #: of a part of a record
    number: int = 0  #: of the record in its list; 0 where it stands alone
    ours: bool = False  #: our word, not a value: a choice's label or a mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field: its label, its note and what it says."""

    key: str
    label: str
    note: str
    said: tuple[Said, ...]
    mark: str = ""  #: that something is missing or wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One section."""

    id: str
    heading: str
    note: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A form laid out."""

    form: str
    version: str
    language: str
    title: str
    subtitle: str
    preamble: tuple[str, ...]
    parts: tuple[Part, ...]
    closing: tuple[str, ...]
    banners: tuple[str, ...]
    words: Words


@cache
def words_of(language: str) -> Words:
    """The shared words in a language; English where there are none.

    Raises:
        OSError: The package is not whole.
    """
    folder = files("staydown.reason").joinpath("words")
    file = folder.joinpath(f"{language}.toml")
    if not file.is_file():
        file = folder.joinpath("en.toml")
    return Words(**tomllib.loads(file.read_text(encoding="utf-8")))


def banners(language: str, *, draft: bool, exercise: bool) -> tuple[str, ...]:
    """The lines that stand on every page, in the language and in English."""
    own, english = words_of(language), words_of("en")
    lines = []
    if exercise:
        lines.append(_both(own.exercise, english.exercise))
    if draft:
        lines.append(_both(own.draft, english.draft))
    return tuple(lines)


def _both(own: str, english: str) -> str:
    return english if own == english else f"{own} / {english}"


def lay_out(form: Form, checked: Checked, language: str, *, draft: bool, exercise: bool) -> Laid:
    """Lay a form out in a language, with what is missing marked.

    Raises:
        Refused: The form does not exist in the language.
        Invalid: That is no language code.
    """
    texts, words = form.words(language), words_of(language)
    parts = tuple(
        Part(
            id=section,
            heading=texts.headings.get(section, ""),
            note=texts.notes.get(section, ""),
            rows=tuple(_row(one, texts, words, checked) for one in form.fields if one.section == section),
        )
        for section in form.sections
    )
    return Laid(
        form=form.name,
        version=form.version,
        language=language,
        title=texts.title,
        subtitle=texts.subtitle,
        preamble=texts.preamble,
        parts=parts,
        closing=texts.closing,
        banners=banners(language, draft=draft, exercise=exercise),
        words=words,
    )


def label_of(texts: Texts, words: Words, key: str) -> str:
    """The label of a field or `field.part`: the form's own, else the shared one, else the key."""
    last = key.rpartition(".")[2]
    return texts.labels.get(key) or texts.labels.get(last) or words.labels.get(last) or key


def _row(field: Field, texts: Texts, words: Words, checked: Checked) -> Row:
    value = checked.values.get(field.key)
    mark = (
        words.missing if field.key in checked.missing else words.wrong if field.key in checked.wrong else ""
    )
    return Row(
        key=field.key,
        label=label_of(texts, words, field.key),
        note=texts.notes.get(field.key, ""),
        said=tuple(_said(field, value, texts, words)),
        mark=mark,
    )


def _said(field: Field, value: object, texts: Texts, words: Words) -> Iterator[Said]:
    choices = texts.choices.get(field.key, {})
    is_exact = field.kind in EXACT
    if field.kind is Kind.TICK:
        yield Said(text=words.yes if value is True else words.no, ticked=value is True, ours=True)
    elif field.kind in {Kind.CHOICE, Kind.CHOICES} and choices:
        given = value if isinstance(value, list) else [value]
        for one in field.choices:
            yield Said(text=choices.get(one, one), ticked=one in given, ours=True)
        yield from (Said(text=str(one)) for one in given if one is not None and one not in field.choices)
    elif value is None:
        return
    elif field.kind is Kind.RECORD and isinstance(value, dict):
        yield from _parts(field, value, texts, words, 0)
    elif field.kind is Kind.RECORDS and isinstance(value, list):
        for at, one in enumerate(value, 1):
            yield from _parts(field, one, texts, words, at)
    elif isinstance(value, list):
        yield from (Said(text=str(one), exact=is_exact) for one in value)
    else:
        yield Said(text=_plain(value), exact=is_exact)


def _parts(
    field: Field, value: Mapping[str, object], texts: Texts, words: Words, number: int
) -> Iterator[Said]:
    for part in field.parts:
        if part.key in value:
            yield Said(
                text=_plain(value[part.key]),
                exact=part.kind in EXACT,
                label=label_of(texts, words, f"{field.key}.{part.key}"),
                number=number,
            )


def _plain(value: object) -> str:
    """A value that is no text, as JSON would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value)
