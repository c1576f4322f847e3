"""What `staydown bench ledger` prints can be believed: roots and proofs are held against the peer's."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from staydown.bench import ledger
from staydown.bench.topics import TOPICS, Options, measure
from staydown.core.errors import Broken, NotFound, Outside


def small(scratch: Path, **more: object) -> Options:
    return Options(scratch=scratch, size=60, rounds=1, **more)  # type: ignore[arg-type]


def test_it_prints_ours_the_peers_and_their_ratio(tmp_path: Path) -> None:
    figures = measure("ledger", small(tmp_path))
    assert figures["roots_agree"] is True
    for line in ("append", "append_root_after_each", "durable", "durable_root_after_each_batch", "proofs"):
        assert {"ours", "peer", "ratio"} <= set(figures[line]), line  # type: ignore[call-overload]
    assert figures["proofs"]["verified_against_the_peers_root"] == 60  # type: ignore[index]


def test_a_tree_with_another_root_gives_no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_grown", lambda entries: b"\0" * 32)
    with pytest.raises(Broken):
        measure("ledger", small(tmp_path))


def test_a_missing_peer_is_said_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without(name: str) -> object:
        if name == "pymerkle":
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(Outside, match="pymerkle is not installed") as caught:
        measure("ledger", small(tmp_path))
    assert "make setup" in caught.value.hint


def test_an_unknown_topic_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        measure("nothing", small(tmp_path))
    assert all(name in caught.value.hint for name in TOPICS)
