"""statements: what a provider did about a request, as statements of reasons for the DSA Transparency Database.

Filled from the record; the provider says the ground. No address, name or account goes into a statement.

Source: Regulation (EU) 2022/2065, Art. 17 and 24(5); the data base's own rules stand in `law/statement.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from staydown.core.errors import Invalid, Refused
from staydown.core.ids import ItemId, RequestId
from staydown.core.item import Item, ItemKind
from staydown.core.people import Person, desk_of
from staydown.core.request import Decision, Request
from staydown.core.rights import Relation, Verb
from staydown.flow import standing
from staydown.law.matter import NATIONAL_ORDER, NOTICE, REFERRAL, TCO_ORDER
from staydown.law.states import EEA
from staydown.ports.tools import Tools
from staydown.ports.work import LineState, Work

FORM = "dsa-statement"
CONTENT: Mapping[ItemKind, str] = {
    ItemKind.POST: "CONTENT_TYPE_TEXT",
    ItemKind.PAGE: "CONTENT_TYPE_TEXT",
    ItemKind.VIDEO: "CONTENT_TYPE_VIDEO",
    ItemKind.APP: "CONTENT_TYPE_APP",
}
"""What the data base calls a kind of item; the others are OTHER, with our word for them."""
ACCOUNTS = frozenset({ItemKind.ACCOUNT, ItemKind.CHANNEL, ItemKind.GROUP, ItemKind.BOT})
NO_PERSON = {
    REFERRAL: "A referral of a public authority named the item; the service's own staff looked at it.",
    NOTICE: "A notice named the item; the service's own staff looked at it.",
    TCO_ORDER: "An order of a competent authority named the item.",
}
"""The facts and circumstances, without anything that tells who it was about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of reasons."""

    number: int  #: of the request's line
    values: Mapping[str, object]


def statements(
    tools: Tools,
    work: Work,
    person: Person,
    number: RequestId,
    *,
    given: Mapping[str, object],
    is_small: bool = False,
    orders_too: bool = False,
) -> list[Statement]:
    """One statement for each line that the provider removed or restricted.

    Args:
        given: What the provider says: ground and explanation, and whatever else of the form it knows better.
        is_small: The provider is a micro or small enterprise.
        orders_too: Whether removal orders are reported; a question for counsel, so it is said each time.

    Raises:
        NotEntitled: The person is neither of that provider nor of the agency that asked.
        Refused: The provider owes none: it is micro or small, or it was ordered (Art. 17(5), 19(1)).
        Invalid: A statement breaks a rule of the data base; names line and field.
    """
    request = work.requests.one(number)
    if person.agency == desk_of(request.provider):
        person.require(Verb.ANSWER, Relation.ADDRESSED)
    else:
        person.require(Verb.ANSWER, within=request.agency)
    _owed(request, is_small=is_small, orders_too=orders_too)
    lines = [one for one in work.requests.lines([number])[number] if not one.dropped]
    items = {one.id: one for one in work.items.get([one.line.item for one in lines])}
    flagger = standing.is_flagger(work, request)
    made = list(_made(request, lines, items, given, flagger=flagger))
    for one in made:
        told = tools.paper.check(FORM, one.values)
        if not told.complete:
            lacks = "; ".join(filter(None, (", ".join(told.missing), *told.errors)))
            raise Invalid(f"line {one.number}: {lacks}"[:2000], hint="Give these fields with --values.")
    return made


def _owed(request: Request, *, is_small: bool, orders_too: bool) -> None:
    if is_small:
        raise Refused(
            "micro and small enterprises send no statements (Regulation (EU) 2022/2065, Art. 19(1))"
        )
    if request.instrument == NATIONAL_ORDER:
        raise Refused(
            "what was ordered under Art. 9 takes no statement (Regulation (EU) 2022/2065, Art. 17(5))"
        )
    if request.instrument == TCO_ORDER and not orders_too:
        raise Refused(
            "whether a removal order is reported is a question for counsel",
            hint="Where yours says so: --orders-too.",
        )


def _made(
    request: Request,
    lines: list[LineState],
    items: Mapping[ItemId, Item],
    given: Mapping[str, object],
    *,
    flagger: bool,
) -> Iterator[Statement]:
    for one in lines:
        if one.decision in {Decision.REMOVED, Decision.RESTRICTED}:
            values = _known(request, one, items[one.line.item], flagger=flagger)
            ground = given.get("decision_ground", values["decision_ground"])
            yield Statement(number=one.line.number, values={**values, **_grounded(str(ground)), **given})


def _known(request: Request, one: LineState, item: Item, *, flagger: bool) -> dict[str, object]:
    source = {REFERRAL: "SOURCE_TYPE_OTHER_NOTIFICATION", TCO_ORDER: "SOURCE_TYPE_OTHER_NOTIFICATION"}
    notice = "SOURCE_TRUSTED_FLAGGER" if flagger else "SOURCE_ARTICLE_16"
    day = (request.received_at or request.sent_at or request.proposed_at).date().isoformat()
    illegal = request.instrument != REFERRAL
    removed = one.decision is Decision.REMOVED
    kind = CONTENT.get(item.kind)
    values: dict[str, object] = {
        "form": FORM,
        "puid": f"{request.reference}-{one.line.number}",
        "decision_ground": f"DECISION_GROUND_{'ILLEGAL' if illegal else 'INCOMPATIBLE'}_CONTENT",
        "content_type": [kind or "CONTENT_TYPE_OTHER"],
        "category": "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY",
        "category_specification": ["KEYWORD_TERRORIST_CONTENT"],
        "territorial_scope": list(EEA),
        "content_date": day,
        "application_date": day,
        "decision_facts": NO_PERSON.get(request.instrument, NO_PERSON[NOTICE]),
        "source_type": source.get(request.instrument, notice),
        "automated_detection": "No",
        "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
    }
    if kind is None:
        values["content_type_other"] = item.kind.value
    if item.kind in ACCOUNTS and removed:
        values["decision_account"] = "DECISION_ACCOUNT_TERMINATED"
    else:
        seen = "REMOVED" if removed else "DISABLED"
        values["decision_visibility"] = [f"DECISION_VISIBILITY_CONTENT_{seen}"]
    return values


def _grounded(ground: str) -> dict[str, object]:
    """A ground in words where the provider gives none: the law's own for illegal content."""
    if ground == "DECISION_GROUND_ILLEGAL_CONTENT":
        return {
            "illegal_content_legal_ground": "Directive (EU) 2017/541; Regulation (EU) 2021/784, Art. 2(7)"
        }
    return {}
