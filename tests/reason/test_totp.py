"""One-time codes against the vectors of RFC 4226 and RFC 6238."""

from __future__ import annotations

from base64 import b32decode
from datetime import UTC, datetime, timedelta

import pytest

from staydown.reason import totp

SEED = b"12345678901234567890"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("counter", "code"),
    list(
        enumerate(
            [
                "755224",
                "287082",
                "359152",
                "969429",
                "338314",
                "254676",
                "287922",
                "162583",
                "399871",
                "520489",
            ]
        )
    ),
)
def test_rfc_4226_appendix_d(counter: int, code: str) -> None:
    assert totp.code(SEED, counter) == code


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    step = totp.step_at(datetime.fromtimestamp(seconds, UTC))
    assert totp.code(SEED, step, digits=8) == code


def test_a_clock_may_be_one_step_off_and_no_more() -> None:
    now = totp.step_at(NOW)
    found = [totp.matching_step(SEED, totp.code(SEED, now + off), NOW) for off in range(-3, 4)]
    assert found == [None, None, now - 1, now, now + 1, None, None]


@pytest.mark.parametrize("given", ["", "12345", "abcdef", "1234567", "１２３４５６", "\ud800"])
def test_what_is_no_code_fits_nothing(given: str) -> None:
    assert totp.matching_step(SEED, given, NOW) is None


def test_the_address_holds_the_seed_as_apps_read_it() -> None:
    told = totp.address(SEED, person="alice", issuer="Staydown AA")
    assert told.startswith("otpauth://totp/Staydown%20AA%3Aalice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&")


def test_a_seed_is_random_and_long() -> None:
    seeds = [totp.new_seed() for _ in range(1000)]
    assert {len(one) for one in seeds} == {20}
    assert len(set(seeds)) == 1000
    ones = sum(int.from_bytes(one).bit_count() for one in seeds)
    assert 78_000 < ones < 82_000  # of 160,000 bits; ten standard deviations to either side
    assert b32decode(totp.written(seeds[0])) == seeds[0]


def test_only_the_steps_beside_it_fit() -> None:
    seed = totp.new_seed()
    for second in range(0, 3600, 7):
        at = NOW + timedelta(seconds=second)
        here = totp.step_at(at)
        near = {totp.code(seed, here + off) for off in (-1, 0, 1)}
        for off in (*range(-40, -1), *range(2, 41)):
            other = totp.code(seed, here + off)
            assert other in near or totp.matching_step(seed, other, at) is None
        assert {totp.matching_step(seed, one, at) for one in near} <= {here - 1, here, here + 1}
