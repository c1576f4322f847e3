"""Scenarios as data: what is played, with every parameter named."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from staydown.core.errors import Invalid, NotFound
from staydown.core.time import parse


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


def load(name: str, *, items: int | None = None) -> Scenario:
    """A scenario by name, with another number of items where given.

    Raises:
        NotFound: There is no such scenario.
        Invalid: The number of items is not from 20 to 1,000,000.
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
        "starts_at": parse(raw.pop("starts_at")),
    }
    unknown = set(raw) - {field.name for field in fields(Scenario)}
    if unknown:
        raise Invalid(f"scenario {name} has an unknown key {sorted(unknown)[0]!r}")
    scenario = Scenario(**raw, **parts)
    if items is None:
        return scenario
    if not 20 <= items <= 1_000_000:
        raise Invalid(f"{items} items cannot be played", hint="Choose from 20 to 1,000,000.")
    return replace(scenario, items=items)
