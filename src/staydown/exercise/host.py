"""The world in a process of its own, with the nine providers' servers, and the line on which it is told the time.

The world writes down every step it is told of; started again on the same file it goes through them once more and
stands where it stood, so an exercise that was killed goes on.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from staydown.core.errors import Outside
from staydown.core.time import iso, parse
from staydown.exercise.cost import peak_kib
from staydown.exercise.scenario import load
from staydown.exercise.world import World
from staydown.fetch.audit import forbid_outside
from staydown.testing.simulated import Servers
from staydown.testing.world import Fault, LineStatus, Page

START_S = 30.0


class Journal:
    """A world whose steps are written down before they take effect; the servers talk to it, one call at a time."""

    def __init__(self, world: World, path: Path) -> None:
        self.world, self._lock = world, threading.Lock()
        self._replay(path)
        self._file = path.open("a", encoding="utf-8")

    def _replay(self, path: Path) -> None:
        if not path.exists():
            return
        whole = 0
        with path.open("rb") as lines:
            for line in lines:
                if not line.endswith(
                    b"\n"
                ):  # of a process that was killed while it wrote: nobody was told of it
                    break
                self._take(json.loads(line))
                whole += len(line)
        os.truncate(path, whole)  # or the next step would stand on the same line

    def _take(self, step: Mapping[str, Any]) -> datetime | None:
        match step["do"]:
            case "advance":
                self.world.advance(parse(step["to"]))
            case "receive":
                lines = [(int(number), str(address)) for number, address in step["lines"]]
                return self.world.receive(
                    step["provider"],
                    step["reference"],
                    lines,
                    via=step["via"],
                    message_id=step["message_id"],
                    repeat=step["repeat"],
                )
            case "set_aside":
                self.world.set_aside(
                    step["provider"], step["reference"], via=step["via"], repeat=step["repeat"]
                )
            case "withdraw":
                self.world.withdraw(step["provider"], step["reference"], step["numbers"])
        return None

    def _step(self, step: Mapping[str, Any]) -> datetime | None:
        with self._lock:
            self._file.write(json.dumps(step, ensure_ascii=False) + "\n")
            self._file.flush()
            return self._take(step)

    def advance(self, to: datetime) -> None:
        """Move the world's time."""
        self._step({"do": "advance", "to": iso(to)})

    def receive(
        self,
        provider: str,
        reference: str,
        lines: Sequence[tuple[int, str]],
        *,
        via: str,
        message_id: str,
        repeat: bool,
    ) -> datetime:
        """As `WorldView` says."""
        at = self._step(
            {
                "do": "receive",
                "provider": provider,
                "reference": reference,
                "lines": [list(line) for line in lines],
                "via": via,
                "message_id": message_id,
                "repeat": repeat,
            }
        )
        return at or self.world.now

    def set_aside(self, provider: str, reference: str, *, via: str, repeat: bool) -> None:
        """As `WorldView` says."""
        self._step(
            {"do": "set_aside", "provider": provider, "reference": reference, "via": via, "repeat": repeat}
        )

    def withdraw(self, provider: str, reference: str, numbers: Sequence[int]) -> None:
        """As `WorldView` says."""
        self._step({"do": "withdraw", "provider": provider, "reference": reference, "numbers": list(numbers)})

    def page(self, provider: str, path_qs: str) -> Page | None:
        """As `WorldView` says."""
        with self._lock:
            return self.world.page(provider, path_qs)

    def media(self, provider: str, path: str) -> bytes | None:
        """As `WorldView` says."""
        return self.world.media(provider, path)

    def status(self, provider: str, reference: str) -> list[LineStatus] | None:
        """As `WorldView` says."""
        with self._lock:
            return self.world.status(provider, reference)

    def received_at(self, provider: str, reference: str) -> datetime | None:
        """As `WorldView` says."""
        return self.world.received_at(provider, reference)

    def fault(self, provider: str, path: str, attempt: int, *, about: str = "") -> Fault | None:
        """As `WorldView` says."""
        return self.world.fault(provider, path, attempt, about=about)

    def ask(self, question: Mapping[str, Any]) -> object:
        """What the exercise's people and its scorer may know; the flow never gets near it."""
        with self._lock:
            return answer(self.world, question)


def answer(world: World, question: Mapping[str, Any]) -> object:
    """The answer to one question on the line."""
    match question["do"]:
        case "reports":
            found = world.reports(parse(question["since"]), parse(question["until"]))
            return [[one.agency, iso(one.at), one.address] for one in found]
        case "complaints":
            told = world.complaints(parse(question["since"]), parse(question["until"]))
            return [[iso(one.at), one.provider, one.reference, one.line, one.purpose] for one in told]
        case "decided":
            told_of = world.decided(parse(question["since"]), parse(question["until"]))
            return [[*one, _statuses(world, *one)] for one in told_of]
        case "statuses":
            return [_statuses(world, provider, reference) for provider, reference in question["of"]]
        case "partner_list":
            return [list(entry) for entry in world.partner_list()]
        case "record":
            return [{**one, "at": iso(one["at"])} for one in world.record]  # type: ignore[arg-type]
        case "posts":
            return world.posts(parse(question["since"]), parse(question["until"]))
        case "truth":
            return [_truth(world, number) for number in range(len(world.things))]
        case _:
            raise ValueError(f"the world knows no question {question['do']!r}")


def _statuses(world: World, provider: str, reference: str) -> list[list[object]]:
    found = world.status(provider, reference) or []
    return [[one.number, one.state, one.reason, iso(one.at) if one.at else None] for one in found]


def _truth(world: World, number: int) -> dict[str, object]:
    thing = world.things[number]
    return {
        "address": thing.address,
        "provider": thing.form.provider,
        "kind": thing.form.kind,
        "role": thing.role.value,
        "outlet": thing.outlet,
        "operator": thing.operator,
        "parent": None if thing.parent is None else world.things[thing.parent].address,
        "mirror_of": None if thing.mirror_of is None else world.things[thing.mirror_of].address,
        "container": None if thing.owner is None else world.things[thing.owner].address,
        "generation": thing.generation,
        "born": iso(thing.born),
        "followers": thing.followers,
        "away": [[iso(s.since), iso(s.until) if s.until else None, s.why] for s in thing.spans],
        "online_at_end": world.away(thing, world.now) is None,
    }


# --- the process ----------------------------------------------------------------------------------


def serve(settings: Mapping[str, Any]) -> None:
    """Be the world: run the servers, and answer the line until it is closed or told to stop."""
    forbid_outside()
    scenario = load(settings["scenario"], items=settings["items"], action=settings["action"])
    world = World(scenario, int(settings["seed"]))
    journal = Journal(world, Path(settings["journal"]))
    key = bytes.fromhex(settings["key"])
    with Servers(journal) as servers, Listener(("127.0.0.1", 0), authkey=key) as listener:
        table = {"hosts": servers.hosts, "line": listener.address, "now": iso(world.now), "pid": os.getpid()}
        sys.stdout.write(json.dumps(table) + "\n")
        sys.stdout.flush()
        while _talk(listener.accept(), journal):
            pass


def _talk(line: Connection, journal: Journal) -> bool:
    """Answer one caller; False once it says stop."""
    with line:
        while True:
            try:
                question = json.loads(line.recv_bytes())
            except EOFError:
                return True
            if question["do"] == "stop":
                line.send_bytes(b"null")
                return False
            if question["do"] == "advance":
                journal.advance(parse(question["to"]))
                line.send_bytes(b"null")
            else:
                line.send_bytes(json.dumps(journal.ask(question)).encode())


class Host:
    """The world's process, seen from the exercise."""

    def __init__(
        self,
        scenario: str,
        *,
        items: int | None,
        seed: int,
        journal: Path,
        action: Mapping[str, float | str | bool] | None = None,
    ) -> None:
        key = secrets.token_bytes(16)
        settings = {
            "scenario": scenario,
            "items": items,
            "action": dict(action or {}),
            "seed": seed,
            "journal": str(journal),
            "key": key.hex(),
        }
        self._process = subprocess.Popen(  # our own interpreter on our own module
            [sys.executable, "-P", "-m", "staydown.exercise.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the exercise, which then ends the world in order
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise Outside("the world's process has no line to us")
        self._process.stdin.write(json.dumps(settings) + "\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline()
        if not told:
            raise Outside("the simulated world did not start", hint="Its own words stand above.")
        table = json.loads(told)
        self.hosts: dict[str, list[object]] = table["hosts"]
        self.now = parse(table["now"])
        self.line_at, self.key = table["line"], key
        self._line = Client(tuple(table["line"]), authkey=key)

    def _ask(self, **question: object) -> Any:
        try:
            self._line.send_bytes(json.dumps(question).encode())
            return json.loads(self._line.recv_bytes())
        except (EOFError, OSError) as error:
            raise Outside(
                "the simulated world has stopped",
                hint="Start the same command again: it goes on where it was.",
            ) from error

    def advance(self, to: datetime) -> None:
        """Move the world's time."""
        self._ask(do="advance", to=iso(to))

    def reports(self, since: datetime, until: datetime) -> list[tuple[int, datetime, str]]:
        """(agency, instant, address) of what monitoring turned up."""
        return [
            (a, parse(at), address)
            for a, at, address in self._ask(do="reports", since=iso(since), until=iso(until))
        ]

    def complaints(self, since: datetime, until: datetime) -> list[tuple[str, str, int, str]]:
        """(provider, reference, line, purpose) of what people complained about."""
        told = self._ask(do="complaints", since=iso(since), until=iso(until))
        return [(provider, reference, line, purpose) for _, provider, reference, line, purpose in told]

    def statuses(self, of: Sequence[tuple[str, str]]) -> list[list[tuple[int, str, str, datetime | None]]]:
        """What providers have decided about references: (line, state, reason, instant)."""
        found = self._ask(do="statuses", of=[list(one) for one in of])
        return [[(n, state, why, parse(at) if at else None) for n, state, why, at in one] for one in found]

    def decided(
        self, since: datetime, until: datetime
    ) -> list[tuple[str, str, list[tuple[int, str, str, datetime | None]]]]:
        """(provider, reference, lines) of mailed requests of which providers decided a line in a time."""
        found = self._ask(do="decided", since=iso(since), until=iso(until))
        return [
            (provider, reference, [(n, state, why, parse(at) if at else None) for n, state, why, at in lines])
            for provider, reference, lines in found
        ]

    def partner_list(self) -> list[tuple[str, str]]:
        """A partner's list of known media: (entry, SHA-256)."""
        return [(entry, value) for entry, value in self._ask(do="partner_list")]

    def record(self) -> list[dict[str, Any]]:
        """The providers' own record of what they took in."""
        return list(self._ask(do="record"))

    def truth(self) -> list[dict[str, Any]]:
        """Everything that is true; for scoring, after the flow has ended."""
        return list(self._ask(do="truth"))

    def posts(self, since: datetime, until: datetime) -> dict[str, float]:
        """How many posts the outlets made, by provider."""
        return dict(self._ask(do="posts", since=iso(since), until=iso(until)))

    def peak_kib(self) -> int:
        """The most memory that the world's process ever had; 0 where the system does not tell."""
        return peak_kib(self._process.pid)

    def stop(self) -> None:
        """End the world's process."""
        if self._process.poll() is None:
            try:
                if not self._line.closed:
                    self._line.send_bytes(b'{"do": "stop"}')
                elif self._process.stdin is not None:
                    self._process.stdin.close()
                self._process.wait(5)
            except (OSError, subprocess.TimeoutExpired):
                self._process.terminate()
                self._process.wait(5)
        self._line.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def leave_line(self) -> None:
        """Let go of the line, so that others can use it; the process is ended by its input's close."""
        self._line.close()

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None


def _wait_for_parent() -> None:
    """End when the parent's end of our input closes: a world never outlives its exercise."""
    sys.stdin.read()
    time.sleep(0.2)
    os._exit(0)


if __name__ == "__main__":
    told = json.loads(sys.stdin.readline())
    threading.Thread(target=_wait_for_parent, daemon=True).start()
    serve(told)
