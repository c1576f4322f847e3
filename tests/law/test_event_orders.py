"""Every order of events in the table is played through the code, and ends where the table says."""

from __future__ import annotations

from datetime import datetime

import pytest

from event_orders import EventOrder, read_orders
from staydown.law.claims import Noted, Standing, Step, standing
from staydown.law.counting import Day, Ends, Length, Rule, ends, read_length
from staydown.law.periods import Party, Period
from staydown.law.register import period

ORDERS = read_orders()


def begun(kind: Period, row: dict[str, str], order: EventOrder) -> Ends:
    at, length = datetime.fromisoformat(row["at"]), kind.length or kind.reminder
    if "length" in row:
        length = read_length(row["length"])
    if isinstance(length, Day):
        return length.in_year(at.year + 1, state=order.state)
    assert isinstance(length, Length)
    return ends(at, length, state=order.state, rule=kind.rule or Rule(order.rule))


def played(order: EventOrder) -> dict[tuple[str, str], tuple[Period, Party, Standing]]:
    """Where each clock of an order stands at the end."""
    found = {}
    for row in order.begin:
        kind = period(row["clock"], datetime.fromisoformat(row["at"]).date())
        first, history = begun(kind, row, order), []
        for step in (one for one in order.steps if one["clock"] == row["clock"]):
            at = datetime.fromisoformat(step["at"])
            anew = begun(kind, step, order) if step["do"] == "restarted" else None
            history.append(Noted(step=Step(step["do"]), at=at, instant=at, ends=anew))
        party = Party(row["party"]) if "party" in row else kind.party
        found[row["clock"], row.get("place", "")] = (kind, party, standing(first, history))
    return found


@pytest.mark.parametrize(
    "order", [pytest.param(one, marks=pytest.mark.law(one.article), id=one.title) for one in ORDERS]
)
def test_the_deadlines_are_those_of_the_table(order: EventOrder) -> None:
    clocks = played(order)
    for row in order.expect:
        kind, party, stands = clocks[row["clock"], row.get("place", "")]
        view = stands.by_authority if row.get("view", "authority") == "authority" else stands.by_claim
        if row["strict"] == "stopped":
            assert view is None
            continue
        assert view is not None
        assert view.strict == datetime.fromisoformat(row["strict"])
        assert view.legal == datetime.fromisoformat(row["legal"]), view.why
        if "over" in row:
            assert kind.over_at(view, party) == getattr(view, row["over"])


def test_the_table_is_large_and_every_row_says_why() -> None:
    assert len(ORDERS) >= 60
    assert len({one.title for one in ORDERS}) == len(ORDERS)
    assert all(one.why and one.article and one.expect for one in ORDERS)
    assert {row["clock"] for one in ORDERS for row in one.expect} >= {
        "remove", "inform", "copy", "scrutinise", "ask-scrutiny", "decide-scrutiny", "appeal", "non-disclosure",
        "non-disclosure-extended", "preserve", "complaint", "settle", "provider-report", "commission",
    }  # fmt: skip
