"""Field by field: what the statutes' tables hold is in the data, in every rendition and language, read back, and checked.

The tables below are an independent copy: key, English label, and a value that cannot stand there. A field that falls out
of the data fails here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pypdfium2
import pytest

from staydown.app import forms
from staydown.paper import PaperDesk
from staydown.reason.formcheck import check
from support import law

FORMS = forms()
DESK = PaperDesk(FORMS)
LANGUAGES = ("de", "en", "es", "fr", "it", "nl")

ANNEX_1: Mapping[str, tuple[str, object]] = {
    "a_issuing_ms": ("Member State of the issuing competent authority", "US"),
    "a_addressee": ("Addressee and, where relevant, legal representative", 7),
    "a_legal_rep": ("Addressee and, where relevant, legal representative", ["x"]),
    "a_contact_point": ("Contact point", {"x": 1}),
    "a_establishment_ms": ("Member State where the hosting service provider has its main establishment or where its legal representative resides or is established", "US"),
    "a_issued_at": ("Time and date of issuing of the removal order", "2026-03-02T10:00:00"),
    "a_order_ref": ("Reference number of the removal order", "x" * 201),
    "b_locations": ("URL and any additional information enabling the identification and exact location of the terrorist content", ["no address"]),
    "b_types": ("Reasons for considering the material to be terrorist content, in accordance with point (7) of Article 2 of the Regulation. The material (please tick the relevant box(es))", ["2_7_f"]),
    "b_reasoning": ("Additional information for considering the material to be terrorist content", 1),
    "c_non_disclosure": ("must refrain from informing the content provider", "yes"),
    "d_cross_border": ("is other than the Member State of the issuing competent authority", False),
    "d_copy_sent": ("A copy of the removal order is sent to the competent authority of the Member State where the hosting service provider has its main establishment or where its legal representative resides or is established", False),
    "e_type": ("Type (please tick the relevant box)", "police"),
    "e_name": ("Name of the issuing competent authority", True),
    "e_representative": ("Name of its representative and post held (title and grade)", 1),
    "e_file_no": ("File No", 4),
    "e_address": ("Address", 12),
    "e_tel": ("Tel. No (country code) (area/city code)", "555 01 00"),
    "e_fax": ("Fax No (country code) (area/city code)", 5550100),
    "e_email": ("Email address", "desk(at)made-up.example"),
    "e_date": ("Date", "2026-03-03"),
    "e_stamp": ("Official stamp", 1),
    "e_signature": ("signature", 1),
    "f_feedback_contact": ("Contact details of the issuing competent authority for feedback on the time of removal or the disabling of access, or to provide further clarification", 1),
    "f_establishment_ca": ("Contact details of the competent authority of the Member State where the hosting service provider has its main establishment or where its legal representative resides or is established", 1),
    "g_body": ("Competent body or court before which the removal order can be challenged", 1),
    "g_deadline": ("Deadline for challenging the removal order (days/months starting from)", 30),
    "g_law_link": ("Link to provisions in national legislation", "the law"),
}  # fmt: skip
HEAD: Mapping[str, tuple[str, object]] = {
    "a_addressee": ("Addressee of the removal order", 1),
    "a_authority": ("Competent authority that issued the removal order", 1),
    "a_authority_ref": ("File reference of the competent authority that issued the removal order", 1),
    "a_addressee_ref": ("File reference of the addressee", 1),
    "a_received_at": ("Time and date of receipt of removal order", "2026-03-02 10:01"),
}
ANNEX_2: Mapping[str, tuple[str, object]] = HEAD | {
    "b_measure": (
        "Measures taken in compliance with the removal order (Please tick the relevant box)",
        "deleted",
    ),
    "b_acted_at": ("Time and date of the measure taken", "2026-03-02T09:00:00+01:00"),
    "c_hsp": ("Name of the hosting service provider", 1),
    "c_rep": ("Name of the legal representative of the hosting service provider", 1),
    "c_ms": ("Member State of main establishment of the hosting service provider", "Ireland"),
    "c_person": ("Name of the authorised person", 1),
    "c_email": ("Email address of the contact point", "x"),
    "c_date": ("Date", "02.03.2026"),
}
ANNEX_3: Mapping[str, tuple[str, object]] = HEAD | {
    "b_reasons": ("The removal order cannot be executed within the deadline for the following reasons (please tick the relevant box(es))", ["late"]),
    "b_explanation": ("Please provide further information as to the reasons for non-execution", 1),
    "b_clarification": ("If the removal order contains manifest errors and/or does not contain sufficient information, please specify the errors and the further information or clarification necessary", 1),
    "c_hsp": ("Name of the hosting service provider", 1),
    "c_rep": ("Name of the legal representative of the hosting service provider", 1),
    "c_person": ("Name of the authorised person", 1),
    "c_email": ("Contact details (email address)", "x"),
    "c_signature": ("Signature", 1),
    "c_at": ("Time and date", "2026-03-02T09:00:00+01:00"),
}  # fmt: skip
NOTICE: Mapping[str, tuple[str, object]] = {
    "a_explanation": ("explanation of the reasons why the information is alleged to be illegal content", 1),
    "b_locations": ("exact electronic location of that information", ["x"]),
    "c_name": ("Name of the individual or entity submitting the notice", 1),
    "c_email": ("Email address of the individual or entity submitting the notice", "x"),
    "d_good_faith": (
        "bona fide belief that the information and allegations contained in it are accurate and complete",
        False,
    ),
    "flagger_id": ("Trusted flagger", 1),
    "flagger_expertise": ("area of expertise", 1),
    "requested_action": ("Action asked for", 1),
    "urgency": ("Urgency", "now"),
    "language": ("Language", "english"),
    "no_tip_off": ("do not inform the recipient", "yes"),
}
ORDER: Mapping[str, tuple[str, object]] = {
    "i_legal_basis": ("legal basis under Union or national law", 1),
    "ii_reasons": ("why the information is illegal content", 1),
    "iii_authority": ("issuing authority", 1),
    "iv_locations": ("one or more exact URLs", ["x"]),
    "v_redress": ("redress mechanisms available to the provider of intermediary services and to the recipient of the service", 1),
    "vi_inform": ("Authority to receive the information about the effect given to the order", 1),
    "territorial_scope": ("Territorial scope of the order", 1),
    "language": ("Language of the order", "klingon"),
}  # fmt: skip
TABLES = {
    "tco-annex-1": ANNEX_1, "tco-annex-2": ANNEX_2, "tco-annex-3": ANNEX_3, "dsa-art-16": NOTICE, "dsa-art-9": ORDER,
}  # fmt: skip
EXTRA = {"dsa-art-16": {"c_exempt", "reference", "issued_at"}, "dsa-art-9": {"reference", "issued_at", "addressee", "contact_point", "signature"}}  # fmt: skip
CASES = [(name, key) for name, table in TABLES.items() for key in table]
FIXED = (
    "REMOVAL ORDER",
    "(Article 3 of Regulation (EU) 2021/784 of the European Parliament and of the Council)",
    "Pursuant to Article 3 of Regulation (EU) 2021/784 (the ‘Regulation’) the addressee of this removal order shall remove "
    "terrorist content or disable access to terrorist content in all Member States as soon as possible and in any event within "
    "one hour of receipt of the removal order.",
    "Pursuant to Article 6 of the Regulation the addressee shall preserve content and related data, which has been removed or "
    "access to which as been disabled, for six months or longer upon request from the competent authorities or courts.",
    "Pursuant to Article 15(2) of the Regulation, this removal order shall be sent in one of the languages designated by the "
    "addressee.",
    "Terrorist content to be removed or access to which is to be disabled in all Member States as soon as possible and in any "
    "event within one hour of receipt of the removal order",
    "A signature is not necessary if the removal order is sent through authenticated submission channels that can guarantee the "
    "authenticity of the removal order.",
    "incites others to commit terrorist offences, such as by glorifying terrorist acts, by advocating the commission of such "
    "offences (point (7)(a) of Article 2 of the Regulation)",
    "solicits others to commit or to contribute to the commission of terrorist offences (point (7)(b) of Article 2 of the Regulation)",
    "solicits others to participate in the activities of a terrorist group (point (7)(c) of Article 2 of the Regulation)",
    "provides instruction on the making or use of explosives, firearms or other weapons or noxious or hazardous substances, or on "
    "other specific methods or techniques for the purpose of committing or contributing to the commission of terrorist offences "
    "(point (7)(d) of Article 2 of the Regulation)",
    "constitutes a threat to commit one of the terrorist offences (point (7)(e) of Article 2 of the Regulation)",
    "(a copy of the removal order must be sent to the content provider, if requested)",
)


def marked(name: str) -> dict[str, object]:
    """A complete form in which every field of text holds a word of its own."""
    values = dict(FORMS[name].sample)
    for one in FORMS[name].form.fields:
        if one.kind in {"text", "long"} and not one.pattern:
            values[one.key] = f"MARK{one.key.replace('_', '')}"
        elif one.key not in values and one.kind == "phone":
            values[one.key] = "+32 2 555 01 99"
    return values


def squeezed(text: str) -> str:
    return re.sub(r"[\s|]+", "", text)


def pdf_text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "".join(squeezed(page.get_textpage().get_text_range()) for page in document)


@pytest.mark.parametrize("name", TABLES)
def test_no_field_is_there_that_the_statute_does_not_know(name: str) -> None:
    assert {one.key for one in FORMS[name].form.fields} == TABLES[name].keys() | EXTRA.get(name, set())


@pytest.mark.parametrize(("name", "key"), CASES)
def test_the_label_is_the_statutes(name: str, key: str) -> None:
    label = FORMS[name].form.words("en").labels.get(key) or "Language"
    note = FORMS[name].form.words("en").notes.get(key, "")
    assert TABLES[name][key][0].lower() in f"{label} {note}".lower()


@law("Regulation (EU) 2021/784, Annex I")
@pytest.mark.parametrize("words", FIXED, ids=[words[:24] for words in FIXED])
def test_the_annex_is_printed_word_for_word(words: str) -> None:
    sheet = DESK.render("tco-annex-1", FORMS["tco-annex-1"].sample, language="en", draft=False)
    assert squeezed(words) in squeezed(sheet.text)
    assert squeezed(words) in pdf_text(sheet.pdf)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TABLES)
def test_every_field_stands_in_every_rendition(name: str, language: str) -> None:
    form, values = FORMS[name].form, marked(name)
    sheet = DESK.render(name, values, language=language, draft=False)
    words, paper, text = form.words(language), pdf_text(sheet.pdf), squeezed(sheet.text)
    written = json.loads(sheet.json)
    for key in TABLES[name]:
        label = squeezed(words.labels.get(key) or "")
        assert label in paper, (key, "label in the PDF")
        assert label in text, (key, "label in the text")
        assert (key in written) == (key in values), (key, "value in the JSON")
        if isinstance(value := values.get(key), str):
            form_field = form.field(key)
            assert form_field is not None
            said = words.choices.get(key, {}).get(value, value)
            assert squeezed(said) in paper, (key, "value in the PDF")
            assert squeezed(said) in text, (key, "value in the text")
    for choices in words.choices.values():
        assert all(squeezed(choice) in paper and squeezed(choice) in text for choice in choices.values())
    assert DESK.read(sheet.pdf).values == sheet.checked.values


@pytest.mark.parametrize(("name", "key"), CASES)
def test_a_value_that_cannot_stand_there_is_named(name: str, key: str) -> None:
    wrong = TABLES[name][key][1]
    found = check(FORMS[name].form, dict(FORMS[name].sample) | {key: wrong})
    assert not found.complete
    assert any(error.startswith((f"{key}:", f"{key}[", f"{key}.")) for error in found.errors), found.errors
