"""What an answer keeps to itself although its route is open: lines that never left, and what others do."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import httpx2

from api.conftest import Callers
from happened import newcomers
from serving import serving, word_for
from staydown.core.ids import ItemId, OperationId
from staydown.core.people import Role
from staydown.flow import deconflict, operate, publish
from support import ALICE, BOB, CAROL, DAVE, Desk, person


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


WINDOW = {"opens_at": "2026-03-02T09:00:00Z", "closes_at": "2026-03-05T09:00:00Z"}


def begin(client: httpx2.Client, name: str, *items: ItemId, agencies: tuple[str, ...] = ()) -> None:
    """Set up an operation with items on its list."""
    given = {"id": name, "title": name, "agencies": agencies, **WINDOW}
    assert client.post("/v1/operations", json=given).status_code == 201
    added = client.post(f"/v1/operations/{name}/items", json={"items": [str(one) for one in items]})
    assert added.status_code == 201, added.text


def test_figures_are_of_those_who_take_part(api: Callers, desk: Desk) -> None:
    cora = person("cora", "CC", Role.ANALYST)
    newcomers(desk, cora)
    address = desk.show("some_one")
    (item,) = desk.sight(address, agency="CC")
    desk.sight(address, agency="BB")
    desk.keep([item])
    desk.view([item], by=cora)
    hold(desk, [item])
    begin(api.bob, "probe", item)
    path = "/v1/operations/probe/figures"
    found = api.bob.get(path)
    assert found.json()["agencies"] == {}
    counted = found.json()["counts"]
    names = ("items", "sightings", "agency_items", "assessed", "items_held", "holds")
    assert [counted[name] for name in names] == [1, 0, 0, 0, 0, 0]
    assert not [code for code in ('"BB"', '"CC"') if code in found.text]
    assert api.bob.get("/v1/figures").json()["holds"] == 0
    desk.sight(address)
    assert api.bob.get(path).json()["agencies"] == {"AA": {"sightings": 1, "first": 1}}
    assert api.bob.get(path).json()["counts"]["holds"] == 0
    desk.view([item])
    counted = api.bob.get(path).json()["counts"]
    assert [counted[name] for name in names] == [1, 1, 1, 1, 1, 1]
    assert api.bob.get("/v1/figures").json()["holds"] == 1
    assert api.carol.get("/v1/figures").json()["holds"] == 1  # its own
    with desk.store.begin(write=False) as work:
        whole = publish.figures(work, OperationId("probe"))
    assert set(whole["agencies"]) == {"AA", "BB", "CC"}  # type: ignore[call-overload]


def test_figures_count_requests_of_those_who_take_part(api: Callers, desk: Desk) -> None:
    request, items = desk.referred(desk.show("some_one"))
    begin(api.clive, "theirs", *items)
    begin(api.bob, "ours", *items, agencies=("BB",))
    theirs, ours = (
        client.get(f"/v1/operations/{name}/figures").json()
        for client, name in ((api.clive, "theirs"), (api.clive, "ours"))
    )
    assert (theirs["counts"]["items_referred"], ours["counts"]["items_referred"]) == (0, 1)
    assert api.clive.get("/v1/figures").json()["requests"] == {}
    assert api.bob.get("/v1/figures").json()["requests"] == {request.state.value: 1}


def test_the_live_tally_keeps_to_itself_what_the_figures_do(desk: Desk) -> None:
    newcomers(desk, person("clive", "BB", Role.COORDINATOR))
    items = desk.sight(desk.show("some_one"))
    desk.view(items)
    hold(desk, items)
    with desk.store.begin() as work:
        window = {"opens_at": work.now, "closes_at": work.now + timedelta(days=1)}
        operate.begin(work, BOB, OperationId("both"), title="", agencies=[DAVE.agency], **window)  # type: ignore[arg-type]
        operate.add_items(work, BOB, OperationId("both"), items)
    with serving(desk.app) as address:
        told = {}
        for who in (ALICE, DAVE):
            headers = {"Authorization": f"Bearer {word_for(desk.app, who)}"}
            with httpx2.stream("GET", f"{address}/v1/operations/both/events", headers=headers) as answer:
                data = next(line for line in answer.iter_lines() if line.startswith("data: "))
                told[who.id] = json.loads(data.removeprefix("data: "))["holds"]
    assert told == {"alice": 1, "dave": 0}


def test_an_operation_of_others_reads_like_none_everywhere(api: Callers, desk: Desk) -> None:
    items = desk.sight(desk.show("some_one"))
    desk.sight(desk.show("some_other"), agency="BB")
    begin(api.bob, "secret", *items)
    assert [one["id"] for one in api.bob.get("/v1/items?operation=secret").json()["rows"]] == items
    for path in ("/v1/items?operation={}", "/v1/requests?operation={}", "/v1/operations/{}"):
        there, none = (api.carol.get(path.format(name)) for name in ("secret", "absent"))
        assert (there.status_code, none.status_code) == (404, 404), path
        assert there.text.replace("secret", "absent") == none.text
    there, none = (
        api.carol.post("/v1/requests", json={"items": ["1"], "operation": name})
        for name in ("secret", "absent")
    )
    assert (there.status_code, none.status_code) == (404, 404)
    assert there.text.replace("secret", "absent") == none.text


def test_wait_shows_to_those_who_may_ask(api: Callers, desk: Desk) -> None:
    address = desk.show("some_one")
    items = [*desk.sight(address, agency="BB"), *desk.sight(desk.show("some_other"))]
    hold(desk, items[:1])

    def waits(client: httpx2.Client) -> list[bool | None]:
        listed = [one["wait"] for one in client.get("/v1/items").json()["rows"]]
        assert listed == [client.get(f"/v1/items/{item}").json()["wait"] for item in items]
        return listed

    assert waits(api.alice) == [None, None]
    desk.sight(address)
    assert waits(api.alice) == [None, None]
    desk.view(items)
    assert waits(api.alice) == [True, False]
    assert waits(api.dave) == [None, None]


def test_entries_are_for_those_who_see_the_shared_record(api: Callers, desk: Desk) -> None:
    desk.sight(desk.show("some_one"))
    for client in (api.oliver, api.ada):
        assert client.get("/v1/ledger/entries").status_code == 403
        assert client.get("/v1/ledger/checkpoint").status_code == 200
        assert client.get("/v1/ledger/key").status_code == 200
        proof = client.get("/v1/ledger/proofs/inclusion?entry=0&size=1")
        assert proof.status_code == 200, proof.text
    rows = api.dave.get("/v1/ledger/entries?limit=1000").json()["rows"]
    entries = [json.loads(base64.b64decode(row["entry"])) for row in rows]
    (seen,) = [one for one in entries if one["tag"] == "item:sighting:recorded"]
    assert set(seen) == {"at", "commit", "n", "subject", "tag"}
    assert not [word for word in ("alice", "some_one", "flock") if word in json.dumps(entries)]
