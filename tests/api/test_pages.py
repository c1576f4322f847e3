"""Lists page by page: nothing twice, nothing lost, in every order, also while things are added."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from api.conftest import Callers
from support import Desk


def walk(api: Callers, query: str, *, limit: int) -> list[dict[str, object]]:
    """All rows of a list of items."""
    rows: list[dict[str, object]] = []
    cursor = ""
    while True:
        page = api.alice.get(f"/v1/items?limit={limit}{query}{cursor}").json()
        assert len(page["rows"]) <= limit
        rows += page["rows"]
        if page["next"] is None:
            return rows
        cursor = f"&cursor={page['next']}"


@pytest.fixture
def many(desk: Desk) -> list[int]:
    """Items of two providers, seen at different times by different agencies, of which the first are assessed."""
    first = desk.sight(*(desk.show(f"acc_{n}") for n in range(9)), agency="AA")
    desk.later(hours=1)
    second = desk.sight(*(desk.channel(f"chan_{n}") for n in range(6)), agency="BB")
    desk.later(hours=1)
    third = desk.sight(*(desk.show(f"late_{n}") for n in range(4)), agency="AA")
    desk.keep(first[:5])
    desk.view(first[:5])
    return [*first, *second, *third]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_every_order_shows_each_once(api: Callers, many: list[int], limit: int) -> None:
    by_number = walk(api, "", limit=limit)
    assert [one["id"] for one in by_number] == sorted(many)
    since = walk(api, "&since=2026-03-02T09:30:00Z", limit=limit)
    assert {one["id"] for one in since} == {*many[:5], *many[9:]}
    assert [(one["since"], one["id"]) for one in since] == sorted((one["since"], one["id"]) for one in since)
    by_key = walk(api, "&key=flock:account:", limit=limit)
    assert [one["key"] for one in by_key] == sorted(str(one["key"]) for one in by_key)
    assert len(by_key) == 13
    assert len(walk(api, "&key=flock:account:late", limit=limit)) == 4
    assert walk(api, "&key=flock:account:LATE", limit=limit) == []


def test_filters_fit_together(api: Callers, many: list[int]) -> None:
    assert {one["id"] for one in walk(api, "&state=assessed", limit=2)} == set(many[:5])
    assert {one["id"] for one in walk(api, "&provider=hearth", limit=2)} == set(many[9:15])
    assert {one["id"] for one in walk(api, "&kind=channel&seen_by_us=true", limit=2)} == set()
    assert {one["id"] for one in walk(api, "&seen_by_us=false", limit=2)} == set(many[9:15])
    assert len(walk(api, "&seen_by_us=true&state=recorded", limit=2)) == 8


def test_the_number_of_queries_does_not_grow_with_the_rows(api: Callers, many: list[int], desk: Desk) -> None:
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    api.alice.get("/v1/items")
    event.listen(desk.app.store.engine, "before_cursor_execute", note)
    counts = []
    for path in ("/v1/items", "/v1/sightings", "/v1/assessments", "/v1/operations", "/v1/requests"):
        for limit in ("1", "100"):
            before = len(seen)
            answer = api.alice.get(path, params={} if path == "/v1/operations" else {"limit": limit})
            assert answer.status_code == 200, answer.text
            counts.append((path, len(seen) - before))
    for small, large in zip(counts[::2], counts[1::2], strict=True):
        assert abs(small[1] - large[1]) <= 5, (small, large)  # the rate limiter asks now and then
    assert max(count for _, count in counts) <= 25


def test_requests_and_sightings_by_page(api: Callers, many: list[int], desk: Desk) -> None:
    first = api.alice.get("/v1/sightings?limit=5").json()
    rest = api.alice.get(f"/v1/sightings?limit=1000&cursor={first['next']}").json()
    assert len(first["rows"] + rest["rows"]) == 13
    assert rest["next"] is None
    for item in many[:3]:
        desk.put([item])  # type: ignore[list-item]
    first = api.alice.get("/v1/requests?limit=2").json()
    rest = api.alice.get(f"/v1/requests?limit=2&cursor={first['next']}").json()
    assert len({one["reference"] for one in first["rows"] + rest["rows"]}) == 3
