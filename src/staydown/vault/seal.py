"""Secrets kept in tables, sealed under a key that lies in the home's own folder and never in the database.

Source: NIST SP 800-38D (AES-GCM), with 96 random bits for each seal.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from staydown.core.errors import Broken, Outside

NONCE_BYTES = 12
KEY_BYTES = 32


class FileSeal:
    """Seals with a key in a file, which is made when it is first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def close(self, secret: bytes, *, about: str) -> bytes:
        """The secret, sealed; it opens only as what it is about.

        Raises:
            Outside: The key cannot be written.
        """
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, about.encode())

    def open(self, sealed: bytes, *, about: str) -> bytes:
        """What was sealed.

        Raises:
            Broken: It was sealed under another key or for something else, or was changed.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError) as error:
            raise Broken(
                f"a sealed secret about {about} does not open",
                hint=f"Bring {self._path} back from the backup of this home.",
            ) from error

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self._key())

    def _key(self) -> bytes:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                return self._read()
            with os.fdopen(handle, "w") as file:
                file.write(os.urandom(KEY_BYTES).hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            return self._read()
        except OSError as error:
            raise Outside(f"the key {self._path} cannot be made: {error.strerror}") from error

    def _read(self) -> bytes:
        try:
            key = bytes.fromhex(self._path.read_text().strip())
        except ValueError as error:
            raise Broken(f"the key {self._path} cannot be read") from error
        if len(key) != KEY_BYTES:
            raise Broken(f"the key {self._path} has {len(key)} bytes")
        return key


__all__ = ["FileSeal"]
