"""The commands `site` and `site-bootstrap`: fields, exit codes, and that nothing leaves where nothing need to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FIELDS = {
    "address", "host", "domain", "addresses", "status", "layers", "contacts", "nearest", "reason", "troubles",
}  # fmt: skip


def staydown(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the real command in an exercise home."""
    return subprocess.run(
        [sys.executable, "-m", "staydown", "--home", str(home), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("exercise") / "home"
    assert staydown(made, "init", "--exercise").returncode == 0
    return made


def test_a_platform_is_one_object(home: Path) -> None:
    done = staydown(home, "site", "https://flock.exercise.example/@made_up", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert found.keys() == FIELDS
    assert found["nearest"] == "page"
    assert [one["layer"] for one in found["layers"]] == ["page"]
    assert found["contacts"] == found["layers"][0]["contacts"]
    assert found["troubles"] == []


def test_in_an_exercise_nobody_outside_is_asked(home: Path) -> None:
    done = staydown(home, "site", "https://made-up.com/page")
    assert done.returncode == 0
    assert "nearest: nobody" in done.stdout
    assert "not in the hosts table of the exercise" in done.stderr
    refreshed = staydown(home, "site-bootstrap", "--refresh")
    assert refreshed.returncode == 7
    assert "The files in use stay" in refreshed.stderr


def test_what_names_no_site_is_malformed_input(home: Path) -> None:
    done = staydown(home, "site", "http://localhost/")
    assert done.returncode == 3
    assert done.stdout == ""


def test_which_files_are_in_use(home: Path) -> None:
    rows = [json.loads(line) for line in staydown(home, "site-bootstrap", "--json").stdout.splitlines()]
    assert [row["file"] for row in rows] == ["dns.json", "ipv4.json", "ipv6.json", "asn.json"]
    assert all(row["from"] == "shipped" and row["entries"] > 30 and row["refused"] is None for row in rows)
