"""tell: whoever asked for it hears of new entries of the ledger: ids only, in their order, until it was heard.

Source: Standard Webhooks, for headers and signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from staydown.core.errors import Broken, Invalid
from staydown.core.ids import WebhookId
from staydown.core.people import Person
from staydown.core.rights import Verb
from staydown.ports import Ask, Reply
from staydown.ports.hooks import Webhook
from staydown.ports.tools import Tools
from staydown.ports.work import Task, Work, WorkKind

PREFIX = "whsec_"
SECRET_BYTES = 24
LONGEST = timedelta(seconds=3)
"""How long a receiver may take: nothing else is done meanwhile, and an alarm may be waiting."""
LOOKED_AT = 200
"""Entries that are looked at in one go; what lies behind them waits its turn."""
BACK_OFF = tuple(timedelta(minutes=one) for one in (1, 5, 30, 120, 300, 600, 840, 1200, 1440))
"""Before each next try; the last one is repeated."""
GIVEN_UP = timedelta(days=5)
"""After so long without being heard a webhook ends itself."""
SOON = timedelta(seconds=2)
"""By then every process knows of a new webhook."""
AT_MOST = 20
"""Webhooks of one agency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One entry as it is told."""

    number: int
    tag: str
    subject: str
    at: str  #: in RFC 3339

    @property
    def body(self) -> bytes:
        """What is sent; the same each time, so that a repeat is known as one."""
        told = {
            "type": self.tag,
            "timestamp": self.at,
            "data": {"entry": self.number, "subject": self.subject},
        }
        return json.dumps(told, separators=(",", ":")).encode()


def begin(
    tools: Tools, work: Work, person: Person, *, address: str, tags: Collection[str]
) -> tuple[Webhook, str]:
    """Tell an address of what happens from now on; gives its secret, which nobody can read again.

    Raises:
        NotEntitled: Neither administrator nor a provider's officer.
        Invalid: The address is no place in the web, or the agency has enough of them.
    """
    person.require(Verb.SET_WEBHOOKS)
    if sum(one.ended_at is None for one in work.hooks.listed(person.agency)) >= AT_MOST:
        raise Invalid(f"an agency may have {AT_MOST} webhooks", hint="End one that is no longer needed.")
    if not work.exercise and not address.startswith("https://"):
        raise Invalid("a webhook is told over https only", hint="Give an address that begins with https.")
    key = secrets.token_bytes(SECRET_BYTES)
    number = work.hooks.add(
        person.agency,
        by=person.id,
        address=address,
        secret=tools.sealed.seal(key, _purpose(person.agency, address)),
        tags=tags,
        position=work.ledger.size(),
    )
    work.ledger.append("webhook:address:added", f"webhook:{number}", {"address": address, "by": person.id})
    work.queue.add(WorkKind.TELL, [number], due_at=work.now + SOON, priority=7)
    return work.hooks.one(person.agency, number), PREFIX + base64.b64encode(key).decode()


def end(work: Work, person: Person, number: WebhookId) -> None:
    """Tell no more.

    Raises:
        NotEntitled: Neither administrator nor a provider's officer.
        NotFound: No such webhook, or not the own agency's.
    """
    person.require(Verb.SET_WEBHOOKS)
    work.hooks.turn()
    found = work.hooks.one(person.agency, number)
    if found.ended_at is None:
        work.hooks.end(number)
        work.queue.cancel(WorkKind.TELL, [number])
        work.ledger.append("webhook:address:ended", f"webhook:{number}", {"by": person.id})


def run(tools: Tools, tasks: Sequence[Task]) -> None:
    """Tell each webhook of one entry; while there are more it waits its turn, behind what presses more."""
    for task in tasks:
        _tell(tools, task)


def _tell(tools: Tools, task: Task) -> None:
    with tools.begin(write=False) as work:
        found = work.hooks.open([WebhookId(task.subject)])
        hook = found[0] if found else None
        news, position = _news(work, hook) if hook else (None, 0)
    if hook is None:
        with tools.begin() as work:
            work.queue.done([task])
        return
    try:
        key = tools.sealed.unseal(hook.secret, _purpose(hook.agency, hook.address)) if news else b""
    except Broken as error:  # it stops nobody but itself
        with tools.begin() as work:
            work.hooks.turn()
            _give_up(work, task, hook, str(error))
        return
    reply = _post(tools, hook, key, news) if news else None
    with tools.begin() as work:
        size = work.hooks.turn()
        work.queue.confirm([task], lease=tools.settings.lease)
        if reply is not None and (reply.status is None or not 200 <= reply.status < 300):
            _back_off(work, task, hook, reply)
            return
        if news:
            work.hooks.told(hook.id, position=position)
        elif position > hook.position:
            work.hooks.passed(hook.id, position=position)
        if size > position:
            work.queue.postpone([task], due_at=work.now)
        else:
            work.queue.done([task])


def _news(work: Work, hook: Webhook) -> tuple[News | None, int]:
    """The next that a webhook wants to hear, from its place on, and the place behind it or all that was looked at."""
    page = work.entries.page(first=hook.position, limit=LOOKED_AT)
    wanted = list(_wanted(page, hook.tags))
    own = work.hooks.concerning(hook.agency, [(one.number, one.tag, one.subject) for one in wanted])
    for one in wanted:
        if one.number in own:
            return one, one.number + 1
    return None, page[-1][0] + 1 if page else hook.position


def _wanted(page: Sequence[tuple[int, bytes]], tags: Collection[str]) -> Iterator[News]:
    for number, raw in page:
        entry: Mapping[str, str] = json.loads(raw)
        if entry["tag"] in tags:
            yield News(number=number, tag=entry["tag"], subject=entry["subject"], at=entry["at"])


def _post(tools: Tools, hook: Webhook, key: bytes, news: News) -> Reply:
    with tools.begin(write=False) as work:
        stamp = str(int(work.real_now.timestamp()))
    name = f"hook_{hook.id}_{news.number}"
    headers = {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(key, name, stamp, news.body),
    }
    ask = Ask(
        address=hook.address,
        method="POST",
        headers=headers,
        body=news.body,
        follow=False,
        max_bytes=64 * 1024,
        timeout=LONGEST,
    )
    return tools.fetch.many([ask])[0]


def signature(key: bytes, name: str, stamp: str, body: bytes) -> str:
    """What shows that a message is ours: over its id, its time and its body."""
    signed = hmac.new(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _back_off(work: Work, task: Task, hook: Webhook, reply: Reply) -> None:
    """Try again later, each time later; whoever was not heard for days is told no more."""
    what = reply.trouble.value if reply.trouble else f"answered {reply.status}"
    failures = hook.failures + 1
    waited = sum((BACK_OFF[min(at, len(BACK_OFF) - 1)] for at in range(failures)), timedelta(0))
    work.hooks.failed(hook.id, failures=failures, trouble=what)
    if waited > GIVEN_UP:
        _give_up(work, task, hook, what)
        return
    wait = BACK_OFF[min(failures, len(BACK_OFF)) - 1]
    work.queue.postpone([task], due_at=work.now + wait, trouble=what)


def _give_up(work: Work, task: Task, hook: Webhook, what: str) -> None:
    work.hooks.failed(hook.id, failures=hook.failures + 1, trouble=what)
    work.hooks.end(hook.id)
    work.queue.done([task])
    work.ledger.append("webhook:address:given-up", f"webhook:{hook.id}", {"trouble": what})


def _purpose(agency: str, address: str) -> str:
    return f"webhook {agency} {address}"
