"""A list that is read by another process ends as one that is read here: same store, same refusals, same errors."""

from __future__ import annotations

import csv
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from staydown import ahead
from staydown.app import App, open_app
from staydown.core.errors import Invalid, Outside
from staydown.core.ids import AgencyCode
from staydown.flow import record

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """More than one batch of records, some of which cannot be taken."""
    path = tmp_path / "seen.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["url", "agency", "first_seen", "note"])
        for number in range(record.BATCH + 500):
            address = "ftp://page.example/a" if number % 1000 == 7 else f"https://page{number}.example/a"
            writer.writerow([address, "", "" if number % 2 else "2026-03-01", "Größe" if number % 3 else ""])
        writer.writerow(["https://page.example/late", "", "2126-03-01", ""])
    return path


@pytest.fixture
def pids(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes that were started to read."""
    found: list[int] = []
    inner = ahead.subprocess.Popen

    def noted(*given: object, **more: object) -> object:
        process = inner(*given, **more)  # type: ignore[call-overload]
        found.append(process.pid)
        return process

    monkeypatch.setattr(ahead.subprocess, "Popen", noted)
    return found


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[list[App]]:
    """Two empty homes that are alike."""
    made = [open_app(tmp_path / name) for name in ("here", "there")]
    for one in made:
        one.__dict__["store"] = one.make(exercise=True, origin="exercise.example/same", starts_at=AT)
    yield made
    for one in made:
        one.close()


def taken(app: App, path: Path, how: ahead.Ahead | None) -> record.Intake:
    return record.take_in(app.tools, path, importer=app.importers["csv"], agency=AgencyCode("AA"), ahead=how)


def rows(app: App) -> list[object]:
    with app.store.begin(write=False) as work:
        return [*work.items.listed(), *work.items.sightings()]


def test_it_ends_alike(apps: list[App], listed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "LARGE_BYTES", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    how = ahead.ahead_of("csv", listed)
    assert how is not None
    refused, found = [], []
    for app, way in zip(apps, (None, how), strict=True):
        done = taken(app, listed, way)
        assert done.refused_file is not None
        refused.append(done.refused_file.read_bytes())
        found.append((done.sightings, done.items_new, done.items_known, done.refused))
    assert found[0] == found[1]
    assert found[0][3] == 12
    assert refused[0] == refused[1]
    assert rows(apps[0]) == rows(apps[1])
    assert taken(apps[1], listed, how).sightings == 0


def test_a_small_list_is_read_here(listed: Path) -> None:
    assert ahead.ahead_of("csv", listed) is None


def test_what_is_wrong_with_the_file_is_said_as_here(apps: list[App], tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("a,b,c\n1,2,3\n")
    told = []
    for app, way in zip(apps, (None, lambda reading: ahead.batches("csv", reading)), strict=True):
        with pytest.raises(Invalid) as caught:
            taken(app, path, way)
        told.append((str(caught.value), caught.value.hint))
    assert told[0] == told[1]


def test_a_reader_that_dies_is_named_and_what_was_stored_stays(
    apps: list[App], listed: Path, pids: list[int]
) -> None:
    def killed(reading: record.Reading) -> Iterator[record.Batch]:
        for number, batch in enumerate(ahead.batches("csv", reading)):
            yield batch
            if number == 0:
                os.kill(pids[0], signal.SIGKILL)
                time.sleep(0.1)

    with pytest.raises(Outside, match="has ended") as caught:
        taken(apps[0], listed, killed)
    assert "Repeat" in caught.value.hint
    assert len(rows(apps[0])) > record.BATCH
    done = taken(apps[0], listed, lambda reading: ahead.batches("csv", reading))
    assert done.items_new + done.items_known == record.BATCH + 489


def test_the_reader_ends_with_whoever_it_reads_for(listed: Path, pids: list[int]) -> None:
    reading = record.Reading(path=listed, agency=AgencyCode("AA"), now=AT, file_sha256="")
    found = ahead.batches("csv", reading)
    first = next(found)
    assert len(first.good) + len(first.refused) == record.BATCH
    os.kill(pids[0], 0)
    found.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_nothing_that_lies_in_the_folder_is_run(
    listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists are taken in beside whatever else was seized."""
    folder = tmp_path / "seized"
    folder.mkdir()
    for name in ("pickle", "csv", "signal"):
        (folder / f"{name}.py").write_text("raise SystemExit('somebody else speaking')\n")
    monkeypatch.chdir(folder)
    reading = record.Reading(path=listed, agency=AgencyCode("AA"), now=AT, file_sha256="")
    assert sum(len(batch.good) for batch in ahead.batches("csv", reading)) == record.BATCH + 489
