"""Ask the API thousands of generated things, as persons of several roles, and hold its answers against its document.

Run: python -m tools.hammer_api --cases 10000 --seed 1
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure, FailureGroup

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

HELD = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
"""What every answer is held against."""
STREAMS = "/events"
"""Answers without an end are looked at elsewhere."""
LONGEST_ADDRESS = 15_000
"""Longer ones the server's HTTP parser refuses before the API sees them."""
TOO_LARGE = 413
REAL = 0.7
"""How often a name in a path is one that there is."""


@dataclass(slots=True)
class Count:
    """What was asked, and what came back."""

    cases: int = 0
    operations: int = 0
    too_long: int = 0
    by_status: collections.Counter[int] = field(default_factory=collections.Counter)
    faults: dict[str, list[str]] = field(default_factory=lambda: collections.defaultdict(list))

    def row(self) -> dict[str, object]:
        """For printing."""
        return {
            "cases": self.cases,
            "operations": self.operations,
            "too_long": self.too_long,
            "by_status": dict(sorted(self.by_status.items())),
            "faults": {name: len(found) for name, found in sorted(self.faults.items())},
            "examples": {name: found[:3] for name, found in sorted(self.faults.items())},
        }


@dataclass(slots=True)
class People:
    """Who asks; whoever was signed out by a case signs in again."""

    roles: Mapping[str, Sequence[str]]
    sign_in: Callable[[str], str]
    _words: dict[str, str] = field(default_factory=dict)

    def word(self, name: str) -> str:
        """The word of somebody's session."""
        if name not in self._words:
            self._words[name] = self.sign_in(name)
        return self._words[name]

    def forget(self, name: str) -> None:
        """That session has ended."""
        self._words.pop(name, None)


@schemathesis.serializer("application/x-ndjson")
def lines(_ctx: Any, value: Any) -> Any:
    """Lines as they are sent."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def hammer(
    address: str, people: People, names: Mapping[str, Sequence[str]], *, cases: int, first: int
) -> Count:
    """Ask so many generated things.

    Args:
        people: Who asks.
        names: What there is, by the name of the path parameter.
        first: The seed.
    """
    load_all_checks()
    document = httpx2.get(f"{address}/v1/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    asked = [one.ok() for one in schema.get_all_operations()]
    asked = [one for one in asked if not one.path.endswith(STREAMS)]
    count, dice = Count(operations=len(asked)), random.Random(first)
    each = -(-cases // (2 * len(asked)))
    with httpx2.Client(base_url=address, timeout=60) as client:
        for operation in asked:
            for mode in schemathesis.GenerationMode:
                _ask(operation, mode, client, people, names, count, dice, each=each, first=first)
    return count


def _ask(
    operation: Any,
    mode: Any,
    client: httpx2.Client,
    people: People,
    names: Mapping[str, Sequence[str]],
    count: Count,
    dice: random.Random,
    *,
    each: int,
    first: int,
) -> None:
    wanted = set(operation.definition.raw.get("x-roles", ()))
    able = [name for name, roles in people.roles.items() if wanted & set(roles)] or [""]
    checks = CHECKS.get_by_names(HELD)

    @seed(first)
    @settings(
        max_examples=each,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        for name in case.path_parameters or {}:
            if mode is schemathesis.GenerationMode.POSITIVE and name in names and dice.random() < REAL:
                case.path_parameters[name] = dice.choice(list(names[name]))
        if (
            mode is schemathesis.GenerationMode.POSITIVE
            and isinstance(case.body, dict)
            and dice.random() < REAL
        ):
            _make_real(case.body, names, dice)
        who = dice.choice(able) if dice.random() < 0.8 else dice.choice(list(people.roles))
        headers = {"Authorization": f"Bearer {people.word(who)}"} if who else {}
        if _send(case, client, headers, checks, count) == 401:
            people.forget(who)

    try:
        ask()
    except Unsatisfiable:
        if mode is schemathesis.GenerationMode.POSITIVE:  # else it takes nothing that could be wrong
            raise


def _make_real(body: dict[str, Any], names: Mapping[str, Sequence[str]], dice: random.Random) -> None:
    """Let a body speak of items that there are."""
    if body.get("items"):
        body["items"] = dice.sample(list(names["item"]), dice.randint(1, 3))
    if "item" in body:
        body["item"] = dice.choice(list(names["item"]))


def _send(case: Any, client: httpx2.Client, headers: Mapping[str, str], checks: Any, count: Count) -> int:
    sent = case.as_transport_kwargs(base_url=str(client.base_url))
    if len(str(sent.get("url"))) + len(str(sent.get("params"))) > LONGEST_ADDRESS:
        count.too_long += 1
        return 0
    response = case.call(base_url=str(client.base_url).rstrip("/"), headers=dict(headers), timeout=60)
    count.cases += 1
    count.by_status[response.status_code] += 1
    for check in checks:
        try:
            case.validate_response(response, checks=[check], headers=dict(headers))
        except (FailureGroup, Failure) as error:
            if check.__name__ == "negative_data_rejection" and response.status_code == TOO_LARGE:
                continue  # refused before it was read
            said = "; ".join(str(one) for one in getattr(error, "exceptions", [error]))
            body = str(sent.get("json", sent.get("data")))[:300]
            asked = f"{case.method} {sent.get('url')} {sent.get('params')} {body}"
            text = f"{asked} -> {response.status_code}: {said[:700]} | {response.text[:200]}"
            count.faults[check.__name__].append(text)
    return int(response.status_code)


@contextmanager
def home(database: str | None = None) -> Iterator[tuple[str, People, dict[str, list[str]]]]:
    """A server at a desk where things have happened: its address, who is there, and what there is."""
    import happened
    from serving import serving, word_for
    from staydown.testing.memory import MemoryWorld
    from staydown.testing.simulated import Servers
    from support import CAST, Desk

    world = MemoryWorld()
    with tempfile.TemporaryDirectory() as folder, Servers(world) as servers:
        desk = Desk(Path(folder) / "home", world, servers, database=database)
        names = happened.let_things_happen(desk)
        everybody = [*CAST, happened.OLIVER, happened.ADA, happened.CLIVE]
        with serving(desk.app) as address:
            by_name = {str(one.id): one for one in everybody}
            roles = {name: sorted(role.value for role in one.roles) for name, one in by_name.items()}
            yield address, People(roles, lambda name: word_for(desk.app, by_name[name])), names
        desk.close()


def main() -> int:
    """Print what was counted; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default=None, help="a PostgreSQL address; default: SQLite")
    given_ = parser.parse_args()
    with home(given_.database) as (address, people, names):
        found = hammer(address, people, names, cases=given_.cases, first=given_.seed)
    print(json.dumps(found.row(), indent=1))
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
