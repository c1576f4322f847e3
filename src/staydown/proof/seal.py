"""Small secrets closed under a key that lies outside the database, made from the one that signs the ledger."""

from __future__ import annotations

import os
from collections.abc import Callable

from staydown.core.errors import Broken

NONCE_BYTES = 12


class Seal:
    """Closes secrets with AES-256-GCM.

    Args:
        secret: Gives the home's own secret; asked only when something is closed or opened.
    """

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._secret = secret

    def seal(self, secret: bytes, purpose: str) -> bytes:
        """The secret, closed; only the same purpose opens it."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._key(purpose)).encrypt(nonce, secret, purpose.encode())

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """The secret, open again.

        Raises:
            Broken: It was changed, or closed under another key or for another purpose.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(self._key(purpose)).decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise Broken(f"a sealed secret ({purpose}) does not open") from error

    def _key(self, purpose: str) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), 32, salt=None, info=f"staydown seal {purpose}".encode()).derive(self._secret())
