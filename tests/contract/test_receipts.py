"""What a courier may call received: a mail server's 250 is never a proof."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from staydown.core.ids import ItemId
from staydown.core.request import DispatchState, Line, Parcel, Receipt
from staydown.fetch import GuardedFetch, Policy
from staydown.law.receipt import COURIERS, WEIGHT, Proof, may_prove
from staydown.ports import Courier, CourierTools
from staydown.registry import plugs
from staydown.testing.memory import MemoryWorld
from staydown.testing.simulated import Servers
from support import law

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CONTACTS = {
    "api": "http://api.flock.exercise.example/referrals",
    "webform": "http://quill.exercise.example/report",
    "mail": "referrals@mail.hearth.exercise.example",
    "files": "referrals@mail.hearth.exercise.example",
}


@pytest.fixture
def couriers(tmp_path: Path) -> Iterator[dict[str, Courier]]:
    with Servers(MemoryWorld(now=AT)) as servers:
        fetch = GuardedFetch(Policy.LOOPBACK, hosts=servers.hosts)
        tools = CourierTools(
            fetch=fetch, outbox=tmp_path / "outbox", mail_host="", mail_port=25, mail_from="iru@agency.example", exercise=True
        )  # fmt: skip
        yield {name: build(tools) for name, build in plugs("couriers").items()}  # type: ignore[operator]
        fetch.close()


def sent(courier: Courier, contact: str) -> Receipt:
    line = Line(item=ItemId(1), number=1, address="https://x.exercise.example/a", digest="0" * 64)
    parcel = Parcel(
        reference="NL-2026-0001", contact_point=contact, sender="NL-IRU", addressee="Simulated desk",
        subject="[EXERCISE] made up", text="made up", lines=(line,), message_id="<a@agency.example>", exercise=True,
    )  # fmt: skip
    return courier.send([parcel])[0]


@law("Regulation (EU) 2021/784, Art. 3(5)", "Regulation (EU) 2021/784, recital 19")
def test_every_courier_that_there_is_has_a_line_in_the_table() -> None:
    assert set(COURIERS) == set(plugs("couriers")) == set(CONTACTS)
    assert set(WEIGHT) == set(Proof)
    assert [one for one, weight in WEIGHT.items() if not weight.starts] == [Proof.RELAY, Proof.OUTBOX]
    assert all(weight.why for weight in WEIGHT.values())


@law("Regulation (EU) 2021/784, Art. 3(3)", "Regulation (EU) 2021/784, Art. 3(5)")
@pytest.mark.parametrize("name", sorted(CONTACTS))
def test_a_courier_says_received_only_where_it_may(couriers: dict[str, Courier], name: str) -> None:
    receipt = sent(couriers[name], CONTACTS[name])
    expected = DispatchState.RECEIVED if may_prove(name) else DispatchState.SENT
    assert receipt.state is expected, receipt.detail
    if not may_prove(name):
        assert receipt.at is None, "nobody has told when it arrived"


def test_whoever_adds_a_courier_answers_for_its_word() -> None:
    assert may_prove("of-somebody-else")
