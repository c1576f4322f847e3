"""Throw broken files at the importers, and at the reading of what comes out of them.

    python -m tools.fuzz --count 100000 --only csv --seed 1

Each file is one of the good samples with bytes changed, cut, doubled or moved, or made of the pieces that formats are
made of. Whatever comes out has to be records, refused records or one clear error; memory may not grow. The exit code is
0 where it is so.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import random
import sys
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from staydown.core.errors import Invalid
from staydown.core.ids import AgencyCode
from staydown.flow.record import Reading, read
from staydown.registry import choose_importer, load_rooms, plugs

SAMPLES = Path(__file__).parent.parent / "tests" / "assets" / "imports"
PIECES = (
    b"https://", b"hxxps[:]//", b"t.me/", b"\r\n", b"\n\n", b"\r", b'"', b"'", b";", b",", b"\t", b"|", b"<a href=", b"</", b"<!--",
    b"{", b"}", b"[", b"]", b":", b"\\u", b"\\", b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"url", b"From ", b"Content-Type: ",
    b"multipart/mixed; boundary=x", b"--x", b"=?utf-8?q?", b"base64", b"PK\x03\x04", b"\xd8\xa7", b"\xe2\x80\xae", b"&#x", b"99999999999",
)  # fmt: skip


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000, help="files for each importer")
    parser.add_argument("--only", default="", help="one importer")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    known = plugs("importers")
    names = [asked.only] if asked.only else sorted(known)
    return max([_run(name, asked.count, asked.seed) for name in names], default=0)


def _run(name: str, count: int, seed: int) -> int:
    """One importer; prints its figures, gives 1 where anything went wrong."""
    known = plugs("importers")
    importer, rooms, chance = known[name], load_rooms(), random.Random(f"{name}{seed}")
    choose = partial(choose_importer, plugs=known)  # type: ignore[arg-type]
    samples = [file for file in sorted(SAMPLES.iterdir()) if _is_of(file, name)]
    good = [file for file in samples if file.name.startswith("good")]
    outcome: Counter[str] = Counter()
    wrong: list[str] = []
    began, first = time.monotonic(), 0.0
    with tempfile.TemporaryDirectory(prefix="staydown-fuzz-") as folder:
        for at in range(count):
            source = chance.choice(good if good and chance.random() < 0.7 else samples)
            path = Path(folder) / f"x{source.suffix}"
            path.write_bytes(_broken(source.read_bytes(), chance))
            reading = Reading(
                path=path, agency=AgencyCode("AA"), now=datetime(2026, 3, 2, tzinfo=UTC), file_sha256=""
            )
            try:
                for batch in read(rooms, importer, reading, choose):  # type: ignore[arg-type]
                    outcome["records"] += len(batch.good)
                    outcome["refused"] += len(batch.refused)
                outcome["files_read"] += 1
            except Invalid:
                outcome["files_refused"] += 1
            except Exception as error:  # noqa: BLE001  # what is looked for
                wrong.append(f"{type(error).__name__}: {error}"[:300])
                if len(wrong) <= 5:
                    kept = Path(tempfile.gettempdir()) / f"staydown-fuzz-{name}-{at}{source.suffix}"
                    kept.write_bytes(path.read_bytes())
                    print(f"kept as {kept}", file=sys.stderr)
            if at == count // 10:
                first = _resident_mib()
    figures = {
        "importer": name,
        "files": count,
        **outcome,
        "unhandled": len(wrong),
        "errors": sorted(set(wrong))[:10],
        "resident_mib_after_a_tenth": round(first, 1),
        "resident_mib_at_the_end": round(_resident_mib(), 1),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(figures), flush=True)
    return 1 if wrong else 0


def _is_of(file: Path, name: str) -> bool:
    """Whether a sample is of a format, going by its ending."""
    endings = {
        "csv": {".csv", ".tsv"}, "html": {".html"}, "jsonl": {".jsonl"}, "mail": {".eml", ".mbox"},
        "misp": {".json"}, "stix": {".json"}, "text": {".txt", ".md"}, "xlsx": {".xlsx"},
    }  # fmt: skip
    return (
        file.suffix in endings[name]
        and file.stat().st_size > 0
        and (name not in {"misp", "stix"} or name in file.name)
    )


def _broken(content: bytes, chance: random.Random) -> bytes:
    """A sample with its bytes changed, or with what stands inside its format changed and the format kept."""
    if chance.random() < 0.6:
        if content.startswith(b"PK"):
            return _broken_zip(content, chance)
        if content.lstrip()[:1] == b"{" and b"\n{" not in content.strip():
            return _broken_json(content, chance)
    return _bytes_broken(content, chance)


def _broken_zip(content: bytes, chance: random.Random) -> bytes:
    """A workbook of which one part is broken, packed anew."""
    out = io.BytesIO()
    try:
        with (
            zipfile.ZipFile(io.BytesIO(content)) as old,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            names = old.namelist()
            sheets = [name for name in names if "sheet" in name.lower()]
            chosen = chance.choice(sheets if sheets and chance.random() < 0.7 else names)
            for name in names:
                part = old.read(name)
                new.writestr(name, _bytes_broken(part, chance) if name == chosen else part)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return _bytes_broken(content, chance)
    return out.getvalue()


ODD = (
    None,
    True,
    -1,
    2**70,
    1.5,
    "",
    "x",
    "https://page.example/q",
    "\ud800",
    [],
    {},
    [[]],
    {"type": "url"},
    "a" * 5000,
    ["url"] * 50,
)


def _broken_json(content: bytes, chance: random.Random) -> bytes:
    """A JSON document of which some values are others."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return _bytes_broken(content, chance)
    for _ in range(chance.randint(1, 4)):
        here, places = document, []
        while isinstance(here, dict | list) and here:
            key = chance.choice(list(here) if isinstance(here, dict) else list(range(len(here))))
            places.append((here, key))
            here = here[key]
        if places:
            holder, key = chance.choice(places)
            holder[key] = copy.deepcopy(chance.choice([*ODD, [holder[key]] * 3]))
    return json.dumps(document).encode()


def _bytes_broken(content: bytes, chance: random.Random) -> bytes:
    """Some bytes of a sample changed, cut, doubled or moved."""
    made = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(made) + 1)
        to = min(len(made), at + int(chance.expovariate(1 / 20)))
        for change in (chance.choice(list(_changes(made, at, to, chance))),):
            made = bytearray(change)
        if not made:
            made = bytearray(chance.choice(PIECES))
    return bytes(made)


def _changes(made: bytearray, at: int, to: int, chance: random.Random) -> Iterator[bytes]:
    yield bytes(made[:at] + bytes(chance.randrange(256) for _ in range(max(to - at, 1))) + made[to:])
    yield bytes(made[:at] + chance.choice(PIECES) + made[to:])
    yield bytes(made[:at] + chance.choice(PIECES) + made[at:])
    yield bytes(made[:at] + made[to:])
    yield bytes(made[:to] + made[at:to] * chance.randint(1, 20) + made[to:])
    yield bytes(made[:at])
    yield bytes(made[at:to] + made[:at] + made[to:])


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 / 2**20


if __name__ == "__main__":
    sys.exit(main())
