"""The means of proof of the home that is served."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from staydown.app import App
from staydown.ports import Fetch
from staydown.ports.doors import IdentityProvider, Means
from staydown.proof.oidc import OpenIdConnect
from staydown.proof.passkeys import WebAuthn
from staydown.proof.passwords import Argon2
from staydown.proof.seal import Seal


def means_for(app: App) -> Means:
    """What persons of a home prove themselves by."""
    return Means(
        passkeys=WebAuthn(app.settings.address),
        passwords=Argon2(),
        sealed=Seal(lambda: bytes.fromhex(app.key_file.read_text().strip())),
        provider=_provider(app),
    )


def _provider(app: App) -> IdentityProvider | None:
    settings = app.settings
    if not settings.oidc_issuer:
        return None
    fetch: Fetch = app.fetch
    if settings.oidc_inside and not app.store.exercise:
        from staydown.fetch import GuardedFetch, Policy

        fetch = GuardedFetch(Policy.PUBLIC, inside=settings.oidc_issuer)  # for these asks alone
    return OpenIdConnect(
        fetch,
        issuer=settings.oidc_issuer,
        client=settings.oidc_client,
        secret_file=settings.oidc_secret_file,
        back=f"{settings.address.rstrip('/')}/v1/session/oidc/back",
    )


def _means(request: Request) -> Means:
    state = request.app.state
    if not hasattr(state, "means"):
        state.means = means_for(cast("App", state.app))
    return cast("Means", state.means)


TheMeans = Annotated[Means, Depends(_means)]
