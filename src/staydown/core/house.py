"""Words of the house: how one signs in, who looked at what, who is on duty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from staydown.core.ids import AgencyCode, AlarmId, DutyId, PersonId
from staydown.core.rights import Verb


class CredentialKind(StrEnum):
    """By what a person shows who is there."""

    PASSKEY = "passkey"  #: a key pair that never leaves its holder (WebAuthn)
    OIDC = "oidc"  #: an account at the agency's own identity provider
    PASSWORD = "password"  # noqa: S105  #: only together with the next one
    TOTP = "totp"  #: a one-time code by time (RFC 6238)


class Strength(StrEnum):
    """What a sign-in rested on."""

    PASSKEY = "passkey"  #: resists phishing
    OIDC = "oidc"  #: as strong as the agency's own identity provider
    PASSWORD_TOTP = "password-totp"  # noqa: S105  #: the fallback


class AccessKind(StrEnum):
    """What was done with personal data (Directive (EU) 2016/680, Art. 25(1))."""

    COLLECTION = "collection"
    ALTERATION = "alteration"
    CONSULTATION = "consultation"
    DISCLOSURE = "disclosure"  #: transfers included
    COMBINATION = "combination"
    ERASURE = "erasure"


class Matter(StrEnum):
    """What somebody is on duty for."""

    ALARM = "alarm"  #: a duty of our own runs out, a send failed for good, a record does not verify
    LIFE = "life"  #: a threat to life (Regulation (EU) 2021/784, Art. 14(5))


class AlarmState(StrEnum):
    """How an alarm stands."""

    OPEN = "open"  #: nobody has taken it; it goes on to the next on duty
    TAKEN = "taken"  #: a person answers for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Somebody is on duty from one instant to another."""

    id: DutyId
    agency: AgencyCode
    person: PersonId
    matter: Matter
    rank: int  #: 1 is called first
    from_at: datetime
    until_at: datetime  #: not included


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that a person has to answer for now."""

    id: AlarmId
    agency: AgencyCode
    matter: Matter
    subject: str  #: what it is about, as `noun:id`
    text: str
    raised_at: datetime
    state: AlarmState
    taken_by: PersonId | None = None
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Somebody on duty was called about an alarm."""

    person: PersonId
    at: datetime
    means: str  #: `mail`, or `desk` where only the list of alarms shows it
    reached: bool  #: handed over to the means; not that it was read
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One look at sensitive data, or another use of it."""

    number: int
    at: datetime
    kind: AccessKind
    person: PersonId
    agency: AgencyCode
    verb: Verb
    subjects: tuple[str, ...]
    count: int
    purpose: str
    recipient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessHour:
    """The seal on an hour of looks."""

    hour: int  #: hours since 1970
    rows: int
    digest: bytes  #: SHA-256 over the canonical rows; the same stands in the ledger
