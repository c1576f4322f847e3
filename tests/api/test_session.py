"""Signing in over real HTTP: passkeys, the fallback, fresh proofs, leaving."""

from __future__ import annotations

from base64 import b32decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy import text

from serving import serving, word_for
from staydown.api.means import means_for
from staydown.core.doors import Prefix, new_word
from staydown.core.errors import NotSignedIn, Outside
from staydown.core.people import Person
from staydown.flow import sign_in
from staydown.proof.seal import Seal
from staydown.reason import totp
from staydown.testing.signed_in import Unwelcome, enrolled, post, proved, signed_in
from staydown.testing.softkey import PRESENT, SoftKey
from support import ALICE, BOB, Desk

ORIGIN = "http://localhost:8017"
PASSWORD = "seven brass kettles hum"


@pytest.fixture
def door(desk: Desk) -> Iterator[str]:
    """The address of a served desk."""
    with serving(desk.app) as address:
        yield address


def invite(desk: Desk, who: Person) -> str:
    """An open invitation's word."""
    word = new_word(Prefix.INVITATION)
    with desk.store.begin() as work:
        work.doors.invite(who.id, who.agency, word, by=None, ends_at=work.real_now + timedelta(hours=1))
    return word


def key_of(desk: Desk, door: str, who: Person) -> SoftKey:
    """A passkey of one of the cast."""
    return enrolled(door, invite(desk, who), origin=ORIGIN)


def get(door: str, path: str, word: str) -> httpx2.Response:
    """One look."""
    return httpx2.get(f"{door}{path}", headers={"Authorization": f"Bearer {word}"})


def test_a_passkey_signs_in_and_out(desk: Desk, door: str) -> None:
    key = key_of(desk, door, ALICE)
    word = signed_in(door, key)
    rows = get(door, "/v1/sessions", word).json()["rows"]
    assert [(row["strength"], row["is_this"]) for row in rows] == [("passkey", True)]
    gone = httpx2.delete(f"{door}/v1/session", headers={"Authorization": f"Bearer {word}"})
    assert gone.json() == {"ended": 1}
    assert get(door, "/v1/sessions", word).status_code == 401
    assert get(door, "/v1/sessions", "sds_" + "a" * 43).headers["www-authenticate"] == "Bearer"


def test_an_answer_serves_once(desk: Desk, door: str) -> None:
    key = key_of(desk, door, ALICE)
    asked = post(door, "/v1/session/passkey/options", {})
    said = {"ceremony": asked["ceremony"], "credential": key.sign_in(asked["options"])}
    post(door, "/v1/session/passkey", said)
    with pytest.raises(Unwelcome) as no:
        post(door, "/v1/session/passkey", said)
    assert no.value.args[0] == 401


@pytest.mark.parametrize("fault", ["origin", "host", "challenge", "nobody", "signature", "key", "nonsense"])
def test_a_wrong_answer_is_refused(desk: Desk, door: str, fault: str) -> None:
    key = key_of(desk, door, ALICE)
    asked = post(door, "/v1/session/passkey/options", {})
    options = dict(asked["options"])
    if fault == "origin":
        key.origin = "https://staydown.example.net"
    elif fault == "host":
        key.rp_id = "evil.example"
    elif fault == "challenge":
        options["challenge"] = "A" * 43
    elif fault == "nobody":
        key.flags = PRESENT
    elif fault == "signature":
        key.private = SoftKey(origin=ORIGIN).private
    elif fault == "key":
        key.id = b"unknown"
    credential = {"id": 7} if fault == "nonsense" else key.sign_in(options)
    with pytest.raises(Unwelcome) as no:
        post(door, "/v1/session/passkey", {"ceremony": asked["ceremony"], "credential": credential})
    assert no.value.args[0] == 401


def test_a_counter_that_goes_back_is_refused_and_written_down(desk: Desk, door: str) -> None:
    key = key_of(desk, door, ALICE)
    signed_in(door, key)
    signed_in(door, key)
    key.counter = 0
    with pytest.raises(Unwelcome):
        signed_in(door, key)
    assert "person:counter:went-back" in desk.tags("person")


def test_a_challenge_runs_out(desk: Desk, door: str) -> None:
    key = key_of(desk, door, ALICE)
    asked = post(door, "/v1/session/passkey/options", {})
    desk.app.store.real_now = lambda: datetime.now(UTC) + timedelta(minutes=5)
    with pytest.raises(Unwelcome):
        post(
            door,
            "/v1/session/passkey",
            {"ceremony": asked["ceremony"], "credential": key.sign_in(asked["options"])},
        )


def test_an_invitation_serves_once_and_ends_what_was_before(desk: Desk, door: str) -> None:
    invitation = invite(desk, ALICE)
    key = enrolled(door, invitation, origin=ORIGIN)
    with pytest.raises(Unwelcome) as no:
        enrolled(door, invitation, origin=ORIGIN)
    assert no.value.args[0] == 404
    word = signed_in(door, key)
    newer = key_of(desk, door, ALICE)
    assert get(door, "/v1/sessions", word).status_code == 401
    with pytest.raises(Unwelcome):
        signed_in(door, key)
    assert signed_in(door, newer)
    assert [t for t in desk.tags("person") if ":account:" in t] == [
        "person:account:opened",
        "person:account:recovered",
    ]


def test_a_session_ends_when_idle_and_when_its_time_is_over(desk: Desk, door: str) -> None:
    key = key_of(desk, door, ALICE)
    word = signed_in(door, key)
    desk.app.store.real_now = lambda: datetime.now(UTC) + timedelta(minutes=29)
    assert get(door, "/v1/sessions", word).status_code == 200  # and is noted as used
    desk.app.store.real_now = lambda: datetime.now(UTC) + timedelta(minutes=58)
    assert get(door, "/v1/sessions", word).status_code == 200
    desk.app.store.real_now = lambda: datetime.now(UTC) + timedelta(minutes=89)
    assert get(door, "/v1/sessions", word).status_code == 401


def test_who_left_is_out_at_once(desk: Desk, door: str) -> None:
    word = signed_in(door, key_of(desk, door, ALICE))
    with desk.store.begin() as work:
        work.people.change(ALICE.id, left_at=work.now)
    assert get(door, "/v1/sessions", word).status_code == 401


def test_a_proof_makes_a_session_fresh(desk: Desk, door: str) -> None:
    key = key_of(desk, door, BOB)
    word = signed_in(door, key)
    desk.app.store.real_now = lambda: datetime.now(UTC) + timedelta(minutes=6)
    with pytest.raises(Unwelcome) as no:
        post(door, "/v1/credentials/options", {}, word)
    assert no.value.args[0] == 403
    proved(door, key, word)
    assert post(door, "/v1/credentials/options", {}, word)["options"]["excludeCredentials"]


def test_somebody_elses_key_proves_nothing(desk: Desk, door: str) -> None:
    word, other = signed_in(door, key_of(desk, door, BOB)), key_of(desk, door, ALICE)
    with pytest.raises(Unwelcome) as no:
        proved(door, other, word)
    assert no.value.args[0] == 401


def test_the_last_passkey_of_an_approver_stays(desk: Desk, door: str) -> None:
    word = signed_in(door, key_of(desk, door, BOB))
    bearer = {"Authorization": f"Bearer {word}"}
    asked = post(door, "/v1/credentials/options", {}, word)
    second = SoftKey(origin=ORIGIN)
    said = {"ceremony": asked["ceremony"], "credential": second.register(asked["options"]), "label": "two"}
    added = post(door, "/v1/credentials", said, word)["id"]
    first = next(r["id"] for r in get(door, "/v1/credentials", word).json()["rows"] if r["id"] != added)
    assert httpx2.delete(f"{door}/v1/credentials/{first}", headers=bearer).status_code == 200
    assert httpx2.delete(f"{door}/v1/credentials/{added}", headers=bearer).status_code == 403
    assert signed_in(door, second)


# --- the fallback -------------------------------------------------------------------------------------


def fallback(desk: Desk, door: str, who: Person = ALICE) -> bytes:
    """The seed of somebody who signs in by password and code."""
    invitation = invite(desk, who)
    asked = post(door, "/v1/enrol/password", {"invitation": invitation, "password": PASSWORD})
    seed = b32decode(asked["seed"] + "=" * (-len(asked["seed"]) % 8))
    code = totp.code(seed, totp.step_at(desk.app.store.real_now()))
    post(door, "/v1/enrol/code", {"invitation": invitation, "ceremony": asked["ceremony"], "code": code})
    return seed


def test_password_and_code_sign_in_and_each_code_once(desk: Desk, door: str) -> None:
    now = datetime.now(UTC)
    desk.app.store.real_now = lambda: now
    seed = fallback(desk, door)
    said = {"person": "alice", "password": PASSWORD, "code": totp.code(seed, totp.step_at(now))}
    with pytest.raises(Unwelcome):  # the code that confirmed the seed
        post(door, "/v1/session/password", said)
    desk.app.store.real_now = lambda: now + timedelta(seconds=30)
    said["code"] = totp.code(seed, totp.step_at(now) + 1)
    assert post(door, "/v1/session/password", said)["strength"] == "password-totp"
    with pytest.raises(Unwelcome):
        post(door, "/v1/session/password", said)


def test_a_wrong_name_reads_as_a_wrong_password(desk: Desk, door: str) -> None:
    fallback(desk, door)
    told = []
    for name, password in (("alice", "wrong"), ("nobody", PASSWORD), ("No One", PASSWORD)):
        said = {"person": name, "password": password, "code": "000000"}
        answer = httpx2.post(f"{door}/v1/session/password", json=said)
        told.append((answer.status_code, {k: v for k, v in answer.json().items() if k != "instance"}))
    assert told[0][0] == 401
    assert told[0] == told[1] == told[2]


def test_an_unknown_name_costs_the_same_work(desk: Desk, door: str) -> None:
    fallback(desk, door)
    asked: list[str] = []

    def secret() -> bytes:
        asked.append("secret")
        return bytes.fromhex(desk.app.key_file.read_text().strip())

    means = replace(means_for(desk.app), sealed=Seal(secret))
    counts = []
    for name in ("alice", "nobody"):
        with pytest.raises(NotSignedIn):
            sign_in.by_password(desk.app.tools, means, name, PASSWORD, "000000")
        counts.append(len(asked))
        asked.clear()
    assert counts == [1, 1]


def test_no_secret_word_reaches_the_log_or_a_problem(
    desk: Desk, door: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("staydown", "uvicorn", "asyncio"):
        caplog.set_level("DEBUG", logger=name)
    now = datetime.now(UTC)
    desk.app.store.real_now = lambda: now
    seed = fallback(desk, door)
    desk.app.store.real_now = lambda: now + timedelta(seconds=30)
    code = totp.code(seed, totp.step_at(now) + 1)
    said = {"person": "alice", "password": PASSWORD, "code": code}
    word = str(post(door, "/v1/session/password", said)["word"])
    invitation, token = invite(desk, BOB), {"label": "a", "scope": ["account:see"]}
    secrets = (PASSWORD, totp.written(seed), word, invitation, word[4:], invitation[4:])
    told = []
    for path, body in {
        "/v1/session/password": said,  # a code used before
        "/v1/session/passkey": {"ceremony": word, "credential": {"id": PASSWORD}},
        "/v1/session/proof": {"password": [PASSWORD], "code": PASSWORD, PASSWORD[:5]: word},
        "/v1/password": {"present": PASSWORD, "code": code, "new": PASSWORD},
        "/v1/enrol": {"invitation": invitation + "x"},
        "/v1/enrol/code": {"invitation": invitation, "ceremony": word, "code": "000000"},
        "/v1/tokens": token | {"label": [PASSWORD]},
        "/v1/credentials": {"ceremony": invitation, "credential": PASSWORD},
    }.items():
        answer = httpx2.post(f"{door}{path}", json=body, headers={"Authorization": f"Bearer {word}"})
        assert 400 <= answer.status_code < 500, (path, answer.text)
        told.append(answer.text + str(answer.headers))
    broken = f'{{"password": "{PASSWORD}", "word": "{word}'
    headers = {"Authorization": f"Bearer {word}", "Content-Type": "application/json"}
    told.append(httpx2.post(f"{door}/v1/session/password", content=broken, headers=headers).text)
    told.append(httpx2.get(f"{door}/v1/me", headers={"Authorization": f"Bearer {invitation}"}).text)
    assert "http.answered" in caplog.text
    for secret_word in secrets:
        assert secret_word not in caplog.text
        assert not [one for one in told if secret_word in one]


def test_trouble_of_the_database_tells_no_values(desk: Desk) -> None:
    with pytest.raises(Outside) as no, desk.store.begin() as work:
        work.conn.execute(text("INSERT INTO nowhere VALUES (:word)"), {"word": PASSWORD})
    cause: BaseException | None = no.value
    while cause is not None:
        assert PASSWORD not in str(cause)
        cause = cause.__cause__


def test_guessing_runs_dry_and_a_passkey_still_opens(desk: Desk, door: str) -> None:
    key = key_of(desk, door, ALICE)
    codes = []
    for _ in range(12):
        answer = httpx2.post(
            f"{door}/v1/session/password", json={"person": "alice", "password": "x", "code": "000000"}
        )
        codes.append(answer.status_code)
    assert codes[:10] == [401] * 10
    assert codes[10:] == [429] * 2
    assert int(answer.headers["retry-after"]) >= 1
    word = signed_in(door, key)
    proved(door, key, word)  # nor does guessing keep anybody from a fresh proof
    with pytest.raises(Unwelcome) as no:
        post(door, "/v1/session/proof", {"password": "x", "code": "000000"}, word)
    assert no.value.args[0] == 429


def test_a_password_is_changed_by_who_knows_it(desk: Desk, door: str) -> None:
    now, new = datetime.now(UTC), "nine tin whistles sing"
    seed, steps = fallback(desk, door), iter(range(1, 99))

    def code() -> str:
        """The code of a later step, at the time of that step."""
        at = totp.step_at(now) + next(steps)
        desk.app.store.real_now = lambda: datetime.fromtimestamp(at * totp.STEP_S, UTC)
        return totp.code(seed, at)

    def sign_in(password: str) -> str:
        said = {"person": "alice", "password": password, "code": code()}
        return str(post(door, "/v1/session/password", said)["word"])

    def change(word: str, **more: object) -> int:
        said = {"present": PASSWORD, "code": code(), "new": new} | more
        answer = httpx2.post(
            f"{door}/v1/password", json=said, headers={"Authorization": f"Bearer {word}"}, timeout=30
        )
        for secret in (PASSWORD, new, said["code"], said["new"]):
            assert str(secret) not in answer.text
        return answer.status_code

    word, other = sign_in(PASSWORD), sign_in(PASSWORD)
    assert change(word, present="nine tin whistles") == 401
    assert change(word, code="000000") == 401
    assert change(word, new="short") == 400
    assert change(word, new="dragonmonkeyfootball") == 400
    assert change(word, new=PASSWORD) == 400
    assert change(word_for(desk.app, ALICE)) == 403  # a session that began with a passkey
    assert get(door, "/v1/sessions", other).status_code == 200
    assert "person:password:changed" not in desk.tags("person")
    assert change(word) == 200
    assert desk.tags("person").count("person:password:changed") == 1
    assert get(door, "/v1/sessions", word).status_code == 200
    assert get(door, "/v1/sessions", other).status_code == 401
    with pytest.raises(Unwelcome):
        sign_in(PASSWORD)
    third = sign_in(new)
    assert change(third, present=new, new=PASSWORD, end_others=False) == 200
    assert get(door, "/v1/sessions", word).status_code == 200


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "a" * 200,
        "passwordpassword",
        "qwertyuiop123456789",
        "abababababababab",
        "alice1234512345",
        "1q2w3e4r5t6y7u8i9o0p",
    ],
)
def test_a_poor_password_is_refused(desk: Desk, door: str, password: str) -> None:
    with pytest.raises(Unwelcome) as no:
        post(door, "/v1/enrol/password", {"invitation": invite(desk, ALICE), "password": password})
    assert no.value.args[0] == 400


def test_an_approver_gets_no_password(desk: Desk, door: str) -> None:
    with pytest.raises(Unwelcome) as no:
        post(door, "/v1/enrol/password", {"invitation": invite(desk, BOB), "password": PASSWORD})
    assert no.value.args[0] == 403


@pytest.mark.parametrize("odd", ["a\0b", "a' OR 1=1", "\u202e"])
def test_odd_words_are_the_callers_fault(desk: Desk, door: str, odd: str) -> None:
    said = {"person": odd, "password": odd, "code": "000000"}
    assert httpx2.post(f"{door}/v1/session/password", json=said).status_code in {401, 422}
    asked = post(door, "/v1/session/passkey/options", {})
    said = {"ceremony": asked["ceremony"], "credential": {"id": odd}}
    assert httpx2.post(f"{door}/v1/session/passkey", json=said).status_code == 401


# --- cookies ------------------------------------------------------------------------------------------


def test_a_cookie_is_for_own_pages_only(desk: Desk, door: str) -> None:
    key = key_of(desk, door, ALICE)

    def attempt(**headers: str) -> httpx2.Response:
        asked = post(door, "/v1/session/passkey/options", {})
        said = {
            "ceremony": asked["ceremony"],
            "credential": key.sign_in(asked["options"]),
            "keep": "cookie",
        }
        return httpx2.post(f"{door}/v1/session/passkey", json=said, headers=headers)

    assert attempt().status_code == 401
    assert attempt(Origin="https://evil.example").status_code == 401
    assert attempt(**{"Sec-Fetch-Site": "cross-site"}).status_code == 401
    came_in = attempt(**{"Sec-Fetch-Site": "same-origin"})
    assert came_in.json()["word"] is None
    cookie = came_in.headers["set-cookie"]
    assert cookie.startswith("__Host-staydown=sds_")
    for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert part in cookie
    carried = {"Cookie": cookie.partition(";")[0]}
    assert httpx2.get(f"{door}/v1/sessions", headers=carried).status_code == 200
    assert httpx2.delete(f"{door}/v1/session", headers=carried).status_code == 401
    cross = carried | {"Sec-Fetch-Site": "same-site"}
    assert httpx2.delete(f"{door}/v1/session", headers=cross).status_code == 401
    own = carried | {"Origin": ORIGIN}
    assert httpx2.delete(f"{door}/v1/session", headers=own).status_code == 200
