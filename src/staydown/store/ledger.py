"""The ledger's tables: entries are numbered last before commit and never change.

The lock on the one head row is the last one a transaction takes. The tree grows from its frontier, so a
commit costs the new entries only, and every commit leaves a signed checkpoint over all of them; one
each minute is kept for good.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, func, insert, select, update

from staydown.core.errors import Broken, NotFound
from staydown.core.time import iso
from staydown.ports.work import LedgerLine
from staydown.reason.checkpoint import Checkpoint, commitment, sign
from staydown.reason.merkle import Frontier, leaf_hash
from staydown.store.sets import for_update, insert_rows
from staydown.store.tables import checkpoints, ledger_details, ledger_entries, ledger_head

KEEP_EVERY = timedelta(seconds=60)
SALT_BYTES = 16
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)


def flat_json(value: Mapping[str, object]) -> bytes:
    """Canonical JSON (RFC 8785) of a mapping whose keys are ASCII and that holds no fractions.

    For such values the standard library's sorted, tight output is the canonical one, at a tenth of the cost;
    a test holds it against the general encoder.
    """
    return _JSON.encode(value).encode("utf-8", "surrogatepass")


_PLAIN = re.compile(r"[A-Za-z0-9:._/-]*")


def _is_plain(text: str) -> bool:
    """Whether JSON writes a text as it stands."""
    return _PLAIN.fullmatch(text) is not None


@dataclass(slots=True)
class _Pending:
    tag: str
    subject: str
    detail: Mapping[str, object]
    facts: Mapping[str, object] | None


class Ledger:
    """The ledger as one transaction sees it."""

    def __init__(
        self, conn: Connection, *, origin: str, key: Ed25519PrivateKey, now: datetime, real_now: datetime
    ) -> None:
        self._conn, self._origin, self._key = conn, origin, key
        self._now, self._real_now = now, real_now
        self._pending: list[_Pending] = []

    def append(
        self,
        tag: str,
        subject: str,
        detail: Mapping[str, object],
        *,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        """Add one entry to what this transaction will write.

        Args:
            tag: `noun:act:done`.
            subject: What it is about, by opaque id.
            detail: What happened; may be personal, can be erased, is committed to by a salted hash.
            facts: What may stand in the entry for ever.
        """
        self._pending.append(_Pending(tag, subject, detail, facts))

    def flush(self) -> bool:
        """Number the entries, write them in one statement and sign the new head; says whether there were any."""
        if not self._pending:
            return False
        head = self._conn.execute(for_update(self._conn, select(ledger_head))).one()
        frontier = Frontier.from_bytes(head.size, head.peaks)
        entries, details = self._encode(head.size)
        insert_rows(self._conn, ledger_entries, ("n", "entry"), entries)
        insert_rows(self._conn, ledger_details, ("n", "salt", "detail"), details)
        frontier.extend(leaf_hash(entry) for _, entry in entries)
        self._set_head(frontier, kept_at=head.kept_at)
        self._pending.clear()
        return True

    def _encode(self, size: int) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes, bytes]]]:
        """The rows of the pending entries; the common entry is put together by hand, its keys in canonical order."""
        at = iso(self._now)
        salts = os.urandom(SALT_BYTES * len(self._pending))
        entries: list[tuple[int, bytes]] = []
        details: list[tuple[int, bytes, bytes]] = []
        for number, one in enumerate(self._pending, size):
            begin = (number - size) * SALT_BYTES
            salt, detail = salts[begin : begin + SALT_BYTES], flat_json(one.detail)
            commit = commitment(salt, detail)
            if one.facts or not _is_plain(one.subject) or not _is_plain(one.tag):
                entry: dict[str, object] = {
                    "at": at,
                    "commit": commit,
                    "n": number,
                    "subject": one.subject,
                    "tag": one.tag,
                }
                if one.facts:
                    entry["facts"] = one.facts
                text = flat_json(entry)
            else:
                text = (
                    f'{{"at":"{at}","commit":"{commit}","n":{number},'
                    f'"subject":"{one.subject}","tag":"{one.tag}"}}'
                ).encode()
            entries.append((number, text))
            details.append((number, salt, detail))
        return entries, details

    def _set_head(self, frontier: Frontier, *, kept_at: datetime) -> None:
        note = sign(Checkpoint(origin=self._origin, size=frontier.size, root=frontier.root()), self._key)
        keep = self._real_now - kept_at >= KEEP_EVERY
        if keep:
            self._conn.execute(insert(checkpoints).values(size=frontier.size, at=self._real_now, note=note))
        self._conn.execute(
            update(ledger_head).values(
                size=frontier.size,
                peaks=frontier.to_bytes(),
                checkpoint=note,
                kept_at=self._real_now if keep else kept_at,
            )
        )

    def found(self) -> None:
        """Write the empty head; once, when the store is made."""
        self._conn.execute(
            insert(ledger_head).values(
                id=1, size=0, peaks=b"", checkpoint="", kept_at=datetime.fromtimestamp(0, self._now.tzinfo)
            )
        )

    def size(self) -> int:
        """How many entries are written."""
        return int(self._conn.execute(select(ledger_head.c.size)).scalar_one())

    def head(self) -> str:
        """The newest signed checkpoint."""
        return str(self._conn.execute(select(ledger_head.c.checkpoint)).scalar_one())

    def kept_checkpoints(self) -> list[str]:
        """The checkpoints kept for good, oldest first."""
        return list(self._conn.execute(select(checkpoints.c.note).order_by(checkpoints.c.size)).scalars())

    def entry(self, number: int) -> bytes:
        """The bytes of one entry.

        Raises:
            NotFound: No such entry.
        """
        row = self._conn.execute(
            select(ledger_entries.c.entry).where(ledger_entries.c.n == number)
        ).scalar_one_or_none()
        if row is None:
            raise NotFound(f"the ledger has no entry {number}", hint="Entries count from 0.")
        return _bytes(row) or b""

    def lines(self) -> Iterator[LedgerLine]:
        """All entries in order, with what is left of their details."""
        joined = ledger_entries.outerjoin(ledger_details, ledger_entries.c.n == ledger_details.c.n)
        rows = self._conn.execute(
            select(ledger_entries.c.n, ledger_entries.c.entry, ledger_details.c.salt, ledger_details.c.detail)
            .select_from(joined)
            .order_by(ledger_entries.c.n),
            execution_options={"yield_per": 5000},
        )
        for row in rows:
            yield LedgerLine(
                number=row.n, entry=_bytes(row.entry) or b"", salt=_bytes(row.salt), detail=_bytes(row.detail)
            )

    def about(self, subject: str) -> list[bytes]:
        """The entries about one subject, in order; the database looks through all of them."""
        needle = f'"subject":{json.dumps(subject)}'.encode()
        is_there = (
            func.instr(ledger_entries.c.entry, needle) > 0
            if self._conn.dialect.name == "sqlite"
            else ledger_entries.c.entry.op("LIKE")(b"%" + needle + b"%")
        )
        rows = self._conn.execute(select(ledger_entries.c.entry).where(is_there).order_by(ledger_entries.c.n))
        return [_bytes(row.entry) or b"" for row in rows]

    def leaves(self) -> list[bytes]:
        """The leaf hashes of all entries, computed from their bytes.

        Raises:
            Broken: The numbering has a gap.
        """
        rows = self._conn.execute(
            select(ledger_entries.c.n, ledger_entries.c.entry).order_by(ledger_entries.c.n),
            execution_options={"yield_per": 5000},
        )
        numbers, hashes = [], []
        for number, entry in rows:
            numbers.append(number)
            hashes.append(leaf_hash(_bytes(entry) or b""))
        if numbers and (numbers[0] != 0 or any(b - a != 1 for a, b in pairwise(numbers))):
            raise Broken("the numbering of the ledger has a gap")
        return hashes


def _bytes(value: object) -> bytes | None:
    """The bytes of a column; SQLite hands out text where somebody has put text into it by hand."""
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]
