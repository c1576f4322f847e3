"""A request as a mail, with our own check that no header carries a second line in.

The standard library cannot be trusted with this: on CPython 3.11.7 an RFC 2047 encoded word that holds CR LF
comes out of `EmailMessage` as a real extra header. So every value is checked three times: as given, as it
reads when all encoded words are decoded, and in the bytes that will leave.
"""

from __future__ import annotations

import base64
import binascii
import json
import quopri
import re
from collections.abc import Mapping
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from staydown.core.errors import Invalid
from staydown.core.request import Parcel

BARRED = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029\ud800-\udfff]")
"""Controls (CR, LF, NUL, NEL among them), line and paragraph separators, lone surrogates."""
MAX_HEADER_CHARS = 800
MAX_NESTING = 5

_ENCODED_WORD = re.compile(r"=\?([^?\s]*)\?([^?\s]*)\?(.*?)\?=", re.DOTALL)
_RUN_OF_WORDS = re.compile(rf"{_ENCODED_WORD.pattern}(?:\s*{_ENCODED_WORD.pattern})*", re.DOTALL)
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]{1,240}@[!-;=?A-~]{1,240}>")
_MAILBOX = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,10}"
)
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_STRUCTURE = frozenset({"MIME-Version", "Content-Type", "Content-Transfer-Encoding"})


class _Headers(HeaderRegistry):
    """The standard registry makes a new class for each header of each mail; here each is made once."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, type] = {}

    def __getitem__(self, name: str) -> type:
        made = self._made.get(name.lower())
        if made is None:
            made = self._made[name.lower()] = super().__getitem__(name)
        return made


_POLICY = SMTP.clone(header_factory=_Headers())


def mailbox_of(text: str) -> str:
    """A mail address out of `mailto:x@y` or `x@y`.

    Raises:
        Invalid: It is none, or one with signs that no contact point needs.
    """
    address = text.strip().removeprefix("mailto:")
    if not _MAILBOX.fullmatch(address):
        raise Invalid(f"{text[:60]!r} is no mail address")
    return address


def checked(name: str, value: str) -> str:
    """A header's value, if neither it nor what it decodes to holds a line break or control.

    Raises:
        Invalid: It does, or it is longer than 800 characters; names the header.
    """
    if len(value) > MAX_HEADER_CHARS:
        raise Invalid(f"the header {name} is longer than {MAX_HEADER_CHARS} characters")
    text = value
    for _ in range(MAX_NESTING):
        if BARRED.search(text):
            raise Invalid(f"the header {name} holds a line break or a control character")
        decoded = _RUN_OF_WORDS.sub(_decoded, text)
        if decoded == text:
            return value
        text = decoded
    raise Invalid(f"the header {name} is encoded over and over")


def letter(parcel: Parcel, *, mail_from: str, at: datetime) -> bytes:
    """The mail, ready for DATA.

    Args:
        mail_from: The address in From; the issuing agency is the name beside it.
        at: What stands in Date.

    Raises:
        Invalid: An address, the reference, the Message-ID or a header is not fit to be sent.
    """
    if not _REFERENCE.fullmatch(parcel.reference):
        raise Invalid(f"{parcel.reference[:40]!r} is no reference that can stand in a header")
    if not _MESSAGE_ID.fullmatch(parcel.message_id):
        raise Invalid(f"{parcel.message_id[:60]!r} is no Message-ID")
    headers = {name: checked(name, value) for name, value in _headers(parcel).items()}
    mail = EmailMessage(policy=_POLICY)
    try:
        mail["From"] = _address("From", parcel.sender, mailbox_of(mail_from))
        mail["To"] = _address("To", parcel.addressee, mailbox_of(parcel.contact_point))
        mail["Date"] = format_datetime(at)
        for name, value in headers.items():
            mail[name] = value
            checked(name, str(mail[name]))
        mail.set_content(_text(parcel), cte="quoted-printable")
        listed = f"{parcel.reference}.items.json" if parcel.enclosures else f"{parcel.reference}.json"
        mail.add_attachment(_items(parcel), maintype="application", subtype="json", filename=listed)
        for one in parcel.enclosures:
            main, _, sub = one.media_type.partition(";")[0].partition("/")
            mail.add_attachment(one.body, maintype=main, subtype=sub, filename=checked("file name", one.name))
        raw = mail.as_bytes()
    except (ValueError, MessageError) as error:
        raise Invalid(f"the mail for {parcel.reference} cannot be written: {error}") from error
    _check_bytes(raw, {"From", "To", "Date", *headers}, parcel.reference)
    return raw


def _headers(parcel: Parcel) -> Mapping[str, str]:
    subject = parcel.subject
    if parcel.exercise and "EXERCISE" not in subject:
        subject = f"[EXERCISE] {subject}"
    if parcel.withdrawal:
        subject = f"Withdrawal: {subject}"
    if parcel.repeat:
        subject = f"[possible repeat of {parcel.reference}] {subject}"
    headers = {"Subject": subject, "Message-ID": parcel.message_id, "X-Staydown-Reference": parcel.reference}
    if parcel.repeat:
        headers["X-Staydown-Repeat"] = f"possible repeat of {parcel.reference}"
    if parcel.withdrawal:
        headers["X-Staydown-Withdrawal"] = parcel.reference
    if parcel.exercise:
        headers["X-Staydown-Exercise"] = "yes"
    return headers


def _address(header: str, name: str, mailbox: str) -> Address:
    return Address(display_name=checked(header, name), addr_spec=mailbox)


def _text(parcel: Parcel) -> str:
    lines = "".join(f"{line.number}\t{line.address}\n" for line in parcel.lines)
    whole = f"{parcel.text}\n{lines}".replace("\r\n", "\n").replace("\r", "\n")
    return whole.encode("utf-8", "replace").decode("utf-8")


def _items(parcel: Parcel) -> bytes:
    items = [{"number": line.number, "address": line.address} for line in parcel.lines]
    return json.dumps({"reference": parcel.reference, "items": items}).encode()


def _decoded(run: re.Match[str]) -> str:
    """What a run of encoded words stands for, word by word and, where it differs, joined as some readers do."""
    words = [(word.group(1).partition("*")[0], _raw(word)) for word in _ENCODED_WORD.finditer(run.group())]
    one_by_one = "".join(_text_of(raw, charset) for charset, raw in words)
    joined = _text_of(b"".join(raw for _, raw in words), words[0][0])
    return one_by_one if joined == one_by_one else one_by_one + joined


def _raw(word: re.Match[str]) -> bytes:
    """The bytes of one encoded word; where it does not decode, its own."""
    text = word.group(3).encode("utf-8", "replace")
    try:
        if word.group(2).lower() == "b":
            return base64.b64decode(text + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return text
    return quopri.decodestring(text, header=True)


def _text_of(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset or "ascii", "replace")
    except (LookupError, UnicodeError):
        return raw.decode("latin-1")


def _check_bytes(raw: bytes, expected: set[str], reference: str) -> None:
    """The bytes must have the headers we gave them, each once, and no other but those of the parts."""
    head = raw.partition(b"\r\n\r\n")[0]
    if re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", head):
        raise Invalid(f"the headers for {reference} hold a bare line break")
    lines = [line for line in head.split(b"\r\n") if not line[:1].isspace()]
    names = [line.partition(b":")[0].decode("latin-1") for line in lines]
    if sorted(name for name in names if name not in _STRUCTURE) != sorted(expected):
        raise Invalid(f"the mail for {reference} came out with other headers than it was given")
