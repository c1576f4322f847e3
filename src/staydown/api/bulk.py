"""Many sightings at once: a stream of lines, read and checked as it comes, stored some thousands at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import msgspec

from staydown.api.problems import Unfit
from staydown.app import App
from staydown.core.errors import Collision
from staydown.core.ids import OperationId
from staydown.core.item import NewSighting, Refusal
from staydown.core.people import Person
from staydown.core.text import clean
from staydown.flow import record
from staydown.ports import Row
from staydown.reason.numbers import Numbers
from staydown.wire.items import Intake, RefusedLine

LINE_BYTES = 64 * 1024
"""Of one line; a longer one is refused, the others are not."""
BATCH = 5_000
"""So many records, and those that came with the last of them, are stored in one transaction."""
BLOCK_BYTES = 4 * 1024 * 1024
"""So much is taken at once, however few lines it holds."""
SHOWN = 1_000
"""So many refused records are named; all are counted."""
LISTED = 1_000
"""Records in a JSON list."""
TRIES = 5

_Short = Annotated[str, msgspec.Meta(max_length=100)]


class Line(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One sighting as it is sent, as `wire.items.NewSighting` describes it."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    seen_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    confidence: _Short = ""
    sharing: _Short = ""


_LINE = msgspec.json.Decoder(Line)
_LIST = msgspec.json.Decoder(Annotated[list[Line], msgspec.Meta(max_length=LISTED)])


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole lines of a stream."""

    first: int  #: the number of its first line, from 1
    text: bytes


async def blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[Block]:
    """The lines of a stream, some thousands at a time; of one that is too long only the beginning is kept."""
    rest, first = b"", 1
    parts: list[bytes] = []
    count = size = 0
    async for chunk in chunks:
        ends = chunk.rfind(b"\n") + 1
        if not ends:
            rest = (rest + chunk)[: LINE_BYTES + 1]
            continue
        parts.append(rest + chunk[:ends])
        rest = chunk[ends:][: LINE_BYTES + 1]
        count, size = count + chunk.count(b"\n"), size + len(parts[-1])
        if count >= BATCH or size >= BLOCK_BYTES:
            yield Block(first, b"".join(parts))
            parts, first, count, size = [], first + count, 0, 0
    if parts or rest:
        yield Block(first, b"".join([*parts, rest]))


Read = Line | str
"""A record, or why it is none."""


def records(block: Block) -> list[tuple[int, Read]]:
    """The records of a block, each checked and under the number of its line; blank lines are none."""
    lines = block.text.removesuffix(b"\n").split(b"\n")
    if b"\\u0000" not in block.text and max(map(len, lines)) <= LINE_BYTES:
        try:
            found = _LINE.decode_lines(block.text)
        except (ValueError, RecursionError):
            found = []
        if len(found) == len(lines):  # all are good: the usual case, and many times as fast
            return list(enumerate(found, block.first))
    return [
        (number, _read(line)) for number, line in enumerate(lines, block.first) if line and not line.isspace()
    ]


def _read(line: bytes) -> Read:
    try:
        return decoded(line)
    except (ValueError, RecursionError) as error:
        return str(error)


def decoded(line: bytes) -> Line:
    """One line, checked.

    Raises:
        ValueError: It is not of the form that is asked for.
    """
    if len(line) > LINE_BYTES:
        raise ValueError(f"the line is longer than {LINE_BYTES} bytes")
    found = _LINE.decode(line)
    if b"\\u0000" in line and "\0" in f"{found.url}{found.note}{found.confidence}{found.sharing}":
        raise ValueError("the text holds NUL")
    return found


def listed(body: bytes) -> list[Line]:
    """A JSON list, checked as a whole.

    Raises:
        Unfit: It is not of the form that is asked for.
    """
    try:
        found: list[Line] = _LIST.decode(body)
        if b"\\u0000" in body and any("\0" in f"{o.url}{o.note}{o.confidence}{o.sharing}" for o in found):
            raise ValueError("the text holds NUL")
    except (ValueError, RecursionError) as error:
        raise Unfit(f"body: {clean(str(error))[:300]}") from error
    return found


@dataclass(slots=True)
class Taking:
    """One intake under way."""

    app: App
    person: Person
    operation: OperationId | None
    now: datetime
    salt: str  #: stands in for the instant where a record has none, so that the same one sent again is known
    sightings: int = 0
    refused: int = 0
    shown: list[RefusedLine] = field(default_factory=list)
    _new: Numbers = field(default_factory=Numbers)
    _known: Numbers = field(default_factory=Numbers)

    def take(self, block: Block) -> None:
        """Check some lines, and store those that are good in one transaction."""
        good: list[NewSighting] = []
        for number, one in records(block):
            if isinstance(one, str):
                self._refuse(number, one)
            else:
                self._sort(number, one, good)
        self.store(good)

    def take_list(self, given: Sequence[Line]) -> None:
        """The same of records that were checked already."""
        good: list[NewSighting] = []
        for number, one in enumerate(given, 1):
            self._sort(number, one, good)
        self.store(good)

    def _sort(self, number: int, one: Line, good: list[NewSighting]) -> None:
        row = Row(
            line=number,
            raw=one.url,
            seen_at=one.seen_at.isoformat() if one.seen_at else "",
            note=one.note,
            confidence=one.confidence,
            sharing=one.sharing,
        )
        seen = record.sighting(
            self.app.tools, row, agency=self.person.agency, now=self.now, file_sha256=self.salt
        )
        if isinstance(seen, Refusal):
            self._refuse(number, seen.reason)
        else:
            good.append(seen)

    def _refuse(self, number: int, reason: str) -> None:
        self.refused += 1
        if len(self.shown) < SHOWN:
            self.shown.append(RefusedLine(line=number, reason=clean(reason)[:300]))

    def store(self, good: Sequence[NewSighting]) -> None:
        """Store checked records; a transaction that gave way to another one begins anew."""
        if not good:
            return
        for left in reversed(range(TRIES)):
            try:
                with self.app.store.begin(of=self.person.agency) as work:
                    done = record.record(work, good, operation=self.operation)
                break
            except Collision:
                if not left:
                    raise
        self.sightings += len(done.sightings)
        self._new.update(done.items_new)
        self._known.update(done.items_known)

    def told(self) -> Intake:
        """What it did."""
        return Intake(
            sightings=self.sightings,
            items_new=len(self._new),
            items_known=self._known.without(self._new),
            refused=self.refused,
            refused_lines=self.shown,
        )
