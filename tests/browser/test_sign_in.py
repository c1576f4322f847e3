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

from serving import served, word_for
from staydown.api.app import make_api
from staydown.api.gate import COOKIE
from staydown.api.means import means_for
from staydown.core.doors import Prefix, new_word
from staydown.core.house import CredentialKind, Strength
from staydown.core.people import Person
from staydown.flow.sign_in import SEED
from staydown.reason import totp
from staydown.web.pages import router
from support import ALICE, BOB, Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", [None], ids=["sqlite"])]

PASSWORD = "seven brass kettles hum"


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


def invitation(desk: Desk, who: Person = BOB) -> str:
    """An open invitation."""
    word = new_word(Prefix.INVITATION)
    with desk.store.begin() as work:
        ends = work.real_now + timedelta(hours=1)
        work.doors.invite(who.id, who.agency, word, by=None, ends_at=ends)
    return word


def test_a_passkey_signs_in(desk: Desk, door: str, page: Page) -> None:
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


def sit_down(desk: Desk, page: Page, door: str, who: Person, strength: Strength = Strength.PASSKEY) -> None:
    """Let a browser be signed in already."""
    page.context.add_cookies(
        [
            {
                "name": COOKIE,
                "value": word_for(desk.app, who, strength),
                "url": door.replace("http:", "https:"),
                "secure": True,
                "httpOnly": True,
                "sameSite": "Strict",
            }
        ]
    )


def test_the_account_page_signs_out(desk: Desk, door: str, page: Page) -> None:
    sit_down(desk, page, door, BOB)
    page.goto(door)  # the front door leads on
    assert page.url == f"{door}/account"
    page.get_by_text("bob of AA").wait_for()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url(f"{door}/sign-in")
    assert page.context.cookies() == []
    with desk.store.begin(write=False) as work:
        assert work.doors.sessions(BOB.id) == []
    page.goto(f"{door}/account")
    page.get_by_text("Nobody is signed in here.").wait_for()
    assert not page.locator("#somebody").is_visible()
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    page.wait_for_url(f"{door}/sign-in")


FIELDS = {
    "/sign-in": {
        "Short name": ("text", "username"),
        "Password": ("password", "current-password"),
        "Code from your app, 6 digits": ("text", "one-time-code"),
    },
    "/enrol": {
        "Password, at least 15 characters: several words that nobody would guess": (
            "password",
            "new-password",
        ),
        "The code it shows, 6 digits": ("text", "one-time-code"),
    },
    "/account": {
        "Present password": ("password", "current-password"),
        "One-time code, 6 digits": ("text", "one-time-code"),
        "New password, at least 15 characters: several words that nobody would guess": (
            "password",
            "new-password",
        ),
    },
}


@pytest.mark.parametrize("path", FIELDS)
def test_fields_help_those_who_manage_passwords(desk: Desk, door: str, page: Page, path: str) -> None:
    fallback(desk, ALICE)
    sit_down(desk, page, door, ALICE, Strength.PASSWORD_TOTP)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=door)
    page.goto(door + path + (f"#{invitation(desk, ALICE)}" if path == "/enrol" else ""))
    if path == "/account":
        page.get_by_role("heading", name="Another password").wait_for()
        assert page.locator("#change .whose").input_value() == "alice"
    elif path == "/enrol":
        page.get_by_text("alice of AA").wait_for()
        page.locator("#confirm").evaluate("form => { form.hidden = false; }")
    for label, (kind, purpose) in FIELDS[path].items():
        field = page.get_by_label(label, exact=True)
        assert (field.get_attribute("type") or "text", field.get_attribute("autocomplete")) == (kind, purpose)
        page.evaluate("text => navigator.clipboard.writeText(text)", f"123456 {label[:4]}")
        field.focus()
        page.keyboard.press("Control+V")
        assert field.input_value() == f"123456 {label[:4]}"


def test_a_password_is_changed_by_keyboard(desk: Desk, door: str, page: Page) -> None:
    seed = fallback(desk, ALICE)
    word_for(desk.app, ALICE, Strength.PASSWORD_TOTP)  # another browser of hers
    sit_down(desk, page, door, ALICE, Strength.PASSWORD_TOTP)
    page.goto(f"{door}/account")
    page.get_by_role("heading", name="Another password").wait_for()
    page.get_by_label("Present password").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type(totp.code(seed, totp.step_at(desk.app.store.real_now())))
    page.keyboard.press("Tab")
    page.keyboard.type("nine tin whistles sing")
    page.keyboard.press("Tab")
    assert page.get_by_label("Sign out everywhere else").is_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Changed. Other sessions ended: 1.").wait_for()
    with desk.store.begin(write=False) as work:
        kept = work.doors.credential(CredentialKind.PASSWORD, "alice")
    assert kept is not None
    assert means_for(desk.app).passwords.fits("nine tin whistles sing", kept.secret)


def fallback(desk: Desk, who: Person) -> bytes:
    """Let somebody sign in by password and code; gives the seed."""
    means, seed = means_for(desk.app), totp.new_seed()
    secrets = {
        CredentialKind.PASSWORD: means.passwords.hashed(PASSWORD),
        CredentialKind.TOTP: means.sealed.seal(seed, SEED),
    }
    with desk.store.begin() as work:
        for kind, secret in secrets.items():
            work.doors.add_credential(who.id, who.agency, kind, who.id, secret)
    return seed


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
    word = invitation(desk, ALICE)
    now = desk.app.store.real_now()
    page.goto(f"{door}/enrol#{word}")
    page.get_by_label("Password, at least").fill(PASSWORD)
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
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Code from your app").fill(show(step + 1))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{door}/account")
    page.get_by_role("button", name="Prove that it is you").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Code from your app").fill(show(step + 2))
    page.keyboard.press("Enter")
    page.get_by_text("Proved until").wait_for()
