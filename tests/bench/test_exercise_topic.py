"""What `staydown bench exercise` prints can be believed: the ledger is verified, the peer has its own world."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from staydown.app import open_app
from staydown.bench import exercise
from staydown.bench.topics import Options
from staydown.core.errors import Broken
from staydown.exercise import run
from staydown.testing.simulated import Servers

FIGURES: dict[str, object] = {"posted_twice": 0, "lost": 0, "clocks_missed": 0}


def played(tamper: str = "") -> object:
    """Stands in for an exercise: a store in the place of one."""

    def play(_: str, *, out: Path, database: str | None, **__: object) -> run.Played:
        app = open_app(out / "home", database=database)
        app.make(exercise=True).close()
        if tamper:
            with sqlite3.connect(out / "home" / "staydown.sqlite") as store:
                store.execute(tamper)
        return run.Played(figures=dict(FIGURES), wrong=(), unwritten=(), report=out / "report.html")

    return play


def test_the_second_verifier_says_its_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "play", played())
    found = exercise._played(Options(scratch=tmp_path), tmp_path / "1", 10, None)
    assert found["second_verifier"]["broken"] == []  # type: ignore[index]
    assert found["second_verifier"]["entries"] == 1  # type: ignore[index]


def test_a_ledger_that_does_not_verify_gives_no_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swapped = "UPDATE ledger_entries SET entry = CAST(replace(CAST(entry AS TEXT), 'store', 'other') AS BLOB)"
    monkeypatch.setattr(run, "play", played(swapped))
    with pytest.raises(Broken, match="second verifier"):
        exercise._played(Options(scratch=tmp_path), tmp_path / "1", 10, None)


def test_the_peers_providers_have_a_process_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the exercise's world has: client and servers under one lock would slow the peer down."""

    def here(_: object) -> None:
        raise AssertionError("the peer's providers run in the client's process")

    monkeypatch.setattr(Servers, "start", here)
    assert exercise._bare(tmp_path / "bare", 40) > 0
