"""Quantiles and survival, exactly as docs/why/figures.md defines them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The value below which `share` of a sorted sample lies, interpolated linearly; None of an empty one."""
    if not ordered:
        return None
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (ordered[above] - ordered[below]) * (place - below), 4)


def kaplan_meier(spans: Iterable[tuple[float, bool]]) -> list[tuple[float, float, int]]:
    """The survival curve of spans, some of them still running.

    Args:
        spans: (length, whether it ended); one that did not end is censored at its length.

    Returns:
        One (length, share still surviving just after it, number at risk just before it) for each length at which
        something ended, after a first (0, 1, all).

    Source: Kaplan and Meier, J. Am. Stat. Assoc. 53, 1958.
    """
    ordered = sorted(spans)
    at_risk, share = len(ordered), 1.0
    curve: list[tuple[float, float, int]] = [(0.0, 1.0, at_risk)] if ordered else []
    for length, group in groupby(ordered, key=lambda span: span[0]):
        members = list(group)
        ended = sum(1 for _, has_ended in members if has_ended)
        if ended:
            share *= 1 - ended / at_risk
            curve.append((round(length, 4), round(share, 6), at_risk))
        at_risk -= len(members)
    return curve
