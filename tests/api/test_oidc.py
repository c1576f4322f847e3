"""Sign-in at an identity provider: one that is true, one that lies in every way, and a real one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import pytest
from joserfc import jwk, jwt

from serving import served
from staydown.api.app import make_api
from staydown.api.means import means_for
from staydown.core.doors import Prefix, new_word
from staydown.core.errors import Refused
from staydown.fetch.guard import Guard, Policy
from support import ALICE, Desk

CLIENT = "staydown-test"
SECRET = "a secret of made-up words & signs: %+"
ROOT = Path(__file__).parents[2]


@dataclass
class Issuer:
    """An identity provider that answers as a test wants it to."""

    key: Any = field(default_factory=lambda: jwk.RSAKey.generate_key(2048, {"kid": "one"}))
    published: list[Any] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    offer: dict[str, Any] = field(default_factory=dict)
    make: Callable[[dict[str, Any]], str] | None = None
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)  #: code -> challenge, nonce
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def token(self, nonce: str) -> str:
        """An identity token."""
        now = int(time.time())
        told = {
            "iss": self.address,
            "sub": "subject-7",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": nonce,
        } | self.claims
        told = {name: value for name, value in told.items() if value is not None}
        if self.make:
            return self.make(told)
        return jwt.encode({"alg": "RS256", "kid": "one"}, told, self.key)

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, object]:
        """What it says."""
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
            } | self.offer
        if path == "/keys":
            keys = self.published or [self.key]
            return 200, {"keys": [{**one.as_dict(private=False), "use": "sig"} for one in keys]}
        challenge, nonce = self.codes.pop(form.get("code", ""), ("", ""))
        verified = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if (
            not challenge
            or verified.decode().rstrip("=") != challenge
            or not authorization.startswith("Basic ")
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.token(nonce)}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """The issuer, on a port of its own."""
    made = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, told = made.answer(self.path, form, self.headers.get("authorization", ""))
            text = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = _do

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Door:
    """A served desk whose people may sign in at an issuer."""

    address: str
    desk: Desk
    issuer: Issuer
    api: Any = None

    def invitation(self) -> str:
        """An open one for Alice."""
        word = new_word(Prefix.INVITATION)
        with self.desk.store.begin() as work:
            ends = work.real_now + timedelta(hours=1)
            work.doors.invite(ALICE.id, ALICE.agency, word, by=None, ends_at=ends)
        return word

    def begin(self, invitation: str = "") -> tuple[dict[str, str], str]:
        """What the browser is sent away with, and the cookie it keeps."""
        if invitation:
            begun = httpx2.post(f"{self.address}/v1/enrol/oidc", json={"invitation": invitation})
            where = begun.json()["address"]
        else:
            begun = httpx2.get(f"{self.address}/v1/session/oidc", follow_redirects=False)
            where = begun.headers["location"]
        asked = dict(parse_qsl(urlsplit(where).query))
        return asked, begun.headers["set-cookie"].partition(";")[0]

    def allow(self, asked: dict[str, str]) -> str:
        """A code for somebody who signed in there."""
        code = secrets.token_urlsafe(8)
        self.issuer.codes[code] = (asked["code_challenge"], asked["nonce"])
        return code

    def back(self, cookie: str, *, accept: str = "*/*", **query: str) -> httpx2.Response:
        """The browser comes back."""
        headers = {"Accept": accept} | ({"Cookie": cookie} if cookie else {})
        return httpx2.get(f"{self.address}/v1/session/oidc/back", params=query, headers=headers)

    def once(self, invitation: str = "") -> httpx2.Response:
        """The whole way."""
        asked, cookie = self.begin(invitation)
        return self.back(cookie, code=self.allow(asked), state=asked["state"])


@pytest.fixture
def door(desk: Desk, issuer: Issuer, tmp_path: Path) -> Iterator[Door]:
    """The desk, served."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    desk.app.settings = replace(
        desk.app.settings, oidc_issuer=issuer.address, oidc_client=CLIENT, oidc_secret_file=str(secret)
    )
    api = make_api(desk.app)
    with served(api) as address:
        yield Door(address, desk, issuer, api)


def session_of(door: Door, answer: httpx2.Response) -> dict[str, Any]:
    """Who is signed in by an answer's cookie."""
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("__Host-staydown="))
    assert "SameSite=strict" in cookie
    told: dict[str, Any] = httpx2.get(
        f"{door.address}/v1/me", headers={"Cookie": cookie.partition(";")[0]}
    ).json()
    return told


def test_a_linked_account_signs_in(door: Door) -> None:
    assert door.once().status_code == 401  # nobody is linked yet, whatever the account is called
    invitation = door.invitation()
    assert session_of(door, door.once(invitation))["person"] == "alice"
    me = session_of(door, door.once())
    assert (me["person"], me["strength"]) == ("alice", "oidc")
    asked, cookie = door.begin()
    assert asked["code_challenge_method"] == "S256"
    assert (asked["scope"], asked["response_type"]) == ("openid", "code")
    assert cookie.startswith("__Host-staydown-oidc=")


def test_an_account_is_linked_once(door: Door) -> None:
    invitation = door.invitation()
    asked, cookie = door.begin(invitation)
    other, other_cookie = door.begin(invitation)
    assert door.back(cookie, code=door.allow(asked), state=asked["state"]).status_code == 200
    assert door.back(other_cookie, code=door.allow(other), state=other["state"]).status_code == 404


def test_a_browser_is_told_of_trouble_on_a_page(door: Door) -> None:
    asked, cookie = door.begin()
    bad = {"state": asked["state"], "error": "<script>", "error_description": "<script>"}
    answer = door.back(cookie, accept="text/html,*/*;q=0.8", **bad)
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert "nobody is signed in by the identity provider: the provider let nobody in" in answer.text
    assert "Begin again at /sign-in." in answer.text
    assert "<script" not in answer.text
    assert asked["state"] not in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert 'staydown-oidc=""' in answer.headers["set-cookie"]
    assert door.back("", state="x").headers["content-type"] == "application/problem+json"


def test_what_a_provider_adds_of_its_own_is_passed_over(door: Door) -> None:
    door.once(door.invitation())
    asked, cookie = door.begin()
    extra = {"session_state": "s", "error_uri": "", "made-up": "x" * 3000}
    assert door.back(cookie, code=door.allow(asked), state=asked["state"], **extra).status_code == 200


def test_what_belongs_to_another_browser_or_flow_is_refused(door: Door) -> None:
    door.once(door.invitation())
    asked, cookie = door.begin()
    other, other_cookie = door.begin()
    assert door.back(cookie, code=door.allow(asked), state=other["state"]).status_code == 403
    assert door.back("", code=door.allow(other), state=other["state"]).status_code == 401
    mixed, mixed_cookie = door.begin()  # another flow's code: its challenge is another one
    assert door.back(mixed_cookie, code=door.allow(other), state=mixed["state"]).status_code == 403
    code = door.allow(other)
    assert door.back(other_cookie, code=code, state=other["state"]).status_code == 200
    assert door.back(other_cookie, code=code, state=other["state"]).status_code == 401  # replayed
    again, again_cookie = door.begin()
    assert door.back(again_cookie, code=code, state=again["state"]).status_code == 403  # a used code
    denied, denied_cookie = door.begin()
    assert door.back(denied_cookie, error="access_denied", state=denied["state"]).status_code == 403


NOW = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"aud": []},
        {"aud": None},
        {"azp": "another"},
        {"exp": NOW - 3600},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": NOW - 86_400},
        {"iat": NOW + 86_400},
        {"iat": None},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
    ids=lambda claims: " ".join(f"{name}-{type(value).__name__}" for name, value in claims.items()),
)
def test_a_false_claim_is_refused(door: Door, claims: dict[str, Any]) -> None:
    assert door.once(door.invitation()).status_code == 200
    door.issuer.claims = claims
    assert door.once().status_code == 403
    door.issuer.claims = {}
    assert door.once().status_code == 200


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "fault", ["none", "hs256", "key", "kid", "typ", "changed", "rs512", "crit", "nonsense"]
)
def test_a_false_signature_is_refused(door: Door, fault: str) -> None:
    issuer = door.issuer
    assert door.once(door.invitation()).status_code == 200
    stranger = jwk.RSAKey.generate_key(2048, {"kid": "one"})

    def make(told: dict[str, Any]) -> str:
        if fault == "none":
            return f"{_part({'alg': 'none'})}.{_part(told)}."
        if fault == "hs256":
            signed = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{_part(told)}"
            mark = hmac.digest(issuer.key.as_pem(private=False), signed.encode(), "sha256")
            return f"{signed}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"
        if fault == "key":
            return jwt.encode({"alg": "RS256", "kid": "one"}, told, stranger)
        if fault == "kid":
            return jwt.encode({"alg": "RS256", "kid": "two"}, told, issuer.key)
        if fault == "typ":
            return jwt.encode({"alg": "RS256", "kid": "one", "typ": "at+jwt"}, told, issuer.key)
        if fault == "rs512":
            return jwt.encode({"alg": "RS512", "kid": "one"}, told, issuer.key, algorithms=["RS512"])
        if fault == "crit":
            return f"{_part({'alg': 'RS256', 'kid': 'one', 'crit': ['x'], 'x': 1})}.{_part(told)}.AAAA"
        if fault == "nonsense":
            return "a.b"
        head, _, mark = jwt.encode({"alg": "RS256", "kid": "one"}, told, issuer.key).split(".")
        return f"{head}.{_part({**told, 'admin': True})}.{mark}"

    issuer.make = make
    assert door.once().status_code == 403
    issuer.make = None
    assert door.once().status_code == 200


def test_keys_are_kept_and_asked_for_once_more_when_one_is_new(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.once(door.invitation())
    door.once()
    assert door.issuer.asked.count("/keys") == 1
    monkeypatch.setattr("staydown.proof.oidc.AGAIN_S", 0.0)
    fresh = jwk.ECKey.generate_key("P-256", {"kid": "two"})
    door.issuer.published = [door.issuer.key, fresh]
    door.issuer.make = lambda told: jwt.encode({"alg": "ES256", "kid": "two"}, told, fresh)
    assert door.once().status_code == 200
    assert door.issuer.asked.count("/keys") == 2


@pytest.mark.parametrize(
    ("offer", "iss", "status"),
    [
        ({"issuer": "https://evil.example"}, None, 502),
        ({"authorization_response_iss_parameter_supported": True}, None, 403),
        ({"authorization_response_iss_parameter_supported": True}, "own", 200),
        ({}, "https://evil.example", 403),
        ({}, "own", 200),
    ],
)
def test_issuers_are_not_mixed_up(door: Door, offer: dict[str, Any], iss: str | None, status: int) -> None:
    door.once(door.invitation())
    door.api.state.means = means_for(door.desk.app)  # asks anew what the issuer offers
    door.issuer.offer = offer
    if status == 502:
        answer = httpx2.get(f"{door.address}/v1/session/oidc", follow_redirects=False)
        assert answer.status_code in {502, 503}
        return
    asked, cookie = door.begin()
    more = {"iss": door.issuer.address if iss == "own" else iss} if iss else {}
    answer = door.back(cookie, code=door.allow(asked), state=asked["state"], **more)
    assert answer.status_code == status


def test_a_proof_has_to_be_anew(door: Door) -> None:
    came = door.once(door.invitation())
    cookie = next(c for c in came.headers.get_list("set-cookie") if c.startswith("__Host-staydown="))
    own = {"Cookie": cookie.partition(";")[0], "Sec-Fetch-Site": "same-origin"}

    def prove(auth_time: int | None) -> int:
        begun = httpx2.post(f"{door.address}/v1/session/proof/oidc", json={}, headers=own)
        asked = dict(parse_qsl(urlsplit(begun.json()["address"]).query))
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
        door.issuer.claims = {"auth_time": auth_time}
        kept = begun.headers["set-cookie"].partition(";")[0]
        return door.back(kept, code=door.allow(asked), state=asked["state"]).status_code

    assert prove(int(time.time()) - 3600) == 401
    assert prove(None) == 401
    assert prove(int(time.time())) == 200
    door.issuer.claims = {"sub": "somebody-else"}
    begun = httpx2.post(f"{door.address}/v1/session/proof/oidc", json={}, headers=own)
    asked = dict(parse_qsl(urlsplit(begun.json()["address"]).query))
    kept = begun.headers["set-cookie"].partition(";")[0]
    assert door.back(kept, code=door.allow(asked), state=asked["state"]).status_code == 401


def test_only_the_issuers_own_origin_may_stand_inside() -> None:
    guard = Guard(Policy.PUBLIC, inside="https://10.1.2.3:8443/realm", resolve=lambda _: ["10.9.9.9"])
    assert guard.read("https://10.1.2.3:8443/keys").port == 8443
    for near in (
        "http://10.1.2.3:8443/",
        "https://10.1.2.3/",
        "https://10.1.2.4:8443/",
        "https://127.0.0.1:8443/",
    ):
        with pytest.raises(Refused):
            guard.read(near)
    with pytest.raises(Refused):
        guard.resolved("elsewhere.example", 443)
    with pytest.raises(Refused):
        Guard(Policy.LOOPBACK, inside="https://10.1.2.3:8443/").read("https://10.1.2.3:8443/keys")
