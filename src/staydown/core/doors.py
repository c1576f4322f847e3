"""Nouns of the door: how persons come in, and for how long."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from staydown.core.house import CredentialKind, Strength
from staydown.core.ids import AgencyCode, CredentialId, PersonId, SessionId, TokenId
from staydown.core.rights import Verb


class Prefix(StrEnum):
    """What a secret word opens, readable at its beginning, so that a scanner finds words that leaked."""

    SESSION = "sds_"
    TOKEN = "sdt_"  # noqa: S105  # a prefix
    INVITATION = "sdi_"
    CEREMONY = "sdc_"


def new_word(prefix: Prefix) -> str:
    """A secret of 256 random bits, never stored as such."""
    return prefix + secrets.token_urlsafe(32)


def digest(word: str) -> bytes:
    """What is stored of a secret word; 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody is signed in."""

    id: SessionId
    person: PersonId
    agency: AgencyCode
    strength: Strength
    created_at: datetime
    used_at: datetime
    proved_at: datetime  #: the last fresh proof of who is there
    expires_at: datetime  #: not included
    agent: str  #: what the browser says it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A word with which a program acts for a person."""

    id: TokenId
    person: PersonId
    agency: AgencyCode
    label: str
    scope: frozenset[Verb]
    created_at: datetime
    expires_at: datetime  #: not included
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """By what a person shows who is there."""

    id: CredentialId
    person: PersonId
    agency: AgencyCode
    kind: CredentialKind
    label: str
    identifier: str
    secret: bytes
    counter: int
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A person is asked to say by what they sign in."""

    id: int
    person: PersonId
    agency: AgencyCode
    by: PersonId | None  #: nobody for the first administrator
    expires_at: datetime  #: not included


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceremony:
    """Something that began in a browser and has to end there, once and soon."""

    kind: str
    person: PersonId | None
    facts: Mapping[str, str]
    expires_at: datetime  #: not included
