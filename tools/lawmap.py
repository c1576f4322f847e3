"""The map of the law: which article is cited by which code and tests, and which are gaps, with the reason.

Code and tests cite as `Regulation (EU) 2021/784, Art. 3(7) and (8)`; ranges and lists count for each member. The list of
articles that matter, and what is said about those that software does not serve, is `src/staydown/law/articles.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIST = ROOT / "src/staydown/law/articles.toml"
_ACT = r"(?:Regulation|Directive|Recommendation) \((?:EU|EC|EEC, Euratom)\)(?: No)? \d+/\d+"
_ITEM = r"\d+[a-z]?(?:\(\w+\))*"
_MORE = rf"(?:(?:, | and |-)(?:{_ITEM}|(?:\(\w+\))+))*"
_CITED = re.compile(rf"({_ACT})(?:, (Art\.|recitals?|point) ({_ITEM}{_MORE}))?")
_STEP = re.compile(rf"(, | and |-)?({_ITEM}|(?:\(\w+\))+)")
_NAMED = re.compile(rf'^(_?[A-Z][A-Z_]*) = "({_ACT})"$', re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One line of the list: an article that matters, and what becomes of it here."""

    act: str
    at: str  #: `Art. 3(3)` or `recital 36`
    what: str
    supported: bool
    reason: str  #: of a gap: what software cannot do, or who does it

    @property
    def cited_as(self) -> str:
        """As code and tests cite it."""
        return f"{self.act}, {self.at}"


def articles() -> list[Article]:
    """The list of articles, in the order of the acts."""
    told = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return [
        Article(
            act=told["acts"][row["act"]],
            at=row["at"] if row["at"].startswith(("recital", "point")) else f"Art. {row['at']}",
            what=row["what"],
            supported="gap" not in row,
            reason=row.get("gap", ""),
        )
        for row in told["row"]
    ]


def cited_in(text: str) -> set[str]:
    """Every article that a text cites, ranges and lists taken apart."""
    found: set[str] = set()
    for act, sort, tail in _CITED.findall(text):
        if not sort:
            found.add(act)
        word = "recital" if sort.startswith("recital") else sort
        found |= {f"{act}, {word} {item}" for item in _items(tail)} if sort else set()
    return found


def _items(tail: str) -> Iterator[str]:
    last: list[str] = []
    for joint, item in _STEP.findall(tail):
        levels = _levels(item)
        if item.startswith("("):
            levels = last[: max(1, len(last) - len(levels))] + levels
        if joint == "-" and last:
            yield from (_joined([*levels[:-1], one]) for one in _between(last[-1], levels[-1]))
        yield _joined(levels)
        last = levels


def _levels(item: str) -> list[str]:
    return [part for part in re.split(r"[()]+", item) if part]


def _joined(levels: list[str]) -> str:
    return levels[0] + "".join(f"({part})" for part in levels[1:])


def _between(first: str, last: str) -> list[str]:
    if first.isdigit() and last.isdigit():
        return [str(number) for number in range(int(first) + 1, int(last))]
    if len(first) == len(last) == 1:
        return [chr(code) for code in range(ord(first) + 1, ord(last))]
    return []


@cache
def places() -> dict[str, dict[str, frozenset[str]]]:
    """Every cited article with the code and the tests that cite it."""
    found: dict[str, dict[str, set[str]]] = {}
    names = _names()
    for sort, folder in (("code", ROOT / "src"), ("tests", ROOT / "tests")):
        for path in _files(folder):
            for article in cited_in(_spelled_out(path.read_text(encoding="utf-8"), names)):
                found.setdefault(article, {"code": set(), "tests": set()})[sort].add(
                    str(path.relative_to(ROOT))
                )
    for article, place in _from_values():
        found.setdefault(article, {"code": set(), "tests": set()})["code"].add(place)
    return {
        article: {sort: frozenset(own) for sort, own in by.items()} for article, by in sorted(found.items())
    }


def _files(folder: Path) -> Iterable[Path]:
    return (
        path
        for ending in ("py", "toml")
        for path in sorted(folder.rglob(f"*.{ending}"))
        if path != LIST and "assets" not in path.parts
    )


@cache
def _names() -> dict[str, str]:
    """Acts that a file gives a short name, such as `_TCO`."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "src/staydown").rglob("*.py")):
        found |= dict(_NAMED.findall(path.read_text(encoding="utf-8")))
    return found


def _spelled_out(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\{(_?[A-Z][A-Z_]*)\}", lambda hit: names.get(hit[1], hit[0]), text)


def _from_values() -> Iterator[tuple[str, str]]:
    """Articles that stand in values which are put together."""
    from staydown.law.figures import FIGURES

    for figure in FIGURES:
        for article in cited_in(figure.source):
            yield article, "src/staydown/law/figures.py"


def of(article: Article, sort: str) -> list[str]:
    """The code, or the tests, that cite an article or a part of it."""
    whole = article.cited_as
    return sorted(
        {
            path
            for cited, by in places().items()
            if cited == whole or cited.startswith(f"{whole}(")
            for path in by[sort]
        }
    )
