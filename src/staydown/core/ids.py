"""Typed identifiers, so that an item is never taken for a request."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NewType

from staydown.core.errors import Invalid

ItemId = NewType("ItemId", int)
ItemKey = NewType("ItemKey", str)
"""`provider:kind:id`, stable over spellings, mirrors and wrappers."""
AgencyCode = NewType("AgencyCode", str)
"""Two to twenty-four of A-Z, 0-9 and hyphen, starting with a letter: `NL`, `BE-IRU`."""
PersonId = NewType("PersonId", str)
RequestId = NewType("RequestId", int)
HoldId = NewType("HoldId", int)
OperationId = NewType("OperationId", str)
EvidenceId = NewType("EvidenceId", int)
ReturnId = NewType("ReturnId", int)
WorkId = NewType("WorkId", int)
DispatchId = NewType("DispatchId", int)
ApprovalId = NewType("ApprovalId", int)
ClockId = NewType("ClockId", int)
MergeId = NewType("MergeId", int)
SightingId = NewType("SightingId", int)
DelegationId = NewType("DelegationId", int)
SessionId = NewType("SessionId", int)
TokenId = NewType("TokenId", int)
CredentialId = NewType("CredentialId", int)
AlarmId = NewType("AlarmId", int)
DutyId = NewType("DutyId", int)
WebhookId = NewType("WebhookId", int)
LetterId = NewType("LetterId", int)

_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*")
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*")


@lru_cache(maxsize=1024)
def agency_code(text: str) -> AgencyCode:
    """Read an agency code; letters may be typed small.

    Raises:
        Invalid: The text is not 2 to 24 of A-Z, 0-9 and single hyphens, starting with a letter.
    """
    code = text.strip().upper()
    if not 2 <= len(code) <= 24 or not code.isascii() or not _CODE.fullmatch(code):
        raise Invalid(
            f"{text[:40]!r} is no agency code",
            hint="A code has 2 to 24 of A-Z, 0-9 and single hyphens and starts with a letter, such as BE-IRU.",
        )
    return AgencyCode(code)


def person_id(text: str) -> PersonId:
    """Read a person's short name, such as `alice` or `j.doe`.

    Raises:
        Invalid: The text is not 1 to 40 of a-z, 0-9, dot and hyphen, starting with a letter.
    """
    name = text.strip().lower()
    if not 1 <= len(name) <= 40 or not name.isascii() or not _NAME.fullmatch(name):
        raise Invalid(
            f"{text[:40]!r} is no person's short name", hint="Use a-z, 0-9, dot and hyphen, such as alice."
        )
    return PersonId(name)


def operation_id(text: str) -> OperationId:
    """Read an operation's short name, such as `autumn-2026`.

    Raises:
        Invalid: The text is not 1 to 40 of a-z, 0-9, dot and hyphen, starting with a letter.
    """
    name = text.strip().lower()
    if not 1 <= len(name) <= 40 or not name.isascii() or not _NAME.fullmatch(name):
        raise Invalid(
            f"{text[:40]!r} is no operation name", hint="Use a-z, 0-9, dot and hyphen, such as autumn-2026."
        )
    return OperationId(name)
