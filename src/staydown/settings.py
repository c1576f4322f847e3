"""Settings, read once: from `staydown.toml` in the home, then from the environment.

The defaults need no network: SQLite and a vault in one folder, and a courier that writes files.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path

from staydown.core.errors import Invalid, Outside

FILE = "staydown.toml"
PREFIX = "STAYDOWN_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set; durations in whole seconds in the file."""

    home: Path
    database: str = ""  #: a SQLAlchemy address; empty: SQLite in the home
    origin: str = ""  #: the ledger's name towards others; empty: made from the home's own id
    courier: str = "files"  #: outside an exercise: `files`, or `contact` for what each contact point says
    place: str = "here"  #: where checks are made from, such as NL
    mail_host: str = ""  #: the relay that takes our mail; empty: no mail leaves
    mail_port: int = 25  #: of the relay
    mail_from: str = ""  #: the address our mail comes from
    apart_s: int = 3600  #: two checks that agree on `offline` lie at least this far apart
    lines_per_request: int = 100  #: at most so many items in one request
    holds_per_agency: int = 500  #: in force at a time
    hold_days: int = 90  #: the longest hold
    counting: str = "1182/71"  #: how legal ends count; `1182/71-stretched`: 48 hours hold two working days
    questions_per_hour: int = 20  #: by agency
    lease_s: int = 9  #: longer than the longest possible send
    batch: int = 200  #: rows of work that a worker takes at a time
    sign_in: bool = False  #: whether persons sign in; `--as` is refused then
    address: str = "http://localhost:8017"  #: where browsers find the service; its host names the passkeys
    fresh_s: int = 300  #: so long a proof of who is there counts as fresh
    session_s: int = 43_200  #: after so long everybody signs in again
    idle_s: int = 1_800  #: a session that nobody uses ends after this
    oidc_issuer: str = ""  #: the agency's own identity provider; empty: none
    oidc_client: str = ""  #: our name there
    oidc_secret_file: str = ""  #: where our secret there is kept; empty: a public client
    sign_agency: str = ""  #: whose key the settings below name, unless they hold `{agency}` for each one's
    sign_key_file: str = ""  #: the key that signs real orders: PKCS#12, or PEM with its certificates
    sign_secret_file: str = ""  #: where its password, or the token's PIN, is kept
    sign_token_module: str = ""  #: the PKCS#11 library of a token that signs instead
    sign_token: str = ""  #: the token's label
    sign_token_key: str = ""  #: the label of key and certificate on it
    sign_roots_file: str = ""  #: certificates in PEM that signatures on forms may lead to
    stamp_address: str = ""  #: a time-stamp authority (RFC 3161) for signatures outside an exercise
    oidc_inside: bool = False  #: whether it stands inside the house, where nothing else may be fetched from

    @property
    def database_address(self) -> str:
        """The SQLAlchemy address in force."""
        return self.database or f"sqlite:///{self.home / 'staydown.sqlite'}"

    @property
    def apart(self) -> timedelta:
        """The least distance between two checks that agree."""
        return timedelta(seconds=self.apart_s)

    @property
    def lease(self) -> timedelta:
        """How long a worker may keep a row without a word."""
        return timedelta(seconds=self.lease_s)

    @property
    def outbox(self) -> Path:
        """Where the courier `files` puts what a person carries."""
        return self.home / "outbox"


def read_settings(home: Path, environ: Mapping[str, str] | None = None, **given: object) -> Settings:
    """Settings of a home; `given` beats the environment, which beats the file.

    Raises:
        Invalid: An unknown key (the nearest known one is named), or a value of the wrong type.
        Outside: The file cannot be read.
    """
    values: dict[str, object] = dict(_from_file(home / FILE))
    for key, text in (os.environ if environ is None else environ).items():
        if key.startswith(PREFIX) and (name := key.removeprefix(PREFIX).lower()) in _KINDS:
            values[name] = _from_text(name, text)
    values |= {name: value for name, value in given.items() if value is not None}
    return Settings(home=home, **values)  # type: ignore[arg-type]


_KINDS = {field.name: field.type for field in fields(Settings) if field.name != "home"}


def _from_file(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Outside(f"{path} cannot be read: {error}", permanent=True) from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{path} is no valid TOML: {error}") from error
    for name, value in values.items():
        if name not in _KINDS:
            near = difflib.get_close_matches(name, _KINDS, n=1)
            raise Invalid(
                f"{path} has an unknown key {name!r}", hint=f"Did you mean {near[0]!r}?" if near else None
            )
        if type(value).__name__ != _KINDS[name]:
            raise Invalid(f"{path}: {name} must be {_KINDS[name]}, not {type(value).__name__}")
    return values


def _from_text(name: str, text: str) -> object:
    kind = _KINDS[name]
    if kind == "int":
        if not text.isdecimal():
            raise Invalid(f"{PREFIX}{name.upper()} must be a whole number, not {text[:40]!r}")
        return int(text)
    if kind == "bool":
        if text.lower() not in {"0", "1", "true", "false"}:
            raise Invalid(f"{PREFIX}{name.upper()} must be true or false, not {text[:40]!r}")
        return text.lower() in {"1", "true"}
    return text
