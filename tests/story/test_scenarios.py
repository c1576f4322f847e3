"""The scenarios of 2018 and 2019: one world, told apart by what is done; and more than one worker."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections import Counter
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from staydown.core.errors import Invalid
from staydown.core.states import RequestState
from staydown.exercise.cost import Stages
from staydown.exercise.grid import cells, grid
from staydown.exercise.host import Journal
from staydown.exercise.run import _Player
from staydown.exercise.scenario import (
    ActionRules,
    AdversaryRules,
    PeopleRules,
    Scenario,
    WorldRules,
    load,
    names,
)
from staydown.exercise.score import MONTH
from staydown.exercise.things import Role
from staydown.exercise.world import World
from support import Desk


def test_the_two_years_differ_only_in_what_is_done() -> None:
    was, became = load("one-off-2018"), load("action-day-2019")
    assert replace(was, name="", title="", action=became.action) == replace(became, name="", title="")
    assert was.action.only == became.messenger
    assert (was.action.follow_up, became.action.follow_up) == (False, True)
    assert (was.action.own_ban_days, became.action.own_ban_days) == (0.0, 14.0)


def test_the_grid_varies_each_of_the_three_by_itself() -> None:
    found = cells()
    assert len({tuple(sorted(cell.items())) for cell in found}) == 9
    *ways, nothing = found
    assert ActionRules(**ways[0]) == load("one-off-2018").action  # type: ignore[arg-type]
    assert ActionRules(**ways[-1]) == load("action-day-2019").action  # type: ignore[arg-type]
    for name in ("volume", "follow_up", "own_ban_days"):
        assert len({cell[name] for cell in ways}) == 2
    assert ActionRules(**nothing) == ActionRules(volume=0.0, only="", follow_up=False, own_ban_days=0.0)  # type: ignore[arg-type]


def test_a_grid_shows_what_happens_where_nothing_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row that is the zero; and figures that a world without sightings does not have."""
    played: list[dict[str, object]] = []

    def play(name: str, **words: Any) -> SimpleNamespace:
        played.append(dict(words["action"]))
        figure = None if words["action"]["volume"] == 0.0 and words["seed"] == 1 else 0.5
        drops = dict.fromkeys(("posts_drop_30_days", "posts_drop_elsewhere"), figure)
        return SimpleNamespace(figures={**drops, "items_referred": 0, "returns_true": 0, "migrated": 0})

    monkeypatch.setattr("staydown.exercise.grid.play", play)
    rows = list(grid(tmp_path, items=60, seeds=range(1, 2), progress=lambda _: None))
    assert played == cells()
    assert [row["posts_drop_30_days"] for row in rows] == [0.5] * 8 + [None]
    assert (rows[-1]["volume"], rows[-1]["least"], rows[-1]["most"]) == (0.0, None, None)


def test_a_grid_refuses_one_database_for_many_exercises(tmp_path: Path) -> None:
    words = ["--database", "postgresql://nowhere.example/x", "exercise", "grid", str(tmp_path / "grid")]
    done = subprocess.run(
        [sys.executable, "-m", "staydown", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "--database" in done.stderr
    assert not (tmp_path / "grid").exists()


def test_nothing_goes_wrong_by_the_number_of_an_attempt() -> None:
    """How often somebody asked before, or whether the servers were started again, changes nothing."""
    world = World(load("small", items=60), 1)
    found = []
    for number in range(4000):
        first = world.fault("flock", f"/{number}", 1, about="SD-1")
        assert all(world.fault("flock", f"/{number}", n, about="SD-1") == first for n in (2, 3))
        found.append(first)
    resets = [one.is_late for one in found if one is not None and one.kind == "reset"]
    assert {True, False} == set(resets)


def test_an_unknown_rule_of_action_is_refused() -> None:
    with pytest.raises(Invalid, match="no rule of action 'speed'"):
        load("small", action={"speed": 2.0})


@pytest.mark.parametrize("name", names())
def test_every_key_of_a_scenario_is_stated_and_carries_one_mark(name: str) -> None:
    folder = Path(sys.modules["staydown.exercise.scenario"].__file__ or "").parent / "scenarios"
    text = (folder / f"{name}.toml").read_text(encoding="utf-8")
    keys = re.findall(r"^(\w+) = [^#\n]*(?:# (\w+)\b.*)?$", text, flags=re.MULTILINE)
    assert {key: mark for key, mark in keys if mark not in {"published", "brief", "assumed"}} == {}
    rules = (Scenario, ActionRules, WorldRules, AdversaryRules, PeopleRules)
    wanted = Counter(one.name for rule in rules for one in fields(rule))
    assert Counter(key for key, _ in keys) == wanted - Counter(["action", "world", "adversary", "people"])


def test_the_published_mean_of_posts_is_the_mean_here() -> None:
    rules = load("action-day-2019").world
    assert rules.posts_a_day_median * math.exp(rules.posts_a_day_sigma**2 / 2) == pytest.approx(4.6, abs=1e-3)


@pytest.mark.parametrize("name", ["one-off-2018", "action-day-2019"])
def test_where_nothing_is_done_posts_do_not_fall(name: str) -> None:
    """The zero of the scale: nobody is born into the month before hour H, which the month after it could not match."""
    scenario = load(name, items=1300, action={"volume": 0.0, "own_ban_days": 0.0})
    world = World(scenario, 1)
    world.advance(scenario.ends_at)
    assert world.reports(scenario.starts_at - MONTH, scenario.ends_at) == []
    before = world.posts(scenario.hour_h - MONTH, scenario.hour_h)
    after = world.posts(scenario.hour_h, scenario.hour_h + MONTH)
    assert set(before) == set(after)
    assert {"hearth", "flock"} < set(before)
    for provider, posts in before.items():
        assert abs(1 - after[provider] / posts) < 0.005, provider


def test_several_hundred_items_are_reported_in_the_one_off_action() -> None:
    world = World(load("one-off-2018"), 1)
    told = world.reports(world.scenario.starts_at - MONTH, world.scenario.ends_at)
    assert 300 <= len({one.thing for one in told}) <= 900


def test_without_follow_up_nobody_reports_a_return() -> None:
    world = World(load("one-off-2018", items=260), 1)
    told = world.reports(world.scenario.starts_at, world.scenario.ends_at)
    assert told
    for one in told:
        thing = world.things[one.thing]
        assert thing.form.provider == "hearth"
        assert thing.form.is_actor
        assert thing.parent is None


def test_the_messenger_bans_only_outlets_accounts_of_its_own() -> None:
    world = World(load("action-day-2019", items=260), 1)
    world.advance(world.scenario.hour_h + timedelta(days=30))
    banned = [t for t in world.things if any(span.why == "own-ban" for span in t.spans)]
    assert banned
    for thing in banned:
        assert (thing.form.provider, thing.role) == ("hearth", Role.TERRORIST)
        assert all(span.since >= world.scenario.hour_h for span in thing.spans)


def test_what_was_decided_is_told_once(tmp_path: Path) -> None:
    world = World(load("small", items=60), 1)
    (thing, *_) = [t for t in world.things if t.form.provider == "hearth" and t.form.is_actor]
    at = world.receive(
        "hearth", "SD-1", [(1, thing.address)], via="mail", message_id="<a@b.example>", repeat=False
    )
    late = at + timedelta(days=60)
    assert world.decided(at, late) == [("hearth", "SD-1")]
    assert world.decided(late, late + timedelta(days=1)) == []


def test_a_step_that_was_cut_off_spoils_none_after_it(tmp_path: Path) -> None:
    scenario, path = load("small", items=60), tmp_path / "providers.jsonl"
    instants = [scenario.starts_at + timedelta(hours=hour) for hour in (1, 2)]
    Journal(World(scenario, 1), path).advance(instants[0])
    with path.open("a") as file:
        file.write('{"do": "adv')
    Journal(World(scenario, 1), path).advance(instants[1])
    again = World(scenario, 1)
    Journal(again, path)
    assert again.now == instants[1]


NOT_OF_THE_SEED = {
    "wall_seconds",
    "seconds_by_stage",
    "work_by_kind",
    "peak_mib",
    "http_requests",
    "ledger_size",
    "own_network",
    "database",
}


def received(journal: Path) -> list[tuple[str, str, list[list[object]], str]]:
    """What reached the providers, and at which simulated instant, by their own record."""
    found, now = [], ""
    for line in journal.read_text(encoding="utf-8").splitlines():
        step = json.loads(line)
        if step["do"] == "advance":
            now = step["to"]
        elif step["do"] == "receive":
            found.append((step["provider"], step["reference"], step["lines"], now))
    return sorted(found)


@pytest.mark.timeout(280)
def test_more_workers_change_no_figure_of_the_seed(tmp_path: Path, postgres: str) -> None:
    """Several processes share the work of one exercise, on either database: the same things happen, at the same time."""
    words = ["exercise", "run", "--scenario", "small", "--items", "40", "--seed", "13", "--json"]
    told = []
    for number, (more, workers) in enumerate((([], "1"), ([], "3"), (["--database", postgres], "2"))):
        out = tmp_path / str(number)
        done = subprocess.run(
            [sys.executable, "-m", "staydown", *more, *words, "--workers", workers, "--out", str(out)],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/bin:/bin", "STAYDOWN_BATCH": "10"},  # so that there is something to share
        )
        assert done.returncode == 0, done.stderr
        figures = {k: v for k, v in json.loads(done.stdout).items() if k not in NOT_OF_THE_SEED}
        told.append((figures, received(out / "providers.jsonl")))
    figures, requests = told[0]
    for name in ("posted_twice", "lost", "clocks_missed", "outside_attempts"):
        assert figures[name] == 0, name
    assert len(requests) > 25
    for other, arrived in told[1:]:
        assert other == figures
        assert arrived == requests


class _Alone:
    """The crew and the host of an exercise that is one desk and its providers."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self.now = desk, desk.world.now

    def drain(self) -> None:
        self._desk.work()

    def advance(self, to: datetime) -> None:
        self._desk.world.now = to


def test_what_meets_trouble_at_the_very_end_still_leaves(desk: Desk) -> None:
    """Every provider that errs in the last turn would else have lost a request."""
    items = desk.sight(desk.show("qorvana"))
    desk.keep(items)
    desk.view(items)
    (request,) = desk.put(items).requests
    desk.consent(request)
    desk.world.faults["flock", "/referrals"] = ["error", "error"]
    player = _Player.__new__(_Player)
    player.app, player.tools, player.stages = desk.app, desk.tools, Stages(0.0)
    player.crew = player.host = _Alone(desk)  # type: ignore[assignment]
    player.scenario = load("small")
    player.crew.drain()
    assert desk.request(request.id).state is RequestState.APPROVED
    player.let_leave()
    assert [one.reference for one in desk.world.intakes] == [request.reference]
    assert desk.request(request.id).state is not RequestState.APPROVED
