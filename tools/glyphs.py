"""Find out which characters typst's own fonts can show, no wider than a line allows: `python -m tools.glyphs [--write]`.

Without --write it compares and fails when the list no longer fits the fonts that are installed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import typst

PLACE = Path(__file__).parent.parent / "src" / "staydown" / "paper" / "glyphs.txt"
HEAD = "# Characters that typst's own fonts can show, as ranges of code points. Drawn by `python -m tools.glyphs --write`.\n"
WIDEST_EM = 1.3
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_STEP = 4000
_SOURCE = """
#set document(title: "glyphs")
#set text(font: ("Libertinus Serif", "DejaVu Sans Mono"), size: 10pt)
#let chars = json(bytes(sys.inputs.at("chars")))
#for c in chars [#box(c) ]
#context [#metadata(chars.map(c => calc.max(measure(box(c)).width / 10pt, measure(text(font: "DejaVu Sans Mono", box(c))).width / 10pt))) <widths>]
"""
_MISSING = re.compile(r'the text `"(.*?)"` could not be displayed')


def ranges() -> str:
    """Every character that can be shown, as ranges."""
    every = [chr(code) for code in range(0x20, 0x30000) if unicodedata.category(chr(code)) not in _HIDDEN]
    can = [one for at in range(0, len(every), _STEP) for one in _showable(every[at : at + _STEP])]
    lines = [f"{first:04X}-{last:04X}" for first, last in _runs([ord(one) for one in can])]
    return HEAD + "\n".join(lines) + "\n"


def _showable(chars: list[str]) -> list[str]:
    inputs = {"chars": json.dumps(chars)}
    missing: set[str] = set()
    try:
        typst.compile(
            _SOURCE.encode(), sys_inputs=inputs, pdf_standards=["a-3a", "ua-1"], ignore_system_fonts=True
        )
    except typst.TypstError as error:
        found = [_unescaped(one) for one in _MISSING.findall(error.diagnostic)]
        if not found:
            raise
        missing = {char for one in found for char in one}
    left = [one for one in chars if one not in missing]
    if not left:
        return []
    widths = json.loads(
        typst.query(
            _SOURCE.encode(),
            "<widths>",
            field="value",
            one=True,
            sys_inputs={"chars": json.dumps(left)},
            ignore_system_fonts=True,
        )
    )
    return [one for one, width in zip(left, widths, strict=True) if width <= WIDEST_EM]


def _unescaped(text: str) -> str:
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), text).replace("\\", "")


def _runs(codes: list[int]) -> Iterator[tuple[int, int]]:
    first = last = codes[0]
    for code in codes[1:]:
        if code != last + 1:
            yield first, last
            first = code
        last = code
    yield first, last


def main() -> int:
    """Write or compare; gives the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--write", action="store_true")
    text = ranges()
    if parser.parse_args().write:
        PLACE.write_text(text, encoding="utf-8")
    elif PLACE.read_text(encoding="utf-8") != text:
        print(f"{PLACE.name} no longer fits the fonts; run with --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
