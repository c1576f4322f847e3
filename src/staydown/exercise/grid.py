"""The grid over the three things that two natural experiments cannot tell apart: volume, follow-up, the messenger's bans."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

from staydown.exercise.run import play
from staydown.exercise.scenario import load

SMALL, LARGE = "one-off-2018", "action-day-2019"


def cells() -> list[dict[str, float | str | bool]]:
    """The eight ways to act, as in 2018 or as in 2019 for each of the three by itself; and to do nothing."""
    was, became = load(SMALL).action, load(LARGE).action
    nothing: dict[str, float | str | bool] = {
        "volume": 0.0, "only": "", "follow_up": False, "own_ban_days": 0.0
    }  # fmt: skip
    ways: list[dict[str, float | str | bool]] = [
        {"volume": rules.volume, "only": rules.only, "follow_up": follow_up, "own_ban_days": days}
        for rules, follow_up, days in product((was, became), (False, True), (0.0, became.own_ban_days))
    ]
    return [*ways, nothing]


def grid(
    out: Path, *, items: int, seeds: range, progress: Callable[[int], None], alone: bool = False
) -> Iterator[Mapping[str, object]]:
    """Play each cell with each seed; gives one row for each cell, with medians over the seeds.

    World, adversary and people are the same everywhere, so what differs comes from the three alone.
    """
    for number, action in enumerate(cells()):
        rows = []
        for seed in seeds:
            place = out / f"{number}-{seed}"
            done = play(LARGE, seed=seed, out=place, items=items, action=action, alone=alone)
            rows.append(done.figures)
            progress(1)
        falls = _numbers(rows, "posts_drop_30_days")
        yield {
            **action,
            "items": items,
            "seeds": len(rows),
            "items_referred": _median(rows, "items_referred"),
            "posts_drop_30_days": _median(rows, "posts_drop_30_days"),
            "least": falls[0] if falls else None,
            "most": falls[-1] if falls else None,
            "posts_drop_elsewhere": _median(rows, "posts_drop_elsewhere"),
            "returns": _median(rows, "returns_true"),
            "migrated": _median(rows, "migrated"),
        }


def _numbers(rows: Sequence[Mapping[str, object]], name: str) -> list[float]:
    """A figure of all rows that have it, in order of size."""
    return sorted(float(str(row[name])) for row in rows if row[name] is not None)


def _median(rows: Sequence[Mapping[str, object]], name: str) -> float | None:
    found = _numbers(rows, name)
    return round(statistics.median(found), 4) if found else None
