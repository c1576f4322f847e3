"""prefill: what the store knows already is written into a form; a person adds what only a person can say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from staydown.core.errors import Invalid
from staydown.core.order import Authority, Competence, Office
from staydown.flow.footing import Said, layer_of
from staydown.law.holidays import zone_of
from staydown.law.matter import ABUSE_REPORT, NATIONAL_ORDER, NOTICE, TCO_ORDER, Layer
from staydown.reason import abusereport
from staydown.reason.rooms import ContactPoint, Room

Values = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a form about items of one provider is filled from."""

    reference: str
    office: Office
    room: Room
    contact: ContactPoint
    addressee: str
    addresses: Sequence[str]
    grounds: Sequence[str]  #: letters of Art. 2(7), each once
    hashes: Sequence[tuple[str, str]]  #: of what is kept: SHA-256 and media type; never the material
    kept_at: datetime | None = None  #: when it was last kept, so seen online
    said: Said
    issued_at: datetime
    language: str
    authority: Authority | None  #: of the state of establishment
    representative: str  #: name, post and grade of whoever certifies it
    file: str


def known_values(form: str, facts: Known) -> Values:
    """The fields of a form that follow from what is known; nothing for a form without such fields."""
    fill = {TCO_ORDER: _order, NOTICE: _notice, NATIONAL_ORDER: _national, ABUSE_REPORT: _report}.get(form)
    return {key: value for key, value in (fill(facts) if fill else {}).items() if value not in ("", None)}


FIXED: Mapping[str, frozenset[str]] = {
    TCO_ORDER: frozenset(
        [
            "a_issuing_ms",
            "a_addressee",
            "a_contact_point",
            "a_establishment_ms",
            "a_issued_at",
            "a_order_ref",
            "b_locations",
            "b_types",
            "b_reasoning",
            "c_non_disclosure",
            "d_cross_border",
            "d_copy_sent",
            "e_type",
            "e_name",
            "e_date",
            "e_signature",
            "f_establishment_ca",
            "g_body",
            "g_deadline",
            "g_law_link",
        ]
    ),
    NOTICE: frozenset(
        {
            "a_explanation",
            "b_locations",
            "c_name",
            "c_email",
            "d_good_faith",
            "flagger_id",
            "reference",
            "issued_at",
        }
    ),
    NATIONAL_ORDER: frozenset(
        {
            "i_legal_basis",
            "ii_reasons",
            "iii_authority",
            "iv_locations",
            "v_redress",
            "vi_inform",
            "territorial_scope",
            "language",
            "reference",
            "issued_at",
            "addressee",
            "contact_point",
        }
    ),
    ABUSE_REPORT: frozenset(
        {"report_id", "reporter", "sender", "url", "category", "type", "xarf_version", "timestamp"}
    ),
}
"""Fields that nobody writes by hand: they follow from the record."""


def merged(form: str, facts: Known, given: Mapping[str, object]) -> Values:
    """Known values with those that a person adds.

    Raises:
        Invalid: The person gives a field that follows from the record.
    """
    if fixed := sorted(FIXED.get(form, frozenset()) & set(given)):
        raise Invalid(
            f"{', '.join(fixed)}: these fields follow from the record and are not written by hand",
            hint="Leave them out; correct the item, the office or the provider's room where they are wrong.",
        )
    return {**known_values(form, facts), **given}


def _order(k: Known) -> Values:
    home = k.room.establishment or "none"
    union = _home(k) or "none"
    crosses = union not in {"none", k.office.state}
    local = k.issued_at.astimezone(zone_of(k.office.state))
    return {
        "a_issuing_ms": k.office.state,
        "a_addressee": k.addressee,
        "a_legal_rep": f"legal representative in {k.room.representative}"
        if home != union and union != "none"
        else "",
        "a_contact_point": k.contact.address,
        "a_establishment_ms": union,
        "a_issued_at": local.isoformat(timespec="seconds"),
        "a_order_ref": k.reference,
        "b_locations": [{"url": address} for address in k.addresses],
        "b_types": [f"2_7_{letter}" for letter in sorted(k.grounds)],
        "b_reasoning": _reasons(k),
        "c_non_disclosure": k.said.secret_until is not None,
        "d_cross_border": crosses,
        "d_copy_sent": crosses,
        "e_type": k.office.kind,
        "e_name": k.office.name,
        "e_representative": k.representative,
        "e_file_no": k.file or k.reference,
        "e_address": k.office.address,
        "e_tel": k.office.tel,
        "e_fax": k.office.fax,
        "e_email": k.office.email,
        "e_date": local.date().isoformat(),
        "e_signature": "PAdES (ETSI EN 319 142)",
        "f_feedback_contact": k.office.feedback or k.office.email,
        "f_establishment_ca": f"{k.authority.name}, {k.authority.contact_point}"
        if crosses and k.authority
        else "",
        "g_body": k.office.redress_body,
        "g_deadline": k.office.redress_deadline,
        "g_law_link": k.office.redress_law,
    }


def _home(k: Known) -> str | None:
    from staydown.law.states import EU

    return k.room.establishment if k.room.establishment in EU else k.room.representative


def _reasons(k: Known) -> str:
    """The authority's own words; why the twelve hours cannot be waited for, and what covers the whole, among them."""
    return "\n\n".join(
        part.strip() for part in (k.said.reasons, k.said.whole, k.said.emergency) if part.strip()
    )


def _notice(k: Known) -> Values:
    flags = Competence.TRUSTED_FLAGGER in k.office.competences
    return {
        "a_explanation": _reasons(k),
        "b_locations": [{"url": address} for address in k.addresses],
        "c_name": k.office.name,
        "c_email": k.office.email,
        "d_good_faith": k.said.good_faith,
        "flagger_id": k.office.flagger_id if flags else "",
        "flagger_expertise": k.office.expertise if flags else "",
        "language": k.language,
        "reference": k.reference,
        "issued_at": k.issued_at.isoformat(timespec="seconds"),
    }


def _national(k: Known) -> Values:
    office = k.office
    redress = ", ".join(filter(None, (office.redress_body, office.redress_deadline, office.redress_law)))
    return {
        "i_legal_basis": k.said.basis or office.legal_basis,
        "ii_reasons": _reasons(k),
        "iii_authority": ", ".join(filter(None, (office.name, office.address, office.email))),
        "iv_locations": [{"url": address} for address in k.addresses],
        "v_redress": redress,
        "vi_inform": office.feedback or office.email,
        "territorial_scope": k.said.scope,
        "language": k.language,
        "reference": k.reference,
        "issued_at": k.issued_at.isoformat(timespec="seconds"),
        "addressee": k.addressee,
        "contact_point": k.contact.address,
    }


def _report(k: Known) -> Values:
    """One incident, as XARF has it: the office reports and sends it itself.

    Raises:
        Invalid: The office's mail address has no public domain, by which receivers know a reporter.
    """
    who = abusereport.party(k.office.name, k.office.email)
    if not who["domain"]:
        raise Invalid(
            f"{k.office.email or 'no mail address'} of {k.office.agency} has no public domain to be known by",
            hint="Correct email in the office: staydown office set FILE.",
        )
    host = {Layer.HOSTING, Layer.CLOUD}
    return {
        "xarf_version": "4.2.0",
        "report_id": abusereport.report_id(k.office.agency, k.reference, k.issued_at.isoformat()),
        "timestamp": _instant(k.issued_at),
        "reporter": who,
        "sender": who,
        **abusereport.place(k.addresses[0]),
        "category": "content",
        "type": "terrorist_content",
        "url": k.addresses[0],
        "verified_at": _instant(k.kept_at) if k.kept_at else None,
        "verification_method": "automated_crawler" if k.kept_at else None,
        "hosting_provider": k.room.title if layer_of(k.room) in host else None,
        "description": abusereport.shortened(_reasons(k), abusereport.DESCRIPTION),
        "tags": ["content:terrorist", *(f"law:tco-2-7-{letter}" for letter in sorted(k.grounds))],
        "evidence_source": "researcher_analysis",
        "evidence": abusereport.evidence(k.hashes) or None,
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
