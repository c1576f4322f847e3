"""`doctor --strict` fails on each of a list of planted misconfigurations, and on nothing else."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from staydown.app import App, open_app
from staydown.cli import doctor
from staydown.core.house import AccessKind, CredentialKind, Matter
from staydown.core.ids import AgencyCode, PersonId
from staydown.core.people import Person, Role
from staydown.core.rights import Verb
from staydown.store.engine import make_engine

Plant = Callable[[App, pytest.MonkeyPatch], None]
AA = AgencyCode("AA")


@pytest.fixture
def house(tmp_path: Path, database: str | None) -> App:
    """A real home, set up as it should be: an administrator with a passkey, and an approver with one."""
    home = tmp_path / "home"
    home.mkdir(mode=0o750)
    app = open_app(home, database=database)
    app.__dict__["store"] = app.make(exercise=False, origin="doctor.example")
    with app.store.begin() as work:
        work.people.add_agencies([AA])
        for name, role in (("ada", Role.ADMINISTRATOR), ("bob", Role.APPROVER), ("alice", Role.ANALYST)):
            work.people.add(Person(id=PersonId(name), agency=AA, roles=frozenset({role})))
            work.doors.add_credential(
                PersonId(name), AA, CredentialKind.PASSKEY, identifier=f"key-{name}", secret=b"a public key"
            )
        work.doors.note_sign_in()
    return app


def _findings(app: App) -> dict[str, doctor.Finding]:
    return {one.check: one for one in doctor.examine(app)}


def _set(app: App, **changed: object) -> None:
    app.settings = replace(app.settings, **changed)  # type: ignore[arg-type]


def _end_keys(app: App, who: str) -> None:
    with app.store.begin() as work:
        work.doors.end_credentials(PersonId(who))


def _password_only(app: App, who: str, *, totp: bool) -> None:
    _end_keys(app, who)
    with app.store.begin() as work:
        for kind in (CredentialKind.PASSWORD, CredentialKind.TOTP)[: 1 + totp]:
            work.doors.add_credential(PersonId(who), AA, kind, identifier=who, secret=b"made up")


def _write(path: Path, mode: int, words: str = "") -> None:
    path.write_text(words)
    path.chmod(mode)


def _gap(app: App, _: pytest.MonkeyPatch) -> None:
    with app.store.begin() as work:
        work.duties.add(
            AA, PersonId("bob"), Matter.ALARM, rank=1, from_at=work.now,
            until_at=work.now + timedelta(days=2), by=PersonId("bob"),
        )  # fmt: skip


def _keyless(app: App, _: pytest.MonkeyPatch) -> None:
    from staydown.core.order import Competence, Office

    office = Office(
        agency=AA,
        state="BE",
        kind="other",
        name="Made-up Unit",
        competences=frozenset({Competence.TCO_ISSUE}),
    )
    with app.store.begin() as work:
        work.offices.set(office, by=PersonId("ada"))


def _unsealed(app: App, _: pytest.MonkeyPatch) -> None:
    from staydown.store.tables_house import accesses

    with app.store.begin() as work:
        who = work.people.get(PersonId("bob"))
        work.accesses.note(
            AccessKind.CONSULTATION, who, Verb.SEE_REQUESTS, ["request:1"], count=1, purpose="x"
        )
        work.conn.execute(accesses.update().values(hour=accesses.c.hour - 5))


def _late(app: App, _: pytest.MonkeyPatch) -> None:
    from staydown.ports.work import WorkKind

    with app.store.begin() as work:
        work.queue.add(WorkKind.CHECK, [1], due_at=work.now - timedelta(hours=1))


def _edited(app: App, _: pytest.MonkeyPatch) -> None:
    engine = make_engine(app.settings.database_address)
    with engine.begin() as conn:
        conn.execute(text("UPDATE ledger_entries SET entry = :bytes WHERE n = 0"), {"bytes": b'{"n":0}'})
    engine.dispose()


def _checked(monkeypatch: pytest.MonkeyPatch) -> None:
    from staydown.plugs.couriers.mail import letter

    monkeypatch.setattr(letter, "checked", lambda name, value: value)


def _believed(monkeypatch: pytest.MonkeyPatch) -> None:
    from staydown.fetch import addresses

    monkeypatch.setattr(addresses, "is_public", lambda ip: ipaddress.ip_address(str(ip)).is_global)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


PLANTED: dict[str, tuple[str, Plant]] = {
    "ledger key readable by others": ("files", lambda app, _: app.key_file.chmod(0o644)),
    "another key readable by the group": (
        "files",
        lambda app, _: _write(app.key_file.with_name("seal.key"), 0o640),
    ),
    "key that signs forms readable by others": (
        "files",
        lambda app, _: _write(_made(app.settings.home / "keys" / "paper") / "agency-AA.pem", 0o644),
    ),
    "its password readable by everybody": (
        "files",
        lambda app, _: (
            _write(app.settings.home / "pin", 0o644, "made up"),
            _set(app, sign_secret_file=str(app.settings.home / "pin")),
        )[0],
    ),
    "home writable by everybody": ("files", lambda app, _: app.settings.home.chmod(0o777)),
    "settings writable by everybody": (
        "files",
        lambda app, _: _write(app.settings.home / "staydown.toml", 0o646),
    ),
    "oidc secret readable by everybody": (
        "files",
        lambda app, _: (
            _write(app.settings.home / "oidc", 0o644, "made up"),
            _set(app, oidc_secret_file=str(app.settings.home / "oidc")),
        )[0],
    ),
    "address in clear": ("address", lambda app, _: _set(app, address="http://staydown.example")),
    "address with a path": ("address", lambda app, _: _set(app, address="https://staydown.example/app")),
    "address of no scheme": ("address", lambda app, _: _set(app, address="staydown.example")),
    "sessions of a week": ("sessions", lambda app, _: _set(app, session_s=7 * 86_400)),
    "sessions that never idle out": ("sessions", lambda app, _: _set(app, idle_s=0)),
    "proof that stays fresh all day": ("sessions", lambda app, _: _set(app, fresh_s=86_400)),
    "identity provider in clear": (
        "oidc",
        lambda app, _: _set(app, oidc_issuer="http://id.example", oidc_client="staydown"),
    ),
    "identity provider without our name": (
        "oidc",
        lambda app, _: _set(app, oidc_issuer="https://id.example"),
    ),
    "identity provider whose secret is gone": (
        "oidc",
        lambda app, _: _set(
            app, oidc_issuer="https://id.example", oidc_client="staydown", oidc_secret_file="/nowhere/secret"
        ),
    ),
    "mail from nobody": ("mail", lambda app, _: _set(app, mail_host="mail.example")),
    "nobody administers": ("sign-in", lambda app, _: _end_keys(app, "ada")),
    "an approver by password": ("sign-in", lambda app, _: _password_only(app, "bob", totp=True)),
    "a password and no second factor": ("sign-in", lambda app, _: _password_only(app, "alice", totp=False)),
    "nobody on duty": ("roster", _gap),
    "looks that are not sealed": ("seals", _unsealed),
    "orders without a key": ("orders", _keyless),
    "no worker": ("queue", _late),
    "ledger changed": ("ledger", _edited),
    "rules of another release": ("keys", lambda app, _: app.store.note("rules", "0")),
    "clock behind the record": (
        "clock",
        lambda app, _: setattr(
            app.store,
            "real_now",
            lambda: datetime(2020, 1, 1, tzinfo=UTC),
        ),
    ),
    "mail headers not checked": ("mail-headers", lambda app, patch: _checked(patch)),
    "Python's word on addresses believed": ("address-table", lambda app, patch: _believed(patch)),
}
ON_POSTGRES: dict[str, tuple[str, str]] = {
    "a table without walls": ("walls", "ALTER TABLE sightings DISABLE ROW LEVEL SECURITY"),
    "walls that spare the owner": ("walls", "ALTER TABLE holds NO FORCE ROW LEVEL SECURITY"),
    "a rule that lets everybody in": ("walls", "CREATE POLICY open ON requests USING (true)"),
    "a wall taken down": ("walls", "DROP POLICY staydown_wall ON accesses"),
}


def test_a_house_in_order_has_nothing_to_hide(house: App) -> None:
    wrong = {name: one.detail for name, one in _findings(house).items() if not one.ok}
    assert wrong == {}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_fault_is_found(house: App, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    check, plant = PLANTED[what]
    assert _findings(house)[check].ok
    plant(house, monkeypatch)
    found = _findings(house)[check]
    assert not found.ok
    assert found.hint


@pytest.mark.parametrize("what", ON_POSTGRES)
def test_a_fault_planted_in_postgresql_is_found(house: App, database: str | None, what: str) -> None:
    if database is None:
        pytest.skip("SQLite has no walls")
    check, statement = ON_POSTGRES[what]
    assert _findings(house)[check].ok
    with house.store.engine.begin() as conn:
        conn.execute(text(statement))
    assert not _findings(house)[check].ok


def test_a_database_far_away_in_clear_is_found(house: App, database: str | None) -> None:
    if database is None:
        pytest.skip("the store is a file")
    assert _findings(house)["transport"].ok
    _set(house, database="postgresql://staydown@db.example/staydown")
    assert not _findings(house)["transport"].ok
    _set(house, database="postgresql://staydown@db.example/staydown?sslmode=verify-full")
    assert _findings(house)["transport"].ok


def test_strict_ends_with_eight(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "staydown", "--home", str(home)]
    subprocess.run([*command, "init"], check=True, capture_output=True)
    subprocess.run([*command, "person", "add", "alice", "--agency", "AA"], check=True, capture_output=True)
    done = subprocess.run([*command, "doctor", "--strict", "--json"], capture_output=True, text=True)
    rows = {row["check"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 8
    assert not rows["sign-in"]["ok"]
    assert "--as" in rows["sign-in"]["detail"]
