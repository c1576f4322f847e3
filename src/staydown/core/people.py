"""Agencies and the persons who work there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from staydown.core.errors import NotEntitled
from staydown.core.ids import AgencyCode, DelegationId, PersonId
from staydown.core.rights import FRESH, PHISHING_RESISTANT, RIGHTS, Relation, Role, Verb, may


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """A body entitled to act, or a provider's own desk."""

    code: AgencyCode
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who works at an agency."""

    id: PersonId
    agency: AgencyCode
    roles: frozenset[Role]  #: own ones, and those a colleague lends at this instant
    lent: Mapping[Role, frozenset[PersonId]] = field(default_factory=dict, hash=False)
    """Of the roles, those that are only lent, and by whom."""
    scope: frozenset[Verb] | None = None
    """Verbs that the way of signing in opens, where that is fewer than the roles do; None: all of them."""

    def towards(self, agency: AgencyCode) -> Relation:
        """How a record of an agency stands to this person."""
        return Relation.OWN if agency == self.agency else Relation.FOREIGN

    def may(self, verb: Verb, relation: Relation) -> bool:
        """Whether the table of rights has a row for this."""
        return (self.scope is None or verb in self.scope) and may(self.roles, verb, relation)

    def require(
        self, verb: Verb, relation: Relation = Relation.OWN, *, within: AgencyCode | None = None
    ) -> None:
        """Refuse unless the person may; `within` names the agency whose record it is.

        Raises:
            NotEntitled: The role is not held, or it is another agency's matter.
        """
        if within is not None:
            relation = self.towards(within)
        if self.may(verb, relation):
            return
        if self.scope is not None and verb not in self.scope:
            raise NotEntitled(f"this token is not for {verb}", hint="Make one whose scope has it.")
        rows = RIGHTS[verb]
        if relation is Relation.FOREIGN and Relation.FOREIGN not in rows:
            raise NotEntitled(f"{self.id} of {self.agency} may not act for {within or 'another agency'}")
        wanted = " or ".join(sorted(role.value for role in rows.get(relation, frozenset())))
        raise NotEntitled(f"{self.id} lacks the role {wanted or 'that this takes'}")

    def by_token(self, scope: frozenset[Verb]) -> Person:
        """The person as a token stands for them: no verb beside its scope, and no role that takes a passkey."""
        lent = {role: by for role, by in self.lent.items() if role not in PHISHING_RESISTANT}
        return replace(self, roles=self.roles - PHISHING_RESISTANT, lent=lent, scope=scope - FRESH)

    def eyes(self, role: Role) -> frozenset[PersonId]:
        """Whose eyes these are when the person acts in a role: the own, and those of whoever lends it."""
        return frozenset({self.id}) | self.lent.get(role, frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A role lent to a colleague of the same agency, with an end."""

    id: DelegationId
    lender: PersonId
    borrower: PersonId
    role: Role
    from_at: datetime
    until_at: datetime  #: not included
    reason: str
    ended_at: datetime | None = None


def desk_of(provider: str) -> AgencyCode:
    """The code of a provider's own desk: its name in the catalogue, written as a code."""
    return AgencyCode(provider.replace("_", "-").upper())


__all__ = ["Agency", "Delegation", "Person", "Role", "desk_of"]
