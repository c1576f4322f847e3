"""The world before the action, made from a seed with the distributions of the science brief."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from itertools import accumulate

from staydown.exercise.draw import chance, hours, lognormal, pareto, pick, poisson, unit, weighted
from staydown.exercise.scenario import Scenario
from staydown.exercise.things import (
    ACTORS,
    FORMS,
    MIRRORS,
    Form,
    Role,
    Thing,
    code,
    handle,
    stem,
    successor,
    voice,
)

LONGEST_DAYS = 400.0
"""So much older than the youngest thing is the oldest, at most."""
_GROUNDS = "abcde"
_PURPOSES = ("education", "journalism", "art", "research", "counter-speech")


class Generator:
    """Makes things; every question to chance carries the thing's number, so order does not matter."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self.things: list[Thing] = []
        self._outlets = max(3, scenario.items // 25)
        shape = scenario.world.outlet_pareto
        self._sizes = list(accumulate(pareto(shape, seed, "outlet", n) for n in range(self._outlets)))
        self._names: set[tuple[str, str]] = set()
        self._actors: dict[tuple[str, Role], list[Thing]] = {}
        self._outlet_actors: list[Thing] = []
        self._quotable: list[Thing] = []

    def world(self) -> list[Thing]:
        """All things that exist when the action begins."""
        while len(self.things) < self.scenario.items:
            number = len(self.things)
            form = weighted([(form, form.share) for form in FORMS], self.seed, "form", number)
            self.add(form)
            if len(self.things) < self.scenario.items:
                self._mirror(self.things[-1])
        return self.things

    def _outlet_of(self, number: int) -> int:
        mark = unit(self.seed, "outlet of", number) * self._sizes[-1]
        return min(bisect_right(self._sizes, mark), self._outlets - 1)

    def _role(self, number: int) -> Role:
        rules = self.scenario.world
        shares = ((Role.EXEMPT, rules.share_exempt), (Role.CLEAR, rules.share_clear))
        rest = 1.0 - rules.share_exempt - rules.share_clear
        return weighted((*shares, (Role.TERRORIST, rest)), self.seed, "role", number)

    def add(self, form: Form) -> Thing:
        """One more thing of the first days."""
        number, seed, rules = len(self.things), self.seed, self.scenario.world
        role = self._role(number)
        owner = self._owner(form, number, role)
        outlet = owner.outlet if owner else self._outlet_of(number)
        born = self._born(number)
        if owner and born < owner.born:
            born = owner.born
        thing = Thing(
            number=number,
            form=form,
            role=role,
            outlet=outlet,
            operator=owner.operator if owner else number,
            name=self._name(form, number, role),
            path="",
            born=born,
            purpose=pick(_PURPOSES, seed, "purpose", number),
            ground=pick(_GROUNDS, seed, "ground", number),
            voice=owner.voice if owner else voice(seed, number),
            avatar=self._avatar(form, number, outlet, role),
            shared=self._shared(number, outlet, role),
            media=(f"/media/m{code(seed, 'media', number)}",) if not form.is_actor else (),
            followers=int(
                lognormal(rules.followers_median, rules.followers_sigma, seed, "followers", number)
            ),
            posts_a_day=lognormal(rules.posts_a_day_median, rules.posts_a_day_sigma, seed, "posts", number)
            if form.is_actor
            else 0.0,
            owner=owner.number if owner else None,
        )
        return self.place(thing)

    def _born(self, number: int) -> datetime:
        """So long before hour H that nothing begins to post within the month that is compared with the one after it."""
        rules = self.scenario.world
        age = lognormal(rules.age_days_median, rules.age_days_sigma, self.seed, "age", number)
        return self.scenario.hour_h - hours(24 * (rules.age_days_least + min(age, LONGEST_DAYS)))

    def place(self, thing: Thing) -> Thing:
        """Give a thing its path and put it into the world."""
        form, seed = thing.form, self.seed
        owner = self.things[thing.owner].name if thing.owner is not None else thing.name
        thing.path = form.path.format(
            name=thing.name,
            owner=owner,
            site=thing.name,
            number=thing.number + 1000,
            code=code(seed, "path", thing.number),
        )
        self.things.append(thing)
        if form.is_actor:
            self._actors.setdefault((form.provider, thing.role), []).append(thing)
            if thing.role is Role.TERRORIST:
                self._outlet_actors.append(thing)
        if thing.role is Role.TERRORIST and thing.shared:
            self._quotable.append(thing)
        return thing

    def _owner(self, form: Form, number: int, role: Role) -> Thing | None:
        if "{owner}" not in form.path:
            return None
        fitting = self._actors.get((form.provider, role), [])
        return pick(fitting, self.seed, "owner", number) if fitting else None

    def _name(self, form: Form, number: int, role: Role) -> str:
        """A free name; some everyday pages carry the name of an outlet's channel, as fans do."""
        wanted = handle(self.seed, "name", number)
        known = self._outlet_actors
        if role is Role.CLEAR and known and chance(0.25, self.seed, "fan", number):
            wanted = successor(pick(known, self.seed, "fan of", number).name, self.seed, "fan name", number)
        return self.free_name(form.provider, wanted)

    def free_name(self, provider: str, wanted: str) -> str:
        """The name, or the nearest one that is not taken at this provider."""
        name, more = wanted[:26], 1
        while (provider, name) in self._names:
            more += 1
            name = f"{wanted[:24]}{more}"
        self._names.add((provider, name))
        return name

    def _avatar(self, form: Form, number: int, outlet: int, role: Role) -> str:
        if not form.is_actor:
            return ""
        if role is Role.TERRORIST and chance(self.scenario.world.logo_share, self.seed, "logo", number):
            return f"/media/a{code(self.seed, 'logo of', outlet)}"
        return f"/media/a{code(self.seed, 'avatar', number)}"

    def _shared(self, number: int, outlet: int, role: Role) -> tuple[str, ...]:
        """Own hub, the outlet's hub, and shout-outs; those who report quote the outlet's addresses."""
        own = f"https://{stem(self.seed, 'hub', number)}{number}.example/join"
        hub = f"https://{stem(self.seed, 'outlet hub', outlet)}{outlet}.example/all"
        if role is Role.CLEAR:
            return (own,) if chance(0.5, self.seed, "shares", number) else ()
        if role is Role.EXEMPT:
            known = self._quotable
            quoted = pick(known, self.seed, "quotes", number).shared[:1] if known else ()
            return (*quoted, hub)
        return (own, hub) if chance(0.45, self.seed, "hub", number) else (own,)

    def _mirror(self, original: Thing) -> None:
        """Copies of a release at file and paste hosts, with the same media."""
        if original.role is not Role.TERRORIST or original.form.is_actor:
            return
        wanted = poisson(self.scenario.adversary.mirrors_mean, self.seed, "mirrors", original.number)
        for copy in range(min(wanted, self.scenario.items - len(self.things), 5)):
            form = pick(MIRRORS, self.seed, "mirror form", original.number, copy)
            thing = self.add(form)
            thing.role, thing.ground, thing.outlet = Role.TERRORIST, original.ground, original.outlet
            thing.operator, thing.voice, thing.media = original.operator, original.voice, original.media
            thing.mirror_of = original.number
            thing.born = original.born + hours(
                lognormal(1 / 3, 1.0, self.seed, "mirror at", original.number, copy)
            )

    def returned(self, old: Thing, at: datetime, *, migrates: bool) -> Thing:
        """The successor of a removed thing."""
        number, seed, rules = len(self.things), self.seed, self.scenario.adversary
        others = [form for form in ACTORS if form.provider != old.form.provider]
        form = pick(others, seed, "migrates to", number) if migrates else old.form
        own = old.shared[0] if old.shared and chance(0.6, seed, "shares again", old.number) else ""
        fresh = f"https://{stem(seed, 'hub', number)}{number}.example/join"
        keeps_avatar = bool(old.avatar) and chance(0.6, seed, "keeps avatar", old.number)
        return self.place(
            Thing(
                number=number,
                form=form,
                role=old.role,
                outlet=old.outlet,
                operator=old.operator,
                name=self.free_name(form.provider, successor(old.name, seed, "returns", old.number)),
                path="",
                born=at,
                purpose=old.purpose,
                ground=old.ground,
                voice=old.voice,
                avatar=old.avatar if keeps_avatar else f"/media/a{code(seed, 'avatar', number)}",
                shared=(own or fresh, *old.shared[1:]),
                media=(),
                followers=max(1, int(old.followers * 0.05)),
                posts_a_day=old.posts_a_day * rules.restart_posts,
                parent=old.number,
                generation=old.generation + 1,
            )
        )


def seen_by(scenario: Scenario, seed: int, thing: Thing, *, later: bool) -> list[int]:
    """Which agencies see a thing, by number."""
    mean = scenario.world.agencies_per_item
    extra = poisson(max(0.0, mean - 1.0) * (0.4 if later else 1.0), seed, "seen by", thing.number)
    order = sorted(range(scenario.agencies), key=lambda agency: unit(seed, "order", thing.number, agency))
    return order[: min(1 + extra, scenario.agencies)]
