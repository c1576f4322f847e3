"""What the flow asks of the store: one open transaction, its tables, its ledger, its one instant `now`.

The store's classes are the only implementation; a test holds their signatures against these.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from staydown.core.assessment import Assessment, Ground, Verdict
from staydown.core.check import Check, Mark, MarkKind, Return
from staydown.core.evidence import Capture, Evidence
from staydown.core.hold import Hold
from staydown.core.ids import (
    AgencyCode,
    ApprovalId,
    DelegationId,
    DispatchId,
    EvidenceId,
    HoldId,
    ItemId,
    ItemKey,
    MergeId,
    OperationId,
    PersonId,
    RequestId,
    ReturnId,
    WorkId,
)
from staydown.core.item import Identity, Item, NewSighting, Proof
from staydown.core.network import Operation
from staydown.core.people import Agency, Delegation, Person
from staydown.core.request import Approval, Decision, Dispatch, DispatchState, Line, LineAnswer, Request
from staydown.core.rights import Role
from staydown.core.states import (
    HoldState,
    ItemEvent,
    ItemState,
    Presence,
    RequestState,
    ReturnState,
)
from staydown.ports.clocks import Clocks, Counted
from staydown.ports.doors import Doors
from staydown.ports.hooks import Entries, Hooks
from staydown.ports.house import Accesses, Duties
from staydown.ports.orders import Letters, Offices, Orders, Papers

# --- values that travel between flow and store ------------------------------------------------------


Subject = TypeVar("Subject", bound=int)
"""An id of whatever sort."""


class WorkKind(StrEnum):
    """What can be due."""

    PRESERVE = "preserve"  #: keep an item's bytes; subject: item
    DISPATCH = "dispatch"  #: let an approved request leave; subject: request
    WITHDRAWAL = "withdrawal"  #: tell the provider that a request is taken back; subject: withdrawal
    ASK = "ask"  #: ask the provider for its answer; subject: request
    CHECK = "check"  #: look at an item; subject: item
    CLOCK = "clock"  #: a clock's strict end; subject: clock, counted by the request
    EXPIRE = "expire"  #: an approval's end; subject: request
    HOLD = "hold"  #: a hold's end; subject: hold
    ALARM = "alarm"  #: call the next person on duty; subject: alarm
    LETTER = "letter"  #: let an approved letter leave; subject: letter
    TELL = "tell"  #: tell of new entries of the ledger; subject: webhook
    WARN = "warn"  #: call the holders of a threat's items; subject: alarm
    SEAL = "seal"  #: close an hour of looks; subject: the hour since 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One leased row of work."""

    id: WorkId
    kind: WorkKind
    subject: int
    due_at: datetime
    attempts: int  #: how often it was taken, this time included
    by: str  #: the worker that holds the lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What recording changed."""

    sightings: tuple[tuple[int, ItemId, NewSighting], ...]  #: new ones: (sighting, item, as given)
    items_new: tuple[ItemId, ...]
    items_known: tuple[ItemId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One entry, with what is left of its details."""

    number: int  #: counts from 0
    entry: bytes
    salt: bytes | None
    detail: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """One entry of a partner's list."""

    entry: str
    algorithm: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A fingerprint of an item that stands in a list."""

    item: ItemId
    list: str
    entry: str
    algorithm: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """A request before it is stored."""

    request: Request
    subject: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """One line of a request and how it stands."""

    line: Line
    open: bool
    dropped: bool
    decision: Decision | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A line that leaves a request before the request leaves us."""

    request: RequestId
    item: ItemId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A request, or some of its items, taken back."""

    request: RequestId
    by: PersonId
    reason: str
    text: str
    message_id: str
    items: tuple[ItemId, ...] = ()
    tried: bool = False  #: the provider may have been told already


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingRow:
    """A sighting as a list shows it."""

    id: int
    key: str
    agency: AgencyCode
    raw: str
    seen_at: datetime
    note: str
    confidence: str
    sharing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A likely return, before it is stored."""

    parent: ItemId
    child: ItemId
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRow:
    """A name an item has or had, and from when to when."""

    key: ItemKey
    from_at: datetime
    until_at: datetime | None
    is_alias: bool  #: a further name beside the item's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Two items that proved to be one."""

    id: MergeId
    kept: ItemId  #: carries the sightings of both
    merged: ItemId
    proof: Proof
    by: PersonId | None  #: None where the provider's number or a rule proved it
    reason: str
    at: datetime
    kept_key: ItemKey  #: what the kept one was called before
    kept_address: str
    number_taken: bool = False  #: the kept one has its number from the merged one
    undone_at: datetime | None = None
    undone_by: PersonId | None = None
    undone_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """The provider's own number of an item."""

    value: str
    has_name: bool  #: False where its name passed to somebody else: only its number can show that it is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A sighting as it was typed, and the item it belongs to."""

    number: int
    item: ItemId
    raw: str


Pairs = dict[str, int]


# --- the tables --------------------------------------------------------------------------------------


class Ledger(Protocol):
    """The ledger as one transaction sees it."""

    def append(
        self,
        tag: str,
        subject: str,
        detail: Mapping[str, object],
        *,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        """Add one entry to what this transaction will write.

        Args:
            tag: `noun:act:done`.
            subject: What it is about, by opaque id.
            detail: What happened; may be personal, can be erased, is committed to by a salted hash.
            facts: What may stand in the entry for ever.
        """

    def size(self) -> int:
        """How many entries are written."""

    def head(self) -> str:
        """The newest signed checkpoint."""

    def kept_checkpoints(self) -> list[str]:
        """The checkpoints kept for good, oldest first."""

    def entry(self, number: int) -> bytes:
        """The bytes of one entry.

        Raises:
            NotFound: No such entry.
        """

    def about(self, subject: str) -> list[bytes]:
        """The entries about one subject, in order; the database looks through all of them."""

    def lines(self) -> Iterator[LedgerLine]:
        """All entries in order, with what is left of their details."""

    def leaves(self) -> list[bytes]:
        """The leaf hashes of all entries, computed from their bytes.

        Raises:
            Broken: The numbering has a gap.
        """


class People(Protocol):
    """Who there is."""

    def add_agencies(self, codes: Collection[AgencyCode]) -> list[AgencyCode]:
        """Make sure that agencies exist; gives those that are new."""

    def agencies(self) -> list[Agency]:
        """All agencies, by code."""

    def name_agency(self, code: AgencyCode, name: str) -> None:
        """Give an agency its name in words."""

    def add(self, person: Person, *, mail: str = "") -> None:
        """Add a person.

        Raises:
            Invalid: The name is taken, or no one person may hold these roles.
        """

    def change(
        self,
        who: PersonId,
        *,
        roles: frozenset[Role] | None = None,
        mail: str | None = None,
        left_at: datetime | None = None,
    ) -> None:
        """Give a person other roles or another mail address, or note that the person has left.

        Raises:
            Invalid: No one person may hold these roles.
        """

    def get(self, who: PersonId) -> Person:
        """A person, with the roles that hold at this instant; whoever has left has none.

        Raises:
            NotFound: Nobody of that name.
        """

    def all(self, *, agency: AgencyCode | None = None) -> list[Person]:
        """Everybody, or everybody of one agency, by name."""

    def mail(self, ids: Collection[PersonId]) -> dict[PersonId, str]:
        """Where alarms reach people; who has no address is left out."""

    def has_left(self, who: PersonId) -> bool:
        """Whether a person no longer works here."""

    def lend(self, given: Delegation, *, agency: AgencyCode) -> DelegationId:
        """Note that a role is lent."""

    def lent(self, agency: AgencyCode) -> list[Delegation]:
        """All roles that were ever lent at an agency, oldest first."""

    def end_lending(self, number: DelegationId) -> None:
        """Take a lent role back now."""


class Operations(Protocol):
    """Agencies acting in one window."""

    def add(self, operation: Operation) -> None:
        """Add an operation with its agencies.

        Raises:
            Invalid: The name is taken.
        """

    def join(self, operation: OperationId, codes: Sequence[AgencyCode]) -> None:
        """Let agencies take part."""

    def add_items(self, operation: OperationId, items: Collection[ItemId]) -> None:
        """Put items on the operation's list; those on it already stay."""

    def get(self, operation: OperationId) -> Operation:
        """An operation.

        Raises:
            NotFound: No such operation.
        """

    def all(self) -> list[Operation]:
        """All operations, by name."""

    def set_hour(
        self, operation: OperationId, hour_h: datetime | None, *, released_at: datetime | None
    ) -> None:
        """Fix hour H, or note that everything was released."""


class Items(Protocol):
    """The things themselves."""

    def record(self, seen: Sequence[NewSighting]) -> Recorded:
        """Store sightings, merging them into items by key; the same record twice stays one record."""

    def find(self, keys: Collection[str]) -> dict[str, ItemId]:
        """The items behind keys or canonical addresses; what is unknown is left out."""

    def get(self, ids: Collection[ItemId]) -> list[Item]:
        """Items by id, in the order of their ids."""

    def listed(
        self,
        *,
        operation: OperationId | None = None,
        state: ItemState | None = None,
        facet: str | None = None,
    ) -> Iterator[Item]:
        """Stream items in the order of their ids; `facet` is one of `store/facets.py`."""

    def sightings(self, *, operation: OperationId | None = None) -> Iterator[SightingRow]:
        """Stream sightings in the order they were recorded."""

    def brief(self, ids: Collection[ItemId]) -> dict[ItemId, tuple[str, str, ItemState, Presence]]:
        """Provider, address, state and presence by id."""

    def lock(self, ids: Collection[ItemId]) -> None:
        """Lock items in the order of their ids, so that a hold and a dispatch meet here."""

    def in_state(
        self,
        states: Collection[ItemState],
        *,
        seen_by: AgencyCode | None = None,
        operation: OperationId | None = None,
        provider: str | None = None,
        limit: int | None = None,
    ) -> list[ItemId]:
        """Ids of items in some states, oldest first."""

    def desks(self, states: Collection[ItemState]) -> dict[AgencyCode, list[ItemId]]:
        """Items in some states by each agency that has sighted them, oldest first: what lies on its desk."""

    def seen_by(self, ids: Collection[ItemId], agency: AgencyCode) -> frozenset[ItemId]:
        """Those of the items that the agency has sighted itself."""

    def kept(self, ids: Collection[ItemId], *, agency: AgencyCode | None = None) -> frozenset[ItemId]:
        """Those of the items of which evidence is kept, or a reasoned waiver of the agency (or any) exists."""

    def step(self, ids: Collection[ItemId], event: ItemEvent) -> frozenset[ItemId]:
        """Take `event` for all items whose state allows it; gives those that moved.

        One statement, whatever the number: the new state is looked up from the table of states.
        """

    def set_presence(
        self,
        ids: Collection[ItemId],
        presence: Presence,
        *,
        missed_at: datetime | None,
        looked_at: datetime | None,
    ) -> None:
        """Write what the checks say together."""

    def presence(
        self, ids: Collection[ItemId]
    ) -> dict[ItemId, tuple[Presence, datetime | None, datetime | None]]:
        """Presence, first missing check of the run, and last telling check, by id."""

    def since(self, ids: Collection[ItemId]) -> dict[ItemId, tuple[ItemState, Presence, datetime]]:
        """State, presence, and the instant the state began, by id."""

    def removed_before(self, ids: Collection[ItemId]) -> dict[ItemId, datetime]:
        """Those of the items that were ever verified offline, with the last time of it."""

    def recorded_at(self, ids: Collection[ItemId]) -> dict[ItemId, datetime]:
        """When the items first came into the store."""

    def set_lineages(self, roots: Mapping[ItemId, ItemId | None]) -> None:
        """Note the first ancestor of items, or that there is none."""

    def lineages(self, ids: Collection[ItemId]) -> dict[ItemId, ItemId]:
        """The first ancestors of items, where one is known."""

    def waive(self, ids: Collection[ItemId], *, by: str, reason: str) -> None:
        """Note why an item may be acted on without kept evidence."""


class Names(Protocol):
    """What things are called, and which of them are one."""

    def of(self, item: ItemId) -> list[NameRow]:
        """Every name an item had or has, in the order in which it got them."""

    def open_keys(self, ids: Collection[ItemId]) -> dict[ItemId, list[ItemKey]]:
        """The names under which items are found now, the own one first."""

    def known_keys(self, ids: Collection[ItemId]) -> dict[ItemId, frozenset[ItemKey]]:
        """The names that items have, and those that passed from them to others."""

    def alone(self) -> None:
        """Keep intake from making items until this transaction ends, or two would have one name."""

    def close(self, keys: Collection[ItemKey], *, has_passed: bool = False) -> None:
        """Nobody is found under these names any more; or somebody else is, where they passed on."""

    def open(self, item: ItemId, keys: Sequence[ItemKey], *, is_alias: bool) -> None:
        """An item is found under these names from now on; whoever had one before has to have let go of it."""

    def set_own(self, item: ItemId, key: ItemKey) -> None:
        """Of the names an item has now, make one its own and the others further ones."""

    def describe(self, item: ItemId, identity: Identity) -> None:
        """Let an item be what an identity says: provider, kind, address, container and what it wraps."""

    def set_address(self, item: ItemId, address: str) -> None:
        """Where an item is found now."""

    def set_wraps(self, found: Mapping[ItemId, ItemKey]) -> frozenset[ItemId]:
        """Note what short links lead to, where that was not known; gives those of which it was not."""

    def numbers(self, ids: Collection[ItemId]) -> dict[ItemId, Number]:
        """The provider's own numbers of accounts, channels, groups and bots, where they are known."""

    def set_numbers(self, found: Mapping[ItemId, str]) -> frozenset[ItemId]:
        """Note the numbers of accounts, channels, groups and bots that had none; gives those."""

    def addresses(self, item: ItemId) -> dict[ItemKey, str]:
        """Where an item is found under the names it has from merges."""

    def same_number(self, ids: Collection[ItemId]) -> list[list[ItemId]]:
        """Groups of items of one provider and kind with one number, where one of `ids` is among them; oldest first."""

    def root(self, ids: Collection[ItemId]) -> dict[ItemId, ItemId]:
        """What items are now: themselves, or what they were merged into."""

    def merge(
        self,
        kept: ItemId,
        merged: ItemId,
        *,
        proof: Proof,
        by: PersonId | None,
        reason: str,
        number_taken: bool,
    ) -> MergeId:
        """Let one item carry the sightings and names of another, and stand on its operations' lists; what moves is noted."""

    def split(self, merge: Merge, *, by: PersonId, reason: str) -> None:
        """Undo a merge: what it moved goes back, and what had been merged into that item before."""

    def move(self, moved: Mapping[int, ItemId]) -> None:
        """Let single sightings belong to other items."""

    def merges(
        self, *, of: Collection[ItemId] | None = None, numbers: Collection[MergeId] | None = None
    ) -> list[Merge]:
        """Merges in the order in which they were made: all, those that touch some items, or some by number."""

    def merge_of(self, item: ItemId) -> Merge:
        """The merge in force by which an item became another.

        Raises:
            NotFound: It was merged into none.
        """

    def seen(self, *, after: int = 0, limit: int, of: Collection[ItemId] | None = None) -> list[Seen]:
        """Sightings in the order of their numbers, as they were typed, with the item they belong to."""

    def holders(self, keys: Collection[ItemKey]) -> dict[ItemKey, ItemId]:
        """Who is found under some names now."""

    def make(self, identities: Sequence[Identity], like: Sequence[ItemId]) -> list[ItemId]:
        """New items for identities nobody has, as they were recorded now; seen when the items they come from were."""


class Kept(Protocol):
    """What is kept of items."""

    def add(self, captures: Sequence[Capture]) -> list[EvidenceId]:
        """Note captures whose bytes lie in the vault."""

    def of(self, item: ItemId) -> list[Evidence]:
        """The captures of one item, oldest first."""

    def pages(self, ids: Collection[ItemId]) -> dict[ItemId, str]:
        """The SHA-256 of the newest kept page of each item, where one is kept."""

    def hashes(self) -> list[str]:
        """Every SHA-256 that the vault has to hold."""

    def add_marks(self, by_item: Mapping[ItemId, Iterable[Mark]]) -> None:
        """Note what was read off the items' pages."""

    def marks(self, ids: Collection[ItemId]) -> dict[ItemId, list[Mark]]:
        """What was read off the items' pages."""

    def add_fingerprints(self, rows: Sequence[tuple[ItemId, str, str, str]]) -> None:
        """Note fingerprints: (item, algorithm, value, what was fingerprinted)."""

    def same_bytes(self, ids: Collection[ItemId]) -> dict[ItemId, frozenset[str]]:
        """SHA-256 of the media that were kept of each item; an item without any is left out."""

    def import_list(self, name: str, entries: Sequence[ListEntry]) -> int:
        """Take in a partner's list; entries known already are replaced. Gives how many it now has."""

    def exact_matches(self, ids: Collection[ItemId], algorithms: Collection[str]) -> list[Found]:
        """List entries whose fingerprint equals one of the items', not noted before."""

    def add_matches(self, matcher: str, found: Sequence[tuple[Found, float, str]]) -> None:
        """Note matches: what was found, its score from 0 to 1, and the reason."""

    def matched(self, ids: Collection[ItemId]) -> dict[ItemId, list[str]]:
        """The reasons of all matches, by item."""

    def shared_marks(
        self,
        ids: Collection[ItemId],
        kinds: Collection[MarkKind],
        *,
        at_most: int,
        since: datetime | None = None,
        removed: bool = False,
    ) -> list[tuple[ItemId, ItemId, MarkKind, str, int]]:
        """Marks that these items share with others: (item, other, kind, value, how many carry it).

        Values that more than `at_most` items carry are left out: they say who stands behind an item, not who it is.

        Args:
            since: Only others that came into the store from this instant on.
            removed: Only others that were ever verified offline.
        """


class Assessments(Protocol):
    """What persons found."""

    def add(self, made: Sequence[Assessment]) -> list[int]:
        """Add assessments; the same agency's earlier ones on these items are closed."""

    def open(self, ids: Collection[ItemId]) -> dict[ItemId, dict[AgencyCode, tuple[Verdict, Ground | None]]]:
        """The assessments in force, by item and agency."""

    def assessed_by(self, ids: Collection[ItemId], person: PersonId) -> frozenset[ItemId]:
        """Those of the items that the person ever assessed."""


class Holds(Protocol):
    """Where somebody asked to wait."""

    def place(
        self, ids: Collection[ItemId], *, agency: AgencyCode, by: PersonId, reason: str, until: datetime
    ) -> list[HoldId]:
        """Place one hold on each item; where the agency holds it already, that hold now ends at `until`."""

    def on(self, ids: Collection[ItemId]) -> frozenset[ItemId]:
        """Those of the items that somebody holds now."""

    def open_of(self, agency: AgencyCode) -> int:
        """How many holds an agency has in force."""

    def get(self, hold: HoldId) -> Hold:
        """One hold, locked for a change.

        Raises:
            NotFound: No such hold.
        """

    def listed(self, *, items: Collection[ItemId] | None = None) -> list[Hold]:
        """Holds in force, oldest first."""

    def due(self, ids: Collection[HoldId]) -> list[Hold]:
        """Those of the holds whose instant has come and that nobody has closed, locked for a change."""

    def end(self, ids: Collection[HoldId], state: HoldState, *, by: PersonId | None, reason: str) -> None:
        """Write another state to holds."""

    def asked(self, item: ItemId, *, by: PersonId, agency: AgencyCode) -> None:
        """Note that somebody asked about an item; the holder is shown it."""

    def questions_of(self, agency: AgencyCode, since: datetime) -> int:
        """How many questions an agency has asked since an instant."""

    def questions_about(self, agency: AgencyCode) -> list[tuple[ItemId, AgencyCode, datetime]]:
        """Questions about items that an agency holds: (item, who asked, when)."""


class Requests(Protocol):
    """What is asked of providers."""

    def reserve(self, count: int) -> list[RequestId]:
        """Ids for requests about to be added."""

    def add(self, new: Sequence[NewRequest]) -> None:
        """Add requests with their lines.

        Raises:
            Stale: One of the items came into another open request of this instrument meanwhile.
        """

    def get(self, ids: Collection[RequestId], *, lock: bool = False) -> list[Request]:
        """Requests by id, in the order of their ids; locked for a change where asked."""

    def one(self, request: RequestId, *, lock: bool = False) -> Request:
        """One request.

        Raises:
            NotFound: No such request.
        """

    def by_reference(self, reference: str) -> RequestId:
        """The request of that reference.

        Raises:
            NotFound: No such reference.
        """

    def known(self, references: Collection[str]) -> dict[str, Request]:
        """Requests by reference; what is unknown is left out."""

    def listed(
        self,
        *,
        state: RequestState | None = None,
        operation: OperationId | None = None,
        agency: str | None = None,
        provider: str | None = None,
    ) -> list[Request]:
        """Requests, oldest first."""

    def subject(self, ids: Collection[RequestId]) -> dict[RequestId, str]:
        """The subject lines, by request."""

    def step(
        self,
        moved: Sequence[tuple[Request, RequestState]],
        *,
        received_at: Mapping[RequestId, datetime] | None = None,
    ) -> None:
        """Write new states, each only if the request is still as it was read.

        Raises:
            Stale: Somebody changed one of them since.
        """

    def note_sent(self, ids: Collection[RequestId]) -> None:
        """Note that requests left which were taken back meanwhile."""

    def lines(self, ids: Collection[RequestId]) -> dict[RequestId, list[LineState]]:
        """All lines, dropped ones too, in their order."""

    def drop(self, dropped: Sequence[Drop]) -> None:
        """Take lines out of requests that have not left."""

    def close_items(self, items: Collection[ItemId]) -> None:
        """Nothing more is asked for these items in any request, so they may come into a new one."""

    def close_lines(self, lines: Collection[tuple[RequestId, ItemId]]) -> None:
        """Nothing more is asked for by these lines; other requests keep theirs."""

    def open_items(self, items: Collection[ItemId], instrument: str) -> dict[ItemId, RequestId]:
        """Items that stand in an open request of this instrument, of whatever agency."""

    def unsent_items(self, items: Collection[ItemId]) -> frozenset[ItemId]:
        """Those of the items that stand in a request that has not left."""

    def open_beside(self, items: Collection[ItemId], request: RequestId) -> frozenset[ItemId]:
        """Those of the items for which another request that has left still asks something, of whatever agency."""

    def proposed_by(self, items: Collection[ItemId], person: PersonId) -> frozenset[ItemId]:
        """Those of the items that the person ever proposed, in whatever request."""

    def withdrawn_items(self, request: RequestId) -> tuple[frozenset[ItemId], int]:
        """Items of a request that were withdrawn already, and in how many withdrawals."""

    def sent_for(self, items: Collection[ItemId]) -> dict[ItemId, list[RequestId]]:
        """Requests that hold these items and were not dropped, by item, newest last."""

    def approve(
        self, given: Sequence[tuple[Request, str]], *, by: PersonId, expires_at: datetime
    ) -> list[ApprovalId]:
        """Write approvals over digests; the schema refuses the proposer."""

    def approvals(self, ids: Collection[RequestId]) -> dict[RequestId, Approval]:
        """The approvals in force, expired or not, by request."""

    def close_approvals(self, ids: Collection[RequestId]) -> None:
        """End approvals: expired, sent back, bounced or withdrawn."""

    def intend(self, intents: Sequence[tuple[Approval, str, str, bool]]) -> dict[RequestId, Dispatch]:
        """Write down that something is about to leave: (approval, Message-ID, hash of the text, repeat)."""

    def attempts(self, ids: Collection[RequestId]) -> dict[RequestId, list[Dispatch]]:
        """All attempts to deliver, by request, in order."""

    def settle(self, settled: Sequence[tuple[DispatchId, DispatchState, str]]) -> None:
        """Write how attempts ended: (dispatch, state, detail)."""

    def answer(self, given: Mapping[RequestId, Sequence[LineAnswer]], *, by: PersonId | None) -> None:
        """Note what providers said about lines of requests."""

    def unanswered(self, ids: Collection[RequestId]) -> dict[RequestId, int]:
        """How many lines still wait for the provider's word, by request; 0 is left out."""

    def withdraw(self, withdrawal: Withdrawal, items: Collection[ItemId]) -> int:
        """Note that a request, or some of its items, was taken back."""

    def withdrawal(self, ids: Collection[int]) -> dict[int, Withdrawal]:
        """Withdrawals by id."""

    def withdrawal_tried(self, ids: Collection[int], *, told: bool) -> None:
        """Note that the provider was, or may have been, told."""


class Checks(Protocol):
    """What was seen, each look on its own."""

    def add(self, made: Sequence[Check]) -> None:
        """Note checks."""


class Returns(Protocol):
    """Likely returns, and what persons say about them."""

    def turn(self) -> None:
        """One at a time from here to the commit: who keeps a child and who verifies its parent must see each other."""

    def suggest(self, found: Sequence[Suggestion]) -> list[ReturnId]:
        """Note suggestions; a pair that was suggested before stays as it was. Gives the new ones."""

    def get(self, ids: Collection[ReturnId]) -> dict[ReturnId, Return]:
        """Returns by id, locked for a change.

        Raises:
            NotFound: No such return.
        """

    def listed(
        self, state: ReturnState | None = None, *, of: Collection[ItemId] | None = None
    ) -> list[Return]:
        """Returns, best score first."""

    def set(self, ids: Collection[ReturnId], state: ReturnState, *, by: PersonId) -> None:
        """Write a person's decision."""

    def children(self, parents: Collection[ItemId]) -> list[tuple[ItemId, ItemId]]:
        """(parent, child): items that a person confirmed to be one of these come back."""


class Queue(Protocol):
    """The work table."""

    def add(self, kind: WorkKind, subjects: Collection[int], *, due_at: datetime, priority: int = 5) -> None:
        """Ask for work on subjects; where the same is asked for already, the new instant counts."""

    def add_at(self, kind: WorkKind, due: Mapping[Subject, datetime], *, priority: int = 5) -> None:
        """Ask for work on subjects, each due at an instant of its own."""

    def add_by(self, kind: WorkKind, due: Mapping[Subject, datetime]) -> None:
        """Ask for work on subjects, each by an instant; where it is due sooner anyway, that stays."""

    def lease(
        self,
        *,
        by: str,
        limit: int,
        lease: timedelta,
        limits: Mapping[WorkKind, int] | None = None,
        leases: Mapping[WorkKind, timedelta] | None = None,
    ) -> list[Task]:
        """Take due rows of one kind, the most pressing, that nobody has or whose lease ran out.

        Args:
            by: The worker's name.
            limit: How many rows at most; `limits` has kinds of which fewer are taken.
            lease: How long they stay taken without a word from the worker; `leases` has kinds with another length.
        """

    def confirm(self, tasks: Sequence[Task], *, lease: timedelta) -> None:
        """Hold on to leased rows for longer.

        Raises:
            Stale: A lease ran out and somebody else took the row.
        """

    def renew(self, tasks: Sequence[Task], *, lease: timedelta) -> None:
        """Hold on to those of the rows that are still leased by whoever took them."""

    def done(self, tasks: Sequence[Task]) -> None:
        """Strike leased rows off; one that was asked for again meanwhile stays, and is free.

        Raises:
            Stale: A lease ran out and somebody else took the row.
        """

    def held(self, tasks: Sequence[Task]) -> list[Task]:
        """Those of the rows that still exist and are leased by whoever took them."""

    def in_hand(self, kind: WorkKind, subjects: Collection[int]) -> frozenset[int]:
        """Those of the subjects on whose row somebody works at present."""

    def postpone(self, tasks: Sequence[Task], *, due_at: datetime, trouble: str = "") -> None:
        """Give leased rows back, due later; one that was asked for again meanwhile keeps its new instant."""

    def give_back(self, by: str) -> None:
        """Free every row that one worker holds, due as before."""

    def cancel(self, kind: WorkKind, subjects: Collection[int]) -> None:
        """Take work back that is no longer wanted."""

    def next_due(self) -> datetime | None:
        """The instant of the earliest row, due or not."""

    def waiting(self) -> int:
        """How many rows are due now."""


class Figures(Protocol):
    """Counts and durations."""

    def to(self, agency: AgencyCode, *, among: Collection[AgencyCode]) -> Figures:
        """The same, without what others than these did, and without holds of which the agency may not know."""

    def by_state(self, operation: OperationId | None = None) -> Pairs:
        """Items by state."""

    def by_provider(self, operation: OperationId | None = None) -> Pairs:
        """Items by provider."""

    def by_kind(self, operation: OperationId | None = None) -> Pairs:
        """Items by kind."""

    def by_provider_and_state(self, operation: OperationId | None = None) -> dict[str, Pairs]:
        """Items by provider, and within it by state."""

    def counts(self, operation: OperationId | None = None) -> Pairs:
        """The single numbers that status and report show."""

    def requests(self, operation: OperationId | None = None) -> Pairs:
        """Requests by state."""

    def dispatches(self, operation: OperationId | None = None) -> Pairs:
        """Attempts to deliver, and how many of them were marked as possible repeats."""

    def clocks(self, operation: OperationId | None = None) -> Pairs:
        """Clocks running, our own that were missed, and providers' that lapsed."""

    def hours_to_removal(self, operation: OperationId | None = None) -> dict[str, list[float]]:
        """Hours from receipt to the first verified removal, by provider, sorted."""

    def days_to_return(self, operation: OperationId | None = None) -> tuple[list[float], list[float]]:
        """Days from removal to the first confirmed return, and days watched without one, both sorted."""

    def removals_by_day(self, operation: OperationId | None = None) -> Mapping[str, int]:
        """Verified removals by day."""

    def agencies(self, operation: OperationId | None = None) -> Mapping[str, Pairs]:
        """What each agency brought: its sightings, and the items nobody had seen before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restored store knows of itself: that it may have forgotten something."""

    mark: str  #: stands in every reference made since, because older numbers may have been used up
    upto: int  #: requests up to this number may have left after the backup was taken
    tries: int = (
        0  #: attempts up to this number were known to the backup; they say nothing of what came after it
    )


NEVER = Restored(mark="", upto=0)
"""A store that was never restored."""


class Work(Protocol):
    """One open transaction: what a verb is given to act with."""

    @property
    def now(self) -> datetime:
        """The one instant of this transaction: simulated in an exercise."""

    @property
    def real_now(self) -> datetime:
        """Real time, in an exercise too."""

    @property
    def exercise(self) -> bool:
        """Whether this is an exercise store."""

    @property
    def origin(self) -> str:
        """The store's name towards others; the ledger and all references carry it."""

    @property
    def restored(self) -> Restored:
        """What it may have forgotten when it was restored from a backup."""

    @property
    def items(self) -> Items: ...
    @property
    def people(self) -> People: ...
    @property
    def operations(self) -> Operations: ...
    @property
    def names(self) -> Names: ...
    @property
    def kept(self) -> Kept: ...
    @property
    def assessments(self) -> Assessments: ...
    @property
    def holds(self) -> Holds: ...
    @property
    def requests(self) -> Requests: ...
    @property
    def checks(self) -> Checks: ...
    @property
    def clocks(self) -> Clocks: ...
    @property
    def counting(self) -> str:
        """By which rule legal ends are counted, a word of `law.counting.Rule`."""

    @property
    def counted(self) -> Counted: ...
    @property
    def orders(self) -> Orders: ...
    @property
    def papers(self) -> Papers: ...
    @property
    def letters(self) -> Letters: ...
    @property
    def offices(self) -> Offices: ...
    @property
    def returns(self) -> Returns: ...
    @property
    def queue(self) -> Queue: ...
    @property
    def figures(self) -> Figures: ...
    @property
    def ledger(self) -> Ledger: ...
    def across(self) -> AbstractContextManager[None]:
        """Look across all agencies for a moment; what comes out of it must tell no secret of theirs."""

    @property
    def accesses(self) -> Accesses: ...
    @property
    def duties(self) -> Duties: ...
    @property
    def doors(self) -> Doors: ...
    @property
    def hooks(self) -> Hooks: ...
    @property
    def entries(self) -> Entries: ...
