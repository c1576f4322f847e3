"""What a provider claims about an order, and what the authority makes of it: two deadlines, neither of which hides the
other. Pure.

A provider that cannot execute, or finds the order wrong or short, says so (Annex III) and its hour begins anew when the
grounds end or the clarification arrives. Whether that is so is the authority's to judge, sooner or later.

Source: Regulation (EU) 2021/784, Art. 3(7) and 3(8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from staydown.core.errors import IllegalStep
from staydown.law.counting import Ends

NO_CLAIM = "no claim of the provider is on record for this clock"
NO_CLAIM_HINT = "Note the claim (Annex III) first, with what it says."


class Step(StrEnum):
    """What is noted about a clock after it began."""

    BEGUN = "begun"  #: the ends as they were before the first claim
    SUSPENDED = "suspended"  #: the provider claims that its period does not run
    ACCEPTED = "accepted"  #: the authority agrees with the claim
    REJECTED = "rejected"  #: the authority does not: the period never stopped
    RESTARTED = "restarted"  #: the grounds ended, or the clarification was received: the whole period anew
    MET = "met"  #: what the clock waited for came


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One line of a clock's history."""

    step: Step
    at: datetime  #: when it was noted
    instant: datetime  #: when it happened, as whoever said it says
    by: str = ""
    text: str = ""
    ends: Ends | None = (
        None  #: of a restart: the ends as they were computed then; nothing computes them again
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a period stands by each view; None where it stands still."""

    by_claim: Ends | None
    by_authority: Ends | None
    is_claimed: bool = False  #: the provider has claimed at all
    accepted: bool | None = None  #: how the authority judged the last claim; None: it has not

    @property
    def is_judged(self) -> bool:
        """Whether no claim waits for the authority."""
        return not self.is_claimed or self.accepted is not None

    @property
    def in_force(self) -> Ends | None:
        """What rings: the authority's view once it has judged; before that the more generous of the two."""
        if self.is_judged:
            return self.by_authority
        if self.by_claim is None or self.by_authority is None:
            return None
        return replace(
            self.by_claim,
            strict=max(self.by_claim.strict, self.by_authority.strict),
            legal=max(self.by_claim.legal, self.by_authority.legal),
        )


def standing(first: Ends, history: Sequence[Noted]) -> Standing:
    """Where a period stands after all that was noted, in the order in which it was noted.

    Args:
        first: The ends as they were computed when the period began.

    Raises:
        IllegalStep: Something was judged or restarted that nobody had claimed.
    """
    now, before = Standing(by_claim=first, by_authority=first), first
    for one in (noted for noted in history if noted.step not in {Step.BEGUN, Step.MET}):
        if one.step is Step.SUSPENDED:
            before = now.by_authority or before
            now = Standing(by_claim=None, by_authority=before, is_claimed=True)
        elif not now.is_claimed:
            raise IllegalStep(NO_CLAIM, hint=NO_CLAIM_HINT)
        elif one.step is Step.RESTARTED:
            now = replace(now, by_claim=one.ends, by_authority=one.ends if now.accepted else now.by_authority)
        elif one.step is Step.ACCEPTED:
            now = replace(now, by_authority=now.by_claim, accepted=True)
        else:
            now = replace(now, by_authority=before, accepted=False)
    return now
