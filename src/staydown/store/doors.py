"""How persons come in, in the store. All instants here are real time, in exercises too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, TextClause, delete, insert, literal, select, text, update

from staydown.core.doors import Ceremony, Credential, Invitation, Session, Token, digest
from staydown.core.errors import Invalid
from staydown.core.house import CredentialKind, Strength
from staydown.core.ids import AgencyCode, CredentialId, PersonId, SessionId, TokenId
from staydown.core.people import Person
from staydown.core.rights import Role, Verb
from staydown.core.time import micros
from staydown.store.people import People
from staydown.store.sets import for_update, is_sqlite, upsert
from staydown.store.tables import meta, persons
from staydown.store.tables_house import ceremonies, credentials, invitations, rates, sessions, tokens
from staydown.store.walls import across

SIGN_IN = "sign_in"
"""The fact of a store that says whether persons sign in."""
FULL_AFTER = timedelta(days=2)
"""Buckets that nobody drew from for so long are full again, and forgotten."""


class Doors:
    """Credentials, invitations, ceremonies, sessions, tokens and rates."""

    def __init__(self, conn: Connection, now: datetime, real_now: datetime) -> None:
        self._conn, self._now, self._real_now = conn, now, real_now

    # --- sessions ---------------------------------------------------------------------------------

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
        at = self._real_now
        made = insert(sessions).values(
            hash=digest(word),
            person=person,
            agency=agency,
            strength=strength.value,
            created_at=at,
            used_at=at,
            proved_at=at,
            expires_at=ends_at,
            agent=agent[:200],
        )
        return SessionId(self._conn.execute(made.returning(sessions.c.id)).scalar_one())

    def session(self, word: str) -> Session | None:
        """The session that a word opens; None where none does, or it has ended."""
        return next(iter(self._sessions(sessions.c.hash == digest(word))), None)

    def session_of(self, number: SessionId) -> Session | None:
        """An open session by its number."""
        return next(iter(self._sessions(sessions.c.id == number)), None)

    def sessions(self, person: PersonId) -> list[Session]:
        """A person's open sessions, newest first."""
        return self._sessions(sessions.c.person == person)

    def _sessions(self, which: Any) -> list[Session]:
        is_open = sessions.c.ended_at.is_(None) & (sessions.c.expires_at > self._real_now)
        rows = self._conn.execute(select(sessions).where(which, is_open).order_by(sessions.c.id.desc()))
        return [
            Session(
                id=SessionId(row.id),
                person=PersonId(row.person),
                agency=AgencyCode(row.agency),
                strength=Strength(row.strength),
                created_at=row.created_at,
                used_at=row.used_at,
                proved_at=row.proved_at,
                expires_at=row.expires_at,
                agent=row.agent,
            )
            for row in rows
        ]

    def used_session(self, number: SessionId) -> None:
        """Note that a session is in use."""
        self._conn.execute(update(sessions).where(sessions.c.id == number).values(used_at=self._real_now))

    def proved(self, number: SessionId) -> None:
        """Note that the person has just proved to be there."""
        at = self._real_now
        self._conn.execute(update(sessions).where(sessions.c.id == number).values(used_at=at, proved_at=at))

    def end_sessions(self, person: PersonId, *, only: SessionId | None = None) -> int:
        """End a person's sessions, or one of them; gives how many were open."""
        return self._end(sessions, person, only)

    # --- tokens -----------------------------------------------------------------------------------

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
        made = insert(tokens).values(
            hash=digest(word),
            person=person,
            agency=agency,
            label=label,
            scope=" ".join(sorted(verb.value for verb in scope)),
            created_at=self._real_now,
            expires_at=ends_at,
        )
        return TokenId(self._conn.execute(made.returning(tokens.c.id)).scalar_one())

    def token(self, word: str) -> Token | None:
        """The token that a word is; None where it is none, or has ended."""
        return next(iter(self._tokens(tokens.c.hash == digest(word))), None)

    def token_of(self, number: TokenId) -> Token | None:
        """An open token by its number."""
        return next(iter(self._tokens(tokens.c.id == number)), None)

    def tokens(self, person: PersonId) -> list[Token]:
        """A person's open tokens, newest first."""
        return self._tokens(tokens.c.person == person)

    def _tokens(self, which: Any) -> list[Token]:
        is_open = tokens.c.ended_at.is_(None) & (tokens.c.expires_at > self._real_now)
        rows = self._conn.execute(select(tokens).where(which, is_open).order_by(tokens.c.id.desc()))
        return [
            Token(
                id=TokenId(row.id),
                person=PersonId(row.person),
                agency=AgencyCode(row.agency),
                label=row.label,
                scope=frozenset(Verb(word) for word in row.scope.split()),
                created_at=row.created_at,
                expires_at=row.expires_at,
                used_at=row.used_at,
            )
            for row in rows
        ]

    def used_token(self, number: TokenId) -> None:
        """Note that a token is in use."""
        self._conn.execute(update(tokens).where(tokens.c.id == number).values(used_at=self._real_now))

    def end_tokens(self, person: PersonId, *, only: TokenId | None = None) -> int:
        """End a person's tokens, or one of them; gives how many were open."""
        return self._end(tokens, person, only)

    # --- credentials ------------------------------------------------------------------------------

    @across
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
        if self.credential(kind, identifier):
            raise Invalid("somebody signs in by that already", hint="Use another one.")
        made = insert(credentials).values(
            person=person,
            agency=agency,
            kind=kind.value,
            label=label,
            identifier=identifier,
            secret=secret,
            counter=counter,
            created_at=self._real_now,
        )
        return CredentialId(self._conn.execute(made.returning(credentials.c.id)).scalar_one())

    def credential(self, kind: CredentialKind, identifier: str) -> Credential | None:
        """What is in force under an identifier."""
        which = (credentials.c.kind == kind.value) & (credentials.c.identifier == identifier)
        return next(iter(self._credentials(which)), None)

    def lock(self, person: PersonId) -> None:
        """One at a time from here to the commit: who changes what this person signs in by."""
        self._conn.execute(for_update(self._conn, select(persons.c.id).where(persons.c.id == person)))

    def credentials(self, person: PersonId) -> list[Credential]:
        """Everything that a person signs in by, oldest first."""
        return self._credentials(credentials.c.person == person)

    def _credentials(self, which: Any) -> list[Credential]:
        rows = self._conn.execute(
            select(credentials).where(which, credentials.c.ended_at.is_(None)).order_by(credentials.c.id)
        )
        return [
            Credential(
                id=CredentialId(row.id),
                person=PersonId(row.person),
                agency=AgencyCode(row.agency),
                kind=CredentialKind(row.kind),
                label=row.label,
                identifier=row.identifier,
                secret=row.secret,
                counter=row.counter,
                created_at=row.created_at,
                used_at=row.used_at,
            )
            for row in rows
        ]

    def count_up(self, number: CredentialId, counter: int) -> bool:
        """Note a use; False, and nothing is written, where the counter does not lie behind the last one.

        A counter of 0 both before and now is a passkey that does not count, and passes.
        """
        does_not_count = (credentials.c.counter == 0) & (literal(counter) == 0)
        later = (credentials.c.counter < counter) | does_not_count
        done = self._conn.execute(
            update(credentials)
            .where(credentials.c.id == number, credentials.c.ended_at.is_(None), later)
            .values(counter=counter, used_at=self._real_now)
        )
        return done.rowcount == 1

    def end_credentials(self, person: PersonId, *, only: CredentialId | None = None) -> int:
        """End what a person signs in by; gives how many were in force."""
        return self._end(credentials, person, only)

    def administrators(self, agency: AgencyCode) -> list[Person]:
        """An agency's administrators who can sign in."""
        everybody = People(self._conn, self._now).all(agency=agency)
        return [one for one in everybody if Role.ADMINISTRATOR in one.roles and self.credentials(one.id)]

    # --- invitations and ceremonies -----------------------------------------------------------------

    def invite(
        self, person: PersonId, agency: AgencyCode, word: str, *, by: PersonId | None, ends_at: datetime
    ) -> int:
        """Ask a person to say by what they sign in; earlier invitations of theirs end."""
        earlier = (invitations.c.person == person) & invitations.c.used_at.is_(None)
        self._conn.execute(update(invitations).where(earlier).values(used_at=self._real_now))
        made = insert(invitations).values(
            person=person,
            agency=agency,
            hash=digest(word),
            by=by,
            created_at=self._real_now,
            expires_at=ends_at,
        )
        return int(self._conn.execute(made.returning(invitations.c.id)).scalar_one())

    def invitation(self, word: str) -> Invitation | None:
        """The invitation that a word is, if it is open."""
        which = (invitations.c.hash == digest(word)) & invitations.c.used_at.is_(None)
        row = self._conn.execute(
            select(invitations).where(which, invitations.c.expires_at > self._real_now)
        ).first()
        if row is None:
            return None
        by = PersonId(row.by) if row.by else None
        return Invitation(id=row.id, person=row.person, agency=row.agency, by=by, expires_at=row.expires_at)

    def use_invitation(self, number: int) -> bool:
        """Take an invitation, once; False where somebody was faster."""
        unused = (invitations.c.id == number) & invitations.c.used_at.is_(None)
        return (
            self._conn.execute(update(invitations).where(unused).values(used_at=self._real_now)).rowcount == 1
        )

    def begin_ceremony(
        self, word: str, kind: str, facts: Mapping[str, str], *, person: PersonId | None, ends_at: datetime
    ) -> None:
        """Remember what began; whatever ran out is forgotten."""
        self._conn.execute(delete(ceremonies).where(ceremonies.c.expires_at <= self._real_now))
        self.forget_full()
        self._conn.execute(
            insert(ceremonies).values(
                hash=digest(word), kind=kind, person=person, facts=json.dumps(dict(facts)), expires_at=ends_at
            )
        )

    def end_ceremony(self, word: str, kind: str) -> Ceremony | None:
        """Take what began, once; None where it is unknown, of another kind, taken already, or too old."""
        taken = self._conn.execute(
            delete(ceremonies).where(ceremonies.c.hash == digest(word)).returning(ceremonies)
        ).first()
        if taken is None or taken.kind != kind or taken.expires_at <= self._real_now:
            return None
        return Ceremony(
            kind=taken.kind,
            person=PersonId(taken.person) if taken.person else None,
            facts=json.loads(taken.facts),
            expires_at=taken.expires_at,
        )

    # --- rates ------------------------------------------------------------------------------------

    @across
    def draw(self, bucket: str, *, rate_per_s: float, burst: float, count: float = 1) -> timedelta | None:
        """Take from a bucket that fills by itself; None if there was enough, else how long until there is.

        One statement: whoever draws at the same time waits for the row, and no drop is given twice. A refused draw
        changes nothing.

        Raises:
            Invalid: More than the bucket ever holds.
        """
        if not 0 < count <= burst:
            raise Invalid(f"a bucket of {burst:g} never gives {count:g}")
        given = {
            "bucket": bucket,
            "at": micros(self._real_now),
            "rate": float(rate_per_s) / 1e6,
            "burst": float(burst),
            "count": float(count),
        }
        if self._conn.execute(_DRAW_SQLITE if is_sqlite(self._conn) else _DRAW_POSTGRES, given).first():
            return None
        row = self._conn.execute(select(rates.c.level, rates.c.at).where(rates.c.bucket == bucket)).one()
        passed = max(timedelta(0), self._real_now - row.at).total_seconds()
        missing = count - min(burst, row.level + passed * rate_per_s)
        return timedelta(seconds=max(0.001, missing / rate_per_s))

    @across
    def forget_full(self) -> int:
        """Forget buckets that have long been full again; gives how many."""
        return self._conn.execute(delete(rates).where(rates.c.at < self._real_now - FULL_AFTER)).rowcount

    def note_sign_in(self) -> None:
        """Note in the store that persons sign in from now on."""
        upsert(self._conn, meta, [{"key": SIGN_IN, "value": "on"}], key=("key",), change=("value",))

    def _end(self, table: Table, person: PersonId, only: int | None) -> int:
        which = (table.c.person == person) & table.c.ended_at.is_(None)
        if only is not None:
            which &= table.c.id == only
        return self._conn.execute(update(table).where(which).values(ended_at=self._real_now)).rowcount


def _draw(least: str, most: str) -> TextClause:
    """The one statement: fill up by the time that passed (clocks of two machines differ, so never back), then take."""
    filled = (
        f"{least}(CAST(:burst AS DOUBLE PRECISION), rates.level"
        f" + {most}(CAST(:at AS BIGINT) - rates.at, 0) * CAST(:rate AS DOUBLE PRECISION))"
    )
    return text(
        "INSERT INTO rates (bucket, level, at)"  # noqa: S608  # two fixed words
        " VALUES (:bucket, CAST(:burst AS DOUBLE PRECISION) - CAST(:count AS DOUBLE PRECISION), CAST(:at AS BIGINT))"
        f" ON CONFLICT (bucket) DO UPDATE SET level = {filled} - CAST(:count AS DOUBLE PRECISION),"
        f" at = {most}(CAST(:at AS BIGINT), rates.at)"
        f" WHERE {filled} >= CAST(:count AS DOUBLE PRECISION) RETURNING level"
    )


_DRAW_SQLITE, _DRAW_POSTGRES = _draw("min", "max"), _draw("least", "greatest")
