"""The table of footing, row by row; and what stops an order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tools.lawmap import cited_in

from staydown.core.assessment import Ground, Verdict
from staydown.core.item import ItemKind
from staydown.core.order import Competence, Reach
from staydown.law.footing import RULES, Standing, findings, options, stops
from staydown.law.matter import LADDER, TCO_ORDER, FirstContact, Force, Layer, Matter, Outcome
from support import law

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "footing.md"
LONG = "Made up at length, so that whoever reads it knows why this and nothing less will do here."
DECIDED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _bool(word: str) -> bool:
    return {"yes": True, "no": False}[word]


def _text(word: str) -> str:
    return LONG if word == "long" else word


def _words(word: str) -> tuple[str, ...]:
    return () if word == "none" else tuple(word.split("+"))


READ: dict[str, Callable[[str], dict[str, object]]] = {
    "before": lambda w: {
        "before": {name: Outcome(end) for name, _, end in (one.partition(":") for one in w.split(","))}
    },
    "verdict": lambda w: {"verdict": None if w == "none" else Verdict(w)},
    "limbs": lambda w: {"limbs": frozenset(Ground(one) for one in _words(w))},
    "protected": lambda w: {"protected": _bool(w)},
    "held": lambda w: {"held": _bool(w)},
    "kept": lambda w: {"kept": _bool(w)},
    "kind": lambda w: {"kind": ItemKind(w)},
    "reach": lambda w: {"reach": Reach(w)},
    "layer": lambda w: {"layer": Layer(w)},
    "whole": lambda w: {"whole": _text(w)},
    "competences": lambda w: {"competences": frozenset(Competence(one) for one in _words(w))},
    "basis": lambda w: {"basis": _text(w)},
    "scope": lambda w: {"scope": _text(w)},
    "state": lambda w: {"state": w},
    "small": lambda w: {"is_small": _bool(w)},
    "union": lambda w: {"serves_union": None if w == "unknown" else _bool(w)},
    "contact": lambda w: {"contact": FirstContact(w)},
    "emergency": lambda w: {"emergency": _text(w)},
    "life": lambda w: {"threat_to_life": _bool(w)},
    "contacts": lambda w: {"contacts": frozenset(_words(w))},
    "language": lambda w: {"language": w},
    "languages": lambda w: {"languages": _words(w)},
    "forms": lambda w: {"forms": dict.fromkeys(LADDER, _words(w))},
    "establishment": lambda w: {"establishment": w},
    "representative": lambda w: {"representative": w},
    "authority": lambda w: {"authority_known": _bool(w)},
    "order": lambda w: {"order_in_force": _bool(w)},
    "reasons": lambda w: {"reasons": _text(w)},
    "good-faith": lambda w: {"good_faith": _bool(w)},
    "redress": lambda w: {"redress_known": _bool(w)},
    "secret": lambda w: {"secret_from": DECIDED, "secret_until": DECIDED + timedelta(days=int(w))},
}
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d+ \|", line)
]


def matter(differs: str) -> Matter:
    """The base case, less what a row changes."""
    changed: dict[str, object] = {}
    for part in filter(None, re.split(r", (?=[a-z-]+=)", differs)):
        name, _, word = part.partition("=")
        changed.update(READ[name](word))
    return replace(Matter(), **changed)  # type: ignore[arg-type]


def test_the_table_is_long_enough() -> None:
    assert len(ROWS) >= 80
    assert [row[0] for row in ROWS] == [str(at) for at in range(1, len(ROWS) + 1)]


@law("Regulation (EU) 2021/784, Art. 3(2)", "Regulation (EU) 2021/784, Art. 14(1)")
@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_each_row(row: list[str]) -> None:
    _, _, differs, suggested, because = row
    facts = matter(differs)
    chosen = [one.instrument for one in options(facts) if one.standing is Standing.SUGGESTED]
    assert chosen == ([] if suggested == "-" else [suggested])
    for said in filter(None, because.split("; ")):
        name, rule, article = re.fullmatch(r"([a-z0-9-]+): ([a-z-]+), (.+)", said).groups()  # type: ignore[union-attr]
        found = [one for one in findings(name, facts) if one.rule == rule]
        assert any(article in one.source for one in found), (said, findings(name, facts))


def test_every_rule_speaks_in_some_row_and_is_silent_in_another() -> None:
    matters = [matter(row[2]) for row in ROWS]
    for name, rules in RULES.items():
        for rule in rules:
            assert any(list(rule(one)) for one in matters), f"no row makes {rule.__name__} of {name} speak"
            assert not all(list(rule(one)) for one in matters), f"{rule.__name__} of {name} always speaks"


def test_what_is_discouraged_needs_reasons_and_what_is_forbidden_takes_none() -> None:
    second = findings(TCO_ORDER, replace(Matter(), order_in_force=True))
    assert [one.rule for one in stops(second)] == ["second-order"]
    assert [one.rule for one in stops(second, reasons="because")] == ["second-order"]
    assert not stops(second, reasons=LONG)
    forbidden = findings(TCO_ORDER, replace(Matter(), held=True))
    assert [one.rule for one in stops(forbidden, reasons=LONG)] == ["hold"]


def test_a_hold_tells_nobody_whose_it_is() -> None:
    for name in LADDER:
        (said,) = (one for one in findings(name, replace(Matter(), held=True)) if one.rule == "hold")
        assert said.text == "Wait: the item must stay for now."


def test_advice_stops_nothing() -> None:
    found = findings(TCO_ORDER, Matter())
    assert {one.force for one in found} == {Force.ADVISES}
    assert not stops(found)


FOOTING = (
    "Regulation (EU) 2021/784, Art. 1(2)",
    "Regulation (EU) 2021/784, Art. 1(3)",
    "Regulation (EU) 2021/784, Art. 1(5)",
    "Regulation (EU) 2021/784, Art. 2(1)",
    "Regulation (EU) 2021/784, Art. 2(3)",
    "Regulation (EU) 2021/784, Art. 2(7)",
    "Regulation (EU) 2021/784, Art. 3(4)(f)",
    "Regulation (EU) 2021/784, Art. 12(1)(a)",
    "Regulation (EU) 2021/784, Art. 15(1)",
    "Regulation (EU) 2021/784, Art. 15(2)",
    "Regulation (EU) 2021/784, Art. 16(2)",
    "Regulation (EU) 2022/2065, Art. 9(2)(b)",
    "Regulation (EU) 2022/2065, Art. 11(3)",
    "Regulation (EU) 2022/2065, Art. 19(1)",
    "Directive (EU) 2016/680, Art. 39",
)
"""Articles that some row of this table rests on."""


@pytest.fixture(scope="module")
def sources() -> set[str]:
    return {
        cited
        for row in ROWS
        for name in LADDER
        for one in findings(name, matter(row[2]))
        for cited in cited_in(one.source)
    }


@pytest.mark.parametrize("article", FOOTING)
def test_some_row_rests_on_it(article: str, sources: set[str]) -> None:
    assert article in sources
