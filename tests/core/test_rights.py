"""The table of rights, held against rules that were written down apart from it, over every role, verb and relation."""

from __future__ import annotations

import itertools

import pytest

from staydown.core.errors import NotEntitled
from staydown.core.ids import AgencyCode, PersonId
from staydown.core.people import Person
from staydown.core.rights import (
    ALONE,
    FRESH,
    PHISHING_RESISTANT,
    RIGHTS,
    WITH_PURPOSE,
    Relation,
    Role,
    Verb,
    goes_together,
    may,
)

EVERYTHING = list(itertools.product(Role, Verb, Relation))

EVERYBODY_S = [
    "account:",
    "token:",
    "delegation:see",
    "person:see",
    "agency:see",
    "provider:",
    "checkpoint:",
    "roster:see",
]
"""What has nothing to do with a case."""
BY_ROLE = {
    Role.ANALYST: """item sighting match list evidence assessment check return hold:- question:ask request:see request:propose
        request:withdraw request:answer request:close clock operation:see operation:add figures ledger alarm order:note
        letter:draw dossier""",
    Role.ASSESSOR: """item:see sighting:see match evidence:see evidence:open assessment check:see return:see request:see clock
        operation:see figures ledger alarm""",
    Role.APPROVER: """item:see sighting:see match evidence:see evidence:open assessment:see check:see return:see request:see
        request:approve request:send-back request:withdraw clock operation:see figures ledger alarm letter:approve
        authority:set dossier""",
    Role.SIGNATORY: """item:see sighting:see match evidence:see evidence:open assessment:see check:see return:see request:see
        request:sign request:send-back request:withdraw hold:overrule clock operation:see figures ledger alarm
        order:note letter:draw office:set authority:set dossier""",
    Role.COORDINATOR: """item sighting match list:import evidence:see assessment:see check return:see question:ask request:see
        request:withdraw request:answer request:close clock operation figures ledger roster:set alarm webhook:see exercise
        order:note letter:draw authority:set dossier""",
    Role.DECONFLICTION: """item:see sighting:see match evidence:see assessment:see check:see return:see hold:see hold:place
        hold:release hold:dispute question request:see clock operation:see figures ledger alarm dossier""",
    Role.INVESTIGATOR: """item:see sighting:see match evidence:see evidence:open assessment:see check:see return:see hold:see
        hold:place hold:release question:see request:see clock operation:see figures ledger alarm dossier""",
    Role.PROVIDER: "request:see request:answer clock alarm webhook order:note",
    Role.AUDITOR: """item:see sighting:see match evidence:see evidence:open assessment:see check:see return:see request:see
        clock operation:see figures ledger access alarm:see alarm:take webhook:see dossier""",
    Role.ADMINISTRATOR: "token:end person agency:name roster:set webhook office:set",
    Role.TRAINER: "alarm:see alarm:take exercise",
}
"""Per role what it may in at least one relation: a whole noun, or one act of it."""


def _named(words: str, verb: Verb) -> bool:
    noun, act = verb.value.split(":")
    return any(word.rstrip(":") == noun or word == f"{noun}:{act}" for word in words.split())


@pytest.mark.parametrize("role", Role)
def test_each_role_may_what_is_written_here_and_nothing_else(role: Role) -> None:
    for verb in Verb:
        is_allowed = any(may(frozenset({role}), verb, relation) for relation in Relation)
        is_everybodys = _named(" ".join(EVERYBODY_S), verb)
        if verb is Verb.DELEGATE:
            assert is_allowed == (role is not Role.ADMINISTRATOR)
        elif not is_everybodys:
            assert is_allowed == _named(BY_ROLE[role], verb), (role, verb)
        else:
            assert is_allowed, (role, verb)


def test_every_verb_has_a_row_and_no_row_is_empty() -> None:
    assert set(RIGHTS) == set(Verb)
    for verb, rows in RIGHTS.items():
        assert rows
        assert all(rows.values()), verb


def test_of_another_agencys_records_only_holds_can_be_touched() -> None:
    foreign = {
        (role, verb)
        for role, verb, at in EVERYTHING
        if at is Relation.FOREIGN and may(frozenset({role}), verb, at)
    }
    assert foreign == {
        (Role.DECONFLICTION, Verb.SEE_HOLDS),
        (Role.DECONFLICTION, Verb.DISPUTE_HOLD),
        (Role.SIGNATORY, Verb.OVERRULE_HOLD),
    }


def test_an_administrator_sees_no_cases() -> None:
    cases = {
        "item",
        "sighting",
        "match",
        "evidence",
        "assessment",
        "hold",
        "question",
        "request",
        "return",
        "access",
    }
    for _, verb, at in (row for row in EVERYTHING if row[0] is Role.ADMINISTRATOR):
        if verb.value.split(":")[0] in cases:
            assert not may(frozenset({Role.ADMINISTRATOR}), verb, at)


def test_a_providers_officer_sees_only_what_is_addressed_to_the_desk() -> None:
    for _, verb, at in (row for row in EVERYTHING if row[0] is Role.PROVIDER):
        if verb.value.startswith(("request:", "clock:")) and at is not Relation.ADDRESSED:
            assert not may(frozenset({Role.PROVIDER}), verb, at)


def test_no_one_role_both_proposes_and_approves_or_signs() -> None:
    consents = {Verb.APPROVE, Verb.SIGN}
    for role in Role:
        allowed = {verb for _, verb, at in EVERYTHING if may(frozenset({role}), verb, at)}
        assert len(allowed & (consents | {Verb.PROPOSE})) <= 1


def test_what_binds_wants_fresh_proof_and_a_passkey() -> None:
    assert {Verb.APPROVE, Verb.SIGN, Verb.RELEASE_OPERATION} <= FRESH
    for verb in (Verb.APPROVE, Verb.SIGN):
        assert set().union(*RIGHTS[verb].values()) <= PHISHING_RESISTANT


def test_what_is_sensitive_wants_a_purpose() -> None:
    assert {verb for verb in WITH_PURPOSE if not verb.value.endswith((":see", ":open", ":export"))} == set()
    assert {Verb.SEE_SIGHTINGS, Verb.OPEN_EVIDENCE, Verb.SEE_HOLDS, Verb.SEE_ACCESSES} <= WITH_PURPOSE


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(Role, 2)))
def test_who_lets_people_in_and_who_answers_for_a_provider_does_nothing_else(one: Role, other: Role) -> None:
    assert goes_together(frozenset({one, other})) == (not ALONE & {one, other})
    assert goes_together(frozenset({one}))


@pytest.mark.parametrize("role", Role)
def test_a_person_is_held_to_the_table(role: Role) -> None:
    """Every deny branch: what the table does not allow is refused in words, with a next step."""
    one = Person(id=PersonId("paul"), agency=AgencyCode("AA"), roles=frozenset({role}))
    for verb, relation in itertools.product(Verb, Relation):
        if one.may(verb, relation):
            one.require(verb, relation)
            continue
        with pytest.raises(NotEntitled) as refused:
            one.require(verb, relation)
        assert refused.value.hint


def test_a_foreign_record_is_refused_as_foreign() -> None:
    bob = Person(id=PersonId("bob"), agency=AgencyCode("AA"), roles=frozenset({Role.APPROVER}))
    bob.require(Verb.APPROVE, within=AgencyCode("AA"))
    with pytest.raises(NotEntitled, match="may not act for BB"):
        bob.require(Verb.APPROVE, within=AgencyCode("BB"))


def test_nobody_without_a_role_may_anything() -> None:
    assert not any(may(frozenset(), verb, relation) for verb, relation in itertools.product(Verb, Relation))


def test_a_lent_role_lends_no_other_eyes() -> None:
    eve = Person(
        id=PersonId("eve"),
        agency=AgencyCode("AA"),
        roles=frozenset({Role.APPROVER}),
        lent={Role.APPROVER: frozenset({PersonId("bob")})},
    )
    assert eve.eyes(Role.APPROVER) == {"eve", "bob"}
    assert eve.eyes(Role.ANALYST) == {"eve"}
