"""Legal forms as versioned data: what a `form.toml` and its texts hold.

A form is a folder `plugs/instruments/<name>/` with `form.toml`, `texts/<language>.toml` and `sample.json`. An unknown
field in any of them is an error that names the nearest known one. Top level of `form.toml`:

- `name`, `version`, `source` (act and article) and `since` (a date): required. A changed form is a new version.
- `direction`: `out` (we send it) or `back` (it comes to us); `binding`: whether it creates a duty.
- `dated`: the field that dates the document; `reference`: the field that names it.
- `one_of`: groups of fields of which at least one has to be there; `rules`: names of rules between fields; `settles`: names of
  what is put in order without a word.
- `bare = true`: the JSON is another standard's own, without our words `form` and `version`.
- `open = true`: fields that the form does not know are kept as they are, except those that begin with an underscore.
- `sections`: their ids, in order; every field stands in one.

`[[fields]]`, in the order of the form: `key`, `section`, `kind` (of `Kind`), `need` (true: always), `when` (needed where
this holds), `only_when` (dropped where this does not hold), `choices` or `of` (`eu`, `eea`, `languages`, `LANGUAGES`) with
`also` for further words, `short` (a table of other spellings of choices), `names` (other keys under which it may be given), `max` (length), `many` (entries), `pattern` with `example`, `must` (the one value it may have),
`ticks = true` (each choice may also be given as a key of its own), `bare = true` (a text stands for the first part),
`first` and `last` (dates), `least` and `most` (numbers), `parts` (fields of a record), `source`. A condition is a table: `key` and `in`,
`not_in`, `given = true` or `differs` (another key); a list of tables holds where one of them does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from staydown.core.errors import Invalid, Refused
from staydown.law.states import EEA

LANGUAGE = re.compile(r"[a-z]{2,3}")
"""What names a language."""


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
    given: bool = False  #: holds where the field is there at all
    differs: str = ""  #: holds where both fields are states and not the same one

    def holds(self, values: Mapping[str, object]) -> bool:
        """Whether it holds for these values."""
        value = values.get(self.key)
        if self.given:
            return self.key in values
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
    many: int = 0
    pattern: str = ""
    example: str = ""
    short: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
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
    open: bool = False

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
        if not LANGUAGE.fullmatch(language):
            raise Invalid(
                f"{language[:40]!r} is no language code", hint="Write two small letters, such as nl."
            )
        if language not in self.texts:
            raise Refused(
                f"the form {self.name} does not exist in the language {language!r}",
                hint=f"It exists in {', '.join(self.languages)}; docs/reference/forms.md says how to add one.",
            )
        return self.texts[language]
