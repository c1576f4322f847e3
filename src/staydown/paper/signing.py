"""Signing: a sheet gets an electronic signature (PAdES) with a time stamp (RFC 3161).

Source: Regulation (EU) 2021/784, Art. 3(4)(e): date, time stamp and electronic signature.
"""

from __future__ import annotations

import io
import threading
from datetime import datetime
from typing import TYPE_CHECKING

from staydown.core.errors import Invalid, Outside, Refused
from staydown.paper import opening
from staydown.paper.signers import let_go, token_errors

if TYPE_CHECKING:
    from pyhanko.pdf_utils.writer import BasePdfFileWriter
    from pyhanko.sign.signers import Signer
    from pyhanko.sign.signers.pdf_signer import PdfSigningSession
    from pyhanko.sign.timestamps import TimeStamper

ROOM_BYTES = 24 * 1024
"""Room kept for signature, certificates and time stamp, so that the authority need not be asked for a sample first."""
_turn = threading.Lock()
"""A token signs one thing at a time."""


def sign(pdf: bytes, signer: Signer, stamper: TimeStamper, *, at: datetime) -> bytes:
    """The sheet with one signature more; what was there stays as it was, byte for byte.

    Raises:
        Refused: It says DRAFT, NOT AN ORDER.
        Invalid: It is no sheet of ours, or cannot be signed.
        Outside: The key store or the time-stamp authority does not answer.
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.sign.fields import InvisSigSettings, SigFieldSpec, SigSeedSubFilter
    from pyhanko.sign.general import SigningError
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

    class Dated(PdfSigner):
        """Claims the instant it is given, not the machine's."""

        def init_signing_session(
            self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False
        ) -> PdfSigningSession:
            session = super().init_signing_session(pdf_out, existing_fields_only)
            session.system_time = at.replace(microsecond=0)
            return session

    refuse_drafts(pdf)
    # nothing is shown of it; where a page ends, neither PDF/A nor PDF/UA asks for an appearance or a tag
    unseen = InvisSigSettings(box_out_of_bounds=True)
    number = 1 + len(opening.guarded("the PDF", lambda: list(opening.opened(pdf).embedded_signatures)))
    name = f"Signature{number}"
    told = PdfSignatureMetadata(field_name=name, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    signed = io.BytesIO()
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
        with _turn:
            spec = SigFieldSpec(name, invis_sig_settings=unseen)
            Dated(told, signer, timestamper=stamper, new_field_spec=spec).sign_pdf(
                writer, output=signed, bytes_reserved=2 * ROOM_BYTES
            )
    except (SigningError, PdfError, ValueError) as error:
        raise Invalid(f"the PDF cannot be signed: {error}") from error
    except token_errors() as error:
        let_go(signer)
        raise Outside(f"the token does not sign: {type(error).__name__} {error}".strip()) from error
    except OSError as error:  # the library's word for a time-stamp authority that gives nonsense
        raise Outside(f"the time stamp did not come: {error}") from error
    return signed.getvalue()


def refuse_drafts(pdf: bytes) -> None:
    """Nothing is signed that says it is none.

    Raises:
        Refused: It says DRAFT, NOT AN ORDER.
        Invalid: It is no sheet of ours.
    """
    about, _ = opening.sheet_in(pdf)
    if about.get("draft") is not False:
        raise Refused(
            "a draft is not signed: it says DRAFT, NOT AN ORDER on every page",
            hint="Have it approved; what is approved is rendered anew, without those words, and signed then.",
        )
