"""Who lets whom in, who lends what to whom, and what programs may do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from staydown.core.errors import Invalid, NotEntitled, NotFound, Refused
from staydown.core.house import CredentialKind
from staydown.core.ids import AgencyCode, PersonId
from staydown.core.rights import FRESH, Relation, Role, Verb
from staydown.flow import admit
from support import ALICE, ANNA, BOB, CAROL, Desk, person

ADA = person("ada", "AA", Role.ADMINISTRATOR)
A, B = AgencyCode("AA"), AgencyCode("ZZ")


@pytest.fixture
def staffed(desk: Desk) -> Desk:
    """A desk with an administrator at AA."""
    with desk.store.begin() as work:
        work.people.add(ADA)
    return desk


def test_the_first_administrator_comes_in_once(desk: Desk) -> None:
    with desk.store.begin() as work:
        made = admit.first(work, PersonId("zoe"), B)
        assert work.doors.invitation(made.word) is not None
        assert made.expires_at == work.real_now + timedelta(hours=1)
        again = admit.first(work, PersonId("zoe"), B)  # nobody has come in yet
        assert work.doors.invitation(made.word) is None
        assert work.doors.invitation(again.word) is not None
        work.doors.add_credential(PersonId("zoe"), B, CredentialKind.PASSKEY, "k", b"p")
        with pytest.raises(Refused):
            admit.first(work, PersonId("max"), B)
        with pytest.raises(Refused):
            admit.first(work, PersonId("zoe"), B, again=True, reason=" ")
        admit.first(work, PersonId("zoe"), B, again=True, reason="the key was lost")
    assert desk.store.noted("sign_in") == "on"
    assert desk.tags("person").count("person:administrator:invited") == 3


def test_nobody_else_becomes_the_first_administrator(desk: Desk) -> None:
    with desk.store.begin() as work, pytest.raises(Invalid):
        admit.first(work, ALICE.id, A)


def test_an_administrator_works_at_one_agency_only(staffed: Desk) -> None:
    with staffed.store.begin(of=A) as work:
        added = admit.add(work, ADA, PersonId("nina"), frozenset({Role.ANALYST}))
        assert added.agency == A
        with pytest.raises(NotFound):
            admit.change(work, ADA, CAROL.id, roles=frozenset({Role.AUDITOR}))
        with pytest.raises(NotFound):
            admit.invite(work, ADA, CAROL.id)
        with pytest.raises(NotEntitled):
            admit.add(work, ALICE, PersonId("x"), frozenset({Role.ANALYST}))
        with pytest.raises(NotEntitled):
            admit.change(work, BOB, ALICE.id, roles=frozenset({Role.APPROVER}))


def test_an_administrator_holds_nothing_else_and_changes_no_own_role(staffed: Desk) -> None:
    with staffed.store.begin() as work:
        with pytest.raises(Invalid):
            admit.add(work, ADA, PersonId("x"), frozenset({Role.ADMINISTRATOR, Role.ANALYST}))
        with pytest.raises(NotEntitled):
            admit.change(work, ADA, ADA.id, roles=frozenset({Role.APPROVER}))
        with pytest.raises(NotEntitled):
            admit.change(work, ADA, ADA.id, leaves_at=work.now)
        admit.change(work, ADA, ADA.id, mail="ada@aa.example")


def test_whoever_leaves_loses_everything_at_once(staffed: Desk) -> None:
    with staffed.store.begin() as work:
        admit.make_token(work, ALICE, label="x", scope=frozenset({Verb.CHECK}), days=1)
        work.doors.add_credential(ALICE.id, A, CredentialKind.PASSKEY, "k", b"p")
        gone = admit.change(work, ADA, ALICE.id, leaves_at=work.now)
        assert gone.roles == frozenset()
        assert work.doors.tokens(ALICE.id) == []
        assert work.doors.credentials(ALICE.id) == []
        with pytest.raises(NotFound):
            admit.invite(work, ADA, ALICE.id)
    assert "person:left:noted" in staffed.tags("person")


def test_a_token_opens_no_more_than_its_maker_may(staffed: Desk) -> None:
    with staffed.store.begin() as work:
        number, word = admit.make_token(work, ALICE, label="feed", scope=frozenset({Verb.RECORD}), days=9)
        token = work.doors.token(word)
        assert token is not None
        assert (token.id, token.scope) == (number, frozenset({Verb.RECORD}))
        for verb in (Verb.APPROVE, Verb.MAKE_TOKEN, Verb.SEE_HOLDS):
            with pytest.raises(NotEntitled):
                admit.make_token(work, ALICE, label="x", scope=frozenset({verb}), days=9)
        assert not admit.opens(BOB) & FRESH


def test_a_token_is_ended_by_its_maker_or_the_administrator(staffed: Desk) -> None:
    with staffed.store.begin() as work:
        one, _ = admit.make_token(work, ALICE, label="a", scope=frozenset({Verb.CHECK}), days=1)
        two, _ = admit.make_token(work, ALICE, label="b", scope=frozenset({Verb.CHECK}), days=1)
        for stranger in (ANNA, CAROL):
            with pytest.raises(NotFound):
                admit.end_token(work, stranger, one)
        admit.end_token(work, ALICE, one)
        admit.end_token(work, ADA, two)
        assert work.doors.tokens(ALICE.id) == []


def test_a_lent_role_holds_for_its_time_and_goes_no_further(staffed: Desk) -> None:
    with staffed.store.begin() as work:
        until = work.now + timedelta(days=2)
        number = admit.lend(work, BOB, ALICE.id, Role.APPROVER, until=until, reason="on leave")
        alice = work.people.get(ALICE.id)
        assert alice.may(Verb.APPROVE, Relation.OWN)
        assert alice.eyes(Role.APPROVER) == {ALICE.id, BOB.id}
        with pytest.raises(NotEntitled):
            admit.lend(work, alice, ANNA.id, Role.APPROVER, until=until, reason="on")
        with pytest.raises(NotFound):
            admit.take_back(work, ANNA, number)
        admit.take_back(work, BOB, number)
        assert Role.APPROVER not in work.people.get(ALICE.id).roles
        with pytest.raises(NotFound):
            admit.take_back(work, BOB, number)
    assert [t for t in staffed.tags("person") if ":role:" in t] == [
        "person:role:lent",
        "person:role:returned",
    ]


def test_what_cannot_be_lent(staffed: Desk) -> None:
    with staffed.store.begin() as work:
        soon, late = work.now + timedelta(days=1), work.now + timedelta(days=31)
        with pytest.raises(NotEntitled):
            admit.lend(work, ADA, ALICE.id, Role.ADMINISTRATOR, until=soon, reason="x")
        with pytest.raises(NotEntitled):
            admit.lend(work, BOB, ALICE.id, Role.SIGNATORY, until=soon, reason="x")
        with pytest.raises(Invalid):
            admit.lend(work, BOB, ALICE.id, Role.APPROVER, until=late, reason="x")
        with pytest.raises(Invalid):
            admit.lend(work, BOB, BOB.id, Role.APPROVER, until=soon, reason="x")
        with pytest.raises(Invalid):
            admit.lend(work, BOB, ADA.id, Role.APPROVER, until=soon, reason="x")
        with pytest.raises(NotFound):
            admit.lend(work, BOB, CAROL.id, Role.APPROVER, until=soon, reason="x")
