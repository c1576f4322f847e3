"""Workers that are killed, out of disk or paused while they send: nothing is lost, nothing arrives twice."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from staydown.bench import checker, kill, points, victim
from staydown.bench.stage import Stage, stage
from staydown.bench.topics import Options
from staydown.bench.victim import Victims
from staydown.ports.tools import Point
from support import Desk

ALL = ("api", "webform", "mail")


def several(*parts: points.Part) -> points.Part:
    """One fault after the other, without waiting between them."""

    def part(scene: Stage, victims: Victims, couriers: Sequence[str], times: int) -> dict[str, int]:
        found = [one(scene, victims, couriers, times) for one in parts]
        return {
            "faults": sum(one["faults"] for one in found),
            "met_every_time": all(one["met_every_time"] for one in found),
        }

    return part


def test_at_no_point_of_its_way_is_a_request_lost_or_doubled(tmp_path: Path, database: str | None) -> None:
    parts = {
        "kill": several(*(points.at(one, "kill") for one in Point)),
        "no room": several(*(points.at(one, "enospc") for one in Point)),
        "failing": several(*(points.at(one, "eio") for one in Point)),
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


def test_only_what_was_put_in_counts_as_a_fault(tmp_path: Path, database: str | None) -> None:
    """A worker that complains about a full database has not come to the point at which it would be killed."""
    with stage(tmp_path / "home", database=database, couriers=ALL) as scene:
        scene.add(20, ALL)
        with points._no_room(scene), Victims(scene.home, database) as victims:
            pid = victims.begin(point="nowhere", fault="kill", full=True)
            kill_after = time.monotonic() + 30
            while not victims.refused() and time.monotonic() < kill_after:
                time.sleep(0.01)
            victims.end(pid)
            assert victims.refused() > 0
            assert victims.faults() == 0


def test_a_fault_that_did_not_happen_every_time_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "refill", lambda *_: None)

    class Never:
        """Workers of whom one met the fault twice."""

        met = 0

        def faults(self) -> int:
            return self.met

        def begin(self, **_: object) -> int:
            self.met += 2 if self.met == 0 else 1
            return 1

        def end(self, _: int) -> None: ...

    found = points.at(Point.AFTER_SEND, "kill")(cast("Stage", None), cast("Victims", Never()), ALL, 3)
    assert found == {"times": 3, "faults": 4, "met_every_time": False}


@pytest.mark.parametrize(("fault", "number"), [("enospc", errno.ENOSPC), ("eio", errno.EIO)])
def test_the_disk_says_what_it_says_at_the_point_only(tmp_path: Path, fault: str, number: int) -> None:
    reached = victim._trap(tmp_path, {"fault": fault, "point": "after-send"})
    reached(Point.AFTER_INTENT)
    assert not (tmp_path / victim.FAULTS).exists()
    for times in (1, 2):
        with pytest.raises(OSError) as caught:  # noqa: PT011  # its number is looked at
            reached(Point.AFTER_SEND)
        assert caught.value.errno == number
        assert (tmp_path / victim.FAULTS).stat().st_size == times


def test_kills_after_the_first_send_double_nothing_where_the_receiver_is_asked(tmp_path: Path) -> None:
    options = Options(scratch=tmp_path, seed=7)
    ours = kill.run(options, tmp_path / "ours", None, ("webform",), 4, spare=40)
    assert ours["holds"], ours
    assert (ours["kills"], ours["repeats"]) == (4, 0)


def test_who_never_asks_doubles_what_a_kill_after_the_send_left_open(tmp_path: Path) -> None:
    """The judgement can find a double: here it must, whenever the kill comes."""
    with (
        stage(tmp_path / "home", database=None, couriers=["webform"]) as scene,
        Victims(tmp_path / "home", None) as victims,
    ):
        met = points.at(Point.AFTER_SEND, "kill", naive=True)(scene, victims, ["webform"], 2)
        kill.finish(scene, victims, naive=True)
        found = checker.judge(scene.database, scene.approved, scene.arrivals, tmp_path / "home")
    assert met["met_every_time"]
    assert found["doubled"], found
    assert found["lost"] == 0
    assert not checker.holds(found)


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
