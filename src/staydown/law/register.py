"""The register of periods that the law lays down, C01 to C29, each a dated value with its article.

Decided once (docs/decisions/0022): a minimum wait ends at the later of its two ends; what we may do ends at the
earlier, what others may do stays open until the later; alarms follow the strict end, accusations only the later.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache, partial

from staydown.core.errors import Invalid, NotFound
from staydown.law.counting import Day, Rule, days, hours, months, weeks, years
from staydown.law.periods import HOUSE, Counts, Party, Period, Start

_TCO = "Regulation (EU) 2021/784"
_DSA = "Regulation (EU) 2022/2065"
_EVIDENCE = "Regulation (EU) 2023/1543"

_tco = partial(Period, since=date(2022, 6, 7), binding=True)
_dsa = partial(Period, since=date(2024, 2, 17), binding=True)
_evidence = partial(Period, since=date(2026, 8, 18), binding=True)

INFORM = _tco(
    id="C01", name="inform", title="wait after first-contact information", length=hours(12),
    party=Party.AGENCY, starts=Start.INFORMATION, source=f"{_TCO}, Art. 3(2)", counts=Counts.WAIT,
)  # fmt: skip
REMOVE = _tco(
    id="C02", name="remove", title="remove or disable", length=hours(1),
    party=Party.PROVIDER, starts=Start.RECEIPT, source=f"{_TCO}, Art. 3(3)", counts=Counts.DUTY,
)  # fmt: skip
FEEDBACK = _tco(
    id="C03", name="feedback", title="send Annex II or III", length=None, reminder=hours(24),
    party=Party.PROVIDER, starts=Start.ACTION, source=f"{_TCO}, Art. 3(6)", counts=Counts.REMINDER,
)  # fmt: skip
COPY = _tco(
    id="C04", name="copy", title="copy to the authority of establishment, at the same time", length=None,
    reminder=hours(1),
    party=Party.AGENCY, starts=Start.ISSUE, source=f"{_TCO}, Art. 4(1)", counts=Counts.REMINDER,
)  # fmt: skip
SCRUTINISE = _tco(
    id="C05", name="scrutinise", title="scrutinise on its own initiative", length=hours(72),
    party=Party.ESTABLISHMENT, starts=Start.COPY, source=f"{_TCO}, Art. 4(3)", counts=Counts.MAY,
    warn=timedelta(hours=24),
)  # fmt: skip
ASK_SCRUTINY = _tco(
    id="C06", name="ask-scrutiny", title="ask for scrutiny", length=hours(48),
    party=Party.PROVIDER, starts=Start.KNOWLEDGE, source=f"{_TCO}, Art. 4(4)", counts=Counts.MAY,
)  # fmt: skip
DECIDE_SCRUTINY = _tco(
    id="C07", name="decide-scrutiny", title="decide on a request for scrutiny", length=hours(72),
    party=Party.ESTABLISHMENT, starts=Start.ASKED, source=f"{_TCO}, Art. 4(4)", counts=Counts.DUTY,
    warn=timedelta(hours=24),
)  # fmt: skip
REINSTATE = _tco(
    id="C08", name="reinstate", title="reinstate, immediately", length=None, reminder=hours(1),
    party=Party.PROVIDER, starts=Start.DECISION, source=f"{_TCO}, Art. 4(7)", counts=Counts.REMINDER,
)  # fmt: skip
APPEAL = _tco(
    id="C09", name="appeal", title="challenge the order before a court; then it is final", length=None,
    party=Party.COURT, starts=Start.NATIONAL, source=f"{_TCO}, Art. 3(9)", counts=Counts.MAY,
)  # fmt: skip
SECRET = _tco(
    id="C10", name="non-disclosure", title="keep the order from the content provider", length=weeks(6),
    party=Party.AGENCY, starts=Start.DECISION, source=f"{_TCO}, Art. 11(3)", counts=Counts.MAY,
    warn=timedelta(days=3),
)  # fmt: skip
SECRET_EXTENDED = _tco(
    id="C10-extended", name="non-disclosure-extended", title="keep it from the content provider, once more",
    length=weeks(6), party=Party.AGENCY, starts=Start.DECISION, source=f"{_TCO}, Art. 11(3)", counts=Counts.MAY,
    warn=timedelta(days=3),
)  # fmt: skip
PRESERVE = _tco(
    id="C11", name="preserve", title="keep what was removed", length=months(6),
    party=Party.PROVIDER, starts=Start.REMOVAL, source=f"{_TCO}, Art. 6(2)", counts=Counts.WAIT,
)  # fmt: skip
COMPLAINT = _tco(
    id="C12", name="complaint", title="tell the outcome of a complaint", length=weeks(2),
    party=Party.PROVIDER, starts=Start.COMPLAINT, source=f"{_TCO}, Art. 10(2)", counts=Counts.DUTY,
)  # fmt: skip
EXPOSURE = _tco(
    id="C13", name="exposure", title="look back from each final order", length=months(12),
    party=Party.ESTABLISHMENT, starts=Start.FINAL, source=f"{_TCO}, Art. 5(4)", counts=Counts.MAY,
)  # fmt: skip
MEASURES = _tco(
    id="C14", name="measures", title="report on specific measures", length=months(3),
    party=Party.PROVIDER, starts=Start.DECISION, source=f"{_TCO}, Art. 5(5)", counts=Counts.DUTY,
)  # fmt: skip
MEASURES_YEARLY = _tco(
    id="C14-yearly", name="measures-yearly", title="report on specific measures again", length=years(1),
    party=Party.PROVIDER, starts=Start.DECISION, source=f"{_TCO}, Art. 5(5)", counts=Counts.DUTY,
)  # fmt: skip
REVIEW = _tco(
    id="C15", name="review", title="answer a request to review a decision on measures", length=months(3),
    party=Party.ESTABLISHMENT, starts=Start.ASKED, source=f"{_TCO}, Art. 5(7)", counts=Counts.DUTY,
    warn=timedelta(days=14),
)  # fmt: skip
PROVIDER_REPORT = _tco(
    id="C16", name="provider-report", title="publish the provider's transparency report",
    length=Day(month=3, day=1, included=False),
    party=Party.PROVIDER, starts=Start.YEAR, source=f"{_TCO}, Art. 7(2)", counts=Counts.DUTY,
)  # fmt: skip
AUTHORITY_REPORT = _tco(
    id="C17", name="authority-report", title="publish the authority's transparency report", length=None,
    reminder=months(6),
    party=Party.AGENCY, starts=Start.YEAR, source=f"{_TCO}, Art. 8(1)", counts=Counts.REMINDER,
)  # fmt: skip
COMMISSION = _tco(
    id="C18", name="commission", title="send the year's data to the Commission",
    length=Day(month=3, day=31, included=True),
    party=Party.STATE, starts=Start.YEAR, source=f"{_TCO}, Art. 21(1)", counts=Counts.DUTY,
)  # fmt: skip
LIFE = _tco(
    id="C19", name="life", title="tell of a threat to life, promptly", length=None, reminder=hours(1),
    party=Party.PROVIDER, starts=Start.AWARENESS, source=f"{_TCO}, Art. 14(5)", counts=Counts.REMINDER,
)  # fmt: skip
NOTICE = _dsa(
    id="C20", name="notice", title="confirm and decide on a notice", length=None, reminder=hours(24),
    party=Party.PROVIDER, starts=Start.NOTICE, source=f"{_DSA}, Art. 16(6)", counts=Counts.REMINDER,
)  # fmt: skip
COMPLAIN = _dsa(
    id="C21", name="complain", title="complain about a decision", length=months(6),
    party=Party.AGENCY, starts=Start.DECISION, source=f"{_DSA}, Art. 20(1)", counts=Counts.MAY,
    warn=timedelta(days=14),
)  # fmt: skip
SETTLE = _dsa(
    id="C22", name="settle", title="settle a dispute out of court", length=days(90),
    party=Party.BODY, starts=Start.COMPLAINT, source=f"{_DSA}, Art. 21(4)", counts=Counts.DUTY,
)  # fmt: skip
SETTLE_LONGEST = _dsa(
    id="C22-longest", name="settle-longest", title="settle a highly complex dispute out of court", length=days(180),
    party=Party.BODY, starts=Start.COMPLAINT, source=f"{_DSA}, Art. 21(4)", counts=Counts.DUTY,
)  # fmt: skip
FLAGGER_REPORT = _dsa(
    id="C23", name="flagger-report", title="publish the trusted flagger's report", length=years(1),
    party=Party.FLAGGER, starts=Start.YEAR, source=f"{_DSA}, Art. 22(3)", counts=Counts.DUTY,
)  # fmt: skip
EFFECT = _dsa(
    id="C24", name="effect", title="tell what effect an order was given", length=None, reminder=hours(24),
    party=Party.PROVIDER, starts=Start.RECEIPT, source=f"{_DSA}, Art. 9(1)", counts=Counts.REMINDER,
)  # fmt: skip
KEEP_DATA = _evidence(
    id="C25", name="keep-data", title="keep data under a European Preservation Order", length=days(60),
    party=Party.PROVIDER, starts=Start.RECEIPT, source=f"{_EVIDENCE}, Art. 11(1)", counts=Counts.WAIT,
)  # fmt: skip
KEEP_DATA_LONGER = _evidence(
    id="C25-extended", name="keep-data-extended", title="keep data for longer", length=days(30),
    party=Party.PROVIDER, starts=Start.DECISION, source=f"{_EVIDENCE}, Art. 11(1)", counts=Counts.WAIT,
)  # fmt: skip
PRODUCE = _evidence(
    id="C25-produce", name="produce", title="hand over data under a European Production Order", length=days(10),
    party=Party.PROVIDER, starts=Start.RECEIPT, source=f"{_EVIDENCE}, Art. 10(3)", counts=Counts.DUTY,
)  # fmt: skip
PRODUCE_NOW = _evidence(
    id="C25-emergency", name="produce-now", title="hand over data in an emergency", length=hours(8),
    party=Party.PROVIDER, starts=Start.RECEIPT, source=f"{_EVIDENCE}, Art. 10(4)", counts=Counts.DUTY,
)  # fmt: skip
REGISTRAR_REVIEW = Period(
    id="C26", name="registrar-review", title="review a report of illegal activity by police of its own state",
    length=hours(24), party=Party.REGISTRAR, starts=Start.RECEIPT,
    source="ICANN Registrar Accreditation Agreement 2013, 3.18.2", since=date(2014, 1, 1), binding=False,
    counts=Counts.DUTY, rule=Rule.PLAIN,
)  # fmt: skip
BREACH = Period(
    id="C27", name="breach", title="notify a personal data breach", length=hours(72),
    party=Party.AGENCY, starts=Start.AWARENESS, source="Directive (EU) 2016/680, Art. 30(1)",
    since=date(2018, 5, 6), binding=True, counts=Counts.DUTY, warn=timedelta(hours=24),
)  # fmt: skip
ADVICE = Period(
    id="C28", name="advice", title="advise after prior consultation", length=weeks(6),
    party=Party.SUPERVISOR, starts=Start.ASKED, source="Directive (EU) 2016/680, Art. 28(5)",
    since=date(2018, 5, 6), binding=True, counts=Counts.DUTY,
)  # fmt: skip
ADVICE_LONGER = Period(
    id="C28-extended", name="advice-extended", title="advise on complex processing", length=months(1),
    party=Party.SUPERVISOR, starts=Start.DECISION, source="Directive (EU) 2016/680, Art. 28(5)",
    since=date(2018, 5, 6), binding=True, counts=Counts.DUTY,
)  # fmt: skip
PRIVATE_PARTY = Period(
    id="C29", name="private-party", title="keep data from private parties before it is forwarded", length=months(4),
    party=Party.EUROPOL, starts=Start.TRANSMISSION, source="Regulation (EU) 2022/991, recital 40",
    since=date(2022, 6, 28), binding=True, counts=Counts.MAY,
)  # fmt: skip

REGISTER: tuple[Period, ...] = (
    INFORM, REMOVE, FEEDBACK, COPY, SCRUTINISE, ASK_SCRUTINY, DECIDE_SCRUTINY, REINSTATE, APPEAL, SECRET,
    SECRET_EXTENDED, PRESERVE, COMPLAINT, EXPOSURE, MEASURES, MEASURES_YEARLY, REVIEW, PROVIDER_REPORT,
    AUTHORITY_REPORT, COMMISSION, LIFE, NOTICE, COMPLAIN, SETTLE, SETTLE_LONGEST, FLAGGER_REPORT, EFFECT, KEEP_DATA,
    KEEP_DATA_LONGER, PRODUCE, PRODUCE_NOW, REGISTRAR_REVIEW, BREACH, ADVICE, ADVICE_LONGER, PRIVATE_PARTY,
)  # fmt: skip
PERIODS: tuple[Period, ...] = (*REGISTER, *HOUSE)
_KNOWN = frozenset(one.name for one in PERIODS) | frozenset(one.id for one in REGISTER)


def period(name: str, on: date) -> Period:
    """The period of that name, or of that number in the register, in force on a day.

    Raises:
        Invalid: There is no such period at all.
        NotFound: No such period was in force then.
    """
    if name not in _KNOWN:
        raise Invalid(
            f"there is no period {name[:40]!r}", hint="docs/reference/clocks.md lists them, such as remove."
        )
    in_force = [
        value for value in PERIODS if name in {value.name, value.id or value.name} and value.since <= on
    ]
    if not in_force:
        raise NotFound(
            f"no period {name!r} was in force on {on.isoformat()}",
            hint="docs/reference/clocks.md says since when.",
        )
    return max(in_force, key=lambda value: value.since)


@lru_cache(maxsize=1024)
def begun_under(name: str, on: date) -> Period:
    """The period under which a clock that is on record began; for one from before any of that name, the first.

    Raises:
        Invalid: There is no such period at all.
    """
    try:
        return period(name, on)
    except NotFound:
        return min((one for one in PERIODS if one.name == name), key=lambda one: one.since)
