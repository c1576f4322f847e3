"""The courier `api`: a provider's referral interface over HTTP, which can be asked about a reference.

Contract: POST to the contact point with `Idempotency-Key: REFERENCE` and a JSON object; what is drawn on a legal form
names it in `form` and brings its files in `enclosures` (name, media type, SHA-256 and base 64). 200 or 201 with
`reference` and `received_at` is a receipt. GET `{contact}/{reference}` tells what was decided, and 404 with
`{"known": false}` that the reference never arrived. POST `{contact}/{reference}/withdrawal` takes it back.

What is certain is said, everything else is `intended`: only an answer that refuses, or our own guard, means
that nothing arrived; after a timeout, a broken connection, a server error or nonsense nobody knows, and the
receiver is asked before anything is sent again.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from staydown.core.errors import Invalid
from staydown.core.request import NOT_BEGUN, Decision, DispatchState, LineAnswer, Parcel, Receipt
from staydown.core.time import parse
from staydown.ports import Ask, CourierTools, Fetch, Known, Knows, Reply, Trouble

WAIT = timedelta(seconds=30)
EXERCISE_WAIT = timedelta(seconds=5)
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_REASON_CHARS = 2000
NOT_FINAL = frozenset({408, 409, 425, 429})
"""Refusals under which the request may have been taken in, or will be when sent again."""


class Api:
    """Carries parcels to referral interfaces."""

    name = "api"
    can_be_asked = True
    takes = "weblink"

    def __init__(self, fetch: Fetch, wait: timedelta) -> None:
        self._fetch = fetch
        self._wait = wait

    def ask(self, parcels: Sequence[Parcel]) -> list[Known]:
        """Ask the receiver about each reference; of a withdrawal, whether it covers every line."""
        asks = [
            Ask(
                address=_below(parcel.contact_point, parcel.reference),
                follow=False,
                timeout=self._wait,
                max_bytes=MAX_ANSWER_BYTES,
            )
            for parcel in parcels
        ]
        replies = self._fetch.many(asks)
        return [_known(parcel, reply) for parcel, reply in zip(parcels, replies, strict=True)]

    def send(self, parcels: Sequence[Parcel]) -> list[Receipt]:
        """Deliver each; a parcel whose outcome nobody knows comes back as `intended`."""
        replies = self._fetch.many([self._post(parcel) for parcel in parcels])
        return [_receipt(parcel, reply) for parcel, reply in zip(parcels, replies, strict=True)]

    def _post(self, parcel: Parcel) -> Ask:
        content: dict[str, object] = {
            "reference": parcel.reference,
            "sender": parcel.sender,
            "addressee": parcel.addressee,
            "subject": parcel.subject,
            "text": parcel.text,
            "exercise": parcel.exercise,
            "items": [{"number": line.number, "address": line.address} for line in parcel.lines],
        }
        if parcel.form:
            content["form"] = parcel.form
        if parcel.enclosures:
            content["enclosures"] = [
                {
                    "name": one.name,
                    "media_type": one.media_type,
                    "sha256": hashlib.sha256(one.body).hexdigest(),
                    "content": base64.b64encode(one.body).decode(),
                }
                for one in parcel.enclosures
            ]
        address, key = parcel.contact_point, parcel.reference
        if parcel.withdrawal:
            address, key = _below(address, f"{parcel.reference}/withdrawal"), parcel.message_id
        return Ask(
            address=address,
            method="POST",
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Idempotency-Key": key,
            },
            body=json.dumps(content, ensure_ascii=True).encode(),
            follow=False,
            may_begin=parcel.may_begin,
            timeout=self._wait,
            max_bytes=MAX_ANSWER_BYTES,
        )


def build(tools: CourierTools) -> Api:
    """The courier, over the one way out."""
    return Api(tools.fetch, EXERCISE_WAIT if tools.exercise else WAIT)


def _below(contact_point: str, tail: str) -> str:
    return f"{contact_point.rstrip('/')}/{quote(tail, safe='/')}"


def _receipt(parcel: Parcel, reply: Reply) -> Receipt:
    if reply.trouble is Trouble.REFUSED:
        return Receipt(state=DispatchState.FAILED, detail=f"our own guard refused: {reply.detail}")
    if reply.trouble is Trouble.NOT_BEGUN:
        return NOT_BEGUN
    if reply.trouble is not None or reply.status is None:
        return Receipt(state=DispatchState.INTENDED, detail=f"{reply.trouble}: {reply.detail}")
    if 400 <= reply.status < 500 and reply.status not in NOT_FINAL:
        return Receipt(
            state=DispatchState.FAILED, detail=f"the provider refused it with status {reply.status}"
        )
    content = _content(reply)
    if reply.status not in {200, 201} or content is None or content.get("reference") != parcel.reference:
        return Receipt(state=DispatchState.INTENDED, detail=f"status {reply.status} without a receipt")
    at = _instant(content.get("received_at"))
    if at is None and not parcel.withdrawal:
        return Receipt(state=DispatchState.INTENDED, detail="a receipt without the time of arrival")
    return Receipt(state=DispatchState.RECEIVED, at=at, detail=f"receipt with status {reply.status}")


def _known(parcel: Parcel, reply: Reply) -> Known:
    content = _content(reply)
    if reply.status == 404 and content is not None and content.get("known") is False:
        return Known(knows=Knows.NO, detail="the provider does not know the reference")
    if reply.status != 200 or content is None or content.get("reference") != parcel.reference:
        detail = (
            f"{reply.trouble}: {reply.detail}"
            if reply.trouble
            else f"status {reply.status} without an answer"
        )
        return Known(knows=Knows.CANNOT_TELL, detail=detail)
    if parcel.withdrawal:
        return _known_withdrawal(parcel, content)
    at, answers = _instant(content.get("received_at")), _answers(parcel, content)
    if at is None or answers is None:
        return Known(knows=Knows.CANNOT_TELL, detail="an answer that cannot be read")
    return Known(knows=Knows.YES, received_at=at, answers=answers)


def _known_withdrawal(parcel: Parcel, content: Mapping[str, object]) -> Known:
    covered = content.get("withdrawn")
    if not isinstance(covered, list):
        return Known(knows=Knows.CANNOT_TELL, detail="the provider does not tell about withdrawals")
    is_whole = all(line.number in covered for line in parcel.lines)
    return Known(knows=Knows.YES if is_whole else Knows.NO)


def _answers(parcel: Parcel, content: Mapping[str, object]) -> tuple[LineAnswer, ...] | None:
    """What was decided about our lines; None where one of them cannot be read."""
    items = content.get("items")
    if not isinstance(items, list):
        return None
    mine = {line.number for line in parcel.lines}
    answers = []
    for item in items:
        if not isinstance(item, dict) or item.get("state") not in set(Decision):
            return None
        if item.get("number") in mine:
            answers.append(
                LineAnswer(
                    number=item["number"],
                    decision=Decision(item["state"]),
                    reason=str(item.get("reason") or "")[:MAX_REASON_CHARS],
                    at=_instant(item.get("at")),
                )
            )
    return tuple(answers)


def _content(reply: Reply) -> Mapping[str, object] | None:
    if reply.trouble is not None or reply.cut:
        return None
    try:
        content = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return parse(value)
    except (Invalid, OverflowError):
        return None
