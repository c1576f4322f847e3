"""Reading one value of a form: what it has to look like, and the sentence that says what is wrong with it.

Nothing here raises on data of any kind; a wrong value is a `Wrong` with a sentence for the person who filled it in.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from staydown.reason.formfile import Field, Kind

LINE_MAX = 10_000
"""Characters in one line, where the form says nothing else."""
LONG_MAX = 1_000_000
"""Characters in a long text, where the form says nothing else."""
FIRST_YEAR, LAST_YEAR = 1990, 2200
"""The years in which instants and days of a form lie."""
MANY_MAX = 10_000
"""Entries in a list."""
UNSEEN = (
    r"\s\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Characters that nobody sees, as a pattern writes them between brackets: blanks, controls, and what Unicode lets be
ignored."""
_BAD = r"\s\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
"""What stands in no address: blanks, controls, and marks that turn the direction of what is read."""
_YEAR = "(199[0-9]|2[01][0-9]{2}|2200)"
_DAY = _YEAR + "-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_HOUR = "([01][0-9]|2[0-3])"
_HTTP = r"[Hh][Tt][Tt][Pp][Ss]?:\/\/"
_HOST = rf"(\[[0-9A-Fa-f:.]+\]|[^\/?#@\[\]:{_BAD}]+)(:[0-9]{{1,5}})?([\/?#][^{_BAD}]*)?"
_MAIL = rf"@<>()\[\],;:\\\".{_BAD}"
_LABEL = rf"[^-{_MAIL}]([^{_MAIL}]*[^-{_MAIL}])?"
PATTERNS: Mapping[Kind, str] = {
    Kind.INSTANT: rf"^{_DAY}[Tt ]{_HOUR}:[0-5][0-9](:[0-5][0-9](\.[0-9]{{1,30}})?)?([Zz]|[+-]{_HOUR}(:?[0-5][0-9])?)$",
    Kind.DATE: f"^{_DAY}$",
    Kind.EMAIL: rf"^[^@<>()\[\],;:\\\"{_BAD}]{{1,64}}@{_LABEL}(\.{_LABEL})+$",
    Kind.PHONE: r"^\+[ ]?[1-9]([ ().\/-]{0,3}[0-9]){6,14}$",
    Kind.WEBLINK: f"^{_HTTP}{_HOST}$",
    Kind.LOCATION: rf"^(?![Jj][Aa][Vv][Aa][Ss][Cc][Rr][Ii][Pp][Tt]:|[Dd][Aa][Tt][Aa]:|[Vv][Bb][Ss]|[Ff][Ii][Ll][Ee]:|[Aa][Bb][Oo][Uu][Tt]:|[Bb][Ll][Oo][Bb]:)({_HTTP}([^\/?#@{_BAD}]*@)?{_HOST}|(?![Hh][Tt][Tt][Pp][Ss]?:)[A-Za-z][A-Za-z0-9+.-]{{1,40}}:[^{_BAD}]+)$",
}
"""What a text of a kind looks like; a subset that Python and ECMA-262 read alike, so the schemas carry them too."""
_ASKED: Mapping[Kind, str] = {
    Kind.INSTANT: "write date, time and offset, such as 2026-11-22T10:20:00+01:00",
    Kind.DATE: "write the day as 2026-11-22",
    Kind.EMAIL: "write one address, such as desk@authority.example",
    Kind.PHONE: "write it with the country code, such as +32 2 555 01 00",
    Kind.WEBLINK: "write a full address that begins with https://",
    Kind.LOCATION: "write the full address with its scheme, such as https://host.example/page",
}
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value that cannot stand; `shown` is what a draft may still print of it."""

    why: str
    at: str = ""  #: the part of a record, such as `[2].url`
    shown: object = None


def anchored(pattern: str) -> str:
    """The pattern, whose end is the end of the text also in Python, where `$` lets one more line break follow."""
    return f"{pattern}(?!\\n)" if pattern.endswith("$") else pattern


_NOTHING = re.compile(f"[{UNSEEN}]*")
_FORMED_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_SHORT_OFFSET = re.compile("([+-][0-9]{2})([0-9]{2})?$")
_COMPILED = {kind: re.compile(anchored(pattern)) for kind, pattern in PATTERNS.items()}


def read_value(field: Field, value: object) -> object | Wrong:
    """The canonical value, or what is wrong with it."""
    return _READERS[field.kind](field, value)


def why_not(kind: Kind, text: str) -> str:
    """What is wrong with a text of a kind, in words; empty where it is right."""
    read = read_value(Field(key="", section="", kind=kind), text)
    return read.why if isinstance(read, Wrong) else ""


def is_blank(value: object) -> bool:
    """Nothing was filled in: null, an empty list or record, or a text with nothing to see."""
    return (
        value is None
        or value == []
        or value == {}
        or (isinstance(value, str) and _NOTHING.fullmatch(value) is not None)
    )


def shown(value: object) -> str:
    """A value or key as an error message may quote it: short, printable, with nothing hidden in it."""
    if isinstance(value, str):
        cut = value if len(value) <= 40 else f"{value[:40]}..."
        return ascii(cut) if _SURROGATE.search(cut) or not cut.isprintable() else repr(cut)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return "a number"
    return {list: "a list", dict: "an object", type(None): "null"}.get(type(value), "something else")


def a_text(field: Field, value: object) -> str | Wrong:
    """Text of any kind, within its length."""
    if not isinstance(value, str):
        return Wrong(f"has to be a text, not {shown(value)}")
    if found := _SURROGATE.search(value):
        return Wrong(f"holds half of a character (U+{ord(found[0]):04X}); send it again as UTF-8")
    most = field.max or (LONG_MAX if field.kind is Kind.LONG else LINE_MAX)
    if len(value) > most:
        return Wrong(f"is {len(value)} characters long; at most {most} fit", shown=value)
    if field.pattern and not re.search(anchored(field.pattern), value):
        return Wrong(f"{shown(value)} is not of the form asked for; write it as {field.example}", shown=value)
    return value


def _formed(field: Field, value: object) -> str | Wrong:
    text = a_text(field, value)
    if isinstance(text, Wrong):
        return text
    if not _COMPILED[field.kind].search(text):
        return Wrong(f"{shown(text)} {_mistake(field.kind, text)}; {_ASKED[field.kind]}", shown=text)
    return text


def _mistake(kind: Kind, text: str) -> str:
    if kind in {Kind.INSTANT, Kind.DATE} and _FORMED_DAY.match(text) and not _is_in_years(text):
        return f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}"
    if kind is not Kind.INSTANT:
        return f"is no {kind.value}"
    try:
        return (
            "has no offset from UTC" if datetime.fromisoformat(text).tzinfo is None else "is no date and time"
        )
    except ValueError:
        return "is no date and time"


def _is_in_years(text: str) -> bool:
    return FIRST_YEAR <= int(text[:4]) <= LAST_YEAR


def _instant(field: Field, value: object) -> str | Wrong:
    text = _formed(field, value)
    if isinstance(text, str):
        try:
            datetime.fromisoformat(text.upper()).utctimetuple()
        except (ValueError, OverflowError):
            return Wrong(f"{shown(text)} is not in the calendar; {_ASKED[Kind.INSTANT]}", shown=text)
        return _settled(text)
    return text


def _settled(text: str) -> str:
    """The instant with at most six digits after the second, and its offset as hours and minutes."""
    text = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text)
    return _SHORT_OFFSET.sub(lambda found: f"{found[1]}:{found[2] or '00'}", text)


def _day(field: Field, value: object) -> str | Wrong:
    text = _formed(field, value)
    if isinstance(text, Wrong):
        return text
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return Wrong(f"{shown(text)} is not in the calendar; {_ASKED[Kind.DATE]}", shown=text)
    if (field.first and day < field.first) or (field.last and day > field.last):
        return Wrong(
            f"{text} has to lie between {field.first or 'the beginning'} and {field.last}", shown=text
        )
    return text


def _choice(field: Field, value: object) -> str | Wrong:
    text = a_text(field, value)
    if isinstance(text, str):
        text = field.short.get(text, text)
    if isinstance(text, str) and text not in field.choices:
        return Wrong(f"{shown(text)} {_near(text, field.choices)}", shown=text)
    return text


def _near(word: str, choices: tuple[str, ...]) -> str:
    folded = {one.lower(): one for one in choices}
    near = difflib.get_close_matches(word.lower()[:60], folded, n=1)
    guess = f"did you mean {folded[near[0]]!r}? " if near else ""
    if len(choices) > 100 and {"en", "EN"} & set(choices):
        case = "small" if "en" in choices else "capital"
        example = "en" if "en" in choices else "EN"
        return f"is no language of the list; {guess}write two {case} letters, such as {example}"
    if len(choices) > 20 and "BE" in choices:
        extra = "; Greece is GR" if word.upper() == "EL" else ""
        return f"is no state of the list; {guess}write two capitals, such as BE{extra}"
    listed = ", ".join(choices[:8]) + (" ..." if len(choices) > 8 else "")
    return f"is not one of the choices; {guess}choose from: {listed}"


def _choices(field: Field, value: object) -> list[object] | Wrong:
    if isinstance(value, str):
        value = [value]
    if isinstance(value, dict):
        if not all(isinstance(one, bool) for one in value.values()):
            return Wrong("has to be a list of choices, or an object in which each is true or false")
        for key in value:
            if isinstance(read := _choice(field, key), Wrong):
                return Wrong(read.why, f"[{shown(key)}]")
        value = [key for key, one in value.items() if one]
    if not isinstance(value, list):
        return Wrong(f"has to be a list of choices, not {shown(value)}")
    if len(value) > (most := field.many or MANY_MAX):
        return Wrong(f"is a list of {len(value)}; at most {most} fit")
    for at, one in enumerate(value):
        read = _choice(field, one)
        if isinstance(read, Wrong):
            return Wrong(read.why, f"[{at}]{read.at}")
    given = {field.short.get(one, one) for one in value}
    return [one for one in field.choices if one in given]


def _tick(field: Field, value: object) -> bool | Wrong:
    if not isinstance(value, bool):
        return Wrong(f"has to be true or false, not {shown(value)}")
    if field.must is not None and value is not field.must:
        return Wrong(f"has to be {shown(field.must)}", shown=value)
    return value


def _number(field: Field, value: object) -> int | float | Wrong:
    is_whole = field.kind is Kind.INTEGER
    if isinstance(value, float) and is_whole and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int if is_whole else (int, float)):
        return Wrong(f"has to be a {'whole ' if is_whole else ''}number, not {shown(value)}")
    if not math.isfinite(value) if isinstance(value, float) else abs(value) > 2**53:
        return Wrong("is no number that can be written down; write one such as 0.9")
    if (field.least is not None and value < field.least) or (field.most is not None and value > field.most):
        return Wrong(f"has to lie between {field.least:g} and {field.most:g}", shown=value)
    return int(value) if float(value).is_integer() else value


def _texts(field: Field, value: object) -> list[object] | Wrong:
    return _each(field, value, a_text)


def _each(
    field: Field, value: object, read_one: Callable[[Field, object], object | Wrong]
) -> list[object] | Wrong:
    if not isinstance(value, list):
        return Wrong(f"has to be a list, not {shown(value)}")
    if len(value) > (most := field.many or MANY_MAX):
        return Wrong(f"is a list of {len(value)}; at most {most} fit")
    read = [read_one(field, one) for one in value]
    for at, one in enumerate(read):
        if isinstance(one, Wrong):
            draft = [part.shown if isinstance(part, Wrong) else part for part in read]
            return Wrong(one.why, f"[{at}]{one.at}", shown=[part for part in draft if part is not None])
        if is_blank(one):
            return Wrong("is empty; fill it in or leave it out", f"[{at}]")
    return read


def _record(field: Field, value: object) -> dict[str, object] | Wrong:
    if field.bare and isinstance(value, str):
        value = {field.parts[0].key: value}
    if not isinstance(value, dict):
        bare = " or a text" if field.bare else ""
        return Wrong(f"has to be an object{bare}, not {shown(value)}")
    known = {part.key for part in field.parts}
    for key in value:
        if key not in known:
            near = difflib.get_close_matches(str(key)[:60], known, n=1, cutoff=0.0)
            return Wrong(f"unknown part {shown(key)}; did you mean {near[0]!r}?")
    kept: dict[str, object] = {}
    first: Wrong | None = None
    for part in field.parts:
        given = value.get(part.key)
        if is_blank(given):
            if part.need and first is None:
                first = Wrong("is missing; fill it in", f".{part.key}")
            continue
        read = read_value(part, given)
        if isinstance(read, Wrong):
            first = first or Wrong(read.why, f".{part.key}{read.at}")
            read = read.shown
        if read is not None:
            kept[part.key] = read
    return kept if first is None else Wrong(first.why, first.at, shown=kept or None)


def _records(field: Field, value: object) -> list[object] | Wrong:
    if field.bare and isinstance(value, (dict, str)):
        value = [value]
    return _each(field, value, _record)


_READERS: Mapping[Kind, Callable[[Field, object], object | Wrong]] = {
    Kind.TEXT: a_text,
    Kind.LONG: a_text,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.TICK: _tick,
    Kind.INSTANT: _instant,
    Kind.DATE: _day,
    Kind.EMAIL: _formed,
    Kind.PHONE: _formed,
    Kind.WEBLINK: _formed,
    Kind.LOCATION: _formed,
    Kind.TEXTS: _texts,
    Kind.NUMBER: _number,
    Kind.INTEGER: _number,
    Kind.RECORD: _record,
    Kind.RECORDS: _records,
}
