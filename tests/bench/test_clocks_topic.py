"""What `staydown bench clocks` prints can be believed: every clock is counted, none twice, none missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from staydown.bench import base, clocks
from staydown.bench.topics import Options
from staydown.core.errors import Broken


def test_both_runs_ring_every_clock_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "WINDOW", timedelta(seconds=2))
    monkeypatch.setattr(clocks, "MIDDLE_S", 0.5)
    figures = clocks.measure(Options(scratch=tmp_path, size=600))
    running, restarted = figures["running"], figures["restarted"]
    assert running["rung"] == restarted["rung"] == 30  # type: ignore[index]
    assert running["earliest_s"] >= 0, "no clock rings before its end"  # type: ignore[index]
    assert restarted["killed_with_clocks_in_hand"] > 0  # type: ignore[index]
    assert restarted["worst_s"] >= restarted["p50_s"]  # type: ignore[index]
    assert (figures["suspended"], figures["restarted_among_due"]) == (6, 1)


def test_it_runs_on_a_server_of_its_own_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "WINDOW", timedelta(seconds=2))
    monkeypatch.setattr(clocks, "MIDDLE_S", 0.5)
    figures = clocks.measure(Options(scratch=tmp_path, size=400, postgres=True))
    assert figures["database"] == "postgresql"
    assert figures["goal"] == {"running": 1.0, "restarted": 5.0}


def test_a_clock_that_was_not_rung_gives_no_figures(tmp_path: Path) -> None:
    with base.home(tmp_path / "home", None) as app, pytest.raises(Broken, match="1 clocks were never rung"):
        clocks._lateness(app, tmp_path, {1: datetime.now(UTC)})


def test_a_clock_that_was_rung_twice_gives_no_figures(tmp_path: Path) -> None:
    with base.home(tmp_path / "home", None) as app:
        with app.store.begin() as work:
            for _ in range(2):
                work.ledger.append("request:clock:lapsed", "request:1", {"clock": 1})
        with pytest.raises(Broken, match="rung twice"):
            clocks._lateness(app, tmp_path, {1: datetime.now(UTC)})
