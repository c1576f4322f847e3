"""note: what happened about a provider outside this program and has to be reported: decisions, penalties, complaints,
reviews. Each is one entry of the ledger, and counts in the year in which it happened.

What an order carries is counted by its own steps and is not noted here once more.

Source: Regulation (EU) 2021/784, Art. 5, 7(3), 8(1), 18 and 21(1); Regulation (EU) 2022/2065, Art. 15(1)(d) and 20.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from staydown.core.errors import Invalid, NotEntitled
from staydown.core.ids import AgencyCode
from staydown.core.people import Person, desk_of
from staydown.core.rights import Relation, Verb
from staydown.core.text import clean
from staydown.core.time import iso
from staydown.flow.desk import TIME
from staydown.ports.clocks import NewCount
from staydown.ports.tools import Tools
from staydown.ports.work import Work

TEXT = 20_000
"""How much of a reason is kept."""


class Kind(StrEnum):
    """What is noted about a provider."""

    EXPOSURE = "exposure"  #: a decision under Art. 5 of the authority
    PENALTY = "penalty"  #: a decision that imposes one, Art. 18
    COMPLAINT = "complaint"  #: of a content provider, Art. 10, or of a recipient, Art. 20 of the DSA
    REVIEW = "review"  #: proceedings before an authority or a court about something else than an order in this store


class What(StrEnum):
    """What happened."""

    EXPOSED = "exposed"  #: it was found to be exposed, Art. 5(4)
    FURTHER = "further"  #: further measures are needed, Art. 5(6)
    REVIEWED = "reviewed"  #: its request for a review was decided, Art. 5(7)
    IMPOSED = "imposed"  #: a penalty was imposed
    BROUGHT = "brought"  #: it began
    UPHELD = "upheld"  #: it was decided for whoever brought it
    REJECTED = "rejected"  #: it was decided against whoever brought it


class Under(StrEnum):
    """Which act it is about."""

    TCO = "tco"  #: Regulation (EU) 2021/784
    DSA = "dsa"  #: Regulation (EU) 2022/2065


Rows = Mapping[tuple[Kind, What, Under], tuple[str, ...]]
_K, _W, _U = Kind, What, Under
AUTHORITY: Rows = {
    (_K.EXPOSURE, _W.EXPOSED, _U.TCO): ("tco-8-b-exposed",),
    (_K.EXPOSURE, _W.FURTHER, _U.TCO): ("tco-8-b-further",),
    (_K.EXPOSURE, _W.REVIEWED, _U.TCO): ("tco-8-b-reviewed",),
    (_K.PENALTY, _W.IMPOSED, _U.TCO): ("tco-8-d",),
    (_K.COMPLAINT, _W.BROUGHT, _U.TCO): ("tco-21-d",),
    (_K.COMPLAINT, _W.UPHELD, _U.TCO): (),
    (_K.COMPLAINT, _W.REJECTED, _U.TCO): (),
    (_K.REVIEW, _W.BROUGHT, _U.TCO): ("tco-8-c-decisions", "tco-21-e"),
    (_K.REVIEW, _W.UPHELD, _U.TCO): ("tco-21-e-decided",),
    (_K.REVIEW, _W.REJECTED, _U.TCO): ("tco-21-e-decided",),
}
"""What an authority may note, and the rows of its reports that count it."""
PROVIDER: Rows = {
    (_K.COMPLAINT, _W.BROUGHT, _U.TCO): ("tco-7-d",),
    (_K.COMPLAINT, _W.UPHELD, _U.TCO): ("tco-7-d-upheld", "tco-7-g"),
    (_K.COMPLAINT, _W.REJECTED, _U.TCO): ("tco-7-d-rejected",),
    (_K.COMPLAINT, _W.BROUGHT, _U.DSA): ("dsa-15-d",),
    (_K.COMPLAINT, _W.UPHELD, _U.DSA): ("dsa-15-d-reversed",),
    (_K.COMPLAINT, _W.REJECTED, _U.DSA): (),
    (_K.REVIEW, _W.BROUGHT, _U.TCO): ("tco-7-e",),
    (_K.REVIEW, _W.UPHELD, _U.TCO): ("tco-7-e-won",),
    (_K.REVIEW, _W.REJECTED, _U.TCO): (),
}
"""What a provider's own desk may note, and the rows of its reports that count it."""
FIRST: Mapping[Kind, What] = {
    Kind.EXPOSURE: What.EXPOSED,
    Kind.PENALTY: What.IMPOSED,
    Kind.COMPLAINT: What.BROUGHT,
    Kind.REVIEW: What.BROUGHT,
}
"""What is meant where nobody says it."""
TIMED: Mapping[tuple[Kind, Under], str] = {(Kind.COMPLAINT, Under.DSA): f"dsa-15-d{TIME}"}
"""Where the law asks how long it took to decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What was noted."""

    agency: AgencyCode
    provider: str
    kind: Kind
    what: What
    at: datetime
    rows: tuple[str, ...]  #: that count it


def note(
    tools: Tools,
    work: Work,
    person: Person,
    provider: str,
    kind: Kind,
    *,
    reason: str,
    what: What | None = None,
    under: Under = Under.TCO,
    at: datetime | None = None,
    since: datetime | None = None,
) -> Noted:
    """Note something about a provider; an authority's word counts for its report, the provider's for its own.

    Args:
        what: None: that it began, or was decided.
        at: When it happened; None: now.
        since: When what is decided now had begun, where the law asks how long it took.

    Raises:
        NotEntitled: The person may not note this, or it is not of that side.
        NotFound: There is no such provider.
        Invalid: No reason, an instant in the future or out of order, or words that do not go together.
    """
    room = tools.catalogue.room(provider)
    own = person.agency == desk_of(room.name)
    person.require(Verb.NOTE_ORDER, Relation.ADDRESSED if own else Relation.OWN)
    chosen, rows = _rows(kind, what, under, own=own)
    happened = at or work.now
    if not reason.strip():
        raise Invalid("a note needs its reason", hint="Say who decided what, and its file number.")
    if happened > work.now:
        raise Invalid(f"it lies in the future: {iso(happened)}")
    new = [_count(person, room.name, row, happened) for row in rows]
    if since is not None:
        new.append(_timed(person, room.name, kind, chosen, under, since=since, at=happened))
    work.counted.add(new)
    detail = {
        "agency": person.agency,
        "at": iso(happened),
        "by": person.id,
        "reason": clean(reason)[:TEXT],
        "under": under.value,
        "what": chosen.value,
    }
    work.ledger.append(TAG[kind], f"provider:{room.name}", detail)
    return Noted(
        agency=person.agency, provider=room.name, kind=kind, what=chosen, at=happened, rows=tuple(rows)
    )


TAG: Mapping[Kind, str] = {
    Kind.EXPOSURE: "provider:exposure:decided",
    Kind.PENALTY: "provider:penalty:noted",
    Kind.COMPLAINT: "provider:complaint:noted",
    Kind.REVIEW: "provider:review:noted",
}
"""The tag of its entry."""


def _rows(kind: Kind, what: What | None, under: Under, *, own: bool) -> tuple[What, tuple[str, ...]]:
    """What happened, and the rows that count it.

    Raises:
        NotEntitled: Only the other side notes this.
        Invalid: The words do not go together.
    """
    chosen = what or FIRST[kind]
    mine, theirs = (PROVIDER, AUTHORITY) if own else (AUTHORITY, PROVIDER)
    key = (kind, chosen, under)
    if key in mine:
        return chosen, mine[key]
    if key in theirs:
        side = "an authority" if own else "the provider's own desk"
        raise NotEntitled(f"{kind.value} {chosen.value} ({under.value}) is noted by {side}")
    fits = sorted({one.value for k, one, act in mine if k is kind and act is under})
    raise Invalid(
        f"{kind.value} ({under.value}) cannot be {chosen.value}",
        hint=f"Say {', '.join(fits)}." if fits else "Under the TCO: leave --under out.",
    )


def _count(person: Person, provider: str, row: str, at: datetime, seconds: float | None = None) -> NewCount:
    return NewCount(row=row, agency=person.agency, provider=provider, at=at, seconds=seconds)


def _timed(
    person: Person, provider: str, kind: Kind, what: What, under: Under, *, since: datetime, at: datetime
) -> NewCount:
    row = TIMED.get((kind, under))
    if row is None or what is FIRST[kind]:
        raise Invalid(
            "nobody asks how long this took",
            hint="--since goes with a complaint under the DSA that was decided.",
        )
    if since > at:
        raise Invalid(f"it was decided at {iso(at)}, before it began at {iso(since)}")
    return _count(person, provider, row, at, (at - since).total_seconds())


__all__ = ["AUTHORITY", "FIRST", "PROVIDER", "Kind", "Noted", "Under", "What", "note"]
