"""What the flow and the faces ask of the store about sign-in. All instants here are real time, in exercises too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from staydown.core.doors import Ceremony, Credential, Invitation, Session, Token
from staydown.core.house import CredentialKind, Strength
from staydown.core.ids import AgencyCode, CredentialId, PersonId, SessionId, TokenId
from staydown.core.people import Person
from staydown.core.rights import Verb


class Doors(Protocol):
    """Credentials, invitations, ceremonies, sessions, tokens and rates."""

    # --- sessions and tokens

    def open_session(
        self,
        person: PersonId,
        agency: AgencyCode,
        word: str,
        strength: Strength,
        *,
        ends_at: datetime,
        agent: str,
    ) -> SessionId:
        """Let somebody in; the proof is fresh."""

    def session(self, word: str) -> Session | None:
        """The session that a word opens; None where none does, or it has ended."""

    def session_of(self, number: SessionId) -> Session | None:
        """An open session by its number."""

    def sessions(self, person: PersonId) -> list[Session]:
        """A person's open sessions, newest first."""

    def used_session(self, number: SessionId) -> None:
        """Note that a session is in use."""

    def proved(self, number: SessionId) -> None:
        """Note that the person has just proved to be there."""

    def end_sessions(self, person: PersonId, *, only: SessionId | None = None) -> int:
        """End a person's sessions, or one of them; gives how many were open."""

    def make_token(
        self,
        person: PersonId,
        agency: AgencyCode,
        word: str,
        *,
        label: str,
        scope: frozenset[Verb],
        ends_at: datetime,
    ) -> TokenId:
        """Let a program act for a person."""

    def token(self, word: str) -> Token | None:
        """The token that a word is; None where it is none, or has ended."""

    def token_of(self, number: TokenId) -> Token | None:
        """An open token by its number."""

    def tokens(self, person: PersonId) -> list[Token]:
        """A person's open tokens, newest first."""

    def used_token(self, number: TokenId) -> None:
        """Note that a token is in use."""

    def end_tokens(self, person: PersonId, *, only: TokenId | None = None) -> int:
        """End a person's tokens, or one of them; gives how many were open."""

    # --- credentials

    def add_credential(
        self,
        person: PersonId,
        agency: AgencyCode,
        kind: CredentialKind,
        identifier: str,
        secret: bytes,
        *,
        label: str = "",
        counter: int = 0,
    ) -> CredentialId:
        """Note by what a person signs in.

        Raises:
            Invalid: Somebody signs in by that already.
        """

    def credential(self, kind: CredentialKind, identifier: str) -> Credential | None:
        """What is in force under an identifier."""

    def lock(self, person: PersonId) -> None:
        """One at a time from here to the commit: who changes what this person signs in by."""

    def credentials(self, person: PersonId) -> list[Credential]:
        """Everything that a person signs in by, oldest first."""

    def count_up(self, number: CredentialId, counter: int) -> bool:
        """Note a use; False, and nothing is written, where the counter does not lie behind the last one.

        A counter of 0 both before and now is a passkey that does not count, and passes.
        """

    def end_credentials(self, person: PersonId, *, only: CredentialId | None = None) -> int:
        """End what a person signs in by; gives how many were in force."""

    def administrators(self, agency: AgencyCode) -> list[Person]:
        """An agency's administrators who can sign in."""

    # --- invitations and ceremonies

    def invite(
        self, person: PersonId, agency: AgencyCode, word: str, *, by: PersonId | None, ends_at: datetime
    ) -> int:
        """Ask a person to say by what they sign in; earlier invitations of theirs end."""

    def invitation(self, word: str) -> Invitation | None:
        """The invitation that a word is, if it is open."""

    def use_invitation(self, number: int) -> bool:
        """Take an invitation, once; False where somebody was faster."""

    def begin_ceremony(
        self, word: str, kind: str, facts: Mapping[str, str], *, person: PersonId | None, ends_at: datetime
    ) -> None:
        """Remember what began; whatever ran out is forgotten."""

    def end_ceremony(self, word: str, kind: str) -> Ceremony | None:
        """Take what began, once; None where it is unknown, of another kind, taken already, or too old."""

    # --- rates

    def draw(self, bucket: str, *, rate_per_s: float, burst: float, count: float = 1) -> timedelta | None:
        """Take from a bucket that fills by itself; None if there was enough, else how long until there is."""

    def forget_full(self) -> int:
        """Forget buckets that have long been full again; gives how many."""

    def note_sign_in(self) -> None:
        """Note in the store that persons sign in from now on."""


# --- the means of proof, which stand outside the flow -------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A passkey that was just registered."""

    identifier: str
    public: bytes
    counter: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a browser is asked, and the challenge that its answer has to carry."""

    challenge: str
    options: Mapping[str, object]


class Passkeys(Protocol):
    """Asks for passkeys and reads the answers (WebAuthn, level 3)."""

    def to_register(self, person: PersonId, *, handle: bytes, known: Sequence[str]) -> Challenge:
        """What asks a browser to make a passkey."""

    def registered(self, answer: Mapping[str, object], challenge: str) -> NewKey:
        """The passkey that an answer brings.

        Raises:
            Refused: Another challenge, origin or relying party, nobody verified, or nonsense.
        """

    def to_sign_in(self, *, known: Sequence[str]) -> Challenge:
        """What asks a browser to use a passkey: one of these, or any where none is named."""

    def identifier(self, answer: Mapping[str, object]) -> str:
        """Which passkey an answer says it is; empty where it says none."""

    def counted(self, answer: Mapping[str, object], challenge: str, public: bytes) -> int:
        """The counter of a good answer.

        Raises:
            Refused: Another challenge, origin or relying party, nobody verified, a wrong signature, or nonsense.
        """


class Passwords(Protocol):
    """Hashes passwords slowly."""

    def hashed(self, password: str) -> bytes:
        """What is stored of a password."""

    def fits(self, password: str, stored: bytes | None) -> bool:
        """Whether it is the one that was stored; the same work where nothing is."""

    def weakness(self, password: str, names: Sequence[str]) -> str | None:
        """Why a password must not be used; None if it may."""


class Sealed(Protocol):
    """Closes small secrets under a key that lies outside the database."""

    def seal(self, secret: bytes, purpose: str) -> bytes:
        """The secret, closed."""

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """The secret, open again.

        Raises:
            Broken: It was changed, or closed under another key.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What an identity provider says about somebody who has just been there."""

    issuer: str
    subject: str
    auth_time: datetime | None


class IdentityProvider(Protocol):
    """The agency's own identity provider (OpenID Connect, code flow with PKCE)."""

    def begin(self, facts: Mapping[str, str], *, anew: bool) -> str:
        """The address to send a browser to; `anew` asks for a fresh proof."""

    def facts(self) -> dict[str, str]:
        """New state, nonce and verifier for one flow."""

    def claims(self, facts: Mapping[str, str], returned: Mapping[str, str], now: datetime) -> Claims:
        """Who came back.

        Raises:
            Refused: Anything does not fit.
            Outside: The identity provider gave trouble.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Everything by which a person proves who is there."""

    passkeys: Passkeys
    passwords: Passwords
    sealed: Sealed
    provider: IdentityProvider | None  #: None where none is set
