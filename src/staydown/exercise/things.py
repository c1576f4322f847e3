"""What the world is made of: accounts, channels, posts, files and sites, all made up and harmless."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from staydown.exercise.draw import chance, pick, unit, weighted


class Role(StrEnum):
    """What a thing really is; only the world knows."""

    TERRORIST = "terrorist"  #: plays the part of an outlet's material
    EXEMPT = "exempt"  #: journalism, research or art that quotes it
    CLEAR = "clear"  #: a look-alike, a fan page, an everyday page


@dataclass(frozen=True, slots=True)
class Form:
    """One sort of thing at a provider: its kind, its path, and whether somebody runs it."""

    provider: str
    kind: str
    path: str
    is_actor: bool
    share: float


FORMS: tuple[Form, ...] = (
    Form("hearth", "channel", "/{name}", True, 0.20),
    Form("hearth", "post", "/{owner}/{number}", False, 0.10),
    Form("flock", "account", "/@{name}", True, 0.16),
    Form("flock", "post", "/@{owner}/{number}", False, 0.06),
    Form("reel", "channel", "/c/{name}", True, 0.05),
    Form("reel", "video", "/watch?v={code}", False, 0.06),
    Form("parcel", "file", "/f/{code}", False, 0.09),
    Form("quill", "account", "/b/{name}", True, 0.03),
    Form("quill", "paste", "/p/{code}", False, 0.05),
    Form("tortoise", "group", "/g/{name}", True, 0.05),
    Form("bastion", "account", "/u/{name}", True, 0.06),
    Form("lagoon", "account", "/u/{name}", True, 0.03),
    Form("lagoon", "video", "/v/{code}", False, 0.02),
    Form("barehost", "site", "/{site}/", True, 0.04),
)
ACTORS: tuple[Form, ...] = tuple(form for form in FORMS if form.is_actor)
MIRRORS: tuple[Form, ...] = tuple(
    form for form in FORMS if form.provider in {"parcel", "quill"} and not form.is_actor
)

_HEADS = (
    "qor",
    "vel",
    "tam",
    "zir",
    "nab",
    "lor",
    "fen",
    "dax",
    "mur",
    "yol",
    "kes",
    "bri",
    "oph",
    "sul",
    "wex",
    "jin",
)
_TAILS = (
    "vana",
    "meri",
    "tosk",
    "lund",
    "parr",
    "zeth",
    "quin",
    "doro",
    "habb",
    "isko",
    "rell",
    "umbo",
    "vask",
    "yent",
)
_WORDS = ("news", "media", "voice", "press", "daily", "signal", "archive", "studio", "post", "wire")
_VOICES = (
    "plain",
    "ornate",
    "hurried",
    "formal",
    "rhymed",
    "curt",
    "solemn",
    "chatty",
    "stern",
    "dry",
    "florid",
    "clipped",
)


@dataclass(slots=True)
class Span:
    """A time in which a thing is taken down or shut off."""

    since: datetime
    until: datetime | None
    why: str  #: referral, own-ban, own-deletion or region


@dataclass(slots=True)
class Thing:
    """One thing, with everything that is true about it."""

    number: int
    form: Form
    role: Role
    outlet: int
    operator: int  #: who runs it; kept over returns
    name: str
    path: str
    born: datetime
    purpose: str  #: education, journalism, art, research or counter-speech, where exempt
    ground: str
    voice: str
    avatar: str
    shared: tuple[str, ...]
    media: tuple[str, ...]
    followers: int
    posts_a_day: float
    owner: int | None = None  #: the thing it sits in
    parent: int | None = None  #: the thing it came back from
    mirror_of: int | None = None
    generation: int = 0
    spans: list[Span] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Its canonical place."""
        if self.form.provider == "barehost":
            return f"https://{self.name}.barehost.exercise.example/"
        return f"https://{self.form.provider}.exercise.example{self.path}"

    def span_at(self, at: datetime) -> Span | None:
        """Why it is away at an instant; None if it is there."""
        for span in self.spans:
            if span.since <= at and (span.until is None or at < span.until):
                return span
        return None

    def text(self) -> str:
        """What a reader sees. It says what part it plays, as the people of an exercise read it like anybody."""
        part = {
            Role.TERRORIST: f"This made-up page plays the part of material on ground {self.ground}.",
            Role.EXEMPT: f"This made-up page reports on such material for the purpose of {self.purpose}.",
            Role.CLEAR: "This made-up page plays the part of an everyday page.",
        }[self.role]
        return f"{part} Its voice is {self.voice}."


def stem(seed: int, *question: object) -> str:
    """A made-up word that nobody is called."""
    return pick(_HEADS, seed, "head", *question) + pick(_TAILS, seed, "tail", *question)


def handle(seed: int, *question: object) -> str:
    """A made-up handle."""
    return f"{stem(seed, *question)}{pick(_WORDS, seed, 'word', *question)}{int(unit(seed, 'no', *question) * 90) + 10}"


def successor(old: str, seed: int, *question: object) -> str:
    """The handle under which somebody comes back: template, one edit, suffix or unrelated."""
    way = weighted(
        (("template", 0.45), ("edit", 0.15), ("suffix", 0.15), ("unrelated", 0.25)), seed, "way", *question
    )
    bare = old.rstrip("0123456789")
    if way == "template":
        return f"{bare}{int(unit(seed, 'no', *question) * 900) + 100}"
    if way == "suffix":
        return f"{bare}{pick(('back', 'new', 'official'), seed, 'suffix', *question)}{int(unit(seed, 'no', *question) * 90) + 10}"
    if way == "edit":
        at = int(unit(seed, "at", *question) * len(bare))
        return f"{bare[:at]}{pick('aeioubdgkmnrst', seed, 'letter', *question)}{bare[at + 1 :]}{int(unit(seed, 'no', *question) * 900) + 100}"
    return handle(seed, "unrelated", *question)


def voice(seed: int, *question: object) -> str:
    """The tone of one operator: a person can tell it, no machine reads it."""
    first, second = pick(_VOICES, seed, "first", *question), pick(_VOICES, seed, "second", *question)
    return f"{first}, {second} and {int(unit(seed, 'pace', *question) * 900) + 100} words long"


def code(seed: int, *question: object) -> str:
    """A made-up id of eleven letters and digits."""
    text = hashlib.blake2b("\x1f".join(map(str, (seed, "code", *question))).encode(), digest_size=9).digest()
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "".join(letters[byte % len(letters)] for byte in text) + letters[text[0] % 7] + "x"


def picture(path: str) -> bytes:
    """A small real PNG, made from its own path: eight by eight coloured squares."""
    dots = hashlib.shake_256(path.encode()).digest(8 * 8 * 3)
    rows = b"".join(b"\x00" + dots[row * 24 : (row + 1) * 24] for row in range(8))
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def keeps(share: float, seed: int, *question: object) -> bool:
    """Whether a returning operator keeps something."""
    return chance(share, seed, "keeps", *question)
