"""What is refused before anybody reads it, and how refusals read."""

from __future__ import annotations

import json

import httpx2
import pytest

from api.conftest import Callers
from staydown.api.app import check_gates, make_api
from staydown.api.limits import DEPTH, depth_of
from staydown.core.rights import RIGHTS, Verb
from support import Desk

JSON = {"Content-Type": "application/json"}


def problem(answer: httpx2.Response, status: int) -> dict[str, object]:
    """A problem document of that status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["type"].startswith("/problems/")
    assert told["hint"]
    assert "source" in told
    return told  # type: ignore[no-any-return]


def test_sizes_and_depth(api: Callers) -> None:
    long = b'{"items":["' + b"x" * (1024 * 1024) + b'"]}'
    problem(api.alice.post("/v1/evidence", content=long, headers=JSON), 413)
    problem(api.alice.post("/v1/evidence", content=iter([long[:700_000], long[700_000:]]), headers=JSON), 413)
    deep = b'{"items":' + b"[" * DEPTH + b"]" * DEPTH + b"}"
    problem(api.alice.post("/v1/evidence", content=deep, headers=JSON), 400)
    problem(api.alice.post("/v1/evidence", content=b"[" * 500_000, headers=JSON), 400)
    problem(api.alice.post("/v1/evidence", content=b'{"items":', headers=JSON), 422)
    problem(api.alice.post("/v1/evidence", content=b'{"items":["a"]}', headers={"Content-Type": "a/b"}), 415)
    problem(api.alice.post("/v1/evidence", content=b'\xff{"items":["a"]}', headers=JSON), 400)


def test_depth_counts_brackets_and_no_text() -> None:
    assert depth_of(b'{"a":[{"b":"[[[["}]}') == 3
    assert depth_of(b'"\\"[[["') == 0
    assert depth_of(b"[" * 1000) == DEPTH + 1


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "half \udfff"])
def test_text_that_no_database_takes(api: Callers, text: str) -> None:
    body = json.dumps({"items": ["1"], "reason": text}).encode()
    problem(api.alice.post("/v1/waivers", content=body, headers=JSON), 422)


def test_addresses_and_queries(api: Callers) -> None:
    told = problem(api.alice.get("/v1/items?stat=assessed"), 422)
    assert "stat" in str(told["detail"])
    assert "state" in str(told["hint"])
    problem(api.alice.get("/v1/items?limit=5&limit=6"), 422)
    problem(api.alice.get("/v1/items?limit=1001"), 422)
    problem(api.alice.get("/v1/items?state=nonsense"), 422)
    problem(api.alice.get("/v1/items?key=%00"), 422)
    problem(api.alice.get("/v1/items/%ff"), 422)
    problem(api.alice.get("/v1/items?cursor=nonsense"), 400)
    problem(api.alice.get("/v1/nothing"), 404)
    problem(api.alice.get("/nothing"), 404)
    assert "GET" in api.alice.put("/v1/items").headers["allow"]
    problem(api.alice.put("/v1/items"), 405)


def test_a_cursor_is_of_its_own_list(api: Callers, desk: Desk) -> None:
    desk.sight(*(desk.show(f"some_{n}") for n in range(4)))
    cursor = api.alice.get("/v1/items?limit=2").json()["next"]
    assert len(api.alice.get(f"/v1/items?cursor={cursor}").json()["rows"]) == 2
    for other in ("/v1/sightings", "/v1/ledger/entries", "/v1/items?since=2026-03-01T00:00:00Z"):
        joined = "&" if "?" in other else "?"
        problem(api.alice.get(f"{other}{joined}cursor={cursor}"), 400)


def test_who_is_not_let_in(api: Callers) -> None:
    nobody = httpx2.Client(base_url=api.address)
    refused = nobody.get("/v1/items")
    problem(refused, 401)
    assert refused.headers["www-authenticate"].startswith("Bearer")
    problem(api.ada.get("/v1/items"), 403)
    told = problem(api.alice.get("/v1/sightings", headers={"Staydown-Purpose": ""}), 400)
    assert "Staydown-Purpose" in str(told["detail"])
    assert nobody.get("/v1/openapi.json").status_code == 200


def test_every_answer_carries_its_headers(api: Callers) -> None:
    for answer in (api.alice.get("/v1/items"), api.alice.get("/v1/nothing"), api.alice.get("/v1/items?x=1")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    head = api.alice.head("/v1/items")
    assert (head.status_code, head.content) == (200, b"")


def test_items_by_what_they_are_called(api: Callers, desk: Desk) -> None:
    (item,) = desk.sight("https://example.org/a/b?c=d%2Fe")
    from urllib.parse import quote

    shown = api.alice.get(f"/v1/items/{item}").json()
    assert api.alice.get(f"/v1/items/{quote(shown['key'], safe='')}").json() == shown
    assert api.alice.get(f"/v1/items/{quote(shown['address'], safe='')}").json() == shown
    assert (
        api.alice.get(f"/v1/items/{quote(shown['key'], safe='')}/names").json()["rows"][0]["key"]
        == shown["key"]
    )
    problem(api.alice.get("/v1/items/999999"), 404)
    problem(api.alice.get("/v1/items/web%3Asite%3Anowhere"), 404)


def test_what_is_known_is_not_sent_again(api: Callers, desk: Desk) -> None:
    address = desk.show("some_one")
    (item,) = desk.sight(address)
    first = api.alice.get(f"/v1/items/{item}")
    same = api.alice.get(f"/v1/items/{item}", headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    desk.sight(address, agency="BB")
    other = api.alice.get(f"/v1/items/{item}", headers={"If-None-Match": first.headers["etag"]})
    assert (other.status_code, other.json()["agencies"]) == (200, 2)


def test_a_key_acts_once(api: Callers, desk: Desk) -> None:
    window = {"opens_at": "2026-03-02T00:00:00Z", "closes_at": "2026-03-09T00:00:00Z"}
    body = {"id": "spring", "title": "Spring", **window}
    keyed = {"Idempotency-Key": "one"}
    first = api.bob.post("/v1/operations", json=body, headers=keyed)
    again = api.bob.post("/v1/operations", json=body, headers=keyed)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    problem(api.bob.post("/v1/operations", json={**body, "id": "autumn"}, headers=keyed), 422)
    problem(api.bob.post("/v1/operations/spring/release", headers=keyed), 422)
    assert api.clive.post("/v1/operations", json={**body, "id": "other"}, headers=keyed).status_code == 201
    problem(api.bob.post("/v1/operations", json=body), 400)
    refused = {"Idempotency-Key": "two"}
    problem(api.bob.post("/v1/operations", json=body, headers=refused), 400)
    retried = api.bob.post("/v1/operations", json={**body, "id": "later"}, headers=refused)
    assert retried.status_code == 201  # what was refused did nothing, so its key is free
    assert desk.tags("operation:spring") == ["operation:window:opened"]


def test_looks_are_written_down(api: Callers, desk: Desk) -> None:
    (item,) = desk.sight(desk.show("some_one"))
    api.alice.get("/v1/sightings")
    api.alice.get("/v1/items")
    with desk.store.begin(write=False) as work:
        looks = work.accesses.listed("AA")  # type: ignore[arg-type]
    assert [(one.person, one.verb, one.count, one.purpose) for one in looks] == [
        ("alice", Verb.SEE_SIGHTINGS, 1, "case 7, made up")
    ]
    assert item


def test_every_route_names_its_row_and_says_all_of_it(desk: Desk) -> None:
    document = make_api(desk.app).openapi()
    assert document["openapi"].startswith("3.1")
    names = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))
    for path, operations in document["paths"].items():
        for method, one in operations.items():
            if "x-verb" in one:
                rows = RIGHTS[Verb(one["x-verb"])]
                assert set(one["x-roles"]) <= {role.value for roles in rows.values() for role in roles}
                assert {"401", "403", "429"} <= set(one["responses"]), (path, method)
            assert "422" in one["responses"], (path, method)


def test_a_route_without_a_row_stops_the_start(desk: Desk) -> None:
    api = make_api(desk.app)

    @api.get("/v1/left-open")
    def left_open() -> str:
        return ""

    with pytest.raises(ValueError, match="left-open"):
        check_gates(api)
