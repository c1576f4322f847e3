"""The words of one language, and how it writes numbers, shares, hours, days and instants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files

from babel import Locale
from babel.dates import format_date, format_datetime, get_day_names, get_month_names
from babel.numbers import format_decimal, format_percent, get_decimal_symbol, get_group_symbol

from staydown.core.errors import Invalid
from staydown.core.item import ItemKind
from staydown.core.states import ItemState, RequestState

SOURCE = "en"
DOMAIN = "staydown"
_CATALOGUES = "staydown.locale"
_WRITTEN_AS: Mapping[str, str] = {"en": "en_GB"}  # days before months, as European readers expect


def N_(message: str) -> str:  # the name that translators' tools know
    """Mark a message for translation where it stands as data."""
    return message


ITEM_STATES: Mapping[ItemState, str] = {
    ItemState.RECORDED: N_("recorded"),
    ItemState.UNSURE: N_("unsure"),
    ItemState.CLEARED: N_("cleared"),
    ItemState.EXEMPT: N_("exempt"),
    ItemState.ASSESSED: N_("assessed"),
    ItemState.PROPOSED: N_("proposed"),
    ItemState.GONE: N_("gone"),
    ItemState.REFERRED: N_("referred"),
    ItemState.REFUSED: N_("refused"),
    ItemState.REMOVED: N_("removed"),
    ItemState.RETURNED: N_("returned"),
    ItemState.WITHDRAWN: N_("withdrawn"),
    ItemState.REINSTATED: N_("reinstated"),
    ItemState.MERGED: N_("merged"),
}
"""A word for each state of an item, in the order of an item's life."""

REQUEST_STATES: Mapping[RequestState, str] = {
    RequestState.DRAFTED: N_("drafted"),
    RequestState.PROPOSED: N_("proposed"),
    RequestState.CONSENTED: N_("approved, waiting for its signatory"),
    RequestState.APPROVED: N_("approved"),
    RequestState.DISPATCHED: N_("dispatched, arrival not yet proved"),
    RequestState.RUNNING: N_("received, waiting for an answer"),
    RequestState.ANSWERED: N_("answered on every line"),
    RequestState.CLOSED: N_("closed without a complete answer"),
    RequestState.WITHDRAWN: N_("request withdrawn"),
}
"""Words for each state of a request, in the order of a request's life."""

KINDS: Mapping[ItemKind, str] = {
    ItemKind.ACCOUNT: N_("account"),
    ItemKind.CHANNEL: N_("channel"),
    ItemKind.GROUP: N_("group"),
    ItemKind.BOT: N_("bot"),
    ItemKind.INVITE: N_("invite"),
    ItemKind.POST: N_("post"),
    ItemKind.VIDEO: N_("video"),
    ItemKind.FILE: N_("file"),
    ItemKind.PAGE: N_("page"),
    ItemKind.SITE: N_("site"),
    ItemKind.APP: N_("app"),
    ItemKind.MEDIA: N_("media"),
}
"""A word for each kind of item."""


def languages() -> tuple[str, ...]:
    """The languages there are: the source, and every one with a compiled catalogue."""
    found = {
        folder.name
        for folder in files(_CATALOGUES).iterdir()
        if folder.joinpath("LC_MESSAGES", f"{DOMAIN}.mo").is_file()
    }
    return tuple(sorted(found | {SOURCE}))


class Words:
    """One language.

    Args:
        language: A code that `languages` names.
        translations: Its catalogue.
    """

    def __init__(self, language: str, translations: NullTranslations) -> None:
        self.language = language
        self.translations = translations
        self._locale = Locale.parse(_WRITTEN_AS.get(language, language))

    def say(self, message: str, **values: str) -> str:
        """A message in this language, its `%(name)s` filled in."""
        return self.translations.gettext(message) % values

    def many(self, one: str, several: str, n: int) -> str:
        """The form of a message that goes with a number; its `%(n)s` is the number as it is written."""
        return self.translations.ngettext(one, several, n) % {"n": self.number(n)}

    def number(self, value: int) -> str:
        """A whole number, its thousands grouped."""
        return str(format_decimal(value, locale=self._locale))

    def hours(self, value: float) -> str:
        """Hours, to a tenth."""
        return str(format_decimal(value, format="#,##0.0", locale=self._locale))

    def days(self, value: float) -> str:
        """Days, to a hundredth: a quarter of an hour."""
        return str(format_decimal(value, format="#,##0.00", locale=self._locale))

    def share(self, value: float) -> str:
        """A share of 1 in per cent, to a tenth; never rounded up to all or down to none."""
        if 0.999 < value < 1:
            return f"> {format_percent(0.999, format='#,##0.0%', locale=self._locale)}"
        if 0 < value < 0.001:
            return f"< {format_percent(0.001, format='#,##0.0%', locale=self._locale)}"
        return str(format_percent(value, format="#,##0.0%", locale=self._locale))

    def day(self, value: date) -> str:
        """A day with its month in letters."""
        return format_date(value, format="d MMM y", locale=self._locale)

    def instant(self, value: datetime) -> str:
        """Day and minute, in UTC and said so."""
        return f"{format_datetime(value, format='d MMMM y, HH:mm', locale=self._locale)} UTC"

    def item_state(self, state: str) -> str:
        """The word for a state of an item; one we do not know stands as it is."""
        return self.say(ITEM_STATES[ItemState(state)]) if state in set(ItemState) else state

    def request_state(self, state: str) -> str:
        """The words for a state of a request; one we do not know stands as it is."""
        return self.say(REQUEST_STATES[RequestState(state)]) if state in set(RequestState) else state

    def kind(self, kind: str) -> str:
        """The word for a kind of item; one we do not know stands as it is."""
        return self.say(KINDS[ItemKind(kind)]) if kind in set(ItemKind) else kind

    def number_format(self) -> dict[str, object]:
        """How axes write numbers, as d3-format wants to be told."""
        return {
            "decimal": get_decimal_symbol(self._locale),
            "thousands": get_group_symbol(self._locale),
            "grouping": [3],
            "currency": ["€", ""],
        }

    def time_format(self) -> dict[str, object]:
        """How axes write days, as d3-time-format wants to be told."""
        days, short_days = (
            [get_day_names(width, locale=self._locale)[(place - 1) % 7] for place in range(7)]
            for width in ("wide", "abbreviated")
        )
        months, short_months = (
            [get_month_names(width, locale=self._locale)[month] for month in range(1, 13)]
            for width in ("wide", "abbreviated")
        )
        return {
            "dateTime": "%-d %B %Y %H:%M",
            "date": "%-d %B %Y",
            "time": "%H:%M",
            "periods": ["AM", "PM"],
            "days": days,
            "shortDays": short_days,
            "months": months,
            "shortMonths": short_months,
        }


@cache
def words_of(language: str) -> Words:
    """The words of a language.

    Raises:
        Invalid: There is no such language; names those there are.
    """
    there = languages()
    if language not in there:
        raise Invalid(
            f"there is no report in {language!r}, only in {', '.join(there)}", hint="Name one of these."
        )
    if language == SOURCE:
        return Words(language, NullTranslations())
    with files(_CATALOGUES).joinpath(language, "LC_MESSAGES", f"{DOMAIN}.mo").open("rb") as catalogue:
        return Words(language, GNUTranslations(catalogue))
