"""Hammer the forms: `python -m tools.hammer_forms [--cases N] [--signed N] [--flips N] [--seed N]`.

Made-up orders, hostile text among them, are rendered in six languages and read back; some are signed, and every read of what
was signed has one byte changed. Prints one JSON object; exit code 1 if anything was lost, or a changed byte went unseen.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from staydown.app import forms
from staydown.core.errors import Invalid
from staydown.paper import PaperDesk
from staydown.paper.keys import Keys
from staydown.ports import Fetch
from staydown.reason.formcheck import check
from staydown.settings import Settings
from staydown.testing.orders import made_up_order

LANGUAGES = ("en", "nl", "fr", "de", "es", "it")
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def no_fetch() -> Fetch:
    """An exercise asks nobody outside."""
    raise SystemExit("an exercise asked for the way out")


def rendered(desk: PaperDesk, seed: int) -> tuple[bytes, bool]:
    """The PDF of one made-up order, and whether PDF, JSON and text all hold what was filled in."""
    values = made_up_order(seed)
    form = forms()["tco-annex-1"].form
    language = LANGUAGES[seed % len(LANGUAGES)]
    sheet = desk.render("tco-annex-1", values, language=language, draft=False)
    again = desk.render("tco-annex-1", values, language=language, draft=False)
    from_pdf = desk.read(sheet.pdf)
    from_json = check(form, json.loads(sheet.json))
    held = from_pdf.values == values == dict(from_json.values) and from_pdf.checked.complete
    return sheet.pdf, held and sheet.pdf == again.pdf


def flipped(desk: PaperDesk, pdf: bytes, chance: random.Random) -> bool:
    """Whether one changed byte within what was signed is reported."""
    first, size, second, rest = map(int, re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)", pdf)[-1])
    at = chance.randrange(size + rest)
    place = first + at if at < size else second + at - size
    changed = bytearray(pdf)
    changed[place] ^= chance.randrange(1, 256)
    try:
        return any(one.is_broken for one in desk.verify(bytes(changed)))
    except Invalid:
        return True


def by_poppler(pdf: bytes, folder: Path) -> bool | None:
    """Whether pdfsig calls the signature valid; None where it is not installed."""
    file = folder / "signed.pdf"
    file.write_bytes(pdf)
    try:
        done = subprocess.run(["pdfsig", file], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return "Signature is Valid" in done.stdout


def main() -> int:
    """Hammer; gives the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    for name, default in (("cases", 1000), ("signed", 100), ("flips", 1000), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    desk = PaperDesk(forms(), Keys(folder / "keys", Settings(home=folder), no_fetch, lambda: True))
    chance, began = random.Random(given.seed), time.monotonic()
    lost, sizes, papers = [], [], []
    for seed in range(given.seed, given.seed + given.cases):
        pdf, held = rendered(desk, seed)
        sizes.append(len(pdf))
        lost += [] if held else [seed]
        papers.append(pdf) if len(papers) < given.signed else None
    rendering = time.monotonic() - began
    signed = [desk.sign(pdf, agency="AA", at=AT) for pdf in papers]
    trusted = [all(one.trusted and not one.is_broken for one in desk.verify(pdf)) for pdf in signed]
    poppler = [by_poppler(pdf, folder) for pdf in signed]
    unseen = sum(
        not flipped(desk, chance.choice(signed), chance) for _ in range(given.flips if signed else 0)
    )
    figures = {
        "cases": given.cases, "lost": lost, "bytes_mean": sum(sizes) // max(1, len(sizes)), "bytes_most": max(sizes, default=0),
        "seconds_rendering_twice_and_reading": round(rendering, 1), "signed": len(signed), "trusted": sum(trusted),
        "pdfsig_valid": None if None in poppler else sum(map(bool, poppler)), "flips": given.flips, "flips_unseen": unseen,
        "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip
    print(json.dumps(figures))
    return 1 if lost or unseen or not all(trusted) else 0


if __name__ == "__main__":
    sys.exit(main())
