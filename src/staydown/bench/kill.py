"""Workers killed by SIGKILL shortly after their first send of a life, again and again.

Ours asks the receiver before it sends again. The peer is the same program whose couriers are never asked, which is
what every queue does that only retries. Both are judged by the receivers' own record.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from staydown.bench import checker
from staydown.bench.postgres import databases
from staydown.bench.stage import Stage, stage
from staydown.bench.topics import Options
from staydown.bench.victim import Victims
from staydown.core.errors import Invalid, Outside

KILLS = 40
PEER_SHARE = 5
"""The peer is killed so many times less often."""
GROUPS: Mapping[str, Sequence[str]] = {"asked": ("api", "webform"), "mail": ("mail",)}
"""Receivers that can be asked, and those that cannot."""
SPARE = 150
"""So many approved requests wait at least: those of a killed worker are not free before its lease is over."""
LATEST_S = 0.08
ARRIVES_S = 20.0
FINISH_S = 180.0
STEP = timedelta(minutes=2)


def steps(options: Options) -> int:
    """As many as kills, those of the peer too.

    Raises:
        Invalid: There is no such part.
    """
    if options.only and options.only not in GROUPS:
        raise Invalid(f"there is no part {options.only!r}", hint=f"There is: {', '.join(GROUPS)}.")
    kills = options.size or KILLS
    return sum(
        kills + (_of_peer(kills) if group != "mail" else 0) for group in GROUPS if options.only in {"", group}
    )


def _of_peer(kills: int) -> int:
    return max(kills // PEER_SHARE, 2)


def measure(options: Options) -> dict[str, object]:
    """Kill workers that send, and count at the receivers."""
    kills = options.size or KILLS
    found: dict[str, object] = {
        "database": "postgresql" if options.database or options.postgres else "sqlite"
    }
    with databases(options) as fresh:
        for group, couriers in GROUPS.items():
            if options.only not in {"", group}:
                continue
            with fresh() as address:
                ours = run(options, options.scratch / group, address, couriers, kills)
            found[group] = {"ours": ours}
            if group != "mail":
                fewer = _of_peer(kills)
                with fresh() as address:
                    peer = run(options, options.scratch / "peer", address, couriers, fewer, naive=True)
                found[group] = {
                    "ours": ours,
                    "peer": peer,
                    "doubled_in_100_kills": _rates("doubled", ours, peer),
                    "sent_again_in_100_kills": _rates("repeats", ours, peer),
                }
    return found


def run(
    options: Options,
    home: Path,
    address: str | None,
    couriers: Sequence[str],
    kills: int,
    *,
    naive: bool = False,
    spare: int = SPARE,
) -> dict[str, Any]:
    """One store, one sort of receivers, so many kills; then everything that is left is sent and judged."""
    chance, began = random.Random(options.chance), time.monotonic()  # noqa: S311  # when to kill, no secret
    with stage(home, database=address, couriers=couriers) as scene, Victims(home, address) as victims:
        done = idle = 0
        while done < kills:
            refill(scene, couriers, spare)
            before = len(scene.arrivals)
            pid = victims.begin(naive=naive)
            if arrived(scene, before):
                time.sleep(chance.uniform(0, LATEST_S))
                done += 1
                options.progress(1)
            else:
                idle += 1
            victims.end(pid)
            if idle > kills:
                raise Outside(
                    "workers do not get to send", hint="This machine is too busy for the measurement."
                )
        killing_s = time.monotonic() - began
        finish(scene, victims, naive=naive)
        found = checker.judge(scene.database, scene.approved, scene.arrivals, home)
    return {
        "kills": done,
        "lives_without_a_send": idle,
        **found,
        "holds": checker.holds(found),
        "seconds": round(time.monotonic() - began, 1),
        "seconds_killing": round(killing_s, 1),
    }


def refill(scene: Stage, couriers: Sequence[str], spare: int) -> None:
    """Let people approve more where fewer than `spare` requests wait."""
    if scene.outstanding() < spare:
        scene.add(spare, couriers)


def arrived(scene: Stage, before: int, within: float = ARRIVES_S) -> bool:
    """Wait until something more has arrived."""
    ends = time.monotonic() + within
    while len(scene.arrivals) <= before:
        if time.monotonic() > ends:
            return False
        time.sleep(0.001)
    return True


def finish(scene: Stage, victims: Victims, *, naive: bool = False) -> None:
    """Let everything leave that is left, and simulated time pass where something was put off.

    Raises:
        Outside: It does not come to an end.
    """
    ends = time.monotonic() + FINISH_S
    while checker.waiting(scene.database):
        if time.monotonic() > ends:
            raise Outside("what is left does not leave")
        pid = victims.begin(naive=naive, drain=True)
        if victims.over(FINISH_S) is None:
            victims.end(pid)
        if checker.waiting(scene.database):  # leased by somebody who is dead, or put off
            time.sleep(0.3)
            scene.later(STEP)


def _rates(key: str, ours: Mapping[str, Any], peer: Mapping[str, Any]) -> dict[str, float]:
    """How often something happened in a hundred kills, for both."""
    return {
        name: round(100 * int(found[key]) / max(int(found["kills"]), 1), 1)
        for name, found in (("ours", ours), ("peer", peer))
    }
