"""Rules between the fields of a form, each with its article; forms name them in `form.toml`.

A rule is given the values that are right by themselves and yields sentences `key: what is wrong; what to do`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta

from staydown.law.statement import without_main_category
from staydown.law.states import EEA

Values = Mapping[str, object]
Rule = Callable[[Values], Iterator[str]]

SIX_WEEKS = timedelta(weeks=6)
TWELVE_HOURS = timedelta(hours=12)
TCO_APPLIES = date(2022, 6, 7)
_EVIDENCE_MAX = 64 * 1024


def instant(values: Values, key: str) -> datetime | None:
    """An instant of the form, where it is there."""
    value = values.get(key)
    return datetime.fromisoformat(value.upper()) if isinstance(value, str) else None


def _order(values: Values, early: str, late: str, why: str) -> Iterator[str]:
    first, second = instant(values, early), instant(values, late)
    if first and second and second < first:
        yield f"{late}: lies before {early}; {why}"


def cross_border(values: Values) -> Iterator[str]:
    """Section D says whether the provider is established in another state. Regulation (EU) 2021/784, Art. 4(1)."""
    issuing, home = values.get("a_issuing_ms"), values.get("a_establishment_ms")
    stated = values.get("d_cross_border", False)
    if home == "none" and stated is True:
        yield "d_cross_border: cannot be true where a_establishment_ms is none; no other state is concerned"
    if issuing is None or home not in EEA:
        return
    if stated is not (issuing != home):
        say = "differ" if issuing != home else "are the same"
        if "d_cross_border" in values or issuing == home:
            yield (
                f"d_cross_border: has to be {'true' if issuing != home else 'false'}, because a_issuing_ms ({issuing}) and"
                f" a_establishment_ms ({home}) {say}; correct whichever is wrong"
            )


def copy_sent(values: Values) -> Iterator[str]:
    """Across a border a copy goes to the other state's authority. Regulation (EU) 2021/784, Art. 4(1)."""
    if values.get("d_cross_border") is True and values.get("d_copy_sent") is False:
        yield "d_copy_sent: has to be true where d_cross_border is; the copy goes out together with the order"
    if values.get("d_copy_sent") is True and values.get("d_cross_border") is not True:
        yield "d_copy_sent: cannot be true where d_cross_border is not; a copy goes to another state alone"


def certified_that_day(values: Values) -> Iterator[str]:
    """The date beside the signature is the day of issuing. Regulation (EU) 2021/784, Art. 3(4)(e)."""
    issued, day = instant(values, "a_issued_at"), values.get("e_date")
    if issued and isinstance(day, str) and day != issued.date().isoformat():
        yield f"e_date: {day} is not the day of a_issued_at, {issued.date()}; make them agree"


def issued_since_it_applies(values: Values) -> Iterator[str]:
    """No order before the Regulation applied. Regulation (EU) 2021/784, Art. 24."""
    issued = instant(values, "a_issued_at") or instant(values, "issued_at")
    if issued and issued.date() < TCO_APPLIES:
        key = "a_issued_at" if "a_issued_at" in values else "issued_at"
        yield f"{key}: lies before {TCO_APPLIES}, from when the Regulation applies; check the year"


def acted_after_receipt(values: Values) -> Iterator[str]:
    """Nothing is done about an order before it arrives. Regulation (EU) 2021/784, Art. 3(6)."""
    yield from _order(
        values, "a_received_at", "b_acted_at", "an order cannot be carried out before it arrives"
    )


def feedback_after_action(values: Values) -> Iterator[str]:
    """The feedback is dated when the measure was taken or later. Regulation (EU) 2021/784, Art. 3(6)."""
    acted, day = instant(values, "b_acted_at"), values.get("c_date")
    if acted and isinstance(day, str) and date.fromisoformat(day) < acted.date() - timedelta(days=1):
        yield f"c_date: {day} lies before the measure of b_acted_at; check both"


def told_after_receipt(values: Values) -> Iterator[str]:
    """Annex III answers an order that has arrived. Regulation (EU) 2021/784, Art. 3(7)."""
    yield from _order(values, "a_received_at", "c_at", "the answer follows the order")


def twelve_hours_before(values: Values) -> Iterator[str]:
    """The first order comes at least twelve hours after the information. Regulation (EU) 2021/784, Art. 3(2)."""
    told, earliest = instant(values, "provided_at"), instant(values, "earliest_order_at")
    if told and earliest and earliest - told < TWELVE_HOURS:
        yield "earliest_order_at: has to lie at least 12 hours after provided_at; move it back or leave it out"


def another_state(values: Values) -> Iterator[str]:
    """A copy or notice goes to the authority of another state. Regulation (EU) 2021/784, Art. 4(1)."""
    if (state := values.get("recipient_ms")) and state == values.get("issuing_ms"):
        yield f"recipient_ms: is {state}, the issuing state itself; a copy goes to the state of establishment"


def copied_after_issuing(values: Values) -> Iterator[str]:
    """A copy exists only of an order that is issued. Regulation (EU) 2021/784, Art. 4(1)."""
    yield from _order(values, "issued_at", "sent_at", "a copy cannot be older than the order")


def asked_after_receipt(values: Values) -> Iterator[str]:
    """Scrutiny is asked for once the order, or the information, is there. Regulation (EU) 2021/784, Art. 4(4)."""
    yield from _order(
        values, "received_at", "requested_at", "the request follows the order or the information"
    )


def told_before_finding(values: Values) -> Iterator[str]:
    """The issuing authority hears of the intention first. Regulation (EU) 2021/784, Art. 4(5)."""
    yield from _order(
        values, "pre_notice_at", "decided_at", "the issuing authority is told before the decision"
    )


def silence_is_short(values: Values) -> Iterator[str]:
    """Non-disclosure ends after six weeks, extended once by six more. Regulation (EU) 2021/784, Art. 11(3)."""
    decided, ends = instant(values, "decided_at"), instant(values, "expires_at")
    before = instant(values, "extended_from") if values.get("extension") is True else None
    if decided and ends and ends <= decided:
        yield "expires_at: has to lie after decided_at"
    if values.get("extension") is True:
        if before and ends and ends - before > SIX_WEEKS:
            yield "expires_at: lies more than 6 weeks after extended_from; shorten it"
        if before and decided and decided > before:
            yield "extended_from: had lapsed when this was decided; a lapsed decision cannot be extended"
        if before and decided and before - decided > SIX_WEEKS:
            yield "extended_from: lies more than 6 weeks ahead; the first decision cannot have run so long"
    elif decided and ends and ends - decided > SIX_WEEKS:
        yield "expires_at: lies more than 6 weeks after decided_at; shorten it"


def withdrawn_after_issuing(values: Values) -> Iterator[str]:
    """What is withdrawn was issued before. Directive (EU) 2016/680, Art. 7(3)."""
    yield from _order(values, "issued_at", "withdrawn_at", "nothing is withdrawn before it is issued")


def final_after_issuing(values: Values) -> Iterator[str]:
    """An order becomes final after it was issued. Regulation (EU) 2021/784, Art. 3(9)."""
    issued, day = instant(values, "issued_at"), values.get("final_on")
    if issued and isinstance(day, str) and date.fromisoformat(day) < issued.date():
        yield f"final_on: {day} lies before issued_at; check both"


def told_after_awareness(values: Values) -> Iterator[str]:
    """A threat is reported after it is known. Regulation (EU) 2021/784, Art. 14(5)."""
    yield from _order(values, "aware_at", "informed_at", "nobody reports what is not yet known")


def answered_after_asking(values: Values) -> Iterator[str]:
    """A clarification follows the question. Regulation (EU) 2021/784, Art. 3(8)."""
    yield from _order(values, "asked_at", "answered_at", "the answer follows the question")


def evidence_is_no_material(values: Values) -> Iterator[str]:
    """Evidence of an abuse report is text about the material, under its own hash; never the material."""
    evidence = values.get("evidence")
    for at, one in enumerate(evidence if isinstance(evidence, list) else []):
        try:
            body = base64.b64decode(str(one["payload"]), validate=True)
        except (binascii.Error, ValueError):
            yield f"evidence[{at}].payload: is no base64; encode the text anew"
            continue
        named, _, digest = str(one.get("hash", "")).partition(":")
        if digest and hashlib.new(named, body, usedforsecurity=False).hexdigest() != digest.lower():
            yield f"evidence[{at}].hash: is not the hash of its payload; compute it anew"
        if "size" in one and one["size"] != len(body):
            yield f"evidence[{at}].size: is not the size of its payload, {len(body)} bytes"
        if len(body) > _EVIDENCE_MAX or b"\0" in body:
            yield f"evidence[{at}].payload: is not a short text; send hashes and references, never the material"


RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        cross_border, copy_sent, certified_that_day, issued_since_it_applies, acted_after_receipt, feedback_after_action,
        told_after_receipt, twelve_hours_before, another_state, copied_after_issuing, asked_after_receipt,
        told_before_finding, silence_is_short, withdrawn_after_issuing, final_after_issuing, told_after_awareness,
        answered_after_asking, evidence_is_no_material,
    )
}  # fmt: skip
"""Every rule by its name."""

SETTLES: Mapping[str, Callable[[dict[str, object]], None]] = {
    without_main_category.__name__: without_main_category
}
"""What is put in order without a word, by its name."""
