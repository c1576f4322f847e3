"""A claim and its judgement: neither ever overwrites the other, over all orders in which they can come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.core.errors import IllegalStep
from staydown.law.claims import Noted, Standing, Step, standing
from staydown.law.counting import Ends, ends, hours
from support import law

RECEIVED = datetime(2026, 11, 23, 9, 20, tzinfo=UTC)
FIRST = ends(RECEIVED, hours(1), state="NL")
CLAIMS = st.lists(
    st.sampled_from([Step.SUSPENDED, Step.ACCEPTED, Step.REJECTED, Step.RESTARTED, Step.MET]), max_size=12
)


def noted(steps: list[Step]) -> list[Noted]:
    """Steps an hour apart; each restart with the ends that follow from its instant."""
    found = []
    for turn, step in enumerate(steps, 1):
        at = RECEIVED + turn * timedelta(hours=1)
        anew = ends(at, hours(1), state="NL") if step is Step.RESTARTED else None
        found.append(Noted(step=step, at=at, instant=at, ends=anew))
    return found


def after(steps: list[Step]) -> Standing:
    return standing(FIRST, noted([Step.SUSPENDED, *steps]))


@law("Regulation (EU) 2021/784, Art. 3(7)", "Regulation (EU) 2021/784, Art. 3(8)")
@given(CLAIMS)
def test_the_claims_deadline_follows_the_claim_alone(steps: list[Step]) -> None:
    said = [one for one in noted([Step.SUSPENDED, *steps]) if one.step in {Step.SUSPENDED, Step.RESTARTED}]
    assert after(steps).by_claim == said[-1].ends


@law("Regulation (EU) 2021/784, Art. 3(7)")
@given(CLAIMS.filter(lambda steps: Step.ACCEPTED not in steps))
def test_a_claim_that_nobody_accepted_moves_nothing_for_the_authority(steps: list[Step]) -> None:
    assert after(steps).by_authority == FIRST


@given(CLAIMS)
def test_what_rings_is_the_authoritys_view_or_the_more_generous_one(steps: list[Step]) -> None:
    now = after(steps)
    if now.is_judged:
        assert now.in_force == now.by_authority
        return
    views = [one for one in (now.by_claim, now.by_authority) if one]
    if now.by_claim is None:
        assert now.in_force is None, "while the claim lasts nothing lapses"
        return
    assert isinstance(now.in_force, Ends)
    assert now.in_force.later == max(one.later for one in views)
    assert now.in_force.strict == max(one.strict for one in views)


@given(
    CLAIMS.filter(lambda steps: any(one in {Step.ACCEPTED, Step.REJECTED, Step.RESTARTED} for one in steps))
)
def test_without_a_claim_nothing_is_judged_or_begins_anew(steps: list[Step]) -> None:
    early = [one for one in steps if one is not Step.SUSPENDED]
    with pytest.raises(IllegalStep, match="no claim"):
        standing(FIRST, noted(early))


def test_what_was_met_changes_no_deadline() -> None:
    assert standing(FIRST, noted([Step.MET])) == standing(FIRST, [])
