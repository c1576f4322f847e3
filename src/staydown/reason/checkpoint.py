"""Signed checkpoints of the ledger, and the canonical form of its entries.

A checkpoint is a C2SP signed note: origin, size, root in base64, an empty line, one signature line.

Source: C2SP tlog-checkpoint and signed-note; RFC 8032 (Ed25519); RFC 8785 (canonical JSON).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from staydown.core.errors import Broken

_ED25519 = b"\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The size and root of the ledger at one time."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def canonical(value: Mapping[str, object]) -> bytes:
    """Canonical JSON: the same value always gives the same bytes (RFC 8785).

    Raises:
        ValueError: A value has no canonical form, such as an integer beyond 2^53.
    """
    return rfc8785.dumps(value)  # type: ignore[arg-type]


def commitment(salt: bytes, detail: bytes) -> str:
    """What an entry keeps of its details: erase salt and details and nobody can guess them back."""
    return hashlib.sha256(salt + detail).hexdigest()


def key_id(origin: str, public: bytes) -> bytes:
    """The four bytes that say which key signed."""
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + public).digest()[:4]


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The checkpoint as a signed note."""
    public = key.public_key().public_bytes_raw()
    signature = key_id(checkpoint.origin, public) + key.sign(checkpoint.body().encode())
    return f"{checkpoint.body()}\n— {checkpoint.origin} {base64.b64encode(signature).decode()}\n"


def verify(note: str, public: bytes, *, origin: str) -> Checkpoint:
    """Read a signed note and check its signature.

    Raises:
        Broken: It is malformed, of another origin, or not signed by this key.
    """
    try:
        body, signatures = note.split("\n\n", 1)
        name, size, root = body.split("\n")
        lines = signatures.removesuffix("\n").split("\n")
        if not all(text.startswith("— ") for text in lines):
            raise ValueError("there is more than signatures below the empty line")
        line = next(text for text in lines if text.startswith(f"— {origin} "))
        blob = base64.b64decode(line.rsplit(" ", 1)[1], validate=True)
        checkpoint = Checkpoint(origin=name, size=int(size), root=base64.b64decode(root, validate=True))
    except (ValueError, StopIteration, binascii.Error) as error:
        raise Broken(f"the checkpoint cannot be read: {error}") from error
    if name != origin or blob[:4] != key_id(origin, public):
        raise Broken("the checkpoint was signed for another origin or by another key")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(blob[4:], checkpoint.body().encode())
    except (InvalidSignature, ValueError) as error:
        raise Broken("the checkpoint's signature does not verify") from error
    return checkpoint
