"""What stands on an agency's forms, and the authorities of states: whose addresses count, and which are taken."""

from __future__ import annotations

import re
from dataclasses import asdict, replace

import pytest
from sqlalchemy import event

from ordering import OFFICE, drawn, first_contact, ready, settle_in
from staydown.core.errors import Invalid, NotFound, SameEyes
from staydown.core.ids import AgencyCode
from staydown.core.order import Competence, Office, PaperName
from staydown.core.people import Role
from staydown.flow import footing, office
from support import ALICE, BOB, CAROL, SAM, Desk, person

AA, BB = AgencyCode("AA"), AgencyCode("BB")
ELSE = person("else", "BB", Role.APPROVER)


def _propose(desk: Desk, by: object = SAM, **changed: str) -> int:
    given = {
        "state": "FR", "task": "scrutinise", "name": "Made-up Authority", "contact_point": "desk@authority.example",
        "courier": "mail", "language": "fr",
    } | changed  # fmt: skip
    with desk.store.begin() as work:
        return office.propose_authority(desk.tools, work, by, **given)  # type: ignore[arg-type]


def _confirm(desk: Desk, number: int, by: object) -> None:
    with desk.store.begin() as work:
        office.confirm_authority(work, by, number)  # type: ignore[arg-type]


def _points(desk: Desk, agency: AgencyCode) -> list[tuple[str, str]]:
    with desk.store.begin(write=False) as work:
        return [
            (one.state, one.contact_point)
            for one in work.offices.authorities(agency)
            if one.confirmed_by is not None
        ]


def test_persons_of_one_agency_say_nothing_about_where_another_sends_its_copies(desk: Desk) -> None:
    with desk.store.begin() as work:
        work.people.add(ELSE)
    _confirm(desk, _propose(desk), BOB)
    other = _propose(desk, CAROL, contact_point="elsewhere@authority.example")
    with pytest.raises(NotFound, match="waits to be confirmed"):
        _confirm(desk, other, BOB)  # another agency's
    _confirm(desk, other, ELSE)
    assert _points(desk, AA) == [("FR", "desk@authority.example")]
    assert _points(desk, BB) == [("FR", "elsewhere@authority.example")]


def test_a_role_that_is_lent_lends_no_other_eyes(desk: Desk) -> None:
    number = _propose(desk)
    borrower = replace(
        ALICE, roles=frozenset({Role.ANALYST, Role.SIGNATORY}), lent={Role.SIGNATORY: frozenset({SAM.id})}
    )
    for same in (SAM, borrower):
        with pytest.raises(SameEyes, match="sam proposed"):
            _confirm(desk, number, same)
    assert _points(desk, AA) == []
    _confirm(desk, number, BOB)
    assert _points(desk, AA) == [("FR", "desk@authority.example")]


def test_only_the_own_agencys_authority_makes_an_order_possible(desk: Desk) -> None:
    settle_in(desk)
    with desk.store.begin() as work:
        work.offices.set(replace(OFFICE, agency=BB), by=CAROL.id)
    items = ready(desk, desk.show("made_up"))
    with desk.store.begin(write=False) as work:
        known = [
            footing.matters(desk.tools, work, who, items)[items[0]].authority_known for who in (ALICE, CAROL)
        ]
    assert known == [True, False]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"language": "zz"}, "no language"),
        ({"language": ""}, "no language"),
        ({"contact_point": "desk@authority.example\r\nBcc: x@y.example"}, "control characters"),
        ({"contact_point": "desk@authority.example\u202e"}, "control characters"),
        ({"contact_point": "a" * 600}, "at most 500"),
        ({"contact_point": "https://authority.example/inbox"}, "is no email"),
        ({"contact_point": "desk"}, "is no email"),
        ({"courier": "api"}, "is no weblink"),
        ({"courier": "webform", "contact_point": "https://authority.example/form"}, "carries no files"),
        ({"state": "ZZ"}, "no state of the European Economic Area"),
    ],
)
def test_an_address_nothing_could_be_delivered_to_is_refused(
    desk: Desk, changed: dict[str, str], says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        _propose(desk, **changed)
    assert _points(desk, AA) == []


def test_other_couriers_take_what_they_deliver_to(desk: Desk) -> None:
    for more in (
        {"courier": "api", "contact_point": "https://authority.example/inbox"},
        {"courier": "files", "contact_point": "the counter, 1 Made-up Street"},
    ):
        assert _propose(desk, **more)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"redress_law": "http://[x"}, "redress_law: "),
        ({"redress_law": "law.example/made-up"}, "redress_law: .*https://"),
        ({"redress_law": "ftp://law.example"}, "redress_law: "),
        ({"redress_law": "https://law.example:port/"}, "redress_law: "),
        ({"email": "a@b"}, "email: "),
        ({"email": "a@b-.de"}, "email: "),
        ({"state": "ZZ"}, "no state whose law and calendar we know"),
        ({"state": "be"}, "two capital letters"),
        ({"state": "EL"}, "no state whose law"),
    ],
)
def test_an_office_that_could_stand_on_no_form_is_refused(changed: dict[str, str], says: str) -> None:
    with pytest.raises(Invalid) as found:
        office.read_office(AA, _fields(OFFICE) | changed)
    assert re.search(says, f"{found.value} {found.value.hint}")


def test_an_office_as_it_should_be_is_read() -> None:
    assert office.read_office(AA, _fields(OFFICE)) == OFFICE
    norway = {"state": "NO", "competences": [Competence.REFER.value]}
    assert office.read_office(AA, _fields(OFFICE) | norway).state == "NO"


def _fields(one: Office) -> dict[str, object]:
    found = asdict(one)
    del found["agency"]
    return found | {"competences": [each.value for each in one.competences]}


def test_authorities_are_looked_up_once_for_all_items(desk: Desk) -> None:
    settle_in(desk)
    items = ready(desk, *(desk.show(f"made_up_{number}") for number in range(5)))
    with desk.store.begin(write=False) as work:
        asked: list[str] = []
        event.listen(work.conn, "before_cursor_execute", lambda *told: asked.append(told[2]))
        footing.matters(desk.tools, work, ALICE, items)
    assert sum("FROM authorities" in one.replace("\n", " ") for one in asked) == 1


def test_a_list_of_letters_is_the_newest_without_their_papers(desk: Desk) -> None:
    settle_in(desk)
    for provider in ("flock", "hearth", "flock"):
        first_contact(desk, provider)
    with desk.store.begin(write=False) as work:
        whole = work.letters.listed(agency=AA)
        asked: list[str] = []
        event.listen(work.conn, "before_cursor_execute", lambda *told: asked.append(told[2]))
        found = work.letters.newest(AA, at_most=2)
    assert [one.reference for one in found] == [one.reference for one in whole[-2:]]
    assert [(one.pdf, one.text) for one in found] == [(b"", ""), (b"", "")]
    assert found[0].digest == whole[-2].digest
    assert len(asked) == 1
    assert "LIMIT" in asked[0]
    assert "letters.pdf" not in asked[0]


def test_one_paper_is_loaded_alone(desk: Desk) -> None:
    settle_in(desk)
    request = drawn(desk, ready(desk, desk.show("made_up"))).request
    with desk.store.begin(write=False) as work:
        every = {one.name: one for one in work.papers.of([request.id])[request.id]}
        asked: list[object] = []
        event.listen(work.conn, "before_cursor_execute", lambda *told: asked.append(told[3]))
        for name, paper in every.items():
            assert work.papers.one(request.id, name) == paper
        assert work.papers.one(request.id, PaperName.SIGNED) is None
    assert len(every) >= 2
    assert all(any(str(one) in str(told) for one in PaperName) for told in asked)
