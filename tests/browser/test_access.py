"""The pages at the door for everybody: axe-core finds nothing, and the keyboard alone reaches everything.

Set STAYDOWN_SHOTS to a folder to have each page drawn into it as well.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from browser.test_sign_in import door, fallback, house, invitation, page, sit_down
from packages import installed
from staydown.core.house import Strength
from support import ALICE, Desk

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["door", "house", "page"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", [None], ids=["sqlite"])]
PARTS = ("package.json", "package-lock.json")
LOUD = "AXE TESTS SKIPPED: no node or npm"
WIDTHS = (360, 1280)
PAGES = ("/sign-in", "/enrol", "/enrol#", "/account", "/account#")
"""Each as a stranger finds it, and those with a # once it is known who is there."""


@pytest.fixture(scope="module")
def axe() -> str:
    """The rules as a script."""
    script = installed("axe", PARTS, loud=LOUD) / "node_modules" / "axe-core" / "axe.min.js"
    return script.read_text(encoding="utf-8")


def open_page(desk: Desk, door: str, page: Page, path: str) -> None:
    """Go to a page, and wait until it shows all that it has."""
    if path == "/account#":
        fallback(desk, ALICE)
        sit_down(desk, page, door, ALICE, Strength.PASSWORD_TOTP)
        page.goto(f"{door}/account")
        page.get_by_role("heading", name="Another password").wait_for()
        page.get_by_role("button", name="Prove that it is you").press("Enter")
        page.locator("#anew").wait_for()
    elif path == "/enrol#":
        page.goto(f"{door}/enrol#{invitation(desk, ALICE)}")
        page.get_by_text("alice of AA").wait_for()
    else:
        page.goto(door + path)
        if path == "/account":
            page.get_by_text("Nobody is signed in here.").wait_for()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest, page: Page) -> str:
    """The colours that a person asks for."""
    page.emulate_media(color_scheme=request.param)
    return str(request.param)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(
    desk: Desk, door: str, page: Page, axe: str, scheme: str, path: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_page(desk, door, page, path)
    if shots := os.environ.get("STAYDOWN_SHOTS"):
        name = path.strip("/").replace("#", "-known")
        page.screenshot(path=Path(shots) / f"{name}-{width}-{scheme}.png", full_page=True)
    page.evaluate(axe)
    found: Any = page.evaluate("() => axe.run()")
    assert len(found["passes"]) > 10
    told = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]
    assert told == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_axe_would_find_it(desk: Desk, door: str, page: Page, axe: str) -> None:
    page.goto(f"{door}/sign-in")
    page.evaluate("() => document.querySelector('label').remove()")
    page.evaluate(axe)
    found: Any = page.evaluate("() => axe.run()")
    assert "label" in {one["id"] for one in found["violations"]}


NAMED = """() => {
  const one = document.activeElement;
  return one === document.body ? null : (one.labels?.[0] ?? one).textContent.trim();
}"""
SHOWN = """() => [...document.querySelectorAll('a[href], button, input')]
  .filter((one) => one.checkVisibility() && !one.disabled)
  .map((one) => (one.labels?.[0] ?? one).textContent.trim())"""
RINGED = "() => getComputedStyle(document.activeElement).outlineStyle"


@pytest.mark.parametrize("path", PAGES)
def test_the_keyboard_reaches_everything_in_the_order_shown(
    desk: Desk, door: str, page: Page, path: str
) -> None:
    open_page(desk, door, page, path)
    page.evaluate("() => { document.querySelector('.skip').focus(); }")
    wanted: Any = page.evaluate(SHOWN)
    assert wanted[0] == "To the content"
    walked = []
    for _ in wanted:
        walked.append(page.evaluate(NAMED))
        assert page.evaluate(RINGED) == "solid"  # where one is, shows
        page.keyboard.press("Tab")
    assert walked == wanted
