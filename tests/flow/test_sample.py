"""An approver may look at a sample only where the rest is byte for byte the same, and never of an order."""

from __future__ import annotations

import pytest

from ordering import drawn, settle_in
from staydown.core.errors import Invalid, Refused
from staydown.core.ids import ItemId
from staydown.core.request import Request
from staydown.core.states import RequestState
from staydown.flow import approve
from support import BOB, Desk


def listed(desk: Desk, *media: bytes) -> tuple[Request, list[ItemId]]:
    """A referral with one line for each, which carries these bytes."""
    addresses = []
    for at, body in enumerate(media):
        place = f"/media/one{at}.png"
        if body:
            desk.world.bytes_of["flock", place] = body
        addresses.append(desk.show(f"acc_{at}", media=(place,) if body else ()))
    items = desk.sight(*addresses)
    desk.keep(items)
    desk.view(items)
    return desk.put(items).requests[0], items


def consent(desk: Desk, request: Request, *looked: int) -> None:
    with desk.store.begin() as work:
        approve.approve(desk.tools, work, BOB, [request.id], looked=looked)


def test_a_look_stands_for_the_same_bytes(desk: Desk) -> None:
    request, _ = listed(desk, b"\1" * 900, b"\1" * 900, b"\1" * 900)
    consent(desk, request, 2)
    assert desk.request(request.id).state is RequestState.APPROVED


def test_a_look_stands_for_nothing_else(desk: Desk) -> None:
    request, _ = listed(desk, b"\1" * 900, b"\1" * 900, b"\2" * 900, b"")
    with pytest.raises(Refused, match="line 3"):
        consent(desk, request, 1, 4)
    with pytest.raises(Refused, match="line 4"):
        consent(desk, request, 1, 3)
    with pytest.raises(Invalid, match="no line 9"):
        consent(desk, request, 9)
    consent(desk, request, 1, 3, 4)
    assert desk.request(request.id).state is RequestState.APPROVED


def test_an_order_is_looked_at_whole(desk: Desk) -> None:
    settle_in(desk)
    _, items = listed(desk, b"\1" * 900, b"\1" * 900)
    with desk.store.begin() as work:
        (old,) = work.requests.listed()
        approve.send_back(work, BOB, old.id, reason="an order instead")
    request = drawn(desk, items).request
    with pytest.raises(Refused, match="looked at whole"):
        consent(desk, request, 1)
    consent(desk, request, 1, 2)
