"""What the flow needs from outside, as Protocols: one per neighbour and one per sort of plug."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar

from staydown.core.check import Look, Mark
from staydown.core.item import Identity, Refusal
from staydown.core.request import Line, LineAnswer, Parcel, Receipt
from staydown.reason.rooms import Room

Read = TypeVar("Read")

# --- the way out -----------------------------------------------------------------------------


class Trouble(StrEnum):
    """Why a fetch brought no answer."""

    REFUSED = "refused"  #: our own guard said no; nothing was contacted
    NO_SUCH_HOST = "no_such_host"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    RESET = "reset"
    TLS = "tls"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    NONSENSE = "nonsense"  #: not HTTP, or an encoding that does not decode
    NOT_BEGUN = "not_begun"  #: `may_begin` said no when its turn came; nothing was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One HTTP request to be made through the guard."""

    address: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    follow: bool = True  #: follow redirects, each hop checked anew
    max_bytes: int = 4 * 1024 * 1024  #: of the decoded body; more is cut off and said so
    timeout: timedelta = timedelta(seconds=8)  #: for the whole ask, redirects included
    may_begin: Callable[[], bool] | None = field(default=None, compare=False, repr=False)
    """Asked when everything is ready and the request would leave; after a no it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back: an answer, or the trouble instead of one."""

    ask: Ask
    address: str  #: where redirects ended
    at: datetime  #: real time at which the answer was complete
    seconds: float
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    cut: bool = False  #: the body was longer than asked for
    hops: tuple[str, ...] = ()
    trouble: Trouble | None = None
    detail: str = ""

    def header(self, name: str) -> str:
        """The first header of that name, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class Fetch(Protocol):
    """The one guarded way out of the program."""

    @property
    def requests_made(self) -> int:
        """How many HTTP requests have left, redirect hops included."""

    def many(self, asks: Sequence[Ask]) -> list[Reply]:
        """Answers in the order of the asks; never raises for a single bad address."""

    def read(self, asks: Sequence[Ask], how: Callable[[int, Reply], Read]) -> list[Read]:
        """What is read off each answer, in the order of the asks, so that answers need not be kept.

        Args:
            how: Is given the place of an ask and its answer as it comes in, in a thread of the fetcher's own, one call
                at a time; what it raises is raised when everything that was under way has ended.
        """

    def mailbox(self, host: str, port: int) -> tuple[str, int]:
        """A checked IP address and port of a mail server.

        Raises:
            Refused: The guard does not allow it.
            Outside: The name does not resolve.
        """

    def addresses(self, host: str) -> tuple[str, ...]:
        """The checked IP addresses of a host, each once; nothing but its name is looked up.

        Raises:
            Refused: The guard does not allow one of them.
            Outside: The name does not resolve.
        """

    def close(self) -> None:
        """Let go of connections."""


# --- plugs -------------------------------------------------------------------------------------


class Catalogue(Protocol):
    """All provider rooms, and the one way to read an address."""

    def identify(self, raw: str) -> Identity | Refusal:
        """Read one address; never raises on text of any kind."""

    def __iter__(self) -> Iterator[Room]:
        """Every room."""

    def room(self, provider: str) -> Room:
        """The room of a provider.

        Raises:
            NotFound: No such room.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record of a file: an address as typed, and what stood beside it."""

    line: int  #: counts from 1
    raw: str
    agency: str = ""
    seen_at: str = ""
    note: str = ""
    confidence: str = ""
    sharing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A record that cannot be read; the rest of the file can."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """A file inside a file, such as an attachment; it is there until the next record is asked for."""

    line: int  #: of what encloses it
    name: str
    path: Path


GUESSED: Mapping[str, str] = MappingProxyType({})
"""No column was named: all are guessed from their names."""


class Importer(Protocol):
    """Reads one format of files."""

    @property
    def name(self) -> str:
        """The format, as `--format` names it."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """File endings, with the dot, small."""

    def sniff(self, path: Path, head: bytes) -> bool:
        """Whether the file looks like this format, from its first 64 KiB."""

    def columns(self, path: Path, given: Mapping[str, str] = GUESSED) -> Mapping[str, str] | None:
        """The columns that will be read, by our names for them; None where the format has none.

        Args:
            given: Columns by field, as the user named them.

        Raises:
            Invalid: The file has no such column, or is not of this format.
        """

    def read(self, path: Path, given: Mapping[str, str] = GUESSED) -> Iterator[Row | BadRow | Enclosed]:
        """Stream the records.

        Raises:
            Invalid: The file as a whole is not of this format; says what is wrong.
        """


class Knows(StrEnum):
    """What a receiver says when asked about a reference."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot_tell"  #: it cannot be asked, or the question failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A receiver's word about one reference."""

    knows: Knows
    received_at: datetime | None = None
    answers: tuple[LineAnswer, ...] = ()
    detail: str = ""


class Courier(Protocol):
    """A means of delivery.

    Two attributes may be left out: `takes`, the kind of contact point that it delivers to (`email` or `weblink`, as
    forms have it; else any text), and `carries_files`, which is False where papers cannot go with the text.
    """

    @property
    def name(self) -> str:
        """As contact points name it."""

    @property
    def can_be_asked(self) -> bool:
        """Whether the receiver can say if a reference arrived."""

    def ask(self, parcels: Sequence[Parcel]) -> list[Known]:
        """Ask the receiver about each reference; answers in the same order."""

    def send(self, parcels: Sequence[Parcel]) -> list[Receipt]:
        """Deliver each; receipts in the same order.

        A receipt in `INTENDED` says that nobody knows whether it arrived.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierTools:
    """What a courier plug is built from: `build(tools) -> Courier`."""

    fetch: Fetch
    outbox: Path  #: where the courier `files` lays down what a person carries
    mail_host: str  #: the relay outside the exercise; in it, the addressee's own host is taken
    mail_port: int
    mail_from: str  #: the address in From
    exercise: bool


class Probe(Protocol):
    """A means of looking: reads an answer by the provider's own signs."""

    def look(self, room: Room, reply: Reply) -> Look:
        """The verdict, with its reason."""

    def marks(self, room: Room, reply: Reply) -> tuple[Mark, ...]:
        """What can be read off the page and compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A request as it will leave."""

    subject: str
    cover: str
    lines: tuple[Line, ...]


class Instrument(Protocol):
    """A legal form."""

    @property
    def name(self) -> str:
        """As contact points and requests name it."""

    def render(
        self,
        *,
        reference: str,
        agency: str,
        addressee: str,
        language: str,
        lines: Sequence[tuple[int, int, str, str]],
        issued_at: datetime,
        exercise: bool,
    ) -> Rendered:
        """The text that will leave; `lines` are (item id, number, address, ground)."""

    def withdrawal(
        self, *, reference: str, agency: str, addressee: str, language: str, reason: str, exercise: bool
    ) -> str:
        """The text that takes the request back."""


class Matcher(Protocol):
    """Compares fingerprints; its name has a version."""

    @property
    def name(self) -> str:
        """Such as `exact-1`."""

    @property
    def algorithms(self) -> frozenset[str]:
        """Fingerprint algorithms it can compare."""

    def fingerprint(self, body: bytes) -> Mapping[str, str]:
        """The fingerprints of some bytes, by algorithm."""


class Report(Protocol):
    """Renders the figures of an operation."""

    @property
    def name(self) -> str:
        """As `--to` names it."""

    def render(self, figures: Mapping[str, object], *, language: str) -> bytes:
        """The whole report."""


# --- neighbours ----------------------------------------------------------------------------------


class Vault(Protocol):
    """Evidence bytes under their own SHA-256, write-once."""

    def put(self, body: bytes) -> str:
        """Keep bytes durably; gives their SHA-256 in hex. The same bytes are kept once."""

    def put_all(self, bodies: Sequence[bytes]) -> list[str]:
        """Keep many bodies durably; gives their SHA-256 in hex, in order."""

    def get(self, sha256: str) -> bytes:
        """The bytes.

        Raises:
            NotFound: Never kept, or erased.
            Broken: What lies there has another hash.
        """


class Now(Protocol):
    """The one clock: real time, or the exercise's simulated time."""

    def __call__(self) -> datetime:
        """The instant, aware, in UTC."""
