"""Reading security.txt: whom a site itself names for word of weaknesses (RFC 9116)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from staydown.core.errors import Invalid
from staydown.core.time import parse

PLACES = ("/.well-known/security.txt", "/security.txt")
"""Where it lies; the second is the older place."""
MAX_LINES = 400
MAX_CONTACTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityText:
    """What it says."""

    contacts: tuple[str, ...]  #: in the order of preference: `mailto:`, `https:` or `tel:`
    expires: datetime | None = None
    policy: str = ""

    def is_expired(self, at: datetime) -> bool:
        """Whether it should no longer be used."""
        return self.expires is not None and self.expires < at


def read_security_text(raw: bytes) -> SecurityText | None:
    """Read the file; None where it is none, such as a page that answers everything with 200.

    A signature around it is passed over, not checked.
    """
    contacts: list[str] = []
    expires, policy = None, ""
    for line in raw.decode("utf-8", "replace").splitlines()[:MAX_LINES]:
        name, colon, value = line.removeprefix("- ").partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon or not value or len(value) > 2000 or not value.isprintable():
            continue
        if name == "contact" and value.lower().startswith(("mailto:", "https:", "tel:")):
            contacts.append(value)
        elif name == "expires":
            expires = _instant(value) or expires
        elif name == "policy":
            policy = policy or value
    found = tuple(dict.fromkeys(contacts))[:MAX_CONTACTS]
    return SecurityText(contacts=found, expires=expires, policy=policy) if found else None


def _instant(text: str) -> datetime | None:
    try:
        return parse(text)
    except Invalid:
        return None
