"""A simulated world to walk the path by hand in: the same providers, with time that people let pass."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from multiprocessing.connection import Client
from pathlib import Path
from types import TracebackType
from typing import Any

from staydown.app import HOSTS, App
from staydown.core.errors import Invalid, Outside
from staydown.core.ids import AgencyCode, PersonId
from staydown.core.people import Person, Role
from staydown.core.time import iso
from staydown.exercise.host import Host
from staydown.exercise.people import agency_of
from staydown.exercise.scenario import load
from staydown.worker.loop import drain, worker_name

LINE = "exercise-line.json"
"""Where the running world waits for words about the time; readable by the home's owner only."""
CAST: Sequence[tuple[str, str, tuple[Role, ...]]] = (
    ("alice", "AA", (Role.ANALYST,)),
    ("bob", "AA", (Role.APPROVER, Role.COORDINATOR)),
    ("carol", "BB", (Role.INVESTIGATOR, Role.DECONFLICTION, Role.ANALYST)),
    ("dave", "CC", (Role.AUDITOR,)),
)
"""Alice proposes, Bob of her agency approves, Carol's agency holds, Dave sees nothing."""


class HandWorld:
    """A running world beside an exercise home."""

    def __init__(self, app: App, *, items: int, seed: int) -> None:
        self._app = app
        scenario = load("small", items=items)
        if not app.key_file.exists():
            app.make(exercise=True, origin=f"exercise.example/hand-{seed}", starts_at=scenario.starts_at)
            self._add_cast()
        app.require_exercise()
        self._host = Host("small", items=items, seed=seed, journal=app.settings.home / "providers.jsonl")
        with app.store.begin(write=False) as work:
            self.now = work.now
        self._host.advance(self.now)

    def _add_cast(self) -> None:
        with self._app.store.begin() as work:
            work.people.add_agencies([AgencyCode(code) for _, code, _ in CAST])
            for name, code, roles in CAST:
                work.people.add(Person(id=PersonId(name), agency=AgencyCode(code), roles=frozenset(roles)))

    def __enter__(self) -> HandWorld:
        home = self._app.settings.home
        _write(home / HOSTS, json.dumps(self._host.hosts))
        _write(home / LINE, json.dumps({"at": self._host.line_at, "key": self._host.key.hex()}))
        self._host.leave_line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        (self._app.settings.home / LINE).unlink(missing_ok=True)
        (self._app.settings.home / HOSTS).unlink(missing_ok=True)
        self._host.stop()

    def is_running(self) -> bool:
        """Whether the providers answer."""
        return self._host.is_running()

    def hints(self) -> list[str]:
        """A few addresses that exist in this world, and what to do with them."""
        home = self._app.settings.home
        accounts = [
            row["address"]
            for row in self._truth()
            if row["kind"] in {"account", "channel"} and row["role"] == "terrorist"
        ]
        shown = [address for address in accounts if "flock" in address][:1] + accounts[:3]
        return [
            f"staydown --home {home} exercise feed seen.csv",
            f"staydown --home {home} check {shown[0]}",
            *(f"(there is also {address})" for address in shown[1:]),
            f"staydown --home {home} person list",
        ]

    def _truth(self) -> list[dict[str, str]]:
        return list(_ask(self._app.settings.home, {"do": "truth"}))


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600, exist_ok=True)
    path.write_text(text)


def _ask(home: Path, question: dict[str, object]) -> Any:
    """One question on the line of the world that runs beside this home.

    Raises:
        Outside: No world runs.
    """
    try:
        line = json.loads((home / LINE).read_text())
        with Client(tuple(line["at"]), authkey=bytes.fromhex(line["key"])) as caller:
            caller.send_bytes(json.dumps(question).encode())
            return json.loads(caller.recv_bytes())
    except (OSError, EOFError, ValueError) as error:
        raise Outside(
            "no simulated world runs beside this home",
            hint=f"Start one: staydown --home {home} exercise world",
        ) from error


def pass_time(app: App, to: datetime) -> int:
    """Let time pass until an instant, doing due work at its own instants; gives how many rows of work were done.

    Raises:
        Outside: No world runs beside this home.
        Invalid: The instant has passed.
    """
    with app.store.begin(write=False) as work:
        if to < work.now:
            raise Invalid(f"simulated time stands at {iso(work.now)} and does not go back")
    tools, name, done = app.tools, worker_name(), drain(app.tools, worker_name())
    while True:
        with tools.begin(write=False) as work:
            due, now = work.queue.next_due(), work.now
        instant = to if due is None else min(max(due, now), to)
        if instant > now:
            _ask(app.settings.home, {"do": "advance", "to": iso(instant)})
            app.store.set_simulated(instant)
        done += drain(tools, name)
        if instant >= to:
            return done


def feed(app: App, out: Path) -> int:
    """Write what the agencies' monitoring turned up since the last time, as a list to take in; gives how many.

    Raises:
        Outside: No world runs beside this home, or the file cannot be written.
    """
    with app.store.begin(write=False) as work:
        now = work.now
    since = app.store.noted("exercise_fed") or iso(now - timedelta(days=2))
    found = _ask(app.settings.home, {"do": "reports", "since": since, "until": iso(now)})
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["url", "agency", "seen_at", "note"])
            writer.writerows([address, agency_of(agency), at, "monitoring"] for agency, at, address in found)
    except OSError as error:
        raise Outside(f"{out} cannot be written: {error.strerror}") from error
    app.store.note("exercise_fed", iso(now))
    return len(found)
