"""A store with many items, put there without walking the path, and the lists that are asked of it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from staydown.bench.base import PERSON
from staydown.core.ids import AgencyCode, OperationId
from staydown.core.item import ItemKind
from staydown.core.network import Operation
from staydown.core.states import ItemState, Presence
from staydown.core.time import iso, micros

if TYPE_CHECKING:
    from staydown.app import App
    from staydown.store.engine import SqlWork

PART = 50_000
PROVIDERS = tuple(f"provider-{number}" for number in range(9))
KINDS = (*(ItemKind.ACCOUNT,) * 60, *(ItemKind.CHANNEL,) * 25, *(ItemKind.POST,) * 14, ItemKind.BOT)
STATES = (
    *(ItemState.RECORDED,) * 600,
    *(ItemState.ASSESSED,) * 200,
    *(ItemState.REMOVED,) * 190,
    *(ItemState.EXEMPT,) * 9,
    ItemState.UNSURE,
)
"""As often as they come: one in a thousand is unsure."""
OURS = 0.02
"""Share of the items that the agency which asks has seen."""
OTHER = AgencyCode("BB")
FILTERS = (
    "all",
    "deep",
    "large_page",
    "state",
    "rare_state",
    "state_and_provider",
    "kind",
    "rare_kind",
    "operation",
    "ours",
    "ours_in_rare_state",
    "since",
    "prefix",
    "one",
)


def fill(app: App, count: int, *, seed: int, progress: Callable[[int], None]) -> None:
    """Put so many items into a store, of several providers, states and agencies."""
    chance = random.Random(seed)  # noqa: S311  # made-up data
    with app.store.begin() as work:
        work.people.add_agencies([OTHER])
        begun = work.now - timedelta(days=300)
        work.operations.add(
            Operation(
                id=OperationId("bench"),
                title="bench",
                lead=PERSON.agency,
                agencies=(PERSON.agency,),
                opens_at=begun,
                closes_at=work.now + timedelta(days=9),
                hour_h=None,
            )
        )
    for first in range(1, count + 1, PART):
        last = min(first + PART, count + 1)
        with app.store.begin() as work:
            _part(work, range(first, last), chance, begun, count)
        progress(last - first)
    _tidy(app)


def _part(work: SqlWork, numbers: range, chance: random.Random, begun: datetime, count: int) -> None:
    from staydown.store.sets import insert_rows, insert_unknown, new_ids
    from staydown.store.tables import item_keys, items, operation_items, sightings

    rows, keys, seen, on = [], [], [], []
    step = timedelta(days=300).total_seconds() * 1e6 / count
    for number in numbers:
        provider, kind, state = chance.choice(PROVIDERS), chance.choice(KINDS), chance.choice(STATES)
        at = micros(begun) + int(number * step)
        since = at + chance.randrange(86_400_000_000)
        key = f"{provider}:{kind.value}:{chance.getrandbits(40):x}-{number}"
        address = f"https://{provider}.example/{key}"
        rows.append(
            (number, provider, kind.value, address, state.value, Presence.UNSEEN.value, at, at, at, since)
        )
        keys.append((number, key, number, at))
        agencies = [OTHER] if chance.random() >= OURS else [PERSON.agency, OTHER]
        for agency in agencies:
            mark = hashlib.blake2b(f"{agency}{number}".encode(), digest_size=16).digest()
            seen.append((number, agency, address, at, at, mark))
        if number % 400 == 0:
            on.append(("bench", number))
    names = [
        "id",
        "provider",
        "kind",
        "address",
        "state",
        "presence",
        "first_seen",
        "last_seen",
        "recorded_at",
        "since",
    ]
    insert_rows(work.conn, items, names, rows)
    insert_rows(work.conn, item_keys, ["id", "key", "item", "from_at"], keys)
    names = ["id", "item", "agency", "raw", "seen_at", "recorded_at", "fingerprint"]
    numbered = zip(new_ids(work.conn, sightings, len(seen)), seen, strict=True)
    insert_unknown(work.conn, sightings, names, [(number, *row) for number, row in numbered])
    insert_rows(work.conn, operation_items, ["operation", "item"], on)


def _tidy(app: App) -> None:
    """Let the database count what it has, as it does by itself in time."""
    engine = app.store.engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("ANALYZE")


def names_of(app: App, count: int) -> Mapping[str, Mapping[str, str]]:
    """What is asked of each list."""
    from sqlalchemy import select

    from staydown.api.cursors import written
    from staydown.store.tables import item_keys

    with app.store.begin(write=False) as work:
        recent = iso(work.now - timedelta(days=2))
        key = work.conn.execute(select(item_keys.c.key).where(item_keys.c.id == count // 2 + 1)).scalar_one()
    asked = {
        "all": {},
        "deep": {"cursor": written("items", [count * 9 // 10])},
        "large_page": {"limit": "1000"},
        "state": {"state": ItemState.ASSESSED.value},
        "rare_state": {"state": ItemState.UNSURE.value},
        "state_and_provider": {"state": ItemState.ASSESSED.value, "provider": PROVIDERS[3]},
        "kind": {"kind": ItemKind.POST.value},
        "rare_kind": {"kind": ItemKind.BOT.value},
        "operation": {"operation": "bench"},
        "ours": {"seen_by_us": "true"},
        "ours_in_rare_state": {"seen_by_us": "true", "state": ItemState.UNSURE.value},
        "since": {"since": recent},
        "prefix": {"key": key[:-8]},
        "one": {"key": key},
    }
    return {name: asked[name] for name in FILTERS}
