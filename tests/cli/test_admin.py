"""The first administrator comes in at the machine, and `--as` ends with that."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, as a person types it."""
    return subprocess.run(
        [sys.executable, "-m", "staydown", "--home", str(home), *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_administrator_ends_as(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run(home, "person", "add", "alice", "--agency", "AA").returncode == 0
    told = json.loads(run(home, "admin", "first", "ada", "--agency", "AA", "--json").stdout)
    assert told["person"] == "ada"
    assert told["address"].startswith("http://localhost:8017/enrol#sdi_")
    refused = run(home, "person", "add", "eve", "--agency", "AA")
    assert refused.returncode == 5
    assert run(home, "admin", "invite", "alice", "--as", "ada").returncode == 5
