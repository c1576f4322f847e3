"""Reading legal forms from their folders; the format is described at the top of `staydown.reason.formfile`."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from staydown.core.errors import Invalid
from staydown.law.states import EEA, EU, LANGUAGES
from staydown.reason.formfile import LANGUAGE, Condition, Field, Form, Kind, Texts
from staydown.reason.tomltable import TomlTable

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
WORD_LISTS: Mapping[str, tuple[str, ...]] = {
    "eu": EU,
    "eea": EEA,
    "languages": LANGUAGES,
    "LANGUAGES": tuple(one.upper() for one in LANGUAGES),
}
"""Lists of words a field may name instead of spelling them out."""


class DataForm:
    """A legal form that is all data: what an entry point of `staydown.instruments` names."""

    def __init__(self, package: str) -> None:
        self._package = package

    @cached_property
    def form(self) -> Form:
        """The form, read when first asked for.

        Raises:
            Invalid: Its files are malformed.
        """
        return load_form(files(self._package))

    @cached_property
    def sample(self) -> Mapping[str, object]:
        """A filled-in, made-up example."""
        found: Mapping[str, object] = json.loads(
            files(self._package).joinpath("sample.json").read_text("utf-8")
        )
        return found

    @property
    def name(self) -> str:
        """As contact points and requests name it."""
        return self.form.name

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it exists in."""
        return self.form.languages

    @property
    def binding(self) -> bool:
        """Whether it creates a duty."""
        return self.form.binding


def load_form(folder: Traversable) -> Form:
    """The form that lies in a folder; the words of a language are read when first asked for.

    Raises:
        Invalid: A file is missing, is no TOML, or says something the format does not know.
    """
    where = folder.name
    return read_form(_table(folder.joinpath("form.toml"), f"{where}/form.toml"), TextsIn(folder), where)


class TextsIn(Mapping[str, Texts]):
    """The words of a form that lie in a folder's `texts`, by language."""

    def __init__(self, folder: Traversable) -> None:
        self._where = folder.name
        self._files = {
            one.name.removesuffix(".toml"): one
            for one in sorted(folder.joinpath("texts").iterdir(), key=lambda one: one.name)
            if one.name.endswith(".toml")
        }
        self._read: dict[str, Texts] = {}

    def __getitem__(self, language: str) -> Texts:
        if language not in self._read:
            where = f"{self._where}/texts/{language}.toml"
            self._read[language] = read_texts(language, _table(self._files[language], where), where)
        return self._read[language]

    def __contains__(self, language: object) -> bool:
        return language in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _table(file: Traversable, where: str) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{where} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{where} is no TOML: {error}") from error


def read_form(table: Mapping[str, object], texts: Mapping[str, Texts], where: str = "form") -> Form:
    """The form that a `form.toml` and its texts describe.

    Raises:
        Invalid: Something in them is malformed; names file and field.
    """
    top = _Reader(table, f"{where}/form.toml")
    top.require_only({one.name for one in fields(Form)} - {"texts"})
    name = top.text("name")
    if not _NAME.fullmatch(name):
        raise top.wrong("name", "is not small letters, digits and hyphens")
    if top.text("direction") not in {"out", "back"}:
        raise top.wrong("direction", "is neither 'out' nor 'back'")
    read = tuple(
        _field(_Reader(one, f"{where}/form.toml, field {number}"))
        for number, one in enumerate(top.tables("fields"), 1)
    )
    form = Form(
        name=name,
        version=top.text("version"),
        source=top.text("source"),
        since=top.day("since"),
        direction=top.text("direction"),
        binding=top.yes("binding"),
        sections=top.texts("sections"),
        fields=read,
        texts=texts,
        dated=top.text("dated", ""),
        reference=top.text("reference", ""),
        one_of=tuple(tuple(str(word) for word in group) for group in top.lists("one_of")),
        rules=top.texts("rules"),
        settles=top.texts("settles"),
        bare=top.yes("bare"),
        open=top.yes("open"),
    )
    _agree(form, where)
    return form


def _agree(form: Form, where: str) -> None:
    """Keys are named once, and what names a key names one that is there."""
    keys = [name for one in form.fields for name in (one.key, *one.names)]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise Invalid(f"{where}/form.toml: the key {min(twice)!r} is there twice")
    named = [form.dated, form.reference, *(key for group in form.one_of for key in group)]
    for one in form.fields:
        named += [word for part in (*one.when, *one.only_when) for word in (part.key, part.differs)]
        if unknown := set(one.short.values()) - set(one.choices):
            raise Invalid(f"{where}/form.toml: {one.key} shortens {min(unknown)!r}, which is no choice")
        if one.section not in form.sections:
            raise Invalid(f"{where}/form.toml: {one.key} stands in no known section")
    if unknown := {key for key in named if key} - set(keys):
        raise Invalid(f"{where}/form.toml: names a field {min(unknown)!r} that is not there")


def _field(table: _Reader) -> Field:
    table.require_only({one.name for one in fields(Field)} | {"of", "also"})
    kind = table.text("kind")
    if kind not in set(Kind):
        raise table.wrong("kind", f"is not one of {', '.join(Kind)}")
    choices = table.texts("choices")
    if word := table.text("of", ""):
        choices = WORD_LISTS.get(word, ()) or choices
    must = table.fields.get("must")
    return Field(
        key=table.text("key"),
        section=table.text("section", ""),
        kind=Kind(kind),
        need=table.yes("need"),
        when=table.conditions("when"),
        only_when=table.conditions("only_when"),
        choices=(*choices, *table.texts("also")),
        max=int(table.number("max") or 0),
        many=int(table.number("many") or 0),
        pattern=table.text("pattern", ""),
        example=table.text("example", ""),
        short=table.mapping("short"),
        names=table.texts("names"),
        must=must if isinstance(must, bool) else None,
        ticks=table.yes("ticks"),
        bare=table.yes("bare"),
        first=table.day("first") if "first" in table.fields else None,
        last=table.day("last") if "last" in table.fields else None,
        least=table.number("least"),
        most=table.number("most"),
        parts=tuple(_field(_Reader(one, f"{table.where}, parts")) for one in table.tables("parts")),
        source=table.text("source", ""),
    )


def read_texts(code: str, words: Mapping[str, object], where: str = "texts") -> Texts:
    """The words of a form in one language.

    Raises:
        Invalid: Something in them is malformed; names file and field.
    """
    table = _Reader(words, where)
    table.require_only({one.name for one in fields(Texts)} - {"language"})
    if not LANGUAGE.fullmatch(code):
        raise Invalid(f"{table.where}: the file's name is no language code")
    choices = table.fields.get("choices", {})
    return Texts(
        language=code,
        compared=table.yes("compared"),
        title=table.text("title"),
        subtitle=table.text("subtitle", ""),
        preamble=table.texts("preamble"),
        headings=table.mapping("headings"),
        labels=table.mapping("labels"),
        notes=table.mapping("notes"),
        choices={key: _Reader(choices, table.where).mapping(key) for key in choices}
        if isinstance(choices, dict)
        else {},
        closing=table.texts("closing"),
    )


class _Reader(TomlTable):
    """One table of a form's file."""

    hint = "The format is described at the top of staydown/reason/formfile.py."

    def text(self, name: str, default: str | None = None) -> str:
        value = self.fields.get(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise self.wrong(name, "is missing or not a text")
        return value

    def number(self, name: str) -> float | None:
        value = self.fields.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise self.wrong(name, "is no number")
        return value

    def day(self, name: str) -> date:
        value = self.fields.get(name)
        if type(value) is not date:
            raise self.wrong(name, "is no date")
        return value

    def lists(self, name: str) -> Sequence[Sequence[object]]:
        value = self.fields.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, list) for one in value):
            raise self.wrong(name, "is not a list of lists")
        return value

    def tables(self, name: str) -> Sequence[Mapping[str, object]]:
        value = self.fields.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.wrong(name, "is not a list of tables")
        return value

    def conditions(self, name: str) -> tuple[Condition, ...]:
        value = self.fields.get(name, [])
        tables = value if isinstance(value, list) else [value]
        return tuple(self._condition(name, one) for one in tables)

    def _condition(self, name: str, table: object) -> Condition:
        if not isinstance(table, dict) or len(table) != 2 or not isinstance(table.get("key"), str):
            raise self.wrong(name, "is no condition: it takes key and one of in, not_in, given, differs")
        if isinstance(other := table.get("differs"), str):
            return Condition(key=table["key"], differs=other)
        if table.get("given") is True:
            return Condition(key=table["key"], given=True)
        words = table.get("in", table.get("not_in"))
        if not isinstance(words, list) or not all(isinstance(one, (str, bool)) for one in words):
            raise self.wrong(name, "is no condition: in and not_in take a list of words")
        return Condition(key=table["key"], words=tuple(words), is_negated="not_in" in table)
