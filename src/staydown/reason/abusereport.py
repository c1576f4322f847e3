"""The values of an abuse report (XARF 4) from what is known of one incident. Pure; hashes only, never the material.

Source: XARF 4.2.0, core and content schemas; docs/decisions/0020.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

DOMAIN = re.compile(r"([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}")
"""What the content schema takes as `domain`: neither an IP address nor a name that is written in Punycode."""
HOSTNAME = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}")
"""What the core schema takes as the domain of reporter and sender."""
HASHES_AT_MOST = 500
DESCRIPTION, ORGANISATION = 1000, 200
"""How many characters the standard has room for."""
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,60}/[A-Za-z0-9][A-Za-z0-9.+-]{0,60}")


def report_id(*parts: str) -> str:
    """The number of a report: always the same for the same parts, of the shape of a random one (version 4)."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def party(organisation: str, email: str) -> dict[str, str]:
    """Reporter or sender; a field that cannot be filled stays empty, and the form says so."""
    domain = ascii_domain(email.rpartition("@")[2])
    return {
        "org": shortened(organisation, ORGANISATION),
        "contact": email,
        "domain": domain if HOSTNAME.fullmatch(domain) else "",
    }


def ascii_domain(name: str) -> str:
    """A name as it stands in the DNS: lower case, other scripts in Punycode, no dot at its end; empty for none."""
    try:
        return name.strip().rstrip(".").lower().encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def place(address: str) -> dict[str, object]:
    """Where the incident is: its source, the port where the address names one, the domain where the standard takes it.

    Args:
        address: The canonical address of the item.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    found: dict[str, object] = {"source_identifier": host or address}
    if port:
        found["source_port"] = port
    domain = host.rstrip(".")
    if DOMAIN.fullmatch(domain):
        found["domain"] = domain
    return found


def evidence(kept: Sequence[tuple[str, str]]) -> list[dict[str, object]]:
    """One text with the hashes of what is kept, under its own hash; nothing where nothing is kept.

    Args:
        kept: SHA-256 and media type, as the server named it.
    """
    lines = [_line(sha256, media_type) for sha256, media_type in dict.fromkeys(kept)]
    if not lines:
        return []
    left = len(lines) - HASHES_AT_MOST
    more = [f"and {left} more"] if left > 0 else []
    body = ("\n".join([*lines[:HASHES_AT_MOST], *more]) + "\n").encode()
    return [
        {
            "content_type": "text/plain",
            "description": "SHA-256 of what was kept of it; the material itself is not sent.",
            "payload": base64.b64encode(body).decode(),
            "hash": f"sha256:{hashlib.sha256(body).hexdigest()}",
            "size": len(body),
        }
    ]


def _line(sha256: str, media_type: str) -> str:
    named = media_type.partition(";")[0].strip()
    return f"sha256:{sha256} {named}" if _MEDIA_TYPE.fullmatch(named) else f"sha256:{sha256}"


def shortened(text: str, most: int) -> str:
    """A text that fits, cut between words, with a mark where it is cut."""
    text = text.strip()
    if len(text) <= most:
        return text
    mark = " [...]"
    cut = text[: most - len(mark)]
    return (cut.rsplit(None, 1)[0] if any(sign.isspace() for sign in cut) else cut).rstrip() + mark
