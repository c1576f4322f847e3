"""What the flow asks of the store about orders, their papers and letters, offices and authorities."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from staydown.core.ids import AgencyCode, ApprovalId, ItemId, LetterId, PersonId, RequestId
from staydown.core.order import (
    Authority,
    Happened,
    Letter,
    Office,
    Order,
    Paper,
    PaperName,
    Scrutiny,
    Signature,
    Task,
)
from staydown.core.states import LetterState, OrderState, ScrutinyState


class Orders(Protocol):
    """The law's side of requests."""

    def add(self, order: Order) -> None:
        """Note that a request is an order."""

    def get(self, ids: Collection[RequestId], *, lock: bool = False) -> dict[RequestId, Order]:
        """Orders by request; requests that are none are left out."""

    def step(self, order: Order, state: OrderState, **changed: object) -> None:
        """Write another state, and other facts with it, if the order is still as it was read.

        Raises:
            Stale: Somebody changed it since.
        """

    def happened(self, one: Happened) -> None:
        """Note one thing that happened."""

    def history(self, request: RequestId) -> list[Happened]:
        """All that happened to an order, in order."""

    def first_received(self, agency: AgencyCode, provider: str) -> datetime | None:
        """When a provider received the first removal order of an agency, by proof."""

    def on_matter(self, items: Collection[ItemId]) -> dict[ItemId, list[RequestId]]:
        """Orders of whatever agency that have been issued for these items and were not taken back, by item."""

    def sign(
        self, request: RequestId, approval: ApprovalId, *, by: PersonId, digest: str, reasons: str
    ) -> int:
        """Write a signature over what was approved; the schema refuses who proposed or approved it."""

    def signature(self, request: RequestId) -> Signature | None:
        """The latest signature of an order."""

    def final_since(self, provider: str, since: datetime) -> int:
        """How many orders to a provider became final since an instant, of whatever agency (Art. 5(4))."""

    def ask_scrutiny(self, one: Scrutiny) -> int:
        """Note a request for scrutiny, or that the authority began one.

        Raises:
            Invalid: That party has asked already.
        """

    def scrutinies(self, request: RequestId) -> list[Scrutiny]:
        """All scrutinies of an order."""

    def step_scrutiny(self, one: Scrutiny, state: ScrutinyState, *, at: datetime, text: str) -> None:
        """Write a scrutiny's next state."""


class Papers(Protocol):
    """Renditions of forms."""

    def add(self, request: RequestId, papers: Sequence[Paper]) -> None:
        """Keep renditions; a signed one takes the place of one that was signed before."""

    def of(self, ids: Collection[RequestId]) -> dict[RequestId, list[Paper]]:
        """All renditions, by request."""

    def one(self, request: RequestId, name: PaperName) -> Paper | None:
        """One rendition."""


class Letters(Protocol):
    """What leaves beside requests."""

    def reserve(self) -> LetterId:
        """An id for a letter about to be added."""

    def add(self, letter: Letter) -> None:
        """Add a letter."""

    def get(self, ids: Collection[LetterId], *, lock: bool = False) -> list[Letter]:
        """Letters by id, in the order of their ids."""

    def listed(
        self,
        *,
        agency: AgencyCode | None = None,
        request: RequestId | None = None,
        state: LetterState | None = None,
    ) -> list[Letter]:
        """Letters, oldest first."""

    def newest(self, agency: AgencyCode, *, request: RequestId | None = None, at_most: int) -> list[Letter]:
        """An agency's newest letters, oldest first, without their papers and text."""

    def by_reference(self, reference: str) -> LetterId:
        """The letter of that reference.

        Raises:
            NotFound: No such reference.
        """

    def step(self, letter: Letter, state: LetterState, **changed: object) -> None:
        """Write another state, if the letter is still as it was read.

        Raises:
            Stale: Somebody changed it since.
        """

    def tried(self, ids: Collection[LetterId]) -> None:
        """Note that they may have left."""

    def first_contact(self, agency: AgencyCode, provider: str) -> datetime | None:
        """When a provider first had the agency's information, by proof of receipt (Art. 3(2))."""


class Offices(Protocol):
    """Agencies as they stand on forms, and the competent authorities of states."""

    def get(self, agency: AgencyCode) -> Office | None:
        """What an agency has set."""

    def set(self, office: Office, *, by: PersonId) -> None:
        """Set it."""

    def propose(self, one: Authority) -> int:
        """Note where an authority takes mail; it is used once a second person confirms it."""

    def confirm(self, agency: AgencyCode, number: int, *, by: PersonId, eyes: Collection[PersonId]) -> None:
        """Confirm it; the agency's own of the same state and task that stood before ends.

        Args:
            agency: Whose address it is.
            number: Which.
            by: Who confirms.
            eyes: Who looks: the person, and whoever lends the role.

        Raises:
            NotFound: The agency has none of that number that waits.
            SameEyes: One of them proposed it.
        """

    def authority(self, agency: AgencyCode, state: str, task: Task) -> Authority | None:
        """The authority of a state for a task, as two persons of the agency named it."""

    def authorities(self, agency: AgencyCode | None = None) -> list[Authority]:
        """All of an agency that stand or wait, by state and task; of every agency where none is said."""


Facts = Mapping[str, object]
