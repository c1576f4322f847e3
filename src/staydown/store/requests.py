"""Requests, their lines, approvals, dispatches, answers and withdrawals."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update

from staydown.core.errors import NotFound, Stale
from staydown.core.ids import ApprovalId, DispatchId, ItemId, OperationId, PersonId, RequestId
from staydown.core.order import PaperName
from staydown.core.request import Approval, Decision, Dispatch, DispatchState, Line, LineAnswer, Request
from staydown.core.states import REQUEST_SENT, RequestState
from staydown.ports.work import Drop, LineState, NewRequest, Withdrawal
from staydown.store.sets import among, for_update, insert_new, new_ids
from staydown.store.tables import (
    answers,
    approvals,
    dispatches,
    request_items,
    requests,
    withdrawal_items,
    withdrawals,
)
from staydown.store.tables_orders import papers, signatures
from staydown.store.walls import across


class Requests:
    """What is asked of providers."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    # --- the request itself ----------------------------------------------------------------------

    def reserve(self, count: int) -> list[RequestId]:
        """Ids for requests about to be added."""
        return [RequestId(number) for number in new_ids(self._conn, requests, count)]

    def add(self, new: Sequence[NewRequest]) -> None:
        """Add requests with their lines.

        Raises:
            Stale: One of the items came into another open request of this instrument meanwhile.
        """
        if not new:
            return
        self._conn.execute(
            insert(requests),
            [
                {
                    "id": one.request.id,
                    "reference": one.request.reference,
                    "provider": one.request.provider,
                    "instrument": one.request.instrument,
                    "agency": one.request.agency,
                    "operation": one.request.operation,
                    "state": one.request.state.value,
                    "version": one.request.version,
                    "proposed_by": one.request.proposed_by,
                    "proposed_at": one.request.proposed_at,
                    "addressee": one.request.addressee,
                    "contact_point": one.request.contact_point,
                    "courier": one.request.courier,
                    "subject": one.subject,
                    "cover": one.request.cover,
                    "cover_digest": one.request.cover_digest,
                    "language": one.request.language,
                    "issued_at": one.request.issued_at,
                    "binding": one.request.binding,
                    "papers_digest": one.request.papers_digest,
                    "parent": one.request.parent,
                }
                for one in new
            ],
        )
        self._conn.execute(
            insert(request_items),
            [
                {
                    "request": one.request.id,
                    "item": line.item,
                    "number": line.number,
                    "address": line.address,
                    "digest": line.digest,
                    "instrument": one.request.instrument,
                    "open": True,
                }
                for one in new
                for line in one.lines
            ],
        )

    def get(self, ids: Collection[RequestId], *, lock: bool = False) -> list[Request]:
        """Requests by id, in the order of their ids; locked for a change where asked."""
        statement = select(requests).where(among(self._conn, requests.c.id, ids)).order_by(requests.c.id)
        rows = self._conn.execute(for_update(self._conn, statement) if lock else statement)
        return [_request(row) for row in rows]

    def one(self, request: RequestId, *, lock: bool = False) -> Request:
        """One request.

        Raises:
            NotFound: No such request.
        """
        found = self.get([request], lock=lock)
        if not found:
            raise NotFound(f"there is no request {request}", hint="staydown requests lists them.")
        return found[0]

    def by_reference(self, reference: str) -> RequestId:
        """The request of that reference.

        Raises:
            NotFound: No such reference.
        """
        found = self._conn.execute(
            select(requests.c.id).where(requests.c.reference == reference)
        ).scalar_one_or_none()
        if found is None:
            raise NotFound(f"there is no request {reference!r}", hint="staydown requests lists them.")
        return RequestId(found)

    def known(self, references: Collection[str]) -> dict[str, Request]:
        """Requests by reference; what is unknown is left out."""
        rows = self._conn.execute(select(requests).where(among(self._conn, requests.c.reference, references)))
        return {row.reference: _request(row) for row in rows}

    def listed(
        self,
        *,
        state: RequestState | None = None,
        operation: OperationId | None = None,
        agency: str | None = None,
        provider: str | None = None,
    ) -> list[Request]:
        """Requests, oldest first."""
        statement = select(requests).order_by(requests.c.id)
        for column, value in (
            (requests.c.state, state.value if state else None),
            (requests.c.operation, operation),
            (requests.c.agency, agency),
            (requests.c.provider, provider),
        ):
            if value is not None:
                statement = statement.where(column == value)
        return [_request(row) for row in self._conn.execute(statement)]

    def subject(self, ids: Collection[RequestId]) -> dict[RequestId, str]:
        """The subject lines, by request."""
        rows = self._conn.execute(
            select(requests.c.id, requests.c.subject).where(among(self._conn, requests.c.id, ids))
        )
        return {row.id: row.subject for row in rows}

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
        for state in {new for _, new in moved}:
            part = [request for request, new in moved if new is state]
            values: dict[str, object] = {"state": state.value, "version": requests.c.version + 1}
            if state is RequestState.DISPATCHED:
                values["sent_at"] = self._now
            if state is RequestState.WITHDRAWN:
                values["withdrawn_at"] = self._now
            touched = 0
            for version in {request.version for request in part}:
                ids = [request.id for request in part if request.version == version]
                touched += self._conn.execute(
                    update(requests)
                    .where(among(self._conn, requests.c.id, ids), requests.c.version == version)
                    .values(**values)
                ).rowcount
            if touched != len(part):
                raise Stale("a request was changed by somebody else")
        if received_at:
            self._conn.execute(
                update(requests)
                .where(requests.c.id == bindparam("b_id"))
                .values(received_at=bindparam("b_at")),
                [{"b_id": number, "b_at": at} for number, at in received_at.items()],
            )

    def note_sent(self, ids: Collection[RequestId]) -> None:
        """Note that requests left which were taken back meanwhile."""
        if ids:
            unsent = among(self._conn, requests.c.id, ids) & requests.c.sent_at.is_(None)
            self._conn.execute(update(requests).where(unsent).values(sent_at=self._now))

    # --- its lines ---------------------------------------------------------------------------------

    def lines(self, ids: Collection[RequestId]) -> dict[RequestId, list[LineState]]:
        """All lines, dropped ones too, in their order."""
        rows = self._conn.execute(
            select(request_items)
            .where(among(self._conn, request_items.c.request, ids))
            .order_by(request_items.c.request, request_items.c.number)
        )
        found: dict[RequestId, list[LineState]] = {}
        for row in rows:
            line = Line(item=row.item, number=row.number, address=row.address, digest=row.digest)
            decision = Decision(row.decision) if row.decision else None
            found.setdefault(row.request, []).append(
                LineState(
                    line=line, open=bool(row.open), dropped=row.dropped_at is not None, decision=decision
                )
            )
        return found

    def drop(self, dropped: Sequence[Drop]) -> None:
        """Take lines out of requests that have not left."""
        if dropped:
            self._conn.execute(
                update(request_items)
                .where(
                    request_items.c.request == bindparam("b_request"),
                    request_items.c.item == bindparam("b_item"),
                )
                .values(open=False, dropped_at=self._now, dropped_reason=bindparam("b_reason")),
                [{"b_request": one.request, "b_item": one.item, "b_reason": one.reason} for one in dropped],
            )

    @across
    def close_items(self, items: Collection[ItemId]) -> None:
        """Nothing more is asked for these items in any request, so they may come into a new one."""
        if items:
            open_lines = among(self._conn, request_items.c.item, items) & request_items.c.open
            self._conn.execute(update(request_items).where(open_lines).values(open=False))

    def close_lines(self, lines: Collection[tuple[RequestId, ItemId]]) -> None:
        """Nothing more is asked for by these lines; other requests keep theirs."""
        if lines:
            self._conn.execute(
                update(request_items)
                .where(
                    request_items.c.request == bindparam("b_request"),
                    request_items.c.item == bindparam("b_item"),
                    request_items.c.open,
                )
                .values(open=False),
                [{"b_request": request, "b_item": item} for request, item in sorted(lines)],
            )

    @across
    def open_items(self, items: Collection[ItemId], instrument: str) -> dict[ItemId, RequestId]:
        """Items that stand in an open request of this instrument, of whatever agency."""
        rows = self._conn.execute(
            select(request_items.c.item, request_items.c.request).where(
                among(self._conn, request_items.c.item, items),
                request_items.c.instrument == instrument,
                request_items.c.open,
            )
        )
        return {row.item: row.request for row in rows}

    @across
    def unsent_items(self, items: Collection[ItemId]) -> frozenset[ItemId]:
        """Those of the items that stand in a request that has not left."""
        unsent = [one.value for one in (RequestState.PROPOSED, RequestState.CONSENTED, RequestState.APPROVED)]
        rows = self._conn.execute(
            select(request_items.c.item)
            .distinct()
            .join(requests, requests.c.id == request_items.c.request)
            .where(
                among(self._conn, request_items.c.item, items),
                request_items.c.open,
                requests.c.state.in_(unsent),
            )
        )
        return frozenset(rows.scalars())

    @across
    def open_beside(self, items: Collection[ItemId], request: RequestId) -> frozenset[ItemId]:
        """Those of the items for which another request that has left still asks something, of whatever agency."""
        sent = [one.value for one in REQUEST_SENT]
        rows = self._conn.execute(
            select(request_items.c.item)
            .distinct()
            .join(requests, requests.c.id == request_items.c.request)
            .where(
                among(self._conn, request_items.c.item, items),
                request_items.c.request != request,
                request_items.c.open,
                requests.c.state.in_(sent),
            )
        )
        return frozenset(rows.scalars())

    def proposed_by(self, items: Collection[ItemId], person: PersonId) -> frozenset[ItemId]:
        """Those of the items that the person ever proposed, in whatever request."""
        rows = self._conn.execute(
            select(request_items.c.item)
            .distinct()
            .join(requests, requests.c.id == request_items.c.request)
            .where(among(self._conn, request_items.c.item, items), requests.c.proposed_by == person)
        )
        return frozenset(rows.scalars())

    def withdrawn_items(self, request: RequestId) -> tuple[frozenset[ItemId], int]:
        """Items of a request that were withdrawn already, and in how many withdrawals."""
        rows = self._conn.execute(
            select(withdrawal_items.c.item, withdrawals.c.id)
            .join(withdrawals, withdrawals.c.id == withdrawal_items.c.withdrawal)
            .where(withdrawals.c.request == request)
        ).all()
        return frozenset(row.item for row in rows), len({row.id for row in rows})

    @across
    def sent_for(self, items: Collection[ItemId]) -> dict[ItemId, list[RequestId]]:
        """Requests that hold these items and were not dropped, by item, newest last."""
        rows = self._conn.execute(
            select(request_items.c.item, request_items.c.request)
            .where(among(self._conn, request_items.c.item, items), request_items.c.dropped_at.is_(None))
            .order_by(request_items.c.request)
        )
        found: dict[ItemId, list[RequestId]] = {}
        for row in rows:
            found.setdefault(row.item, []).append(row.request)
        return found

    # --- approval ----------------------------------------------------------------------------------

    def approve(
        self, given: Sequence[tuple[Request, str]], *, by: PersonId, expires_at: datetime
    ) -> list[ApprovalId]:
        """Write approvals over digests; the schema refuses the proposer."""
        ids = new_ids(self._conn, approvals, len(given))
        if given:
            self._conn.execute(
                insert(approvals),
                [
                    {
                        "id": number,
                        "request": request.id,
                        "proposed_by": request.proposed_by,
                        "by": by,
                        "at": self._now,
                        "expires_at": expires_at,
                        "digest": digest,
                    }
                    for number, (request, digest) in zip(ids, given, strict=True)
                ],
            )
        return [ApprovalId(number) for number in ids]

    def approvals(self, ids: Collection[RequestId]) -> dict[RequestId, Approval]:
        """The approvals in force, expired or not, by request."""
        rows = self._conn.execute(
            select(approvals, signatures.c.id.label("signature"), signatures.c.by.label("signed_by"))
            .outerjoin(signatures, signatures.c.approval == approvals.c.id)
            .where(among(self._conn, approvals.c.request, ids), approvals.c.closed_at.is_(None))
        )
        return {
            row.request: Approval(
                id=row.id,
                request=row.request,
                by=row.by,
                at=row.at,
                expires_at=row.expires_at,
                digest=row.digest,
                signature=row.signature,
                signed_by=row.signed_by,
            )
            for row in rows
        }

    def close_approvals(self, ids: Collection[RequestId]) -> None:
        """End approvals: expired, sent back, bounced or withdrawn."""
        self._conn.execute(
            update(approvals)
            .where(among(self._conn, approvals.c.request, ids), approvals.c.closed_at.is_(None))
            .values(closed_at=self._now)
        )
        self._break_seals(ids)

    def _break_seals(self, ids: Collection[RequestId]) -> None:
        """A signed paper of what did not leave ends with its approval: nobody shall hand it on."""
        may_have_left = (
            select(dispatches.c.request)
            .where(dispatches.c.request == papers.c.request, dispatches.c.state != DispatchState.FAILED.value)
            .exists()
        )
        signed = among(self._conn, papers.c.request, ids) & (papers.c.name == PaperName.SIGNED.value)
        self._conn.execute(delete(papers).where(signed, ~may_have_left))

    # --- dispatch ----------------------------------------------------------------------------------

    def intend(self, intents: Sequence[tuple[Approval, str, str, bool]]) -> dict[RequestId, Dispatch]:
        """Write down that something is about to leave: (approval, Message-ID, hash of the text, repeat)."""
        ids = new_ids(self._conn, dispatches, len(intents))
        before = self.attempts([approval.request for approval, *_ in intents])
        orders = self._binding([approval.request for approval, *_ in intents])
        made: dict[RequestId, Dispatch] = {}
        for number, (approval, message_id, _, _) in zip(ids, intents, strict=True):
            made[approval.request] = Dispatch(
                id=DispatchId(number),
                request=approval.request,
                attempt=len(before.get(approval.request, ())) + 1,
                state=DispatchState.INTENDED,
                intent_at=self._now,
                message_id=message_id,
                approval=approval.id,
            )
        if intents:
            self._conn.execute(
                insert(dispatches),
                [
                    {
                        "id": made[approval.request].id,
                        "request": approval.request,
                        "approval": approval.id,
                        "attempt": made[approval.request].attempt,
                        "state": DispatchState.INTENDED.value,
                        "intent_at": self._now,
                        "message_id": message_id,
                        "repeat": repeat,
                        "text_sha256": digest,
                        "binding": approval.request in orders,
                        "signature": approval.signature,
                    }
                    for approval, message_id, digest, repeat in intents
                ],
            )
        return made

    def _binding(self, ids: Collection[RequestId]) -> frozenset[RequestId]:
        rows = self._conn.execute(
            select(requests.c.id).where(among(self._conn, requests.c.id, ids), requests.c.binding)
        )
        return frozenset(rows.scalars())

    def attempts(self, ids: Collection[RequestId]) -> dict[RequestId, list[Dispatch]]:
        """All attempts to deliver, by request, in order."""
        rows = self._conn.execute(
            select(dispatches)
            .where(among(self._conn, dispatches.c.request, ids))
            .order_by(dispatches.c.request, dispatches.c.attempt)
        )
        found: dict[RequestId, list[Dispatch]] = {}
        for row in rows:
            found.setdefault(row.request, []).append(
                Dispatch(
                    id=row.id,
                    request=row.request,
                    attempt=row.attempt,
                    state=DispatchState(row.state),
                    intent_at=row.intent_at,
                    message_id=row.message_id,
                    approval=row.approval,
                )
            )
        return found

    def settle(self, settled: Sequence[tuple[DispatchId, DispatchState, str]]) -> None:
        """Write how attempts ended: (dispatch, state, detail)."""
        if settled:
            self._conn.execute(
                update(dispatches)
                .where(dispatches.c.id == bindparam("b_id"))
                .values(state=bindparam("b_state"), settled_at=self._now, detail=bindparam("b_detail")),
                [
                    {"b_id": n, "b_state": state.value, "b_detail": detail[:500]}
                    for n, state, detail in settled
                ],
            )

    # --- answers -----------------------------------------------------------------------------------

    def answer(self, given: Mapping[RequestId, Sequence[LineAnswer]], *, by: PersonId | None) -> None:
        """Note what providers said about lines of requests."""
        rows = [
            {
                "request": request,
                "number": one.number,
                "decision": one.decision.value,
                "reason": one.reason,
                "at": one.at or self._now,
                "noted_at": self._now,
                "by": by,
            }
            for request, lines in given.items()
            for one in lines
        ]
        if not rows:
            return
        self._conn.execute(insert(answers), rows)
        self._conn.execute(
            update(request_items)
            .where(
                request_items.c.request == bindparam("b_request"),
                request_items.c.number == bindparam("b_number"),
            )
            .values(decision=bindparam("b_decision"), decided_at=self._now),
            [
                {"b_request": row["request"], "b_number": row["number"], "b_decision": row["decision"]}
                for row in rows
            ],
        )

    def unanswered(self, ids: Collection[RequestId]) -> dict[RequestId, int]:
        """How many lines still wait for the provider's word, by request; 0 is left out."""
        rows = self._conn.execute(
            select(request_items.c.request, func.count().label("open"))
            .where(
                among(self._conn, request_items.c.request, ids),
                request_items.c.dropped_at.is_(None),
                and_(
                    request_items.c.decision.is_(None) | (request_items.c.decision == Decision.PENDING.value)
                ),
            )
            .group_by(request_items.c.request)
        )
        return {row.request: row.open for row in rows}

    # --- withdrawal --------------------------------------------------------------------------------

    def withdraw(self, withdrawal: Withdrawal, items: Collection[ItemId]) -> int:
        """Note that a request, or some of its items, was taken back."""
        number = new_ids(self._conn, withdrawals, 1)[0]
        self._conn.execute(
            insert(withdrawals).values(
                id=number,
                request=withdrawal.request,
                by=withdrawal.by,
                at=self._now,
                reason=withdrawal.reason,
                text=withdrawal.text,
                message_id=withdrawal.message_id,
            )
        )
        insert_new(self._conn, withdrawal_items, [{"withdrawal": number, "item": item} for item in items])
        return number

    def withdrawal(self, ids: Collection[int]) -> dict[int, Withdrawal]:
        """Withdrawals by id."""
        rows = self._conn.execute(select(withdrawals).where(among(self._conn, withdrawals.c.id, ids)))
        listed: dict[int, list[ItemId]] = {}
        for row in self._conn.execute(
            select(withdrawal_items).where(among(self._conn, withdrawal_items.c.withdrawal, ids))
        ):
            listed.setdefault(row.withdrawal, []).append(row.item)
        return {
            row.id: Withdrawal(
                request=row.request,
                by=row.by,
                reason=row.reason,
                text=row.text,
                message_id=row.message_id,
                items=tuple(sorted(listed.get(row.id, ()))),
                tried=row.tried_at is not None,
            )
            for row in rows
        }

    def withdrawal_tried(self, ids: Collection[int], *, told: bool) -> None:
        """Note that the provider was, or may have been, told."""
        values: dict[str, object] = {"tried_at": self._now}
        if told:
            values["told_at"] = self._now
        self._conn.execute(
            update(withdrawals).where(among(self._conn, withdrawals.c.id, ids)).values(**values)
        )


def _request(row: object) -> Request:
    get: Mapping[str, object] = row._mapping  # type: ignore[attr-defined]
    names = Request.__dataclass_fields__
    values = {name: get[name] for name in names if name in get}
    return Request(**{**values, "state": RequestState(get["state"])})  # type: ignore[arg-type]
