"""Which column or field of a partner's file means what, whatever its language of work calls it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from staydown.core.errors import Invalid

FIELDS: Mapping[str, tuple[str, ...]] = {
    "raw": (
        "url", "raw", "address", "link", "uri", "urls", "weblink", "web_address", "webaddress", "location", "href",
        "canonical_url", "value", "adres", "adresse", "lien", "enlace", "indirizzo",
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

_BETWEEN = re.compile(r"[^\w]+")
_MEANING = {name: field for field, names in FIELDS.items() for name in names}


def plain(name: str) -> str:
    """A column name in small letters with underscores for what stands between its words."""
    return _BETWEEN.sub("_", name.strip().lower()).strip("_")


def has_address_column(names: Sequence[str]) -> bool:
    """Whether one of the names means the address."""
    return any(_MEANING.get(plain(name)) == "raw" for name in names)


def columns_of(names: Sequence[str]) -> dict[str, int]:
    """Where each of our fields stands in a header.

    Raises:
        Invalid: A name stands twice, or no column means the address.
    """
    cleaned = [plain(name) for name in names]
    twice = sorted({name for name in cleaned if name and cleaned.count(name) > 1})
    if twice:
        raise Invalid(
            f"the header names {', '.join(twice)} twice", hint="Rename or remove one of the columns."
        )
    found = {
        field: cleaned.index(name)
        for field, all_ in FIELDS.items()
        for name in reversed(all_)
        if name in cleaned
    }
    if "raw" not in found:
        listed = ", ".join(name.strip()[:40] for name in names[:20]) or "none"
        raise Invalid(f"no column of addresses; columns found: {listed}", hint="Name the column url.")
    return found


def fields_of(record: Mapping[str, object]) -> dict[str, str]:
    """Our fields of a record with names of its own; texts and numbers only, the likeliest name wins."""
    values = {plain(name): value for name, value in record.items()}
    fields = {}
    for field, names in FIELDS.items():
        for name in names:
            value = values.get(name)
            if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
                fields[field] = str(value).strip()
                break
    return fields
