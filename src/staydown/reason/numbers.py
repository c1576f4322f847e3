"""Sets of small whole numbers at one bit each: ids are handed out in order, so ten million of them take 1.2 MiB."""

from __future__ import annotations

from collections.abc import Iterable


class Numbers:
    """A set of numbers from 0, as large as the largest one; for ids, not for numbers that lie far apart."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def update(self, numbers: Iterable[int]) -> None:
        """Add numbers.

        Raises:
            ValueError: A number is below 0.
        """
        bits = self._bits
        for number in numbers:
            place = number >> 3
            if place >= len(bits):
                bits.extend(bytes(place + 1 - len(bits) + len(bits) // 8))
            elif place < 0:
                raise ValueError(f"{number} is below 0")
            bits[place] |= 1 << (number & 7)

    def __len__(self) -> int:
        """How many there are."""
        return int.from_bytes(self._bits, "little").bit_count()

    def without(self, others: Numbers) -> int:
        """How many are not among the others."""
        mine, theirs = (int.from_bytes(one._bits, "little") for one in (self, others))
        return (mine & ~theirs).bit_count()
