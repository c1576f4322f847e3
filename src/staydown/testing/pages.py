"""The pages of the simulated providers; whatever comes from the world is escaped."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from staydown.core.time import iso
from staydown.testing.profiles import Profile
from staydown.testing.world import LineStatus, Page


@dataclass(frozen=True, slots=True)
class Shown:
    """What goes back over the wire."""

    status: int
    body: bytes = b""
    location: str = ""
    media_type: str = "text/html; charset=utf-8"


def show(profile: Profile, path_qs: str, page: Page | None) -> Shown:
    """What a provider shows at a path, in its own way."""
    if page is None:
        return _notice(profile, profile.missing_status, "missing", "There is nothing here.")
    if page.presence == "removed":
        return _gone(profile, path_qs)
    if page.presence == "blocked":
        return _blocked(profile, path_qs)
    return Shown(200, _online(profile, page))


def front(profile: Profile) -> Shown:
    """The front page, which everybody sees."""
    return Shown(
        200, _html(profile, "front", profile.title, f"<h1>{profile.title}</h1><p>A made-up service.</p>")
    )


def removed_page(profile: Profile) -> Shown:
    """The page to which a removed thing leads."""
    return _notice(profile, 200, "gone", "What stood here has been removed.")


def wall(profile: Profile, is_closed: bool) -> Shown:
    """The log-in wall; a closed group's wall says so."""
    if is_closed:
        return _notice(profile, 200, "wall", "This group has been closed.")
    return _notice(profile, 200, "wall", "Log in to see this group.")


def intake_page(profile: Profile, reference: str, received_at: str) -> Shown:
    """The web form's confirmation."""
    body = (
        f'<p class="receipt" data-reference="{escape(reference)}" data-received-at="{escape(received_at)}">'
        "Thank you. We have received your report.</p>"
    )
    return Shown(200, _html(profile, "receipt", "Received", body))


def status_page(
    profile: Profile, reference: str, received_at: str, lines: Sequence[LineStatus], withdrawn: Sequence[int]
) -> Shown:
    """The web form's word about one reference."""
    rows = "".join(
        f'<tr data-number="{line.number}" data-state="{escape(line.state)}" data-reason="{escape(line.reason)}"'
        f' data-at="{iso(line.at) if line.at else ""}"><td>{line.number}</td><td>{escape(line.state)}</td></tr>'
        for line in lines
    )
    body = (
        f'<table data-reference="{escape(reference)}" data-received-at="{escape(received_at)}"'
        f' data-withdrawn="{" ".join(map(str, withdrawn))}">{rows}</table>'
    )
    return Shown(200, _html(profile, "status", "Status", body))


def unknown_reference(profile: Profile) -> Shown:
    """The web form's word about a reference it never got."""
    return Shown(404, _html(profile, "status", "Unknown", '<p data-known="no">We have no such report.</p>'))


def _gone(profile: Profile, path_qs: str) -> Shown:
    is_even = zlib.crc32(path_qs.encode()) % 2 == 0
    match profile.gone_by:
        case "status":
            return _notice(profile, profile.gone_status, "gone", "This is no longer here.")
        case "notice":
            return _notice(profile, 200, "gone", "This channel cannot be displayed, it broke the rules.")
        case "front":
            return Shown(302, location="/")
        case "removed_page":
            return Shown(301, location="/removed")
        case "closed_wall":
            return Shown(302, location=f"/login?closed=1&next={quote(path_qs, safe='')}")
        case "suspended":
            return _notice(profile, 403, "gone", "This account is suspended.")
        case "region":
            return _region(profile, is_even)
        case "parked":
            return _notice(profile, 503 if is_even else 200, "parked", "This domain is suspended.")


def _blocked(profile: Profile, path_qs: str) -> Shown:
    match profile.blocked_by:
        case "status":
            return _notice(profile, profile.blocked_status, "blocked", "This is not for you.")
        case "wall":
            return Shown(302, location=f"/login?next={quote(path_qs, safe='')}")
        case "region":
            return _region(profile, zlib.crc32(path_qs.encode()) % 2 == 0)


def _region(profile: Profile, by_status: bool) -> Shown:
    return _notice(profile, 451 if by_status else 200, "region", "Not available in your region.")


def _notice(profile: Profile, status: int, word: str, sentence: str) -> Shown:
    return Shown(status, _html(profile, word, profile.title, f'<p class="notice">{escape(sentence)}</p>'))


def _online(profile: Profile, page: Page) -> bytes:
    parts = [f"<h1>{escape(page.name or page.handle or page.kind)}</h1>"]
    if page.handle:
        parts.append(f'<p data-handle="{escape(page.handle)}">@{escape(page.handle)}</p>')
    if page.number:
        parts.append(f'<meta itemprop="number" content="{escape(page.number)}">')
    if page.avatar:
        parts.append(f'<img class="avatar" alt="" src="{escape(page.avatar)}">')
    if page.text:
        parts.append(f'<p class="text">{escape(page.text)}</p>')
    parts += [f'<a class="shared" href="{escape(one)}">{escape(one)}</a>' for one in page.addresses]
    parts += [f'<img class="media" alt="" src="{escape(one)}">' for one in page.media]
    if page.followers is not None:
        parts.append(f'<span data-followers="{page.followers}">{page.followers} followers</span>')
    if page.posts is not None:
        parts.append(f'<span data-posts="{page.posts}">{page.posts} posts</span>')
    return _html(profile, page.kind, page.name or page.handle, "".join(parts))


def _html(profile: Profile, word: str, title: str, inner: str) -> bytes:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f'<body><main data-{profile.name}="{escape(word)}">{inner}</main></body></html>'
    ).encode()
