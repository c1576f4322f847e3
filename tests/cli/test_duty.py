"""Duty and alarms at the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def _run(home: Path, *words: str) -> tuple[int, list[dict[str, object]], str]:
    done = subprocess.run(
        [sys.executable, "-m", "staydown", "--home", str(home), *words, "--json"],
        capture_output=True,
        text=True,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_a_threat_calls_whoever_is_on_duty_and_is_taken(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert _run(home, "init", "--exercise")[0] == 0
    for name, role in (("anna", "analyst"), ("bob", "coordinator"), ("dave", "auditor")):
        agency = "CC" if name == "dave" else "AA"
        assert _run(home, "person", "add", name, "--agency", agency, "--role", role)[0] == 0
    assert _run(home, "duty", "add", "anna", "--until", "12h", "--matter", "life", "--as", "anna")[0] == 5
    code, made, _ = _run(home, "duty", "add", "anna", "--until", "12h", "--matter", "life", "--as", "bob")
    assert (code, made[0]["person"]) == (0, "anna")
    assert [row["person"] for row in _run(home, "duty", "list", "--as", "bob")[1]] == ["anna"]
    code, raised, _ = _run(home, "threat", "a made-up threat", "--as", "bob")
    assert code == 0
    assert _run(home, "work", "--once")[0] == 0
    number = str(raised[0]["alarm"])
    assert [row["state"] for row in _run(home, "alarms", "--open", "--as", "anna")[1]] == ["open"]
    assert _run(home, "alarms", "--as", "dave")[1] == []
    assert _run(home, "take-alarm", number, "--as", "dave")[0] == 4
    assert _run(home, "take-alarm", number, "--as", "anna")[1][0]["taken_by"] == "anna"
    assert _run(home, "take-alarm", number, "--as", "bob")[0] == 5
    assert _run(home, "alarms", "--open", "--as", "anna")[1] == []
    assert _run(home, "duty", "remove", str(made[0]["duty"]), "--as", "bob")[0] == 0
    assert _run(home, "duty", "list", "--as", "bob")[1] == []
    code, _, told = _run(home, "duty", "add", "anna", "--until", "12h", "--matter", "lunch", "--as", "bob")
    assert code == 3
    assert "life" in told
