"""The API keeps its contract: generated requests, good and bad, as persons of several roles."""

from __future__ import annotations

import pytest
from tools import hammer_api

from support import Desk


@pytest.mark.parametrize("first", [1])
def test_generated_requests_find_nothing(desk: Desk, first: int) -> None:
    import happened
    from serving import serving, word_for
    from support import CAST

    names = happened.let_things_happen(desk)
    by_name = {str(one.id): one for one in (*CAST, happened.OLIVER, happened.ADA, happened.CLIVE)}
    roles = {name: [role.value for role in one.roles] for name, one in by_name.items()}
    people = hammer_api.People(roles, lambda name: word_for(desk.app, by_name[name]))
    with serving(desk.app) as address:
        found = hammer_api.hammer(address, people, names, cases=300, first=first)
    assert found.cases > 200
    assert len(found.by_status) > 5  # it got further than the gate
    assert found.faults == {}, found.row()["examples"]
