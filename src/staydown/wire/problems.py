"""Errors as RFC 9457 has them, with what to do next and where the rule stands."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from staydown.wire.base import Told

MEDIA_TYPE = "application/problem+json"


class Fault(Told):
    """One thing that is wrong with what was sent."""

    place: str = Field(description="Where, such as `body.items.0`.")
    reason: str


class Problem(Told):
    """What went wrong, whose fault it is and what to do next."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"title": "Problem"})

    type: str = Field(description="`/problems/` and a word that stays the same.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    hint: str = Field(description="What the caller can do next.")
    source: str | None = Field(description="The article or decision that the rule stands on.")
    faults: list[Fault] | None = Field(default=None, description="Of malformed input: each fault.")
