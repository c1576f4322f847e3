"""What the Commission's data base of statements of reasons asks for beyond the fields of its form.

The fields, their words and their conditions are data, in `plugs/instruments/dsa_statement/form.toml`. Here stands what
becomes of a statement on its way in. That a restriction does not end before it is applied is documented there, and not enforced.

Source: Regulation (EU) 2022/2065, Art. 24(5); the data base's published validator, repository
digital-services-act/transparency-database, schema in force since 1 July 2025.
"""

from __future__ import annotations


def without_main_category(values: dict[str, object]) -> None:
    """Take the main category out of the further ones, as the data base does on the way in."""
    further = values.get("category_addition")
    if isinstance(further, list):
        kept = [one for one in further if one != values.get("category")]
        if kept:
            values["category_addition"] = kept
        else:
            del values["category_addition"]
