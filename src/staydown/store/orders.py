"""Orders, their papers, signatures and scrutinies in the store."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from staydown.core.errors import Invalid, Stale
from staydown.core.ids import AgencyCode, ApprovalId, ItemId, PersonId, RequestId
from staydown.core.order import Asker, Happened, Order, Paper, PaperName, Scrutiny, Signature
from staydown.core.states import OrderState, RequestState, ScrutinyState
from staydown.store.sets import among, for_update, new_ids
from staydown.store.tables import request_items, requests
from staydown.store.tables_orders import order_events, orders, papers, scrutinies, signatures
from staydown.store.walls import across

OVER = (OrderState.REVOKED, OrderState.CEASED, OrderState.REINSTATED, OrderState.DRAWN)
"""States in which an order stands in the way of no other one on the same matter."""


class Orders:
    """The law's side of requests."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def add(self, order: Order) -> None:
        """Note that a request is an order."""
        self._conn.execute(
            insert(orders).values(
                request=order.request,
                state=order.state.value,
                version=order.version,
                issuing_state=order.issuing_state,
                establishment_state=order.establishment_state,
                facts=_dumped(order.facts),
                secret_from=order.secret_from,
                secret_until=order.secret_until,
            )
        )

    def get(self, ids: Collection[RequestId], *, lock: bool = False) -> dict[RequestId, Order]:
        """Orders by request; requests that are none are left out."""
        statement = select(orders).where(among(self._conn, orders.c.request, ids)).order_by(orders.c.request)
        rows = self._conn.execute(for_update(self._conn, statement) if lock else statement)
        return {row.request: _order(row._mapping) for row in rows}

    def step(self, order: Order, state: OrderState, **changed: object) -> None:
        """Write another state, and other facts with it, if the order is still as it was read.

        Raises:
            Stale: Somebody changed it since.
        """
        if "facts" in changed:
            changed["facts"] = _dumped(changed["facts"])  # type: ignore[arg-type]
        touched = self._conn.execute(
            update(orders)
            .where(orders.c.request == order.request, orders.c.version == order.version)
            .values(state=state.value, version=order.version + 1, **changed)
        )
        if touched.rowcount != 1:
            raise Stale("the order was changed by somebody else")

    def happened(self, one: Happened) -> None:
        """Note one thing that happened."""
        self._conn.execute(
            insert(order_events).values(
                id=new_ids(self._conn, order_events, 1)[0],
                request=one.request,
                event=one.event,
                at=one.at,
                noted_at=self._now,
                by=one.by,
                form=one.form,
                facts=_dumped(one.facts),
            )
        )

    def history(self, request: RequestId) -> list[Happened]:
        """All that happened to an order, in order."""
        rows = self._conn.execute(
            select(order_events).where(order_events.c.request == request).order_by(order_events.c.id)
        )
        return [
            Happened(
                request=row.request,
                event=row.event,
                at=row.at,
                by=PersonId(row.by) if row.by else None,
                form=row.form,
                facts=json.loads(row.facts),
            )
            for row in rows
        ]

    def first_received(self, agency: AgencyCode, provider: str) -> datetime | None:
        """When a provider received the first removal order of an agency, by proof."""
        first: datetime | None = self._conn.execute(
            select(func.min(requests.c.received_at)).where(
                requests.c.agency == agency,
                requests.c.provider == provider,
                requests.c.instrument == "tco-annex-1",
                requests.c.binding,
            )
        ).scalar_one()
        return first

    @across
    def on_matter(self, items: Collection[ItemId]) -> dict[ItemId, list[RequestId]]:
        """Orders of whatever agency that have been issued for these items and were not taken back, by item."""
        rows = self._conn.execute(
            select(request_items.c.item, request_items.c.request)
            .join(requests, requests.c.id == request_items.c.request)
            .join(orders, orders.c.request == requests.c.id)
            .where(
                among(self._conn, request_items.c.item, items),
                request_items.c.dropped_at.is_(None),
                requests.c.state != RequestState.WITHDRAWN.value,
                orders.c.state.not_in([state.value for state in OVER]),
            )
            .order_by(request_items.c.request)
        )
        found: dict[ItemId, list[RequestId]] = {}
        for row in rows:
            found.setdefault(row.item, []).append(row.request)
        return found

    # --- signatures --------------------------------------------------------------------------------

    def sign(
        self, request: RequestId, approval: ApprovalId, *, by: PersonId, digest: str, reasons: str
    ) -> int:
        """Write a signature over what was approved; the schema refuses who proposed or approved it."""
        number = new_ids(self._conn, signatures, 1)[0]
        told = select(requests.c.proposed_by).where(requests.c.id == request).scalar_subquery()
        self._conn.execute(
            insert(signatures).values(
                id=number,
                request=request,
                approval=approval,
                proposed_by=told,
                approved_by=self._approver(approval),
                by=by,
                at=self._now,
                digest=digest,
                reasons=reasons,
            )
        )
        return number

    def _approver(self, approval: ApprovalId) -> str:
        from staydown.store.tables import approvals

        return str(self._conn.execute(select(approvals.c.by).where(approvals.c.id == approval)).scalar_one())

    def signature(self, request: RequestId) -> Signature | None:
        """The latest signature of an order."""
        row = self._conn.execute(
            select(signatures)
            .where(signatures.c.request == request)
            .order_by(signatures.c.id.desc())
            .limit(1)
        ).first()
        if row is None:
            return None
        return Signature(
            id=row.id,
            request=row.request,
            by=PersonId(row.by),
            at=row.at,
            digest=row.digest,
            reasons=row.reasons,
        )

    @across
    def final_since(self, provider: str, since: datetime) -> int:
        """How many orders to a provider became final since an instant, of whatever agency (Art. 5(4))."""
        statement = (
            select(func.count())
            .select_from(orders.join(requests, requests.c.id == orders.c.request))
            .where(
                requests.c.provider == provider,
                requests.c.instrument == "tco-annex-1",
                orders.c.state == OrderState.FINAL.value,
                orders.c.final_at >= since,
            )
        )
        return int(self._conn.execute(statement).scalar_one())

    # --- scrutiny ------------------------------------------------------------------------------------

    def ask_scrutiny(self, one: Scrutiny) -> int:
        """Note a request for scrutiny, or that the authority began one.

        Raises:
            Invalid: That party has asked already.
        """
        number = new_ids(self._conn, scrutinies, 1)[0]
        try:
            with self._conn.begin_nested():
                self._conn.execute(
                    insert(scrutinies).values(
                        id=number,
                        request=one.request,
                        asked_by=one.asked_by.value,
                        party=one.party,
                        asked_at=one.asked_at,
                        reasons=one.reasons,
                        state=one.state.value,
                    )
                )
        except IntegrityError as error:
            raise Invalid(f"{one.party} has asked for scrutiny already") from error
        return number

    def scrutinies(self, request: RequestId) -> list[Scrutiny]:
        """All scrutinies of an order."""
        rows = self._conn.execute(
            select(scrutinies).where(scrutinies.c.request == request).order_by(scrutinies.c.id)
        )
        return [
            Scrutiny(
                id=row.id,
                request=row.request,
                asked_by=Asker(row.asked_by),
                party=row.party,
                asked_at=row.asked_at,
                reasons=row.reasons,
                state=ScrutinyState(row.state),
                noticed_at=row.noticed_at,
                decided_at=row.decided_at,
                decision=row.decision,
            )
            for row in rows
        ]

    def step_scrutiny(self, one: Scrutiny, state: ScrutinyState, *, at: datetime, text: str) -> None:
        """Write a scrutiny's next state."""
        when = "noticed_at" if state is ScrutinyState.NOTICED else "decided_at"
        changed: dict[str, object] = {"state": state.value, when: at, "decision": text}
        touched = self._conn.execute(
            update(scrutinies)
            .where(scrutinies.c.id == one.id, scrutinies.c.state == one.state.value)
            .values(**changed)
        )
        if touched.rowcount != 1:
            raise Stale("the scrutiny was changed by somebody else")


class Papers:
    """Renditions of forms."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def add(self, request: RequestId, papers_: Sequence[Paper]) -> None:
        """Keep renditions; a signed one takes the place of one that was signed before."""
        if any(one.name is PaperName.SIGNED for one in papers_):
            signed = (papers.c.request == request) & (papers.c.name == PaperName.SIGNED.value)
            self._conn.execute(delete(papers).where(signed))
        self._conn.execute(
            insert(papers),
            [
                {
                    "request": request,
                    "name": one.name.value,
                    "media_type": one.media_type,
                    "sha256": one.sha256,
                    "body": one.body,
                }
                for one in papers_
            ],
        )

    def of(self, ids: Collection[RequestId]) -> dict[RequestId, list[Paper]]:
        """All renditions, by request."""
        rows = self._conn.execute(
            select(papers)
            .where(among(self._conn, papers.c.request, ids))
            .order_by(papers.c.request, papers.c.name)
        )
        found: dict[RequestId, list[Paper]] = {}
        for row in rows:
            found.setdefault(row.request, []).append(
                Paper(name=PaperName(row.name), media_type=row.media_type, body=bytes(row.body))
            )
        return found

    def one(self, request: RequestId, name: PaperName) -> Paper | None:
        """One rendition."""
        row = self._conn.execute(
            select(papers).where(papers.c.request == request, papers.c.name == name.value)
        ).first()
        if row is None:
            return None
        return Paper(name=name, media_type=row.media_type, body=bytes(row.body))


def _dumped(facts: Mapping[str, object]) -> str:
    return json.dumps(facts, ensure_ascii=False, sort_keys=True)


def _order(row: RowMapping) -> Order:
    names = Order.__dataclass_fields__
    values = {name: row[name] for name in names if name in row}
    return Order(**{**values, "state": OrderState(row["state"]), "facts": json.loads(str(row["facts"]))})
