"""Sets of ids against Python's own sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.reason.numbers import Numbers

PARTS = st.lists(st.lists(st.integers(0, 5000), max_size=40), max_size=5)


def made(parts: list[list[int]]) -> tuple[Numbers, set[int]]:
    ours: Numbers = Numbers()
    theirs: set[int] = set()
    for part in parts:
        ours.update(part)
        theirs.update(part)
    return ours, theirs


@given(PARTS, PARTS)
def test_they_count_as_sets_do(one: list[list[int]], other: list[list[int]]) -> None:
    (ours, mine), (others, theirs) = made(one), made(other)
    assert len(ours) == len(mine)
    assert ours.without(others) == len(mine - theirs)
    assert others.without(ours) == len(theirs - mine)


def test_a_number_below_nought_is_refused() -> None:
    numbers = Numbers()
    numbers.update([9])
    with pytest.raises(ValueError, match="below 0"):
        numbers.update([-1])
