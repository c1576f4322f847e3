"""Statements of reasons, filled from the record, without a word that tells whom they are about."""

from __future__ import annotations

import json

import pytest

from ordering import SAID, consented, drawn, ready, settle_in
from staydown.core.errors import Invalid, NotEntitled, Refused
from staydown.core.request import Decision, LineAnswer, Request
from staydown.flow import answer, statements
from support import ALICE, CAROL, Desk, law

TERMS = {
    "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
    "incompatible_content_ground": "Terms of service, section 4",
    "incompatible_content_explanation": "Praise of violence is not allowed here.",
}
ILLEGAL = {"illegal_content_explanation": "It calls for attacks."}


def answered(desk: Desk, request: Request, decision: Decision) -> None:
    with desk.store.begin() as work:
        answer.answer(work, request.id, [LineAnswer(number=1, decision=decision)], by=ALICE)


@law("Regulation (EU) 2022/2065, Art. 24(5)", "Regulation (EU) 2022/2065, Art. 17")
def test_a_referral_gives_a_statement_that_names_nobody(desk: Desk) -> None:
    request, _ = desk.referred(desk.show("some_one"))
    answered(desk, request, Decision.REMOVED)
    with desk.store.begin(write=False) as work:
        (one,) = statements.statements(desk.tools, work, ALICE, request.id, given=TERMS)
        with pytest.raises(Invalid, match="incompatible_content"):
            statements.statements(desk.tools, work, ALICE, request.id, given={})
        with pytest.raises(NotEntitled):
            statements.statements(desk.tools, work, CAROL, request.id, given=TERMS)
        with pytest.raises(Refused, match=r"Art\. 19\(1\)"):
            statements.statements(desk.tools, work, ALICE, request.id, given=TERMS, is_small=True)
    assert one.values["source_type"] == "SOURCE_TYPE_OTHER_NOTIFICATION"
    assert one.values["decision_account"] == "DECISION_ACCOUNT_TERMINATED"
    assert not desk.tools.paper.check("dsa-statement", one.values).dropped
    told = json.dumps(one.values)
    for word in ("some_one", "flock.exercise.example", "alice", '"AA"'):
        assert word not in told


@law("Regulation (EU) 2022/2065, Art. 17(5)")
def test_a_notice_is_its_own_source_and_an_order_takes_none(desk: Desk) -> None:
    settle_in(desk)
    request = drawn(desk, ready(desk, desk.show("some_one")), instrument="dsa-art-16", said=SAID).request
    consented(desk, request)
    desk.work()
    answered(desk, request, Decision.RESTRICTED)
    with desk.store.begin(write=False) as work:
        (one,) = statements.statements(desk.tools, work, ALICE, request.id, given=ILLEGAL)
    assert one.values["source_type"] == "SOURCE_ARTICLE_16"
    assert one.values["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_DISABLED"]
