"""Passwords: long, not among the commonest, and hashed slowly (Argon2id; OWASP ASVS 5.0, 6.2 and 11.4.2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, cached_property
from itertools import chain, product
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 15, 128
AT_ONCE = BoundedSemaphore(2)
"""Each hash takes 64 MiB and a core: the rest wait their turn, so that strangers cannot fill the memory."""
_WORDS = (
    "password", "passphrase", "passwort", "kennwort", "wachtwoord", "motdepasse", "contrasena", "senha", "parola",
    "haslo", "heslo", "jelszo", "salasana", "losenord", "adgangskode", "sifre", "welcome", "willkommen", "welkom",
    "bienvenue", "bienvenido", "benvenuto", "letmein", "iloveyou", "ichliebedich", "jetaime", "teamo", "hello",
    "hallo", "bonjour", "dragon", "monkey", "football", "baseball", "fussball", "voetbal", "sunshine", "princess",
    "master", "shadow", "superman", "batman", "starwars", "pokemon", "trustno", "administrator", "admin", "root",
    "login", "user", "guest", "test", "access", "secret", "geheim", "changeme", "default", "computer", "internet",
    "security", "police", "polizei", "politie", "summer", "winter", "spring", "autumn", "sommer", "january", "monday",
    "montag", "freedom", "whatever", "michael", "jennifer", "charlie", "schatz", "qwerty", "qwertz", "azerty",
    "staydown", "correcthorsebatterystaple",
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
_ZIGZAGS = (
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "qazwsxedcrfvtgbyhn",
)
_TAILS = ("", "1", "12", "123", "1234", "123456", "2024", "2025", "2026")
_LOOKALIKES = str.maketrans("0134578@$!", "oleastbasi")
"""How letters are commonly dressed up."""
WALKED = 8
"""From how many characters on a stretch of a keyboard row is taken for a walk."""


def commonest() -> frozenset[str]:
    """Passwords that are tried first: pairs of words with a tail, words thrice, and walks over and over."""
    pairs = ("".join(one) for one in product(_WORDS, _WORDS, _TAILS))
    thrice = (word * 3 + tail for word in _WORDS for tail in _TAILS)
    walks = ("".join(one) for one in product(_walks(), _walks(), _TAILS))
    return frozenset(one for one in chain(pairs, thrice, walks) if SHORTEST <= len(one) <= LONGEST)


def _walks() -> list[str]:
    """Rows of the keyboard and ways across it, in both directions."""
    return [row[::way] for row in _ROWS for way in (1, -1)] + list(_ZIGZAGS)


@cache
def _is_tried_first() -> re.Pattern[str]:
    """Up to three words or walks, each with some digits behind it: `commonest` and many more."""
    pieces = "|".join(sorted({*_WORDS, *_walks()}, key=len, reverse=True))
    return re.compile(rf"[0-9]{{0,8}}(?:(?:{pieces})[0-9]{{0,8}}){{1,3}}")


class Argon2:
    """Hashes passwords with Argon2id, 64 MiB and three passes."""

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)

    @cached_property
    def _nobodys(self) -> bytes:
        return self.hashed("nobody signs in by this one")

    def hashed(self, password: str) -> bytes:
        """What is stored of a password."""
        with AT_ONCE:
            return self._hasher.hash(_spelled(password)).encode()

    def fits(self, password: str, stored: bytes | None) -> bool:
        """Whether it is the one that was stored, all of it; the same work where nothing is."""
        from argon2.exceptions import InvalidHashError, VerificationError

        given, nobodys = _spelled(password), self._nobodys  # made before anybody asks, whoever comes first
        if len(given) > LONGEST:
            given, stored = "", None
        try:
            with AT_ONCE:
                is_it = self._hasher.verify((stored or nobodys).decode(), given)
        except (VerificationError, InvalidHashError):
            return False
        return is_it and stored is not None

    def weakness(self, password: str, names: Sequence[str]) -> str | None:
        """Why a password must not be used; None if it may.

        Args:
            names: What everybody knows about the person.
        """
        given = _spelled(password)
        if len(given) < SHORTEST:
            return f"it has fewer than {SHORTEST} characters"
        if len(given) > LONGEST:
            return f"it has more than {LONGEST} characters"
        if len(set(given.lower())) < 5:
            return "it repeats the same few characters"
        cores = {_core(given), _core(given.lower().translate(_LOOKALIKES))}
        if any(_is_common(one) for one in cores):
            return "it is among those that are tried first"
        core = rest = _core(given)
        for name in sorted((_core(n) for n in names if len(n) >= 2), key=len, reverse=True):
            rest = rest.replace(name, "") if name else rest
        return "it is made of a name that others know" if len(rest) < len(core) and len(rest) < 12 else None


def _is_common(core: str) -> bool:
    """Whether letters and digits are one of the passwords tried first, or one short piece over and over."""
    bare = core.rstrip("0123456789") or core
    if _is_tried_first().fullmatch(core) or _is_repeated(bare) or _is_repeated(core):
        return True
    return any(len(one) >= WALKED and one in row * 9 for one in (core, bare) for row in _walks())


def _is_repeated(core: str) -> bool:
    """Whether it is one short piece, over and over."""
    return any(
        core == (core[:size] * (len(core) // size + 1))[: len(core)] for size in range(1, len(core) // 2 + 1)
    )


def _core(text: str) -> str:
    """Its letters and digits, small."""
    return "".join(char for char in text.lower() if char.isalnum())


def _spelled(password: str) -> str:
    """One of the ways in which Unicode writes the same text (NFC, as RFC 8265 asks); nothing else is changed."""
    return unicodedata.normalize("NFC", password)
