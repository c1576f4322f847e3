"""audit: the record computed again, given away, and proved entry by entry."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from staydown.core.errors import Broken, NotFound, Outside
from staydown.flow.look import faults, seal_in
from staydown.ports import Vault
from staydown.ports.work import LedgerLine, Work
from staydown.reason.checkpoint import canonical, commitment
from staydown.reason.checkpoint import verify as verify_note
from staydown.reason.merkle import Frontier, Levels, leaf_hash

EXPORT_FORMAT = "staydown-ledger-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What computing the ledger again showed."""

    size: int
    root: str  #: in base64
    checked: int  #: entries, checkpoints, details and evidence files that were held against their hashes
    broken: tuple[str, ...]  #: what does not fit, in words; empty if all is well

    def row(self) -> dict[str, object]:
        """For printing."""
        return {"size": self.size, "root": self.root, "checked": self.checked, "broken": list(self.broken)}


def verify(work: Work, vault: Vault, *, public: bytes) -> Audit:
    """Compute the whole ledger again, from its entries up, and name all that does not fit.

    Entries are read once, in order; the memory it takes does not grow with their number.

    Cutting off the newest entries together with the head can be seen by whoever kept an earlier
    checkpoint, and by nobody else.
    """
    broken: list[str] = []
    head = work.ledger.head()
    notes = [*work.ledger.kept_checkpoints(), head]
    signed = _signed(notes, public, work.origin, broken)
    tree, seals = Frontier(), dict[int, tuple[int, str]]()
    for line in work.ledger.lines():
        broken += _root_faults(signed, tree)
        broken += (found := list(_entry_faults(line, expected=tree.size)))
        if not found and (seal := seal_in(line.entry)):
            seals[seal[0]] = seal[1]
        tree.extend((leaf_hash(line.entry),))
    broken += _root_faults(signed, tree)
    for size in signed:
        broken.append(f"a checkpoint speaks of {size} entries, only {tree.size} are there")
    if not broken and verify_note(head, public, origin=work.origin).size != tree.size:
        broken.append(f"the head speaks of another size than the {tree.size} entries that are there")
    broken += faults(work, seals)
    evidence = work.kept.hashes()
    broken += _evidence_faults(vault, evidence)
    return Audit(
        size=tree.size,
        root=base64.b64encode(tree.root()).decode(),
        checked=2 * tree.size + len(notes) + len(evidence),
        broken=tuple(broken),
    )


def _entry_faults(line: LedgerLine, *, expected: int) -> Iterator[str]:
    try:
        entry = json.loads(line.entry)
        if line.number != expected or entry["n"] != expected:
            yield f"entry {line.number} stands where entry {expected} belongs"
        if canonical(entry) != line.entry:
            yield f"entry {line.number} is not in canonical form"
        if (
            line.salt is not None
            and line.detail is not None
            and commitment(line.salt, line.detail) != entry["commit"]
        ):
            yield f"the details of entry {line.number} are not the ones it was made with"
    except (ValueError, KeyError, TypeError) as error:
        yield f"entry {line.number} cannot be read: {error}"


def _signed(notes: Sequence[str], public: bytes, origin: str, broken: list[str]) -> dict[int, set[bytes]]:
    """The roots that were signed, by size; a checkpoint that is none is named in `broken`."""
    roots: dict[int, set[bytes]] = {}
    for note in notes:
        try:
            checkpoint = verify_note(note, public, origin=origin)
        except Broken as error:
            broken.append(str(error))
        else:
            roots.setdefault(checkpoint.size, set()).add(checkpoint.root)
    return roots


def _root_faults(signed: dict[int, set[bytes]], tree: Frontier) -> Iterator[str]:
    """Hold the tree as it stands against what was signed at its size, which is then struck off."""
    roots = signed.pop(tree.size, None)
    if roots is not None and roots != {tree.root()}:
        yield f"the entries do not give the root signed at size {tree.size}"


def _evidence_faults(vault: Vault, hashes: list[str]) -> Iterator[str]:
    for sha256 in hashes:
        try:
            vault.get(sha256)
        except (Broken, NotFound) as error:
            yield str(error)


def export(work: Work, out: Path, *, public: bytes, details: bool = False) -> dict[str, object]:
    """Write the ledger as JSON lines that anybody can check: head first, entries, then kept checkpoints.

    The details say who did what, and who holds what: they stay in the house unless asked for.

    Raises:
        Outside: The file cannot be written.
    """
    part = out.with_name(out.name + ".part")
    head = {
        "format": EXPORT_FORMAT,
        "origin": work.origin,
        "public_key": base64.b64encode(public).decode(),
        "size": work.ledger.size(),
        "checkpoint": work.ledger.head(),
    }
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(json.dumps(head, ensure_ascii=False) + "\n")
            for line in work.ledger.lines():
                file.write(json.dumps(_exported(line, details=details), ensure_ascii=False) + "\n")
            for note in work.ledger.kept_checkpoints():
                file.write(json.dumps({"checkpoint": note}, ensure_ascii=False) + "\n")
        part.replace(out)
    except OSError as error:
        raise Outside(
            f"{out} cannot be written: {error.strerror}", hint="Name a place you may write to."
        ) from error
    return {"out": str(out), "size": head["size"], "origin": head["origin"]}


def _exported(line: LedgerLine, *, details: bool) -> dict[str, object]:
    row: dict[str, object] = {"n": line.number, "entry": base64.b64encode(line.entry).decode()}
    if details and line.salt is not None and line.detail is not None:
        row["salt"] = base64.b64encode(line.salt).decode()
        row["detail"] = base64.b64encode(line.detail).decode()
    return row


def prove(work: Work, number: int, *, since: int | None = None) -> dict[str, object]:
    """The proof that an entry is in the ledger, and that an earlier ledger is its beginning.

    Hashes are in base64, in the order in which RFC 6962 lists them.

    Raises:
        NotFound: There is no such entry, or the ledger was never of that size.
        Broken: The entries do not give the signed root.
    """
    entry = work.ledger.entry(number)
    leaves = work.ledger.leaves()
    levels, size = Levels(leaves), len(leaves)
    proof: dict[str, object] = {
        "entry": entry.decode(),
        "index": number,
        "size": size,
        "leaf": _b64(leaf_hash(entry)),
        "root": _b64(levels.root(size)),
        "inclusion": [_b64(node) for node in levels.inclusion(number, size)],
        "checkpoint": work.ledger.head(),
    }
    if f"\n{size}\n{proof['root']}\n" not in work.ledger.head():
        raise Broken("the entries do not give the root that the head signs")
    if since is not None:
        if not 0 < since <= size:
            raise NotFound(f"the ledger was never of size {since}", hint=f"It has {size} entries.")
        proof["since"] = since
        proof["since_root"] = _b64(levels.root(since))
        proof["consistency"] = [_b64(node) for node in levels.consistency(since, size)]
    return proof


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()
