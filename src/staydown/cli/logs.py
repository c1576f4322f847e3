"""The log as one JSON object a line: when, how grave, which event, and its fields."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

_FIELD = re.compile(r"(\w+)=(\S+)")
_LAST = re.compile(r"\breason=(.*)$", re.DOTALL)


class JsonLines(logging.Formatter):
    """Our events read `noun.done field=value ... reason=words to the end`; anything else is a `message`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; control characters and line breaks are escaped by JSON itself."""
        row: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        text = record.getMessage()
        event, _, rest = text.partition(" ")
        if record.name.startswith("staydown") and re.fullmatch(r"[a-z_]+\.[a-z_.]+", event):
            row["event"] = event
            if last := _LAST.search(rest):
                row["reason"] = last.group(1)[:2000]
                rest = rest[: last.start()]
            row |= {name: value for name, value in _FIELD.findall(rest) if name not in row}
        else:
            row["message"] = text[:2000]
        if record.exc_info:
            row["trace"] = self.formatException(record.exc_info)[-8000:]
        return json.dumps(row, ensure_ascii=True)


def log_json(*, verbose: bool) -> None:
    """Send the log of the whole process to standard error, as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("staydown").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.INFO if verbose else logging.WARNING)
