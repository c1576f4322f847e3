"""Is this the removed thing come back? Named signals, each with a weight, and a score that explains itself.

First cut: exact marks, weighted by how rare they are. A logo that a whole outlet carries says who stands
behind an account, not that it is the same account.

Source: science brief, linking of returns; Fellegi and Sunter, JASA 1969, for weighing agreement by rarity.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from staydown.core.check import MarkKind

SHOWN_FROM = 0.5
"""Suggestions below this score are not shown."""
CARRIERS_AT_MOST = 12
"""A mark that more items carry belongs to an outlet, not to one account."""

_WEIGHT = {
    MarkKind.HANDLE: 0.75,
    MarkKind.AVATAR: 0.6,
    MarkKind.ADDRESS: 0.4,
    MarkKind.NAME: 0.3,
    MarkKind.MEDIA: 0.3,
    MarkKind.STABLE_ID: 0.98,
}
_STEM_WEIGHT = 0.5
_SAYS = {
    MarkKind.HANDLE: "same handle",
    MarkKind.AVATAR: "same avatar",
    MarkKind.ADDRESS: "shares the same address",
    MarkKind.NAME: "same name",
    MarkKind.MEDIA: "same media",
    MarkKind.STABLE_ID: "same number at the provider",
}
KINDS = tuple(_WEIGHT)
_DECORATION = re.compile(
    r"(?:^(?:the|real|new|official)[_.-])|(?:[_.-]?(?:new|back|again|official|v)?[_.-]*\d*$)"
)
_JOINERS = re.compile(r"[^a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """One mark that two items share."""

    kind: MarkKind
    value: str
    carriers: int  #: how many items carry it, at least 2


def stem(handle: str) -> str:
    """What is left of a handle without numbers, joiners and the usual suffixes of a successor."""
    bare = handle.lower().lstrip("@")
    for _ in range(3):
        shorter = _DECORATION.sub("", bare)
        if shorter == bare or len(shorter) < 4:
            break
        bare = shorter
    return _JOINERS.sub("", bare) or handle.lower()


def weight(mark: Shared) -> float:
    """How much one shared mark says, from 0 to 1: less the more items carry it."""
    is_stem = mark.kind is MarkKind.HANDLE and mark.value.startswith("~")
    base = _STEM_WEIGHT if is_stem else _WEIGHT[mark.kind]
    return base * math.sqrt(2.0 / mark.carriers)


def score(shared: Sequence[Shared]) -> tuple[float, tuple[str, ...]]:
    """The score of a pair, and its reasons, strongest first.

    Independent hints add up as `1 - product(1 - weight)`; a handle and its own stem count once.
    """
    strongest: dict[tuple[MarkKind, str], float] = {}
    for mark in shared:
        name = (mark.kind, mark.value if mark.kind in {MarkKind.ADDRESS, MarkKind.MEDIA} else "")
        strongest[name] = max(strongest.get(name, 0.0), weight(mark))
    left = 1.0
    for hint in strongest.values():
        left *= 1.0 - hint
    return round(1.0 - left, 4), tuple(_reasons(shared))


def _reasons(shared: Iterable[Shared]) -> list[str]:
    ordered = sorted(shared, key=lambda mark: (-weight(mark), mark.kind, mark.value))
    return [
        f"{'similar handle' if m.value.startswith('~') and m.kind is MarkKind.HANDLE else _SAYS[m.kind]}"
        f" ({m.value.lstrip('~')[:60]}; carried by {m.carriers})"
        for m in ordered[:6]
    ]
