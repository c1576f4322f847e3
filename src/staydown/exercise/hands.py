"""By what the exercise's people act: straight through the flow, or each over the API with a sign-in of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from staydown.core.assessment import Assessment
from staydown.core.ids import AgencyCode, ItemId, OperationId, RequestId, ReturnId
from staydown.core.item import NewSighting
from staydown.core.people import Person
from staydown.flow import answer, approve, assess, deconflict, preserve, propose, record, watch, withdraw
from staydown.ports.tools import Tools
from staydown.ports.work import Work


class Hands(Protocol):
    """What people can do; `work` is the transaction in which they read what they act on."""

    def reading(self) -> AbstractContextManager[Work]:
        """The transaction in which people look at things and, where they act through the flow, act."""

    def report(
        self, work: Work, seen: Sequence[NewSighting], *, operation: OperationId
    ) -> Mapping[AgencyCode, Sequence[ItemId]]:
        """Take in what was seen; gives the new items by the agency that saw them first."""

    def keep(self, work: Work, person: Person, items: Sequence[ItemId]) -> None:
        """Ask for items to be kept."""

    def hold(self, work: Work, person: Person, item: ItemId, *, reason: str, until: datetime) -> None:
        """Ask others to wait."""

    def assess(self, work: Work, person: Person, made: Sequence[Assessment]) -> None:
        """Write down what was found."""

    def propose(self, work: Work, person: Person, items: Sequence[ItemId], *, operation: OperationId) -> None:
        """Propose requests about items."""

    def send_back(self, work: Work, person: Person, request: RequestId, *, reason: str) -> None:
        """Refuse consent."""

    def approve(self, work: Work, person: Person, requests: Sequence[RequestId]) -> None:
        """Give the second consent."""

    def decide(self, work: Work, person: Person, said: Mapping[ReturnId, bool]) -> None:
        """Say of likely returns whether they are."""

    def withdraw(self, work: Work, person: Person, request: RequestId, item: ItemId, *, reason: str) -> None:
        """Take an item of a request back."""

    def answer(self, work: Work, person: Person, said: Sequence[answer.Said]) -> None:
        """Note what a provider says."""

    def close(self, work: Work, person: Person, request: RequestId, *, reason: str) -> None:
        """Give up on a request."""


class FlowHands:
    """Everybody acts in this process, in the transaction in which they read."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def reading(self) -> AbstractContextManager[Work]:
        """A transaction that may write."""
        return self._tools.begin()

    def report(
        self, work: Work, seen: Sequence[NewSighting], *, operation: OperationId
    ) -> Mapping[AgencyCode, Sequence[ItemId]]:
        """One intake for all agencies."""
        done = record.record(work, seen, operation=operation)
        return first_seen(done.items_new, [(item, one.agency) for _, item, one in done.sightings])

    def keep(self, work: Work, person: Person, items: Sequence[ItemId]) -> None:
        """Ask for items to be kept."""
        preserve.ask(work, person, items)

    def hold(self, work: Work, person: Person, item: ItemId, *, reason: str, until: datetime) -> None:
        """Ask others to wait."""
        deconflict.place(
            work,
            person,
            [item],
            reason=reason,
            until=until,
            longest=timedelta(days=self._tools.settings.hold_days),
            at_most=self._tools.settings.holds_per_agency,
        )

    def assess(self, work: Work, person: Person, made: Sequence[Assessment]) -> None:
        """Write down what was found."""
        assess.assess(work, person, made)

    def propose(self, work: Work, person: Person, items: Sequence[ItemId], *, operation: OperationId) -> None:
        """Propose requests about items."""
        propose.propose(self._tools, work, person, items, operation=operation)

    def send_back(self, work: Work, person: Person, request: RequestId, *, reason: str) -> None:
        """Refuse consent."""
        approve.send_back(work, person, request, reason=reason)

    def approve(self, work: Work, person: Person, requests: Sequence[RequestId]) -> None:
        """Give the second consent."""
        approve.approve(self._tools, work, person, requests)

    def decide(self, work: Work, person: Person, said: Mapping[ReturnId, bool]) -> None:
        """Say of likely returns whether they are."""
        watch.decide_all(work, person, said)

    def withdraw(self, work: Work, person: Person, request: RequestId, item: ItemId, *, reason: str) -> None:
        """Take an item of a request back."""
        withdraw.withdraw(self._tools, work, person, request, reason=reason, items=[item])

    def answer(self, work: Work, person: Person, said: Sequence[answer.Said]) -> None:
        """Note what a provider says."""
        answer.answers(work, said, by=person)

    def close(self, work: Work, person: Person, request: RequestId, *, reason: str) -> None:
        """Give up on a request."""
        answer.close(work, person, request, reason=reason)


def first_seen(
    new: Sequence[ItemId], seen: Sequence[tuple[ItemId, AgencyCode]]
) -> Mapping[AgencyCode, Sequence[ItemId]]:
    """New items by the agency whose sighting of them came first."""
    fresh, first = set(new), dict[ItemId, AgencyCode]()
    for item, code in seen:
        if item in fresh:
            first.setdefault(item, code)
    found: dict[AgencyCode, list[ItemId]] = defaultdict(list)
    for item, code in first.items():
        found[code].append(item)
    return found
