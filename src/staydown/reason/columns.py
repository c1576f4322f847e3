"""Which column or field of a partner's file means what, whatever its language of work calls it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from staydown.core.errors import Invalid

FIELDS: Mapping[str, tuple[str, ...]] = {
    "raw": (
        "url", "raw", "address", "link", "uri", "urls", "links", "weblink", "web_address", "webaddress", "location", "href",
        "full_url", "url_link", "canonical_url", "value", "adres", "adresse", "lien", "enlace", "indirizzo",
        "webadresse", "internetadresse", "odkaz", "lenke", "lank", "osoite", "رابط", "الرابط", "ссылка", "קישור",
    ),
    "agency": ("agency", "agency_code", "source_agency", "reporter", "dienst", "behoerde", "service"),
    "seen_at": (
        "first_seen", "seen_at", "date", "seen", "first_seen_at", "observed", "observed_at", "observed_on", "timestamp",
        "time", "datetime", "datum", "created", "created_at", "reported_at", "date_added",
    ),
    "note": ("note", "comment", "notes", "comments", "remark", "remarks", "description", "opmerking", "bemerkung", "reason"),
    "confidence": ("confidence", "certainty", "score"),
    "sharing": ("tlp", "sharing", "sharing_level", "classification", "handling"),
}  # fmt: skip
"""What we call a field, and the names it comes under, the likeliest first."""
WORDS: Mapping[str, str] = {
    "raw": "url",
    "agency": "agency",
    "seen_at": "first_seen",
    "note": "note",
    "confidence": "confidence",
    "sharing": "sharing",
}
"""The name of each field towards people: on the command line and in what they are told."""

_BETWEEN = re.compile(r"[^\w]+")
_FIELD_OF = {word: field for field, word in WORDS.items()} | {field: field for field in FIELDS}
_MEANING = {name: field for field, names in FIELDS.items() for name in names}


def plain(name: str) -> str:
    """A column name in small letters with underscores for what stands between its words."""
    return _BETWEEN.sub("_", name.strip().lower()).strip("_")


def has_address_column(names: Sequence[str]) -> bool:
    """Whether one of the names means the address."""
    return any(_MEANING.get(plain(name)) == "raw" for name in names)


def mapping_of(given: Sequence[str]) -> dict[str, str]:
    """What the user says of columns, `field=column` each, as field -> column.

    Raises:
        Invalid: One is not of that form, names a field we do not have, or a field twice.
    """
    found: dict[str, str] = {}
    for one in given:
        word, mark, column = one.partition("=")
        field = _FIELD_OF.get(plain(word))
        if not mark or not column.strip():
            raise Invalid(f"{one[:80]!r} is no mapping", hint="Write FIELD=COLUMN, such as --map url=Adres.")
        if field is None:
            near = difflib.get_close_matches(plain(word), _FIELD_OF, n=1, cutoff=0.0)
            raise Invalid(
                f"there is no field {word[:40]!r}",
                hint=f"Did you mean {near[0]!r}? Fields: {', '.join(WORDS.values())}.",
            )
        if field in found:
            raise Invalid(f"the field {WORDS[field]} is given twice", hint="Name one column for it.")
        found[field] = column.strip()
    return found


def columns_of(names: Sequence[str], given: Mapping[str, str] | None = None) -> dict[str, int]:
    """Where each of our fields stands in a header.

    Args:
        given: Columns by field as the user named them; the others are guessed.

    Raises:
        Invalid: A name stands twice, no column means the address, or one that was given is not there.
    """
    cleaned = [plain(name) for name in names]
    told = {field: _place(name, names, cleaned) for field, name in (given or {}).items()}
    twice = sorted({name for name in cleaned if name and cleaned.count(name) > 1})
    if twice and "raw" not in told:
        raise Invalid(
            f"the header names {', '.join(twice)} twice", hint="Rename or remove one of the columns."
        )
    found = {
        field: cleaned.index(name)
        for field, all_ in FIELDS.items()
        for name in reversed(all_)
        if name in cleaned and name not in twice
    }
    found = {field: at for field, at in found.items() if at not in told.values()} | told
    if "raw" not in found:
        listed = ", ".join(name.strip()[:40] for name in names[:20]) or "none"
        raise Invalid(
            f"no column of addresses; columns found: {listed}",
            hint="Say which it is: --map url=COLUMN.",
        )
    return found


def _place(name: str, names: Sequence[str], cleaned: Sequence[str]) -> int:
    """Where a column stands that the user named."""
    if name in names:
        return list(names).index(name)
    if plain(name) in cleaned:
        return cleaned.index(plain(name))
    listed = ", ".join(one.strip()[:40] for one in names[:20]) or "none"
    raise Invalid(f"there is no column {name[:40]!r}", hint=f"Columns found: {listed}.")


def told_of(names: Sequence[str], places: Mapping[str, int]) -> dict[str, str]:
    """The columns by our fields, as a person is told of them."""
    return {word: names[places[field]].strip() for field, word in WORDS.items() if field in places}


def fields_of(record: Mapping[str, object], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our fields of a record with names of its own; texts and numbers only, the likeliest name wins.

    Args:
        given: Names by field as the user says; the others are guessed.
    """
    values = {plain(name): value for name, value in record.items()}
    fields = {}
    for field, names in FIELDS.items():
        for name in [plain(given[field])] if given and field in given else names:
            value = values.get(name)
            if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
                fields[field] = str(value).strip()
                break
    return fields
