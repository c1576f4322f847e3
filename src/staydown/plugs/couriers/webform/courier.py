"""The courier `webform`: a provider's report form, which shows the status of a reference.

Contract: a form-encoded POST of `reference`, `sender`, `message` and `addresses` (one a line, number, blank,
address) to the contact point; a page with `data-reference` and `data-received-at` confirms it. GET
`{contact}?reference=...` shows a table whose rows carry `data-number`, `data-state`, `data-reason` and
`data-at`, or, under 404, an element with `data-known="no"`.

Such forms do not notice repeats: what was sent twice was taken in twice. So everything that is not a clear
refusal is `intended`, and the status is asked for before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from selectolax.lexbor import LexborHTMLParser, LexborNode

from staydown.core.errors import Invalid
from staydown.core.request import NOT_BEGUN, Decision, DispatchState, LineAnswer, Parcel, Receipt
from staydown.core.time import parse
from staydown.ports import Ask, CourierTools, Fetch, Known, Knows, Reply, Trouble

WAIT = timedelta(seconds=30)
EXERCISE_WAIT = timedelta(seconds=5)
MAX_PAGE_BYTES = 8 * 1024 * 1024
MAX_REASON_CHARS = 2000
NOT_FINAL = frozenset({408, 409, 425, 429})
"""Refusals under which the form may have been taken in, or will be when sent again."""


class WebForm:
    """Fills in report forms."""

    name = "webform"
    can_be_asked = True
    carries_files = False
    takes = "weblink"

    def __init__(self, fetch: Fetch, wait: timedelta) -> None:
        self._fetch = fetch
        self._wait = wait

    def ask(self, parcels: Sequence[Parcel]) -> list[Known]:
        """Look the status of each reference up; of a withdrawal, whether it covers every line."""
        asks = [
            Ask(address=_status_page(parcel), follow=False, timeout=self._wait, max_bytes=MAX_PAGE_BYTES)
            for parcel in parcels
        ]
        replies = self._fetch.many(asks)
        return [_known(parcel, reply) for parcel, reply in zip(parcels, replies, strict=True)]

    def send(self, parcels: Sequence[Parcel]) -> list[Receipt]:
        """Deliver each; a parcel whose outcome nobody knows comes back as `intended`."""
        replies = self._fetch.many([self._post(parcel) for parcel in parcels])
        return [_receipt(parcel, reply) for parcel, reply in zip(parcels, replies, strict=True)]

    def _post(self, parcel: Parcel) -> Ask:
        fields = {
            "reference": parcel.reference,
            "sender": parcel.sender,
            "message": f"{parcel.subject}\n\n{parcel.text}",
            "addresses": "".join(f"{line.number} {line.address}\n" for line in parcel.lines),
        }
        if parcel.withdrawal:
            fields["withdrawal"] = "yes"
        return Ask(
            address=parcel.contact_point,
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
            body=urlencode(fields).encode(),
            follow=False,
            may_begin=parcel.may_begin,
            timeout=self._wait,
            max_bytes=MAX_PAGE_BYTES,
        )


def build(tools: CourierTools) -> WebForm:
    """The courier, over the one way out."""
    return WebForm(tools.fetch, EXERCISE_WAIT if tools.exercise else WAIT)


def _status_page(parcel: Parcel) -> str:
    joint = "&" if "?" in parcel.contact_point else "?"
    return f"{parcel.contact_point}{joint}reference={quote(parcel.reference, safe='')}"


def _receipt(parcel: Parcel, reply: Reply) -> Receipt:
    if reply.trouble is Trouble.REFUSED:
        return Receipt(state=DispatchState.FAILED, detail=f"our own guard refused: {reply.detail}")
    if reply.trouble is Trouble.NOT_BEGUN:
        return NOT_BEGUN
    if reply.trouble is not None or reply.status is None:
        return Receipt(state=DispatchState.INTENDED, detail=f"{reply.trouble}: {reply.detail}")
    if 400 <= reply.status < 500 and reply.status not in NOT_FINAL:
        return Receipt(state=DispatchState.FAILED, detail=f"the form refused it with status {reply.status}")
    found = _marked(reply, parcel) if reply.status == 200 else None
    if found is None:
        return Receipt(state=DispatchState.INTENDED, detail=f"status {reply.status} without a confirmation")
    at = _instant(_attribute(found, "data-received-at"))
    if at is None and not parcel.withdrawal:
        return Receipt(state=DispatchState.INTENDED, detail="a confirmation without the time of arrival")
    return Receipt(state=DispatchState.RECEIVED, at=at, detail="the form confirmed it")


def _known(parcel: Parcel, reply: Reply) -> Known:
    if reply.trouble is not None or reply.cut:
        return Known(knows=Knows.CANNOT_TELL, detail=f"{reply.trouble or 'cut off'}: {reply.detail}")
    if reply.status == 404 and _page(reply).css_first('[data-known="no"]') is not None:
        return Known(knows=Knows.NO, detail="the form does not know the reference")
    found = _marked(reply, parcel) if reply.status == 200 else None
    at = _instant(_attribute(found, "data-received-at")) if found is not None else None
    if found is None or at is None:
        return Known(knows=Knows.CANNOT_TELL, detail=f"status {reply.status} without a status table")
    if parcel.withdrawal:
        covered = set(_attribute(found, "data-withdrawn").split())
        is_whole = all(str(line.number) in covered for line in parcel.lines)
        return Known(knows=Knows.YES if is_whole else Knows.NO)
    answers = _answers(parcel, found)
    if answers is None:
        return Known(knows=Knows.CANNOT_TELL, detail="a row that cannot be read")
    return Known(knows=Knows.YES, received_at=at, answers=answers)


def _answers(parcel: Parcel, table: LexborNode) -> tuple[LineAnswer, ...] | None:
    """What was decided about our lines; None where a row cannot be read."""
    mine = {str(line.number): line.number for line in parcel.lines}
    answers = []
    for row in table.css("[data-number]"):
        state = _attribute(row, "data-state")
        if state not in set(Decision):
            return None
        if (number := mine.get(_attribute(row, "data-number"))) is not None:
            answers.append(
                LineAnswer(
                    number=number,
                    decision=Decision(state),
                    reason=_attribute(row, "data-reason")[:MAX_REASON_CHARS],
                    at=_instant(_attribute(row, "data-at")),
                )
            )
    return tuple(answers)


def _page(reply: Reply) -> LexborHTMLParser:
    return LexborHTMLParser(reply.body.decode("utf-8", "replace"))


def _marked(reply: Reply, parcel: Parcel) -> LexborNode | None:
    """The element that names our reference."""
    if reply.cut:
        return None
    marked = _page(reply).css("[data-reference]")
    return next((node for node in marked if _attribute(node, "data-reference") == parcel.reference), None)


def _attribute(node: LexborNode, name: str) -> str:
    return node.attributes.get(name) or ""


def _instant(text: str) -> datetime | None:
    try:
        return parse(text)
    except (Invalid, OverflowError):
        return None
