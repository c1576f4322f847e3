"""What all types of the wire share: strict about what comes in, plain about what goes out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
)

Row = TypeVar("Row")

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Instants outside of these are slips of the keyboard."""
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class Given(BaseModel):
    """What a caller sends: nothing may stand in it that is not asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(BaseModel):
    """What we answer; a later version may say more."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Page(Told, Generic[Row]):
    """Some rows of a list, and how to ask for those behind them."""

    rows: list[Row]
    next: str | None = Field(description="The cursor for what follows; null at the end.")


def _fit(text: str) -> str:
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("the text holds NUL or half a character")
    return text


def _spoken(text: str) -> str:
    if not text.strip():
        raise ValueError("nothing but blanks")
    return text


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("no instant with its offset, such as 2026-11-22T10:20:00Z")
    return value


def _near(instant: datetime) -> datetime:
    if not EARLIEST <= instant <= LATEST:
        raise ValueError("the instant lies outside 1970 to 2200")
    return instant.astimezone(UTC)


def _digits(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII):
        raise ValueError("no whole number")
    return value


def _word(value: Any) -> Any:
    if isinstance(value, str) and value not in {"true", "false"}:
        raise ValueError("neither true nor false")
    return value


Fit = AfterValidator(_fit)
Text = Annotated[str, Fit, StringConstraints(max_length=2000)]
"""Some text; may be empty."""
Spoken = Annotated[
    str, Fit, AfterValidator(_spoken), StringConstraints(min_length=1, max_length=2000), Field(pattern=r"\S")
]
"""A reason: something has to stand there."""
Name = Annotated[str, Fit, StringConstraints(min_length=1, max_length=200)]
"""A short word or key."""
Key = Annotated[str, Fit, StringConstraints(min_length=1, max_length=4096)]
"""An item by its key, its canonical address, or its number written out."""
Number = Annotated[StrictInt, Field(ge=1, le=2**53 - 1)]
"""An id."""
Yes = StrictBool
Instant = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_near)]
"""An instant with its offset (RFC 3339)."""
Code = Annotated[
    str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*$", min_length=2, max_length=24)
]
OperationName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]*([.-][a-z0-9]+)*$", min_length=1, max_length=40)
]
Keys = Annotated[list[Key], Field(min_length=1, max_length=1000)]
"""Items, each by key, canonical address or number."""

AskedNumber = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=2**53 - 1)]
"""An id in a path or a query."""
AskedSize = Annotated[int, BeforeValidator(_digits), Field(ge=0, le=2**53 - 1)]
AskedLimit = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=1000)]
AskedYes = Annotated[bool, BeforeValidator(_word)]
