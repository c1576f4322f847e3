"""Scenarios as data: what is played, with every parameter named."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from staydown.core.errors import Invalid, NotFound
from staydown.core.time import parse

DAY_BEGINS, DAY_ENDS = 6, 21
"""The hours at which people work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldRules:
    """What the world is made of; see the scenario files for units and sources."""

    outlet_pareto: float
    followers_median: float
    followers_sigma: float
    share_exempt: float
    share_clear: float
    logo_share: float
    agencies_per_item: float
    posts_a_day_median: float
    posts_a_day_sigma: float
    age_days_least: float  #: of everything of the first days, at hour H
    age_days_median: float  #: beyond those
    age_days_sigma: float
    trouble: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AdversaryRules:
    """How the other side goes on."""

    return_share: float
    return_fading: float
    return_days_median: float
    return_days_sigma: float
    migrate_share: float
    restart_posts: float
    mirrors_mean: float
    same_address_share: float
    found_hours_median: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRules:
    """What is done, as against how the world is: the three things that two natural experiments do not tell apart."""

    volume: float  #: share of the world's things that the agencies' monitoring turns up
    only: str  #: only accounts and channels at this provider; empty: everything everywhere
    follow_up: bool  #: whether returns are looked for after the days of action
    own_ban_days: float  #: mean days until the messenger itself bans an outlet's account; 0: it does not


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleRules:
    """How well and how fast the simulated people work."""

    analysts: int
    items_an_hour: float
    error: float
    burst_share: float
    burst_factor: float
    tiring: float
    hold_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One exercise."""

    name: str
    title: str
    agencies: int
    starts_at: datetime
    hour_h_after_h: float
    action_days: int
    watch_days: int
    action_step_h: float
    watch_step_h: float
    items: int
    action_grid_min: float
    watch_grid_min: float
    propose_every_h: float  #: after the days of action: 0 is whenever people act
    messenger: str  #: the provider at which posts are counted; empty: all of them
    workers: int
    action: ActionRules
    world: WorldRules
    adversary: AdversaryRules
    people: PeopleRules

    @property
    def hour_h(self) -> datetime:
        """When approved requests leave together."""
        return self.starts_at + timedelta(hours=self.hour_h_after_h)

    @property
    def action_ends(self) -> datetime:
        """The end of the operation's window."""
        return self.starts_at + timedelta(days=self.action_days)

    @property
    def ends_at(self) -> datetime:
        """The end of watching."""
        return self.action_ends + timedelta(days=self.watch_days)

    def grid(self, at: datetime) -> timedelta:
        """Simulated time moves in these steps: what falls due between two of them is done at the second."""
        return timedelta(minutes=self.action_grid_min if at < self.action_ends else self.watch_grid_min)

    def acts(self, at: datetime) -> bool:
        """Whether people are at work."""
        return DAY_BEGINS <= at.hour < DAY_ENDS

    def proposes(self, before: datetime, at: datetime) -> bool:
        """Whether requests are drawn up at an instant: always in the days of action, then as often as said."""
        if at <= self.action_ends or not self.propose_every_h:
            return True
        every = timedelta(hours=self.propose_every_h)
        return (at - self.starts_at) // every > (before - self.starts_at) // every

    def ticks(self) -> list[datetime]:
        """The instants at which people act, in order."""
        found, at = [], self.starts_at
        while at <= self.ends_at:
            found.append(at)
            at += timedelta(hours=self.action_step_h if at < self.action_ends else self.watch_step_h)
        return found


def names() -> list[str]:
    """The scenarios there are."""
    folder = files("staydown.exercise").joinpath("scenarios")
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def load(
    name: str, *, items: int | None = None, action: Mapping[str, float | str | bool] | None = None
) -> Scenario:
    """A scenario by name, with another number of items and other rules of action where given.

    Raises:
        NotFound: There is no such scenario.
        Invalid: The number of items is not from 20 to 1,000,000, or there is no such rule.
    """
    if name not in names():
        raise NotFound(f"there is no scenario {name!r}", hint=f"There is: {', '.join(names())}.")
    raw = tomllib.loads(
        files("staydown.exercise").joinpath("scenarios", f"{name}.toml").read_text(encoding="utf-8")
    )
    parts: dict[str, Any] = {
        "world": WorldRules(**raw.pop("world")),
        "adversary": AdversaryRules(**raw.pop("adversary")),
        "people": PeopleRules(**raw.pop("people")),
        "action": ActionRules(**raw.pop("action")),
        "starts_at": parse(raw.pop("starts_at")),
    }
    unknown = set(raw) - {one.name for one in fields(Scenario)}
    if unknown:
        raise Invalid(f"scenario {name} has an unknown key {sorted(unknown)[0]!r}")
    scenario = Scenario(**raw, **parts)
    if strange := set(action or {}) - {one.name for one in fields(ActionRules)}:
        raise Invalid(f"there is no rule of action {sorted(strange)[0]!r}")
    changed: dict[str, Any] = dict(action or {})
    scenario = replace(scenario, action=replace(scenario.action, **changed))
    if items is None:
        return scenario
    if not 20 <= items <= 1_000_000:
        raise Invalid(f"{items} items cannot be played", hint="Choose from 20 to 1,000,000.")
    return replace(scenario, items=items)
