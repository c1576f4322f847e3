"""A hold from its placing to its overruling, between agencies, on both databases."""

from __future__ import annotations

from api.conftest import Callers
from happened import newcomers
from staydown.core.people import Role
from support import SAM, Desk, person

DORA = person("dora", "AA", Role.DECONFLICTION)
IVO = person("ivo", "AA", Role.INVESTIGATOR)


def test_a_dispute_between_two_agencies(api: Callers, desk: Desk) -> None:
    newcomers(desk, DORA)
    dora, sam = api.of(DORA), api.of(SAM)
    (item,) = desk.sight(desk.show("some_one"))
    told = {"items": [str(item)], "reason": "watched", "until": "2026-03-20T00:00:00Z"}
    number = api.carol.post("/v1/holds", json=told).json()["holds"][0]
    shown = dora.get("/v1/holds").json()["rows"]
    assert [(one["id"], one["agency"]) for one in shown] == [(number, "BB")]
    early = sam.post(f"/v1/holds/{number}/overrule", json={"reason": "a threat"})
    assert (early.status_code, early.json()["type"]) == (409, "/problems/illegal-step")
    assert dora.post(f"/v1/holds/{number}/release", json={"reason": "x"}).status_code == 404
    disputed = dora.post("/v1/disputes", json={"item": str(item), "reason": "a threat to life"})
    assert (disputed.status_code, disputed.json()) == (201, {"holds": 1}), disputed.text
    ended = sam.post(f"/v1/holds/{number}/overrule", json={"reason": "a threat to life"})
    assert (ended.status_code, ended.json()["state"]) == (200, "overruled"), ended.text
    desk.view([item])
    assert api.alice.get(f"/v1/items/{item}").json()["wait"] is False


def test_release_takes_a_fresh_proof(api: Callers, desk: Desk) -> None:
    from datetime import timedelta

    (item,) = desk.sight(desk.show("some_one"))
    told = {"items": [str(item)], "reason": "watched", "until": "2026-03-20T00:00:00Z"}
    number = api.carol.post("/v1/holds", json=told).json()["holds"][0]
    before = desk.app.store.real_now
    desk.app.store.real_now = lambda: before() + timedelta(minutes=10)
    try:
        api.carol.get("/v1/items")
        stale = api.carol.post(f"/v1/holds/{number}/release", json={"reason": "x"})
    finally:
        desk.app.store.real_now = before
    assert (stale.status_code, stale.json()["type"]) == (403, "/problems/proof-needed"), stale.text
    assert api.carol.post(f"/v1/holds/{number}/release", json={"reason": "x"}).status_code == 200


def test_an_operation_is_released_for_all_who_take_part(api: Callers, desk: Desk) -> None:
    """What another agency has approved leaves too, though its requests stay out of sight."""
    window = {"opens_at": "2026-03-02T00:00:00Z", "closes_at": "2026-03-09T00:00:00Z"}
    api.bob.post("/v1/operations", json={"id": "spring", "title": "Spring", "agencies": ["BB"], **window})
    items = desk.sight(desk.show("some_one"), agency="BB")
    desk.keep(items)
    carla, carl = person("carla", "BB", Role.ANALYST), person("carl", "BB", Role.APPROVER)
    newcomers(desk, carla, carl)
    desk.view(items, by=carla)
    request = desk.put(items, by=carla, operation="spring").requests[0]
    desk.consent(request, by=carl)
    assert api.bob.get(f"/v1/requests/{request.reference}").status_code == 404
    assert api.bob.post("/v1/operations/spring/release").json() == {"requests": 1}
    desk.work()
    assert desk.request(request.id).sent_at is not None


def test_of_anothers_hold_shows_whose_and_until_when_not_who_or_why(api: Callers, desk: Desk) -> None:
    newcomers(desk, DORA, IVO)
    items = desk.sight(*(desk.show(f"some_{number}") for number in range(5)))
    told = {"items": [str(item) for item in items], "reason": "watched", "until": "2026-03-20T00:00:00Z"}
    numbers = api.carol.post("/v1/holds", json=told).json()["holds"]
    shown = api.of(DORA).get("/v1/holds")
    assert [(one["id"], one["agency"], one["by"], one["reason"]) for one in shown.json()["rows"]] == [
        (number, "BB", None, None) for number in numbers
    ]
    assert {one["until"] for one in shown.json()["rows"]} == {"2026-03-20T00:00:00Z"}
    own = api.carol.get("/v1/holds").json()["rows"]
    assert {(one["by"], one["reason"]) for one in own} == {("carol", "watched")}
    assert api.of(IVO).get("/v1/holds").json()["rows"] == []
    first = api.carol.get("/v1/holds?limit=2").json()
    second = api.carol.get(f"/v1/holds?limit=3&cursor={first['next']}").json()
    assert [one["id"] for one in (*first["rows"], *second["rows"])] == numbers
    assert second["next"] is None


def test_questions_come_in_pages_and_not_for_ever(api: Callers, desk: Desk) -> None:
    items = desk.sight(*(desk.show(f"some_{number}") for number in range(3)))
    desk.view(items)
    told = {"items": [str(item) for item in items], "reason": "watched", "until": "2026-03-20T00:00:00Z"}
    api.carol.post("/v1/holds", json=told)
    for item in items:
        assert api.alice.post("/v1/questions", json={"item": str(item)}).json() == {"wait": True}
    first = api.carol.get("/v1/questions?limit=2").json()
    second = api.carol.get(f"/v1/questions?limit=2&cursor={first['next']}").json()
    assert [one["item"] for one in (*first["rows"], *second["rows"])] == items
    assert second["next"] is None
    assert api.carol.get(f"/v1/holds?cursor={first['next']}").status_code == 400
    desk.later(days=91)
    assert api.carol.get("/v1/questions").json()["rows"] == []
