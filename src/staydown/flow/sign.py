"""sign: the third person issues an order over exactly the bytes that were approved; it is sealed before it leaves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from staydown.core.errors import Invalid, Outside, Refused, SameEyes, Stale
from staydown.core.ids import ItemId, RequestId
from staydown.core.order import Paper, PaperName, papers_digest
from staydown.core.people import Person
from staydown.core.request import Approval, Request
from staydown.core.rights import Role, Verb
from staydown.core.states import REQUEST, RequestEvent, step
from staydown.flow import approve, letters, life, standing
from staydown.ports.tools import Tools
from staydown.ports.work import LineState, Work


def sign(
    tools: Tools,
    work: Work,
    person: Person,
    request_id: RequestId,
    *,
    seen: str | None = None,
    reasons: str = "",
) -> int:
    """Sign one order; gives the number of the signature. It leaves at its instant of issuing, sealed.

    Args:
        seen: The digest the signatory was shown: what changed since is refused.
        reasons: Why what the law discourages is done all the same, such as a second order on the same matter.

    Raises:
        NotEntitled: The person is no signatory of the agency.
        SameEyes: The person, or whoever lends the role, drew it up, approved it or assessed one of its items.
        Invalid: It is no order, or its approval is over.
        Refused: A hold, the twelve hours, a second order without reasons, or another rule stops it; names the article.
        Stale: It is not what was approved, or not what the person was shown.
        IllegalStep: It does not wait for a signature.

    Source: Regulation (EU) 2021/784, Art. 3(4)(e); docs/decisions/0006 and 0023.
    """
    request = work.requests.one(request_id, lock=True)
    person.require(Verb.SIGN, within=request.agency)
    if not request.binding:
        raise Invalid(f"{request.reference} binds nobody and takes no signature")
    after = step(REQUEST, request.state, RequestEvent.SIGN)
    lines = approve.locked_lines(work, [request_id])[request_id]
    approval = work.requests.approvals([request_id]).get(request_id)
    if approval is None or approval.expires_at <= work.now:
        raise Invalid(f"the approval of {request.reference} is over", hint="It has to be approved again.")
    _third_eyes(work, person, request, lines, approved_by=approval.by)
    digest = approve.digest_of(request, lines)
    if digest != approval.digest or (seen is not None and seen != digest):
        raise Stale(
            f"{request.reference} is not what was approved and shown",
            hint="Read it again: staydown request show.",
        )
    require_papers(work, request)
    order = work.orders.get([request_id], lock=True)[request_id]
    standing.may_sign(person, order)
    standing.require(tools, work, request, [one.line for one in lines], stage="sign", reasons=reasons)
    letters.require_ready(work, request, order)
    life.foresee(work, request, order)
    number = work.orders.sign(request_id, approval.id, by=person.id, digest=digest, reasons=reasons.strip())
    work.requests.step([(request, after)])
    letters.sign_with(work, person, request)
    detail = {"approval": approval.id, "by": person.id, "digest": digest, "reasons": reasons.strip()}
    work.ledger.append("request:order:signed", f"request:{request_id}", detail)
    approve.queue_for_dispatch(work, [request])
    return number


def _third_eyes(
    work: Work, person: Person, request: Request, lines: Sequence[LineState], *, approved_by: str
) -> None:
    items = [one.line.item for one in lines]
    for who in sorted(person.eyes(Role.SIGNATORY)):  # a role that is lent lends no other eyes
        if who in {request.proposed_by, approved_by}:
            raise SameEyes(f"{who} drew up or approved {request.reference}")
        if work.assessments.assessed_by(items, who):
            raise SameEyes(f"{who} has assessed an item of {request.reference}")
        if work.requests.proposed_by(items, who):
            raise SameEyes(f"{who} has proposed an item of {request.reference} before")


def require_papers(work: Work, request: Request) -> list[Paper]:
    """The renditions of a form, which are those that were approved.

    Raises:
        Stale: What is stored is not what the request was made with.
    """
    own = work.papers.of([request.id]).get(request.id, [])
    if papers_digest(own) != request.papers_digest:
        raise Stale(f"the papers of {request.reference} are not the approved ones")
    return own


def seal(tools: Tools, ids: Sequence[RequestId]) -> dict[RequestId, str]:
    """Put the agency's electronic signature and its time stamp on the PDFs of orders that are about to leave.

    The signature lies outside the approved bytes: a PDF that is signed begins with the very bytes that were approved.
    Gives the orders that have to wait, because no key or no time-stamp authority answers, and why.
    """
    waits: dict[RequestId, str] = {}
    with tools.begin(write=False) as work:
        bound = [one for one in work.requests.get(ids) if one.binding]
        if not bound:
            return waits
        numbers = [one.id for one in bound]
        papers, approvals = work.papers.of(numbers), work.requests.approvals(numbers)
        lines = work.requests.lines(numbers)
        held = work.holds.on([one.line.item for own in lines.values() for one in own if not one.dropped])
        now = work.now
    for request in bound:
        own = {one.name: one for one in papers.get(request.id, ())}
        approval = approvals.get(request.id)
        if approval is None or approval.signature is None or PaperName.SIGNED in own:
            continue
        if not _may_be_sealed(request, approval, lines[request.id], list(own.values()), held, now):
            continue  # the agency's key never touches what will not leave
        try:
            signed = tools.paper.sign(own[PaperName.PDF].body, agency=request.agency, at=now)
        except (Invalid, Refused, Outside) as error:
            waits[request.id] = str(error)
            continue
        with tools.begin() as work:
            work.requests.one(request.id, lock=True)
            if work.papers.one(request.id, PaperName.SIGNED) is not None:
                continue  # another worker was faster, and may have sent it
            paper = Paper(name=PaperName.SIGNED, media_type="application/pdf", body=signed)
            work.papers.add(request.id, [paper])
            detail = {"of": own[PaperName.PDF].sha256, "sha256": paper.sha256}
            work.ledger.append("request:order:sealed", f"request:{request.id}", detail)
    return waits


def is_sealed(tools: Tools, papers: Sequence[Paper]) -> bool:
    """Whether the signed PDF begins with the approved one, and its signature covers all of it."""
    own = {one.name: one.body for one in papers}
    signed, plain = own.get(PaperName.SIGNED), own.get(PaperName.PDF)
    if signed is None or plain is None or not signed.startswith(plain):
        return False
    found = tools.paper.verify(signed)
    return bool(found) and not any(one.is_broken for one in found)


def _may_be_sealed(
    request: Request,
    approval: Approval,
    lines: Sequence[LineState],
    papers: Sequence[Paper],
    held: Collection[ItemId],
    now: datetime,
) -> bool:
    """Whether these are the bytes that were approved and signed, in time, with nothing on hold."""
    return (
        PaperName.PDF in {one.name for one in papers}
        and papers_digest(papers) == request.papers_digest
        and approve.digest_of(request, lines) == approval.digest
        and approval.expires_at > now
        and not any(one.line.item in held for one in lines if not one.dropped)
    )
