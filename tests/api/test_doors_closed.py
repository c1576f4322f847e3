"""Ways around sign-in that a second reader found, each closed."""

from __future__ import annotations

import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest

from api.conftest import Callers
from happened import ADA
from serving import caller
from staydown.api.routes.session import place_of
from staydown.core.errors import Refused
from staydown.core.house import CredentialKind, Strength
from staydown.core.ids import DelegationId
from staydown.core.people import Delegation, Role
from staydown.core.rights import Verb
from staydown.flow import admit, enrol
from support import ALICE, ANNA, BOB, Desk


@pytest.mark.parametrize("strength", [Strength.PASSWORD_TOTP, Strength.OIDC])
def test_no_passkey_is_added_from_a_weaker_session(api: Callers, desk: Desk, strength: Strength) -> None:
    with caller(api.address, desk.app, BOB, strength=strength) as weak:
        asked = weak.post("/v1/credentials/options", json={})
        assert asked.status_code == 403, asked.text
        assert "invite" in asked.json()["hint"]
    with caller(api.address, desk.app, BOB) as strong:
        assert strong.post("/v1/credentials/options", json={}).status_code == 200


def test_a_loan_makes_no_administrator_who_approves(desk: Desk) -> None:
    with desk.store.begin() as work:
        work.people.lend(
            Delegation(
                id=DelegationId(0), lender=BOB.id, borrower=ANNA.id, role=Role.APPROVER, from_at=work.now,
                until_at=work.now + timedelta(days=1), reason="leave",
            ),
            agency=BOB.agency,
        )  # fmt: skip
        assert Role.APPROVER in work.people.get(ANNA.id).roles
        work.people.change(ANNA.id, roles=frozenset({Role.ADMINISTRATOR}))
        assert work.people.get(ANNA.id).roles == {Role.ADMINISTRATOR}


def test_two_passkeys_ended_at_once_leave_one(desk: Desk) -> None:
    for turn in range(4):
        with desk.store.begin() as work:
            work.doors.end_credentials(BOB.id)
            numbers = [
                work.doors.add_credential(
                    BOB.id, BOB.agency, CredentialKind.PASSKEY, f"key-{turn}-{number}", b"made up"
                )
                for number in range(2)
            ]
        start, refused = threading.Barrier(2), list[int]()

        def end(number: int, start: threading.Barrier = start, refused: list[int] = refused) -> None:
            start.wait()
            try:
                enrol.remove(desk.tools, BOB, number)  # type: ignore[arg-type]
            except Refused:
                refused.append(number)

        threads = [threading.Thread(target=end, args=(number,)) for number in numbers]
        for one in threads:
            one.start()
        for one in threads:
            one.join(30)
        with desk.store.begin(write=False) as work:
            left = work.doors.credentials(BOB.id)
        assert (len(left), len(refused)) == (1, 1)


def test_no_program_answers_an_alarm_or_sets_up_webhooks(desk: Desk) -> None:
    with desk.store.begin(write=False) as work:
        assert not admit.opens(work.people.get(ALICE.id)) & {Verb.TAKE_ALARM, Verb.APPROVE}
    assert {Verb.TAKE_ALARM, Verb.SET_WEBHOOKS} <= admit.NO_TOKEN


def test_people_are_changed_after_a_fresh_proof_only(api: Callers, desk: Desk) -> None:
    with desk.app.store.begin() as work:
        session = max(one.id for one in work.doors.sessions(ADA.id))
        from staydown.store.tables_house import sessions

        work.conn.execute(
            sessions.update()
            .where(sessions.c.id == session)
            .values(proved_at=work.real_now - timedelta(hours=1))
        )
    new = {"person": "newcomer", "roles": ["analyst"]}
    assert api.ada.post("/v1/persons", json=new).status_code == 403


def test_a_name_taken_elsewhere_reads_the_same_on_both_databases(api: Callers, desk: Desk) -> None:
    said = api.ada.post("/v1/persons", json={"person": "carol", "roles": ["analyst"]})
    assert said.status_code == 400, said.text
    assert "pk_" not in said.text


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_one_subscriber_has_one_bucket(one: str, other: str, is_same: bool) -> None:
    class Asking:
        def __init__(self, host: str) -> None:
            self.client = SimpleNamespace(host=host)

    assert (place_of(Asking(one)) == place_of(Asking(other))) is is_same  # type: ignore[arg-type]


def test_many_brackets_are_refused_unread(api: Callers) -> None:
    answer = api.alice.post(
        "/v1/assessments",
        content=b"[" + b"[]," * 30_000 + b"[]]",
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert "lists" in answer.json()["detail"]
