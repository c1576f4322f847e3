"""One-time codes by time (RFC 6238, over RFC 4226), with the defaults that authenticator apps share."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
SEED_BYTES = 20
DRIFT = 1
"""How many steps a clock may be off, either way."""


def new_seed() -> bytes:
    """What an authenticator app and we share: as long as the digest, from the system's random source (RFC 4226, 4)."""
    return secrets.token_bytes(SEED_BYTES)


def code(seed: bytes, counter: int, *, digits: int = DIGITS) -> str:
    """The code of one counter value (RFC 4226, 5.3)."""
    mac = hmac.digest(seed, struct.pack(">Q", counter), hashlib.sha1)
    offset = mac[-1] & 0x0F
    number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def step_at(instant: datetime) -> int:
    """The counter value of an instant (RFC 6238, 4.2)."""
    return int(instant.timestamp()) // STEP_S


def matching_step(seed: bytes, given: str, at: datetime) -> int | None:
    """The step whose code this is, of those that a clock a little off may show; None if none is.

    All of them are computed and compared in constant time, whichever fits.
    """
    now, found = step_at(at), None
    for step in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(code(seed, step).encode(), given.encode("utf-8", "replace")):
            found = step
    return found


def written(seed: bytes) -> str:
    """The seed as a person types it into an app (base 32)."""
    return base64.b32encode(seed).decode().rstrip("=")


def address(seed: bytes, *, person: str, issuer: str) -> str:
    """The seed as an `otpauth` address."""
    label = quote(f"{issuer}:{person}", safe="")
    asked = urlencode({"secret": written(seed), "issuer": issuer, "digits": DIGITS, "period": STEP_S})
    return f"otpauth://totp/{label}?{asked}"
