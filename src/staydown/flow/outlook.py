"""What taking in a file would do, without doing it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from staydown.core.ids import AgencyCode, ItemKey, OperationId
from staydown.flow.record import Choose, Reading, hash_of, nothing_inside, read
from staydown.ports import Importer
from staydown.ports.tools import Tools
from staydown.reason.numbers import Numbers

EXAMPLES = 5
"""How many records, and reasons for refusals, are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What taking in a file would do."""

    records: int  #: that can be taken; one that is known already would add nothing
    items_new: int
    items_known: int
    refused: int
    agencies_new: tuple[AgencyCode, ...]
    examples: tuple[tuple[str, ItemKey], ...]  #: the first records, as typed and as identified
    reasons: Mapping[str, int]  #: why records would be refused, with how many


def look_ahead(
    tools: Tools,
    path: Path,
    *,
    importer: Importer,
    agency: AgencyCode | None,
    operation: OperationId | None = None,
    given: Mapping[str, str] | None = None,
    choose: Choose | None = None,
    progress: Callable[[int], None] | None = None,
) -> Outlook:
    """Say what `take_in` would do, and do nothing.

    Raises:
        Invalid: The file as a whole is not of its format.
        Outside: It cannot be read.
        NotFound: There is no such operation.
    """
    with tools.begin(write=False) as work:
        known_codes, now = {one.code for one in work.people.agencies()}, work.now
        if operation is not None:
            work.operations.get(operation)
    reading = Reading(path=path, agency=agency, now=now, file_sha256=hash_of(path), given=given or {})
    new: set[int] = set()
    known = Numbers()
    codes: set[AgencyCode] = set()
    reasons: Counter[str] = Counter()
    examples: list[tuple[str, ItemKey]] = []
    records = 0
    for batch in read(tools.catalogue, importer, reading, choose or nothing_inside):
        keys = {one.identity.key for one in batch.good}
        with tools.begin(write=False) as work:
            there = work.names.holders(keys)
        known.update(there.values())
        new.update(_number_of(key) for key in keys - there.keys())
        codes |= {one.agency for one in batch.good}
        records += len(batch.good)
        reasons.update(bad.reason for bad in batch.refused)
        examples += [(one.identity.raw, one.identity.key) for one in batch.good[: EXAMPLES - len(examples)]]
        if progress:
            progress(len(batch.good) + len(batch.refused))
    return Outlook(
        records=records,
        items_new=len(new),
        items_known=len(known),
        refused=reasons.total(),
        agencies_new=tuple(sorted(codes - known_codes)),
        examples=tuple(examples),
        reasons=dict(reasons.most_common(EXAMPLES)),
    )


def _number_of(key: ItemKey) -> int:
    """A number for a key that is another for every other key, as good as certainly."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big")
