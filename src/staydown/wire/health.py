"""How the service stands."""

from __future__ import annotations

from staydown.wire.base import Told


class Alive(Told):
    """The process answers."""

    alive: bool


class Ready(Told):
    """Whether calls can be served."""

    ready: bool
    reason: str | None


class Behind(Told):
    """Whether due work is being done."""

    behind: bool
    waiting: int | None
    seconds: float | None
    reason: str | None
