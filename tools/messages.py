"""Translations: `python -m tools.messages` extracts, updates, checks and compiles them; no network.

English stands in the code and is the source. A language is a folder `src/staydown/locale/LANGUAGE`; its
`staydown.po` is written by people, its `staydown.mo` made from it. To begin a language, make its folder with
an empty `LC_MESSAGES` in it. With `--check` nothing is written: the exit code says whether all is up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
ROOM = ROOT / "src" / "staydown" / "plugs" / "reports" / "html"
LOCALE = ROOT / "src" / "staydown" / "locale"
DOMAIN = "staydown"
WAYS = [("**.py", "python"), ("**.jinja", "jinja2.ext.babel_extract")]
OPTIONS = {"**.jinja": {"trimmed": "true", "silent": "false", "encoding": "utf-8"}}
WORDS = {"N_": None, "say": None, "many": (1, 2), "gettext": None, "ngettext": (1, 2)}
FIXED = datetime(2026, 1, 1, tzinfo=UTC)  # in every header, so that equal messages give equal files


def extracted(room: Path = ROOM) -> Catalog:
    """Every message of the report room and its templates."""
    catalog = _empty(None)
    for name, _, message, comments, _ in extract_from_dir(room, WAYS, OPTIONS, WORDS):
        place = (room / name).relative_to(ROOT).as_posix()
        catalog.add(message, None, [(place, 0)], auto_comments=comments)
    return catalog


def languages(locale: Path = LOCALE) -> list[str]:
    """Every language that has a folder."""
    return sorted(folder.parent.name for folder in locale.glob("*/LC_MESSAGES"))


def updated(template: Catalog, path: Path, language: str) -> Catalog:
    """The catalogue of a language, its messages those of the template; new ones are empty, changed ones fuzzy."""
    catalog = _empty(language)
    if path.exists():
        with path.open("rb") as text:
            catalog = read_po(text, locale=language, domain=DOMAIN)
    catalog.update(template, no_fuzzy_matching=False)
    catalog.revision_date = FIXED
    return catalog


def wanting(catalog: Catalog) -> Iterator[str]:
    """What is missing in a catalogue, a line each."""
    for message in catalog:
        if not message.id:
            continue
        if message.fuzzy:
            yield f"fuzzy: {_first(message)}"
        elif not all(message.string if isinstance(message.string, tuple | list) else (message.string,)):
            yield f"untranslated: {_first(message)}"
        else:
            yield from (f"{error}: {_first(message)}" for error in message.check(catalog))


def written(path: Path, content: bytes, *, check: bool) -> bool:
    """Whether the file is as it should be; unless `check`, it is afterwards."""
    if path.exists() and path.read_bytes() == content:
        return True
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return not check


def refresh(locale: Path = LOCALE, *, check: bool = False) -> list[str]:
    """Extract, update, check and compile every language; gives what is wrong, a line each."""
    template, wrong = extracted(), []
    if not written(locale / f"{DOMAIN}.pot", _po(template), check=check):
        wrong.append(f"{DOMAIN}.pot is out of date")
    for language in languages(locale):
        path = locale / language / "LC_MESSAGES" / f"{DOMAIN}.po"
        catalog = updated(template, path, language)
        if not written(path, _po(catalog), check=check):
            wrong.append(f"{language}: {path.name} is out of date")
        missing = [f"{language}: {line}" for line in wanting(catalog)]
        wrong += missing
        if not missing and not written(path.with_suffix(".mo"), _mo(catalog), check=check):
            wrong.append(f"{language}: {DOMAIN}.mo is out of date")
    return wrong


def _empty(language: str | None) -> Catalog:
    return Catalog(
        locale=language,
        domain=DOMAIN,
        header_comment="# Translations of Staydown. Refreshed by `python -m tools.messages`.",
        project="Staydown",
        version="1",
        copyright_holder="the Staydown authors",
        msgid_bugs_address="the project's issue tracker",
        creation_date=FIXED,
        revision_date=FIXED,
        last_translator="Staydown",
        language_team="Staydown",
        fuzzy=False,
    )


def _first(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _po(catalog: Catalog) -> bytes:
    body = BytesIO()
    write_po(body, catalog, width=110, sort_by_file=True, ignore_obsolete=True, include_lineno=False)
    return body.getvalue()


def _mo(catalog: Catalog) -> bytes:
    body = BytesIO()
    write_mo(body, catalog)
    return body.getvalue()


def main() -> int:
    """Refresh, and say what is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail where something would change"
    )
    wrong = refresh(check=parser.parse_args().check)
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{', '.join(['en', *languages()])}: {len(wrong)} to do", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
