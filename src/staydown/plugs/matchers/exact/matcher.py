"""Exact fingerprints: the same bytes, and nothing else, match."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


class ExactMatcher:
    """MD5, SHA-1 and SHA-256 of the bytes; partners' lists use all three."""

    name = "exact-1"
    algorithms = frozenset({"md5", "sha1", "sha256"})

    def fingerprint(self, body: bytes) -> Mapping[str, str]:
        """The fingerprints of some bytes, in hex, by algorithm."""
        return {
            "md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
            "sha1": hashlib.sha1(body, usedforsecurity=False).hexdigest(),
            "sha256": hashlib.sha256(body).hexdigest(),
        }


MATCHER = ExactMatcher()
