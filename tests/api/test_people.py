"""Persons, tokens and lent roles over real HTTP, and how soon a change holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from serving import caller, serving
from staydown.api.limits_rates import Limiter
from staydown.core.house import Strength
from staydown.core.rights import Role
from staydown.core.time import iso
from staydown.testing.signed_in import enrolled, signed_in
from support import ALICE, BOB, CAROL, Desk, person

ADA = person("ada", "AA", Role.ADMINISTRATOR)


@pytest.fixture
def door(desk: Desk) -> Iterator[str]:
    """The address of a served desk with an administrator."""
    with desk.store.begin() as work:
        work.people.add(ADA)
    with serving(desk.app) as address:
        yield address


@pytest.fixture
def ada(desk: Desk, door: str) -> Iterator[httpx2.Client]:
    """The administrator of AA, signed in."""
    with caller(door, desk.app, ADA) as client:
        yield client


@pytest.fixture
def alice(desk: Desk, door: str) -> Iterator[httpx2.Client]:
    """An analyst of AA, signed in."""
    with caller(door, desk.app, ALICE) as client:
        yield client


def test_a_new_person_is_added_invited_and_signs_in(desk: Desk, door: str, ada: httpx2.Client) -> None:
    made = ada.post("/v1/persons", json={"person": "nina", "roles": ["analyst"]})
    assert made.status_code == 201
    told = ada.post("/v1/persons/nina/invitations", json={}).json()
    address, _, word = told["address"].partition("#")
    assert address == "http://localhost:8017/enrol"
    key = enrolled(door, word, origin="http://localhost:8017")
    me = httpx2.get(f"{door}/v1/me", headers={"Authorization": f"Bearer {signed_in(door, key)}"}).json()
    assert (me["person"], me["agency"], me["roles"], me["strength"]) == ("nina", "AA", ["analyst"], "passkey")
    assert "sighting:record" in me["verbs"]
    assert "request:approve" not in me["verbs"]


def test_a_change_names_the_version_it_was_made_on(ada: httpx2.Client) -> None:
    tag = ada.get("/v1/persons/alice").headers["etag"]
    wanted = {"roles": ["analyst", "coordinator"]}
    assert ada.patch("/v1/persons/alice", json=wanted).status_code == 428
    assert ada.patch("/v1/persons/alice", json=wanted, headers={"If-Match": '"old"'}).status_code == 412
    done = ada.patch("/v1/persons/alice", json=wanted, headers={"If-Match": tag})
    assert done.json()["roles"] == ["analyst", "coordinator"]
    assert ada.patch("/v1/persons/alice", json=wanted, headers={"If-Match": tag}).status_code == 412


def test_a_changed_role_holds_at_the_next_call(ada: httpx2.Client, alice: httpx2.Client) -> None:
    assert "request:propose" in alice.get("/v1/me").json()["verbs"]
    tag = ada.get("/v1/persons/alice").headers["etag"]
    ada.patch("/v1/persons/alice", json={"roles": ["assessor"]}, headers={"If-Match": tag})
    assert "request:propose" not in alice.get("/v1/me").json()["verbs"]


def test_nobody_else_administers(desk: Desk, door: str, alice: httpx2.Client, ada: httpx2.Client) -> None:
    assert alice.post("/v1/persons", json={"person": "x", "roles": ["analyst"]}).status_code == 403
    tag = ada.get("/v1/persons/alice").headers["etag"]
    mine = alice.patch("/v1/persons/alice", json={"roles": ["approver"]}, headers={"If-Match": tag})
    assert mine.status_code == 403
    foreign, missing = ada.get("/v1/persons/carol"), ada.get("/v1/persons/nobody")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.text.replace("carol", "nobody") == missing.text
    assert {row["agency"] for row in ada.get("/v1/persons").json()["rows"]} == {"AA"}


def test_an_agency_names_itself_only(ada: httpx2.Client) -> None:
    tag = ada.get("/v1/agencies/AA").headers["etag"]
    named = ada.patch("/v1/agencies/AA", json={"name": "Made-up unit"}, headers={"If-Match": tag})
    assert named.json() == {"code": "AA", "name": "Made-up unit"}
    assert ada.patch("/v1/agencies/BB", json={"name": "x"}, headers={"If-Match": "*"}).status_code == 403


def test_a_token_opens_its_scope_and_ends_at_once(desk: Desk, door: str, alice: httpx2.Client) -> None:
    asked = {"label": "feed", "scope": ["provider:see", "account:see"]}
    made = alice.post("/v1/tokens", json=asked, headers={"Idempotency-Key": "k1"})
    assert made.status_code == 201
    word = made.json()["word"]
    assert alice.post("/v1/tokens", json=asked, headers={"Idempotency-Key": "k1"}).json()["word"] is None
    bearer = {"Authorization": f"Bearer {word}"}
    assert httpx2.get(f"{door}/v1/me", headers=bearer).json()["verbs"] == ["account:see", "provider:see"]
    assert httpx2.get(f"{door}/v1/persons", headers=bearer).status_code == 403
    for path in ("/v1/tokens", "/v1/session/proof/options"):
        assert (
            httpx2.post(
                f"{door}{path}", json={**asked} if "tokens" in path else {}, headers=bearer
            ).status_code
            == 403
        )
    assert word not in alice.get("/v1/tokens").text
    assert alice.delete(f"/v1/tokens/{made.json()['id']}").json() == {"ended": 1}
    assert httpx2.get(f"{door}/v1/me", headers=bearer).status_code == 401


def test_a_token_is_never_for_what_takes_a_person(alice: httpx2.Client) -> None:
    for verb in ("token:make", "request:approve", "hold:see"):
        assert alice.post("/v1/tokens", json={"label": "x", "scope": [verb]}).status_code == 403
    assert (
        alice.post("/v1/tokens", json={"label": "x", "scope": ["check:ask"], "days": 367}).status_code == 422
    )


def test_consent_counts_only_behind_a_passkey(desk: Desk, door: str) -> None:
    found = {}
    for strength in Strength:
        with caller(door, desk.app, BOB, strength=strength) as client:
            found[strength] = "request:approve" in client.get("/v1/me").json()["verbs"]
    assert found == {Strength.PASSKEY: True, Strength.OIDC: False, Strength.PASSWORD_TOTP: False}


def test_a_role_is_lent_and_returned(desk: Desk, door: str, alice: httpx2.Client) -> None:
    with desk.store.begin(write=False) as work:
        until = iso(work.now + timedelta(days=2))
    with caller(door, desk.app, BOB) as bob, caller(door, desk.app, CAROL) as carol:
        asked = {"borrower": "alice", "role": "approver", "until": until, "reason": "on leave"}
        assert carol.post("/v1/delegations", json=asked).status_code == 404
        lent = bob.post("/v1/delegations", json=asked)
        assert lent.status_code == 201
        assert "request:approve" in alice.get("/v1/me").json()["verbs"]
        number = lent.json()["id"]
        assert carol.delete(f"/v1/delegations/{number}").status_code == 404
        assert alice.delete(f"/v1/delegations/{number}").status_code == 404
        assert bob.delete(f"/v1/delegations/{number}").status_code == 200
        assert "request:approve" not in alice.get("/v1/me").json()["verbs"]
        assert carol.get("/v1/delegations").json()["rows"] == []


def test_calls_are_limited_and_say_until_when(desk: Desk) -> None:
    with (
        serving(desk.app, limiter=Limiter(rate_per_s=0.5, burst=40)) as address,
        caller(address, desk.app, ALICE) as client,
    ):
        answers = [client.get("/v1/me") for _ in range(45)]
    assert [one.status_code for one in answers].count(200) == 40
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
