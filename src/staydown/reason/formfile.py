"""Legal forms as versioned data: what a `form.toml` and its texts hold, and reading them.

A form is a folder `plugs/instruments/<name>/` with `form.toml`, `texts/<language>.toml` and `sample.json`. An unknown
field in any of them is an error that names the nearest known one. Top level of `form.toml`:

- `name`, `version`, `source` (act and article) and `since` (a date): required. A changed form is a new version.
- `direction`: `out` (we send it) or `back` (it comes to us); `binding`: whether it creates a duty.
- `dated`: the field that dates the document; `reference`: the field that names it.
- `one_of`: groups of fields of which at least one has to be there; `rules`: names of rules between fields; `settles`: names of
  what is put in order without a word.
- `bare = true`: the JSON is another standard's own, without our words `form` and `version`.
- `sections`: their ids, in order; every field stands in one.

`[[fields]]`, in the order of the form: `key`, `section`, `kind` (of `Kind`), `need` (true: always), `when` (needed where
this holds), `only_when` (dropped where this does not hold), `choices` or `of` (`eu`, `eea`, `languages`, `LANGUAGES`) with
`also` for further words, `max` (length), `pattern` with `example`, `must` (the one value it may have), `ticks = true`
(each choice may also be given as a key of its own), `bare = true` (a text stands for the first part), `first` and `last`
(dates), `least` and `most` (numbers), `parts` (fields of a record), `source`. A condition is a table: `key` and `in`,
`not_in` or `differs` (another key); a list of tables holds where one of them does.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from staydown.core.errors import Invalid, Refused
from staydown.law.states import EEA, EU, LANGUAGES

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
WORD_LISTS: Mapping[str, tuple[str, ...]] = {
    "eu": EU,
    "eea": EEA,
    "languages": LANGUAGES,
    "LANGUAGES": tuple(one.upper() for one in LANGUAGES),
}
"""Lists of words a field may name instead of spelling them out."""


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"  #: one line
    LONG = "long"  #: any length, as the author wrote it
    CHOICE = "choice"  #: one of the choices
    CHOICES = "choices"  #: one or more of the choices
    TICK = "tick"  #: true or false
    INSTANT = "instant"  #: date, time and offset
    DATE = "date"
    EMAIL = "email"
    PHONE = "phone"  #: with the country code
    WEBLINK = "weblink"  #: http or https
    LOCATION = "location"  #: where something stands, under any scheme
    TEXTS = "texts"  #: several lines of text
    NUMBER = "number"
    INTEGER = "integer"
    RECORD = "record"  #: parts with names
    RECORDS = "records"  #: several of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Holds or not, by another field."""

    key: str
    words: tuple[str | bool, ...] = ()
    is_negated: bool = False
    differs: str = ""  #: holds where both fields are states and not the same one

    def holds(self, values: Mapping[str, object]) -> bool:
        """Whether it holds for these values."""
        value = values.get(self.key)
        if self.differs:
            pair = (value, values.get(self.differs))
            return all(one in EEA for one in pair) and pair[0] != pair[1]
        found = value if isinstance(value, list) else [value]
        return any(one in self.words for one in found) is not self.is_negated


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form."""

    key: str
    section: str
    kind: Kind
    need: bool = False
    when: tuple[Condition, ...] = ()
    only_when: tuple[Condition, ...] = ()
    choices: tuple[str, ...] = ()
    max: int = 0
    pattern: str = ""
    example: str = ""
    must: bool | None = None
    ticks: bool = False
    bare: bool = False
    first: date | None = None
    last: date | None = None
    least: float | None = None
    most: float | None = None
    parts: tuple[Field, ...] = ()
    source: str = ""

    def is_needed(self, values: Mapping[str, object]) -> bool:
        """Whether it has to be there, given the others."""
        return self.need or any(one.holds(values) for one in self.when)

    def is_kept(self, values: Mapping[str, object]) -> bool:
        """Whether it has a place there, given the others."""
        return not self.only_when or any(one.holds(values) for one in self.only_when)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The words of a form in one language."""

    language: str
    compared: bool  #: whether a person held them against the Official Journal
    title: str
    subtitle: str = ""
    preamble: tuple[str, ...] = ()
    headings: Mapping[str, str] = field(default_factory=dict)  #: by section
    labels: Mapping[str, str] = field(default_factory=dict)  #: by field; by `field.part` for parts
    notes: Mapping[str, str] = field(default_factory=dict)  #: by field or section
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  #: by field, then choice
    closing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A legal form: its fields, its rules and its words."""

    name: str
    version: str
    source: str
    since: date
    direction: str
    binding: bool
    sections: tuple[str, ...]
    fields: tuple[Field, ...]
    texts: Mapping[str, Texts]
    dated: str = ""
    reference: str = ""
    one_of: tuple[tuple[str, ...], ...] = ()
    rules: tuple[str, ...] = ()
    settles: tuple[str, ...] = ()
    bare: bool = False

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it exists in."""
        return tuple(sorted(self.texts))

    def field(self, key: str) -> Field | None:
        """The field of that key."""
        return next((one for one in self.fields if one.key == key), None)

    def words(self, language: str) -> Texts:
        """Its words in a language.

        Raises:
            Invalid: That is no language code.
            Refused: The form does not exist in the language.
        """
        if not _LANGUAGE.fullmatch(language):
            raise Invalid(
                f"{language[:40]!r} is no language code", hint="Write two small letters, such as nl."
            )
        if language not in self.texts:
            raise Refused(
                f"the form {self.name} does not exist in the language {language!r}",
                hint=f"It exists in {', '.join(self.languages)}; docs/reference/forms.md says how to add one.",
            )
        return self.texts[language]


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
    """The form that lies in a folder.

    Raises:
        Invalid: A file is missing, is no TOML, or says something the format does not know.
    """
    where = folder.name
    texts = {
        one.name.removesuffix(".toml"): _table(one, f"{where}/texts/{one.name}")
        for one in sorted(folder.joinpath("texts").iterdir(), key=lambda one: one.name)
        if one.name.endswith(".toml")
    }
    return read_form(_table(folder.joinpath("form.toml"), f"{where}/form.toml"), texts, where)


def _table(file: Traversable, where: str) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{where} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{where} is no TOML: {error}") from error


def read_form(
    table: Mapping[str, object], texts: Mapping[str, Mapping[str, object]], where: str = "form"
) -> Form:
    """The form that a `form.toml` and its texts describe.

    Raises:
        Invalid: Something in them is malformed; names file and field.
    """
    top = _Reader(table, f"{where}/form.toml")
    top.only({one.name for one in fields(Form)} - {"texts"})
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
        texts={code: _texts(code, _Reader(one, f"{where}/texts/{code}.toml")) for code, one in texts.items()},
        dated=top.text("dated", ""),
        reference=top.text("reference", ""),
        one_of=tuple(tuple(str(word) for word in group) for group in top.lists("one_of")),
        rules=top.texts("rules"),
        settles=top.texts("settles"),
        bare=top.yes("bare"),
    )
    _agree(form, where)
    return form


def _agree(form: Form, where: str) -> None:
    """Keys are named once, and what names a key names one that is there."""
    keys = [one.key for one in form.fields]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise Invalid(f"{where}/form.toml: the key {min(twice)!r} is there twice")
    named = [form.dated, form.reference, *(key for group in form.one_of for key in group)]
    for one in form.fields:
        named += [word for part in (*one.when, *one.only_when) for word in (part.key, part.differs)]
        if one.section not in form.sections:
            raise Invalid(f"{where}/form.toml: {one.key} stands in no known section")
    if unknown := {key for key in named if key} - set(keys):
        raise Invalid(f"{where}/form.toml: names a field {min(unknown)!r} that is not there")


def _field(table: _Reader) -> Field:
    table.only({one.name for one in fields(Field)} | {"of", "also"})
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
        pattern=table.text("pattern", ""),
        example=table.text("example", ""),
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


def _texts(code: str, table: _Reader) -> Texts:
    table.only({one.name for one in fields(Texts)} - {"language"})
    if not _LANGUAGE.fullmatch(code):
        raise Invalid(f"{table.where}: the file's name is no language code")
    choices = table.fields.get("choices", {})
    return Texts(
        language=code,
        compared=table.yes("compared"),
        title=table.text("title"),
        subtitle=table.text("subtitle", ""),
        preamble=table.texts("preamble"),
        headings=table.words("headings"),
        labels=table.words("labels"),
        notes=table.words("notes"),
        choices={key: _Reader(choices, table.where).words(key) for key in choices}
        if isinstance(choices, dict)
        else {},
        closing=table.texts("closing"),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """One table of a file, with the words that lead a reader to it."""

    fields: Mapping[str, object]
    where: str

    def only(self, known: set[str]) -> None:
        if unknown := self.fields.keys() - known:
            name = min(unknown)
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)
            raise Invalid(f"{self.where}: unknown field {name!r}", hint=f"Did you mean {near[0]!r}?")

    def wrong(self, name: str, what: str) -> Invalid:
        return Invalid(
            f"{self.where}: {name} {what}",
            hint="The format is described at the top of staydown/reason/formfile.py.",
        )

    def text(self, name: str, default: str | None = None) -> str:
        value = self.fields.get(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise self.wrong(name, "is missing or not a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.fields.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(name, "is not a list of texts")
        return tuple(value)

    def words(self, name: str) -> Mapping[str, str]:
        value = self.fields.get(name, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise self.wrong(name, "is not a table of texts")
        return value

    def yes(self, name: str) -> bool:
        value = self.fields.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, "is neither true nor false")
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
            raise self.wrong(name, "is no condition: it takes key and one of in, not_in, differs")
        if isinstance(other := table.get("differs"), str):
            return Condition(key=table["key"], differs=other)
        words = table.get("in", table.get("not_in"))
        if not isinstance(words, list) or not all(isinstance(one, (str, bool)) for one in words):
            raise self.wrong(name, "is no condition: in and not_in take a list of words")
        return Condition(key=table["key"], words=tuple(words), is_negated="not_in" in table)
