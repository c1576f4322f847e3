"""Workers that are killed, out of disk or paused while they send: nothing is lost, nothing arrives twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from staydown.bench import kill, points
from staydown.bench.stage import Stage
from staydown.bench.topics import Options
from staydown.bench.victim import Victims
from staydown.ports.tools import Point
from support import Desk

ALL = ("api", "webform", "mail")


def several(*parts: points.Part) -> points.Part:
    """One fault after the other, without waiting between them."""

    def part(scene: Stage, victims: Victims, couriers: Sequence[str], times: int) -> dict[str, int]:
        return {"faults": sum(one(scene, victims, couriers, times)["faults"] for one in parts)}

    return part


def test_at_no_point_of_its_way_is_a_request_lost_or_doubled(tmp_path: Path, database: str | None) -> None:
    parts = {
        "kill": several(*(points.at(one, "kill") for one in Point)),
        "no room": several(*(points.at(one, "enospc") for one in Point)),
        "full": points.full,
        "pause": points.pause,
    }
    found = points.run(tmp_path / "home", database, ALL, parts, 2)
    assert found["holds"], found
    assert found["faults"]["kill"]["faults"] == 2 * len(Point)
    assert found["faults"]["full"]["refused_writes"]
    assert found["faults"]["full"]["arrived_without_intent"] == 0
    assert found["faults"]["pause"]["taken_over"] == 1
    assert found["second_clocks"] == 0
    assert found["lost"] == found["doubled"] == found["repeats_unmarked"] == 0


def test_kills_after_the_first_send_double_only_where_nobody_asks(tmp_path: Path) -> None:
    options = Options(scratch=tmp_path, seed=7)
    ours = kill.run(options, tmp_path / "ours", None, ("webform",), 4, spare=40)
    assert ours["holds"], ours
    assert (ours["kills"], ours["repeats"]) == (4, 0)
    peer = kill.run(options, tmp_path / "peer", None, ("webform",), 3, naive=True, spare=40)
    assert peer["doubled"], "the measurement must be able to find a double"
    assert peer["lost"] == 0


def test_a_worker_told_to_stop_gives_back_what_it_holds(desk: Desk) -> None:
    environ = {**os.environ, "STAYDOWN_HOME": str(desk.home)}
    if desk.app.settings.database:
        environ["STAYDOWN_DATABASE"] = desk.app.settings.database
    desk.sight(*(desk.show(f"name{n}") for n in range(3)))
    worker = subprocess.Popen(
        [sys.executable, "-m", "staydown", "work"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert worker.stderr is not None
    assert b"is at work" in worker.stderr.readline()
    worker.send_signal(signal.SIGTERM)
    _, told = worker.communicate(timeout=60)
    assert worker.returncode == 0, told
    assert b"finishing what is in hand" in told
