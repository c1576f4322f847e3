"""The grid over the three things that two natural experiments cannot tell apart: volume, follow-up, the messenger's bans."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path

from staydown.exercise.run import play
from staydown.exercise.scenario import load

SMALL, LARGE = "one-off-2018", "action-day-2019"


def cells() -> list[dict[str, float | str | bool]]:
    """The eight ways to act: as in 2018 or as in 2019, for each of the three by itself."""
    was, became = load(SMALL).action, load(LARGE).action
    return [
        {"volume": rules.volume, "only": rules.only, "follow_up": follow_up, "own_ban_days": days}
        for rules, follow_up, days in product((was, became), (False, True), (0.0, became.own_ban_days))
    ]


def grid(
    out: Path, *, items: int, seeds: range, progress: Callable[[int], None]
) -> Iterator[Mapping[str, object]]:
    """Play each cell with each seed; gives one row for each cell, with medians over the seeds.

    World, adversary and people are the same everywhere, so what differs comes from the three alone.
    """
    for number, action in enumerate(cells()):
        rows = []
        for seed in seeds:
            rows.append(
                play(LARGE, seed=seed, out=out / f"{number}-{seed}", items=items, action=action).figures
            )
            progress(1)
        falls = sorted(float(str(row["posts_drop_30_days"])) for row in rows)
        elsewhere = [float(str(row["posts_drop_elsewhere"])) for row in rows]
        yield {
            **action,
            "items": items,
            "seeds": len(rows),
            "items_referred": statistics.median(int(str(row["items_referred"])) for row in rows),
            "posts_drop_30_days": round(statistics.median(falls), 4),
            "least": falls[0],
            "most": falls[-1],
            "posts_drop_elsewhere": round(statistics.median(elsewhere), 4),
            "returns": statistics.median(int(str(row["returns_true"])) for row in rows),
            "migrated": statistics.median(int(str(row["migrated"])) for row in rows),
        }
