"""What the simulated providers ask of the world they show, and what they tell it.

The servers hold no truth: every page, medium, intake and answer is asked of a `WorldView`. They call it
from one thread only, that of their event loop, and never two calls at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Presence = Literal["online", "removed", "blocked"]
"""Shown to everybody; taken down by the provider; there, but not shown to us."""
FaultKind = Literal["stall", "reset", "error", "nonsense"]
"""No answer at all; the connection breaks; a server error; an answer that makes no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with one request."""

    kind: FaultKind
    is_late: bool = True
    """A reset comes after the request was taken in; of errors and nonsense it is the other of two shapes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands at one address of a provider; all of it is escaped before it is shown."""

    presence: Presence
    kind: str  #: as in the key: account, post, channel, video, file, paste, group, site ...
    handle: str = ""
    name: str = ""
    avatar: str = ""  #: address of the picture's bytes, absolute or relative
    text: str = ""
    addresses: tuple[str, ...] = ()  #: what the page shares
    media: tuple[str, ...] = ()  #: addresses of the media it carries
    number: str = ""  #: the provider's own number for it
    followers: int | None = None
    posts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStatus:
    """What a provider says about one line of a request."""

    number: int
    state: str  #: pending, removed, restricted or refused
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request that came in whole, also where the provider noticed that it has had it before."""

    provider: str
    via: str  #: api, webform or mail
    reference: str
    message_id: str = ""  #: of a mail
    repeat: bool = False  #: whether the mail says of itself that it may be a repeat
    text: str = ""  #: as it came
    files: tuple[tuple[str, bytes], ...] = ()  #: what travelled with it, by name


Watcher = Callable[[Arrival], None]
"""Told of every arrival, from the thread of the servers."""


def nobody(_arrival: Arrival) -> None:
    """Nobody watches."""


class WorldView(Protocol):
    """The truth behind the simulated providers."""

    def page(self, provider: str, path_qs: str) -> Page | None:
        """What stands at a path with its query; None is "never was".

        Where the name stands in the host (`NAME.barehost.exercise.example/about`) it is put in front
        of the path: `/NAME/about`.
        """

    def media(self, provider: str, path: str) -> bytes | None:
        """The bytes of a picture or video under `/media/`; None is "no such bytes"."""

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
        """Take a request in: called once for every intake, so twice is a double.

        Args:
            lines: Number and address of each item.
            via: `api`, `webform` or `mail`.
            message_id: Of the mail; empty for the others.
            repeat: Whether the mail says of itself that it may be a repeat.

        Returns:
            When it arrived, in the world's own time.
        """

    def set_aside(self, provider: str, reference: str, *, via: str, repeat: bool) -> None:
        """Note that a request came again, the provider saw that it has it, and took nothing in."""

    def withdraw(self, provider: str, reference: str, numbers: Sequence[int]) -> None:
        """Note that a request was taken back, or only some of its lines; the same may come twice."""

    def status(self, provider: str, reference: str) -> Sequence[LineStatus] | None:
        """What was decided about each line; None for an unknown reference."""

    def received_at(self, provider: str, reference: str) -> datetime | None:
        """When the reference first arrived; None for an unknown one."""

    def fault(self, provider: str, path: str, attempt: int, *, about: str = "") -> Fault | None:
        """Whether this request goes wrong.

        Args:
            attempt: Counts the requests for this path, and about this, from 1.
            about: The reference or Message-ID of what is sent to an intake; `smtp` is the path of all mail.
        """
