"""carry: steps 3 and 4 of a dispatch, asking about earlier attempts and sending, as long as the leases are ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic, sleep, time

from staydown.core.errors import Collision, Outside, Stale
from staydown.core.ids import DispatchId, RequestId
from staydown.core.request import NOT_BEGUN, Dispatch, Parcel, Receipt, Request
from staydown.ports import Courier, Known
from staydown.ports.tools import Point, Tools
from staydown.ports.work import Task

log = logging.getLogger("staydown.flow")

CONFIRMS = 5
"""How often a lease is confirmed before the database counts as too slow."""
TRIES_FOR_S = 20.0
"""How long it is tried to write down what was sent: a database restarts in less."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request of a batch that will leave, or be asked about."""

    task: Task
    request: Request
    parcel: Parcel
    dispatch: DispatchId | None  #: None where only a question about an earlier attempt is carried
    earlier: tuple[Dispatch, ...]  #: intents whose outcome nobody knows


def _clocks() -> tuple[float, float]:
    """Two clocks: one that nobody sets, and one that goes on while the machine sleeps."""
    return monotonic(), time()


class Held:
    """The leases of a batch, and how long they are surely ours: half a lease from the last word of the database.

    A process that stood still may wake when another worker has taken its rows over and asked the receivers; it must
    not send then. So each parcel asks at its own turn, in the middle of a batch too.
    """

    def __init__(self, tools: Tools, tasks: Sequence[Task]) -> None:
        self._tools, self._tasks = tools, tasks
        self._then, self._begun, self._is_lost = _clocks(), 0, False

    def is_sure(self) -> bool:
        """Whether nobody can have taken the rows over."""
        limit = self._tools.settings.lease.total_seconds() / 2
        return max(now - then for now, then in zip(_clocks(), self._then, strict=True)) <= limit

    def confirm(self) -> None:
        """Make sure of the leases, where that is not so already.

        Raises:
            Stale: Another worker took over.
            Outside: The database answers, but later than half a lease, again and again.
        """
        for _ in range(CONFIRMS):
            if self.is_sure():
                return
            then = _clocks()
            with self._tools.begin() as work:
                work.queue.confirm(self._tasks, lease=self._tools.settings.lease)
            self._then = then
        if not self.is_sure():
            raise Outside("the database is too slow to hold leases", hint="Look at it, or lengthen lease_s.")

    def may_begin(self) -> bool:
        """Whether one more parcel may leave; couriers ask from threads of their own.

        Where it has been waiting for its turn, or for a slow server, for more than half a lease, the database is asked.
        """
        if self._begun:
            try:
                self._tools.reached(Point.MID_SEND)
            except OSError as error:
                log.warning("dispatch.not_begun reason=%s", error)
                return False
        if self._is_lost:
            return False
        try:
            self.confirm()
        except (Stale, Outside) as error:
            self._is_lost = True
            log.warning("dispatch.not_begun reason=%s", error)
            return False
        self._begun += 1
        return True


def carry(
    tools: Tools, outgoing: Sequence[Outgoing], held: Held
) -> tuple[dict[RequestId, Known], dict[RequestId, Receipt]]:
    """Ask receivers about earlier intents; send what has none, or what cannot be asked about.

    Raises:
        Stale: Another worker took over before anything was asked or sent.
        Outside: The database gave trouble before anything was asked or sent.
    """
    known: dict[RequestId, Known] = {}
    receipts: dict[RequestId, Receipt] = {}
    for name in sorted({one.request.courier for one in outgoing}):
        courier = tools.couriers[name]
        mine = [one for one in outgoing if one.request.courier == name]
        unsure = [one for one in mine if one.dispatch is None]
        for one, word in zip(unsure, courier.ask([one.parcel for one in unsure]), strict=True):
            known[one.request.id] = word
        send = [one for one in mine if one.dispatch is not None]
        receipts |= dict.fromkeys((one.request.id for one in send), NOT_BEGUN)
        try:
            _send(courier, send, held, receipts)
        except (Stale, Outside) as error:  # what has left is written down all the same
            if not known and not any(receipt.begun for receipt in receipts.values()):
                raise
            log.warning("dispatch.not_sent reason=%s", error)
    return known, receipts


def _send(
    courier: Courier,
    send: Sequence[Outgoing],
    held: Held,
    receipts: dict[RequestId, Receipt],
) -> None:
    """Send; what was not begun is begun anew, as long as the leases are ours.

    Raises:
        Stale: Another worker took over meanwhile; nothing more was sent.
    """
    while send:
        held.confirm()
        parcels = [replace(one.parcel, may_begin=held.may_begin) for one in send]
        got = courier.send(parcels)
        receipts |= {one.request.id: receipt for one, receipt in zip(send, got, strict=True)}
        late = [one for one, receipt in zip(send, got, strict=True) if not receipt.begun]
        if len(late) == len(send):
            return
        send = late


def insist(act: Callable[[], None]) -> None:
    """Write down what was sent, although the database gives trouble for a while: what is forgotten has to be asked
    about, and a letter sent again.

    Args:
        act: One transaction; it may be done again although it had been committed, which nobody told us.

    Raises:
        Collision: Two transactions stood in each other's way, again and again.
        Outside: The trouble does not pass.
    """
    ends, pause = monotonic() + TRIES_FOR_S, FIRST_PAUSE_S
    while True:
        try:
            return act()
        except (Collision, Outside) as error:
            if monotonic() > ends or (isinstance(error, Outside) and error.permanent):
                raise
            log.warning("dispatch.not_written_yet reason=%s", error)
        sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)
