"""A world in memory: for contract tests, and for authors of plugs who want to see their own work."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from staydown.testing.world import Fault, FaultKind, LineStatus, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """One request as a provider took it in."""

    provider: str
    reference: str
    lines: tuple[tuple[int, str], ...]
    via: str
    message_id: str
    repeat: bool
    at: datetime


@dataclass
class MemoryWorld:
    """Pages, intakes and faults in dictionaries; satisfies `WorldView`."""

    pages: dict[tuple[str, str], Page] = field(default_factory=dict)  #: by provider and path with query
    bytes_of: dict[tuple[str, str], bytes] = field(default_factory=dict)  #: media by provider and path
    faults: dict[tuple[str, str], list[FaultKind | None]] = field(default_factory=dict)
    """By provider and path: one for each request that comes there, whatever it is about; used up in order."""
    intakes: list[Intake] = field(default_factory=list)
    again: list[tuple[str, str, str]] = field(default_factory=list)  #: provider, reference, way
    withdrawn: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)
    states: dict[tuple[str, str], list[LineStatus]] = field(default_factory=dict)
    now: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self, provider: str, path_qs: str) -> Page | None:
        """What was put there."""
        return self.pages.get((provider, path_qs))

    def media(self, provider: str, path: str) -> bytes | None:
        """What was put there."""
        return self.bytes_of.get((provider, path))

    def receive(
        self,
        provider: str,
        reference: str,
        lines: Sequence[tuple[int, str]],
        *,
        via: str,
        message_id: str,
        repeat: bool,
    ) -> datetime:
        """Write the intake down; every line is pending unless `states` says otherwise."""
        with self._lock:
            at = self.now + timedelta(seconds=len(self.intakes))
            self.intakes.append(
                Intake(
                    provider=provider,
                    reference=reference,
                    lines=tuple(lines),
                    via=via,
                    message_id=message_id,
                    repeat=repeat,
                    at=at,
                )
            )
            pending = [LineStatus(number=number, state="pending") for number, _ in lines]
            self.states.setdefault((provider, reference), pending)
            return at

    def set_aside(self, provider: str, reference: str, *, via: str, repeat: bool) -> None:
        """Write down that it came again."""
        self.again.append((provider, reference, via))

    def withdraw(self, provider: str, reference: str, numbers: Sequence[int]) -> None:
        """Write the withdrawal down."""
        self.withdrawn.append((provider, reference, tuple(numbers)))

    def status(self, provider: str, reference: str) -> Sequence[LineStatus] | None:
        """What was decided."""
        return self.states.get((provider, reference))

    def received_at(self, provider: str, reference: str) -> datetime | None:
        """When it first arrived."""
        found = (one.at for one in self.intakes if (one.provider, one.reference) == (provider, reference))
        return next(found, None)

    def fault(self, provider: str, path: str, attempt: int, *, about: str = "") -> Fault | None:
        """The fault planned for the next request to this path; it is late on odd attempts."""
        planned = self.faults.get((provider, path), [])
        kind = planned.pop(0) if planned else None
        return Fault(kind=kind, is_late=attempt % 2 == 1) if kind else None

    def times_taken_in(self, provider: str, reference: str) -> int:
        """How many intakes a provider had under one reference: more than one is a double."""
        return sum((one.provider, one.reference) == (provider, reference) for one in self.intakes)
