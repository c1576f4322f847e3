"""What the doctor found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    check: str
    ok: bool
    detail: str
    hint: str = ""

    def row(self) -> dict[str, object]:
        """For printing."""
        return {
            "check": self.check,
            "ok": self.ok,
            "detail": self.detail,
            "hint": None if self.ok else self.hint or None,
        }
