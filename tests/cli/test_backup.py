"""Backup and restore from the command line; a worker that is told twice to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path


def staydown(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "staydown", "--home", str(home), *words],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "STAYDOWN_DATABASE"},
    )


def test_a_home_comes_back_with_the_head_it_had(tmp_path: Path) -> None:
    home, out, new = tmp_path / "home", tmp_path / "backup", tmp_path / "new"
    assert staydown(home, "init").returncode == 0
    (home / "staydown.toml").write_text('place = "NL"\n')
    assert staydown(home, "person", "add", "alice", "--agency", "AA").returncode == 0
    taken = json.loads(staydown(home, "backup", str(out), "--json").stdout)
    assert (out / "manifest.json").exists()
    assert (next(out.glob("store-*")) / "ledger.key").stat().st_mode & 0o077 == 0
    done = staydown(new, "restore", str(out), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["size"], found["root"]) == (taken["size"], taken["root"])
    assert staydown(new, "ledger", "verify").returncode == 0
    assert "alice" in staydown(new, "person", "list", "--json").stdout
    assert (new / "staydown.toml").read_text() == 'place = "NL"\n'
    again = staydown(new, "restore", str(out))
    assert again.returncode == 3
    assert "is not empty" in again.stderr
    assert "next: " in again.stderr


def test_a_mistyped_home_gets_a_clear_error_and_is_not_made(tmp_path: Path) -> None:
    done = staydown(tmp_path / "typo", "backup", str(tmp_path / "backup"))
    assert done.returncode == 4
    assert "no home with a store" in done.stderr
    assert "next: Check --home" in done.stderr
    assert not list(tmp_path.iterdir())


def test_what_is_no_backup_gets_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = staydown(tmp_path / "new", "restore", str(tmp_path / "empty"))
    assert done.returncode == 3
    assert "no finished backup" in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_worker_told_twice_stops_at_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert staydown(home, "init").returncode == 0
    worker = subprocess.Popen(
        [sys.executable, "-m", "staydown", "--home", str(home), "work"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "STAYDOWN_DATABASE"},
    )
    assert worker.stderr is not None
    assert b"is at work" in worker.stderr.readline()
    worker.send_signal(signal.SIGSTOP)  # both signals wait for it together
    worker.send_signal(signal.SIGTERM)
    worker.send_signal(signal.SIGINT)
    worker.send_signal(signal.SIGCONT)
    _, told = worker.communicate(timeout=60)
    assert worker.returncode == 130, told
