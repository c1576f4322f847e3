"""Alarms reach a person, and go on to the next until somebody takes them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete

from staydown.core.errors import IllegalStep, Invalid, NotEntitled, NotFound
from staydown.core.house import AlarmState, Matter
from staydown.core.ids import AgencyCode, AlarmId
from staydown.core.people import Person, Role
from staydown.flow import clocks, deconflict, duty
from staydown.ports.work import WorkKind
from staydown.store.tables import checks
from support import ALICE, ANNA, BOB, CAROL, STARTS, Desk, law, person

AA = AgencyCode("AA")


def _roster(desk: Desk, *who: Person, matter: Matter = Matter.ALARM) -> None:
    with desk.store.begin() as work:
        for rank, one in enumerate(who, 1):
            duty.put_on(
                work, BOB, one.id, matter, rank=rank, from_at=work.now, until_at=work.now + timedelta(days=1)
            )


def _raised(desk: Desk, matter: Matter = Matter.ALARM, subject: str = "clock:1") -> AlarmId:
    with desk.store.begin() as work:
        number = duty.alarm(work, AA, matter, subject, "made up")
    assert number is not None
    return number


def _called(desk: Desk, number: AlarmId) -> list[str]:
    with desk.store.begin(write=False) as work:
        return [call.person for call in work.duties.calls(number)]


def test_an_alarm_goes_from_one_person_to_the_next_until_it_is_taken(desk: Desk) -> None:
    _roster(desk, ANNA, ALICE)
    number = _raised(desk)
    desk.work()
    assert _called(desk, number) == ["anna"]
    desk.later(minutes=9)
    assert _called(desk, number) == ["anna"]
    desk.later(minutes=2)
    assert _called(desk, number) == ["anna", "alice"]
    with desk.store.begin() as work:
        duty.take(work, ALICE, number)
    desk.later(hours=12)
    assert _called(desk, number) == ["anna", "alice"]
    assert desk.tags(f"alarm:{number}") == [
        "alarm:call:raised",
        "alarm:call:made",
        "alarm:call:made",
        "alarm:call:taken",
    ]


def test_a_threat_to_life_does_not_wait_ten_minutes(desk: Desk) -> None:
    _roster(desk, ANNA, ALICE, matter=Matter.LIFE)
    number = _raised(desk, Matter.LIFE)
    desk.later(minutes=3)
    assert _called(desk, number) == ["anna", "alice"]


def test_nobody_on_the_roster_calls_the_heads(desk: Desk) -> None:
    number = _raised(desk)
    desk.work()
    assert set(_called(desk, number)) <= {"bob", "sam"}
    assert _called(desk, number)


def test_the_roster_has_a_beginning_and_an_end(desk: Desk) -> None:
    with desk.store.begin() as work:
        start = work.now + timedelta(hours=1)
        line = duty.put_on(
            work, BOB, ANNA.id, Matter.ALARM, rank=1, from_at=start, until_at=start + timedelta(hours=8)
        )
        on = work.duties.on_duty
        assert on(AA, Matter.ALARM, start - timedelta(microseconds=1)) == []
        assert on(AA, Matter.ALARM, start) == ["anna"]
        assert on(AA, Matter.LIFE, start) == []
        assert on(AA, Matter.ALARM, start + timedelta(hours=8)) == []
        ends = work.now + timedelta(days=1)
        assert duty.gaps(work, AA, Matter.ALARM, since=work.now, until=ends) == [
            (work.now, start),
            (start + timedelta(hours=8), ends),
        ]
        duty.take_off(work, BOB, line)
        assert on(AA, Matter.ALARM, start) == []
        work.people.change(ANNA.id, left_at=work.now)


def test_an_alarm_of_another_agency_reads_as_none(desk: Desk) -> None:
    number = _raised(desk)
    with desk.store.begin() as work:
        with pytest.raises(NotFound) as foreign:
            duty.take(work, CAROL, number)
        with pytest.raises(NotFound) as missing:
            duty.take(work, CAROL, AlarmId(number + 1000))
        assert str(foreign.value).replace(str(number), "N") == str(missing.value).replace(
            str(number + 1000), "N"
        )
        duty.take(work, BOB, number)
        with pytest.raises(IllegalStep):
            duty.take(work, ANNA, number)


def test_the_same_alarm_is_raised_once(desk: Desk) -> None:
    _raised(desk)
    with desk.store.begin() as work:
        assert duty.alarm(work, AA, Matter.ALARM, "clock:1", "again") is None
        assert len(work.duties.alarms(AA, open_only=True)) == 1


def test_who_may_keep_the_roster_and_how(desk: Desk) -> None:
    day = {"from_at": STARTS, "until_at": STARTS + timedelta(days=1)}
    with desk.store.begin() as work:
        with pytest.raises(NotEntitled):
            duty.put_on(work, ALICE, ANNA.id, Matter.ALARM, rank=1, **day)
        with pytest.raises(NotFound):
            duty.put_on(work, BOB, CAROL.id, Matter.ALARM, rank=1, **day)
        with pytest.raises(Invalid):
            duty.put_on(work, BOB, ANNA.id, Matter.ALARM, rank=0, **day)
        with pytest.raises(Invalid):
            duty.put_on(work, BOB, ANNA.id, Matter.ALARM, rank=1, from_at=STARTS, until_at=STARTS)


@law("Regulation (EU) 2021/784, Art. 14(5)", "Regulation (EU) 2022/2065, Art. 18")
def test_a_threat_to_life_calls_the_holder_too(desk: Desk) -> None:
    items = desk.sight(desk.show("made_up_one"), agency="BB")
    with desk.store.begin() as work:
        deconflict.place(
            work,
            CAROL,
            items,
            reason="watched",
            until=work.now + timedelta(days=2),
            longest=timedelta(days=9),
            at_most=9,
        )
    with desk.store.begin(of=AA) as work:
        number = duty.threat(work, ALICE, "a made-up threat", items=items)
        again = duty.threat(work, ALICE, "another one, at the same instant")
    assert number is not None
    assert again == number + 1  # no number in between tells that somebody holds
    desk.work()
    with desk.store.begin(write=False) as work:
        assert {one.id for one in work.duties.alarms(AA)} == {number, again}
        assert [(one.matter, one.text) for one in work.duties.alarms(CAROL.agency)] == [
            (Matter.LIFE, "a made-up threat")
        ]


def test_a_dispute_tells_both_sides(desk: Desk) -> None:
    items = desk.sight(desk.show("made_up_three"), agency="BB")
    olga = person("olga", "AA", Role.DECONFLICTION)
    with desk.store.begin() as work:
        work.people.add(olga)
        deconflict.place(
            work, CAROL, items, reason="watched", until=work.now + timedelta(days=2),
            longest=timedelta(days=9), at_most=9,
        )  # fmt: skip
    with desk.store.begin(of=AA) as work:
        assert deconflict.dispute(work, olga, items[0], reason="we need it gone") == 1
    with desk.store.begin(write=False) as work:
        for agency in (AA, CAROL.agency):
            (found,) = work.duties.alarms(agency)
            assert "we need it gone" in found.text


def test_without_heads_everybody_who_can_is_called(desk: Desk) -> None:
    ivan = person("ivan", "DD", Role.INVESTIGATOR)
    with desk.store.begin() as work:
        work.people.add_agencies([ivan.agency])
        work.people.add(ivan)
        number = duty.alarm(work, ivan.agency, Matter.LIFE, "threat:1", "made up")
    assert number is not None
    desk.work()
    assert _called(desk, number) == ["ivan"]


def test_our_own_missed_clock_calls_somebody(desk: Desk) -> None:
    request, _ = desk.referred(desk.show("made_up_two"))
    desk.decided(request.reference, "removed")
    with desk.store.begin(write=False) as work:
        assert not work.duties.alarms(AA)
        own = [one for one in work.clocks.running([request.id]) if one.party == "agency"]
    assert own, "a referral starts a duty of our own"
    with desk.store.begin() as work:
        work.queue.cancel(WorkKind.CLOCK, [one.id for one in own])
        work.queue.add(WorkKind.CLOCK, [one.id for one in own], due_at=work.now)
        tasks = work.queue.lease(by="t", limits={}, limit=9, lease=timedelta(seconds=5), leases={})
        work.conn.execute(delete(checks))  # nobody looked in time
    desk.store.set_simulated(max(one.strict_end for one in own) + timedelta(minutes=1))
    clocks.run(desk.tools, tasks)
    with desk.store.begin(write=False) as work:
        found = work.duties.alarms(AA)
    assert [one.subject for one in found] == [f"clock:{one.id}" for one in own]
    assert found[0].state is AlarmState.OPEN


def test_a_pause_grows_while_nobody_takes_it() -> None:
    step = duty.STEP[Matter.ALARM]
    assert [duty.pause(Matter.ALARM, calls, 2) / step for calls in (1, 2, 3, 4, 5)] == [1, 1, 2, 2, 4]
    assert duty.pause(Matter.ALARM, 10_000, 1) == duty.LONGEST_PAUSE


def test_whoever_is_called_least_often_is_next(desk: Desk) -> None:
    assert duty.next_of([], []) is None
    other = person("olga", "AA", Role.ANALYST)
    assert duty.next_of([ANNA.id, other.id], []) == "anna"
