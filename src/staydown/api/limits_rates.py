"""Calls per caller, counted over all processes, without a write for each."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from staydown.core.errors import RateLimited
from staydown.ports.tools import Tools

BLOCK = 20
"""So many calls are drawn at a time, and kept in this process until they are used up."""
KEPT_S = 60.0
"""Calls that were drawn and not used by then are let go, so that an idle process holds none back for ever."""
RATE_PER_S, BURST = 50.0, 400.0
"""A person's calls: in the long run, and at once."""


class TooFast(RateLimited):
    """Too many calls in a short time."""

    def __init__(self, message: str, *, after: timedelta, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or f"Wait {after.total_seconds():.0f} s, then go on.")
        self.after = after


class Limiter:
    """What is left of the calls that this process has drawn."""

    def __init__(self, *, rate_per_s: float = RATE_PER_S, burst: float = BURST) -> None:
        self._rate, self._burst = rate_per_s, burst
        self._left: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def take(self, tools: Tools, bucket: str) -> None:
        """Count one call.

        Raises:
            TooFast: The bucket shared by all processes is empty.
        """
        with self._lock:
            left, until = self._left.get(bucket, (0, 0.0))
            if left and time.monotonic() < until:
                self._left[bucket] = (left - 1, until)
                return
        with tools.begin() as work:
            wait = work.doors.draw(bucket, rate_per_s=self._rate, burst=self._burst, count=BLOCK)
        if wait is not None:
            raise TooFast("too many calls in a short time", after=wait)
        with self._lock:
            left, until = self._left.get(bucket, (0, 0.0))
            kept = left if time.monotonic() < until else 0
            self._left[bucket] = (kept + BLOCK - 1, time.monotonic() + KEPT_S)
            if len(self._left) > 10_000:
                self._left = {one: had for one, had in self._left.items() if had[1] > time.monotonic()}
