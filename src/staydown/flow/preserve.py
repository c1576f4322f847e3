"""preserve: keep what is there, before anything can disappear."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from staydown.core.check import Mark, MarkKind, Sight
from staydown.core.errors import Invalid
from staydown.core.evidence import Capture
from staydown.core.ids import ItemId
from staydown.core.item import Identity
from staydown.core.people import Person
from staydown.core.rights import Relation, Verb
from staydown.core.text import bounded, clean
from staydown.flow import match, names, verify, watch
from staydown.ports import Ask, Reply, Trouble
from staydown.ports.tools import Tools
from staydown.ports.work import Task, Work, WorkKind
from staydown.reason.lineage import stem

TRIES = 6
"""After so many failed attempts a person has to look."""
WAIT = timedelta(minutes=10)
"""Before the second attempt; doubled each time."""
BATCH_BYTES = 96 * 1024 * 1024
"""So much of one batch is held in memory before what is left of it waits, besides what is under way."""
MARK_CHARS = 500
"""Longer marks are kept as their beginning and a hash."""
MEDIA_AT_MOST = 4
"""Pictures and other media kept with one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    item: ItemId
    captures: tuple[Capture, ...]
    marks: tuple[Mark, ...]
    fingerprints: tuple[tuple[str, str, str], ...]  #: algorithm, value, what


def ask(work: Work, person: Person, ids: Sequence[ItemId]) -> int:
    """Ask for items to be kept; a worker does it. Gives how many.

    Raises:
        NotEntitled: The person is no analyst.
    """
    person.require(Verb.PRESERVE, Relation.SHARED)
    work.queue.add(WorkKind.PRESERVE, ids, due_at=work.now, priority=3)
    return len(ids)


def waive(work: Work, person: Person, ids: Sequence[ItemId], *, reason: str) -> None:
    """Note, with a reason, that items may be acted on without kept evidence.

    Raises:
        NotEntitled: The person is no analyst.
        Invalid: No reason.
    """
    person.require(Verb.WAIVE, Relation.SHARED)
    if not reason.strip():
        raise Invalid("a waiver needs a reason")
    work.items.waive(ids, by=person.id, reason=reason)
    for item in sorted(ids):
        work.ledger.append("item:evidence:waived", f"item:{item}", {"by": person.id, "reason": reason})


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Fetch items that are due, keep bytes and headers, read marks, match, and suggest returns."""
    ids = [ItemId(task.subject) for task in tasks]
    with tools.begin(write=False) as work:
        brief, numbers = work.items.brief(ids), work.names.numbers(ids)
    replies = dict(zip(ids, _Budget().fetch(tools, [brief[item][1] for item in ids]), strict=True))
    behind = [item for item, reply in replies.items() if reply.trouble is Trouble.NOT_BEGUN]
    for item in behind:
        del replies[item]
    looks = {
        item: verify.looked(tools, item, brief[item][0], reply, number=numbers.get(item))
        for item, reply in replies.items()
    }
    worth = [
        item
        for item, one in looks.items()
        if replies[item].status is not None
        and one.look.sight not in {Sight.OFFLINE, Sight.BLOCKED}
        and _told(replies[item])
    ]
    pages = {item: replies[item] for item in worth}
    del replies
    kept = _keep(tools, pages, {item: brief[item][0] for item in worth})
    again = [
        task
        for task in tasks
        if (one := looks.get(ItemId(task.subject))) and _try_again(task, one.look.sight)
    ]
    with tools.begin() as work:
        if any(mark.kind is MarkKind.STABLE_ID for one in kept for mark in one.marks):
            work.names.alone()  # items may become one, and that comes before items are locked
        work.items.lock(ids)  # items before rows of work, as everybody does
        _store(work, kept)
        work.queue.add(
            WorkKind.PRESERVE, behind, due_at=work.now, priority=3
        )  # stays when `done` strikes off
        for attempts in sorted({task.attempts for task in again}):
            wait = WAIT * 2 ** (attempts - 1)
            late = [task for task in again if task.attempts == attempts]
            work.queue.postpone(late, due_at=work.now + wait, trouble="no telling answer")
        work.queue.done([task for task in tasks if task not in again])
        verify.note(work, list(looks.values()), apart=tools.settings.apart, place=tools.settings.place)
        numbered, fresh = _number(work, kept)
        names.prove(work, numbered, fresh=fresh)
        roots = work.names.root([one.item for one in kept])
        own = [one.item for one in kept if roots[one.item] == one.item]  # what was merged is none any more
        match.run(work, tools.matchers, own)
        watch.suggest(work, own)


class _Budget:
    """How many bytes are held in memory at a time: once it is used up, what is left waits for the next round."""

    def __init__(self) -> None:
        self._left = BATCH_BYTES

    def fetch(self, tools: Tools, addresses: Sequence[str]) -> list[Reply]:
        """Fetch as many as there is room for; the others are not begun."""
        return tools.fetch.read(
            [Ask(address=address, may_begin=lambda: self._left > 0) for address in addresses], self._take
        )

    def _take(self, _place: int, reply: Reply) -> Reply:
        self._left -= len(reply.body)
        return reply


def _told(reply: Reply) -> bool:
    """Whether an answer holds what the page shows: an error page is no evidence of an item."""
    return reply.status is not None and 200 <= reply.status < 300 and bool(reply.body)


def _try_again(task: Task, sight: Sight) -> bool:
    return sight is Sight.UNCLEAR and task.attempts < TRIES


def _keep(tools: Tools, pages: dict[ItemId, Reply], providers: Mapping[ItemId, str]) -> list[_Kept]:
    """Keep pages with their media, as many at a time as there is room for; what is kept is let go of."""
    marks = {
        item: tools.probe.marks(tools.catalogue.room(providers[item]), reply) for item, reply in pages.items()
    }
    kept: list[_Kept] = []
    while pages:
        wanted = list(dict.fromkeys(address for item in pages for address in _media(marks[item])))
        answers = dict(zip(wanted, _Budget().fetch(tools, wanted), strict=True))
        missed = {address for address, one in answers.items() if one.trouble is Trouble.NOT_BEGUN}
        whole = [item for item in pages if missed.isdisjoint(_media(marks[item]))]
        if not whole:  # for one item there is room always
            whole = [next(iter(pages))]
            mine = _media(marks[whole[0]])
            answers |= dict(zip(mine, _Budget().fetch(tools, mine), strict=True))
        done = {item: pages.pop(item) for item in whole}
        bodies = {address: answer for address, answer in answers.items() if _told(answer)}
        hashes = _put_all(tools, [*done.values(), *bodies.values()])
        kept += [_kept(tools, item, reply, marks[item], bodies, hashes) for item, reply in done.items()]
    return kept


Hashes = Mapping[int, tuple[str, str]]
"""SHA-256 of body and headers of a reply, by its identity."""


def _put_all(tools: Tools, replies: Sequence[Reply]) -> Hashes:
    """Make a whole batch of bytes durable at once."""
    kept = iter(tools.vault.put_all([part for reply in replies for part in (reply.body, _headers(reply))]))
    return {id(reply): (next(kept), next(kept)) for reply in replies}


def _headers(reply: Reply) -> bytes:
    listed = [list(pair) for pair in reply.headers]
    return json.dumps(listed, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _media(marks: Sequence[Mark]) -> list[str]:
    pictures = [mark.value for mark in marks if mark.kind is MarkKind.AVATAR]
    media = [mark.value for mark in marks if mark.kind is MarkKind.MEDIA]
    return [*pictures[:1], *media[:MEDIA_AT_MOST]]


def _kept(
    tools: Tools,
    item: ItemId,
    reply: Reply,
    marks: Sequence[Mark],
    bodies: Mapping[str, Reply],
    hashes: Hashes,
) -> _Kept:
    captures = [_capture(item, reply, hashes)]
    fingerprints: list[tuple[str, str, str]] = []
    read = [mark for mark in marks if mark.kind not in {MarkKind.AVATAR, MarkKind.ADDRESS}]
    for address in _media(marks):
        answer = bodies.get(address)
        if answer is None:
            continue
        captures.append(_capture(item, answer, hashes))
        for matcher in tools.matchers.values():
            fingerprints += [(how, value, address) for how, value in matcher.fingerprint(answer.body).items()]
    pictures = {mark.value for mark in marks if mark.kind is MarkKind.AVATAR}
    read += [
        Mark(kind=MarkKind.AVATAR, value=v)
        for how, v, what in fingerprints
        if how == "sha256" and what in pictures
    ]
    read += _shared(tools, marks)
    read += [
        Mark(kind=MarkKind.HANDLE, value=f"~{stem(m.value)}") for m in marks if m.kind is MarkKind.HANDLE
    ]
    return _Kept(
        item=item,
        captures=tuple(captures),
        marks=tuple(
            dict.fromkeys(Mark(kind=m.kind, value=bounded(clean(m.value), MARK_CHARS)) for m in read)
        ),
        fingerprints=tuple(fingerprints),
    )


def _shared(tools: Tools, marks: Sequence[Mark]) -> list[Mark]:
    """Shared addresses under their keys, so that spellings do not hide that two pages share one."""
    found = [tools.catalogue.identify(mark.value) for mark in marks if mark.kind is MarkKind.ADDRESS]
    return [Mark(kind=MarkKind.ADDRESS, value=one.key) for one in found if isinstance(one, Identity)]


def _capture(item: ItemId, reply: Reply, hashes: Hashes) -> Capture:
    body, headers = hashes[id(reply)]
    return Capture(
        item=item,
        address=reply.address,
        at=reply.at,
        status=reply.status or 0,
        sha256=body,
        headers_sha256=headers,
        size_bytes=len(reply.body),
        media_type=clean(reply.header("content-type"))[:200],
    )


def _still_own(before: Sequence[Mark], fresh: Sequence[Mark]) -> list[Mark]:
    """The marks to add. A handle or number that replaces another one is left out: before a request leaves, that
    difference sends the item back to assessment."""
    strange = set()
    for kind in (MarkKind.HANDLE, MarkKind.STABLE_ID):
        was, now = (
            {m.value.lower() for m in marks if m.kind is kind and not m.value.startswith("~")}
            for marks in (before, fresh)
        )
        if was and now and not was & now:
            strange.add(kind)
    return [mark for mark in fresh if mark.kind not in strange]


def _number(work: Work, kept: Sequence[_Kept]) -> tuple[list[ItemId], frozenset[ItemId]]:
    """Note the provider's own numbers that pages show, where a page shows one; gives those items, and the new ones."""
    found: dict[ItemId, str] = {}
    for one in kept:
        numbers = {mark.value for mark in one.marks if mark.kind is MarkKind.STABLE_ID}
        if len(numbers) == 1:
            found[one.item] = numbers.pop()
    return list(found), work.names.set_numbers(found)


def _store(work: Work, kept: Sequence[_Kept]) -> None:
    numbers = work.kept.add([capture for one in kept for capture in one.captures])
    before = work.kept.marks([one.item for one in kept])
    work.kept.add_marks({one.item: _still_own(before.get(one.item, []), one.marks) for one in kept})
    work.kept.add_fingerprints(
        [(one.item, how, v, what) for one in kept for how, v, what in one.fingerprints]
    )
    at = iter(numbers)
    for one in kept:
        own = [(next(at), capture) for capture in one.captures]
        detail = [
            {"evidence": number, "sha256": c.sha256, "headers_sha256": c.headers_sha256} for number, c in own
        ]
        work.ledger.append("item:evidence:kept", f"item:{one.item}", {"kept": detail})
