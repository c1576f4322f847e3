"""The pages at the door: sign in, enrol, account. They hold no rules; what they do, they do over the API."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from staydown.api.gate import open_to_all
from staydown.settings import Settings

router = APIRouter(include_in_schema=False)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Permissions-Policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
}
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
STATIC = {"door.css": "css", "door.js": "js"}
"""What may be asked for; nothing else is looked up."""
SHELL = "the page shows nothing of anybody; what it shows comes over the API"


def headers_for(settings: Settings) -> dict[str, str]:
    """What every page says to the browser."""
    if settings.address.startswith("https:"):
        return HEADERS | {"Strict-Transport-Security": "max-age=63072000; includeSubDomains"}
    return HEADERS


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("staydown.web"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
    )


def _page(request: Request, name: str, title: str) -> Response:
    settings: Settings = request.app.state.tools.settings
    text = (
        _templates()
        .get_template(name)
        .render(
            title=title,
            provider=settings.oidc_issuer,
            origin=settings.address.rstrip("/"),
            exercise=request.app.state.app.store.exercise,
        )
    )
    return HTMLResponse(text, headers=headers_for(settings))


@router.get("/", name="page_front", dependencies=[open_to_all(SHELL)])
def front(request: Request) -> Response:
    """Whoever comes to the front door goes on to their account."""
    return RedirectResponse("/account", 303, headers=headers_for(request.app.state.tools.settings))


@router.get("/sign-in", name="page_sign_in", dependencies=[open_to_all(SHELL)])
def sign_in(request: Request) -> Response:
    """Sign in."""
    return _page(request, "sign-in.html", "Sign in")


@router.get("/enrol", name="page_enrol", dependencies=[open_to_all(SHELL)])
def enrol(request: Request) -> Response:
    """Say by what one signs in; the invitation stands behind the #, which no log sees."""
    return _page(request, "enrol.html", "Use an invitation")


@router.get("/account", name="page_account", dependencies=[open_to_all(SHELL)])
def account(request: Request) -> Response:
    """What one signs in by, where one is signed in, and what programs do for one."""
    return _page(request, "account.html", "Your account")


@router.get("/static/{name}", name="page_static", dependencies=[open_to_all(SHELL)])
def static(request: Request, name: str) -> Response:
    """A style or a script of ours."""
    headers = headers_for(request.app.state.tools.settings)
    if name not in STATIC:
        return Response(status_code=404, headers=headers)
    body = files("staydown.web").joinpath("static", name).read_bytes()
    return Response(body, media_type=TYPES[STATIC[name]], headers=headers | {"Cache-Control": "no-cache"})
