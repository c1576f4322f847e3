"""What an answer keeps to itself although its route is open: lines that never left, and what others do."""

from __future__ import annotations

from datetime import timedelta

from api.conftest import Callers
from staydown.core.ids import ItemId
from staydown.flow import deconflict
from support import CAROL, Desk


def hold(desk: Desk, items: list[ItemId], *, days: int = 3) -> None:
    """Carol asks to wait."""
    with desk.store.begin() as work:
        until = work.now + timedelta(days=days)
        longest = timedelta(days=90)
        deconflict.place(work, CAROL, items, reason="watched", until=until, longest=longest, at_most=500)


def test_a_provider_sees_no_line_that_a_hold_kept_back(api: Callers, desk: Desk) -> None:
    addresses = [desk.show(f"some_{number}") for number in range(3)]
    items = desk.sight(*addresses)
    desk.keep(items)
    desk.view(items)
    request = desk.put(items).requests[0]
    hold(desk, items[1:2])
    desk.consent(request)
    desk.work()
    path = f"/v1/requests/{request.reference}"
    own, theirs = api.bob.get(path).json(), api.oliver.get(path)
    assert [one["dropped"] for one in own["items"]] == [False, True, False]
    assert (own["lines"], own["open"]) == (3, 2)
    assert [one["address"] for one in theirs.json()["items"]] == [addresses[0], addresses[2]]
    assert (theirs.json()["lines"], theirs.json()["open"]) == (2, 2)
    assert [one["lines"] for one in api.oliver.get("/v1/requests").json()["rows"]] == [2]
    assert [one["lines"] for one in api.bob.get("/v1/requests").json()["rows"]] == [3]
    assert addresses[1] not in theirs.text
    said = {"lines": [{"number": 2, "decision": "removed"}]}
    assert api.oliver.post(f"{path}/answers", json=said).status_code == 400
