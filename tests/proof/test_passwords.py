"""Which passwords are taken, and how they are held."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.proof.passwords import LONGEST, SHORTEST, Argon2, commonest

GOOD = "seven brass kettles hum"
means = Argon2()


def test_the_commonest_are_many_and_long() -> None:
    listed = commonest()
    assert len(listed) > 3_000
    assert {len(one) >= SHORTEST for one in listed} == {True}
    assert [one for one in listed if means.weakness(one, []) is None] == []


@pytest.mark.parametrize(
    "dressed",
    [
        "Password-Password-2026",
        "P@ssw0rd P@ssw0rd!",
        "dragonmonkeyfootball",
        "Willkommen123Willkommen",
        "2026 sommer 2026 sommer",
        "qwertyuiopasdfghjkl",
        "0987654321098765",
        "ZXCVBNM zxcvbnm ZXCVBNM",
        "!!! letmein letmein !!!",
    ],
)
def test_dressing_up_does_not_help(dressed: str) -> None:
    assert means.weakness(dressed, []) == "it is among those that are tried first"


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "739205816427093",
        "wkfjdlspqhvnxmz",
        "WKFJDLSPQHVNXMZ",
        "!?%&/()=*+~#<>|;:",
        "sieben Kessel summen über Nacht",
        "七つの真鍮の薬缶が夜通し静かに鳴る",
        "🫖🎻🪁🧭🪵🫐🦉🪴🧶🥁🚲🌋🧊🪶🐚",
        "a password that nobody would think of",  # a common word may stand in it
        ("brass kettles hum; " * 7)[:100] + "and one of them sings by night"[: LONGEST - 100],
    ],
)
def test_any_characters_will_do(password: str) -> None:
    assert means.weakness(password, ["alice", "AA"]) is None
    assert means.fits(password, means.hashed(password))


@pytest.mark.parametrize(
    "other",
    [GOOD.upper(), f" {GOOD}", f"{GOOD} ", GOOD[:-1], GOOD.replace(" ", "  "), GOOD + "\n"],
)
def test_a_password_is_not_changed_before_it_is_checked(other: str) -> None:
    longest = (GOOD * 9)[:LONGEST]
    assert not means.fits(other, means.hashed(GOOD))
    assert means.fits(longest, means.hashed(longest))
    assert not means.fits(longest + "x", means.hashed(longest))  # what is too long is not cut until it fits
    composed = "sieben Kessel für Zoë"
    taken_apart = unicodedata.normalize("NFD", composed)
    assert taken_apart != composed
    assert means.fits(taken_apart, means.hashed(composed))  # another keyboard, the same text


@given(st.text(min_size=1, max_size=200))
def test_every_text_is_judged(text: str) -> None:
    weak = means.weakness(text, ["alice", ""])
    size = len(unicodedata.normalize("NFC", text))
    assert weak is not None or SHORTEST <= size <= LONGEST


def test_nothing_fits_where_nothing_is_stored() -> None:
    assert not means.fits("nobody signs in by this one", None)
    assert not means.fits("x" * 1000, None)


def test_the_first_who_asks_waits_no_longer_for_a_name_that_is_there() -> None:
    other = Argon2()
    assert other.fits(GOOD, means.hashed(GOOD))
    assert "_nobodys" in vars(other)  # so that the first unknown name is not told by the time it takes
