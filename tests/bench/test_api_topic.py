"""What `staydown bench api` prints: every record counted, every list in a fixed number of queries."""

from __future__ import annotations

from pathlib import Path

import pytest

from staydown.bench import api
from staydown.bench.topics import Options

MOST = 16
"""Questions to the store that any list may take, sign-in and purpose included."""


def test_lists_ask_the_same_number_of_questions_however_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "SENT", 300)
    monkeypatch.setattr(api, "CALLS", 10)
    figures = api.measure(Options(scratch=tmp_path, size=3000, rounds=1))
    lists = figures["lists"]
    assert isinstance(lists, dict)
    assert (lists["all"]["rows"], lists["large_page"]["rows"], lists["one"]["rows"]) == (100, 1000, 1)
    queries = {
        name: round(one["queries"]) for name, one in lists.items()
    }  # the rate limiter's now and then apart
    assert queries["large_page"] == queries["all"]  # ten times the rows
    assert max(queries.values()) <= MOST, queries
    assert figures["checked"]["ratio"] > 0  # type: ignore[index]
