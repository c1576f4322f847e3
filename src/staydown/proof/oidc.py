"""The agency's own identity provider: OpenID Connect, code flow with PKCE (RFC 7636), state, nonce and issuer checked.

Everything is asked for through the guarded fetcher, and no redirect is followed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from staydown.core.errors import Invalid, Outside, Refused
from staydown.ports import Ask, Fetch, Reply
from staydown.ports.doors import Claims

ALGORITHMS = ("RS256", "ES256", "EdDSA")
LEEWAY_S = 60
"""How far two machines' clocks may be apart."""
OLDEST_S = 600
KEPT_S = 3600.0
AGAIN_S = 10.0
"""How long what the provider says of itself is kept; how soon its keys are asked for again because of an unknown one."""
MAX_BYTES = 256 * 1024


class OpenIdConnect:
    """One identity provider, by its issuer.

    Args:
        issuer: Its name, which is also where it says what it offers.
        client: Our name there.
        secret_file: Where our secret lies; empty for a public client.
        back: Where it sends browsers back to.
    """

    def __init__(self, fetch: Fetch, *, issuer: str, client: str, secret_file: str, back: str) -> None:
        parts = urlsplit(issuer)
        is_near = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if parts.scheme != "https" and not (parts.scheme == "http" and is_near):
            raise Invalid("oidc_issuer is no https address", hint="Correct it in staydown.toml.")
        if not client:
            raise Invalid("oidc_client is empty", hint="Set it in staydown.toml.")
        self._fetch, self._issuer, self._client, self._back = fetch, issuer, client, back
        self._secret_file = secret_file
        self._lock = threading.Lock()
        self._known: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None

    def facts(self) -> dict[str, str]:
        """New state, nonce and verifier for one flow."""
        return {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}

    def begin(self, facts: Mapping[str, str], *, anew: bool) -> str:
        """The address to send a browser to; `anew` asks for a fresh proof."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(facts["verifier"].encode()).digest())
        asked = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self._client,
            "redirect_uri": self._back,
            "state": facts["state"],
            "nonce": facts["nonce"],
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if anew:
            asked |= {"prompt": "login", "max_age": "0"}
        where = self._offer()["authorization_endpoint"]
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"

    def claims(self, facts: Mapping[str, str], returned: Mapping[str, str], now: datetime) -> Claims:
        """Who came back.

        Raises:
            Refused: Anything does not fit.
            Outside: The identity provider gave trouble.
        """
        if not hmac.compare_digest(facts["state"].encode(), returned.get("state", "").encode()):
            raise _not("the state is another one")
        offer = self._offer()
        said = returned.get("iss", "")
        if said != self._issuer and (said or offer.get("authorization_response_iss_parameter_supported")):
            raise _not("another issuer answers")  # RFC 9207
        if returned.get("error") or not returned.get("code"):
            raise _not("the provider let nobody in")
        token = self._exchanged(offer["token_endpoint"], returned["code"], facts["verifier"])
        return self._read(token, facts["nonce"], int(now.timestamp()))

    # --- what the provider says of itself ---------------------------------------------------------

    def _offer(self) -> dict[str, Any]:
        with self._lock:
            if self._known and time.monotonic() - self._known[0] < KEPT_S:
                return self._known[1]
        offer = self._json(Ask(address=f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"))
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if offer.get("issuer") != self._issuer or not all(isinstance(offer.get(one), str) for one in wanted):
            raise Outside("the identity provider's own description is of another one", permanent=True)
        if any(urlsplit(offer[one]).scheme not in {"https", urlsplit(self._issuer).scheme} for one in wanted):
            raise Outside("the identity provider names an address without TLS", permanent=True)
        with self._lock:
            self._known = (time.monotonic(), offer)
        return offer

    def _key(self, kid: object, alg: str) -> dict[str, Any]:
        """The public key of a token; an unknown one is asked for once more."""
        for again in (False, True):
            keys = self._key_set(again=again)
            fit = [one for one in keys if (kid is None or one.get("kid") == kid) and _fits(one, alg)]
            if len(fit) == 1:
                return fit[0]
        raise _not("it is signed by an unknown key")

    def _key_set(self, *, again: bool) -> list[dict[str, Any]]:
        with self._lock:
            if self._keys and time.monotonic() - self._keys[0] < (AGAIN_S if again else KEPT_S):
                return self._keys[1]
        told = self._json(Ask(address=self._offer()["jwks_uri"])).get("keys")
        keys = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        with self._lock:
            self._keys = (time.monotonic(), keys)
        return keys

    # --- the code, and what comes for it ----------------------------------------------------------

    def _exchanged(self, where: str, code: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "client_id": self._client,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._secret_file:
            pair = f"{quote_plus(self._client)}:{quote_plus(self._secret())}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        told = self._json(Ask(address=where, method="POST", headers=headers, body=urlencode(form).encode()))
        token = told.get("id_token")
        if not isinstance(token, str):
            raise _not("no identity token came")
        return token

    def _secret(self) -> str:
        try:
            return Path(self._secret_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Outside(f"oidc_secret_file cannot be read: {error.strerror}", permanent=True) from error

    def _read(self, token: str, nonce: str, now: int) -> Claims:
        from joserfc import jwk, jwt
        from joserfc.errors import JoseError

        head = _head(token)
        alg, kind = head.get("alg"), head.get("typ", "JWT")
        if alg not in ALGORITHMS or not isinstance(kind, str) or kind.upper() != "JWT" or "crit" in head:
            raise _not("it is no identity token of a sort that is taken")
        try:
            key = jwk.import_key(self._key(head.get("kid"), alg))
            told = jwt.decode(token, key, algorithms=[alg]).claims
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _not("its signature is not good") from error
        self._check(told, nonce, now)
        at = told.get("auth_time")
        is_time = isinstance(at, int) and not isinstance(at, bool) and 0 <= at <= now + LEEWAY_S
        return Claims(
            issuer=self._issuer,
            subject=told["sub"],
            auth_time=datetime.fromtimestamp(at, UTC) if is_time and isinstance(at, int) else None,
        )

    def _check(self, told: Mapping[str, Any], nonce: str, now: int) -> None:
        """The rules of OpenID Connect Core 1.0, 3.1.3.7."""
        given = told.get("aud")
        meant = given if isinstance(given, list) else [given]
        subject, ends, made = told.get("sub"), told.get("exp"), told.get("iat")
        rules = {
            "another issuer": told.get("iss") == self._issuer,
            "not for us": self._client in meant,
            "for others too": len(meant) == 1 or told.get("azp") == self._client,
            "asked for by others": told.get("azp", self._client) == self._client,
            "run out": isinstance(ends, (int, float)) and now < ends + LEEWAY_S,
            "of another time": isinstance(made, (int, float)) and now - OLDEST_S <= made <= now + LEEWAY_S,
            "of another flow": isinstance(told.get("nonce"), str)
            and hmac.compare_digest(told["nonce"].encode(), nonce.encode()),
            "of nobody": isinstance(subject, str)
            and 0 < len(subject) <= 255
            and subject.isascii()
            and subject.isprintable(),
        }
        if broken := next((why for why, holds in rules.items() if not holds), None):
            raise _not(f"the identity token is {broken}")

    def _json(self, ask: Ask) -> dict[str, Any]:
        reply: Reply = self._fetch.many([_bounded(ask)])[0]
        if reply.trouble or reply.status is None or reply.cut:
            raise Outside(f"the identity provider does not answer: {reply.trouble or 'too long an answer'}")
        if reply.status != 200:
            if 400 <= reply.status < 500 and ask.method == "POST":
                raise _not("the provider does not take the code")
            raise Outside(f"the identity provider answers {reply.status}")
        try:
            told = json.loads(reply.body)
        except ValueError as error:
            raise Outside("the identity provider answers no JSON") from error
        if not isinstance(told, dict):
            raise Outside("the identity provider answers no object")
        return told


def _bounded(ask: Ask) -> Ask:
    return Ask(
        address=ask.address,
        method=ask.method,
        headers=ask.headers,
        body=ask.body,
        follow=False,
        max_bytes=MAX_BYTES,
    )


def _head(token: str) -> dict[str, Any]:
    first, *rest = token.split(".")
    try:
        head = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, binascii.Error) as error:
        raise _not("it is no identity token") from error
    if len(rest) != 2 or not isinstance(head, dict):
        raise _not("it is no identity token")
    return head


def _fits(key: Mapping[str, Any], alg: str) -> bool:
    """Whether a key is of the sort that the algorithm takes, and long enough."""
    if key.get("use", "sig") != "sig" or key.get("alg", alg) != alg:
        return False
    if alg == "RS256":
        return key.get("kty") == "RSA" and isinstance(key.get("n"), str) and len(key["n"]) >= 342
    if alg == "ES256":
        return key.get("kty") == "EC" and key.get("crv") == "P-256"
    return key.get("kty") == "OKP" and key.get("crv") == "Ed25519"


def _not(why: str) -> Refused:
    return Refused(f"nobody is signed in by the identity provider: {why}", hint="Begin again at /sign-in.")
