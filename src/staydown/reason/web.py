"""The built-in room `web`, for everything no provider's room claims, and the signs all rooms share."""

from __future__ import annotations

import re

from staydown.core.check import MarkKind, Sight
from staydown.reason.rooms import Room, Sign

COMMON_SIGNS: tuple[Sign, ...] = (
    Sign(sight=Sight.OFFLINE, status=frozenset({404, 410}), reason="the server says it does not exist"),
    Sign(sight=Sight.BLOCKED, status=frozenset({451}), reason="withheld here for legal reasons"),
    Sign(sight=Sight.BLOCKED, status=frozenset({401, 403, 407}), reason="the server does not show it to us"),
    Sign(
        sight=Sight.UNCLEAR, status=frozenset({408, 425, 429}), reason="the server asks us to come back later"
    ),
    Sign(
        sight=Sight.UNCLEAR, status=frozenset(range(500, 600)), reason="the server reports trouble of its own"
    ),
)
"""Read after a room's own signs. Source: RFC 9110, section 15; RFC 7725."""

PARKED = re.compile(
    r"this domain (?:name )?(?:is|may be) for sale|domain (?:is )?parked|buy this domain"
    r"|this (?:account|site|website) has been suspended|account suspended",
    re.IGNORECASE,
)

LOG_IN = re.compile(
    r"/(?:accounts?/)?(?:log-?in|sign-?in|sign-?up|auth|sso|checkpoint|challenge)(?:[/?.#]|$)", re.IGNORECASE
)
"""Found in the place where redirects ended, if that is a wall in front of what was asked for."""

WEB = Room(
    name="web",
    title="A web site",
    hosts=frozenset(),
    signs=(
        Sign(
            sight=Sight.OFFLINE, status=frozenset({200}), body=PARKED, reason="the host shows a placeholder"
        ),
        *COMMON_SIGNS,
        Sign(sight=Sight.ONLINE, status=frozenset(range(200, 300)), reason="the page is shown"),
    ),
    marks={MarkKind.NAME: "title", MarkKind.ADDRESS: "a@href", MarkKind.MEDIA: "video@src"},
)
"""Addresses that no provider's room claims. Nobody receives requests here; the host or registrar does."""
