"""record: what an agency saw becomes a sighting of an item with one key."""

from __future__ import annotations

import csv
import gc
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TextIO

from staydown.core.errors import Invalid, Outside
from staydown.core.ids import AgencyCode, OperationId, agency_code
from staydown.core.item import ACTORS, NewSighting, Refusal
from staydown.core.states import ItemState
from staydown.core.text import clean
from staydown.core.time import iso, parse
from staydown.flow import names
from staydown.ports import BadRow, Catalogue, Enclosed, Importer, Row
from staydown.ports.tools import Tools
from staydown.ports.work import Recorded, Work, WorkKind
from staydown.reason.numbers import Numbers
from staydown.reason.prose import several

BATCH = 10_000
"""Records in one transaction."""
MAX_DEPTH = 4
"""How deep files may lie in files: a list attached to a mail attached to a mail."""
AHEAD = timedelta(days=1)
"""How far in the future a sighting may claim to be before it is refused: clocks differ, dates do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What taking in a file did."""

    sightings: int  #: new records; a record that was known already is not counted
    items_new: int
    items_known: int
    refused: int
    refused_file: Path | None
    seconds: float
    agencies_new: tuple[AgencyCode, ...] = ()  #: codes nobody had used before


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What has to be known to read a file; it can be handed to another process."""

    path: Path
    agency: AgencyCode | None  #: whose records these are, where a record does not say
    now: datetime  #: for records without an instant, and against those that lie in the future
    file_sha256: str
    given: Mapping[str, str] = field(default_factory=dict)  #: columns by our field, as the user named them


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of a file: what can be stored, and what cannot."""

    good: Sequence[NewSighting]
    refused: Sequence[BadRow]


def record(work: Work, seen: Sequence[NewSighting], *, operation: OperationId | None = None) -> Recorded:
    """Store sightings and merge them into items.

    The same record twice stays one record, so a file can be taken in again at any time. Items that were
    gone or removed and are sighted again are looked at anew.
    """
    for code in work.people.add_agencies({one.agency for one in seen}):
        work.ledger.append("agency:code:added", f"agency:{code}", {"code": code})
    done = work.items.record(seen)
    touched = [*done.items_new, *done.items_known]
    if operation is not None:
        work.operations.add_items(operation, touched)
    for number, item, one in done.sightings:
        work.ledger.append(
            "item:sighting:recorded",
            f"item:{item}",
            {"agency": one.agency, "raw": one.identity.raw, "seen_at": iso(one.seen_at), "sighting": number},
        )
    numbered = {one.identity.key for one in seen if one.identity.stable_id and one.identity.kind in ACTORS}
    if numbered and done.items_new:
        names.prove(work, done.items_new)
    seen_again = {item for _, item, _ in done.sightings}.intersection(done.items_known)
    states = work.items.since(seen_again)
    away = [item for item, (state, _, _) in states.items() if state in {ItemState.GONE, ItemState.REMOVED}]
    work.queue.add(WorkKind.CHECK, away, due_at=work.now, priority=4)
    return done


def sighting(
    tools: Tools, row: Row, *, agency: AgencyCode | None, now: datetime, file_sha256: str
) -> NewSighting | Refusal:
    """One record of a file as a sighting, or why it is none."""
    return _seen(tools.catalogue, row, agency=agency, now=now, file_sha256=file_sha256)


def _seen(
    catalogue: Catalogue, row: Row, *, agency: AgencyCode | None, now: datetime, file_sha256: str
) -> NewSighting | Refusal:
    found = catalogue.identify(row.raw)
    if isinstance(found, Refusal):
        return found
    try:
        code = agency_code(row.agency) if row.agency.strip() else agency
        seen_at = parse(row.seen_at) if row.seen_at.strip() else None
    except Invalid as error:
        return Refusal(raw=row.raw, reason=str(error))
    if code is None:
        return Refusal(raw=row.raw, reason="no agency: neither in the record nor given")
    if seen_at is not None and seen_at > now + AHEAD:
        return Refusal(raw=row.raw, reason=f"{row.seen_at} lies in the future")
    note, confidence, sharing, raw = row.note, row.confidence, row.sharing, found.raw
    if not (text := f"{note}{confidence}{sharing}{raw}").isascii() or "\0" in text:
        note, confidence, sharing, raw = map(clean, (note, confidence, sharing, raw))
    told = (code, row.raw, row.seen_at or file_sha256, note, confidence, sharing)
    return NewSighting(
        identity=found if raw == found.raw else replace(found, raw=raw),
        agency=code,
        seen_at=seen_at or now,
        fingerprint=hashlib.sha256("\x1f".join(told).encode("utf-8", "surrogatepass")).digest()[:16],
        note=note,
        confidence=confidence,
        sharing=sharing,
    )


def take_in(
    tools: Tools,
    path: Path,
    *,
    importer: Importer,
    agency: AgencyCode | None,
    operation: OperationId | None = None,
    given: Mapping[str, str] | None = None,
    choose: Choose | None = None,
    progress: Callable[[int], None] | None = None,
    ahead: Callable[[Reading], Iterator[Batch]] | None = None,
) -> Intake:
    """Take in a whole file, as far as it is good.

    Each batch commits on its own and a record that is known changes nothing, so an import that was broken
    off goes on when it is started again. Records that cannot be taken go to `FILE.refused`.

    Args:
        given: Columns by our field, as the user named them; the others are guessed.
        choose: Finds the importer for a file inside the file; None: such files are refused.
        ahead: Reads the batches in place of `read`, such as in another process.

    Raises:
        Invalid: The file as a whole is not of its format.
        Outside: It cannot be read, or the refused records cannot be written.
        NotFound: There is no such operation.
    """
    started = monotonic()
    with tools.begin(write=False) as work:
        known_codes, now = {one.code for one in work.people.agencies()}, work.now
        if operation is not None:
            work.operations.get(operation)
    reading = Reading(path=path, agency=agency, now=now, file_sha256=hash_of(path), given=given or {})
    batches = ahead(reading) if ahead else read(tools.catalogue, importer, reading, choose or nothing_inside)
    new, known = Numbers(), Numbers()
    sightings = 0
    with _uncollected(), _RefusedFile(path, spare=tools.settings.home / "refused") as refused:
        for batch in batches:
            gc.collect(1)
            for bad in batch.refused:
                refused.add(bad.line, bad.text, bad.reason)
            with tools.begin() as work:
                done = record(work, batch.good, operation=operation)
            sightings += len(done.sightings)
            new.update(done.items_new)
            known.update(done.items_known)
            if progress:
                progress(len(batch.good) + len(batch.refused))
    with tools.begin(write=False) as work:
        codes = {one.code for one in work.people.agencies()}
    return Intake(
        sightings=sightings,
        items_new=len(new),
        items_known=known.without(new),
        refused=refused.count,
        refused_file=refused.path if refused.count else None,
        seconds=round(monotonic() - started, 3),
        agencies_new=tuple(sorted(codes - known_codes)),
    )


def columns_of(importer: Importer, path: Path, given: Mapping[str, str]) -> Mapping[str, str] | None:
    """The columns that will be read, by our names for them; None where there are none.

    Raises:
        Invalid: Columns were named that are not there, or of a format that has none.
    """
    told = importer.columns(path, given)
    if given and told is None:
        raise Invalid(f"the format {importer.name} has no columns to map", hint="Leave --map out.")
    return told


def nothing_inside(path: Path) -> Importer:
    """Knows no importer for a file inside a file.

    Raises:
        Invalid: Always.
    """
    raise Invalid("a file inside a file")


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing looks for cycles among some hundred thousand new objects that have none: an eighth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


Choose = Callable[[Path], Importer]
"""Finds the importer for a file inside a file; raises `Invalid` where there is none."""


def read(catalogue: Catalogue, importer: Importer, reading: Reading, choose: Choose) -> Iterator[Batch]:
    """The records of a file, identified, some thousands at a time.

    Raises:
        Invalid: The file as a whole is not of its format.
    """
    agency, now, file_sha256 = reading.agency, reading.now, reading.file_sha256
    for rows in _batches(_rows(importer, reading.path, reading.given, choose)):
        good: list[NewSighting] = []
        bad: list[BadRow] = []
        for row in rows:
            if isinstance(row, BadRow):
                bad.append(row)
                continue
            one = _seen(catalogue, row, agency=agency, now=now, file_sha256=file_sha256)
            if isinstance(one, Refusal):
                bad.append(BadRow(line=row.line, text=row.raw, reason=one.reason))
            else:
                good.append(one)
        yield Batch(good, bad)


def _rows(
    importer: Importer, path: Path, given: Mapping[str, str], choose: Choose, depth: int = 0
) -> Iterator[Row | BadRow]:
    """The records of a file and of the files inside it; a cell with several addresses is as many records."""
    for row in importer.read(path, given):
        if isinstance(row, Enclosed):
            yield from _inside(row, choose, depth + 1)
        elif isinstance(row, BadRow) or len(parts := several(row.raw)) == 1:
            yield row
        else:
            yield from (replace(row, raw=part) for part in parts)


def _inside(enclosed: Enclosed, choose: Choose, depth: int) -> Iterator[Row | BadRow]:
    """The records of a file inside a file, under the line of what encloses it."""
    try:
        if depth > MAX_DEPTH:
            raise Invalid(f"enclosed more than {MAX_DEPTH} times")
        for row in _rows(choose(enclosed.path), enclosed.path, {}, choose, depth):
            if isinstance(row, BadRow):
                yield replace(row, line=enclosed.line, reason=f"{enclosed.name}, {row.line}: {row.reason}")
            else:
                yield replace(row, line=enclosed.line, note=row.note or enclosed.name)
    except Invalid as error:
        yield BadRow(line=enclosed.line, text=enclosed.name, reason=f"not read: {error}")


def _batches(rows: Iterator[Row | BadRow]) -> Iterator[list[Row | BadRow]]:
    batch: list[Row | BadRow] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def hash_of(path: Path) -> str:
    """The SHA-256 of a file, in hex.

    Raises:
        Invalid: It does not exist, or is a folder.
        Outside: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except IsADirectoryError as error:
        raise Invalid(f"{path} is a folder", hint="Name a file.") from error
    except FileNotFoundError as error:
        raise Invalid(f"{path} does not exist", hint="Check the path.") from error
    except OSError as error:
        raise Outside(f"{path} cannot be read: {error.strerror}") from error


class _RefusedFile:
    """`FILE.refused`: line, reason and text of each record that was not taken, as CSV.

    Written beside its place and moved there at the end; a file without refusals leaves none behind. Where the
    file's own folder cannot be written to, it goes into the folder `spare`.
    """

    def __init__(self, source: Path, *, spare: Path) -> None:
        self.path = source.with_name(source.name + ".refused")
        self._spare = spare
        self.count = 0

    @property
    def _part(self) -> Path:
        return self.path.with_name(self.path.name + ".part")

    def __enter__(self) -> _RefusedFile:
        return self

    def add(self, line: int, text: str, reason: str) -> None:
        """One more record."""
        try:
            if not self.count:
                self._file = self._open()
                self._writer = csv.writer(self._file)
                self._writer.writerow(["line", "reason", "text"])
            self._writer.writerow([line, reason, _plain(text[:2000])])
        except OSError as error:
            raise Outside(f"{self.path} cannot be written: {error.strerror}") from error
        self.count += 1

    def _open(self) -> TextIO:
        try:
            return self._part.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        except OSError:
            self._spare.mkdir(parents=True, exist_ok=True)
            self.path = self._spare / self.path.name
            return self._part.open("w", encoding="utf-8", errors="backslashreplace", newline="")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.count:
            self._file.close()
            if kind is None:
                self._part.replace(self.path)
            else:
                self._part.unlink(missing_ok=True)
        elif kind is None:
            with suppress(OSError):  # an older one that no longer holds; nothing is lost if it stays
                self.path.unlink(missing_ok=True)


def _plain(text: str) -> str:
    """The text with control characters spelled out, and no formula for a spreadsheet to run."""
    spelled = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    return "'" + spelled if spelled[:1] in {"=", "+", "-", "@"} else spelled
