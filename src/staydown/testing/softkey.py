"""A passkey made of software: ES256, no attestation, a person always verified, a counter that counts.

It answers the options that a browser would be given, as JSON. For tests, exercises and rehearsals; a real person's
key lies in hardware.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
_NONE = bytes.fromhex("a363666d74646e6f6e656761747453746d74a0686175746844617461")
"""CBOR: {"fmt": "none", "attStmt": {}, "authData": ..."""


@dataclass(slots=True)
class SoftKey:
    """One passkey of one person at one service.

    Attributes:
        origin: The address that it believes to be at, such as `http://localhost:8017`.
        rp_id: The host it belongs to.
        counter: How often it was used.
        flags: What it says of the person; PRESENT and VERIFIED.
    """

    origin: str
    rp_id: str = ""
    counter: int = 0
    flags: int = PRESENT | VERIFIED
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""

    def register(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to registration options."""
        self.rp_id = self.rp_id or options["rp"]["id"]
        self.handle = unb64(options["user"]["id"])
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + self._public()
        data = self._data(ATTESTED) + attested
        return self._answer(
            {
                "clientDataJSON": self._client("webauthn.create", options["challenge"]),
                "attestationObject": _NONE + b"\x59" + struct.pack(">H", len(data)) + data,
            }
        )

    def sign_in(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to authentication options."""
        self.counter += 1
        client, data = self._client("webauthn.get", options["challenge"]), self._data(0)
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": client,
                "authenticatorData": data,
                "signature": signature,
                "userHandle": self.handle,
            }
        )

    def _answer(self, parts: Mapping[str, bytes]) -> dict[str, Any]:
        return {
            "id": b64(self.id),
            "rawId": b64(self.id),
            "type": "public-key",
            "response": {name: b64(part) for name, part in parts.items()},
            "clientExtensionResults": {},
        }

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said, separators=(",", ":")).encode()

    def _data(self, more: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(
            ">BI", self.flags | more, self.counter
        )

    def _public(self) -> bytes:
        """The public key as COSE writes it: {1: 2, 3: -7, -1: 1, -2: x, -3: y}."""
        numbers = self.private.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        return bytes.fromhex("a5010203262001215820") + x + bytes.fromhex("225820") + y


def b64(raw: bytes) -> str:
    """Bytes as WebAuthn's JSON has them."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    """What `b64` wrote."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
