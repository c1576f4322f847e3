"""What the Commission's data base of statements of reasons asks for beyond the fields of its form.

The fields, their words and their conditions are data, in `plugs/instruments/dsa_statement/form.toml`. Here stands what
becomes of a statement on its way in. That a restriction does not end before it is applied is documented there, and not enforced.

Source: Regulation (EU) 2022/2065, Art. 24(5); the data base's published validator, repository
digital-services-act/transparency-database, schema in force since 1 July 2025.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

Values = Mapping[str, object]

DECISIONS = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")
"""At least one of these is taken, or there is nothing to state."""

REQUIRED = (
    "puid", "decision_ground", "content_type", "category", "content_date", "application_date", "decision_facts",
    "source_type", "automated_detection", "automated_decision",
)  # fmt: skip
"""Fields every statement has."""

CONDITIONAL: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "decision_visibility_other": ("decision_visibility", "DECISION_VISIBILITY_OTHER"),
        "decision_monetary_other": ("decision_monetary", "DECISION_MONETARY_OTHER"),
        "illegal_content_legal_ground": ("decision_ground", "DECISION_GROUND_ILLEGAL_CONTENT"),
        "illegal_content_explanation": ("decision_ground", "DECISION_GROUND_ILLEGAL_CONTENT"),
        "incompatible_content_ground": ("decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT"),
        "incompatible_content_explanation": ("decision_ground", "DECISION_GROUND_INCOMPATIBLE_CONTENT"),
        "content_type_other": ("content_type", "CONTENT_TYPE_OTHER"),
    }
)
"""Fields that are required where another has this word, and dropped where it has not."""

SOURCE_OF: Mapping[str, str] = MappingProxyType(
    {
        "trusted-flagger": "SOURCE_TRUSTED_FLAGGER",
        "dsa-art-16": "SOURCE_ARTICLE_16",
        "referral": "SOURCE_TYPE_OTHER_NOTIFICATION",
        "own": "SOURCE_VOLUNTARY",
    }
)
"""How a request of ours reads in a statement. Whether a removal order is stated at all is for counsel to say."""


def without_main_category(values: dict[str, object]) -> None:
    """Take the main category out of the further ones, as the data base does on the way in."""
    further = values.get("category_addition")
    if isinstance(further, list):
        kept = [one for one in further if one != values.get("category")]
        if kept:
            values["category_addition"] = kept
        else:
            del values["category_addition"]


def dropped(values: Values) -> tuple[str, ...]:
    """Fields that the data base drops in silence, given the others."""
    found = [
        key
        for key, (other, word) in CONDITIONAL.items()
        if key in values and word not in _words(values, other)
    ]
    if "DECISION_GROUND_INCOMPATIBLE_CONTENT" not in _words(values, "decision_ground"):
        found += ["incompatible_content_illegal"] if "incompatible_content_illegal" in values else []
    if "SOURCE_VOLUNTARY" in _words(values, "source_type") and "source_identity" in values:
        found.append("source_identity")
    return tuple(found)


def _words(values: Values, key: str) -> tuple[object, ...]:
    value = values.get(key)
    return tuple(value) if isinstance(value, list) else (value,)
