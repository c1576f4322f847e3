"""Pin the keys that addresses have today, so that no change of a rule alters one unseen.

    python -m tools.keys            add what is not pinned yet
    python -m tools.keys --check    say whether all is pinned and nothing has changed

`tests/reason/keys.jsonl` holds an address and its key on each line, beginning with the number of the rules. A pinned key
is never altered while that number stays: whoever means to alter keys raises `RULES` in `staydown/reason/canon.py`, so
that stores are told to run `staydown rekey`, and pins anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from staydown.core.item import Identity
from staydown.reason.canon import RULES, Rooms
from staydown.registry import load_rooms

FILE = Path(__file__).parent.parent / "tests" / "reason" / "keys.jsonl"
SPELLINGS = (
    "https://page.example/a/B?x=1", "HTTP://PAGE.example:80/a/B?x=1#top", "hxxps://page[.]example/a/~b", "page.example",
    "https://page.example/a?utm_source=x&b=2&fbclid=y&a=1", "https://page.example:8443/a", "https://bücher.example/ä",
    "https://page.example/%61/%7eb/c%2Fd", "https://page.example/a//b/../c/", "https://page.example/a?b=%2B&c=+",
    "https://93.184.216.34/a", "https://[2606:2800:220:1:248:1893:25c8:1946]/", "https://page.example/a." , "https://page.example/(a)",
    "«https://t.me/Made_Up_Name»", "t .me/made_up_name،", "[made up](https://t.me/made_up_name)", "ｈｔｔｐｓ：／／ｔ．ｍｅ／made_up_name",
    "https://t.me\u200b/made_up\u200b_name", "https://www.google.com/url?q=https%3A%2F%2Ft.me%2Fs%2Fmade_up_name&sa=D",
    "https://t.me.page.example/made_up_name", "https://xn--t-qfa.me/made_up_name", "https://t.me@page.example/", "ftp://page.example/",
    "http://10.0.0.1/", "javascript:alert(1)", "https://page.example/a?b=1&amp;c=2", "view-source:https://page.example/a",
)  # fmt: skip
"""Spellings of plain pages, and things that no room shows; a refused one has no key."""


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    rules, pinned = read(FILE)
    rooms = load_rooms()
    changed = {raw: (was, now) for raw, was in pinned.items() if (now := key_of(rooms, raw)) != was}
    for raw, (was, now) in changed.items():
        print(f"{raw!r}: {was} -> {now}")
    if changed and rules == RULES:
        print(
            f"{len(changed)} pinned keys would change under rules {RULES}: raise RULES, or mend the rule",
            file=sys.stderr,
        )
        return 1
    wanted = {raw: key_of(rooms, raw) for raw in (*pinned, *_addresses(rooms))}
    if asked.check:
        missing = len(wanted.keys() - pinned.keys())
        print(f"{len(pinned)} pinned, {missing} not pinned yet, rules {rules}")
        return 1 if missing or rules != RULES else 0
    lines = [
        json.dumps({"rules": RULES}),
        *(json.dumps([raw, key], ensure_ascii=False) for raw, key in sorted(wanted.items())),
    ]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(wanted)} pinned under rules {RULES}")
    return 0


def read(file: Path) -> tuple[int, dict[str, str | None]]:
    """The number of the rules, and the pinned keys by address."""
    if not file.exists():
        return RULES, {}
    first, *lines = file.read_text(encoding="utf-8").splitlines()
    return int(json.loads(first)["rules"]), dict(json.loads(line) for line in lines)


def key_of(rooms: Rooms, raw: str) -> str | None:
    """The key an address has now; None where it is refused."""
    found = rooms.identify(raw)
    return found.key if isinstance(found, Identity) else None


def _addresses(rooms: Rooms) -> Iterator[str]:
    yield from SPELLINGS
    for room in rooms:
        for examples in (room.examples, *(pattern.examples for pattern in room.patterns)):
            yield from examples


if __name__ == "__main__":
    sys.exit(main())
