"""One table of a TOML file that a person wrote, read strictly."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from staydown.core.errors import Invalid


@dataclass(frozen=True, slots=True)
class TomlTable:
    """One table of a file, with the words that lead a reader to it.

    Every method raises `Invalid` where a field is of another kind than asked for.
    """

    hint: ClassVar[str]
    """Where the format is described."""

    fields: Mapping[str, object]
    where: str

    def require_only(self, known: Collection[str]) -> None:
        """Refuse a table with a field that is not known."""
        if unknown := self.fields.keys() - set(known):
            name = min(unknown)
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)
            raise Invalid(f"{self.where}: unknown field {name!r}", hint=f"Did you mean {near[0]!r}?")

    def wrong(self, name: str, what: str) -> Invalid:
        """The error that says what is wrong with a field."""
        return Invalid(f"{self.where}: {name} {what}", hint=self.hint)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty where the field is missing."""
        value = self.fields.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(name, "is not a list of texts")
        return tuple(value)

    def mapping(self, name: str) -> dict[str, str]:
        """A table of texts; empty where the field is missing."""
        value = self.fields.get(name, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise self.wrong(name, "is not a table of texts")
        return value

    def yes(self, name: str) -> bool:
        """True or false; false where the field is missing."""
        value = self.fields.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, "is neither true nor false")
        return value
