"""The API as one application: its routes, its limits, and the document that says all of it."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from staydown.api import gate, health, problems
from staydown.api.limits import Limits
from staydown.api.observe import Counts, Observer
from staydown.api.problems import Unfit
from staydown.api.routes import (
    accesses,
    assessments,
    checks,
    duty,
    evidence,
    holds,
    items,
    ledger,
    letters,
    openapi,
    operations,
    orders,
    password,
    people,
    provider_sign_in,
    providers,
    requests,
    session,
    sightings,
    webhooks,
)
from staydown.api.stream import Tallies
from staydown.api.trees import Tree
from staydown.app import App

ROUTERS: tuple[APIRouter, ...] = (
    sightings.router,
    items.router,
    evidence.router,
    assessments.router,
    holds.router,
    requests.router,
    orders.router,
    letters.router,
    checks.router,
    operations.router,
    ledger.router,
    providers.router,
    webhooks.router,
    duty.router,
    accesses.router,
    people.router,
    session.router,
    password.router,
    provider_sign_in.router,
    openapi.router,
    health.router,
)
"""All that the API serves; a route that names no row of the table of rights stops the start."""


def make_api(app: App, *, more: tuple[APIRouter, ...] = ()) -> FastAPI:
    """The application that serves a home.

    Args:
        more: Routers of other faces, such as the pages.

    Raises:
        ValueError: A route stands on no row of the table of rights, or on more than one.
    """
    api = FastAPI(
        title="Staydown",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(known_query)],
        generate_unique_id_function=lambda route: route.name,
    )
    for router in (*ROUTERS, *more):
        api.include_router(router)
    api.state.app, api.state.tallies, api.state.tree = app, Tallies(app), Tree(app)
    api.state.queries = dict(_queries(api))
    gate.install(api, app.tools)
    problems.install(api)
    check_gates(api)
    api.openapi = lambda: openapi.document(api)  # type: ignore[method-assign]
    api.add_middleware(Limits)
    api.state.counts = Counts(app)
    api.add_middleware(Observer, counts=api.state.counts)  # the outermost: it sees every answer
    return api


def routes_of(api: FastAPI) -> Iterator[RouteContext]:
    """All routes, with what including their routers added."""
    for one in iter_route_contexts(api.routes):
        if isinstance(one.original_route, APIRoute):
            yield one


def check_gates(api: FastAPI) -> None:
    """Refuse to start where a route names no row of the table of rights, or more than one.

    Raises:
        ValueError: Names the route.
    """
    for one in routes_of(api):
        found = list(gate.rows_of(one.dependant))
        if len(found) != 1:
            raise ValueError(
                f"{sorted(one.methods or ())} {one.path} stands on {len(found)} rows of the rights"
            )


def _queries(api: FastAPI) -> Iterator[tuple[tuple[str, str], frozenset[str]]]:
    for one in routes_of(api):
        names = frozenset(_named(one.dependant))
        for method in one.methods or ():
            yield (method, one.path or ""), names


def _named(dependant: Dependant) -> Iterator[str]:
    """The query parameters that a route and what it depends on declare."""
    yield from (field.alias for field in dependant.query_params)
    for one in dependant.dependencies:
        yield from _named(one)


def known_query(request: Request) -> None:
    """Refuse parameters that nobody reads, so that a slip of the keyboard is told.

    Raises:
        Unfit: A parameter is unknown, or given twice.
    """
    if not request.url.path.startswith("/v1/") or request.url.path == provider_sign_in.BACK:
        return  # what a provider adds of its own is to be passed over (RFC 6749, 4.1.2)
    known = request.app.state.queries.get((request.method, request.scope["route"].path), frozenset())
    given = [name for name, _ in request.query_params.multi_items()]
    if strange := sorted(set(given) - known):
        raise Unfit(f"query.{strange[0][:100]}: there is no such parameter", hint=_hint(known))
    if len(given) != len(set(given)):
        raise Unfit("a parameter was given twice", hint="Give each once.")


def _hint(known: frozenset[str]) -> str:
    return f"There is: {', '.join(sorted(known))}." if known else "This takes no parameters."


__all__ = ["ROUTERS", "check_gates", "make_api", "routes_of"]
