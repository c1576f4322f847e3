"""Webhooks: whom we tell of new entries of the ledger, and how far each was told."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, or_, select, update

from staydown.core.errors import NotFound
from staydown.core.ids import AgencyCode, PersonId, WebhookId
from staydown.ports.hooks import Webhook
from staydown.ports.work import WorkKind
from staydown.store.sets import among, for_update, insert_new
from staydown.store.tables import (
    holds,
    ledger_details,
    ledger_head,
    operation_agencies,
    persons,
    requests,
    returns,
    sightings,
    work,
)
from staydown.store.tables_house import webhooks
from staydown.store.walls import across

PRIORITY = 7


class Hooks:
    """Whom we tell."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now
        self.has_changed = False

    def add(
        self,
        agency: AgencyCode,
        *,
        by: PersonId,
        address: str,
        secret: bytes,
        tags: Collection[str],
        position: int,
    ) -> WebhookId:
        """Note whom to tell; `secret` is sealed."""
        done = self._conn.execute(
            insert(webhooks)
            .values(
                agency=agency,
                by=by,
                address=address,
                secret=secret,
                tags=" ".join(sorted(set(tags))),
                created_at=self._now,
                position=position,
            )
            .returning(webhooks.c.id)
        )
        self.has_changed = True
        return WebhookId(done.scalar_one())

    def turn(self) -> int:
        """Nobody writes entries from here to the commit; gives how many there are.

        Whoever strikes off work takes this first: so an entry written meanwhile finds either the row or its absence.
        """
        head = select(ledger_head.c.size)
        return int(self._conn.execute(for_update(self._conn, head)).scalar_one())

    def wake(self, ids: Sequence[WebhookId]) -> None:
        """Ask for news to be told, where that is not asked for already; one that waits after a failure goes on waiting."""
        rows = [
            {"kind": WorkKind.TELL.value, "subject": one, "due_at": self._now, "priority": PRIORITY}
            for one in ids
        ]
        insert_new(self._conn, work, rows)

    def listed(self, agency: AgencyCode) -> list[Webhook]:
        """An agency's, those that ended too."""
        rows = self._conn.execute(select(webhooks).where(webhooks.c.agency == agency).order_by(webhooks.c.id))
        return [_webhook(row) for row in rows]

    def one(self, agency: AgencyCode, number: WebhookId) -> Webhook:
        """One of an agency.

        Raises:
            NotFound: No such webhook, or not the own agency's.
        """
        row = self._conn.execute(
            select(webhooks).where(webhooks.c.id == number, webhooks.c.agency == agency)
        ).first()
        if row is None:
            raise NotFound("there is no such webhook")
        return _webhook(row)

    def open(self, ids: Collection[WebhookId]) -> list[Webhook]:
        """Those of them that have not ended."""
        rows = self._conn.execute(
            select(webhooks)
            .where(among(self._conn, webhooks.c.id, ids), webhooks.c.ended_at.is_(None))
            .order_by(webhooks.c.id)
        )
        return [_webhook(row) for row in rows]

    @across
    def all_open(self) -> list[WebhookId]:
        """All that have not ended."""
        found = self._conn.execute(
            select(webhooks.c.id).where(webhooks.c.ended_at.is_(None)).order_by(webhooks.c.id)
        )
        return [WebhookId(number) for number in found.scalars()]

    def told(self, number: WebhookId, *, position: int) -> None:
        """Note how far somebody was told."""
        self._change(number, position=position, failures=0, trouble="", told_at=self._now)

    def passed(self, number: WebhookId, *, position: int) -> None:
        """Note up to where there was nothing to tell."""
        self._change(number, position=position)

    def failed(self, number: WebhookId, *, failures: int, trouble: str) -> None:
        """Note that telling failed."""
        self._change(number, failures=failures, trouble=trouble[:500])

    def end(self, number: WebhookId) -> None:
        """Tell no more."""
        self._change(number, ended_at=self._now)

    def _change(self, number: WebhookId, **values: Any) -> None:
        is_open = (webhooks.c.id == number) & webhooks.c.ended_at.is_(None)
        self._conn.execute(update(webhooks).where(is_open).values(**values))

    def concerning(self, agency: AgencyCode, told: Iterable[tuple[int, str, str]]) -> frozenset[int]:
        """Those of the ledger's entries, each as number, tag and subject, that are the agency's matter."""
        listed = list(told)
        subjects = {subject for _, _, subject in listed}
        own, addressed = self._matters(agency, subjects, _MATTERS), self._matters(agency, subjects, _AT_DESK)
        heard: set[int] = set()
        doubtful: set[int] = set()
        for number, tag, subject in listed:
            done = tag.partition(":")[2]
            if subject in own and (not subject.startswith("item:") or done in OF_ALL):
                heard.add(number)
            elif subject in own and done in OF_ONE:
                doubtful.add(number)
            elif subject in addressed and done in OF_DESK:
                heard.add(number)
        return frozenset(heard | self._done_by(agency, doubtful))

    def _matters(
        self, agency: AgencyCode, subjects: Iterable[str], matters: Mapping[str, Matter]
    ) -> frozenset[str]:
        by_noun: dict[str, list[str]] = defaultdict(list)
        for subject in subjects:
            noun, _, name = subject.partition(":")
            by_noun[noun].append(name)
        found: set[str] = set()
        for noun, names in by_noun.items():
            if noun in matters:
                column, statement = matters[noun](agency)
                wanted: Sequence[Any] = (
                    names if noun == "operation" else [int(one) for one in names if one.isdecimal()]
                )
                rows = self._conn.execute(statement.where(among(self._conn, column, wanted)).distinct())
                found |= {f"{noun}:{name}" for name in rows.scalars()}
        return frozenset(found)

    def _done_by(self, agency: AgencyCode, numbers: Collection[int]) -> frozenset[int]:
        """Entries that tell, by their details, of what the agency did itself; of erased details nothing is told."""
        rows = self._conn.execute(
            select(ledger_details.c.n, ledger_details.c.detail).where(
                among(self._conn, ledger_details.c.n, sorted(numbers))
            )
        )
        details = {row.n: json.loads(bytes(row.detail)) for row in rows}
        people = {detail["by"] for detail in details.values() if detail.get("by")}
        known = self._conn.execute(
            select(persons.c.id).where(
                among(self._conn, persons.c.id, sorted(people)), persons.c.agency == agency
            )
        )
        own = frozenset(known.scalars())
        return frozenset(
            number
            for number, detail in details.items()
            if detail.get("agency") == agency or detail.get("by") in own
        )


Matter = Callable[[AgencyCode], tuple[Any, Select[Any]]]
OF_ALL = frozenset(
    {
        "evidence:kept",
        "gone:noted",
        "key:renewed",
        "match:suggested",
        "merge:made",
        "merge:undone",
        "merge:waited",
        "name:passed",
        "part:moved",
        "reinstatement:seen",
        "removal:verified",
        "return:seen",
        "sighting:confirmed",
        "target:found",
    }
)
"""What is told of an item to everybody who sighted it: what anybody could see."""
OF_ONE = frozenset({"assessment:made", "evidence:waived", "question:asked", "sighting:recorded"})
"""What is told of an item to the agency that did it, and to no other."""
OF_DESK = frozenset(
    {
        "answer:given-up",
        "answer:noted",
        "clock:judged",
        "clock:lapsed",
        "clock:restarted",
        "clock:started",
        "clock:suspended",
        "dispatch:sent",
        "withdrawal:made",
        "withdrawal:sent",
    }
)
"""What is told of a request to the provider it was sent to: nothing of how it came about."""


def _of_item(agency: AgencyCode) -> tuple[Any, Select[Any]]:
    return sightings.c.item, select(sightings.c.item).where(sightings.c.agency == agency)


def _of_request(agency: AgencyCode) -> tuple[Any, Select[Any]]:
    return requests.c.id, select(requests.c.id).where(requests.c.agency == agency)


def _of_desk(agency: AgencyCode) -> tuple[Any, Select[Any]]:
    desk = func.upper(func.replace(requests.c.provider, "_", "-"))
    sent = requests.c.sent_at.is_not(None)
    return requests.c.id, select(requests.c.id).where(sent, desk == agency)


def _of_hold(agency: AgencyCode) -> tuple[Any, Select[Any]]:
    return holds.c.id, select(holds.c.id).where(holds.c.agency == agency)


def _of_operation(agency: AgencyCode) -> tuple[Any, Select[Any]]:
    joined = select(operation_agencies.c.operation).where(operation_agencies.c.agency == agency)
    return operation_agencies.c.operation, joined


def _of_return(agency: AgencyCode) -> tuple[Any, Select[Any]]:
    own = select(sightings.c.item).where(sightings.c.agency == agency)
    return returns.c.id, select(returns.c.id).where(or_(returns.c.parent.in_(own), returns.c.child.in_(own)))


def _of_webhook(agency: AgencyCode) -> tuple[Any, Select[Any]]:
    return webhooks.c.id, select(webhooks.c.id).where(webhooks.c.agency == agency)


_MATTERS: Mapping[str, Matter] = {
    "item": _of_item,
    "request": _of_request,
    "hold": _of_hold,
    "operation": _of_operation,
    "return": _of_return,
    "webhook": _of_webhook,
}
"""Whose matter a subject of the ledger is, by its noun; what has no row here nobody is told of."""
_AT_DESK: Mapping[str, Matter] = {"request": _of_desk}
"""What is the matter of a provider's desk."""


def _webhook(row: Any) -> Webhook:
    return Webhook(
        id=WebhookId(row.id),
        agency=AgencyCode(row.agency),
        address=row.address,
        secret=bytes(row.secret),
        tags=frozenset(row.tags.split()),
        by=PersonId(row.by),
        created_at=row.created_at,
        position=row.position,
        failures=row.failures,
        trouble=row.trouble,
        told_at=row.told_at,
        ended_at=row.ended_at,
    )


__all__ = ["Hooks"]
