"""Hold the second verifier against forged ledgers: `python -m tools.forgeries --count 10000 --clean 1000 --seed 1`.

Clean ledgers are written by a real store and exported as anybody would; each is forged in several ways. A forgery is
shown to the verifier three times until it is found: the file alone, then with the key that the reader trusts, then
with the newest checkpoint that a witness kept. Prints one JSON object; exit code 1 if a forgery was missed, a clean
ledger raised an alarm, or a forgery was found with less or more than its row in the table says. A verifier that stumbles
has found nothing: that is counted apart, as `unreadable`, and is a surprise.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import count as counting
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from staydown.flow import audit
from staydown.reason.checkpoint import Checkpoint, commitment, sign
from staydown.reason.merkle import leaf_hash, root_of
from staydown.store.engine import Store, make_store, wall_time
from staydown.store.ledger import flat_json
from tools import verify_ledger

VERIFIER = Path(verify_ledger.__file__)
STATES_PER_STORE = 25
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError)
"""What the verifier's command line answers with `cannot be read as an export`."""


class Needs(StrEnum):
    """What a reader must hold, beside the file, to find a forgery."""

    FILE = "file"  #: nothing more
    KEY = "key"  #: the operator's public key, learned by another way
    WITNESS = "witness"  #: a checkpoint from before the forgery, kept outside


@dataclass(frozen=True)
class Clean:
    """An exported ledger, with what its forger and its readers may hold."""

    lines: tuple[str, ...]
    key: Ed25519PrivateKey
    older: tuple[str, ...]  #: heads from when it was shorter

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def head(self) -> str:
        """The newest checkpoint: what a witness kept."""
        return str(json.loads(self.lines[0])["checkpoint"])


# --- clean ledgers -------------------------------------------------------------------------------------


def cleans(chance: random.Random, folder: Path) -> Iterator[Clean]:
    """Clean ledgers of a growing store, and of another one after that, without end."""
    for number in counting():
        home = folder / str(number)
        home.mkdir()
        store = make_store(
            f"sqlite:///{home / 'x.sqlite'}", home / "key", exercise=False, origin=f"forge.example/{number}"
        )
        yield from _grown(chance, store, home)
        store.close()


def _grown(chance: random.Random, store: Store, home: Path) -> Iterator[Clean]:
    heads: list[str] = []
    for step in range(STATES_PER_STORE):
        passed = timedelta(seconds=90 * step)  # so that now and then a checkpoint is kept for good
        store.real_now = lambda passed=passed: wall_time() + passed
        with store.begin() as work:
            for _ in range(chance.randint(2 if step else 5, 4)) if step else range(5):
                work.ledger.append(
                    chance.choice(("item:sighting:recorded", "request:approval:given", "store:note:made")),
                    f"item:{chance.randrange(10**6)}",
                    {"who": chance.choice(("alice", "bób", "ćarol \u2603")), "n": chance.randrange(2**40)},
                    facts={"share": chance.randrange(100)} if chance.random() < 0.3 else None,
                )
        with store.begin(write=False) as work:
            out = home / "ledger.jsonl"
            audit.export(work, out, public=store.public_key, details=chance.random() < 0.7)
            head = work.ledger.head()
        lines = [
            _erased(line) if chance.random() < 0.1 else line for line in out.read_text("utf-8").splitlines()
        ]
        yield Clean(tuple(lines), store._key, tuple(heads))
        heads.append(head)


def _erased(line: str) -> str:
    """A line whose details were erased, as the law may demand; the entry stays."""
    row = json.loads(line)
    return json.dumps({name: value for name, value in row.items() if name not in {"salt", "detail"}})


# --- forging ---------------------------------------------------------------------------------------------


class Book:
    """An export taken apart, to be changed and put together again."""

    def __init__(self, clean: Clean) -> None:
        self.clean = clean
        self.head: dict[str, object] = json.loads(clean.lines[0])
        rest = [json.loads(line) for line in clean.lines[1:]]
        self.rows = [row for row in rest if "entry" in row]
        self.notes = [row["checkpoint"] for row in rest if "checkpoint" in row]

    def lines(self) -> list[str]:
        values = [self.head, *self.rows, *({"checkpoint": note} for note in self.notes)]
        return [json.dumps(value, ensure_ascii=False) for value in values]

    def entry(self, at: int) -> dict[str, object]:
        return dict(json.loads(base64.b64decode(self.rows[at]["entry"])))

    def put(self, at: int, entry: Mapping[str, object]) -> None:
        self.rows[at] = {**self.rows[at], "entry": _b64(flat_json(entry))}

    def renumber(self) -> None:
        """Number the entries anew, so that no gap shows."""
        for at in range(len(self.rows)):
            self.rows[at] = {**self.rows[at], "n": at}
            self.put(at, {**self.entry(at), "n": at})

    def root(self) -> bytes:
        return root_of([leaf_hash(base64.b64decode(row["entry"])) for row in self.rows])

    def sign(self, key: Ed25519PrivateKey, *, changed_from: int) -> None:
        """Sign what is there now, and leave out kept checkpoints that would contradict it."""
        origin = str(self.head["origin"])
        self.head["size"] = len(self.rows)
        self.head["checkpoint"] = sign(Checkpoint(origin=origin, size=len(self.rows), root=self.root()), key)
        self.notes = [note for note in self.notes if _size(note) <= changed_from]


def _size(note: str) -> int:
    return int(note.split("\n")[1])


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


Forge = Callable[[random.Random, Book], int]
"""Changes a book; gives the number of the first entry that is another one now."""


def edit_field(chance: random.Random, book: Book) -> int:
    at = chance.randrange(len(book.rows))
    entry = book.entry(at)
    name = chance.choice(("subject", "tag", "at"))
    book.put(at, {**entry, name: f"{entry[name]}0"})
    return at


def edit_spelling(chance: random.Random, book: Book) -> int:
    """The same values in other bytes."""
    at = chance.randrange(len(book.rows))
    book.rows[at] = {**book.rows[at], "entry": _b64(json.dumps(book.entry(at)).encode())}
    return at


def edit_byte(chance: random.Random, book: Book) -> int:
    at = chance.randrange(len(book.rows))
    entry = bytearray(base64.b64decode(book.rows[at]["entry"]))
    entry[chance.randrange(len(entry))] ^= 1 << chance.randrange(8)
    book.rows[at] = {**book.rows[at], "entry": _b64(bytes(entry))}
    return at


def edit_details(chance: random.Random, book: Book) -> int:
    """Other details under the old commitment; where none are shown, other details under a new one."""
    shown = [at for at, row in enumerate(book.rows) if "detail" in row]
    if not shown:
        return edit_commitment(chance, book)
    at = chance.choice(shown)
    part = chance.choice(("salt", "detail"))
    old = base64.b64decode(book.rows[at][part])
    book.rows[at] = {**book.rows[at], part: _b64(old[:-1] + bytes([old[-1] ^ 1]))}
    return at


def edit_commitment(chance: random.Random, book: Book) -> int:
    """Other details, and the commitment that goes with them."""
    at = chance.randrange(len(book.rows))
    salt, detail = chance.randbytes(16), b'{"who":"dave"}'
    book.put(at, {**book.entry(at), "commit": commitment(salt, detail)})
    book.rows[at] = {**book.rows[at], "salt": _b64(salt), "detail": _b64(detail)}
    return at


def delete(chance: random.Random, book: Book) -> int:
    at = chance.randrange(len(book.rows) - 1)
    del book.rows[at]
    return at


def swap(chance: random.Random, book: Book) -> int:
    at, other = sorted(chance.sample(range(len(book.rows)), 2))
    book.rows[at], book.rows[other] = book.rows[other], book.rows[at]
    return at


def insert(chance: random.Random, book: Book) -> int:
    """A made-up entry, before the last one: after it, it would be one more entry and no forgery."""
    at = chance.randrange(len(book.rows))
    salt, detail = chance.randbytes(16), b'{"who":"dave"}'
    entry = {**book.entry(at), "commit": commitment(salt, detail), "subject": "item:0", "n": at}
    book.rows.insert(
        at, {"n": at, "entry": _b64(flat_json(entry)), "salt": _b64(salt), "detail": _b64(detail)}
    )
    return at


def duplicate(chance: random.Random, book: Book) -> int:
    at = chance.randrange(len(book.rows) - 1)
    book.rows.insert(at, dict(book.rows[at]))
    return at


def truncate(chance: random.Random, book: Book) -> int:
    kept = len(book.rows) - chance.randint(1, min(3, len(book.rows) - 1))
    del book.rows[kept:]
    return kept


def truncate_with_size(chance: random.Random, book: Book) -> int:
    kept = truncate(chance, book)
    book.head["size"] = kept
    return kept


def another_root(chance: random.Random, book: Book) -> int:
    _set_root(book, chance.randbytes(32))
    return 0


def root_of_others(chance: random.Random, book: Book) -> int:
    """The right root of changed entries under the old signature."""
    at = edit_field(chance, book)
    _set_root(book, book.root())
    book.notes.clear()
    return at


def _set_root(book: Book, root: bytes) -> None:
    parts = str(book.head["checkpoint"]).split("\n")
    parts[2] = _b64(root)
    book.head["checkpoint"] = "\n".join(parts)


def history_anew(chance: random.Random, book: Book) -> int:
    for at in range(len(book.rows)):
        book.put(at, {**book.entry(at), "subject": f"item:{chance.randrange(10**9)}"})
    return 0


def foreign_signature(chance: random.Random, book: Book) -> int:
    """Signed by another key under our key's name."""
    book.sign(Ed25519PrivateKey.generate(), changed_from=len(book.rows))
    return 0


def foreign_ledger(chance: random.Random, book: Book) -> int:
    """Changed, signed by another key, and that key named in the first line."""
    at, key = edit_field(chance, book), Ed25519PrivateKey.generate()
    book.head["public_key"] = _b64(key.public_key().public_bytes_raw())
    book.sign(key, changed_from=-1)
    return at


def older_head(chance: random.Random, book: Book) -> int:
    """An older checkpoint over the newer entries."""
    note = chance.choice(book.clean.older)
    book.head |= {"checkpoint": note}
    if chance.random() < 0.5:
        book.head["size"] = _size(note)
    return _size(note)


def older_state(chance: random.Random, book: Book) -> int:
    """The whole ledger as it was, with the checkpoint it had: every signature is good."""
    note = chance.choice(book.clean.older)
    size = _size(note)
    del book.rows[size:]
    book.head |= {"checkpoint": note, "size": size}
    book.notes = [kept for kept in book.notes if _size(kept) <= size]
    return size


def renumbered(forge: Forge) -> Forge:
    """The same, with numbers put right."""

    def both(chance: random.Random, book: Book) -> int:
        at = forge(chance, book)
        book.renumber()
        return at

    return both


def signed(forge: Forge) -> Forge:
    """The same, done by the operator: numbers put right, signed with the ledger's own key."""

    def all_of_it(chance: random.Random, book: Book) -> int:
        at = forge(chance, book)
        book.renumber()
        book.sign(book.clean.key, changed_from=at)
        return at

    return all_of_it


FORGERIES: Mapping[str, Mapping[str, tuple[Forge, Needs]]] = {
    "edit": {
        "a field": (edit_field, Needs.FILE),
        "the spelling": (edit_spelling, Needs.FILE),
        "one bit": (edit_byte, Needs.FILE),
        "details": (edit_details, Needs.FILE),
        "details and their commitment": (edit_commitment, Needs.FILE),
        "a field, signed with the operator's key": (signed(edit_field), Needs.WITNESS),
    },
    "delete": {
        "a line": (delete, Needs.FILE),
        "a line, renumbered": (renumbered(delete), Needs.FILE),
        "a line, signed with the operator's key": (signed(delete), Needs.WITNESS),
    },
    "swap": {
        "two lines": (swap, Needs.FILE),
        "two lines, renumbered": (renumbered(swap), Needs.FILE),
        "two lines, signed with the operator's key": (signed(swap), Needs.WITNESS),
    },
    "insert": {
        "a line": (insert, Needs.FILE),
        "a line, renumbered": (renumbered(insert), Needs.FILE),
        "a line, signed with the operator's key": (signed(insert), Needs.WITNESS),
    },
    "duplicate": {
        "a line": (duplicate, Needs.FILE),
        "a line, renumbered": (renumbered(duplicate), Needs.FILE),
        "a line, signed with the operator's key": (signed(duplicate), Needs.WITNESS),
    },
    "truncate": {
        "the newest entries": (truncate, Needs.FILE),
        "the newest entries, and the size in the first line": (truncate_with_size, Needs.FILE),
        "the newest entries, signed with the operator's key": (signed(truncate), Needs.WITNESS),
    },
    "new root": {
        "another root": (another_root, Needs.FILE),
        "the root of changed entries": (root_of_others, Needs.FILE),
        "a whole new history, signed with the operator's key": (signed(history_anew), Needs.WITNESS),
    },
    "foreign key": {
        "a foreign signature": (foreign_signature, Needs.FILE),
        "a changed ledger that names the foreign key": (foreign_ledger, Needs.KEY),
    },
    "replayed checkpoint": {
        "an older checkpoint over newer entries": (older_head, Needs.FILE),
        "an older ledger with its own checkpoint": (older_state, Needs.WITNESS),
    },
}
"""Kinds of forgery, the ways of doing each, and what it takes to find it."""


def forged(chance: random.Random, clean: Clean, forge: Forge) -> list[str]:
    """A forged ledger that differs from the clean one."""
    while True:
        book = Book(clean)
        forge(chance, book)
        lines = book.lines()
        if lines != Book(clean).lines():
            return lines


# --- looking ---------------------------------------------------------------------------------------------


class Stumbled(Exception):
    """The verifier came upon something that it cannot read, and so has said nothing about it."""


def is_found(lines: Sequence[str], key: bytes | None = None, witnesses: Sequence[str] = ()) -> bool:
    """Whether the second verifier finds fault.

    Raises:
        Stumbled: It could not read on.
    """
    try:
        verify_ledger.check(lines, key, witnesses)
    except verify_ledger.Unfit:
        return True
    except UNREADABLE as error:
        raise Stumbled(repr(error)) from error
    return False


def found_with(lines: Sequence[str], clean: Clean) -> str:
    """The least that a reader must hold to find fault; else `missed`, or `unreadable` where the verifier stumbled."""
    try:
        if is_found(lines):
            return Needs.FILE
        if is_found(lines, clean.public):
            return Needs.KEY
        if is_found(lines, clean.public, [clean.head]):
            return Needs.WITNESS
    except Stumbled:
        return "unreadable"
    return "missed"


def is_alarm(chance: random.Random, clean: Clean) -> bool:
    """Whether a clean ledger is called forged, or cannot be read, whatever its reader holds."""
    kept = [clean.head, *(chance.sample(clean.older, 1) if clean.older else ())]
    try:
        return (
            is_found(clean.lines)
            or is_found(clean.lines, clean.public)
            or is_found(clean.lines, clean.public, kept)
        )
    except Stumbled:
        return True


def exit_code(lines: Sequence[str], clean: Clean, folder: Path) -> int:
    """What the verifier's own command line says, given key and witness."""
    export, witness = folder / "ledger.jsonl", folder / "witness.txt"
    export.write_text("\n".join(lines) + "\n", encoding="utf-8")
    witness.write_text(clean.head, encoding="utf-8")
    words = [str(export), "--key", clean.public.hex(), "--witness", str(witness)]
    return subprocess.run(
        [sys.executable, str(VERIFIER), *words], capture_output=True, check=False
    ).returncode


def measure(count: int, clean_count: int, seed: int) -> dict[str, object]:
    """Forge and look; gives the counts."""
    began = time.monotonic()
    chance = random.Random(seed)
    kinds = list(FORGERIES)
    made: Counter[str] = Counter()
    seen: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    surprises: list[str] = []
    through_cli: list[int] = []
    alarms = 0
    with tempfile.TemporaryDirectory(prefix="staydown-forgeries-") as name:
        folder = Path(name)
        for number, clean in enumerate(islice(cleans(chance, folder), clean_count)):
            alarms += is_alarm(chance, clean)
            for turn in range(number * count // clean_count, (number + 1) * count // clean_count):
                kind = kinds[turn % len(kinds)]
                if kind == "replayed checkpoint" and not clean.older:
                    kind = "truncate"  # nothing older exists yet
                way, (forge, needs) = list(FORGERIES[kind].items())[made[kind] % len(FORGERIES[kind])]
                made[kind] += 1
                lines = forged(chance, clean, forge)
                with_ = found_with(lines, clean)
                seen[kind][with_] += 1
                if with_ != needs:
                    surprises.append(f"{kind}: {way}: {with_}, where {needs} would do")
                if made[kind] == 1:
                    through_cli.append(exit_code(lines, clean, folder))
        through_cli.append(exit_code(clean.lines, clean, folder))
    missed, unreadable = (sum(one[name] for one in seen.values()) for name in ("missed", "unreadable"))
    return {
        "forged": made.total(),
        "found": made.total() - missed - unreadable,
        "missed": missed,
        "unreadable": unreadable,
        "clean": clean_count,
        "false_alarms": alarms,
        "seed": seed,
        "by_kind": {
            kind: {"forged": made[kind], **{name: seen[kind][name] for name in ("missed", "unreadable")}}
            | {f"found_with_{needs}": seen[kind][needs] for needs in Needs}
            for kind in kinds
        },
        "only_with_a_witness": _ways(Needs.WITNESS),
        "only_with_the_key": _ways(Needs.KEY),
        "surprises": surprises[:20],
        "command_line": {"forged": through_cli[:-1], "clean": through_cli[-1]},
        "seconds": round(time.monotonic() - began, 1),
    }


def _ways(needs: Needs) -> list[str]:
    return [
        f"{kind}: {way}" for kind, ways in FORGERIES.items() for way, one in ways.items() if one[1] is needs
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--count", type=int, default=10_000, help="forged ledgers")
    parser.add_argument("--clean", type=int, default=1_000, help="clean ledgers they are made from")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    figures = measure(given.count, given.clean, given.seed)
    print(json.dumps(figures))
    return int(bool(figures["missed"] or figures["false_alarms"] or figures["surprises"]))


if __name__ == "__main__":
    sys.exit(main())
