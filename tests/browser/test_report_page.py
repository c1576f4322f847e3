"""The report in a real browser: quiet, narrow, by keyboard, dark and printed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contract.test_report import empty, sample
from staydown.plugs.reports.html.report import REPORT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
Open = Callable[..., "Page"]
CONTRAST = """
() => {
  const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parts = (c) => c.match(/[\\d.]+/g).map(Number);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const drawn = node.tagName === 'svg' ? node.querySelector(':scope > rect') : null;
      const c = parts(drawn ? getComputedStyle(drawn).fill : getComputedStyle(node).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = walk.nextNode());) {
    const node = text.parentElement, style = getComputedStyle(node);
    if (!text.data.trim() || !node.getClientRects().length) continue;
    const ink = parts(node.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(ink), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push([text.data.trim(), ratio]);
  }
  return bad;
}
"""


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a report; afterwards nothing may have been asked for, complained about or run."""
    contexts, asked, said = [], [], []

    def show(figures: dict[str, Any], language: str = "en", *, width: int = 1280, **settings: Any) -> Page:
        path = tmp_path / "report.html"
        path.write_bytes(REPORT.render(figures, language=language))
        context = browser.new_context(viewport={"width": width, "height": 800}, **settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("dialog", lambda dialog: said.append(dialog.message))
        tab.goto(path.as_uri(), wait_until="load")
        return tab

    yield show
    for context in contexts:
        context.close()
    assert {url for url in asked if not url.startswith("data:")} <= {(tmp_path / "report.html").as_uri()}
    assert said == []


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_never_scrolls_sideways(opened: Open, language: str, width: int) -> None:
    figures = sample()
    figures["operation"]["title"] = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüsselloch"
    figures["by_provider_and_state"]["a-provider-with-a-name-that-is-far-too-long-for-a-telephone"] = (
        dict.fromkeys(("unsure", "cleared", "assessed", "proposed", "gone", "returned", "withdrawn"), 1)
    )
    tab = opened(figures, language, width=width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate("document.body.scrollWidth") <= width
    assert tab.evaluate(
        "[...document.querySelectorAll('svg')].every(s => s.getBoundingClientRect().width <= innerWidth)"
    )


@pytest.mark.parametrize("width", [360, 1280])
def test_one_size_of_each_picture_is_shown_and_its_text_is_readable(opened: Open, width: int) -> None:
    tab = opened(sample(), width=width)
    seen = tab.evaluate(
        """() => [...document.querySelectorAll('svg')].filter(s => s.getClientRects().length).map(s => Math.min(
             ...[...s.querySelectorAll('text')].map(t => parseFloat(t.getAttribute('font-size')))
           ) * s.getBoundingClientRect().width / s.viewBox.baseVal.width)"""
    )
    assert len(seen) == 4
    assert min(seen) >= 10.5  # pixels


def test_headings_are_in_order(opened: Open) -> None:
    levels = opened(sample()).evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_tables_and_pictures_have_names(opened: Open) -> None:
    tab = opened(sample())
    tables = tab.get_by_role("table")
    assert tables.count() == len(tab.query_selector_all("table"))
    for table in tables.all():
        assert table.evaluate("t => t.caption !== null && t.caption.innerText.trim() !== ''")
    pictures = tab.get_by_role("img")
    assert pictures.count() == 4  # the other size is hidden from everybody
    assert all(picture.get_attribute("aria-label") for picture in pictures.all())
    for region in tab.get_by_role("region").all():
        assert region.get_attribute("aria-label") or region.get_attribute("aria-labelledby")


def test_by_keyboard_the_skip_link_comes_first_and_leads_to_the_report(opened: Open) -> None:
    tab = opened(sample())
    tab.keyboard.press("Tab")
    link = tab.locator(":focus")
    assert link.get_attribute("class") == "skip"
    box = link.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"


def test_what_scrolls_can_be_scrolled_by_keyboard(opened: Open) -> None:
    tab = opened(sample(), width=360)
    stuck = tab.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(n => n.scrollWidth > n.clientWidth + 1
             && ['auto', 'scroll'].includes(getComputedStyle(n).overflowX) && n.tabIndex < 0).length"""
    )
    assert stuck == 0
    box = tab.locator(".scroll:has(.worded)").first
    box.focus()
    tab.keyboard.press("ArrowRight")
    # Asked anew from here: the page's policy forbids a string that the page itself would evaluate again and again.
    moved = False
    for _ in range(50):
        if moved := tab.evaluate("document.activeElement.scrollLeft > 0"):
            break
        tab.wait_for_timeout(100)
    assert moved


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(opened: Open, scheme: str) -> None:
    tab = opened(sample(), color_scheme=scheme)
    assert tab.evaluate(CONTRAST) == []
    assert (
        tab.evaluate("getComputedStyle(document.body).backgroundColor")
        == {
            "light": "rgb(253, 253, 251)",
            "dark": "rgb(21, 24, 27)",
        }[scheme]
    )


def test_on_paper_each_section_says_exercise_and_tables_are_whole(opened: Open) -> None:
    figures = sample()
    figures["removals_by_day"] = {f"2026-03-{day:02}": day for day in range(1, 32)}
    tab = opened(figures, color_scheme="dark")
    heads = tab.locator("h2")
    assert not any("EXERCISE" in head.inner_text() for head in heads.all())
    tab.emulate_media(media="print", color_scheme="dark")
    assert all("EXERCISE" in head.inner_text() for head in heads.all())
    assert tab.evaluate("[...document.querySelectorAll('.long')].length") == 1
    assert tab.evaluate(
        "[...document.querySelectorAll('.long')].every(b => b.scrollHeight <= b.clientHeight + 1)"
    )
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.evaluate(CONTRAST) == []


def test_a_hostile_text_runs_nothing_and_asks_for_nothing(opened: Open) -> None:
    figures = sample()
    bad = '"><img src=https://elsewhere.example/x onerror=alert(1)><script>alert(2)</script>'
    figures["operation"]["title"] = bad
    figures["by_provider_and_state"][bad] = {"removed": 4}
    figures["hours_to_removal_by_provider"][bad] = {"n": 1, "median": 1.0, "p90": 1.0}
    tab = opened(figures)
    assert bad in tab.locator("h1").inner_text()
    tab.wait_for_timeout(
        100
    )  # what would be asked for would be asked for by now; checked when the page is closed


def test_a_report_on_nothing_opens_too(opened: Open) -> None:
    tab = opened(empty(), "nl", width=360)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert tab.locator("svg").count() == 0
