"""The exercise as a whole: nothing lost, nothing doubled, nothing false, no way out, the same again from a seed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tools import verify_ledger

from staydown.app import open_app

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
}
NOT_OF_A_KILL = NOT_OF_THE_SEED | {"median_hours_to_removal"}
"""Providers that are started again count their faults from the beginning, so a retry may come at another moment."""


def played(out: Path, *more: str) -> dict[str, object]:
    done = subprocess.run([*RUN, "--out", str(out), *more], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WRONG" not in done.stderr
    return dict(json.loads(done.stdout))


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
    again = played(tmp_path / "killed")
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
