"""The means of proof of the home that is served."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from staydown.app import App
from staydown.ports.doors import Means
from staydown.proof.passkeys import WebAuthn
from staydown.proof.passwords import Argon2
from staydown.proof.seal import Seal


def means_for(app: App) -> Means:
    """What persons of a home prove themselves by."""
    return Means(
        passkeys=WebAuthn(app.settings.address),
        passwords=Argon2(),
        sealed=Seal(lambda: bytes.fromhex(app.key_file.read_text().strip())),
        provider=None,
    )


def _means(request: Request) -> Means:
    state = request.app.state
    if not hasattr(state, "means"):
        state.means = means_for(cast("App", state.app))
    return cast("Means", state.means)


TheMeans = Annotated[Means, Depends(_means)]
