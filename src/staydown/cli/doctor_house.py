"""What the doctor asks about the house itself: rights of files, sign-in, walls of the database, duty."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.engine import make_url

from staydown.cli.findings import Finding
from staydown.core.house import CredentialKind, Matter
from staydown.core.order import Competence
from staydown.core.rights import PHISHING_RESISTANT, Role

if TYPE_CHECKING:
    from datetime import datetime

    from staydown.app import App
    from staydown.core.ids import AgencyCode
    from staydown.ports.work import Work
    from staydown.settings import Settings

LONGEST_SESSION, LONGEST_IDLE, LONGEST_PROOF = timedelta(hours=24), timedelta(hours=2), timedelta(minutes=15)
AHEAD = timedelta(days=7)
UNSEALED = timedelta(hours=2)
HERE = frozenset({"localhost", "127.0.0.1", "::1"})
ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})


def _open_to_others(path: Path, bits: int) -> bool:
    return path.exists() and bool(path.stat().st_mode & bits)


def _files(app: App) -> Finding:
    """Who else on this machine can read secrets, or change what the program does."""
    home, settings = app.settings.home, app.settings
    named = [settings.oidc_secret_file] if settings.oidc_secret_file else []
    for one in (settings.sign_key_file, settings.sign_secret_file):
        named += _of_agencies(app, one)
    secret = [*sorted((home / "keys").rglob("*")), *map(Path, named)]
    toml = home / "staydown.toml"
    wrong = [path for path in secret if path.is_file() and _open_to_others(path, stat.S_IRWXG | stat.S_IRWXO)]
    has_secret = make_url(settings.database).password if settings.database else None
    wrong += [toml] if _open_to_others(toml, stat.S_IRWXO if has_secret else stat.S_IWOTH) else []
    wrong += [home] if _open_to_others(home, stat.S_IWOTH) else []
    names = ", ".join(path.name or str(path) for path in wrong)
    return Finding(
        "files",
        not wrong,
        f"open to others: {names}" if wrong else "nobody else can read secrets or change the settings",
        "chmod 600 the files, chmod o-w the folder.",
    )


def _of_agencies(app: App, name: str) -> list[str]:
    """The files that a setting names: one, or one for each agency where it says so."""
    from staydown.paper.keys import AGENCY

    if not name or AGENCY not in name:
        return [name] if name else []
    with app.store.begin(write=False) as work:
        return [name.replace(AGENCY, one.code) for one in work.people.agencies()]


def _address(app: App) -> Finding:
    parts = urlsplit(app.settings.address)
    ok = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)
    return Finding(
        "address",
        ok and bool(parts.hostname) and parts.path in {"", "/"},
        app.settings.address,
        "Set address in staydown.toml to the https address that browsers open, without a path.",
    )


def _sessions(app: App) -> Finding:
    settings = app.settings
    lengths = {
        "session_s": (settings.session_s, LONGEST_SESSION),
        "idle_s": (settings.idle_s, LONGEST_IDLE),
        "fresh_s": (settings.fresh_s, LONGEST_PROOF),
    }
    wrong = [name for name, (seconds, most) in lengths.items() if not 0 < seconds <= most.total_seconds()]
    return Finding(
        "sessions",
        not wrong,
        f"too long: {', '.join(wrong)}" if wrong else "sessions end in time",
        "At most 24 h for a session, 2 h unused, 15 min for a fresh proof.",
    )


def _oidc(app: App) -> Finding:
    settings = app.settings
    if not settings.oidc_issuer:
        return Finding("oidc", True, "no identity provider is set")
    parts = urlsplit(settings.oidc_issuer)
    faults = []
    if parts.scheme != "https" and parts.hostname not in HERE:
        faults.append("the issuer is not https")
    if not settings.oidc_client:
        faults.append("oidc_client is missing")
    if settings.oidc_secret_file and not Path(settings.oidc_secret_file).is_file():
        faults.append("oidc_secret_file is not there")
    return Finding(
        "oidc", not faults, "; ".join(faults) or settings.oidc_issuer, "See docs/how-to/sign-in.md."
    )


def _mail(app: App) -> Finding:
    settings = app.settings
    ok = not settings.mail_host or "@" in settings.mail_from
    return Finding(
        "mail",
        ok,
        f"mail leaves through {settings.mail_host or 'nothing'} as {settings.mail_from or 'nobody'}",
        "Set mail_from beside mail_host.",
    )


def _sign_in(app: App) -> Finding:
    """Whether everybody shows who they are, and those whose consent binds do so with a passkey."""
    store = app.store
    if store.exercise:
        return Finding("sign-in", True, "an exercise; anybody may be named with --as")
    with store.begin(write=False) as work:
        people = [one for one in work.people.all() if one.roles]
        keys = {one.id: {each.kind for each in work.doors.credentials(one.id)} for one in people}
        is_on = app.settings.sign_in or store.noted("sign_in") == "on"
    if not is_on:
        return Finding(
            "sign-in",
            not people,
            f"{len(people)} people, and anybody may be named with --as",
            "staydown admin first NAME --agency CODE.",
        )
    faults = []
    if not any(Role.ADMINISTRATOR in one.roles and keys[one.id] for one in people):
        faults.append("no administrator can sign in")
    weak = [
        one.id
        for one in people
        if one.roles & PHISHING_RESISTANT and keys[one.id] and CredentialKind.PASSKEY not in keys[one.id]
    ]
    if weak:
        faults.append(f"without a passkey: {', '.join(weak[:5])}")
    half = [one.id for one in people if keys[one.id] == {CredentialKind.PASSWORD}]
    if half:
        faults.append(f"a password and nothing beside it: {', '.join(half[:5])}")
    return Finding(
        "sign-in",
        not faults,
        "; ".join(faults) or f"{sum(map(bool, keys.values()))} of {len(people)} people can sign in",
        "Invite them anew: staydown admin invite NAME.",
    )


def _walls(app: App) -> Finding:
    """Whether the database itself keeps agencies apart."""
    store = app.store
    if store.engine.dialect.name == "sqlite":
        return Finding(
            "walls", True, "SQLite has no walls between agencies; the table of rights stands alone"
        )
    from staydown.store.walls import ROLE, has_role, missing

    with store.engine.connect() as conn:
        faults = missing(conn)
        role = conn.execute(
            text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = :name"), {"name": ROLE}
        ).scalar_one_or_none()
        login = conn.execute(
            text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        ).scalar_one()
        if role:
            faults.append(f"the role {ROLE} bypasses them")
        elif login and not has_role(conn):
            faults.append(f"the login bypasses them and may not work as {ROLE}")
    return Finding(
        "walls",
        not faults,
        "; ".join(faults[:5]) or "row-level security is forced on every table that belongs to an agency",
        "Let the database's owner run: staydown doctor as a login that may create roles; see docs/how-to/postgresql.md.",
    )


def _transport(app: App) -> Finding:
    if not app.settings.database or app.store.engine.dialect.name == "sqlite":
        return Finding("transport", True, "the store is a file")
    url = make_url(app.settings.database)
    host = str(url.query.get("host", url.host or ""))
    is_here = not host or host.startswith("/") or host in HERE
    mode = str(url.query.get("sslmode", "prefer"))
    return Finding(
        "transport",
        is_here or mode in ENCRYPTED,
        f"{'this machine' if is_here else host}, sslmode {mode}",
        "Add ?sslmode=verify-full to the database's address.",
    )


def _roster(app: App) -> Finding:
    """Whether an alarm finds somebody on duty, at every agency that keeps a roster."""
    with app.store.begin(write=False) as work:
        now = work.now
        empty = [
            f"{one.code} {matter.value} from {gaps[0][0]:%Y-%m-%d %H:%M}Z"
            for one in work.people.agencies()
            if work.duties.listed(one.code, since=now)
            for matter in Matter
            if (gaps := _gaps(work, one.code, matter, now))
        ]
    return Finding(
        "roster",
        not empty,
        f"nobody on duty: {'; '.join(empty[:3])}" if empty else "no gap within seven days",
        "Fill the roster: POST /v1/duties.",
    )


def _gaps(work: Work, code: AgencyCode, matter: Matter, now: datetime) -> list[tuple[datetime, datetime]]:
    from staydown.flow.duty import gaps

    return gaps(work, code, matter, since=now, until=now + AHEAD)


def _seals(app: App) -> Finding:
    from staydown.core.time import EPOCH

    with app.store.begin(write=False) as work:
        hours = work.accesses.unsealed((work.now - UNSEALED - EPOCH) // timedelta(hours=1))
    return Finding(
        "seals",
        not hours,
        f"{len(hours)} hours of looks are not sealed" if hours else "all hours of looks are sealed",
        "Start a worker: staydown work.",
    )


def _orders(app: App) -> Finding:
    """Whether those who may issue orders can: a key, a time stamp, and what has to stand in an order."""
    with app.store.begin(write=False) as work:
        offices = [work.offices.get(one.code) for one in work.people.agencies()]
    issuing = [one for one in offices if one is not None and Competence.TCO_ISSUE in one.competences]
    if not issuing:
        return Finding("orders", True, "no agency here is set to issue orders")
    faults = [
        f"{one.agency} lacks {name}"
        for one in issuing
        for name in ("address", "tel", "email", "redress_body", "redress_deadline", "redress_law")
        if not getattr(one, name)
    ]
    settings = app.settings
    if not app.store.exercise:
        faults += [fault for one in issuing if (fault := _no_key(settings, one.agency))]
        if not settings.stamp_address:
            faults.append("no time-stamp authority is set")
    return Finding(
        "orders",
        not faults,
        "; ".join(faults) or f"{len(issuing)} agencies can issue orders",
        "staydown office set FILE; sign_key_file and stamp_address in staydown.toml (docs/how-to/issue-an-order.md).",
    )


def _no_key(settings: Settings, agency: str) -> str:
    """Why an agency's orders could not be signed, as far as that shows without signing."""
    from staydown.paper.keys import AGENCY

    if not settings.sign_key_file and not settings.sign_token_module:
        return f"no key signs orders of {agency}"
    named = (
        (settings.sign_token, settings.sign_token_key)
        if settings.sign_token_module
        else (settings.sign_key_file,)
    )
    if settings.sign_agency != agency and not any(AGENCY in one for one in named):
        return f"the key that is set is not the one of {agency}"
    path = settings.sign_key_file.replace(AGENCY, agency)
    return "" if settings.sign_token_module or Path(path).is_file() else f"the key of {agency} is not there"


CHECKS: dict[str, Callable[[App], Finding]] = {
    "files": _files,
    "address": _address,
    "sessions": _sessions,
    "oidc": _oidc,
    "mail": _mail,
    "sign-in": _sign_in,
    "walls": _walls,
    "transport": _transport,
    "roster": _roster,
    "seals": _seals,
    "orders": _orders,
}
