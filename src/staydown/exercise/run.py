"""Playing an exercise from beginning to end: world, people and workers, on real sockets, in simulated time."""

from __future__ import annotations

import json
import resource
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from staydown.app import HOSTS, App, open_app
from staydown.core.errors import Broken, Invalid, Outside
from staydown.core.ids import AgencyCode, ItemId
from staydown.core.item import NewSighting, Refusal
from staydown.core.time import EPOCH, iso, parse
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
from staydown.worker.loop import drain, worker_name

WORDS = (
    "https://{rest}",
    "http://{rest}",
    "https://{rest}?utm_source=list",
    "hxxps://{rest}",
    "{rest}",
    "https://{rest}#seen",
)


GRID = timedelta(minutes=15)
"""Simulated time moves in these steps: what falls due between two of them is done at the second."""


def on_grid(instant: datetime) -> datetime:
    """The first step of simulated time at or after an instant."""
    past = (instant - EPOCH) % GRID
    return instant + (GRID - past) if past else instant


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
    language: str = "en",
    progress: Callable[[int], None] | None = None,
) -> Played:
    """Play a scenario; broken off and started again with the same words it goes on where it was.

    Raises:
        NotFound: There is no such scenario.
        Invalid: The folder holds another exercise.
        Broken: What was played does not hold together.
    """
    scenario = load(name, items=items)
    is_alone = database is None and enter_own_network()
    started, used, asked = time.monotonic(), 0.0, 0
    app = _open(out, scenario, seed, database)
    host = Host(name, items=items, seed=seed, journal=out / "providers.jsonl")
    try:
        (app.settings.home / HOSTS).write_text(json.dumps(host.hosts))
        used = float(app.store.noted("exercise_seconds") or 0.0)
        asked = int(app.store.noted("exercise_requests") or 0)
        _Player(app, host, scenario, seed).play(progress)
        return _finish(
            app,
            host,
            scenario,
            seed,
            out,
            language=language,
            seconds=used + time.monotonic() - started,
            requests=asked + app.fetch.requests_made,
            is_alone=is_alone,
        )
    finally:
        spent = used + time.monotonic() - started
        with closing(app):
            app.store.note("exercise_seconds", f"{spent:.3f}")
            app.store.note("exercise_requests", str(asked + app.fetch.requests_made))
        host.stop()


def _open(out: Path, scenario: Scenario, seed: int, database: str | None) -> App:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Outside(f"{out} cannot be made: {error.strerror}") from error
    app = open_app(out / "home", database=database)
    played = f"{scenario.name} items={scenario.items} seed={seed}"
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

    def __init__(self, app: App, host: Host, scenario: Scenario, seed: int) -> None:
        self.app, self.host, self.scenario, self.seed = app, host, scenario, seed
        self.tools, self.name = app.tools, worker_name()
        self.staff = Staff(self.tools, scenario, seed)

    def play(self, progress: Callable[[int], None] | None) -> None:
        """From where the store stands to the end."""
        if self.app.store.noted("exercise_hired") is None:
            providers = sorted({host.split(".")[0] for host in self.host.hosts if host.count(".") == 2})
            self.staff.hire(providers, self.host.partner_list())
            self.app.store.note("exercise_hired", "yes")
        before = parse(
            self.app.store.noted("exercise_tick") or iso(self.scenario.starts_at - timedelta(hours=1))
        )
        for tick in self.scenario.ticks():
            if tick > before:
                self._until(tick)
                self._turn(before, tick)
                self.app.store.note("exercise_tick", iso(tick))
                before = tick
            if progress:
                progress(1)

    def _until(self, tick: datetime) -> None:
        """Do what falls due before the next turn, each at its own instant."""
        while True:
            with self.tools.begin(write=False) as work:
                due, now = work.queue.next_due(), work.now
            instant = tick if due is None else min(max(on_grid(due), now), tick)
            self._set(instant, now)
            drain(self.tools, self.name)
            if instant >= tick:
                return

    def _set(self, instant: datetime, now: datetime) -> None:
        if instant > now:
            self.host.advance(instant)
            self.app.store.set_simulated(instant)
        elif instant > self.host.now:
            self.host.advance(instant)
        self.host.now = max(self.host.now, instant)

    def _turn(self, before: datetime, tick: datetime) -> None:
        self._report(before, tick)
        drain(self.tools, self.name)
        if 6 <= tick.hour < 21:
            self.staff.act(
                hours=(tick - before).total_seconds() / 3600, first_days=tick < self.scenario.action_ends
            )
            self.staff.answer_mail_of(self.host)
        self.staff.complaints(self.host.complaints(before, tick))
        if tick.hour == 12:
            self.staff.give_up()
        drain(self.tools, self.name)

    def _report(self, before: datetime, tick: datetime) -> None:
        """Agencies take in what their monitoring turned up, in whatever spelling."""
        told: dict[AgencyCode, list[NewSighting]] = defaultdict(list)
        for number, at, address in self.host.reports(before, tick):
            code = agency_of(number)
            row = Row(line=0, raw=self._spelled(code, address), seen_at=iso(at), note="monitoring")
            one = record.sighting(self.tools, row, agency=code, now=tick, file_sha256="")
            if isinstance(one, Refusal):
                raise Broken(f"the exercise's own address was refused: {row.raw}: {one.reason}")
            told[code].append(one)
        for code, seen in sorted(told.items()):
            with self.tools.begin() as work:
                done = record.record(work, seen, operation=OPERATION)
            new: list[ItemId] = list(done.items_new)
            self.staff.keep(code, new)

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
    scenario: Scenario,
    seed: int,
    out: Path,
    *,
    language: str,
    seconds: float,
    requests: int,
    is_alone: bool,
) -> Played:
    """Score, verify, report, and write the truth down."""
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
    usage = (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    )
    figures: dict[str, object] = {
        "scenario": scenario.name,
        "seed": seed,
        "simulated_days": (scenario.ends_at - scenario.starts_at).days,
        "agencies": scenario.agencies,
        "providers": len({row["provider"] for row in host.truth()}),
        **result.figures,
        "http_requests": requests,
        "outside_attempts": attempts(),
        "own_network": is_alone,
        "ledger_size": checked.size,
        "wall_seconds": round(seconds, 2),
        "peak_mib": round(usage / 1024, 1),
    }
    return Played(figures, result.wrong, report)
