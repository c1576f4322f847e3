"""Checking a filled-in form: what is missing, what is wrong, and its values as they will be kept."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from staydown.reason.formfile import Field, Form
from staydown.reason.formrules import RULES, SETTLES
from staydown.reason.formvalues import Wrong, is_blank, read_value, shown

_ERRORS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found."""

    form: str
    version: str
    missing: tuple[str, ...]  #: keys that have to be filled in
    errors: tuple[str, ...]  #: `key: what is wrong; what to do`
    values: Mapping[str, object]  #: canonical; in a draft also what is printable of wrong values
    dropped: tuple[str, ...] = ()  #: given, but without a place there, given the others
    wrong: frozenset[str] = frozenset()  #: keys of the fields the errors speak of
    unread: frozenset[str] = (
        frozenset()
    )  #: those among them that are wrong by themselves; no rule was asked about them

    @property
    def complete(self) -> bool:
        """Whether nothing is missing and nothing is wrong."""
        return not self.missing and not self.errors

    def as_row(self) -> dict[str, object]:
        """The object that the command line prints."""
        return {
            "form": self.form,
            "version": self.version,
            "complete": self.complete,
            "missing": list(self.missing),
            "errors": list(self.errors),
            "dropped": list(self.dropped),
        }


def check(form: Form, values: object) -> Checked:
    """Check the values of a form; survives data of any kind.

    Args:
        form: The form they were filled into.
        values: What a person or a program filled in: an object with the form's keys, and `form` and `version` where it
            names them.

    Returns:
        All that is missing or wrong at once, and the values in their canonical form.
    """
    if not isinstance(values, Mapping):
        return _found(form, errors=[f"the form: has to be an object with keys, not {shown(values)}"])
    errors = [*_head(form, values), *_unknown(form, values)]
    given = _gathered(form, values, errors)
    good, draft, wrongs = _read(form, given)
    dropped = [
        one.key
        for one in form.fields
        if one.key in given
        and not one.is_kept(good)
        and not any(part.key in wrongs for part in one.only_when)
    ]
    for key in dropped:
        for kept in (good, draft, wrongs):
            kept.pop(key, None)
    errors += [f"{key}{one.at}: {one.why}" for key, one in wrongs.items()]
    wrong = set(wrongs)
    for name in form.settles:
        SETTLES[name](good)
        draft = {key: value for key, value in draft.items() if key in good or key in wrong} | good
    missing = _missing(form, good, wrong)
    for name in form.rules:
        for found in RULES[name](good):
            errors.append(found)
            wrong.add(found.partition(":")[0].partition("[")[0])
    kept_besides = _kept(form, values)
    dropped += _withheld(kept_besides)
    draft |= kept_besides
    return _found(
        form, errors=errors, missing=missing, values=draft, dropped=dropped, wrong=wrong, unread=set(wrongs)
    )


def _found(
    form: Form,
    *,
    errors: list[str],
    missing: list[str] | None = None,
    values: Mapping[str, object] | None = None,
    dropped: list[str] | None = None,
    wrong: set[str] | None = None,
    unread: set[str] | None = None,
) -> Checked:
    return Checked(
        form=form.name,
        version=form.version,
        missing=tuple(missing or [one.key for one in form.fields if one.need and values is None]),
        errors=tuple(errors[:_ERRORS_MAX]),
        values=values or {},
        dropped=tuple(dropped or ()),
        wrong=frozenset(wrong or ()),
        unread=frozenset(unread or ()),
    )


def _head(form: Form, values: Mapping[object, object]) -> list[str]:
    """The words that say which form and version this is."""
    errors = []
    if values.get("form", form.name) != form.name:
        errors.append(f"form: is {shown(values['form'])}, and was checked as {form.name!r}")
    if not form.bare and values.get("version", form.version) != form.version:
        errors.append(
            f"version: {shown(values['version'])} is not known; write {form.version!r} or leave it out"
        )
    return errors


def _ticks(form: Form) -> dict[str, Field]:
    """Choices that may be given as keys of their own."""
    return {choice: one for one in form.fields if one.ticks for choice in one.choices}


def _unknown(form: Form, values: Mapping[object, object]) -> list[str]:
    known = {name for one in form.fields for name in (one.key, *one.names)} | {"form"} | set(_ticks(form))
    if form.open:
        return [error for key, value in values.items() if key not in known for error in _unfit(key, value)]
    if not form.bare:
        known.add("version")
    errors = []
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(str(key)[:80], sorted(known), n=1, cutoff=0.5)
            guess = f"did you mean {near[0]!r}?" if near else "leave it out"
            errors.append(f"{shown(key).strip(chr(39))}: is no field of {form.name}; {guess}")
    return errors


def _unfit(key: object, value: object) -> list[str]:
    """Why a field that the form does not know cannot be kept."""
    import rfc8785

    try:
        rfc8785.dumps([str(key), value])  # type: ignore[list-item]
    except (rfc8785.CanonicalizationError, TypeError, ValueError, RecursionError):
        return [f"{shown(key).strip(chr(39))}: cannot be written as JSON; leave it out"]
    return []


def _kept(form: Form, values: Mapping[object, object]) -> dict[str, object]:
    """What an open form keeps besides its own fields."""
    known = {name for one in form.fields for name in (one.key, *one.names)} | {"form"}
    if not form.open:
        return {}
    return {str(key): one for key, one in values.items() if key not in known and not _unfit(key, one)}


def _withheld(kept: dict[str, object]) -> list[str]:
    """Take out what stays with whoever wrote it: by its name it begins with an underscore."""
    inside = [key for key in kept if key.startswith("_")]
    for key in inside:
        del kept[key]
    return inside


def _gathered(form: Form, values: Mapping[object, object], errors: list[str]) -> dict[str, object]:
    """The fields' values, with ticks given under their own keys put into their list."""
    given = {one.key: values[one.key] for one in form.fields if one.key in values}
    for one in form.fields:
        for name in (name for name in one.names if not is_blank(values.get(name))):
            if not is_blank(given.get(one.key)):
                errors.append(f"{name}: stands for {one.key}, which is there already; leave one of them out")
            given[one.key] = values[name]
    for choice, one in _ticks(form).items():
        tick = values.get(choice)
        if tick is None or tick is False:
            continue
        if tick is not True:
            errors.append(f"{choice}: has to be true or false, not {shown(tick)}")
            continue
        listed = given.get(one.key)
        if is_blank(listed):
            given[one.key] = [choice]
        else:
            given[one.key] = [*(listed if isinstance(listed, list) else [listed]), choice]
    return given


def _read(
    form: Form, given: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, object], dict[str, Wrong]]:
    """Values that are right, values a draft may print, and what is wrong with the others."""
    good: dict[str, object] = {}
    draft: dict[str, object] = {}
    wrong: dict[str, Wrong] = {}
    for one in form.fields:
        value = given.get(one.key)
        if is_blank(value):
            continue
        read = read_value(one, value)
        if isinstance(read, Wrong):
            wrong[one.key] = read
            if read.shown is not None:
                draft[one.key] = read.shown
        elif not is_blank(read):
            good[one.key] = draft[one.key] = read
    return good, draft, wrong


def _missing(form: Form, good: Mapping[str, object], wrong: set[str]) -> list[str]:
    """Fields that have to be there and are not; a wrong one is there, only wrong."""
    there = good.keys() | wrong
    missing = [
        one.key for one in form.fields if one.key not in there and one.is_needed(good) and one.is_kept(good)
    ]
    missing += [group[0] for group in form.one_of if there.isdisjoint(group)]
    order = [one.key for one in form.fields]
    return sorted(set(missing), key=order.index)
