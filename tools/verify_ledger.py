#!/usr/bin/env python3
"""Check an exported Staydown ledger without Staydown.

Uses Python's standard library and `cryptography`, and no line of the package. What it checks:

1. every entry is canonical JSON, numbered without a gap;
2. what is left of the details is what the entry committed to (SHA-256 over salt and details);
3. the Merkle root over all entries (RFC 6962) is the one in the head;
4. head and kept checkpoints are signed (C2SP signed note, Ed25519) by the key you name, for one origin;
5. every kept checkpoint is the root of a beginning of this ledger.

With --witness FILE, a checkpoint that you kept from earlier, it also finds what nobody else can: newest
entries that were cut off, or a whole history that was written anew with the operator's own key.

    python tools/verify_ledger.py ledger.jsonl [--key HEX] [--witness old-checkpoint.txt] [--json]

Exit code 0: all fits. 8: something does not. 2: wrong usage. 3: the file is no export.
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Unfit(Exception):
    """Something does not fit; the words say what."""


class Tree:
    """A Merkle tree that keeps, per height, the subtree waiting for its sibling."""

    def __init__(self):
        self.size = 0
        self.waiting = []

    def add(self, leaf):
        node, height = hashlib.sha256(b"\x00" + leaf).digest(), 0
        while height < len(self.waiting) and self.waiting[height] is not None:
            node = hashlib.sha256(b"\x01" + self.waiting[height] + node).digest()
            self.waiting[height] = None
            height += 1
        if height == len(self.waiting):
            self.waiting.append(None)
        self.waiting[height] = node
        self.size += 1

    def root(self):
        node = None
        for subtree in self.waiting:
            if subtree is not None:
                node = subtree if node is None else hashlib.sha256(b"\x01" + subtree + node).digest()
        return hashlib.sha256(b"").digest() if node is None else node


def canonical(value):
    """Canonical JSON for what entries hold: text, whole numbers, true, false, null, lists, objects."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) <= 2**53:
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(canonical(one) for one in value) + "]"
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    raise Unfit(f"a value of the kind {type(value).__name__} has no place in an entry")


def no_twins(pairs):
    """Objects with one name twice read differently in different programs: refuse them."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise Unfit("an object has the same name twice")
    return dict(pairs)


def read_note(note, key, origin):
    """Size and root of a signed note, its signature checked."""
    try:
        body, signatures = note.split("\n\n", 1)
        name, size, root = body.split("\n")
        lines = [line for line in signatures.split("\n") if line]
        dash, signer, blob = lines[0].split(" ")
        raw = base64.b64decode(blob, validate=True)
        root = base64.b64decode(root, validate=True)
        if (
            dash != "\u2014"
            or len(lines) != 1
            or not size.isdecimal()
            or str(int(size)) != size
            or len(root) != 32
        ):
            raise ValueError("not of the form of a checkpoint")
    except (ValueError, IndexError) as error:
        raise Unfit(f"a checkpoint cannot be read: {error}") from None
    if name != origin or signer != origin:
        raise Unfit(f"a checkpoint is of {name!r}, not of {origin!r}")
    if raw[:4] != hashlib.sha256(origin.encode() + b"\n\x01" + key).digest()[:4]:
        raise Unfit("a checkpoint was signed by another key")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(raw[4:], (body + "\n").encode())
    except (InvalidSignature, ValueError):
        raise Unfit("the signature of a checkpoint does not verify") from None
    return int(size), root


def check_entry(row, number):
    """One line of the export; gives the entry's bytes."""
    try:
        return read_entry(row, number)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unfit(f"entry {number} cannot be read: {error!r}") from None


def read_entry(row, number):
    """As `check_entry`; raises whatever a malformed entry brings."""
    entry = base64.b64decode(row["entry"], validate=True)
    value = json.loads(entry.decode(), object_pairs_hook=no_twins)
    if row["n"] != number or value["n"] != number:
        raise Unfit(f"entry {row['n']} stands where entry {number} belongs")
    if canonical(value).encode() != entry:
        raise Unfit(f"entry {number} is not canonical")
    if "salt" in row or "detail" in row:
        salt, detail = (base64.b64decode(row[part], validate=True) for part in ("salt", "detail"))
        if hashlib.sha256(salt + detail).hexdigest() != value["commit"]:
            raise Unfit(f"the details of entry {number} are not what it committed to")
    return entry


def check(lines, key=None, witnesses=()):
    """Check a whole export; gives its size, root and how much was held against a hash or signature.

    `lines` is read twice, and never kept: first for the checkpoints, which stand at the end, then for the entries.
    """
    head = json.loads(next(iter(lines)))
    if head.get("format") != "staydown-ledger-1":
        raise Unfit("this is no export of a Staydown ledger")
    claimed = base64.b64decode(head["public_key"], validate=True)
    if key is not None and key != claimed:
        raise Unfit("the export names another key than the one you trust")
    origin, tree, checked, tags = head["origin"], Tree(), 0, []
    kept = [row["checkpoint"] for row in rows_of(lines, with_word='"checkpoint"') if "checkpoint" in row]
    wanted = {}
    for note in [head["checkpoint"], *witnesses, *kept]:
        size, root = read_note(note, claimed, origin)
        if wanted.setdefault(size, root) != root:
            raise Unfit(f"two checkpoints of size {size} have different roots")
        checked += 1
    if 0 in wanted and wanted[0] != tree.root():
        raise Unfit("the root signed for size 0 is not that of nothing")
    seen = 0
    for row in rows_of(lines):
        if "checkpoint" in row:
            seen += 1
            continue
        entry = check_entry(row, tree.size)
        if tree.size == 0:
            tags.append(json.loads(entry).get("tag"))
        tree.add(entry)
        checked += 2 if "salt" in row else 1
        if tree.size in wanted and wanted[tree.size] != tree.root():
            raise Unfit(f"the entries do not give the root that was signed at size {tree.size}")
    if seen != len(kept):
        raise Unfit("a checkpoint is written in a way that hides it")
    if wanted and max(wanted) > tree.size:
        raise Unfit(f"a checkpoint speaks of {max(wanted)} entries, only {tree.size} are there")
    head_size, _ = read_note(head["checkpoint"], claimed, origin)
    if head_size != tree.size or head["size"] != tree.size:
        raise Unfit(f"the head speaks of {head_size} entries, {tree.size} are there")
    return {
        "size": tree.size,
        "root": base64.b64encode(tree.root()).decode(),
        "checked": checked,
        "origin": origin,
        "exercise": tags == ["store:exercise:opened"],
        "broken": [],
    }


def rows_of(lines, with_word=""):
    """The rows below the head; with a word, only those of whose text it is a part."""
    for number, line in enumerate(lines):
        if number and with_word in line:
            yield json.loads(line)


class Lines:
    """The lines of a file, from the first one each time they are asked for."""

    def __init__(self, path):
        self.path = Path(path)

    def __iter__(self):
        with self.path.open(encoding="utf-8") as file:
            yield from file


def key_of(text):
    """A public key as it is written on the command line."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is no public key of 64 hex digits")
    return key


def kept(path):
    """What stands in a file that a witness kept."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {error}") from None


def main(arguments=None):
    """Read the command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("export")
    parser.add_argument("--key", type=key_of, help="the public key you trust, 64 hex digits")
    parser.add_argument(
        "--witness",
        type=kept,
        action="append",
        default=[],
        help="a file with a checkpoint you kept from earlier",
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    try:
        found = check(Lines(given.export), given.key, given.witness)
    except Unfit as error:
        found = {"broken": [str(error)]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError) as error:
        print(f"verify_ledger: {given.export} cannot be read as an export: {error!r}", file=sys.stderr)
        return 3
    if given.json:
        print(json.dumps(found, ensure_ascii=False))
    elif found["broken"]:
        print(f"BROKEN: {found['broken'][0]}")
    else:
        print(
            f"all fits: {found['size']} entries, root {found['root']}, {found['checked']} hashes and signatures"
        )
    return 8 if found["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
