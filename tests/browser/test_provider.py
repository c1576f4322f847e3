"""Sign-in at a real OpenID provider (node), driven in a real Chromium: its cookies and redirects are true ones."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from packages import installed
from serving import served
from staydown.api.app import make_api
from staydown.api.means import means_for
from staydown.core.doors import Prefix, new_word
from staydown.web.pages import router
from support import ALICE, Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", [None], ids=["sqlite"])]
PARTS = ("package.json", "package-lock.json", "provider.mjs")
LOUD = "OPENID PROVIDER TEST SKIPPED: no node or npm"
SECRET = "made up for a test, long enough for anybody"


@pytest.fixture(scope="module")
def program() -> Path:
    """The provider's program, its packages installed once."""
    return installed("oidc", PARTS, loud=LOUD) / PARTS[2]


@pytest.fixture
def door(desk: Desk, program: Path, tmp_path: Path) -> Iterator[str]:
    """A served desk with its pages, whose agency has the provider as its own."""
    (tmp_path / "secret").write_text(SECRET)
    api = make_api(desk.app, more=(router,))
    with served(api) as address:
        public = address.replace("127.0.0.1", "localhost")
        command = ["node", str(program), "staydown-test", SECRET, f"{public}/v1/session/oidc/back"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as node:
            assert node.stdout is not None
            issuer = node.stdout.readline().strip()
            desk.app.settings = replace(
                desk.app.settings,
                address=public,
                oidc_issuer=issuer,
                oidc_client="staydown-test",
                oidc_secret_file=str(tmp_path / "secret"),
            )
            api.state.tools = replace(api.state.tools, settings=desk.app.settings)
            api.state.means = means_for(desk.app)
            yield public
            node.terminate()


def log_in(page: Page, name: str) -> None:
    """Do at the provider what it asks for, until it sends us back."""
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("whatever")
    page.locator("button[type=submit]").click()
    page.locator("input[name=prompt][value=consent]").wait_for(state="attached")
    page.locator("button[type=submit]").click()


def test_link_an_account_then_sign_in_with_it(desk: Desk, door: str, browser: Browser) -> None:
    word = new_word(Prefix.INVITATION)
    with desk.store.begin() as work:
        ends = work.real_now + timedelta(hours=1)
        work.doors.invite(ALICE.id, ALICE.agency, word, by=None, ends_at=ends)
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{door}/enrol#{word}")
    page.get_by_role("button", name="Go to your agency's sign-in page").click()
    log_in(page, "a.lice-elsewhere")
    page.wait_for_url(f"{door}/account")
    page.get_by_text("alice of AA: analyst").wait_for()
    context.close()

    context = browser.new_context()  # another browser, nothing remembered
    page = context.new_page()
    page.goto(f"{door}/sign-in")
    page.get_by_role("link", name="Go to your agency's sign-in page").click()
    log_in(page, "a.lice-elsewhere")
    page.wait_for_url(f"{door}/account")
    page.get_by_text("alice of AA: analyst").wait_for()
    context.close()

    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{door}/sign-in")
    page.get_by_role("link", name="Go to your agency's sign-in page").click()
    log_in(page, "alice")  # the same name as one of ours, and still nobody
    page.wait_for_url(f"{door}/v1/session/oidc/back?**")
    page.get_by_text("this signs nobody in").wait_for()
    page.get_by_text("Try again from the beginning, or ask your administrator.").wait_for()
    assert page.locator("body").evaluate("body => getComputedStyle(body).margin") == "0px"  # its style came
    assert not any(c["name"] == "__Host-staydown" for c in context.cookies())
    context.close()
