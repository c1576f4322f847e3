"""The whole path over the API: from a sighting to an answer, as each person of the cast."""

from __future__ import annotations

import base64
import json

from api.conftest import Callers
from support import Desk

NO = dict.fromkeys(("education", "journalism", "art", "research", "counter-speech"), "no")


def assessment(*items: str) -> dict[str, object]:
    """Terrorist content, with all questions answered."""
    return {"items": list(items), "verdict": "terrorist", "ground": "a", "purposes": NO, "reason": "made up"}


def test_walking_the_path(api: Callers, desk: Desk) -> None:
    address = desk.show("some_one")
    taken = api.alice.post("/v1/sightings", json=[{"url": address, "seen_at": "2026-03-02T08:00:00Z"}])
    assert (taken.status_code, taken.json()["items_new"]) == (200, 1), taken.text
    item = api.alice.get("/v1/items").json()["rows"][0]
    assert (item["agencies"], item["ours"], item["wait"], item["state"]) == (1, True, None, "recorded")
    assert api.carol.get(f"/v1/items/{item['id']}").json()["ours"] is False
    key = item["key"]

    assert api.alice.post("/v1/evidence", json={"items": [key]}).json() == {"asked": 1}
    desk.work()
    kept = api.alice.get(f"/v1/items/{item['id']}/evidence").json()["rows"]
    body = api.alice.get(f"/v1/evidence/{kept[0]['id']}/bytes")
    assert body.status_code == 200
    assert body.headers["content-disposition"].startswith("attachment")
    assert len(body.content) == kept[0]["size_bytes"]

    made = api.alice.post("/v1/assessments", json=assessment(key))
    assert made.status_code == 201, made.text
    proposal = api.alice.post("/v1/requests", json={}).json()
    reference = proposal["requests"][0]["reference"]
    shown = api.bob.get(f"/v1/requests/{reference}")
    text = api.bob.get(f"/v1/requests/{reference}/text").json()
    assert text["digest"] == shown.json()["digest"]
    assert address in text["lines"][0]

    consent = {"digest": shown.json()["digest"]}
    path = f"/v1/requests/{reference}/approvals"
    assert api.bob.post(path, json=consent).status_code == 428
    assert api.bob.post(path, json=consent, headers={"If-Match": '"99"'}).status_code == 412
    wrong = api.bob.post(path, json={"digest": "0" * 64}, headers={"If-Match": shown.headers["etag"]})
    assert wrong.status_code == 409
    assert api.alice.post(path, json=consent, headers={"If-Match": shown.headers["etag"]}).status_code == 403
    assert api.oliver.get(f"/v1/requests/{reference}").status_code == 404  # not sent yet
    given = api.bob.post(path, json=consent, headers={"If-Match": shown.headers["etag"]})
    assert (given.status_code, given.json()["state"]) == (201, "approved"), given.text

    desk.work()
    sent = api.oliver.get(f"/v1/requests/{reference}")
    assert sent.status_code == 200, sent.text
    assert sent.json()["proposed_by"] is None
    assert [one["kind"] for one in sent.json()["clocks"]]
    assert api.carol.get(f"/v1/requests/{reference}").status_code == 404
    assert api.carol.post(f"/v1/requests/{reference}/withdrawals", json={"reason": "x"}).status_code in {
        403,
        404,
    }
    told = api.oliver.post(
        f"/v1/requests/{reference}/answers", json={"lines": [{"number": 1, "decision": "removed"}]}
    )
    assert (told.status_code, told.json()["state"]) == (201, "answered"), told.text
    assert api.dave.get(f"/v1/requests/{reference}").status_code == 404


def test_nothing_of_holds_shows_but_wait(api: Callers, desk: Desk) -> None:
    (item,) = desk.sight(desk.show("some_one"))
    until = {"reason": "watched", "until": "2026-03-20T00:00:00Z"}
    placed = api.carol.post("/v1/holds", json={"items": [str(item)], **until})
    assert placed.status_code == 201, placed.text
    assert api.alice.get(f"/v1/items/{item}").json()["wait"] is None
    desk.view([item])
    seen = api.alice.get(f"/v1/items/{item}")
    assert seen.json()["wait"] is True
    assert "BB" not in seen.text
    assert "carol" not in seen.text
    assert api.alice.get("/v1/holds").status_code == 403
    assert len(api.carol.get("/v1/holds").json()["rows"]) == 1
    assert api.alice.post("/v1/questions", json={"item": str(item)}).json() == {"wait": True}
    assert api.carol.get("/v1/questions").json()["rows"][0]["agency"] == "AA"
    ended = api.carol.post(f"/v1/holds/{placed.json()['holds'][0]}/release", json={"reason": "over"})
    assert ended.json()["state"] == "released", ended.text


def test_operations_are_seen_by_those_who_take_part(api: Callers, desk: Desk) -> None:
    window = {"opens_at": "2026-03-02T00:00:00Z", "closes_at": "2026-03-09T00:00:00Z"}
    made = api.bob.post(
        "/v1/operations", json={"id": "spring", "title": "Spring", "agencies": ["BB"], **window}
    )
    assert (made.status_code, made.json()["agencies"]) == (201, ["AA", "BB"]), made.text
    (item,) = desk.sight(desk.show("some_one"))
    assert api.carol.post("/v1/operations/spring/items", json={"items": [str(item)]}).json() == {"items": 1}
    assert [one["id"] for one in api.carol.get("/v1/operations").json()["rows"]] == ["spring"]
    assert api.dave.get("/v1/operations").json()["rows"] == []
    assert api.dave.get("/v1/operations/spring").status_code == 404
    assert api.alice.get("/v1/items?operation=spring").json()["rows"][0]["id"] == item
    assert api.bob.get("/v1/operations/spring/figures").json()["counts"]["items"] == 1
    assert api.bob.post("/v1/operations/spring/release").json() == {"requests": 0}


def test_the_ledger_can_be_checked_by_whoever_has_the_key(api: Callers, desk: Desk) -> None:
    from staydown.reason.checkpoint import verify
    from staydown.reason.merkle import is_consistent, leaf_hash, root_from_inclusion

    desk.sight(*(desk.show(f"some_{n}") for n in range(9)))
    key = api.dave.get("/v1/ledger/key").json()
    note = api.dave.get("/v1/ledger/checkpoint")
    assert note.headers["content-type"].startswith("text/plain")
    head = verify(note.text, base64.b64decode(key["public"]), origin=key["origin"])
    first = api.dave.get("/v1/ledger/entries?limit=3").json()
    rest = api.dave.get(f"/v1/ledger/entries?limit=1000&cursor={first['next']}").json()
    entries = [base64.b64decode(one["entry"]) for one in first["rows"] + rest["rows"]]
    assert [json.loads(one)["n"] for one in entries] == list(range(head.size))
    for number, entry in enumerate(entries):
        proof = api.dave.get(f"/v1/ledger/proofs/inclusion?entry={number}&size={head.size}").json()
        path = [base64.b64decode(one) for one in proof["path"]]
        assert root_from_inclusion(number, head.size, leaf_hash(entry), path) == head.root
    desk.sight(desk.show("another"))
    later = verify(
        api.dave.get("/v1/ledger/checkpoint").text, base64.b64decode(key["public"]), origin=key["origin"]
    )
    grown = api.dave.get(f"/v1/ledger/proofs/consistency?first={head.size}&second={later.size}").json()
    path = [base64.b64decode(one) for one in grown["path"]]
    assert is_consistent(head.size, head.root, later.size, later.root, path)
    assert api.dave.get(f"/v1/ledger/proofs/inclusion?entry=0&size={later.size + 1}").status_code == 404
