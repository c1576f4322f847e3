"""What `staydown bench intake` prints can be believed: every thing is counted once, however often it is spelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from staydown.bench import intake
from staydown.bench.topics import Options
from staydown.core.errors import Broken


def test_every_thing_becomes_one_item(tmp_path: Path) -> None:
    figures = intake.measure(Options(scratch=tmp_path, size=800, seed=3))
    things = {intake._bare_key(row[0]) for row in intake._records(800, 3)}
    assert figures["items_new"] == len(things)
    assert len(things) < 800
    assert (figures["items_known"], figures["refused"]) == (0, 0)


@pytest.mark.parametrize("spelling", ["https://hearth.exercise.example/one", "https://n.example/another"])
def test_things_that_are_merged_or_split_give_no_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    """The list says one thing where the bare keys say two, or two where they say one."""
    monkeypatch.setattr(intake, "_bare_key", lambda address: spelling if "hearth" in address else address)
    with pytest.raises(Broken, match="things became"):
        intake.measure(Options(scratch=tmp_path, size=100))
