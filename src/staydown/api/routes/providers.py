"""Providers, as their rooms describe them, and the figures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from staydown.api.desk import TheApp
from staydown.api.gate import Caller, needs
from staydown.core.errors import NotFound
from staydown.core.rights import Verb
from staydown.flow import publish
from staydown.wire.base import Name, Page
from staydown.wire.operations import ContactPoint, Provider, ProviderRoom, Tally

router = APIRouter(tags=["providers"])
Sees = Annotated[Caller, needs(Verb.SEE_PROVIDERS)]


@router.get("/v1/providers")
def list_providers(app: TheApp, caller: Sees) -> Page[Provider]:
    """Every provider that is known."""
    rows = [Provider(name=r.name, title=r.title, exercise=r.exercise) for r in app.catalogue]
    return Page[Provider](rows=sorted(rows, key=lambda one: one.name), next=None)


@router.get("/v1/providers/{provider}")
def show_provider(app: TheApp, caller: Sees, provider: Annotated[Name, Path()]) -> ProviderRoom:
    """What is known of a provider, with the contact points that take our mail."""
    room = next((one for one in app.catalogue if one.name == provider), None)
    if room is None:
        raise NotFound("there is no such provider", hint="See GET /v1/providers.")
    return ProviderRoom(
        name=room.name,
        title=room.title,
        exercise=room.exercise,
        hosts=sorted(room.hosts),
        languages=list(room.languages),
        establishment=room.establishment,
        representative=room.representative,
        instruments=sorted(fit.value for fit in room.instruments),
        contacts=[
            ContactPoint(courier=one.courier, address=one.address, instruments=sorted(one.instruments))
            for one in room.contacts
        ],
        looked_up=room.looked_up,
        source=room.source,
    )


@router.get("/v1/figures", tags=["figures"])
def show_figures(app: TheApp, caller: Annotated[Caller, needs(Verb.SEE_FIGURES)]) -> Tally:
    """Where things stand, over all items; requests and clocks are the own agency's, holds what `wait` tells."""
    with app.store.begin(write=False, of=caller.person.agency) as work:
        return Tally.model_validate(publish.status(work, to=caller.person.agency))
