"""Verifying the signatures of a PDF: whether what was signed is what is there, by whom, and when."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from staydown.core.errors import Invalid
from staydown.paper import opening
from staydown.ports.paper import SignatureFinding

if TYPE_CHECKING:
    from asn1crypto.x509 import Certificate
    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
    from pyhanko_certvalidator import ValidationContext

_TRACES = re.compile(
    rb"/ByteRange|/ETSI\.CAdES|/Adobe\.PPKLite|/SigFlags|/DocTimeStamp|/FT\s*/Sig|/Type\s*/Sig\b"
)
"""What a signature leaves in a file, also where it is damaged beyond reading."""


def verify(pdf: bytes, roots: bytes) -> tuple[SignatureFinding, ...]:
    """What is found about every signature of a PDF.

    Args:
        roots: Trusted certificates in PEM; may be empty.

    Raises:
        Invalid: That is no PDF, or the roots are no certificates.
    """
    logging.getLogger("pyhanko").setLevel(logging.ERROR)  # what it warns of stands in the findings
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.ERROR)
    trusted = certificates(roots)
    reader = opening.opened(pdf)
    try:
        found = opening.guarded("the signatures", lambda: list(reader.embedded_signatures))
    except Invalid as error:
        return (_damaged("", str(error)),)
    if not found:
        return (
            (_damaged("", "there are traces of a signature, and none can be read"),)
            if _TRACES.search(pdf)
            else ()
        )
    findings = []
    for one in found:
        try:
            findings.append(opening.guarded("a signature", lambda one=one: _finding(one, trusted)))  # type: ignore[misc]
        except Invalid as error:
            findings.append(_damaged(str(one.field_name), str(error)))
    if (traced := len(re.findall(rb"/ByteRange", pdf))) > len(found):
        findings.append(
            _damaged("", f"there are traces of {traced} signatures, and {len(found)} can be read")
        )
    return tuple(findings)


def certificates(pem: bytes) -> list[Certificate]:
    """Certificates from PEM.

    Raises:
        Invalid: They are none.
    """
    from asn1crypto import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificates

    if not pem.strip():
        return []
    try:
        return [
            x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in load_pem_x509_certificates(pem)
        ]
    except ValueError as error:
        raise Invalid(
            f"the trusted roots are no certificates: {error}", hint="The file holds certificates in PEM."
        ) from error


def _damaged(name: str, why: str) -> SignatureFinding:
    return SignatureFinding(name=name, intact=False, whole=False, trusted=False, signer="", detail=why)


def _finding(one: EmbeddedPdfSignature, roots: list[Certificate]) -> SignatureFinding:
    from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko.sign.validation.settings import KeyUsageConstraints

    if one.sig_object_type == "/DocTimeStamp":
        stamps: Any = validate_pdf_timestamp(one, _context(roots, datetime.now(UTC)))
        return _found(one, stamps, stamps)
    moment = _stamped_at(one) or one.self_reported_timestamp or datetime.now(UTC)
    usage = KeyUsageConstraints(
        key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False
    )
    try:
        status: Any = validate_pdf_signature(
            one, _context(roots, moment), _context(roots, moment), key_usage_settings=usage
        )
    except SignatureValidationError as error:
        return _damaged(str(one.field_name), str(error))
    return _found(one, status, status.timestamp_validity)


def _found(one: EmbeddedPdfSignature, status: Any, stamp: Any) -> SignatureFinding:
    from pyhanko.sign.diff_analysis import ModificationLevel
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    level = status.modification_level
    whole = status.coverage is SignatureCoverageLevel.ENTIRE_FILE or (
        status.coverage is SignatureCoverageLevel.ENTIRE_REVISION
        and level in {ModificationLevel.LTA_UPDATES, ModificationLevel.FORM_FILLING}
    )
    return SignatureFinding(
        name=str(one.field_name),
        intact=bool(status.intact and status.valid) and (stamp is None or bool(stamp.intact and stamp.valid)),
        whole=whole,
        trusted=bool(status.trusted),
        signer=status.signing_cert.subject.human_friendly,
        claimed_at=None if stamp is status else _utc(status.signer_reported_dt),
        stamped_at=_utc(stamp.timestamp) if stamp else None,
        stamp_trusted=bool(stamp and stamp.trusted),
        detail="" if whole else "something was added to the file after it was signed",
    )


def _context(roots: list[Certificate], moment: datetime) -> ValidationContext:
    from pyhanko_certvalidator import ValidationContext

    return ValidationContext(
        trust_roots=roots, moment=moment, allow_fetching=False, revocation_mode="soft-fail"
    )


def _stamped_at(one: EmbeddedPdfSignature) -> datetime | None:
    """The instant in the time stamp, before anybody has checked it."""
    for attribute in one.signer_info["unsigned_attrs"] or ():
        if attribute["type"].native == "signature_time_stamp_token":
            token = attribute["values"][0]["content"]
            found = token["encap_content_info"]["content"].parsed["gen_time"].native
            return found if isinstance(found, datetime) else None
    return None


def _utc(instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
