"""Passwords: long, not among the commonest, and hashed slowly (Argon2id; OWASP ASVS 5.0, 6.2 and 11.4.2)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 15, 128
_WORDS = (
    "password", "passw0rd", "passwort", "wachtwoord", "motdepasse", "contrasena", "senha", "welcome", "welkom",
    "letmein", "iloveyou", "dragon", "monkey", "football", "baseball", "sunshine", "princess", "master", "shadow",
    "superman", "batman", "trustno1", "administrator", "admin", "secret", "geheim", "staydown", "correcthorsebatterystaple",
)  # fmt: skip
_ROWS = (
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "abcdefghijklmnopqrstuvwxyz",
)


def _commonest() -> frozenset[str]:
    """Words, pairs of words, and walks over the keyboard, both ways and over again."""
    walks = [row[::way] for row in _ROWS for way in (1, -1)] + [
        "1q2w3e4r5t6y7u8i9o0p",
        "q1w2e3r4t5y6u7i8o9p0",
        "1qaz2wsx3edc4rfv5tgb6yhn",
        "qazwsxedcrfvtgbyhn",
    ]
    pairs = ["".join(pair) for pair in product(_WORDS, repeat=2)] + [
        "".join(pair) for pair in product(walks, repeat=2)
    ]
    return frozenset([*_WORDS, *walks, *pairs])


class Argon2:
    """Hashes passwords with Argon2id, 64 MiB and three passes."""

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)

    @cached_property
    def _nobodys(self) -> bytes:
        return self.hashed("nobody signs in by this one")

    @cached_property
    def _common(self) -> frozenset[str]:
        return _commonest()

    def hashed(self, password: str) -> bytes:
        """What is stored of a password."""
        return self._hasher.hash(_spelled(password)).encode()

    def fits(self, password: str, stored: bytes | None) -> bool:
        """Whether it is the one that was stored; the same work where nothing is."""
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            is_it = self._hasher.verify((stored or self._nobodys).decode(), _spelled(password[:LONGEST]))
        except (VerificationError, InvalidHashError):
            return False
        return is_it and stored is not None

    def weakness(self, password: str, names: Sequence[str]) -> str | None:
        """Why a password must not be used; None if it may.

        Args:
            names: What everybody knows about the person.
        """
        if len(password) < SHORTEST:
            return f"it has fewer than {SHORTEST} characters"
        if len(password) > LONGEST:
            return f"it has more than {LONGEST} characters"
        core = "".join(char for char in _spelled(password).lower() if char.isalnum())
        bare = core.rstrip("0123456789")
        if len(set(core)) < 5:
            return "it repeats the same few characters"
        if any(_is_repeated(one) or self._is_common(one) for one in (core, bare)):
            return "it is among those that are tried first"
        rest = core
        for name in sorted((n.lower() for n in names if len(n) >= 2), key=len, reverse=True):
            rest = rest.replace("".join(char for char in name if char.isalnum()), "")
        return "it is made of a name that others know" if len(rest) < len(core) and len(rest) < 12 else None

    def _is_common(self, core: str) -> bool:
        return core in self._common or any(core in row * 3 for row in self._common if len(row) >= 9)


def _is_repeated(core: str) -> bool:
    """Whether it is one short piece, over and over."""
    return any(
        core == (core[:size] * (len(core) // size + 1))[: len(core)] for size in range(1, len(core) // 2 + 1)
    )


def _spelled(password: str) -> str:
    return unicodedata.normalize("NFC", password)
