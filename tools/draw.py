"""Draw the reference pages from the code: `python -m tools.draw [PAGE|all] [--write]`.

Without --write it compares and fails when a page no longer matches the code.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path

from tools import drawlaw
from tools.comments import member_comments
from tools.draw_forms import form_schemas, forms

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
HEAD = "<!-- Drawn from the code by `make docs`; do not edit. -->\n\n"


def states() -> str:
    """Every state table, as table and diagram, with what each word means."""
    from staydown.core.states import TABLES

    meanings = member_comments(ROOT / "src/staydown/core/states.py")
    parts = [
        "# States\n\nEverything that changes a state is in `core/states.py`. A step that is not here is refused.\n"
    ]
    for name, table in TABLES.items():
        parts.append(f"\n## {name}\n\n```mermaid\nstateDiagram-v2\n{_diagram(table)}```\n\n")
        parts.append("| state | means | event | leads to |\n| --- | --- | --- | --- |\n")
        for state, row in table.items():
            means = meanings.get((type(state).__name__, state.name), "")
            steps = [(event.value, after.value) for event, after in row.items()] or [("none", "final")]
            for at, (event, after) in enumerate(steps):
                parts.append(
                    f"| {f'`{state.value}`' if at == 0 else ''} | {means if at == 0 else ''} | {event} | {after} |\n"
                )
    return "".join(parts)


def _diagram(table: Mapping[StrEnum, Mapping[StrEnum, StrEnum]]) -> str:
    return "".join(
        f"    {s.value} --> {after.value}: {e.value}\n"
        for s, row in table.items()
        for e, after in row.items()
    )


def _places(paths: set[str]) -> str:
    return ", ".join(f"`{path}`" for path in sorted(paths)) or "-"


def commands() -> str:
    """Every command with its options, from the parser itself."""
    import typer.main

    from staydown.cli.main import app

    parts = [
        "# Commands\n\nGlobal: `staydown [--home DIR] [--database URL] COMMAND`. Results go to standard output, talk to "
        "standard error. Exit codes: 0 done, 2 usage, 3 malformed input, 4 not found, 5 a rule refuses, 6 somebody was "
        "faster, 7 outside trouble, 8 evidence or ledger broken.\n"
    ]
    for path, command in _walk("staydown", typer.main.get_command(app)):
        words = " ".join((command.help or "").split())
        text, _, example = words.partition("Example: ")
        parts.append(f"\n## `{path}`\n\n{text.strip()}\n")
        if rows := list(_parameters(command)):
            parts.append("\n| parameter | default | meaning |\n| --- | --- | --- |\n" + "".join(rows))
        if example:
            parts.append(f"\nExample: `{example.strip()}`\n")
    return "".join(parts)


def _walk(path: str, command: object) -> Iterator[tuple[str, object]]:  # type: ignore[type-arg]
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name in sorted(inner):
        yield from _walk(f"{path} {name}", inner[name])


def _parameters(command: object) -> Iterator[str]:
    for one in command.params:  # type: ignore[attr-defined]
        if one.name in {"help"}:
            continue
        is_option = one.param_type_name == "option"
        name = (
            ", ".join(f"`{word}`" for word in one.opts)
            if is_option
            else f"`{one.make_metavar_plain()}`"
            if hasattr(one, "make_metavar_plain")
            else f"`{(one.metavar or one.name).upper().strip('[]')}`"
        )
        needed = (
            "needed"
            if one.required
            else ""
            if one.default in (None, False, "") or callable(one.default)
            else f"`{one.default}`"
        )
        yield f"| {name} | {needed} | {(getattr(one, 'help', None) or '').replace('|', chr(92) + '|')} |\n"


def settings() -> str:
    """Every setting with its default."""
    from staydown.settings import Settings

    meanings = dict(
        re.findall(r"^    (\w+): .*?#: (.*)$", (ROOT / "src/staydown/settings.py").read_text(), re.M)
    )
    lines = [
        "# Settings\n\nRead once, from `staydown.toml` in the home, then from the environment (`STAYDOWN_` and the name in "
        "capitals). An unknown key is an error.\n\n| name | kind | default | meaning |\n| --- | --- | --- | --- |\n"
    ]
    for one in fields(Settings):
        if one.name != "home":
            lines.append(f"| `{one.name}` | {one.type} | `{one.default!r}` | {meanings[one.name]} |\n")
    return "".join(lines)


def providers() -> str:
    """Every provider room: what it knows, what can be put to it, and where it takes mail."""
    from staydown.registry import load_rooms

    rooms = sorted((room for room in load_rooms() if room.name != "web"), key=lambda room: room.name)
    real = [room for room in rooms if not room.exercise]
    forms = sum(len(room.patterns) for room in real)
    examples = sum(len(pattern.examples) for room in real for pattern in room.patterns)
    parts = [
        f"# Providers\n\n{len(real)} rooms of real services know {forms} forms of addresses, shown by {examples}"
        f" examples; {len(rooms) - len(real)} more are simulated ones of the exercise. A room is one file,"
        " `plugs/providers/<name>/provider.toml`; [how to add one](../how-to/add-a-provider.md). A kind is written with its word in"
        " the key where that differs. What a provider says of where it is, and where it takes mail, stands here only with"
        " the day on which it was looked up.\n\n"
        "| provider | hosts | forms | kinds | instruments | languages | established, represented | contact points | looked up |\n"
        + "|" + " --- |" * 9 + "\n"
    ]  # fmt: skip
    for room in rooms:
        kinds = sorted(
            {one.kind.value if one.space == one.kind.value else f"{one.kind.value} as {one.space}" for one in room.patterns if not one.target}
        )  # fmt: skip
        where = ", ".join(f"{word} {state}" for word, state in (("in", room.establishment), ("by", room.representative)) if state)  # fmt: skip
        contacts = "; ".join(f"{one.courier}: {one.address} ({', '.join(sorted(one.instruments))})" for one in room.contacts)  # fmt: skip
        facts = f"[{room.looked_up}]({room.source})" if room.looked_up and room.source else ""
        title = room.title if room.exercise else f"**{room.title}**"
        parts.append(
            f"| {title} `{room.name}` | {len(room.hosts) + len(room.host_patterns)} | {len(room.patterns)} | {', '.join(kinds) or '-'} |"
            f" {', '.join(sorted(room.instruments)) or '-'} | {', '.join(room.languages)} | {where or '-'} |"
            f" {contacts or '-'} | {facts or '-'} |\n"
        )
    return "".join(parts)


def ledger_tags() -> str:
    """Every tag that the ledger knows, with the file that writes it."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = _text(node)
            if re.fullmatch(r"[a-z]+:[a-z]+:[a-z*-]+", text):
                found.setdefault(text, set()).add(str(path.relative_to(ROOT)))
    head = (
        "# Ledger tags\n\nEach entry carries its number, its instant, a tag, an opaque subject and a salted commitment to its "
        "details. The details may be personal; they lie in rows of their own and can be erased without breaking the chain.\n\n"
        "| tag | written by |\n| --- | --- |\n"
    )
    return head + "".join(f"| `{tag}` | {_places(places)} |\n" for tag, places in sorted(found.items()))


def rights() -> str:
    """The table of rights, as it is asked at every route and in every verb of the flow."""
    from staydown.core.rights import ALONE, FRESH, PHISHING_RESISTANT, RIGHTS, WITH_PURPOSE, Relation, Role

    meanings = member_comments(ROOT / "src/staydown/core/rights.py")
    parts = [
        "# Rights\n\nWho may do what is one table, in `core/rights.py`. What is not in it is refused. A record of another agency "
        "reads as one that is not there.\n\n## Roles\n\n| role | what it is for | goes with |\n| --- | --- | --- |\n"
    ]
    for role in Role:
        others = "no other role" if role in ALONE else "others"
        extra = ", by passkey alone" if role in PHISHING_RESISTANT else ""
        parts.append(f"| `{role.value}` | {meanings.get(('Role', role.name), '')}{extra} | {others} |\n")
    parts.append("\n## How a record stands to a person\n\n| relation | means |\n| --- | --- |\n")
    parts += [f"| `{one.value}` | {meanings.get(('Relation', one.name), '')} |\n" for one in Relation]
    parts.append(
        "\n## The table\n\n`fresh`: takes a proof, given just now, of who is there; no token opens it. `purpose`: says why, and is "
        "written down.\n\n| verb | relation | roles | |\n| --- | --- | --- | --- |\n"
    )
    for verb, rows in RIGHTS.items():
        marks = ", ".join(
            word for word, verbs in (("fresh", FRESH), ("purpose", WITH_PURPOSE)) if verb in verbs
        )
        for at, (relation, roles) in enumerate(rows.items()):
            who = "all" if roles == frozenset(Role) else ", ".join(r.value for r in Role if r in roles)
            parts.append(
                f"| {f'`{verb.value}`' if at == 0 else ''} | {relation.value} | {who} | {marks if at == 0 else ''} |\n"
            )
    return "".join(parts)


def api() -> str:
    """Every route of the API, with the row of the rights it stands on."""
    import tempfile

    from staydown.api.app import make_api, routes_of
    from staydown.api.gate import Needs, rows_of
    from staydown.app import open_app
    from staydown.core.rights import FRESH, WITH_PURPOSE

    with tempfile.TemporaryDirectory() as folder:
        home = open_app(Path(folder) / "home")
        home.make(exercise=True).close()
        found = []
        for one in routes_of(make_api(home)):
            (gate,) = rows_of(one.dependant)
            summary = str(one.endpoint.__doc__ or "").split("\n")[0]
            for method in sorted(one.methods or ()):
                found.append((one.path or "", method, gate, summary))
        home.close()
    parts = [
        "# Routes of the API\n\nThe full description is what a server answers at `/v1/openapi.json`. Every route stands on one row "
        "of the [rights](rights.md).\n\n| route | what it does | verb | |\n| --- | --- | --- | --- |\n"
    ]
    for path, method, gate, summary in found:
        verb = f"`{gate.verb.value}`" if isinstance(gate, Needs) else f"open: {gate.reason}"
        marks = (
            ", ".join(
                word for word, verbs in (("fresh", FRESH), ("purpose", WITH_PURPOSE)) if gate.verb in verbs
            )
            if isinstance(gate, Needs)
            else ""
        )
        parts.append(f"| `{method} {path}` | {summary} | {verb} | {marks} |\n")
    return "".join(parts)


def asvs() -> str:
    """What of OWASP ASVS 5.0.0 is met, chapter by chapter, with the test that shows it."""
    import tomllib

    rows = tomllib.loads((REFERENCE / "asvs.toml").read_text(encoding="utf-8"))["row"]
    parts = [
        "# OWASP ASVS 5.0.0\n\nSelf-assessed at level 2, chapters V4 and V6 to V10; nobody has certified it. The words of the "
        "requirements are in the standard; here stands how each is met, and the test that fails when it no longer is. "
        "The rows lie in `asvs.toml`; a test holds them against the tests that there are.\n\n"
        "| requirement | level | met | how | shown by |\n| --- | --- | --- | --- | --- |\n"
    ]
    for row in rows:
        shown = "<br>".join(f"`{one}`" for one in row.get("tests", [])) or row.get("page", "")
        parts.append(f"| {row['id']} | {row['level']} | {row['met']} | {row['how']} | {shown} |\n")
    return "".join(parts)


def _text(node: ast.AST) -> str:
    """The text of a string in the code; what is filled in reads `*`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "*" for part in node.values)
    return ""


PAGES: Mapping[str, Callable[[], str]] = {
    "states": states,
    "law": drawlaw.law,
    "clocks": drawlaw.clocks,
    "commands": commands,
    "settings": settings,
    "ledger-tags": ledger_tags,
    "providers": providers,
    "rights": rights,
    "api": api,
    "asvs": asvs,
    "forms": forms,
}


def main() -> int:
    """Draw or compare; gives the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("page", choices=[*PAGES, "all"])
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    stale = []
    for name, draw in PAGES.items():
        if given.page not in {name, "all"}:
            continue
        path, text = REFERENCE / f"{name}.md", HEAD + draw()
        if given.write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(ROOT)))
    for name, text in form_schemas().items() if given.page in {"forms", "all"} else ():
        path = REFERENCE / name
        if given.write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(ROOT)))
    if stale:
        print(f"no longer as the code says: {', '.join(stale)}; run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
