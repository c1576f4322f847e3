"""sample: when an approver need not look at every line, and at which the look may be left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from staydown.core.assessment import Verdict
from staydown.core.errors import Invalid, Refused
from staydown.core.request import Request
from staydown.ports.work import LineState, Work


def require(work: Work, request: Request, lines: Sequence[LineState], looked: Collection[int]) -> None:
    """Refuse a sample that does not stand for the rest.

    A look stands for another line only in a referral, where the media of both are byte for byte the same and a person of
    the agency has assessed the other line's own posting context; all the rest has to be looked at.

    Raises:
        Invalid: A number is of no line.
        Refused: A line was not looked at, and no look stands for it.

    Source: docs/decisions/0023.
    """
    there = {one.line.number: one.line.item for one in lines}
    if strange := sorted(set(looked) - set(there)):
        raise Invalid(f"{request.reference} has no line {strange[0]}")
    rest = [number for number in there if number not in set(looked)]
    if not rest:
        return
    if request.papers_digest:
        raise Refused(
            f"{request.reference} is looked at whole: a sample will not do for what stands on a form"
        )
    media = work.kept.same_bytes(list(there.values()))
    seen = frozenset[str]().union(*(media.get(there[number], frozenset()) for number in looked))
    assessed = work.assessments.open(list(there.values()))
    for number in rest:
        own, item = media.get(there[number], frozenset()), there[number]
        verdict, _ = assessed.get(item, {}).get(request.agency, (None, None))
        if not own or not own <= seen:
            raise Refused(
                f"line {number} of {request.reference} was not looked at, and its media are not those of a line that was",
                hint="Look at it too, or drop it from the request.",
            )
        if verdict is not Verdict.TERRORIST:
            raise Refused(f"nobody has assessed the posting context of line {number} of {request.reference}")
