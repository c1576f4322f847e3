"""Persons, how they sign in, and what programs may do for them, as they travel."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from staydown.core.house import CredentialKind, Strength
from staydown.core.rights import Role, Verb
from staydown.wire.base import Code, Fit, Given, Instant, Name, Number, Spoken, Text, Told

Word = Annotated[str, StringConstraints(pattern=r"^sd[stic]_[A-Za-z0-9_-]{43}$", max_length=47)]
"""A secret word."""
PersonName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]*([.-][a-z0-9]+)*$", min_length=1, max_length=40)
]
Label = Annotated[str, Fit, StringConstraints(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")]
OneTime = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Secret = Annotated[str, Fit, StringConstraints(min_length=1, max_length=1024)]
Mail = Annotated[str, StringConstraints(max_length=254, pattern=r"^([^\s@<>,;\x00]+@[^\s@<>,;\x00]+)?$")]
Credential = Annotated[dict[str, Any], Field(max_length=20)]
"""A browser's answer, as `PublicKeyCredential.toJSON()` writes it."""
Keep = Literal["word", "cookie"]
"""Whether the session's word comes in the answer, or in a cookie that scripts do not see."""


class Nothing(Given):
    """An empty object."""


class Challenged(Told):
    """What a browser is asked, and the word with which its answer comes back, once and within five minutes."""

    ceremony: Word
    options: dict[str, Any]


class PasskeyGiven(Given):
    """A passkey's answer."""

    ceremony: Word
    credential: Credential
    keep: Keep = "word"


class PasswordGiven(Given):
    """The fallback: name, password and one-time code."""

    person: Annotated[str, Fit, StringConstraints(min_length=1, max_length=40)]
    password: Secret
    code: Annotated[str, Fit, StringConstraints(min_length=1, max_length=10)]
    keep: Keep = "word"


class PasswordChanged(Given):
    """Another password, by whoever knows the present one."""

    present: Secret
    code: OneTime
    new: Secret
    end_others: bool = True


class SignedIn(Told):
    """Somebody is signed in."""

    word: Word | None = Field(description="Show it as `Authorization: Bearer`; null where a cookie keeps it.")
    person: str
    strength: Strength
    expires_at: datetime


class ProofGiven(Given):
    """Either a passkey's answer, or password and code: the same means as at sign-in."""

    ceremony: Word | None = None
    credential: Credential | None = None
    password: Secret | None = None
    code: OneTime | None = None


class Proved(Told):
    fresh_until: datetime


class SessionTold(Told):
    id: Number
    strength: Strength
    created_at: datetime
    used_at: datetime
    proved_at: datetime
    expires_at: datetime
    agent: str
    is_this: bool


class Ended(Told):
    ended: int


class InvitationGiven(Given):
    invitation: Word


class Invited(Told):
    """Whom an invitation is for, and by what the person may sign in."""

    person: str
    agency: Code
    means: list[CredentialKind]


class EnrolPasskey(InvitationGiven):
    ceremony: Word
    credential: Credential
    label: Label = ""


class EnrolPassword(InvitationGiven):
    password: Secret


class SeedTold(Told):
    """What goes into an authenticator app; shown this once."""

    ceremony: Word
    seed: str
    address: str


class EnrolCode(InvitationGiven):
    ceremony: Word
    code: OneTime


class Enrolled(Told):
    person: str


class PasskeyAdded(Given):
    ceremony: Word
    credential: Credential
    label: Label = ""


class CredentialTold(Told):
    id: Number
    kind: CredentialKind
    label: str
    created_at: datetime
    used_at: datetime | None


class Me(Told):
    """Who asks, and what opens to them by this way of asking."""

    person: str
    agency: Code
    roles: list[Role]
    lent: list[Role]
    verbs: list[Verb]
    strength: Strength | None
    fresh_until: datetime | None


class TokenGiven(Given):
    label: Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")]
    scope: Annotated[list[Verb], Field(min_length=1, max_length=len(Verb))]
    days: Annotated[int, Field(strict=True, ge=1, le=366)] = 90


class TokenTold(Told):
    id: Number
    person: str
    label: str
    scope: list[Verb]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class TokenMade(TokenTold):
    word: Word | None = Field(description="Shown this once; null where the answer is told again.")


class AgencyTold(Told):
    code: Code
    name: str


class AgencyGiven(Given):
    name: Name


class PersonGiven(Given):
    person: PersonName
    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
    mail: Mail = ""


class PersonChanged(Given):
    """What changes; what is left out stays."""

    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))] | None = None
    mail: Mail | None = None
    leaves_at: Instant | None = None


class PersonTold(Told):
    person: str
    agency: Code
    roles: list[Role]
    lent: list[Role]
    has_left: bool


class InvitationTold(Told):
    """Hand it to the person by another way than the one it opens."""

    person: str
    address: str | None = Field(
        description="With the word behind the #; null where the answer is told again."
    )
    expires_at: datetime


class DelegationGiven(Given):
    borrower: PersonName
    role: Role
    until: Instant
    reason: Spoken


class DelegationTold(Told):
    id: Number
    lender: str
    borrower: str
    role: Role
    from_at: datetime
    until_at: datetime
    reason: Text
    ended_at: datetime | None


class Rows(Told):
    """All there is."""


class Sessions(Rows):
    rows: list[SessionTold]


class Credentials(Rows):
    rows: list[CredentialTold]


class Tokens(Rows):
    rows: list[TokenTold]


class Agencies(Rows):
    rows: list[AgencyTold]


class Persons(Rows):
    rows: list[PersonTold]


class Delegations(Rows):
    rows: list[DelegationTold]


class ProviderAddress(Told):
    """Where a browser goes on; it comes back by itself."""

    address: str
