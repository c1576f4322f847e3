"""Every figure that the law wants reported each year: its row, its article, who counts it, and in what.

What is counted is written as it happens (`flow/count.py`); what is told in words is listed too, so that a report says
what it lacks. Rows of the house count what no article asks for but a public report should show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from staydown.core.errors import Invalid

_TCO = "Regulation (EU) 2021/784"
_DSA = "Regulation (EU) 2022/2065"


class CountedBy(StrEnum):
    """Whose report a figure stands in."""

    PROVIDER = "provider"
    AUTHORITY = "authority"
    STATE = "state"  #: what a Member State sends to the Commission
    FLAGGER = "flagger"
    HOUSE = "house"  #: no article asks for it


class Of(StrEnum):
    """What is counted."""

    ORDERS = "orders"
    ITEMS = "items"
    CASES = "cases"
    DECISIONS = "decisions"
    NOTICES = "notices"
    COMPLAINTS = "complaints"
    DISPUTES = "disputes"
    REQUESTS = "requests"
    WORDS = "words"  #: told in words, not counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of a transparency report."""

    id: str
    label: str
    source: str
    by: CountedBy
    of: Of
    part_of: str = ""  #: the row it is a part of
    timed: bool = False  #: the law asks how long it took, too


def _tco(article: str, by: CountedBy, *rows: tuple[str, str, Of, str, bool]) -> tuple[Figure, ...]:
    return tuple(
        Figure(id=row, label=label, source=f"{_TCO}, Art. {article}", by=by, of=of, part_of=part, timed=timed)
        for row, label, of, part, timed in rows
    )


def _dsa(article: str, by: CountedBy, *rows: tuple[str, str, Of, str, bool]) -> tuple[Figure, ...]:
    return tuple(
        Figure(id=row, label=label, source=f"{_DSA}, Art. {article}", by=by, of=of, part_of=part, timed=timed)
        for row, label, of, part, timed in rows
    )


_P, _A, _S, _F = CountedBy.PROVIDER, CountedBy.AUTHORITY, CountedBy.STATE, CountedBy.FLAGGER

FIGURES: tuple[Figure, ...] = (
    *_tco("7(3)(a)", _P, ("tco-7-a", "measures to identify and remove", Of.WORDS, "", False)),
    *_tco("7(3)(b)", _P, ("tco-7-b", "measures against material that comes back", Of.WORDS, "", False)),
    *_tco(
        "7(3)(c)", _P,
        ("tco-7-c-orders", "items removed or disabled after removal orders", Of.ITEMS, "", False),
        ("tco-7-c-measures", "items removed or disabled by specific measures", Of.ITEMS, "", False),
        ("tco-7-c-impossible", "orders not executed: force majeure or impossibility, Art. 3(7)", Of.ORDERS, "", False),
        ("tco-7-c-unclear", "orders not executed: manifest errors or too little information, Art. 3(8)", Of.ORDERS, "", False),
    ),
    *_tco(
        "7(3)(d)", _P,
        ("tco-7-d", "complaints of content providers", Of.COMPLAINTS, "", False),
        ("tco-7-d-upheld", "of them, complaints that were found right", Of.COMPLAINTS, "tco-7-d", False),
        ("tco-7-d-rejected", "of them, complaints that were rejected", Of.COMPLAINTS, "tco-7-d", False),
    ),
    *_tco(
        "7(3)(e)", _P,
        ("tco-7-e", "review proceedings brought by the provider", Of.CASES, "", False),
        ("tco-7-e-won", "of them, decided for the provider", Of.CASES, "tco-7-e", False),
    ),
    *_tco("7(3)(f)", _P, ("tco-7-f", "cases in which material had to be reinstated after review", Of.CASES, "", False)),
    *_tco("7(3)(g)", _P, ("tco-7-g", "cases in which material was reinstated after a complaint", Of.CASES, "", False)),
    *_tco(
        "8(1)(a)", _A,
        ("tco-8-a-issued", "removal orders issued", Of.ORDERS, "", False),
        ("tco-8-a-cross-border", "of them, orders to providers established elsewhere, Art. 4(1)", Of.ORDERS, "tco-8-a-issued", False),
        ("tco-8-a-scrutinised", "removal orders scrutinised, Art. 4", Of.ORDERS, "", False),
        ("tco-8-a-infringing", "of them, orders found to infringe", Of.ORDERS, "tco-8-a-scrutinised", False),
        ("tco-8-a-removed", "cases in which material was removed or disabled", Of.CASES, "tco-8-a-issued", False),
        ("tco-8-a-not-removed", "cases in which it was not", Of.CASES, "tco-8-a-issued", False),
        ("tco-8-a-impossible", "orders not executed under Art. 3(7)", Of.ORDERS, "tco-8-a-issued", False),
        ("tco-8-a-unclear", "orders not executed under Art. 3(8)", Of.ORDERS, "tco-8-a-issued", False),
        ("tco-8-a-withdrawn", "orders withdrawn by the authority", Of.ORDERS, "tco-8-a-issued", False),
    ),
    *_tco(
        "8(1)(b)", _A,
        ("tco-8-b-exposed", "decisions that a provider is exposed, Art. 5(4)", Of.DECISIONS, "", False),
        ("tco-8-b-further", "decisions that further measures are needed, Art. 5(6)", Of.DECISIONS, "", False),
        ("tco-8-b-reviewed", "decisions on requests for a review, Art. 5(7)", Of.DECISIONS, "", False),
    ),
    *_tco(
        "8(1)(c)", _A,
        ("tco-8-c-orders", "cases in which an order was subject to review", Of.CASES, "", False),
        ("tco-8-c-orders-annulled", "of them, cases in which it was annulled", Of.CASES, "tco-8-c-orders", False),
        ("tco-8-c-decisions", "cases in which a decision under Art. 5 was subject to review", Of.CASES, "", False),
    ),
    *_tco("8(1)(d)", _A, ("tco-8-d", "decisions that impose penalties", Of.DECISIONS, "", False)),
    *_tco(
        "21(1)", _S,
        ("tco-21-a-orders", "removal orders issued", Of.ORDERS, "", False),
        ("tco-21-a-items", "items removed or disabled after orders, and how fast", Of.ITEMS, "", True),
        ("tco-21-b-items", "items removed or disabled by specific measures, and how fast", Of.ITEMS, "", True),
        ("tco-21-c", "requests of authorities for preserved material", Of.REQUESTS, "", False),
        ("tco-21-d", "complaint procedures, and what providers did", Of.COMPLAINTS, "", False),
        ("tco-21-e", "reviews before authorities and courts", Of.CASES, "", False),
        ("tco-21-e-decided", "of them, decided", Of.CASES, "tco-21-e", False),
    ),
    *_dsa(
        "15(1)(a)", _P,
        ("dsa-15-a", "orders of Member States, and the time to give them effect", Of.ORDERS, "", True),
        ("dsa-15-a-receipt", "orders of which receipt was confirmed, and the time to do so", Of.ORDERS, "dsa-15-a", True),
    ),
    *_dsa(
        "15(1)(b)", _P,
        ("dsa-15-b", "notices, and the time to act on them", Of.NOTICES, "", True),
        ("dsa-15-b-flaggers", "of them, notices of trusted flaggers", Of.NOTICES, "dsa-15-b", False),
        ("dsa-15-b-law", "actions taken on the ground of law", Of.ITEMS, "", False),
        ("dsa-15-b-terms", "actions taken on the ground of terms and conditions", Of.ITEMS, "", False),
        ("dsa-15-b-automated", "notices processed by automated means alone", Of.NOTICES, "dsa-15-b", False),
    ),
    *_dsa("15(1)(c)", _P, ("dsa-15-c", "measures taken on the provider's own initiative", Of.ITEMS, "", False)),
    *_dsa(
        "15(1)(d)", _P,
        ("dsa-15-d", "complaints, and the time to decide", Of.COMPLAINTS, "", True),
        ("dsa-15-d-reversed", "of them, decisions that were reversed", Of.COMPLAINTS, "dsa-15-d", False),
    ),
    *_dsa("15(1)(e)", _P, ("dsa-15-e", "automated means, their purpose and accuracy", Of.WORDS, "", False)),
    *_dsa(
        "24(1)", _P,
        ("dsa-24-a", "disputes before out-of-court bodies, and the time they took", Of.DISPUTES, "", True),
        ("dsa-24-a-followed", "of them, decisions that the platform followed", Of.DISPUTES, "dsa-24-a", False),
        ("dsa-24-b-content", "suspensions for manifestly illegal content, Art. 23", Of.CASES, "", False),
        ("dsa-24-b-notices", "suspensions for manifestly unfounded notices, Art. 23", Of.CASES, "", False),
        ("dsa-24-b-complaints", "suspensions for manifestly unfounded complaints, Art. 23", Of.CASES, "", False),
    ),
    *_dsa(
        "22(3)", _F,
        ("dsa-22-notices", "notices submitted, by provider", Of.NOTICES, "", False),
        ("dsa-22-items", "items that they named", Of.ITEMS, "", False),
        ("dsa-22-acted", "items on which the provider acted, and how fast", Of.ITEMS, "dsa-22-items", True),
        ("dsa-22-refused", "items on which it did not", Of.ITEMS, "dsa-22-items", False),
        ("dsa-22-independence", "how independence from platforms is kept", Of.WORDS, "", False),
    ),
)  # fmt: skip

_REFERRALS = "Regulation (EU) 2021/784, recital 40"
HOUSE: tuple[Figure, ...] = tuple(
    Figure(id=row, label=label, source=_REFERRALS, by=CountedBy.HOUSE, of=of, part_of=part, timed=timed)
    for row, label, of, part, timed in (
        ("referrals", "referrals sent", Of.REQUESTS, "", False),
        ("referred-items", "items that they named", Of.ITEMS, "", False),
        (
            "referred-removed",
            "items that the provider says it removed, and how fast",
            Of.ITEMS,
            "referred-items",
            True,
        ),
        ("referred-restricted", "items that it restricted", Of.ITEMS, "referred-items", False),
        ("referred-refused", "items that it refused to remove", Of.ITEMS, "referred-items", False),
        ("withdrawn-items", "items withdrawn by us after they had been asked for", Of.ITEMS, "", False),
        (
            "reinstated-items",
            "items seen online again after a withdrawal",
            Of.ITEMS,
            "withdrawn-items",
            False,
        ),
        ("desk-referrals", "referrals that a provider received", Of.REQUESTS, "", False),
        ("desk-items", "items that they named", Of.ITEMS, "", False),
        ("desk-removed", "items that it removed, and how fast", Of.ITEMS, "desk-items", True),
        ("desk-restricted", "items that it restricted", Of.ITEMS, "desk-items", False),
        ("desk-refused", "items that it refused to remove", Of.ITEMS, "desk-items", False),
    )
)
ROWS: Mapping[str, Figure] = {one.id: one for one in (*FIGURES, *HOUSE)}
SMALL = 5
"""A count below this can point to single cases: public reports do not show it."""


def figure(row: str) -> Figure:
    """The figure of that name.

    Raises:
        Invalid: There is none, or it is told in words and cannot be counted.
    """
    found = ROWS.get(row)
    if found is None:
        raise Invalid(f"there is no row {row[:40]!r} in any report", hint="law/figures.py lists the rows.")
    return found


def figures_of(article: str) -> tuple[Figure, ...]:
    """The rows whose names begin so, such as `tco-8`; all where nothing is given.

    Raises:
        Invalid: No row begins so.
    """
    found = tuple(one for one in ROWS.values() if not article or f"{one.id}-".startswith(f"{article}-"))
    if not found:
        heads = sorted({"-".join(row.split("-")[:2]) for row in ROWS if row.split("-")[0] in {"tco", "dsa"}})
        raise Invalid(
            f"no row of a report begins with {article[:40]!r}", hint=f"Write one of: {', '.join(heads)}."
        )
    return found
