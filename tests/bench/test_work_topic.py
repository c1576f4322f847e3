"""What `staydown bench work` prints can be believed: every row is done once, also when a worker dies or sleeps."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from staydown.bench import base, work
from staydown.bench.topics import Options
from staydown.core.errors import Broken


def test_ours_and_the_peer_run_on_one_server(
    tmp_path: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAYDOWN_LEASE_S", "1")
    figures = work.measure(Options(scratch=tmp_path, size=40, rounds=1, database=postgres_server))
    for line in ("one_worker", "two_workers", "one_worker_one_row_at_a_time"):
        assert {"ours", "peer", "ratio"} <= set(figures[line])  # type: ignore[call-overload]
    assert set(figures["takeover_seconds"]) == {"postgresql", "sqlite"}  # type: ignore[call-overload]
    for found in figures["takeover"].values():  # type: ignore[attr-defined]
        assert found["rows"] == 40
        assert found["paused_then"] == {"confirm": "stale", "done": "stale"}


def test_the_peer_is_not_charged_with_its_start_and_end(tmp_path: Path) -> None:
    """From the first job it asks for to the last one it has struck off, over all its workers."""

    class Manager:
        async def fetch_job(self) -> str:
            return "job"

        async def finish_job(self) -> None: ...

    async def drain(manager: Manager) -> None:
        await asyncio.sleep(0.2)  # starts
        for _ in range(3):
            await manager.fetch_job()
            await manager.finish_job()
        await asyncio.sleep(0.2)  # ends

    at: list[float] = []
    manager = Manager()
    work._clocked(manager, at)
    asyncio.run(drain(manager))
    assert len(at) == 4
    spans = {"0": [10.0, 12.0], "1": [10.5, 13.0]}
    for number, (began, ended) in spans.items():
        work._at_the_end(tmp_path, int(number), began, ended)
    assert work._span(tmp_path, 2) == 3.0
    with pytest.raises(Broken, match="worker process failed"):
        work._span(tmp_path, 3)


def test_rows_that_are_left_give_no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_raced", lambda *_: 1.0)
    with base.home(tmp_path / "home", None) as app, pytest.raises(Broken, match="are left"):
        work._drained(app, 10, 1)


def test_a_row_that_was_done_twice_gives_no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second worker writes each row down twice; the measurement has to notice."""
    monkeypatch.setenv("STAYDOWN_LEASE_S", "1")
    monkeypatch.setattr(work, "labour", _twice)
    with base.home(tmp_path / "home", None) as app, pytest.raises(Broken, match="2 times"):
        work._takeover(app, tmp_path / "home", None, 5)


def _twice(place: Path, home: Path, address: str | None, hangs: bool) -> None:
    from staydown.bench import work as topic

    real = topic._strike_off

    def struck(*given: object) -> None:
        real(*given)  # type: ignore[arg-type]
        with (place / "done").open("a") as file:
            file.writelines(f"{task.subject}\n" for task in given[-1])  # type: ignore[attr-defined]

    topic._strike_off = struck  # type: ignore[assignment]
    topic.labour(place, home, address, hangs)
