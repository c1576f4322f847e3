"""The contract of the report as a page: it stands alone, says what the figures say, and trusts no text."""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.numbers import parse_decimal
from selectolax.lexbor import LexborHTMLParser, LexborNode

from staydown.core.errors import Invalid
from staydown.core.item import ItemKind
from staydown.core.states import ItemState, RequestState
from staydown.plugs.reports.html.definitions import DEFINITIONS, KEY_FIGURES
from staydown.plugs.reports.html.document import Point, read
from staydown.plugs.reports.html.pictures import (
    MOST_PROVIDERS,
    MOST_STEPS,
    by_provider_and_state,
    foremost,
    spread_out,
)
from staydown.plugs.reports.html.report import REPORT
from staydown.plugs.reports.html.words import ITEM_STATES, KINDS, REQUEST_STATES, languages, words_of
from staydown.registry import plugs

sys.path.insert(0, str(Path(__file__).parents[2]))
import itertools

from tools import messages

Figures = dict[str, Any]
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><b id=owned>",
    "{{ 7*7 }}%(n)s",
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
LOCALES = {"en": "en_GB", "nl": "nl"}


def sample() -> Figures:
    """A full set of figures with numbers that are all different where it matters."""
    return {
        "operation": {
            "id": "autumn",
            "title": "Autumn action",
            "lead": "AA",
            "agencies": ["AA", "BB"],
            "opens_at": "2026-03-02T06:00:00Z",
            "closes_at": "2026-05-05T06:00:00Z",
            "hour_h": "2026-03-03T12:00:00Z",
            "released_at": None,
        },
        "made_at": "2026-05-05T06:00:00Z",
        "exercise": True,
        "origin": "ledger.example/autumn",
        "ledger": {
            "size": 48123,
            "checkpoint": "ledger.example/autumn\n48123\nq83v\n\n— ledger.example/autumn AA==\n",
        },
        "counts": {
            "items": 12345,
            "sightings": 23456,
            "agency_items": 18111,
            "duplicates": 5766,
            "assessed": 12001,
            "matched": 403,
            "exempt": 118,
            "unsure": 17,
            "gone": 29,
            "items_referred": 9876,
            "verified_offline": 8019,
            "refused": 241,
            "geo_blocked": 213,
            "items_held": 37,
            "holds": 3,
            "returned": 881,
            "reappeared": 13,
            "withdrawn": 7,
            "reinstated": 5,
            "share_offline": 0.812,
        },
        "commands": {
            "items": "staydown items --operation autumn",
            "verified_offline": "staydown items --operation autumn --facet verified",
            "requests": "staydown requests --operation autumn",
        },
        "by_state": {"recorded": 344, "exempt": 118, "removed": 8000, "referred": 3642, "refused": 241},
        "by_provider": {"flock": 9000, "reel": 3345},
        "by_kind": {"account": 7000, "post": 5345},
        "by_provider_and_state": {
            "flock": {"recorded": 344, "removed": 7000, "referred": 1656},
            "reel": {"exempt": 118, "removed": 1000, "referred": 1986, "refused": 241},
        },
        "agencies": {"AA": {"sightings": 13456, "first": 7000}, "BB": {"sightings": 10000, "first": 5345}},
        "requests": {"answered": 123, "closed": 190, "running": 4},
        "dispatches": {"dispatches": 319, "repeats": 2},
        "clocks": {"clocks_running": 11, "clocks_missed": 1, "clocks_lapsed": 221},
        "hours_to_removal": {"n": 8019, "median": 5.0, "p90": 25.25},
        "hours_to_removal_by_provider": {
            "flock": {"n": 8011, "median": 4.5, "p90": 24.0},
            "reel": {"n": 8, "median": 1073.04, "p90": 1169.5},
        },
        "removals_by_day": {"2026-03-03": 6000, "2026-03-04": 2019},
        "survival": [
            {"days": 0.0, "share": 1.0, "at_risk": 8019},
            {"days": 1.25, "share": 0.95, "at_risk": 8000},
            {"days": 14.5, "share": 0.9, "at_risk": 9},
        ],
    }


def empty() -> Figures:
    """The figures of a store in which nothing has happened."""
    figures = sample()
    for name in ("by_state", "by_provider", "by_kind", "by_provider_and_state", "agencies", "requests"):
        figures[name] = {}
    for name in ("counts", "dispatches", "clocks"):
        figures[name] = dict.fromkeys(figures[name], 0)
    figures["counts"]["share_offline"] = None
    figures |= {
        "operation": None,
        "exercise": False,
        "hours_to_removal": {"n": 0, "median": None, "p90": None},
        "hours_to_removal_by_provider": {},
        "removals_by_day": {},
        "survival": [],
    }
    return figures


def page(figures: Figures, language: str = "en") -> LexborHTMLParser:
    return LexborHTMLParser(REPORT.render(figures, language=language).decode())


def text(node: LexborNode | None) -> str:
    assert node is not None
    return " ".join(node.text().split())


@pytest.fixture(scope="module", params=sorted(LOCALES))
def shown(request: pytest.FixtureRequest) -> tuple[str, LexborHTMLParser]:
    """The sample as a page, in each language."""
    return request.param, page(sample(), request.param)


def number(cell: str, language: str) -> float:
    return float(parse_decimal(cell.removesuffix("%").strip(), locale=LOCALES[language], strict=True))


def rows(tree: LexborHTMLParser, name: str) -> Iterator[tuple[str, list[str]]]:
    for row in tree.css(f"#table-{name} tbody tr, #table-{name} tfoot tr"):
        yield text(row.css_first("th")), [text(cell) for cell in row.css("td")]


def test_it_is_found_as_a_strangers_report_would_be() -> None:
    assert plugs("reports")["html"] is REPORT
    assert REPORT.name == "html"


def test_every_figure_shown_is_the_documents(shown: tuple[str, LexborHTMLParser]) -> None:
    language, tree = shown
    figures = sample()
    expected = {
        **figures["counts"],
        **figures["clocks"],
        **figures["dispatches"],
        "requests": 317,
        "median": 5.0,
        "p90": 25.25,
        "share_offline": 81.2,
    }
    seen: dict[str, set[float]] = {}
    for node in tree.css("[data-figure]"):
        name = node.attributes["data-figure"] or ""
        seen.setdefault(name, set()).add(number(text(node), language))
    assert set(seen) == set(DEFINITIONS) == set(expected)
    for name, values in seen.items():
        assert sorted(values) == pytest.approx([expected[name]], abs=0.051), name
    assert {node.attributes["data-figure"] for node in tree.css("dl [data-figure]")} == set(KEY_FIGURES)


def test_the_matrix_is_the_documents(shown: tuple[str, LexborHTMLParser]) -> None:
    language, tree = shown
    figures, words = sample(), words_of(language)
    head = [text(cell) for cell in tree.css("#table-states thead th")][1:-1]
    order = [state.value for state in ItemState if state.value in figures["by_state"]]
    assert head == [words.item_state(state) for state in order]
    found = {name: [number(cell, language) for cell in cells] for name, cells in rows(tree, "states")}
    for provider, part in figures["by_provider_and_state"].items():
        assert found.pop(provider) == [*(part.get(state, 0) for state in order), sum(part.values())]
    assert list(found.values()) == [[*(figures["by_state"][state] for state in order), 12345]]


def test_the_other_tables_are_the_documents(shown: tuple[str, LexborHTMLParser]) -> None:
    language, tree = shown
    figures = sample()

    def cells(name: str) -> list[list[float]]:
        return [[number(cell, language) for cell in row] for _, row in rows(tree, name)]

    assert cells("agencies") == [[13456, 7000], [10000, 5345], [23456, 12345]]
    assert [row[0] for row in cells("providers")] == [9000, 3345, 12345]
    assert [row[0] for row in cells("kinds")] == [7000, 5345, 12345]
    assert [row[0] for row in cells("requests")] == [4, 123, 190, 317]
    assert [row[0] for row in cells("days")] == [6000, 2019, 8019]
    hours = [figures["hours_to_removal_by_provider"][name] for name in ("flock", "reel")]
    for row, one in zip(cells("hours"), [*hours, figures["hours_to_removal"]], strict=True):
        assert row == pytest.approx([one["n"], one["median"], one["p90"]], abs=0.051)
    for row, point in zip(cells("survival"), figures["survival"], strict=True):
        assert row == pytest.approx([point["share"] * 100, point["at_risk"]], abs=0.051)
    marked = [name for name in ("hours", "survival") for each, _ in rows(tree, name) if "†" in each]
    assert marked == ["hours", "survival"]  # one small sample in each
    assert sample()["ledger"]["checkpoint"] == tree.css_first("pre").text()


def test_each_number_carries_the_command_that_lists_it() -> None:
    tree = page(sample())
    boxes = {text(box.css_first("dt")): box for box in tree.css(".figure-box")}
    command = boxes["Median hours to removal"].css_first("code")
    assert text(command) == sample()["commands"]["verified_offline"]
    assert boxes["Refused"].css_first("code") is None  # the figures name no list for it
    assert not tree.css("code a, a code")


def test_nothing_comes_from_elsewhere_and_nothing_runs(shown: tuple[str, LexborHTMLParser]) -> None:
    _, tree = shown
    for forbidden in (
        "script",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "img",
        "image",
        "use",
        "foreignObject",
    ):
        assert not tree.css(forbidden), forbidden
    for node in tree.css("*"):
        for name, value in node.attributes.items():
            assert not name.startswith("on"), (node.tag, name)
            if name in {"href", "src", "xlink:href", "action", "srcset"}:
                assert (value or "").startswith(("#", "data:,")), (node.tag, value)
            assert name == "content" or "url(" not in (value or "").replace("url(#", "")
    style = "".join(node.text() for node in tree.css("style"))
    assert "@import" not in style
    assert "url(" not in style
    policy = tree.css_first("meta[http-equiv]")
    assert policy is not None
    assert policy.attributes["content"] == POLICY


def test_it_is_well_made(shown: tuple[str, LexborHTMLParser]) -> None:
    language, tree = shown
    root = tree.css_first("html")
    assert root is not None
    assert root.attributes["lang"] == language
    ids = [node.attributes["id"] for node in tree.css("[id]")]
    assert len(ids) == len(set(ids))
    for link in tree.css("a"):
        assert (link.attributes["href"] or "")[1:] in ids
    for node in tree.css("[aria-labelledby]"):
        assert node.attributes["aria-labelledby"] in ids
    for table in tree.css("table"):
        assert text(table.css_first("caption"))
        assert all(cell.attributes.get("scope") in {"row", "col"} for cell in table.css("th"))
        width = len(table.css("thead th"))
        assert all(len(row.css("th, td")) == width for row in table.css("tr"))
    pictures = tree.css("svg")
    assert len(pictures) == 8
    assert all(node.attributes["role"] == "img" and node.attributes["aria-label"] for node in pictures)
    assert all(figure.css_first("figcaption") for figure in tree.css("figure"))


def test_an_exercise_says_so_everywhere_and_nothing_else_does() -> None:
    tree = page(sample())
    assert text(tree.css_first("title")).startswith("EXERCISE")
    assert all("EXERCISE" in text(heading) for heading in tree.css("h1, h2"))
    assert "EXERCISE" in text(tree.css_first(".exercise-banner"))
    real = REPORT.render({**sample(), "exercise": False}, language="en").decode()
    assert "EXERCISE" not in real
    assert all("OEFENING" in text(heading) for heading in page(sample(), "nl").css("h1, h2"))


def test_a_referral_is_never_shown_as_an_order(shown: tuple[str, LexborHTMLParser]) -> None:
    language, tree = shown
    said = text(tree.css_first("main"))
    assert "2018/334" in said
    assert {"en": "A referral has no legal deadline.", "nl": "Een melding kent geen wettelijke termijn."}[
        language
    ] in said


@pytest.mark.parametrize("bad", HOSTILE)
@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_hostile_text_is_only_text(bad: str, language: str) -> None:
    figures = sample()
    figures["operation"] |= {"title": bad, "lead": bad, "id": bad, "agencies": [bad, "BB"]}
    figures["origin"] = figures["ledger"]["checkpoint"] = bad
    figures["commands"]["items"] = f"staydown items --operation {bad}"
    for name in ("agencies", "by_provider", "by_kind", "by_state", "by_provider_and_state", "requests"):
        figures[name] = {bad: next(iter(figures[name].values())), **figures[name]}
    figures["hours_to_removal_by_provider"] = {bad: {"n": 3, "median": 1.0, "p90": 2.0}}
    figures["by_provider_and_state"][bad] = {bad: 5, "removed": 4}
    tree = page(figures, language)
    assert not tree.css("script, img, b, #owned, [onerror]")
    assert bad in text(tree.css_first("h1"))
    assert bad in text(tree.css_first("title"))
    drawn = [text(node) for node in tree.css("svg text")]
    assert bad in drawn
    assert sum(one.startswith(bad[:7]) for one in drawn) >= 4  # long names are cut, in each size
    for table in ("agencies", "providers", "kinds", "states", "hours", "requests"):
        assert bad in [name.removesuffix("†").strip() for name, _ in rows(tree, table)], table


@pytest.mark.parametrize("bad", HOSTILE)
def test_a_hostile_text_is_only_text_in_a_picture_of_its_own(bad: str) -> None:
    figures = {**sample(), "by_provider_and_state": {bad: {bad: 5, "removed": 7}}}
    drawn = by_provider_and_state(figures, words_of("en"))
    tree = LexborHTMLParser(drawn)
    assert not tree.css("script, img, b, #owned, [onerror]")
    assert bad in [text(node) for node in tree.css("text")]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_nothing_is_a_report_too(language: str) -> None:
    tree = page(empty(), language)
    assert not tree.css("svg")
    said = text(tree.css_first("body"))
    assert "None" not in said
    assert "nan" not in said.split()
    for node in tree.css("[data-figure]"):
        assert text(node) in {"0", words_of(language).say("none")}
    first = {"en": "Nothing has been recorded yet.", "nl": "Er is nog niets vastgelegd."}[language]
    assert text(tree.css_first(".headline")) == first


def test_one_of_everything_is_a_report_too() -> None:
    figures = sample()
    figures["counts"] |= {"items": 1, "sightings": 1, "items_referred": 0, "share_offline": None}
    figures["agencies"] = {"AA": {"sightings": 1, "first": 1}}
    figures["survival"] = figures["survival"][:1]
    figures["removals_by_day"] = {"2026-03-03": 1}
    tree = page(figures)
    assert text(tree.css_first(".headline")) == (
        "1 item from 1 sighting by 1 agency. Nothing has been referred to a provider yet."
    )
    assert "None has a confirmed return so far." in text(tree.css_first("main"))


@pytest.mark.parametrize("language", ["xx", "", "EN", "../nl", "de"])
def test_an_unknown_language_is_refused_and_the_known_are_named(language: str) -> None:
    with pytest.raises(Invalid, match="en, nl"):
        REPORT.render(sample(), language=language)


@pytest.mark.parametrize(
    "name", ["operation", "counts", "ledger", "survival", "made_at", "exercise", "clocks"]
)
def test_figures_that_lack_something_are_refused(name: str) -> None:
    figures = sample()
    del figures[name]
    with pytest.raises(Invalid, match=name):
        REPORT.render(figures, language="en")


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("counts", {"items": "many"}),
        ("survival", [{"days": None, "share": 1, "at_risk": 1}]),
        ("by_kind", [1]),
    ],
)
def test_figures_of_the_wrong_sort_are_refused(name: str, bad: object) -> None:
    figures = sample()
    figures[name] = {**figures[name], **bad} if isinstance(bad, dict) else bad
    with pytest.raises(Invalid):
        REPORT.render(figures, language="en")


def test_equal_figures_give_equal_bytes_and_are_left_alone() -> None:
    figures = sample()
    before = copy.deepcopy(figures)
    assert REPORT.render(figures, language="en") == REPORT.render(figures, language="en")
    assert figures == before


@pytest.mark.parametrize(
    ("share", "expected"),
    [(1.0, "100.0%"), (0.99961, "> 99.9%"), (0.0001, "< 0.1%"), (0.0, "0.0%"), (0.812, "81.2%")],
)
def test_a_share_is_never_rounded_up_to_all_or_down_to_none(share: float, expected: str) -> None:
    assert words_of("en").share(share) == expected


def test_many_providers_are_drawn_as_few_and_none_is_lost() -> None:
    table = {f"p{n:02}": {"removed": n + 1, "refused": 1} for n in range(40)}
    drawn = foremost(table, words_of("en"))
    assert len(drawn) == MOST_PROVIDERS
    assert sum(n for part in drawn.values() for n in part.values()) == 40 * 41 // 2 + 40
    assert next(iter(drawn)) == "p39"
    assert list(drawn)[-1] == "26 others"


def test_a_long_curve_is_thinned_and_says_so() -> None:
    figures = sample()
    figures["survival"] = [{"days": n / 100, "share": 1 - n / 9000, "at_risk": 9000 - n} for n in range(5000)]
    tree = page(figures)
    listed = list(rows(tree, "survival"))
    assert len(listed) == MOST_STEPS
    assert [listed[0][0], listed[-1][0]] == ["0.00", "49.99"]
    assert "Of 5,000 steps of the line 120 are drawn and listed" in text(tree.css_first("main"))
    assert "are drawn and listed" not in text(page(sample()).css_first("main"))


def test_numbers_at_risk_stand_apart_and_at_steps() -> None:
    curve = [Point(days=n / 10, share=1 - n / 1000, at_risk=1000 - n) for n in range(160)]
    chosen = spread_out(curve, 7)
    assert set(chosen) <= set(curve)
    assert [chosen[0], chosen[-1]] == [curve[0], curve[-1]]
    assert 3 <= len(chosen) <= 8
    assert min(b.days - a.days for a, b in itertools.pairwise(chosen)) >= curve[-1].days / 7
    assert spread_out([], 7) == []
    assert spread_out(curve[:1], 7) == curve[:1]


def test_every_state_and_kind_has_a_word() -> None:
    assert set(ITEM_STATES) == set(ItemState)
    assert set(REQUEST_STATES) == set(RequestState)
    assert set(KINDS) == set(ItemKind)


def test_translations_are_complete_and_up_to_date() -> None:
    assert messages.refresh(check=True) == []
    assert languages() == ("en", *messages.languages())


def test_the_languages_differ_and_show_the_same_figures() -> None:
    english, dutch = (page(sample(), language) for language in ("en", "nl"))
    assert len(english.css("*")) == len(dutch.css("*"))
    for selector in ("h2", "figcaption", "caption", "main p", "dt", "li"):
        ours, theirs = ([text(node) for node in tree.css(selector)] for tree in (english, dutch))
        same = [one for one, other in zip(ours, theirs, strict=True) if one == other]
        assert len(same) <= 1, (selector, same)  # "Items" is a word of both
    assert {text(node) for node in english.css("code")} == {text(node) for node in dutch.css("code")}


def test_a_missing_translation_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "nl" / "LC_MESSAGES").mkdir(parents=True)
    wrong = messages.refresh(tmp_path)
    assert len(wrong) == len(messages.extracted())
    assert all(line.startswith("nl: untranslated: ") for line in wrong)
    assert not list(tmp_path.rglob("*.mo"))


def test_a_changed_message_is_fuzzy_and_stops_the_release(tmp_path: Path) -> None:
    path = tmp_path / "nl" / "LC_MESSAGES" / "staydown.po"
    path.parent.mkdir(parents=True)
    source = messages.LOCALE / "nl" / "LC_MESSAGES" / "staydown.po"
    path.write_text(
        re.sub(r'msgid "There are no items yet."', 'msgid "There are no items."', source.read_text())
    )
    assert messages.refresh(tmp_path) == ["nl: fuzzy: There are no items yet."]


def test_what_is_read_is_what_was_given() -> None:
    document = read(sample())
    assert document.action is not None
    assert document.action.hour_h is not None
    assert document.action.released_at is None
    assert "share_offline" not in document.counts
    assert document.share_offline == 0.812
