"""What the doctor looks at; each finding says what to do."""

from __future__ import annotations

import ipaddress
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING

from staydown.cli import doctor_house
from staydown.cli.findings import Finding
from staydown.core.errors import Invalid, StaydownError

if TYPE_CHECKING:
    from staydown.app import App

CLOCK_APART = timedelta(seconds=2)
"""How far clocks may be apart."""
ROOM_BYTES = 512 * 1024 * 1024


def examine(app: App) -> Iterator[Finding]:
    """Look at everything; a check that cannot be made is itself a finding."""
    for name, check in CHECKS.items():
        try:
            yield check(app)
        except StaydownError as error:
            yield Finding(name, False, str(error), error.hint)
        except OSError as error:
            yield Finding(
                name, False, f"{error.strerror}: {error.filename}", "Check the disk and its rights."
            )


def _python(app: App) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "python", sys.version_info >= (3, 11), f"Python {version}", "Install Python 3.11 or newer."
    )


def _mail_headers(app: App) -> Finding:
    """Encoded words that smuggle a line break: some Python releases write a real extra header, so our own check must not
    let them pass."""
    from staydown.plugs.couriers.mail.letter import checked

    smuggled = "=?utf-8?q?a=0D=0AX-Added=3A_b?="
    try:
        checked("Subject", smuggled)
    except Invalid:
        is_refused = True
    else:
        is_refused = False
    message = EmailMessage(policy=SMTP)
    try:
        message["Subject"] = smuggled
        is_open = b"\nX-Added:" in message.as_bytes()
    except ValueError:
        is_open = False
    python = (
        "this Python lets encoded words add headers" if is_open else "this Python refuses such headers too"
    )
    return Finding(
        "mail-headers",
        is_refused,
        f"our own check refuses smuggled headers; {python}"
        if is_refused
        else f"smuggled headers pass; {python}",
        "Send no mail with this installation, and report this.",
    )


def _address_table(app: App) -> Finding:
    """Whether our own address table refuses what this Python calls public."""
    from staydown.fetch.addresses import is_public

    inside = ("64:ff9b::7f00:1", "::127.0.0.1", "3fff::1", "100.64.0.1", "192.0.0.8", "::ffff:10.0.0.1")
    wrong = [text for text in inside if is_public(ipaddress.ip_address(text))]
    fooled = sum(ipaddress.ip_address(text).is_global for text in inside)
    detail = f"our table refuses all; this Python calls {fooled} of {len(inside)} public"
    return Finding(
        "address-table",
        not wrong,
        detail if not wrong else f"called public: {', '.join(wrong)}",
        "Report this.",
    )


def _home(app: App) -> Finding:
    home = app.settings.home
    is_writable = os.access(home if home.exists() else home.absolute().parent, os.W_OK)
    return Finding("home", is_writable, str(home.absolute()), "Give this account the right to write there.")


def _disk(app: App) -> Finding:
    free = shutil.disk_usage(app.settings.home.absolute().parent).free
    return Finding(
        "disk", free > ROOM_BYTES, f"{free // 2**20} MiB free", "Make room: a full disk stops every dispatch."
    )


def _store(app: App) -> Finding:
    store = app.store
    kind = "an exercise" if store.exercise else "real"
    return Finding("store", True, f"{store.engine.dialect.name}, {kind}, origin {store.origin}")


def _durability(app: App) -> Finding:
    engine = app.store.engine
    with engine.connect() as conn:
        if engine.dialect.name == "sqlite":
            mode = conn.exec_driver_sql("PRAGMA journal_mode").scalar_one()
            level = conn.exec_driver_sql("PRAGMA synchronous").scalar_one()
            return Finding(
                "durability",
                (mode, level) == ("wal", 2),
                f"journal {mode}, synchronous {level}",
                "Expected wal and 2.",
            )
        level = conn.exec_driver_sql("SHOW synchronous_commit").scalar_one()
    return Finding(
        "durability", level != "off", f"synchronous_commit {level}", "Switch synchronous_commit on."
    )


def _clock(app: App) -> Finding:
    """Whether this machine's clock fits the database server's and does not lie before what is on record."""
    store = app.store
    ahead, behind = store.clock_ahead(), store.written_until() - store.real_now()
    hint = "Set the clock and keep it set (NTP): deadlines do not move, but ring early or late."
    if abs(ahead) > CLOCK_APART:
        way = "ahead of" if ahead > timedelta(0) else "behind"
        return Finding(
            "clock", False, f"{abs(ahead).total_seconds():.1f} s {way} the database server's clock", hint
        )
    if behind > CLOCK_APART:
        return Finding("clock", False, f"{behind.total_seconds():.1f} s before the newest record", hint)
    near = (
        "" if store.engine.dialect.name == "sqlite" else f"{ahead.total_seconds():+.1f} s to the server's, "
    )
    return Finding("clock", True, f"{near}not before the newest record")


def _key(app: App) -> Finding:
    mode = app.key_file.stat().st_mode & 0o777
    return Finding("key", mode & 0o077 == 0, f"{app.key_file.name} has rights {mode:o}", "chmod 600 it.")


def _ledger(app: App) -> Finding:
    from staydown.flow.audit import verify

    with app.store.begin(write=False) as work:
        found = verify(work, app.vault, public=app.store.public_key)
    detail = found.broken[0] if found.broken else f"{found.size} entries and {found.checked} hashes fit"
    return Finding(
        "ledger", not found.broken, detail, "Stop, keep everything as it is, call the person responsible."
    )


def _keys(app: App) -> Finding:
    """Whether the store's keys were made under today's rules of identity."""
    from staydown.app import RULES_FACT

    known = app.store.noted(RULES_FACT)
    detail = f"made under rules {known or 'unknown'}, today's are {app.rules}"
    return Finding("keys", known == app.rules, detail, "Make a backup, then: staydown rekey.")


def _queue(app: App) -> Finding:
    with app.store.begin(write=False) as work:
        waiting, due, now = work.queue.waiting(), work.queue.next_due(), work.now
    late = due is not None and (now - due).total_seconds() > 300
    return Finding(
        "queue", not late, f"{waiting} rows are due", "Start a worker: staydown work." if late else ""
    )


CHECKS: dict[str, Callable[[App], Finding]] = {
    "python": _python,
    "mail-headers": _mail_headers,
    "address-table": _address_table,
    "home": _home,
    "disk": _disk,
    "store": _store,
    "durability": _durability,
    "clock": _clock,
    "key": _key,
    "ledger": _ledger,
    "queue": _queue,
    "keys": _keys,
    **doctor_house.CHECKS,
}
