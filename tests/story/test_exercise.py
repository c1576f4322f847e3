"""The exercise as a whole: nothing lost, nothing doubled, nothing false, no way out, the same again from a seed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tools import verify_ledger

from staydown.app import open_app
from staydown.exercise.cost import Cost, Stages
from staydown.exercise.run import STANDS
from staydown.exercise.score import twice_sent

RUN = [
    sys.executable,
    "-m",
    "staydown",
    "exercise",
    "run",
    "--scenario",
    "small",
    "--items",
    "24",
    "--seed",
    "11",
    "--json",
]
NOT_OF_THE_SEED = {
    "wall_seconds",
    "seconds_by_stage",
    "work_by_kind",
    "peak_mib",
    "http_requests",
    "dispatches",
    "ledger_size",
    "own_network",
    "database",
}
NOT_OF_A_KILL = NOT_OF_THE_SEED | {"arrived_again"}
"""A mail in the middle of which everything died goes out again, and the desk sets it aside."""


def played(out: Path, *more: str) -> dict[str, Any]:
    done = subprocess.run([*RUN, "--out", str(out), *more], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WRONG" not in done.stderr
    return dict(json.loads(done.stdout))


def adds_up(figures: dict[str, Any], *, at_least: Cost) -> None:
    """All seconds are in a stage, and what an earlier life of the exercise has spent is among them."""
    stages, rows = figures["seconds_by_stage"], figures["work_by_kind"]
    assert sum(stages.values()) == pytest.approx(figures["wall_seconds"], abs=0.1)
    assert figures["http_requests"] > at_least.requests
    for name, spent in at_least.stages.items():
        assert stages[name] > spent - 0.01
    for kind, count in at_least.rows.items():
        assert rows[kind]["rows"] >= count
    assert figures["peak_mib"] >= round(at_least.peak_kib / 1024, 1)


def clean(out: Path, *, database: str | None = None) -> None:
    more = ["--database", database] if database else []
    export = out / "ledger.jsonl"
    words = [sys.executable, "-m", "staydown", "--home", str(out / "home"), *more, "ledger"]
    assert subprocess.run([*words, "verify"], capture_output=True, check=False).returncode == 0
    subprocess.run([*words, "export", str(export)], capture_output=True, check=True)
    assert verify_ledger.main([str(export)]) == 0


@pytest.mark.timeout(280)
def test_a_seed_gives_its_figures_on_either_database_killed_or_not(tmp_path: Path, postgres: str) -> None:
    whole = played(tmp_path / "whole")
    for name in ("posted_twice", "lost", "clocks_missed", "outside_attempts"):
        assert whole[name] == 0, name
    assert whole["verified_offline"]
    assert whole["own_network"] is (os.geteuid() == 0)
    assert (tmp_path / "whole" / "report.html").stat().st_size > 1000
    clean(tmp_path / "whole")

    broken = subprocess.Popen(
        [*RUN, "--out", str(tmp_path / "killed")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    ends = time.monotonic() + 60
    journal = tmp_path / "killed" / "providers.jsonl"
    while time.monotonic() < ends and (not journal.exists() or b"receive" not in journal.read_bytes()):
        time.sleep(0.05)
    broken.send_signal(signal.SIGKILL)
    broken.wait()
    stood = open_app(tmp_path / "killed" / "home").store.noted(STANDS)
    spent = Cost.of(json.loads(stood or "{}")["cost"])
    again = played(tmp_path / "killed")
    adds_up(again, at_least=spent)
    adds_up(whole, at_least=Cost())
    elsewhere = subprocess.run(
        [sys.executable, "-m", "staydown", "--database", postgres, *RUN[3:], "--out", str(tmp_path / "pg")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert elsewhere.returncode == 0, elsewhere.stderr
    for other, apart in ((again, NOT_OF_A_KILL), (json.loads(elsewhere.stdout), NOT_OF_THE_SEED)):
        assert {k: v for k, v in other.items() if k not in apart} == {
            k: v for k, v in whole.items() if k not in apart
        }
    clean(tmp_path / "killed")
    clean(tmp_path / "pg", database=postgres)


def test_another_exercise_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    app = open_app(tmp_path / "home")
    app.make(exercise=True).note("exercise_played", "small items=300 seed=11")
    app.close()
    done = subprocess.run([*RUN, "--out", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "another exercise" in done.stderr


def test_a_real_home_plays_no_exercise(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "staydown", "--home", str(tmp_path / "home"), "init"],
        check=True,
        capture_output=True,
    )
    done = subprocess.run([*RUN, "--out", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "real" in done.stderr


def test_every_second_is_in_a_stage_and_lives_are_added_up() -> None:
    stages = Stages(0.0)
    with stages.inside("work"), stages.inside("world"):
        pass
    assert set(stages.spent()) == {"start", "work", "world"}
    one = Cost(stages={"work": 2.0}, requests=3, rows={"check": 1}, seconds={"check": 0.5}, peak_kib=2048)
    more = Cost(stages={"work": 1.5, "start": 1.0}, requests=4, rows={"ask": 2, "check": 1}, peak_kib=1024)
    both = Cost.of(json.loads(json.dumps(one.plus(more).as_row())))
    assert (both.wall_seconds, both.requests, both.peak_kib) == (4.5, 7, 2048)
    assert both.figures()["work_by_kind"] == {
        "ask": {"rows": 2, "seconds": 0.0},
        "check": {"rows": 2, "seconds": 0.5},
    }


def test_a_second_send_to_a_receiver_that_can_be_asked_is_wrong() -> None:
    record = [
        {"reference": "SD-1", "via": "api", "set_aside": False},
        {"reference": "SD-1", "via": "api", "set_aside": True},
        {"reference": "SD-2", "via": "mail", "set_aside": True},
    ]
    assert twice_sent(record) == [("SD-1", "api")]


@pytest.mark.parametrize("trouble", ["language", "folder", "report"])
def test_what_cannot_be_written_is_said_before_the_game(tmp_path: Path, trouble: str) -> None:
    out = tmp_path / "out"
    if trouble == "folder":
        out.write_text("a file stands here")
    if trouble == "report":
        (out / "report.html").mkdir(parents=True)
    more = ["--language", "fr"] if trouble == "language" else []
    done = subprocess.run(
        [*RUN, "--out", str(out), *more], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == (3 if trouble == "language" else 7), done.stderr
    assert not (out / "home").exists()
    assert done.stdout == ""


def test_figures_are_printed_where_the_report_cannot_be_written(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*RUN, "--out", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        ends = time.monotonic() + 60
        while time.monotonic() < ends and not (tmp_path / "providers.jsonl").exists():
            time.sleep(0.05)
        (tmp_path / "report.html").mkdir()
        told, said = process.communicate()
    assert process.returncode == 7, said
    assert json.loads(told)["verified_offline"]
    assert "not written" in said
