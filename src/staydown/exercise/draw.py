"""Chance as a function: the same seed and the same question always give the same answer.

Nothing here has a state, so the order in which a world is asked does not matter.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import timedelta
from statistics import NormalDist
from typing import TypeVar

Choice = TypeVar("Choice")
_NORMAL = NormalDist()


def unit(seed: int, *question: object) -> float:
    """A number from 0 (included) to 1 (not included)."""
    text = "\x1f".join(map(str, (seed, *question)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big") / 2**56


def chance(share: float, seed: int, *question: object) -> bool:
    """Whether something of this probability happens."""
    return unit(seed, *question) < share


def pick(choices: Sequence[Choice], seed: int, *question: object) -> Choice:
    """One of the choices, all alike."""
    return choices[int(unit(seed, *question) * len(choices))]


def weighted(choices: Sequence[tuple[Choice, float]], seed: int, *question: object) -> Choice:
    """One of the choices, by weight."""
    mark = unit(seed, *question) * sum(weight for _, weight in choices)
    for choice, weight in choices:
        mark -= weight
        if mark < 0:
            return choice
    return choices[-1][0]


def lognormal(median: float, sigma: float, seed: int, *question: object) -> float:
    """A log-normal number with this median."""
    mark = min(max(unit(seed, *question), 1e-9), 1 - 1e-9)
    return median * math.exp(sigma * _NORMAL.inv_cdf(mark))


def pareto(shape: float, seed: int, *question: object) -> float:
    """A Pareto number of at least 1."""
    return math.pow(1.0 - unit(seed, *question), -1.0 / shape)


def poisson(mean: float, seed: int, *question: object) -> int:
    """A Poisson number."""
    mark, term, count = unit(seed, *question), math.exp(-mean), 0
    total = term
    while mark > total and count < 1000:
        count += 1
        term *= mean / count
        total += term
    return count


def hours(count: float) -> timedelta:
    """So many hours, in whole seconds."""
    return timedelta(seconds=round(count * 3600))
