"""The rows on OWASP ASVS name every requirement of level 1 and 2, and tests and pages that are there."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ROWS = tomllib.loads((ROOT / "docs/reference/asvs.toml").read_text(encoding="utf-8"))["row"]
OF_HIGHER_LEVEL = {
    "6.2": {12}, "6.3": {4, 5, 6, 7, 8}, "6.4": {5, 6}, "6.5": {6, 7, 8}, "6.6": {4}, "6.7": {1, 2}, "7.5": {3},
    "8.1": {3, 4}, "8.2": {4}, "8.3": {2, 3}, "8.4": {2}, "4.1": {4, 5}, "4.2": {2, 3, 4, 5}, "10.2": {3},
    "10.3": {5}, "10.4": {12, 13, 14, 15, 16},
}  # fmt: skip
IN_SECTION = {
    "4.1": 5, "4.2": 5, "4.3": 2, "4.4": 4, "6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2,
    "6.8": 3, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2, "8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2,
    "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 3, "10.3": 5, "10.4": 16, "10.5": 5, "10.6": 2, "10.7": 3,
}  # fmt: skip
"""How many requirements each section has."""


@cache
def _tests(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_requirement_of_the_chapters_has_one_row() -> None:
    wanted = {
        f"{section}.{number}"
        for section, count in IN_SECTION.items()
        for number in range(1, count + 1)
        if number not in OF_HIGHER_LEVEL.get(section, set())
    }
    given = [row["id"] for row in ROWS]
    assert sorted(given) == sorted(wanted)


def test_what_is_met_is_shown() -> None:
    for row in ROWS:
        assert row["met"] in {"yes", "in part", "not used"}, row["id"]
        shown = [*row.get("tests", []), *([row["page"]] if "page" in row else [])]
        assert bool(shown) == (row["met"] != "not used"), row["id"]
        assert len(row["how"]) > 10


def test_named_tests_and_pages_are_there() -> None:
    missing = []
    for row in ROWS:
        for name in row.get("tests", []):
            path, _, test = name.partition("::")
            if not (ROOT / path).is_file() or test not in _tests(path):
                missing.append(name)
        if "page" in row and not (ROOT / row["page"]).is_file():
            missing.append(row["page"])
    assert not missing
