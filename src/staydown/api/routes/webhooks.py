"""Webhooks: whom the own agency wants told of what happens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from staydown.api.desk import Once, TheApp, act
from staydown.api.gate import Caller, needs
from staydown.core.ids import WebhookId
from staydown.core.rights import Verb
from staydown.flow import tell
from staydown.ports.hooks import Webhook as Kept
from staydown.store.engine import SqlWork
from staydown.wire.base import AskedNumber, Page
from staydown.wire.operations import MadeWebhook, NewWebhook, Webhook

router = APIRouter(tags=["webhooks"])
Sets = Annotated[Caller, needs(Verb.SET_WEBHOOKS)]
Number = Annotated[AskedNumber, Path(alias="webhook", description="Its number.")]


@router.get("/v1/webhooks")
def list_webhooks(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_WEBHOOKS)]) -> Page[Webhook]:
    """The own agency's, those that ended too."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        found = work.hooks.listed(caller.person.agency)
    return Page[Webhook](rows=[_told(one) for one in found], next=None)


@router.post("/v1/webhooks", status_code=201, response_model=MadeWebhook)
def add_webhook(app: TheApp, caller: Sets, asked: Once, given: NewWebhook) -> Response:
    """Tell an address of what happens from now on. The secret is shown once: an answer repeated has none."""

    def do(work: SqlWork) -> MadeWebhook:
        made, secret = tell.begin(app.tools, work, caller.person, address=given.address, tags=given.tags)
        return MadeWebhook(**_told(made).model_dump(), secret=secret)

    return act(app, caller, asked, do, keep=lambda made: made.model_copy(update={"secret": ""}))


@router.delete("/v1/webhooks/{webhook}", status_code=204)
def end_webhook(app: TheApp, caller: Sets, number: Number) -> None:
    """Tell it no more."""
    with app.store.begin(of=caller.person.agency) as work:
        tell.end(work, caller.person, WebhookId(number))


def _told(one: Kept) -> Webhook:
    return Webhook(
        id=one.id,
        address=one.address,
        tags=sorted(one.tags),
        by=one.by,
        created_at=one.created_at,
        position=one.position,
        failures=one.failures,
        trouble=one.trouble,
        told_at=one.told_at,
        ended_at=one.ended_at,
    )
