"""Orders over HTTP: three persons with their own proofs, and the provider's officer who sends Annex II back."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest

from ordering import EMERGENCY, LONG, OFFICE, REPRESENTATIVE, WHOLE, ready, settle_in
from serving import caller, serving
from staydown.core.ids import AgencyCode, PersonId
from staydown.core.people import Person
from staydown.core.rights import Role
from staydown.core.time import iso
from support import ALICE, BOB, SAM, Desk

DESK = Person(id=PersonId("officer"), agency=AgencyCode("FLOCK"), roles=frozenset({Role.PROVIDER}))
SAID = {"reach": "public", "serves_union": True, "reasons": LONG, "whole": WHOLE, "emergency": EMERGENCY}


@pytest.fixture
def court(desk: Desk) -> Desk:
    """A desk that may issue orders, and the provider's own."""
    settle_in(desk)
    with desk.store.begin() as work:
        work.people.add_agencies([DESK.agency])
        work.people.add(DESK)
    desk.app.settings = replace(desk.app.settings, fresh_s=3600)
    return desk


def test_an_order_from_footing_to_dossier(court: Desk) -> None:
    ready(court, court.show("some_one"))
    item = "flock:account:some_one"
    with serving(court.app) as address:
        alice, bob, sam, desk = (caller(address, court.app, who) for who in (ALICE, BOB, SAM, DESK))
        options = alice.post("/v1/footing", json={"items": [item], "said": SAID}).json()["rows"]
        assert [row["instrument"] for row in options if row["standing"] == "suggested"] == ["referral"]
        made = alice.post(
            "/v1/orders",
            json={
                "items": [item],
                "instrument": "tco-annex-1",
                "said": SAID,
                "representative": REPRESENTATIVE,
            },
        )
        assert made.status_code == 201, made.text
        place = f"/v1/requests/{made.json()['reference']}"
        seen = bob.get(f"{place}/consideration").json()
        assert seen["text"].startswith("DRAFT, NOT AN ORDER")
        assert not seen["missing"]
        draft = bob.get(f"{place}/papers/pdf")
        assert draft.content.startswith(b"%PDF")
        assert draft.content != alice.get(f"{place}/papers/json").content
        assert desk.get(f"{place}").status_code == 404
        version = bob.get(place).headers["ETag"]
        answer = bob.post(
            f"{place}/approvals", json={"digest": seen["digest"]}, headers={"If-Match": version}
        )
        assert answer.json()["state"] == "consented", answer.text
        version = sam.get(place).headers["ETag"]
        body = {"digest": "0" * 64}
        assert sam.post(f"{place}/signatures", json=body, headers={"If-Match": version}).status_code in {
            409,
            412,
        }
        body = {"digest": seen["digest"]}
        assert bob.post(f"{place}/signatures", json=body, headers={"If-Match": version}).status_code == 403
        answer = sam.post(f"{place}/signatures", json=body, headers={"If-Match": version})
        assert answer.status_code == 201, answer.text
        court.work()
        stands = desk.get(f"{place}/order").json()
        assert stands["order"] == "running"
        assert desk.get(f"{place}/papers/pdf-signed").content.startswith(b"%PDF")
        assert desk.get(f"{place}/consideration").status_code in {403, 404}
        with court.store.begin(write=False) as work:
            now = work.now
        annex = {
            "form": "tco-annex-2",
            "a_addressee": "Flock (simulated)",
            "a_authority": OFFICE.name,
            "a_authority_ref": made.json()["reference"],
            "a_received_at": iso(now),
            "b_measure": "removed",
            "b_acted_at": iso(now),
            "c_hsp": "Flock (simulated)",
            "c_ms": "IE",
            "c_person": "A Made-Up Officer",
            "c_email": "desk@flock.example",
            "c_date": now.date().isoformat(),
        }
        answer = desk.post(f"{place}/feedback", json={"values": annex | {"a_authority_ref": "another"}})
        assert answer.status_code == 400
        answer = desk.post(f"{place}/feedback", json={"values": annex})
        assert answer.json()["order"] == "executed", answer.text
        event = {"event": "judged", "accepted": True, "reason": "made up"}
        assert desk.post(f"{place}/events", json={"happened": event}).status_code == 403
        body = sam.get(f"{place}/dossier").content
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert "MANIFEST.json" in archive.namelist()


def test_a_provider_claims_impossibility_and_its_issuer_is_told(court: Desk) -> None:
    from ordering import URGENT, issued

    request = issued(court, ready(court, court.show("some_one")), said=URGENT)
    with court.store.begin(write=False) as work:
        now = work.now
    annex = {
        "form": "tco-annex-3",
        "a_addressee": "Flock (simulated)",
        "a_authority": OFFICE.name,
        "a_authority_ref": request.reference,
        "a_received_at": iso(now),
        "b_reasons": ["fm"],
        "b_explanation": "A made-up storm has cut our made-up lines.",
        "c_hsp": "Flock (simulated)",
        "c_person": "A Made-Up Officer",
        "c_email": "desk@flock.example",
        "c_signature": "A. Made-Up",
        "c_at": iso(now),
    }
    with serving(court.app) as address:
        desk = caller(address, court.app, DESK)
        answer = desk.post(f"/v1/requests/{request.reference}/feedback", json={"values": annex})
        assert answer.json() == {"reference": request.reference, "order": "impeded", "scrutiny": None}, (
            answer.text
        )
        sam = caller(address, court.app, SAM)
        alarms = sam.get("/v1/alarms").json()["rows"]
        assert any("remove" in one["text"] for one in alarms)
