"""Drawing the page of the legal forms, and their schemas, from the forms themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staydown.reason.formfile import Condition, Field, Form

HEAD = """# Legal forms

Each form is a folder of data, `plugs/instruments/<name>/`: `form.toml` with its fields and rules, `texts/<language>.toml` with
its words, `sample.json` with a made-up example. The format is described at the top of `src/staydown/reason/formfile.py`;
[how to check, render and read one](../how-to/read-and-render-a-form.md).

**Languages.** A form exists in the languages of its `texts` folder. A further one is one more file there; the English file beside
it shows every word that is needed. A form is refused in a language it does not exist in. Wording that the Official Journal
prints is given as exactly as its writers knew it. `compared = false` at the top of a file says that nobody has held it against
the Journal yet, and today that stands in all of them: have it compared before a first real order.

**Keys** are those of the annexes' own order: the letter of the section, then the field. The annexes mark nothing as mandatory;
what has to be there follows from the article in the last column. `e_signature` may stay empty: the electronic signature is put
on the PDF itself, or the authenticated channel is named there.

"""


def forms() -> str:
    """Every legal form: its fields, what has to be there, and what is checked between them."""
    from staydown.app import forms as found

    parts = [
        HEAD,
        "| form | version | title | source | direction | binds | languages |\n|" + " --- |" * 7 + "\n",
    ]
    for name, plug in found().items():
        form = plug.form
        title = form.words("en").title.capitalize()
        parts.append(
            f"| [`{name}`](#{name}) | {form.version} | {title} | {form.source} | {form.direction} |"
            f" {'yes' if form.binding else 'no'} | {', '.join(form.languages)} |\n"
        )
    for name, plug in found().items():
        parts += _form(name, plug.form)
    return "".join(parts)


def _form(name: str, form: Form) -> Iterator[str]:
    from staydown.reason.formrules import RULES

    yield f"\n## {name}\n\n{form.source}, since {form.since}. [Schema](forms/{name}.schema.json).\n\n"
    yield "| key | label | kind | needed | source |\n| --- | --- | --- | --- | --- |\n"
    for one in form.fields:
        yield from _rows(form, one)
    notes = [f"- at least one of {', '.join(f'`{key}`' for key in group)}\n" for group in form.one_of]
    notes += [f"- `{rule}`: {(RULES[rule].__doc__ or '').splitlines()[0]}\n" for rule in form.rules]
    if notes:
        yield "\nBetween the fields:\n\n" + "".join(notes)


def _rows(form: Form, field: Field, within: str = "") -> Iterator[str]:
    from staydown.reason.formlayout import label_of, words_of

    key = f"{within}.{field.key}" if within else field.key
    label = label_of(form.words("en"), words_of("en"), key).rstrip(":").replace("|", "\\|")
    some = ", ".join(field.choices[:6]) + (" ..." if len(field.choices) > 6 else "")
    kind = f"{field.kind.value}: {some}" if some else field.kind.value
    needed = "yes" if field.need else "; ".join(_condition(one) for one in field.when) or "-"
    if field.only_when:
        needed += f" (dropped unless {'; '.join(_condition(one) for one in field.only_when)})"
    yield f"| `{key}` | {label} | {kind} | {needed} | {field.source or '-'} |\n"
    for part in field.parts:
        yield from _rows(form, part, key)


def _condition(one: Condition) -> str:
    if one.differs:
        return f"`{one.key}` and `{one.differs}` differ"
    if one.given:
        return f"`{one.key}` is given"
    words = " or ".join(str(word).lower() if isinstance(word, bool) else word for word in one.words)
    return f"`{one.key}` is {'not ' if one.is_negated else ''}{words}"


def form_schemas() -> Mapping[str, str]:
    """The JSON Schema of every form, by the file it lies in."""
    from staydown.app import forms as found
    from staydown.reason.formschema import schema

    return {
        f"forms/{name}.schema.json": json.dumps(schema(one.form), indent=1) + "\n"
        for name, one in found().items()
    }
