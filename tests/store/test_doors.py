"""Sign-in in the store: words open what they opened, buckets never give more than they hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staydown.core.doors import Prefix, digest, new_word
from staydown.core.errors import Invalid
from staydown.core.house import CredentialKind, Strength
from staydown.core.rights import Verb
from support import ALICE, BOB, Desk

HOUR = timedelta(hours=1)


def at(desk: Desk, instant: datetime) -> None:
    """Let the store's real clock stand at an instant."""
    desk.store.real_now = lambda: instant


def test_words_are_long_random_and_say_what_they_open() -> None:
    words = {new_word(prefix) for prefix in Prefix for _ in range(50)}
    assert len(words) == 50 * len(Prefix)
    assert all(len(word) == 47 for word in words)
    assert digest("sds_a") != digest("sds_b")


def test_a_session_opens_by_its_word_until_its_end(desk: Desk) -> None:
    word, now = new_word(Prefix.SESSION), datetime.now(UTC)
    with desk.store.begin() as work:
        number = work.doors.open_session(
            ALICE.id, ALICE.agency, word, Strength.PASSKEY, ends_at=now + HOUR, agent="a browser"
        )
    with desk.store.begin(write=False) as work:
        session = work.doors.session(word)
        assert session is not None
        assert (session.id, session.person, session.strength) == (number, ALICE.id, Strength.PASSKEY)
        assert work.doors.session(word + "x") is None
    at(desk, now + HOUR)
    with desk.store.begin(write=False) as work:
        assert work.doors.session(word) is None


def test_no_word_stands_in_the_database(desk: Desk) -> None:
    words = [
        new_word(Prefix.SESSION),
        new_word(Prefix.TOKEN),
        new_word(Prefix.INVITATION),
        new_word(Prefix.CEREMONY),
    ]
    ends = datetime.now(UTC) + HOUR
    with desk.store.begin() as work:
        work.doors.open_session(ALICE.id, ALICE.agency, words[0], Strength.OIDC, ends_at=ends, agent="")
        work.doors.make_token(
            ALICE.id, ALICE.agency, words[1], label="a", scope=frozenset({Verb.CHECK}), ends_at=ends
        )
        work.doors.invite(ALICE.id, ALICE.agency, words[2], by=None, ends_at=ends)
        work.doors.begin_ceremony(words[3], "passkey", {"challenge": "x"}, person=None, ends_at=ends)
    from sqlalchemy import text

    with desk.store.engine.connect() as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT set_config('staydown.agency', '*', true)"))
        for table in ("sessions", "tokens", "invitations", "ceremonies"):
            rows = conn.execute(text(f"SELECT * FROM {table}")).all()
            assert len(rows) == 1
            assert not any(
                word in str(bytes(c) if isinstance(c, (bytes, memoryview)) else c)
                for c in rows[0]
                for word in words
            )


def test_ended_means_ended_at_once(desk: Desk) -> None:
    one, two, token = new_word(Prefix.SESSION), new_word(Prefix.SESSION), new_word(Prefix.TOKEN)
    ends = datetime.now(UTC) + HOUR
    with desk.store.begin() as work:
        first = work.doors.open_session(ALICE.id, ALICE.agency, one, Strength.OIDC, ends_at=ends, agent="")
        work.doors.open_session(ALICE.id, ALICE.agency, two, Strength.OIDC, ends_at=ends, agent="")
        work.doors.make_token(
            ALICE.id, ALICE.agency, token, label="a", scope=frozenset({Verb.CHECK}), ends_at=ends
        )
        assert work.doors.end_sessions(BOB.id, only=first) == 0  # not his
        assert work.doors.end_sessions(ALICE.id, only=first) == 1
        assert work.doors.session(one) is None
        assert work.doors.session(two) is not None
        assert work.doors.end_sessions(ALICE.id) == 1
        assert work.doors.session(two) is None
        assert work.doors.end_tokens(ALICE.id) == 1
        assert work.doors.token(token) is None


def test_an_invitation_opens_once_and_a_newer_one_ends_it(desk: Desk) -> None:
    old, new = new_word(Prefix.INVITATION), new_word(Prefix.INVITATION)
    ends = datetime.now(UTC) + HOUR
    with desk.store.begin() as work:
        work.doors.invite(ALICE.id, ALICE.agency, old, by=BOB.id, ends_at=ends)
        work.doors.invite(ALICE.id, ALICE.agency, new, by=BOB.id, ends_at=ends)
        assert work.doors.invitation(old) is None
        open_ = work.doors.invitation(new)
        assert open_ is not None
        assert open_.by == BOB.id
        assert work.doors.use_invitation(open_.id)
        assert not work.doors.use_invitation(open_.id)
        assert work.doors.invitation(new) is None


def test_a_ceremony_ends_once_and_in_time(desk: Desk) -> None:
    word, late = new_word(Prefix.CEREMONY), new_word(Prefix.CEREMONY)
    now = datetime.now(UTC)
    with desk.store.begin() as work:
        work.doors.begin_ceremony(word, "sign-in", {"challenge": "x"}, person=None, ends_at=now + HOUR)
        work.doors.begin_ceremony(late, "sign-in", {}, person=None, ends_at=now + HOUR)
        found = work.doors.end_ceremony(word, "sign-in")
        assert found is not None
        assert found.facts == {"challenge": "x"}
        assert work.doors.end_ceremony(word, "sign-in") is None
    at(desk, now + HOUR)
    with desk.store.begin() as work:
        assert work.doors.end_ceremony(late, "sign-in") is None


def test_an_identifier_is_one_persons(desk: Desk) -> None:
    with desk.store.begin() as work:
        work.doors.add_credential(ALICE.id, ALICE.agency, CredentialKind.PASSKEY, "key-1", b"public")
        with pytest.raises(Invalid):
            work.doors.add_credential(BOB.id, BOB.agency, CredentialKind.PASSKEY, "key-1", b"other")
        assert work.doors.end_credentials(ALICE.id) == 1
        work.doors.add_credential(BOB.id, BOB.agency, CredentialKind.PASSKEY, "key-1", b"other")


def test_a_counter_only_goes_up(desk: Desk) -> None:
    with desk.store.begin() as work:
        number = work.doors.add_credential(ALICE.id, ALICE.agency, CredentialKind.PASSKEY, "k", b"p")
        assert work.doors.count_up(number, 0)  # a key that does not count
        assert work.doors.count_up(number, 5)
        assert not work.doors.count_up(number, 5)
        assert not work.doors.count_up(number, 4)
        assert not work.doors.count_up(number, 0)
        assert work.doors.count_up(number, 6)


# --- buckets ------------------------------------------------------------------------------------------


def test_a_bucket_fills_by_itself_and_never_over_its_brim(desk: Desk) -> None:
    now = datetime.now(UTC)

    def draw(count: float) -> timedelta | None:
        with desk.store.begin() as work:
            return work.doors.draw("b", rate_per_s=1.0, burst=5, count=count)

    at(desk, now)
    assert draw(5) is None
    assert draw(1) == timedelta(seconds=1)
    at(desk, now + timedelta(seconds=2))
    assert draw(2) is None
    assert draw(1) == timedelta(seconds=1)
    at(desk, now + timedelta(days=1))
    assert draw(5) is None
    assert draw(1) is not None
    at(desk, now)  # a clock that goes back fills nothing
    assert draw(1) is not None
    with pytest.raises(Invalid):
        draw(6)


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rate=st.floats(min_value=0.5, max_value=30),
    burst=st.integers(min_value=1, max_value=12),
    counts=st.lists(st.integers(min_value=1, max_value=3), min_size=4, max_size=12),
)
def test_a_bucket_gives_no_more_than_allowed_to_several_threads(
    desk: Desk, rate: float, burst: int, counts: list[int]
) -> None:
    bucket, given_out, lock = new_word(Prefix.CEREMONY), [], threading.Lock()
    first = time.monotonic()

    def drain(take: Callable[[int], bool]) -> None:
        for count in counts:
            if count <= burst and take(count):
                with lock:
                    given_out.append(count)

    def take(count: int) -> bool:
        with desk.store.begin() as work:
            return work.doors.draw(bucket, rate_per_s=rate, burst=burst, count=count) is None

    threads = [threading.Thread(target=drain, args=(take,)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    passed = time.monotonic() - first
    assert sum(given_out) <= burst + rate * passed + 1e-6
    wanted = 4 * sum(count for count in counts if count <= burst)
    assert sum(given_out) >= min(burst - 2, wanted)  # and it does give
