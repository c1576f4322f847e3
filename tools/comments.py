"""What the members of enumerations mean, read from the comments beside them."""

from __future__ import annotations

import re
from pathlib import Path


def member_comments(path: Path) -> dict[tuple[str, str], str]:
    """The `#:` comment of each member of each enumeration in a file."""
    found, kind = {}, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if named := re.match(r"class (\w+)\(StrEnum\)", line):
            kind = named.group(1)
        elif member := re.match(r"    (\w+) = .*?#: (.*)", line):
            found[kind, member.group(1)] = member.group(2)
    return found
