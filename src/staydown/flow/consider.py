"""consider: all that the second and the third person have to see before they say yes or no."""

from __future__ import annotations

from dataclasses import dataclass

from staydown.core.errors import NotFound
from staydown.core.ids import RequestId
from staydown.core.order import Letter, PaperName
from staydown.core.request import Request
from staydown.core.states import RequestState
from staydown.flow import approve, letters, standing
from staydown.law.footing import stops
from staydown.law.matter import TCO_ORDER, Finding
from staydown.law.periods import Period
from staydown.ports.tools import Tools
from staydown.ports.work import LineState, Work

DRAFT = "DRAFT, NOT AN ORDER\n\n"
"""Stands above every text that is shown before all persons have acted."""


def is_draft(request: Request) -> bool:
    """Whether everything that is shown of it says DRAFT, NOT AN ORDER: all persons it takes have not acted."""
    return request.state is not RequestState.APPROVED and request.sent_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it has to be looked at."""

    request: Request
    lines: tuple[LineState, ...]
    digest: str  #: what consent and signature bind
    papers: tuple[tuple[str, str], ...]  #: name and SHA-256 of every rendition
    missing: tuple[str, ...]
    errors: tuple[str, ...]
    findings: tuple[Finding, ...]
    stopped: bool  #: whether one of them stops it as it stands
    grounds: tuple[str, ...]
    kept: int  #: items of which evidence is kept, or its lack reasoned
    wait: bool
    clocks: tuple[Period, ...]  #: what would start
    persons: tuple[str, ...]  #: who has acted, and who still has to
    letters: tuple[Letter, ...]  #: what leaves with it


def consider(tools: Tools, work: Work, number: RequestId) -> Seen:
    """Gather it; nothing is changed."""
    request = work.requests.one(number)
    lines = tuple(work.requests.lines([number])[number])
    present = [one.line.item for one in lines if not one.dropped]
    told = standing.checked(tools, work, request) if request.papers_digest else None
    found = (
        standing.found(tools, work, request, [one.line for one in lines if not one.dropped])
        if request.papers_digest
        else ()
    )
    assessed = work.assessments.open(present)
    grounds = {
        ground.value
        for own in assessed.values()
        for agency, (_, ground) in own.items()
        if agency == request.agency and ground is not None
    }
    return Seen(
        request=request,
        lines=lines,
        digest=approve.digest_of(request, lines),
        papers=tuple((one.name.value, one.sha256) for one in work.papers.of([number]).get(number, ())),
        missing=told.missing if told else (),
        errors=told.errors if told else (),
        findings=found,
        stopped=bool(stops(found)),
        grounds=tuple(sorted(grounds)),
        kept=len(work.items.kept(present, agency=request.agency)),
        wait=bool(work.holds.on(present)),
        clocks=_clocks(request),
        persons=_persons(work, request),
        letters=tuple(letters.with_order(work, request)),
    )


def _clocks(request: Request) -> tuple[Period, ...]:
    from staydown.law import periods, register

    if request.instrument == TCO_ORDER:
        return (register.COPY, register.REMOVE, register.ASK_SCRUTINY, register.SCRUTINISE, register.PRESERVE)
    if request.binding:
        return (register.EFFECT,)
    return (periods.ACT, periods.FOLLOW_UP)


def _persons(work: Work, request: Request) -> tuple[str, ...]:
    approval = work.requests.approvals([request.id]).get(request.id)
    told = [f"drawn up by {request.proposed_by}"]
    told.append(f"approved by {approval.by}" if approval else "waits for an approver")
    if request.binding:
        told.append(
            f"signed by {approval.signed_by}" if approval and approval.signed_by else "waits for a signatory"
        )
    return tuple(told)


def shown(tools: Tools, work: Work, request: Request, name: PaperName) -> bytes:
    """A rendition as it may be shown: before it is approved and signed, only as a draft that says so on every page.

    Raises:
        NotFound: There is no such rendition.
    """
    paper = work.papers.one(request.id, name)
    if paper is None:
        raise NotFound(
            f"{request.reference} has no {name.value}",
            hint="An order's signed PDF is there once it has left.",
        )
    if name is PaperName.SIGNED and request.sent_at is None:
        raise NotFound(f"{request.reference} has not left: there is no signed PDF to show")
    if not is_draft(request) or name in {PaperName.JSON, PaperName.SIGNED}:
        return paper.body
    sheet = tools.paper.render(
        request.instrument,
        standing.values_of(work, request),
        language=request.language,
        draft=True,
        exercise=work.exercise,
    )
    return sheet.pdf if name is PaperName.PDF else sheet.text.encode()
