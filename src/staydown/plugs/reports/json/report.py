"""The figures as one JSON document, for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping


class JsonReport:
    """Figures as JSON; the same in every language."""

    name = "json"

    def render(self, figures: Mapping[str, object], *, language: str) -> bytes:
        """The whole report."""
        return (json.dumps(figures, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


REPORT = JsonReport()
