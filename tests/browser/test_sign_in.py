"""Enrol, sign in, prove it anew and sign out in a real Chromium, with its virtual authenticator."""

from __future__ import annotations

from base64 import b32decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from fastapi import FastAPI

from serving import served
from staydown.api.app import make_api
from staydown.api.means import means_for
from staydown.core.doors import Prefix, new_word
from staydown.reason import totp
from staydown.web.pages import router
from support import ALICE, BOB, Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", [None], ids=["sqlite"])]


@pytest.fixture
def house(desk: Desk) -> Iterator[tuple[FastAPI, str]]:
    """A served desk with its pages, and the address that it believes to be at."""
    api = make_api(desk.app, more=(router,))
    with served(api) as address:
        public = address.replace("127.0.0.1", "localhost")
        believe(api, desk, public)
        yield api, public


def believe(api: FastAPI, desk: Desk, address: str) -> None:
    """Let the service believe that browsers find it there."""
    desk.app.settings = replace(desk.app.settings, address=address)
    api.state.tools = replace(api.state.tools, settings=desk.app.settings)
    api.state.means = means_for(desk.app)


@pytest.fixture
def door(house: tuple[FastAPI, str]) -> str:
    """The address of the served desk."""
    return house[1]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with a virtual authenticator; nothing on it may go wrong unseen."""
    context = browser.new_context()
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    session = context.new_cdp_session(made)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield made
    context.close()
    assert faults == []


def invitation(desk: Desk) -> str:
    """An open invitation for Bob."""
    word = new_word(Prefix.INVITATION)
    with desk.store.begin() as work:
        ends = work.real_now + timedelta(hours=1)
        work.doors.invite(BOB.id, BOB.agency, word, by=None, ends_at=ends)
    return word


def test_from_invitation_to_sign_out(desk: Desk, door: str, page: Page) -> None:
    word = invitation(desk)
    page.goto(f"{door}/enrol#{word}")
    page.get_by_text("bob of AA").wait_for()
    assert word not in page.url
    page.get_by_label("A name for it").fill("test device")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # by keyboard alone
    page.wait_for_url(f"{door}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{door}/account")
    page.get_by_text("bob of AA: approver, coordinator").wait_for()
    page.get_by_text("passkey test device").wait_for()
    cookies: Any = page.context.cookies()
    assert [(c["name"], c["httpOnly"], c["secure"], c["sameSite"]) for c in cookies] == [
        ("__Host-staydown", True, True, "Strict")
    ]
    page.get_by_role("button", name="Prove that it is you").click()
    page.get_by_text("Proved until").wait_for()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url(f"{door}/sign-in")
    page.goto(f"{door}/account")
    page.wait_for_url(f"{door}/sign-in")


@pytest.mark.parametrize("address", ["http://localhost:1", "https://staydown.example.net"])
def test_a_page_at_another_address_signs_nobody_in(
    desk: Desk, house: tuple[FastAPI, str], page: Page, address: str
) -> None:
    api, door = house
    page.goto(f"{door}/enrol#{invitation(desk)}")
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url(f"{door}/sign-in")
    believe(api, desk, address)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.locator("#said.fault").wait_for()
    assert page.context.cookies() == []


def test_a_used_invitation_says_what_to_do(desk: Desk, door: str, page: Page) -> None:
    page.goto(f"{door}/enrol")
    page.get_by_label("Invitation").fill(new_word(Prefix.INVITATION))
    page.get_by_role("button", name="Use it").click()
    page.get_by_text("Ask your administrator for a new invitation.").wait_for()


@pytest.mark.parametrize("path", ["/sign-in", "/enrol", "/account", "/static/door.js", "/static/door.css"])
def test_pages_say_what_browsers_must_hold_to(desk: Desk, door: str, path: str) -> None:
    answer = httpx2.get(door + path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert " style=" not in answer.text or path.endswith(".js")
    assert "onclick" not in answer.text


def test_password_and_code_by_keyboard(desk: Desk, door: str, page: Page) -> None:
    word = new_word(Prefix.INVITATION)
    with desk.store.begin() as work:
        ends = work.real_now + timedelta(hours=1)
        work.doors.invite(ALICE.id, ALICE.agency, word, by=None, ends_at=ends)
    now = desk.app.store.real_now()
    page.goto(f"{door}/enrol#{word}")
    page.get_by_label("Password, at least").fill("seven brass kettles hum")
    page.keyboard.press("Enter")
    text = page.locator("#seed")
    text.wait_for()
    seed = b32decode(text.inner_text() + "=" * (-len(text.inner_text()) % 8))
    step = totp.step_at(now)

    def show(at: int) -> str:
        desk.app.store.real_now = lambda: now + timedelta(seconds=totp.STEP_S * (at - step))
        return totp.code(seed, at)

    page.get_by_label("The code it shows").fill(show(step))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{door}/sign-in")
    page.get_by_label("Short name").fill("alice")
    page.get_by_label("Password", exact=True).fill("seven brass kettles hum")
    page.get_by_label("Code from your app").fill(show(step + 1))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{door}/account")
    page.get_by_role("button", name="Prove that it is you").click()
    page.get_by_label("Password", exact=True).fill("seven brass kettles hum")
    page.get_by_label("Code from your app").fill(show(step + 2))
    page.keyboard.press("Enter")
    page.get_by_text("Proved until").wait_for()
