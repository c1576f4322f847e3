"""The scenarios of 2018 and 2019: one world, told apart by what is done; and more than one worker."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections import Counter
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest

from staydown.core.errors import Invalid
from staydown.exercise.grid import cells
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


def test_the_two_years_differ_only_in_what_is_done() -> None:
    was, became = load("one-off-2018"), load("action-day-2019")
    assert replace(was, name="", title="", action=became.action) == replace(became, name="", title="")
    assert was.action.only == became.messenger
    assert (was.action.follow_up, became.action.follow_up) == (False, True)
    assert (was.action.own_ban_days, became.action.own_ban_days) == (0.0, 14.0)


def test_the_grid_varies_each_of_the_three_by_itself() -> None:
    found = cells()
    assert len({tuple(sorted(cell.items())) for cell in found}) == 8
    assert ActionRules(**found[0]) == load("one-off-2018").action  # type: ignore[arg-type]
    assert ActionRules(**found[-1]) == load("action-day-2019").action  # type: ignore[arg-type]
    for name in ("volume", "follow_up", "own_ban_days"):
        assert len({cell[name] for cell in found}) == 2


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


@pytest.mark.timeout(280)
def test_more_workers_change_no_figure_of_the_seed(tmp_path: Path, postgres: str) -> None:
    """Several processes share the work of one exercise, on either database: the same things happen."""
    words = ["exercise", "run", "--scenario", "action-day-2019", "--items", "40", "--seed", "3", "--json"]
    figures = []
    for number, (more, workers) in enumerate((([], "1"), ([], "3"), (["--database", postgres], "2"))):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "staydown",
                *more,
                *words,
                "--workers",
                workers,
                "--out",
                str(tmp_path / str(number)),
            ],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/bin:/bin", "STAYDOWN_BATCH": "10"},  # so that there is something to share
        )
        assert done.returncode == 0, done.stderr
        figures.append(json.loads(done.stdout))
    for one in figures:
        assert (one["posted_twice"], one["lost"], one["clocks_missed"], one["outside_attempts"]) == (
            0,
            0,
            0,
            0,
        )
    told = (
        "items_unique",
        "sightings",
        "items_referred",
        "posts_drop_30_days",
        "returns_true",
        "verified_offline",
    )
    assert [[one[name] for name in told] for one in figures[1:]] == [[figures[0][name] for name in told]] * 2
