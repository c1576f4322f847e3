"""What the flow needs of paper: legal forms rendered, signed, verified and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from staydown.core.errors import Broken
from staydown.reason.formcheck import Checked
from staydown.reason.formfile import Form


class FormPlug(Protocol):
    """A legal form, as the entry points of `staydown.instruments` name it."""

    @property
    def name(self) -> str:
        """As requests and files name it."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it exists in."""

    @property
    def binding(self) -> bool:
        """Whether it creates a duty."""

    @property
    def form(self) -> Form:
        """Its fields, rules and words."""

    @property
    def sample(self) -> Mapping[str, object]:
        """A filled-in, made-up example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A form rendered three times over, from the same values."""

    form: str
    version: str
    language: str
    draft: bool  #: says DRAFT, NOT AN ORDER on every page and cannot be signed
    exercise: bool
    checked: Checked
    pdf: bytes
    json: bytes
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFinding:
    """What was found about one signature."""

    name: str  #: of the signature's field
    intact: bool  #: the signed bytes are as they were signed
    whole: bool  #: nothing was added to the file afterwards that the signature does not cover
    trusted: bool  #: the certificate leads to one of the roots that were given
    signer: str  #: as the certificate names it
    claimed_at: datetime | None = None  #: what the signer says
    stamped_at: datetime | None = None  #: what a time-stamp authority says
    stamp_trusted: bool = False
    detail: str = ""

    @property
    def is_broken(self) -> bool:
        """Whether what was signed is not what is there."""
        return not (self.intact and self.whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSheet:
    """What a PDF holds."""

    form: str
    version: str
    language: str
    draft: bool
    exercise: bool
    values: Mapping[str, object]  #: as they are attached; the same as were rendered
    checked: Checked
    same_on_paper: bool = False  #: the pages are, byte for byte, what the attached values give here
    signed: tuple[SignatureFinding, ...] = ()


class Paper(Protocol):
    """Makes, signs and reads legal forms on paper."""

    def render(
        self,
        form: str,
        values: Mapping[str, object],
        *,
        language: str,
        draft: bool = True,
        exercise: bool = False,
    ) -> Sheet:
        """Render a form as PDF, JSON and text.

        Raises:
            NotFound: No such form.
            Refused: The form does not exist in the language, or is not a draft and not complete.
            Invalid: It cannot be set.
        """

    def check(self, form: str, values: object) -> Checked:
        """What is missing or wrong.

        Raises:
            NotFound: No such form.
        """

    def sign(self, pdf: bytes, *, agency: str, at: datetime) -> bytes:
        """The PDF with the agency's signature (PAdES) and a time stamp (RFC 3161) added.

        Args:
            agency: Whose key signs; in an exercise one is made for it.
            at: The instant the signature claims; in an exercise also the time stamp's.

        Raises:
            Refused: It says DRAFT, or is no form of ours.
            Invalid: There is no key, or the settings name none.
            Outside: The key store or the time-stamp authority does not answer.
        """

    def verify(self, pdf: bytes, *, roots: bytes | None = None) -> tuple[SignatureFinding, ...]:
        """What is found about every signature.

        Args:
            roots: Certificates in PEM that are trusted; none: those of this home and its settings.

        Raises:
            Invalid: That is no PDF.
        """

    def read(self, pdf: bytes, *, roots: bytes | None = None) -> ReadSheet:
        """The values attached to a PDF of ours, and what is found about its signatures.

        Raises:
            Invalid: That is no PDF, or none of ours.
            NotFound: It holds a form that is not known here.
        """


class NoPaper:
    """Where nothing is put on paper."""

    def render(
        self,
        form: str,
        values: Mapping[str, object],
        *,
        language: str,
        draft: bool = True,
        exercise: bool = False,
    ) -> Sheet:
        """Refuse.

        Raises:
            Broken: Always.
        """
        raise Broken(f"there is nothing here to put a form on paper with ({form})")

    def check(self, form: str, values: object) -> Checked:
        """Refuse.

        Raises:
            Broken: Always.
        """
        raise Broken(f"there is nothing here to check a form with ({form})")

    def sign(self, pdf: bytes, *, agency: str, at: datetime) -> bytes:
        """Refuse.

        Raises:
            Broken: Always.
        """
        raise Broken("there is nothing here to sign with")

    def verify(self, pdf: bytes, *, roots: bytes | None = None) -> tuple[SignatureFinding, ...]:
        """Refuse.

        Raises:
            Broken: Always.
        """
        raise Broken("there is nothing here to verify a signature with")

    def read(self, pdf: bytes, *, roots: bytes | None = None) -> ReadSheet:
        """Refuse.

        Raises:
            Broken: Always.
        """
        raise Broken("there is nothing here to read a form with")
