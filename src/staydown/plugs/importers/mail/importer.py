"""Mails (.eml) and mailboxes (.mbox): addresses in their texts and pages, and the lists attached to them.

A record's line is the number of its mail; its time is the mail's date, its note the subject, and its sharing level a
TLP word in the subject. What is attached is read by the importer for its format.
Source: RFC 5322, RFC 2045 to 2047, RFC 4155 (mbox).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from email import policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

from staydown.core.errors import Invalid
from staydown.core.time import iso
from staydown.ports import GUESSED, BadRow, Enclosed, Row
from staydown.reason.lines import decoded
from staydown.reason.prose import addresses_in

MAX_BYTES = 64 * 1024 * 1024
"""A larger mail is refused; a mailbox may be of any size."""
MAX_PARTS = 1_000
READ = frozenset({".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".stix", ".stix2", ".xlsx", ".xlsm", ".txt", ".text", ".md", ".log", ".html", ".htm", ".eml", ".mbox"})  # fmt: skip
"""Endings of attachments that somebody here reads."""
UNREADABLE = (ValueError, LookupError, RecursionError, AttributeError, TypeError, MessageError)
"""What the standard library's parser raises on mails that are none."""
MAX_LINE_BYTES = 1024 * 1024
MAX_SUBJECT = 2_000
_HEADER = re.compile(rb"(?:From |[!-9;-~]{1,76}:[ \t\r\n])")
_ENVELOPE = re.compile(rb"From \S{1,300} .{0,100}\d{4}\b")
_FLOWED = re.compile(r" \r?\n(?!-- )")
_QUOTED = re.compile(rb">+From ")
_TELLING = re.compile(
    rb"^(?:received|message-id|from|return-path|mime-version|delivered-to):", re.IGNORECASE | re.MULTILINE
)
_TLP = re.compile(r"\bTLP\s*[:_-]\s*(CLEAR|WHITE|GREEN|AMBER\+STRICT|AMBER|RED)\b", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class MailImporter:
    """Reads mails and mailboxes."""

    name: str = "mail"
    suffixes: tuple[str, ...] = (".eml", ".mbox", ".mbx")

    def sniff(self, path: Path, head: bytes) -> bool:
        """Whether it begins with the header of a mail, or as a mailbox does."""
        top = head.lstrip()[:8192].replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
        if not _HEADER.match(top):
            return False
        return len(_TELLING.findall(top)) >= 2

    def columns(self, path: Path, given: Mapping[str, str] = GUESSED) -> Mapping[str, str] | None:
        """None: the format has no columns."""
        return None

    def read(self, path: Path, given: Mapping[str, str] = GUESSED) -> Iterator[Row | BadRow | Enclosed]:
        """The addresses of every mail, and what is attached to it.

        Raises:
            Invalid: The file cannot be read, is empty, or holds no mail.
        """
        try:
            stream = path.open("rb")
        except OSError as error:
            raise Invalid(f"{path.name} cannot be read: {error.strerror}") from error
        count = found = 0
        with stream, tempfile.TemporaryDirectory(prefix="staydown-mail-") as folder:
            for content in _mails(stream):
                count += 1
                if content is None:
                    reason = f"the mail is larger than {MAX_BYTES // 2**20} MiB"
                    yield BadRow(line=count, text="", reason=reason)
                else:
                    for row in _rows(count, content, Path(folder)):
                        found += 1
                        yield row
        if not count:
            raise Invalid(f"{path.name} is empty", hint="The file holds no mail.")
        if not found:
            raise Invalid("no address in the mail", hint="The file holds no records.")


def _mails(stream: BinaryIO) -> Iterator[bytes | None]:
    """The mails of a file, one at a time; None in place of one that is too large.

    A file is a mailbox if it begins as one; and only where a line of the envelope comes before a header does a mail end.
    """
    lines: list[bytes] = []
    size, after_blank = 0, True
    following = stream.readline(MAX_LINE_BYTES)
    is_box = _ENVELOPE.match(following) is not None
    while line := following:
        following = stream.readline(MAX_LINE_BYTES)
        if is_box and after_blank and _ENVELOPE.match(line) and _HEADER.match(following):
            if lines:
                yield b"".join(lines) if size <= MAX_BYTES else None
            lines, size = [], 0
        else:
            size += len(line)
            if size <= MAX_BYTES:
                lines.append(line[1:] if is_box and _QUOTED.match(line) else line)
        after_blank = not line.strip()
    if lines and (size > MAX_BYTES or b"".join(lines[:50]).strip()):
        yield b"".join(lines) if size <= MAX_BYTES else None


def _rows(number: int, content: bytes, folder: Path) -> Iterator[Row | BadRow | Enclosed]:
    """The records of one mail."""
    try:
        mail = BytesParser(policy=policy.compat32).parsebytes(content)
        subject, seen_at = _subject(mail), _date(mail)
        sharing = f"TLP:{told[1].upper()}" if (told := _TLP.search(subject)) else ""
        parts = list(_leaves(mail))
    except UNREADABLE as error:
        yield BadRow(
            line=number,
            text=content[:200].decode("utf-8", "replace"),
            reason=f"no mail that can be read: {error}"[:200],
        )
        return
    met: set[str] = set()
    for at, part in enumerate(parts):
        if at >= MAX_PARTS:
            yield BadRow(line=number, text=subject[:200], reason=f"the mail has more than {MAX_PARTS} parts")
            return
        try:
            name = _name(part)
            is_text = part.get_content_maintype() in {"text", "multipart"} and (
                not name
                or (Path(name).suffix.lower() not in READ and part.get_content_disposition() != "attachment")
            )
            found, body = (list(_addresses(part)), b"") if is_text else ([], _body(part))
        except UNREADABLE as error:
            yield BadRow(
                line=number, text=subject[:200], reason=f"a part of the mail cannot be read: {error}"[:200]
            )
            continue
        if not is_text:
            yield from _attached(number, at, name, part.get_content_type(), body, folder)
        for address, words in found:
            if address not in met:
                met.add(address)
                note = f"{subject}: {words}" if subject and words else subject or words
                yield Row(line=number, raw=address, seen_at=seen_at, note=note[:500], sharing=sharing)


def _leaves(mail: Message) -> Iterator[Message]:
    """The parts of a mail that hold something; a mail within it stays whole."""
    if mail.is_multipart() and mail.get_content_type() != "message/rfc822":
        for part in mail.get_payload():
            if isinstance(part, Message):
                yield from _leaves(part)
    else:
        yield mail


def _addresses(part: Message) -> Iterator[tuple[str, str]]:
    text = _text(part)
    if part.get_content_type() == "text/html":
        from staydown.reason.saved import addresses_on

        yield from addresses_on(text)
        return
    if part.get_param("format") == "flowed":  # RFC 3676: a blank at the end of a line says that it goes on
        is_stuffed = str(part.get_param("delsp")).lower() == "yes"
        text = _FLOWED.sub("" if is_stuffed else " ", text)
    for line in text.splitlines():
        for address in addresses_in(line):
            yield address, ""


def _body(part: Message) -> bytes:
    """The bytes of an attached file, or of a mail within the mail."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        return _whole(inner[0]) if isinstance(inner, list) and inner else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _attached(
    number: int, at: int, name: str, media_type: str, body: bytes, folder: Path
) -> Iterator[BadRow | Enclosed]:
    """A file attached to a mail, laid out for its importer; pictures and the like name no address."""
    if media_type == "message/rfc822" and not name.lower().endswith(".eml"):
        name = f"{name or 'mail'}.eml"
    ending = Path(name).suffix.lower()
    if ending not in READ:
        if media_type.partition("/")[0] not in {"image", "audio", "video"}:
            reason = f"attachments of the type {media_type} are not read"
            yield BadRow(line=number, text=name or "an attachment", reason=reason)
        return
    if not body:
        yield BadRow(line=number, text=name, reason="the attachment is empty")
        return
    file = folder / f"{number}-{at}-{_UNSAFE.sub('_', Path(name).stem)[:60]}{ending}"
    file.write_bytes(body)
    try:
        yield Enclosed(line=number, name=name, path=file)
    finally:
        file.unlink(missing_ok=True)


def _whole(mail: object) -> bytes:
    """A mail inside another as a file of its own."""
    if not isinstance(mail, Message):
        return b""
    try:
        return mail.as_bytes()
    except UNREADABLE:  # it holds what no mail may, and is written as it can be
        return mail.as_string().encode("utf-8", "replace")


def _name(part: Message) -> str:
    """The file name of a part that is attached, without folders."""
    name = part.get_filename() or ""
    is_attached = part.get_content_disposition() == "attachment"
    return re.split(r"[/\\]", str(name))[-1].strip() or ("unnamed" if is_attached else "")


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return decoded(payload if isinstance(payload, bytes) else b"", part.get_content_charset())


def _subject(mail: Message) -> str:
    raw = str(mail.get("subject") or "")[:MAX_SUBJECT]
    try:
        text = str(make_header(decode_header(raw)))
    except (LookupError, MessageError, UnicodeError, ValueError):
        text = raw
    return " ".join(text.encode("utf-8", "replace").decode().split())[:300]


def _date(mail: Message) -> str:
    """When a mail says it was sent; empty where it says nothing that can be read."""
    try:
        at = parsedate_to_datetime(str(mail.get("date") or ""))
        return iso(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


IMPORTER = MailImporter()
