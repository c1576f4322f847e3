"""Signing in over real HTTP with a software passkey: for tests, exercises and rehearsals.

key = enrolled("http://localhost:8017", invitation)      # once
word = signed_in("http://localhost:8017", key)           # as often as wanted; `Authorization: Bearer {word}`
proved("http://localhost:8017", key, word)               # before acts that take a fresh proof
"""

from __future__ import annotations

from typing import Any

from staydown.testing.softkey import SoftKey


class Unwelcome(Exception):  # it says what happened
    """The service said no; the problem document is in `args`."""


def enrolled(address: str, invitation: str, *, origin: str = "", label: str = "a software key") -> SoftKey:
    """A passkey for whoever an invitation is for.

    Args:
        address: Where the service answers.
        origin: Where browsers find it, if that is another address.

    Raises:
        Unwelcome: The service refused.
    """
    key = SoftKey(origin=origin or address.rstrip("/"))
    asked = post(address, "/v1/enrol/passkey/options", {"invitation": invitation})
    credential = key.register(asked["options"])
    said = {"invitation": invitation, "ceremony": asked["ceremony"], "credential": credential, "label": label}
    post(address, "/v1/enrol/passkey", said)
    return key


def signed_in(address: str, key: SoftKey) -> str:
    """The word of a new session.

    Raises:
        Unwelcome: The service refused.
    """
    asked = post(address, "/v1/session/passkey/options", {})
    said = {"ceremony": asked["ceremony"], "credential": key.sign_in(asked["options"])}
    return str(post(address, "/v1/session/passkey", said)["word"])


def proved(address: str, key: SoftKey, word: str) -> None:
    """A fresh proof in a session.

    Raises:
        Unwelcome: The service refused.
    """
    asked = post(address, "/v1/session/proof/options", {}, word)
    said = {"ceremony": asked["ceremony"], "credential": key.sign_in(asked["options"])}
    post(address, "/v1/session/proof", said, word)


def post(address: str, path: str, body: object, word: str = "") -> Any:
    """One call.

    Raises:
        Unwelcome: The service refused.
    """
    import httpx2

    headers = {"Authorization": f"Bearer {word}"} if word else {}
    answer = httpx2.post(f"{address.rstrip('/')}{path}", json=body, headers=headers, timeout=30)
    if answer.is_error:
        raise Unwelcome(answer.status_code, answer.text)
    return answer.json() if answer.content else None
