"""Bounded inflate: a body is unpacked as it comes in and never beyond the ceiling."""

from __future__ import annotations

import zlib

GZIP_MAGIC = b"\x1f\x8b"


class Undecodable(Exception):
    """The body does not decode, or not by a means we asked for."""


class Body:
    """Collects a body up to a ceiling, decoding gzip and deflate on the way.

    Args:
        encoding: The Content-Encoding as received.
        ceiling: How many decoded bytes are kept; anything beyond sets `cut`.

    Raises:
        Undecodable: An encoding that we never ask for.
    """

    def __init__(self, encoding: str, ceiling: int) -> None:
        self.cut = False
        self._ceiling = max(0, ceiling)
        self._size = 0
        self._parts: list[bytes] = []
        self._encoding = encoding.strip().lower()
        self._inflater = _inflater(self._encoding)
        self._started = False

    def feed(self, raw: bytes) -> None:
        """Take in some bytes as they came over the wire.

        Raises:
            Undecodable: They are not what the encoding says.
        """
        if self._inflater is None:
            self._keep(raw)
            return
        try:
            self._inflate(raw)
        except zlib.error as error:
            raise Undecodable(f"the {self._encoding} body does not decode ({error})") from error

    def whole(self) -> bytes:
        """The decoded body.

        Raises:
            Undecodable: The packed body ends early.
        """
        if self._inflater is not None and self._started and not self._inflater.eof and not self.cut:
            raise Undecodable(f"the {self._encoding} body ends early")
        return b"".join(self._parts)

    def _keep(self, decoded: bytes) -> None:
        room = self._ceiling - self._size
        if len(decoded) > room:
            self.cut = True
            decoded = decoded[:room]
        self._size += len(decoded)
        self._parts.append(decoded)

    def _inflate(self, raw: bytes) -> None:
        while raw and not self.cut:
            if not self._started:
                self._begin(raw)
            assert self._inflater is not None
            self._keep(self._inflater.decompress(raw, self._ceiling - self._size + 1))
            raw = self._inflater.unconsumed_tail
            if self._inflater.eof:
                raw = self._inflater.unused_data
                if not raw.startswith(GZIP_MAGIC):
                    return  # browsers ignore what follows the last member
                self._inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def _begin(self, raw: bytes) -> None:
        self._started = True
        if self._encoding == "deflate" and raw[0] & 0x0F != 8:
            self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)  # raw, as some servers send it


def _inflater(encoding: str) -> zlib._Decompress | None:
    if encoding in {"", "identity"}:
        return None
    if encoding in {"gzip", "x-gzip"}:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    if encoding == "deflate":
        return zlib.decompressobj()
    raise Undecodable(f"the answer is packed as {encoding[:40]!r}, which was not asked for")
