"""A state machine over the path: whatever people do in whatever order, the gates hold.

No path dispatches without assessment, evidence or waiver, approval by another person over the same bytes, and
no open hold.
"""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from staydown.core.assessment import PurposeAnswer, Verdict
from staydown.core.errors import Refused, Stale, StaydownError
from staydown.core.ids import ItemId, RequestId
from staydown.core.people import Person
from staydown.core.states import RequestState
from staydown.flow import approve, deconflict, preserve, withdraw
from staydown.flow.approve import digest_of
from staydown.testing.memory import MemoryWorld
from staydown.testing.simulated import Servers
from support import ALICE, ANNA, BOB, CAROL, STARTS, Desk

PEOPLE = (ALICE, ANNA, BOB, CAROL)
VERDICTS = (
    (Verdict.TERRORIST, {}),
    (Verdict.CLEAR, {}),
    (Verdict.UNSURE, {}),
    (Verdict.EXEMPT, {"art": PurposeAnswer.YES}),
)
NAMES = ("name0", "name1", "name2", "name3")


class Path_(RuleBasedStateMachine):
    """People at a desk."""

    world: MemoryWorld
    servers: Servers

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        for part in (self.world.pages, self.world.intakes, self.world.withdrawn, self.world.states):
            part.clear()
        self.world.now = STARTS
        self.desk = Desk(self.folder / "home", self.world, self.servers)
        self.items: list[ItemId] = []
        self.held_before: frozenset[ItemId] = frozenset()
        self.checked = 0

    def teardown(self) -> None:
        self.desk.close()
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        self.items = self.desk.sight(*(self.desk.show(name) for name in NAMES))
        self.desk.sight(*(f"https://flock.exercise.example/@{name}" for name in NAMES), agency="BB")

    def requests(self) -> list[RequestId]:
        with self.desk.store.begin(write=False) as work:
            return [one.id for one in work.requests.listed()]

    @rule(at=st.integers(0, 3))
    def keep(self, at: int) -> None:
        with self.desk.store.begin() as work:
            preserve.ask(work, ALICE, [self.items[at]])

    @rule(at=st.integers(0, 3))
    def waive(self, at: int) -> None:
        with self.desk.store.begin() as work:
            preserve.waive(work, ALICE, [self.items[at]], reason="kept elsewhere")

    @rule(at=st.integers(0, 3), by=st.sampled_from((ALICE, ANNA, CAROL)), found=st.sampled_from(VERDICTS))
    def view(self, at: int, by: Person, found: tuple[Verdict, dict[str, PurposeAnswer]]) -> None:
        try:
            self.desk.view([self.items[at]], found[0], by=by, **found[1])
        except Refused:
            return

    @rule(ats=st.sets(st.integers(0, 3), min_size=1), by=st.sampled_from((ALICE, ANNA, CAROL)))
    def put(self, ats: set[int], by: Person) -> None:
        self.desk.put([self.items[at] for at in sorted(ats)], by=by)

    @rule(by=st.sampled_from(PEOPLE), at=st.integers(0, 9))
    def approve(self, by: Person, at: int) -> None:
        if requests := self.requests():
            try:
                with self.desk.store.begin() as work:
                    approve.approve(self.desk.tools, work, by, [requests[at % len(requests)]])
            except (Refused, Stale):
                return

    @rule(at=st.integers(0, 3), hours=st.integers(1, 48))
    def hold(self, at: int, hours: int) -> None:
        with self.desk.store.begin() as work:
            deconflict.place(
                work,
                CAROL,
                [self.items[at]],
                reason="r",
                until=work.now + timedelta(hours=hours),
                longest=timedelta(days=9),
                at_most=99,
            )

    @rule()
    def release(self) -> None:
        with self.desk.store.begin() as work:
            for hold in work.holds.listed()[:1]:
                deconflict.release(work, CAROL, hold.id, reason="r")

    @rule(at=st.integers(0, 9), by=st.sampled_from((ALICE, BOB, CAROL)))
    def take_back(self, at: int, by: Person) -> None:
        if requests := self.requests():
            try:
                with self.desk.store.begin() as work:
                    withdraw.withdraw(self.desk.tools, work, by, requests[at % len(requests)], reason="r")
            except StaydownError:
                return

    @rule(at=st.integers(0, 9), column=st.sampled_from(("cover", "contact_point", "addressee", "subject")))
    def tamper(self, at: int, column: str) -> None:
        """Somebody with the database in hand changes what was approved."""
        if requests := self.requests():
            with self.desk.store.engine.connect() as conn, conn.begin():
                conn.execute(
                    text(
                        f"UPDATE requests SET {column} = {column} || ' ' WHERE id = :id AND state = 'approved'"
                    ),
                    {"id": requests[at % len(requests)]},
                )

    @rule(at=st.integers(0, 3), presence=st.sampled_from(("online", "removed")))
    def change_world(self, at: int, presence: str) -> None:
        self.desk.show(NAMES[at], presence=presence)

    @rule(hours=st.sampled_from((0.0, 0.5, 2.0, 26.0)))
    def work(self, hours: float) -> None:
        with self.desk.store.begin(write=False) as work:
            self.held_before = work.holds.on(self.items) if hours == 0 else frozenset()
        self.desk.later(hours=hours)

    @invariant()
    def the_gates_hold(self) -> None:
        fresh = self.world.intakes[self.checked :]
        for intake in fresh:
            with self.desk.store.begin(write=False) as work:
                request = work.requests.one(work.requests.by_reference(intake.reference))
                lines = work.requests.lines([request.id])[request.id]
                sent = [
                    one.line.item
                    for one in lines
                    if one.line.number in {number for number, _ in intake.lines}
                ]
                rows = work.conn.execute(
                    text("SELECT * FROM approvals WHERE request = :id ORDER BY id"), {"id": request.id}
                ).all()
                approval = rows[-1]
                assert approval.by != request.proposed_by
                assert approval.by not in work.assessments.assessors(sent)
                assert approval.digest == digest_of(request, lines), "other bytes than the approved ones left"
                assert work.items.kept(sent) == set(sent)
                found = work.conn.execute(
                    text("SELECT item FROM assessments WHERE agency = :agency AND verdict = 'terrorist'"),
                    {"agency": request.agency},
                )
                assert set(sent) <= set(found.scalars())
                assert not self.held_before.intersection(sent)
        self.checked = len(self.world.intakes)
        assert (
            max(
                (
                    len(list(group))
                    for _, group in itertools.groupby(sorted(i.reference for i in self.world.intakes))
                ),
                default=1,
            )
            == 1
        )

    @invariant()
    def the_ledger_speaks_of_every_dispatch(self) -> None:
        with self.desk.store.begin(write=False) as work:
            sent = [
                one
                for one in work.requests.listed()
                if one.state in {RequestState.RUNNING, RequestState.ANSWERED}
            ]
            tags = {
                (json.loads(line.entry)["subject"], json.loads(line.entry)["tag"])
                for line in work.ledger.lines()
            }
        for one in sent:
            for tag in ("proposal:made", "approval:given", "dispatch:intended", "dispatch:sent"):
                assert (f"request:{one.id}", f"request:{tag}") in tags


@pytest.mark.timeout(280)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_order_of_events_gets_round_the_gates(
    _servers: tuple[MemoryWorld, Servers], database: str | None
) -> None:
    Path_.world, Path_.servers = _servers
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Path_,
        settings=settings(
            max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
