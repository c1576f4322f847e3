"""The JSON Schema (2020-12) of a form: what it takes to be complete, for whoever fills it in by program.

A schema and `formcheck.check` judge alike, save for the rules named under `x-rules`: whether a day is in the calendar, and
how instants lie to each other, no schema can say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from staydown.law.states import EEA, EU
from staydown.reason.formfile import Condition, Field, Form, Kind
from staydown.reason.formvalues import LINE_MAX, LONG_MAX, MANY_MAX, PATTERNS, UNSEEN, anchored

Schema = dict[str, object]

BLANK: Schema = {"anyOf": [{"enum": [None, [], {}]}, {"type": "string", "pattern": f"^[{UNSEEN}]*$"}]}
"""What counts as not filled in."""
_FILLED: Schema = {"not": BLANK}
_FORMATS = {Kind.INSTANT: "date-time", Kind.DATE: "date", Kind.EMAIL: "email", Kind.WEBLINK: "uri"}
_MOST = 2**53


def schema(form: Form) -> Schema:
    """The schema of a form's JSON."""
    properties: Schema = {"form": {"const": form.name}}
    if not form.bare:
        properties["version"] = {"const": form.version}
    conditions: list[Schema] = []
    for one in form.fields:
        properties |= dict.fromkeys((one.key, *one.names), _property(form, one))
        conditions += _conditions(form, one)
        for choice in one.choices if one.ticks else ():
            properties[choice] = {"type": ["boolean", "null"]}
    conditions += [{"anyOf": [_has(key) for key in group]} for group in form.one_of]
    conditions += [part for name in form.rules for part in _RULES.get(name, list)()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:staydown:form:{form.name}:{form.version}",
        "title": form.name,
        "description": f"{form.source}; version {form.version}, since {form.since}.",
        "type": "object",
        "properties": properties,
        "required": [one.key for one in form.fields if _is_alone(one)],
        "additionalProperties": form.open,
        **({"allOf": conditions} if conditions else {}),
        "x-rules": ["calendar", *(name for name in form.rules if name not in _RULES)],
    }


def _property(form: Form, field: Field) -> Schema:
    if field.only_when:
        return {"description": field.source}
    body = _SHAPES[field.kind](field)
    if not _is_alone(field):
        body = {"anyOf": [BLANK, body]}
    return {"description": field.source, **body} if field.source else body


def _is_alone(field: Field) -> bool:
    """Whether the field has to be there under its own key."""
    return field.need and not field.ticks and not field.names


def _conditions(form: Form, field: Field) -> list[Schema]:
    found: list[Schema] = []
    if field.ticks and field.need:
        ticked: list[Schema] = [
            {"properties": {one: {"const": True}}, "required": [one]} for one in field.choices
        ]
        found.append({"anyOf": [_has(field.key), *ticked]})
    if field.names:
        given = [_has(key) for key in (field.key, *field.names)]
        found.append({"oneOf": given if field.need else [*given, {"not": {"anyOf": given}}]})
    if field.only_when:
        body: Schema = {"anyOf": [BLANK, _SHAPES[field.kind](field)]}
        found.append({"if": _any(form, field.only_when), "then": {"properties": {field.key: body}}})
    if field.when:
        when = _any(form, field.when)
        if field.only_when:
            when = {"allOf": [when, _any(form, field.only_when)]}
        found.append({"if": when, "then": _has(field.key)})
    return found


def _has(key: str) -> Schema:
    return {"properties": {key: _FILLED}, "required": [key]}


def _any(form: Form, conditions: tuple[Condition, ...]) -> Schema:
    return {"anyOf": [_holds(form, one) for one in conditions]}


def _holds(form: Form, one: Condition) -> Schema:
    if one.given:
        return _has(one.key)
    if one.differs:
        return {
            "anyOf": [
                _are({one.key: [state], one.differs: [other for other in EEA if other != state]})
                for state in EEA
            ]
        }
    listed: Schema = {"type": "array", "contains": {"enum": list(one.words)}}
    ticked = [_is_ticked(one.key, word) for word in map(str, one.words)]
    field = form.field(one.key)
    if field is not None and field.ticks:
        ticked += [
            {"properties": {word: {"const": True}}, "required": [word]} for word in map(str, one.words)
        ]
    named: Schema = {
        "properties": {one.key: {"anyOf": [{"enum": list(one.words)}, listed]}},
        "required": [one.key],
    }
    found: Schema = {"anyOf": [named, *ticked]} if field is not None and field.kind is Kind.CHOICES else named
    return {"not": found} if one.is_negated else found


def _is_ticked(key: str, word: str) -> Schema:
    ticked: Schema = {"type": "object", "properties": {word: {"const": True}}, "required": [word]}
    return {"properties": {key: ticked}, "required": [key]}


def _are(words: Mapping[str, list[str]]) -> Schema:
    return {"properties": {key: {"enum": some} for key, some in words.items()}, "required": list(words)}


def _text(field: Field) -> Schema:
    default = LONG_MAX if field.kind is Kind.LONG else LINE_MAX
    patterns = [one for one in (PATTERNS.get(field.kind), field.pattern) if one]
    body: Schema = {"type": "string", "maxLength": field.max or default, "pattern": f"[^{UNSEEN}]"}
    if patterns:
        body["allOf"] = [{"pattern": anchored(one)} for one in patterns]
    if found := _FORMATS.get(field.kind):
        body["format"] = found
    return body


def _choice(field: Field) -> Schema:
    return {"enum": [*field.choices, *field.short]}


def _choices(field: Field) -> Schema:
    ticked: Schema = {
        "type": "object",
        "propertyNames": _choice(field),
        "additionalProperties": {"type": "boolean"},
        "not": {"additionalProperties": {"const": False}},
    }
    return {"anyOf": [_list(_choice(field), MANY_MAX), _choice(field), ticked]}


def _tick(field: Field) -> Schema:
    return {"type": "boolean"} if field.must is None else {"const": field.must}


def _number(field: Field) -> Schema:
    kind = "integer" if field.kind is Kind.INTEGER else "number"
    least = -_MOST if field.least is None else field.least
    return {"type": kind, "minimum": least, "maximum": _MOST if field.most is None else field.most}


def _texts(field: Field) -> Schema:
    return _list(_text(field), field.many or MANY_MAX)


def _list(items: Schema, most: int) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most}


def _record(field: Field) -> Schema:
    parts: Schema = {}
    for part in field.parts:
        body = _SHAPES[part.kind](part)
        parts[part.key] = body if part.need else {"anyOf": [BLANK, body]}
    whole: Schema = {
        "type": "object",
        "properties": parts,
        "required": [part.key for part in field.parts if part.need],
        "additionalProperties": False,
    }
    return {"anyOf": [whole, _text(field.parts[0])]} if field.bare else whole


def _records(field: Field) -> Schema:
    one = _record(field)
    several = _list(one, field.many or MANY_MAX)
    return {"anyOf": [one, several]} if field.bare else several


_SHAPES: Mapping[Kind, Callable[[Field], Schema]] = {
    Kind.TEXT: _text,
    Kind.LONG: _text,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.TICK: _tick,
    Kind.INSTANT: _text,
    Kind.DATE: _text,
    Kind.EMAIL: _text,
    Kind.PHONE: _text,
    Kind.WEBLINK: _text,
    Kind.LOCATION: _text,
    Kind.TEXTS: _texts,
    Kind.NUMBER: _number,
    Kind.INTEGER: _number,
    Kind.RECORD: _record,
    Kind.RECORDS: _records,
}


def _cross_border() -> list[Schema]:
    """Regulation (EU) 2021/784, Art. 4(1): section D says what section A shows."""
    same: list[Schema] = [_are({"a_issuing_ms": [one], "a_establishment_ms": [one]}) for one in EU]
    other: list[Schema] = [
        _are({"a_issuing_ms": [one], "a_establishment_ms": [state for state in EEA if state != one]})
        for one in EU
    ]
    return [
        {"if": {"anyOf": same}, "then": {"properties": {"d_cross_border": {"not": {"const": True}}}}},
        {
            "if": _are({"a_establishment_ms": ["none"]}),
            "then": {"properties": {"d_cross_border": {"not": {"const": True}}}},
        },
        {"if": {"anyOf": other}, "then": {"properties": {"d_cross_border": {"not": {"const": False}}}}},
    ]


def _copy_sent() -> list[Schema]:
    """Regulation (EU) 2021/784, Art. 4(1): the copy goes out together with the order."""
    crosses: Schema = {"properties": {"d_cross_border": {"const": True}}, "required": ["d_cross_border"]}
    return [
        {
            "if": crosses,
            "then": {"properties": {"d_copy_sent": {"not": {"const": False}}}},
            "else": {"properties": {"d_copy_sent": {"not": {"const": True}}}},
        }
    ]


_RULES: Mapping[str, Callable[[], list[Schema]]] = {"cross_border": _cross_border, "copy_sent": _copy_sent}
"""Rules between fields that a schema can say."""
