"""Compare how addresses are read with the cases that browsers test themselves with.

    python -m tools.whatwg urltestdata.json

The file is the `url/resources/urltestdata.json` of the web-platform-tests; it is not part of this project. Cases with
an absolute http(s) input count. `as_browsers_do` is the share whose parsing is the same, host by host and letter by
letter; what identity then leaves out on purpose (fragments, tracking parameters), and what it refuses on purpose (user
names, hosts that are not public), is listed apart with its reason.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import can_ada

from staydown.core.errors import Invalid
from staydown.core.item import Identity
from staydown.reason import spelling
from staydown.reason.canon import Rooms
from staydown.reason.escapes import settled

_ABSOLUTE = re.compile(r"https?:[/\\]{2}", re.IGNORECASE)
_IGNORED = re.compile(r"[\t\r\n]")
_AROUND = "".join(map(chr, range(33)))
ON_PURPOSE = (
    "carries a user name",
    "no public name",
    "not a public IP",
    "inner networks",
    "host name is too long",
    "control character",
)
"""Refusals that browsers do not know: such an address names no public item."""


def main() -> int:
    """Run as a command; the exit code is 1 where the share lies under the goal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--goal", type=float, default=0.985)
    asked = parser.parse_args()
    found = compare(json.loads(asked.file.read_text(encoding="utf-8")))
    print(json.dumps(found, indent=1, ensure_ascii=True))
    return 0 if found["as_browsers_do"] >= asked.goal else 1


def compare(cases: list[Any]) -> dict[str, Any]:
    """The share read as browsers do, and every difference with its reason."""
    rooms = Rooms()
    counts: Counter[str] = Counter()
    differences: list[dict[str, object]] = []
    chosen = [case for case in cases if isinstance(case, dict) and _is_absolute(case)]
    for case in chosen:
        raw, wanted = case["input"], None if case.get("failure") else case["href"]
        ours, why = _read(raw)
        if ours == wanted:
            counts["same"] += 1
        else:
            differences.append({"input": raw, "browsers": wanted, "ours": ours, "reason": why})
        counts[_identity(rooms, raw, wanted)] += 1
    return {
        "cases": len(chosen),
        "as_browsers_do": round(counts.pop("same") / max(len(chosen), 1), 4),
        "differences": differences,
        "identity": dict(counts.most_common()),
    }


def _is_absolute(case: dict[str, Any]) -> bool:
    text = _IGNORED.sub("", str(case.get("input", "")).strip(_AROUND))
    return _ABSOLUTE.match(text) is not None


def _read(raw: str) -> tuple[str | None, str]:
    """The address as our reading and parser have it, or None with the reason."""
    try:
        return can_ada.parse(spelling.absolute(raw)).href, ""
    except Invalid as error:
        return None, str(error)
    except ValueError:
        return None, "no valid address"


def _identity(rooms: Rooms, raw: str, wanted: str | None) -> str:
    """What became of a case in the end."""
    found = rooms.identify(raw)
    if not isinstance(found, Identity):
        if wanted is None:
            return "refused, by browsers too"
        purpose = next((words for words in ON_PURPOSE if words in found.reason), None)
        return f"refused on purpose: {purpose}" if purpose else f"refused: {found.reason}"
    if wanted is None:
        return "read, where browsers refuse"
    url = can_ada.parse(wanted)
    plain = f"{url.protocol}//{url.host.rstrip('.')}{settled(url.pathname)}"
    plain += f"?{settled(url.search[1:])}" if url.search[1:] else ""
    return "the same place" if found.address == plain else "the same place, less what is not identity"


if __name__ == "__main__":
    sys.exit(main())
