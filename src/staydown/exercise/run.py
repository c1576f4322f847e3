"""Playing an exercise from beginning to end: world, people and workers, on real sockets, in simulated time."""

from __future__ import annotations

import json
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from staydown.app import HOSTS, App, open_app
from staydown.core.errors import Broken, Invalid, Outside
from staydown.core.ids import AgencyCode, ItemId
from staydown.core.item import NewSighting, Refusal
from staydown.core.time import EPOCH, iso, parse
from staydown.exercise.crew import Crew
from staydown.exercise.draw import unit
from staydown.exercise.host import Host
from staydown.exercise.people import OPERATION, Staff, agency_of
from staydown.exercise.scenario import Scenario, load
from staydown.exercise.score import score, truth_rows
from staydown.fetch.audit import attempts
from staydown.fetch.namespace import enter_own_network
from staydown.flow import audit, record
from staydown.flow.publish import write_report
from staydown.ports import Row

WORDS = (
    "https://{rest}",
    "http://{rest}",
    "https://{rest}?utm_source=list",
    "hxxps://{rest}",
    "{rest}",
    "https://{rest}#seen",
)


def on_grid(instant: datetime, grid: timedelta) -> datetime:
    """The first step of simulated time at or after an instant."""
    past = (instant - EPOCH) % grid
    return instant + (grid - past) if past else instant


@dataclass(frozen=True, slots=True)
class Played:
    """An exercise that was played to its end."""

    figures: dict[str, object]
    wrong: tuple[str, ...]
    report: Path


def play(
    name: str,
    *,
    seed: int,
    out: Path,
    items: int | None = None,
    database: str | None = None,
    workers: int | None = None,
    action: Mapping[str, float | str | bool] | None = None,
    language: str = "en",
    progress: Callable[[int], None] | None = None,
) -> Played:
    """Play a scenario; broken off and started again with the same words it goes on where it was.

    Raises:
        NotFound: There is no such scenario.
        Invalid: The folder holds another exercise.
        Broken: What was played does not hold together.
    """
    scenario = load(name, items=items, action=action)
    is_alone = database is None and enter_own_network()
    started, used, asked = time.monotonic(), 0.0, 0
    app = _open(out, scenario, seed, database)
    host = Host(name, items=items, seed=seed, journal=out / "providers.jsonl", action=action)
    crew: Crew | None = None
    try:
        (app.settings.home / HOSTS).write_text(json.dumps(host.hosts))
        used = float(app.store.noted("exercise_seconds") or 0.0)
        asked = int(app.store.noted("exercise_requests") or 0)
        crew = Crew(app.tools, app.settings.home, database, workers or scenario.workers)
        player = _Player(app, host, crew, scenario, seed)
        player.play(progress)
        return _finish(
            app,
            host,
            crew,
            player,
            out,
            language=language,
            began=started - used,
            requests=asked + app.fetch.requests_made + crew.requests_made,
            is_alone=is_alone,
        )
    finally:
        spent = used + time.monotonic() - started
        with closing(app):
            made = app.fetch.requests_made
            if crew is not None:
                crew.stop()
                made += crew.requests_made
            app.store.note("exercise_seconds", f"{spent:.3f}")
            app.store.note("exercise_requests", str(asked + made))
        host.stop()


def _open(out: Path, scenario: Scenario, seed: int, database: str | None) -> App:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Outside(f"{out} cannot be made: {error.strerror}") from error
    app = open_app(out / "home", database=database)
    rules = scenario.action
    played = (
        f"{scenario.name} items={scenario.items} seed={seed} volume={rules.volume} only={rules.only}"
        f" follow_up={rules.follow_up} own_ban_days={rules.own_ban_days}"
    )
    if not app.key_file.exists():
        app.make(
            exercise=True, origin=f"exercise.example/{scenario.name}-{seed}", starts_at=scenario.starts_at
        )
        app.store.note("exercise_played", played)
    app.require_exercise()
    before = app.store.noted("exercise_played")
    if before is None:
        app.store.note("exercise_played", played)
    elif before != played:
        raise Invalid(f"{out} holds another exercise: {before}", hint="Name another folder with --out.")
    return app


class _Player:
    """Moves the time, and lets people and workers act until it stands at the end."""

    def __init__(self, app: App, host: Host, crew: Crew, scenario: Scenario, seed: int) -> None:
        self.app, self.host, self.crew, self.scenario, self.seed = app, host, crew, scenario, seed
        self.tools = app.tools
        self.staff = Staff(self.tools, scenario, seed)
        self.stages: defaultdict[str, float] = defaultdict(float)  #: seconds spent, by stage

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.stages[name] += time.monotonic() - began

    def play(self, progress: Callable[[int], None] | None) -> None:
        """From where the store stands to the end."""
        if self.app.store.noted("exercise_hired") is None:
            providers = sorted({host.split(".")[0] for host in self.host.hosts if host.count(".") == 2})
            self.staff.hire(providers, self.host.partner_list())
            self.app.store.note("exercise_hired", "yes")
        before = parse(
            self.app.store.noted("exercise_tick") or iso(self.scenario.starts_at - timedelta(hours=1))
        )
        acted = self.scenario.starts_at - timedelta(hours=1)
        for tick in self.scenario.ticks():
            if tick > before:
                self._until(tick)
                self._turn(before, acted, tick)
                self.app.store.note("exercise_tick", iso(tick))
                before = tick
            if self.scenario.acts(tick):
                acted = tick
            if progress:
                progress(1)

    def _until(self, tick: datetime) -> None:
        """Do what falls due before the next turn, each at its own instant."""
        while True:
            with self.tools.begin(write=False) as work:
                due, now = work.queue.next_due(), work.now
            instant = tick if due is None else min(max(on_grid(due, self.scenario.grid(due)), now), tick)
            self._set(instant, now)
            self._drain()
            if instant >= tick:
                return

    def _drain(self) -> None:
        with self._stage("work"):
            self.crew.drain()

    def _set(self, instant: datetime, now: datetime) -> None:
        with self._stage("world"):
            if instant > now:
                self.host.advance(instant)
                self.app.store.set_simulated(instant)
            elif instant > self.host.now:
                self.host.advance(instant)
            self.host.now = max(self.host.now, instant)

    def _turn(self, before: datetime, acted: datetime, tick: datetime) -> None:
        with self._stage("intake"):
            self._report(before, tick)
        self._drain()
        if self.scenario.acts(tick):
            with self._stage("people"):
                self.staff.act(
                    hours=(tick - before).total_seconds() / 3600,
                    first_days=tick < self.scenario.action_ends,
                    proposes=self.scenario.proposes(before, tick),
                )
                self.staff.answer_mail(self.host, acted, tick)
        with self._stage("people"):
            self.staff.complaints(self.host.complaints(before, tick))
            if tick.hour == 12:
                self.staff.give_up()
        self._drain()

    def _report(self, before: datetime, tick: datetime) -> None:
        """Agencies take in what their monitoring turned up, in whatever spelling."""
        told: list[NewSighting] = []
        for number, at, address in self.host.reports(before, tick):
            code = agency_of(number)
            row = Row(line=0, raw=self._spelled(code, address), seen_at=iso(at), note="monitoring")
            one = record.sighting(self.tools, row, agency=code, now=tick, file_sha256="")
            if isinstance(one, Refusal):
                raise Broken(f"the exercise's own address was refused: {row.raw}: {one.reason}")
            told.append(one)
        if not told:
            return
        with self.tools.begin() as work:
            done = record.record(work, told, operation=OPERATION)
            new = set(done.items_new)
            first: dict[ItemId, AgencyCode] = {}
            for _, item, one in done.sightings:
                if item in new:
                    first.setdefault(item, one.agency)
            asked: dict[AgencyCode, list[ItemId]] = defaultdict(list)
            for item, code in first.items():
                asked[code].append(item)
            self.staff.keep(asked, work)

    def _spelled(self, code: AgencyCode, address: str) -> str:
        rest = address.removeprefix("https://")
        word = WORDS[int(unit(self.seed, "spelling", code, address) * len(WORDS))]
        if "?" in rest or rest.endswith("/"):
            word = WORDS[0] if "utm" in word else word
        host, slash, path = rest.partition("/")
        if unit(self.seed, "capitals", code, address) < 0.3:
            host = host.upper()
        return word.format(rest=f"{host}{slash}{path}")


def _finish(
    app: App,
    host: Host,
    crew: Crew,
    player: _Player,
    out: Path,
    *,
    language: str,
    began: float,
    requests: int,
    is_alone: bool,
) -> Played:
    """Score, verify, report, and write the truth down."""
    scenario, scoring = player.scenario, time.monotonic()
    with app.tools.begin(write=False) as work:
        result = score(work, host, app.catalogue, scenario, OPERATION)
        checked = audit.verify(work, app.vault, public=app.store.public_key)
        report = out / "report.html"
        write_report(work, app.reports, OPERATION, to="html", out=report, language=language)
    with (out / "truth.jsonl").open("w", encoding="utf-8") as file:
        for row in truth_rows(app.catalogue, host):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    if checked.broken:
        raise Broken(f"the ledger does not verify: {checked.broken[0]}")
    player.stages["score and report"] += time.monotonic() - scoring
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + host.peak_kib() + crew.peak_kib
    figures: dict[str, object] = {
        "scenario": scenario.name,
        "seed": player.seed,
        "simulated_days": (scenario.ends_at - scenario.starts_at).days,
        "agencies": scenario.agencies,
        "providers": len({row["provider"] for row in host.truth()}),
        **result.figures,
        "http_requests": requests,
        "outside_attempts": attempts() + crew.outside_attempts,
        "own_network": is_alone,
        "ledger_size": checked.size,
        "wall_seconds": round(time.monotonic() - began, 2),
        "seconds_by_stage": {name: round(spent, 2) for name, spent in player.stages.items()},
        "work_by_kind": crew.by_kind(),
        "peak_mib": round(peak / 1024, 1),
    }
    return Played(figures, result.wrong, report)
