"""Clocks and what is counted: the rows a verb writes and reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from staydown.core.ids import AgencyCode, ClockId, RequestId
from staydown.core.states import ClockState


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClock:
    """A clock before it runs."""

    request: RequestId
    agency: AgencyCode
    kind: str
    party: str
    place: str
    source: str
    started_at: datetime
    strict_end: datetime
    legal_end: datetime
    length: str = ""  #: ISO 8601, or a day of the year in words
    country: str = ""  #: the state of whoever has to act, whose calendar was asked
    rule: str = ""  #: by which rule, and which version of the calendar, the legal end was counted


@dataclass(frozen=True, slots=True, kw_only=True)
class DueClock:
    """A clock, as it stands."""

    id: ClockId
    request: RequestId
    agency: AgencyCode
    kind: str
    party: str
    place: str
    state: ClockState
    source: str
    started_at: datetime
    strict_end: datetime  #: of the view in force
    legal_end: datetime  #: of the view in force
    length: str
    country: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRow:
    """A clock as a list shows it."""

    reference: str
    kind: str
    party: str
    place: str
    state: ClockState
    started_at: datetime
    strict_end: datetime
    legal_end: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedClock:
    """A running clock in the order of what ends first."""

    id: ClockId
    request: RequestId
    reference: str
    provider: str
    kind: str
    party: str
    place: str
    strict_end: datetime
    legal_end: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockNote:
    """One line of a clock's history: nothing in it is ever changed."""

    clock: ClockId
    step: str  #: a word of `law.claims.Step`
    at: datetime  #: when it was noted
    instant: datetime  #: when it happened, as whoever said it says
    by: str
    text: str
    strict_end: datetime | None = None
    legal_end: datetime | None = None
    rule: str = ""


class Clocks(Protocol):
    """Legal and house periods that run."""

    def start(self, new: Sequence[NewClock]) -> None:
        """Start clocks; one that was begun for the same request, kind, party and place stays, however it stands."""

    def running(self, requests: Collection[RequestId]) -> list[DueClock]:
        """The clocks that run for some requests."""

    def get(self, ids: Collection[ClockId]) -> list[DueClock]:
        """Those of the clocks that still run."""

    def of(self, requests: Collection[RequestId]) -> list[DueClock]:
        """All clocks of some requests, those that ended too, in the order in which they began."""

    def one(self, clock: ClockId, *, lock: bool = False) -> DueClock:
        """A clock, however it stands.

        Raises:
            NotFound: There is no such clock.
        """

    def listed(
        self, *, operation: str | None = None, state: ClockState | None = None, party: str | None = None
    ) -> list[ClockRow]:
        """Clocks in the order of their ends."""

    def queue(
        self, agency: AgencyCode, *, limit: int, after: tuple[datetime, ClockId] | None = None
    ) -> list[QueuedClock]:
        """Running clocks of an agency, what ends first on top; `after` is where the last page ended."""

    def end(self, ids: Collection[ClockId], state: ClockState) -> frozenset[ClockId]:
        """Stop clocks; gives those that were running until now."""

    def end_all(
        self, requests: Collection[RequestId], state: ClockState, *, kinds: Sequence[str] = ()
    ) -> None:
        """Stop the clocks of some requests that run or stand still, of some kinds where given."""

    def turn(self, clock: DueClock, state: ClockState, *, strict_end: datetime, legal_end: datetime) -> None:
        """Write where a clock stands now.

        Raises:
            Stale: It no longer is as it was read.
        """

    def note(self, notes: Sequence[ClockNote]) -> None:
        """Add to the history of clocks."""

    def history(self, ids: Collection[ClockId]) -> Mapping[ClockId, list[ClockNote]]:
        """What was noted about clocks, in the order in which it was noted."""

    def followed_up(self, requests: Collection[RequestId], kind: str) -> frozenset[RequestId]:
        """Those of the requests whose every line was looked at while the clock of that kind ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCount:
    """Something that counts for a transparency report, as it happens."""

    row: str  #: a row of `law.figures`
    agency: AgencyCode
    provider: str = ""
    request: RequestId | None = None
    amount: int = 1
    seconds: float | None = None  #: how long it took, where the law asks for the speed
    at: datetime | None = None  #: when it happened; None: at the instant of this transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount:
    """One row of a report as far as the store knows it."""

    row: str
    amount: int
    times: tuple[float, ...]  #: how long each took, in seconds, sorted


class Counted(Protocol):
    """What has happened that the law wants counted."""

    def add(self, new: Sequence[NewCount]) -> None:
        """Note it."""

    def about(self, agency: AgencyCode, request: RequestId) -> frozenset[str]:
        """The rows of an agency for which a request was counted before."""

    def rows(
        self, agency: AgencyCode, *, since: datetime, until: datetime, provider: str = ""
    ) -> Mapping[str, RowCount]:
        """What an agency's rows come to between two instants, the second not included."""
