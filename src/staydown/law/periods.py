"""Periods as dated values with their article: whose duty, from what event on, how long, and which end counts for what.

A changed rule is a second value with a later `since`; requests keep the one they started under. The rules of the house
stand here, those of the law in `law/register.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from staydown.law.counting import Day, Ends, Length, Rule, hours


class Party(StrEnum):
    """Whose duty, power or right a clock measures."""

    PROVIDER = "provider"
    AGENCY = "agency"  #: our own: a miss is ours
    ESTABLISHMENT = "establishment"  #: the authority of the state where the provider is established
    CONTENT_PROVIDER = "content-provider"  #: whoever put the material there
    COURT = "court"
    BODY = "body"  #: an out-of-court dispute settlement body
    FLAGGER = "flagger"  #: a trusted flagger
    STATE = "state"  #: a Member State towards the Commission
    REGISTRAR = "registrar"
    SUPERVISOR = "supervisor"  #: a data protection authority
    EUROPOL = "europol"


class Start(StrEnum):
    """What sets a period going."""

    RECEIPT = "receipt"  #: arrival at the provider, not dispatch
    APPROVAL = "approval"
    INFORMATION = "information"  #: the provider got the first-contact information
    CHECK = "check"
    ACTION = "action"  #: the provider acted, or found that it cannot
    ISSUE = "issue"  #: the order was issued
    COPY = "copy"  #: the authority of establishment received its copy
    KNOWLEDGE = "knowledge"  #: the order was received, or the content provider was informed under Art. 11(2)
    ASKED = "asked"  #: a reasoned request for scrutiny or for a review was received
    DECISION = "decision"
    REMOVAL = "removal"
    COMPLAINT = "complaint"
    FINAL = "final"  #: an order became final
    YEAR = "year"  #: the calendar year ended
    AWARENESS = "awareness"
    NOTICE = "notice"
    TRANSMISSION = "transmission"
    NATIONAL = "national"  #: what national law says, as it stands in the order (Annex I, section G)


class Counts(StrEnum):
    """Which of the two ends counts for what."""

    DUTY = "duty"  #: alarms follow the strict end; nobody is late before the later one
    WAIT = "wait"  #: nothing may happen before the later end
    MAY = "may"  #: what its holder may do: ours ends at the earlier end, others' stays open until the later
    REMINDER = "reminder"  #: the law gives no figure: a person is reminded, and nobody is late
    HOUSE = "house"  #: a rule that binds nobody outside: its strict end is all there is


class Ring(StrEnum):
    """What a clock does when an instant comes."""

    WARN = "warn"  #: a duty of ours, or a power, ends soon
    ALARM = "alarm"  #: the strict end came; nobody is accused of anything yet
    LAPSE = "lapse"  #: it was not done in time
    END = "end"  #: the period is over, and nobody was late


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A length of time that a rule lays down, valid from `since` on."""

    name: str
    length: Length | Day | None  #: None: the law gives no figure, or another law does
    party: Party
    starts: Start
    source: str
    since: date
    binding: bool  #: a referral asks, an order binds; only what binds is a legal clock
    counts: Counts
    id: str = ""  #: in the register of clocks; empty for a rule of the house
    title: str = ""
    reminder: Length | None = (
        None  #: when a person is reminded where the law gives no figure; a rule of the house
    )
    warn: timedelta | None = None  #: how long before the earlier end our own people are warned
    rule: Rule | None = None  #: by which rule it is counted; None: by the one that the house has set

    @property
    def fixed(self) -> Length:
        """The length, for rules that have one of their own.

        Raises:
            TypeError: The law gives a date, or no figure.
        """
        if not isinstance(self.length, Length):
            raise TypeError(f"the period {self.name!r} has no plain length")
        return self.length

    @property
    def span(self) -> timedelta:
        """The length as a plain duration, for rules in hours to weeks."""
        return self.fixed.span

    def over_at(self, ends: Ends, party: Party) -> datetime:
        """The instant at which the period is over for good, for whoever holds it."""
        if self.counts in {Counts.HOUSE, Counts.REMINDER}:
            return ends.strict
        is_ours = self.counts is Counts.MAY and party is Party.AGENCY
        return ends.earlier if is_ours else ends.later

    def rings(self, ends: Ends, party: Party) -> tuple[tuple[datetime, Ring], ...]:
        """What happens at which instant, in order; the last one is the end."""
        found: list[tuple[datetime, Ring]] = []
        if self.warn is not None and party is Party.AGENCY:
            found.append((ends.earlier - self.warn, Ring.WARN))
        if self.counts in {Counts.DUTY, Counts.REMINDER}:
            found.append((ends.strict, Ring.ALARM))
        last = Ring.LAPSE if self.counts in {Counts.DUTY, Counts.HOUSE} else Ring.END
        return (*found, (self.over_at(ends, party), last))


ACT = Period(
    name="act",
    title="act on a referral",
    length=hours(1),
    party=Party.PROVIDER,
    starts=Start.RECEIPT,
    source="Recommendation (EU) 2018/334, point 35",
    since=date(2018, 3, 1),
    binding=False,
    counts=Counts.HOUSE,
)
FOLLOW_UP = Period(
    name="follow-up",
    title="look whether what was asked for happened",
    length=hours(24),
    party=Party.AGENCY,
    starts=Start.RECEIPT,
    source="house rule: what was asked for is looked at within a day, docs/why/clocks.md",
    since=date(2026, 1, 1),
    binding=False,
    counts=Counts.HOUSE,
)
LOOK_AGAIN = Period(
    name="look-again",
    title="look again before a request leaves",
    length=hours(1),
    party=Party.AGENCY,
    starts=Start.CHECK,
    source="house rule: each item is looked at within the hour before its request leaves, docs/why/clocks.md",
    since=date(2026, 1, 1),
    binding=False,
    counts=Counts.HOUSE,
)
APPROVAL = Period(
    name="approval",
    title="an approval holds",
    length=hours(24),
    party=Party.AGENCY,
    starts=Start.APPROVAL,
    source="house rule: an approval holds for a day, docs/decisions/0006",
    since=date(2026, 1, 1),
    binding=False,
    counts=Counts.HOUSE,
    warn=timedelta(hours=2),
)
HOUSE: tuple[Period, ...] = (ACT, FOLLOW_UP, LOOK_AGAIN, APPROVAL)
