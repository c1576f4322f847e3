"""Playing an exercise from beginning to end: world, people and workers, on real sockets, in simulated time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from staydown.app import HOSTS, App, open_app
from staydown.core.errors import Broken, Invalid, Outside, StaydownError
from staydown.core.ids import AgencyCode
from staydown.core.item import NewSighting, Refusal
from staydown.core.states import RequestState
from staydown.core.time import EPOCH, iso, parse
from staydown.exercise.cost import Cost, Stages, own_peak_kib
from staydown.exercise.crew import Crew
from staydown.exercise.draw import unit
from staydown.exercise.hands import FlowHands, Hands
from staydown.exercise.host import Host
from staydown.exercise.people import OPERATION, Staff, agency_of
from staydown.exercise.scenario import Scenario, load
from staydown.exercise.score import score, truth_rows
from staydown.fetch.audit import attempts
from staydown.fetch.namespace import enter_own_network
from staydown.flow import audit, record
from staydown.flow.publish import write_report
from staydown.plugs.reports.html.words import words_of
from staydown.ports import Row

REPORT, TRUTH, JOURNAL = "report.html", "truth.jsonl", "providers.jsonl"
LAST_TRIES = 12
"""How many more steps of simulated time there are at the end for what has not left yet."""
STANDS = "exercise_stands"
"""The note on where an exercise stands, and what it has cost so far."""
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
    wrong: tuple[str, ...]  #: what must not be, in words
    unwritten: tuple[str, ...]  #: what could not be written at the end, and why
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
    through: str = "flow",
    alone: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Played:
    """Play a scenario; broken off and started again with the same words it goes on where it was.

    Args:
        alone: Move the process, for good, into a network in which only loopback exists, where that is possible and
            no database server is asked for: for programs that end with the exercise.

    Raises:
        NotFound: There is no such scenario.
        Invalid: The folder holds another exercise, or there is no report in this language.
        Outside: Nothing can be written there.
        Broken: What was played does not hold together.
    """
    stages = Stages(time.monotonic())
    scenario = load(name, items=items, action=action)
    words_of(language)
    _require_room(out)
    is_alone = alone and database is None and enter_own_network()
    with ExitStack() as ends:
        app = ends.enter_context(closing(_open(out, scenario, seed, database)))
        host = Host(name, items=items, seed=seed, journal=out / JOURNAL, action=action)
        ends.callback(host.stop)
        (app.settings.home / HOSTS).write_text(json.dumps(host.hosts))
        crew = Crew(app.tools, app.settings.home, database, workers or scenario.workers)
        ends.callback(crew.stop)
        player = _Player(app, host, crew, scenario, seed, stages, ends.enter_context(hands_of(app, through)))
        ends.callback(player.note)
        player.play(progress)
        return _finish(player, out, language=language, is_alone=is_alone)


@contextmanager
def hands_of(app: App, through: str) -> Iterator[Hands]:
    """What the people act by: `flow`, or `api` for a server of its own on loopback.

    Raises:
        Invalid: It is neither.
    """
    if through == "flow":
        yield FlowHands(app.tools)
    elif through == "api":
        from staydown.exercise.desks import ApiHands

        with ApiHands.serving(app) as hands:
            yield hands
    else:
        raise Invalid(f"{through[:40]!r} is no way to act", hint="Say flow or api.")


def _require_room(out: Path) -> None:
    """Find out before the game, not after it, whether its end can be written.

    Raises:
        Outside: The folder cannot be made, or a file in it not be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Outside(f"{out} cannot be made: {error.strerror}") from error
    for path in (out / REPORT, out / TRUTH, out / JOURNAL):
        is_new = not path.exists()
        try:
            path.open("ab").close()
            if is_new:
                path.unlink()
        except OSError as error:
            raise Outside(f"{path} cannot be written: {error.strerror}") from error


def _open(out: Path, scenario: Scenario, seed: int, database: str | None) -> App:
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

    def __init__(
        self,
        app: App,
        host: Host,
        crew: Crew,
        scenario: Scenario,
        seed: int,
        stages: Stages,
        hands: Hands,
    ) -> None:
        self.app, self.host, self.crew, self.scenario, self.seed = app, host, crew, scenario, seed
        self.tools, self.stages = app.tools, stages
        self.hands = hands
        self.staff = Staff(self.tools, scenario, seed, hands)
        stands = json.loads(app.store.noted(STANDS) or "{}")
        self._at = parse(stands.get("tick") or iso(scenario.starts_at - timedelta(hours=1)))
        self._earlier = Cost.of(stands.get("cost", {}))
        self.staff.resume(self._day, stands.get("shifts", {}))

    @property
    def _day(self) -> str:
        return self._at.date().isoformat()

    def cost(self) -> Cost:
        """What this life and those before it have spent until now."""
        work = self.crew.by_kind()
        life = Cost(
            stages=self.stages.spent(),
            requests=self.app.fetch.requests_made + self.crew.requests_made,
            outside=attempts() + self.crew.outside_attempts,
            rows=dict(work.rows),
            seconds=dict(work.seconds),
            peak_kib=own_peak_kib() + self.host.peak_kib() + self.crew.peak_kib(),
        )
        return self._earlier.plus(life)

    def note(self) -> None:
        """Write down where the exercise stands, and what it has cost, for a life after this one."""
        stands = {
            "tick": iso(self._at),
            "cost": self.cost().as_row(),
            "shifts": self.staff.shifts(self._day),
        }
        self.app.store.note(STANDS, json.dumps(stands))

    def play(self, progress: Callable[[int], None] | None) -> None:
        """From where the store stands to the end."""
        if self.app.store.noted("exercise_hired") is None:
            providers = sorted({host.split(".")[0] for host in self.host.hosts if host.count(".") == 2})
            self.staff.hire(providers, self.host.partner_list())
            self.app.store.note("exercise_hired", "yes")
        self.stages.enter("time")
        acted = self.scenario.starts_at - timedelta(hours=1)
        for tick in self.scenario.ticks():
            if tick > self._at:
                self._until(tick)
                self._turn(self._at, acted, tick)
                self._at = tick
                self.note()
            if self.scenario.acts(tick):
                acted = tick
            if progress:
                progress(1)
        self.let_leave()

    def let_leave(self) -> None:
        """After the last turn nobody acts any more; what is approved and met trouble is tried until it has left.

        Else a request whose provider had an error at the very end would count as lost.
        """
        for _ in range(LAST_TRIES):
            with self.tools.begin(write=False) as work:
                now, waits = work.now, bool(work.requests.listed(state=RequestState.APPROVED))
            if not waits:
                return
            self._until(now + self.scenario.grid(now))

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
        with self.stages.inside("work"):
            self.crew.drain()

    def _set(self, instant: datetime, now: datetime) -> None:
        with self.stages.inside("world"):
            if instant > now:
                self.host.advance(instant)
                self.app.store.set_simulated(instant)
            elif instant > self.host.now:
                self.host.advance(instant)
            self.host.now = max(self.host.now, instant)

    def _turn(self, before: datetime, acted: datetime, tick: datetime) -> None:
        with self.stages.inside("intake"):
            self._report(before, tick)
        self._drain()
        if self.scenario.acts(tick):
            with self.stages.inside("people"):
                self.staff.act(
                    hours=(tick - before).total_seconds() / 3600,
                    first_days=tick < self.scenario.action_ends,
                    proposes=self.scenario.proposes(before, tick),
                )
                self.staff.answer_mail(self.host, acted, tick)
        with self.stages.inside("people"):
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
        with self.hands.reading() as work:
            self.staff.keep(self.hands.report(work, told, operation=OPERATION), work)

    def _spelled(self, code: AgencyCode, address: str) -> str:
        rest = address.removeprefix("https://")
        word = WORDS[int(unit(self.seed, "spelling", code, address) * len(WORDS))]
        if "?" in rest or rest.endswith("/"):
            word = WORDS[0] if "utm" in word else word
        host, slash, path = rest.partition("/")
        if unit(self.seed, "capitals", code, address) < 0.3:
            host = host.upper()
        return word.format(rest=f"{host}{slash}{path}")


def _finish(player: _Player, out: Path, *, language: str, is_alone: bool) -> Played:
    """Score, verify, report, and write the truth down; what cannot be written keeps no figure back."""
    app, host, scenario = player.app, player.host, player.scenario
    unwritten: list[str] = []
    with player.stages.inside("score and report"), app.tools.begin(write=False) as work:
        result = score(work, host, app.catalogue, scenario, OPERATION)
        checked = audit.verify(work, app.vault, public=app.store.public_key)
        try:
            write_report(work, app.reports, OPERATION, to="html", out=out / REPORT, language=language)
            _write_truth(out / TRUTH, truth_rows(app.catalogue, host))
        except StaydownError as error:
            unwritten.append(str(error))
    cost = player.cost()
    figures: dict[str, object] = {
        "scenario": scenario.name,
        "seed": player.seed,
        "simulated_days": (scenario.ends_at - scenario.starts_at).days,
        "agencies": scenario.agencies,
        "providers": len({row["provider"] for row in host.truth()}),
        **result.figures,
        "http_requests": cost.requests,
        "outside_attempts": cost.outside,
        "own_network": is_alone,
        "database": app.store.engine.dialect.name,
        "ledger_size": checked.size,
        **cost.figures(),
    }
    count = player.crew.own_errors
    failed = [f"{count} batches of work failed by an error of the program"] if count else []
    wrong = [*result.wrong, *failed, *(f"the ledger does not verify: {one}" for one in checked.broken[:1])]
    return Played(figures, tuple(wrong), tuple(unwritten), out / REPORT)


def _write_truth(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    try:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    except OSError as error:
        raise Outside(f"{path} cannot be written: {error.strerror}") from error
