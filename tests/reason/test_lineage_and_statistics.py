"""Scores that explain themselves, and survival against a published example."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.core.check import MarkKind
from staydown.reason.lineage import SHOWN_FROM, Shared, score, stem
from staydown.reason.statistics import kaplan_meier, quantile

# Remission of acute leukaemia under 6-mercaptopurine, in weeks (Freireich et al., Blood 21, 1963); + is censored.
FREIREICH = [6, 6, 6, 7, 10, 13, 16, 22, 23], [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PUBLISHED = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}


def test_kaplan_meier_gives_the_published_curve() -> None:
    ended, censored = FREIREICH
    curve = kaplan_meier([*((float(d), True) for d in ended), *((float(d), False) for d in censored)])
    assert {int(day): round(share, 3) for day, share, _ in curve[1:]} == PUBLISHED
    assert [at_risk for *_, at_risk in curve[1:]] == [21, 17, 15, 12, 11, 7, 6]


@given(st.lists(st.tuples(st.floats(0, 1e4), st.booleans()), max_size=80))
def test_a_curve_only_falls(spans: list[tuple[float, bool]]) -> None:
    shares = [share for _, share, _ in kaplan_meier(spans)]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= share <= 1 for share in shares)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_quantiles_lie_inside(values: list[float]) -> None:
    ordered = sorted(values)
    assert quantile(ordered, 0) == round(ordered[0], 4)
    assert quantile(ordered, 1) == round(ordered[-1], 4)
    assert ordered[0] - 1e-3 <= (quantile(ordered, 0.5) or 0) <= ordered[-1] + 1e-3
    assert quantile([], 0.5) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("qorvananews12", "qorvananews345"),
        ("qorvananews12", "qorvananews_back7"),
        ("QorVana", "qorvana2"),
        ("the_velhub", "velhub"),
    ],
)
def test_successors_share_a_stem(old: str, new: str) -> None:
    assert stem(old) == stem(new)


def test_different_names_have_different_stems() -> None:
    assert stem("qorvananews") != stem("velmerivoice")
    assert stem("123") == "123"


def shared(kind: MarkKind, carriers: int = 2, value: str = "v") -> Shared:
    return Shared(kind=kind, value=value, carriers=carriers)


def test_a_logo_of_a_whole_outlet_is_no_return() -> None:
    assert score([shared(MarkKind.AVATAR, 2)])[0] >= SHOWN_FROM
    assert score([shared(MarkKind.AVATAR, 12)])[0] < SHOWN_FROM


def test_hints_add_up_and_say_why() -> None:
    alone, _ = score([shared(MarkKind.ADDRESS)])
    both, reasons = score([shared(MarkKind.ADDRESS), shared(MarkKind.AVATAR)])
    assert both > alone
    assert len(reasons) == 2
    assert reasons[0].startswith("same avatar")
    assert score([])[0] == 0


def test_a_handle_and_its_own_stem_count_once() -> None:
    handle = Shared(kind=MarkKind.HANDLE, value="qorvana1", carriers=2)
    bare = Shared(kind=MarkKind.HANDLE, value="~qorvana", carriers=2)
    assert score([handle, bare])[0] == score([handle])[0]
