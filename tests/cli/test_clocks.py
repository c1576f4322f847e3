"""The list of clocks, and the queue of one agency."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from staydown.cli.main import app as command
from staydown.core.states import ClockState
from staydown.flow import clocks
from staydown.law.counting import days
from support import ALICE, Desk


def run(desk: Desk, database: str | None, *words: str) -> list[dict[str, object]]:
    options = ["--home", str(desk.home), *(["--database", database] if database else [])]
    ran = CliRunner().invoke(command, [*options, "clocks", *words, "--json"])
    assert ran.exit_code == 0, ran.output
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_the_queue_shows_what_ends_first_with_both_ends_and_the_article(
    desk: Desk, database: str | None
) -> None:
    request, _ = desk.referred(desk.show("one"))
    with desk.store.begin() as work:
        clocks.begin(work, request, "appeal", at=work.now, state="NL", length=days(2))
        stands = clocks.begin(work, request, "remove", at=work.now, state="NL")
        clocks.suspend(work, stands, claimed_at=work.now, ground="made up", by=ALICE)
    found = run(desk, database, "--of", "aa")
    assert [one["kind"] for one in found] == ["act", "follow-up", "appeal"]
    assert found[0]["reference"] == request.reference
    assert found[0]["source"] == "Recommendation (EU) 2018/334, point 35"
    assert found[0]["left_s"] == 3600
    assert found[0]["strict_end"] == "2026-03-02T10:00:00Z"
    assert found[0]["legal_end"] == "2026-03-02T11:00:00Z"
    assert len(run(desk, database, "--of", "AA", "--limit", "1")) == 1
    assert run(desk, database, "--of", "BB") == []
    yearly = run(desk, database, "--of", "AA", "--yearly")
    assert [one["about"] for one in yearly if one["kind"] == "commission"] == [2025]
    still = run(desk, database, "--state", ClockState.SUSPENDED.value)
    assert [one["kind"] for one in still] == ["remove"]
