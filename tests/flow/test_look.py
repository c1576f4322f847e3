"""A look at sensitive data is written down with its purpose, and a changed log shows."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from staydown.core.errors import Invalid
from staydown.core.rights import Verb
from staydown.flow import audit, look
from staydown.store.tables_house import access_hours, accesses
from support import ALICE, CAROL, Desk, law


def _looked(desk: Desk, purpose: str = "case 7") -> None:
    with desk.store.begin(of=ALICE.agency) as work:
        look.looked(work, ALICE, Verb.SEE_SIGHTINGS, ["item:1"], count=1, purpose=purpose)


def _verified(desk: Desk) -> tuple[str, ...]:
    with desk.store.begin(write=False) as work:
        return audit.verify(work, desk.app.vault, public=desk.store.public_key).broken


@law("Directive (EU) 2016/680, Art. 25(1)")
def test_a_look_needs_a_purpose(desk: Desk) -> None:
    for purpose in ("", "   ", "\n\t", "x" * 201):
        with pytest.raises(Invalid):
            _looked(desk, purpose)
    _looked(desk)
    with desk.store.begin(of=ALICE.agency, write=False) as work:
        found = work.accesses.listed(ALICE.agency)
    assert [(one.person, one.verb, one.subjects, one.count, one.purpose) for one in found] == [
        ("alice", Verb.SEE_SIGHTINGS, ("item:1",), 1, "case 7")
    ]


@law("Directive (EU) 2016/680, Art. 25(2)")
def test_no_agency_sees_anothers_looks(desk: Desk) -> None:
    _looked(desk)
    with desk.store.begin(of=CAROL.agency, write=False) as work:
        assert work.accesses.listed(CAROL.agency) == []


@law("Directive (EU) 2016/680, Art. 25(1)")
def test_an_hour_is_sealed_in_the_ledger_once(desk: Desk) -> None:
    _looked(desk)
    _looked(desk, "case 8")
    desk.later(minutes=69)
    with desk.store.begin(write=False) as work:
        assert work.accesses.hours() == []
    desk.later(minutes=2)
    with desk.store.begin(write=False) as work:
        (seal,) = work.accesses.hours()
    assert seal.rows == 2
    assert desk.tags(f"access:{seal.hour}") == ["access:hour:sealed"]
    _looked(desk, "later")
    desk.later(hours=3)
    with desk.store.begin(write=False) as work:
        assert [one.rows for one in work.accesses.hours()] == [2, 1]
    assert _verified(desk) == ()


@pytest.mark.parametrize("what", ["edit", "delete", "add", "seal", "both"])
def test_a_changed_log_shows(desk: Desk, what: str) -> None:
    _looked(desk)
    desk.later(hours=2)
    assert _verified(desk) == ()
    with desk.store.begin() as work:
        if what == "edit":
            work.conn.execute(update(accesses).values(purpose="another"))
        elif what == "delete":
            work.conn.execute(delete(accesses))
        elif what == "add":
            row = work.conn.execute(accesses.select()).one()._asdict()
            work.conn.execute(accesses.insert().values(row | {"id": row["id"] + 1}))
        elif what == "seal":
            work.conn.execute(delete(access_hours))
        else:
            work.conn.execute(update(accesses).values(purpose="another"))
            again = work.accesses.digest(work.accesses.hours()[0].hour)
            work.conn.execute(update(access_hours).values(digest=again.digest))
    assert _verified(desk)
