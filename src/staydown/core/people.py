"""Agencies and the persons who work there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from staydown.core.errors import NotEntitled
from staydown.core.ids import AgencyCode, PersonId


class Role(StrEnum):
    """What a person may do within the own agency."""

    ANALYST = "analyst"  #: records, preserves, assesses, proposes, confirms returns
    APPROVER = "approver"  #: gives the second consent
    SIGNATORY = "signatory"  #: signs orders; decides a disputed hold with written reasons
    COORDINATOR = "coordinator"  #: runs operations
    DECONFLICTION = "deconfliction"  #: sees and answers holds
    INVESTIGATOR = "investigator"  #: places holds for an investigation
    PROVIDER = "provider"  #: answers for a provider
    AUDITOR = "auditor"  #: reads the record
    TRAINER = "trainer"  #: runs exercises


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
    roles: frozenset[Role]

    def require(self, *roles: Role, within: AgencyCode | None = None) -> None:
        """Refuse unless the person holds one of `roles`, in agency `within` where given.

        Raises:
            NotEntitled: Neither role held, or another agency's matter.
        """
        if within is not None and within != self.agency:
            raise NotEntitled(f"{self.id} of {self.agency} may not act for {within}")
        if not self.roles.intersection(roles):
            wanted = " or ".join(role.value for role in roles)
            raise NotEntitled(f"{self.id} lacks the role {wanted}")
