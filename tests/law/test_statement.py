"""Statements of reasons, each judged by an oracle written from the table of the data base, in another way than the code."""

from __future__ import annotations

import datetime
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from staydown.app import forms
from staydown.reason.formcheck import check
from support import law

FORM, SAMPLE = forms()["dsa-statement"].form, dict(forms()["dsa-statement"].sample)
VIS = [f"DECISION_VISIBILITY_{one}" for one in ("CONTENT_REMOVED", "CONTENT_DISABLED", "CONTENT_DEMOTED", "CONTENT_AGE_RESTRICTED", "CONTENT_INTERACTION_RESTRICTED", "CONTENT_LABELLED", "OTHER")]  # fmt: skip
MON = [f"DECISION_MONETARY_{one}" for one in ("SUSPENSION", "TERMINATION", "OTHER")]
PRO = [f"DECISION_PROVISION_{one}" for one in ("PARTIAL_SUSPENSION", "TOTAL_SUSPENSION", "PARTIAL_TERMINATION", "TOTAL_TERMINATION")]  # fmt: skip
CON = [
    f"CONTENT_TYPE_{one}"
    for one in ("APP", "AUDIO", "IMAGE", "PRODUCT", "SYNTHETIC_MEDIA", "TEXT", "VIDEO", "OTHER")
]
STATES = [
    "AT",
    "BE",
    "BG",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HR",
    "HU",
    "IE",
    "IS",
    "IT",
    "LI",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "NO",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
]
CATEGORIES = ["STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY", "STATEMENT_CATEGORY_VIOLENCE", "STATEMENT_CATEGORY_CYBER_VIOLENCE", "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"]  # fmt: skip
ILLEGAL, TERMS = "DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT"

text = st.sampled_from(["made up", "x" * 500, "x" * 501, "y" * 2000, "y" * 2001, "z" * 5000, "z" * 5001])
day = st.sampled_from(["2026-03-02", "1999-12-31", "2000-01-01", "2019-12-31", "2020-01-01", "2038-01-01", "2038-01-02", "2026-02-30", "02/03/2026"])  # fmt: skip


def some(*words: str) -> st.SearchStrategy[object]:
    return st.lists(st.sampled_from([*words, "WRONG"]), min_size=1, max_size=3, unique=True)


def one(*words: str) -> st.SearchStrategy[object]:
    return st.sampled_from([*words, *words, "WRONG"])


GIVEN: dict[str, st.SearchStrategy[object]] = {
    "puid": st.sampled_from(["a-1_B", "a b", "x" * 500, "x" * 501, "é"]),
    "decision_visibility": some(*VIS), "decision_visibility_other": text, "decision_monetary": one(*MON),
    "decision_monetary_other": text, "decision_provision": one(*PRO),
    "decision_account": one("DECISION_ACCOUNT_SUSPENDED", "DECISION_ACCOUNT_TERMINATED"),
    "account_type": one("ACCOUNT_TYPE_BUSINESS", "ACCOUNT_TYPE_PRIVATE"), "decision_ground": one(ILLEGAL, TERMS),
    "decision_ground_reference_url": st.sampled_from(["https://law.example/a", "law", "https://law.example/" + "a" * 500]),
    "illegal_content_legal_ground": text, "illegal_content_explanation": text, "incompatible_content_ground": text,
    "incompatible_content_explanation": text, "incompatible_content_illegal": one("Yes", "No"), "content_type": some(*CON),
    "content_type_other": text, "category": one(*CATEGORIES), "category_addition": some(*CATEGORIES),
    "category_specification": some("KEYWORD_TERRORIST_CONTENT", "KEYWORD_ILLEGAL_ORGANIZATIONS", "KEYWORD_OTHER"),
    "category_specification_other": text, "territorial_scope": some("BE", "GR", "NO", "LI"),
    "content_language": st.sampled_from(["EN", "NL", "en", "XX", "ENG"]), "content_date": day, "application_date": day,
    "end_date_visibility_restriction": day, "end_date_monetary_restriction": day, "end_date_service_restriction": day,
    "end_date_account_restriction": day, "decision_facts": text,
    "source_type": one("SOURCE_ARTICLE_16", "SOURCE_TRUSTED_FLAGGER", "SOURCE_TYPE_OTHER_NOTIFICATION", "SOURCE_VOLUNTARY"),
    "source_identity": text, "automated_detection": one("Yes", "No"),
    "automated_decision": one("AUTOMATED_DECISION_FULLY", "AUTOMATED_DECISION_PARTIALLY", "AUTOMATED_DECISION_NOT_AUTOMATED"),
    "content_id": st.sampled_from([{"EAN-13": "1234567890123"}, {"EAN-13": "1"}, {"EAN": "1234567890123"}]),
    "content_id_ean": st.sampled_from(["1234567890123", "123"]),
}  # fmt: skip


def is_day(value: str, first: str, last: str) -> bool:
    try:
        return first <= datetime.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=datetime.UTC).strftime("%Y-%m-%d") <= last  # fmt: skip
    except ValueError:
        return False


def taken_in(s: dict[str, Any]) -> set[str]:
    """The fields that the data base takes in, given the others; the rest it drops in silence."""
    taken = set(s)
    ground, voluntary = s.get("decision_ground"), s.get("source_type") == "SOURCE_VOLUNTARY"
    if ground != ILLEGAL:
        taken -= {"illegal_content_legal_ground", "illegal_content_explanation"}
    if ground != TERMS:
        taken -= {
            "incompatible_content_ground",
            "incompatible_content_explanation",
            "incompatible_content_illegal",
        }
    if voluntary:
        taken -= {"source_identity"}
    for holder in ("decision_visibility", "decision_monetary", "content_type"):
        if f"{holder.upper()}_OTHER" not in (s.get(holder) or ()):
            taken -= {f"{holder}_other"}
    return taken


def accepted(s: dict[str, Any]) -> bool:
    """The table, read row by row: every `return False` is a row that says no."""
    taken, ground = taken_in(s), s.get("decision_ground")
    for holder in ("decision_visibility", "decision_monetary", "content_type"):
        if f"{holder.upper()}_OTHER" in (s.get(holder) or ()) and f"{holder}_other" not in taken:
            return False
    if not taken & {"decision_visibility", "decision_monetary", "decision_provision", "decision_account"}:
        return False
    if not taken >= {"puid", "decision_ground", "content_type", "category", "content_date", "application_date", "decision_facts", "source_type", "automated_detection", "automated_decision"}:  # fmt: skip
        return False
    if ground == ILLEGAL and not taken >= {"illegal_content_legal_ground", "illegal_content_explanation"}:
        return False
    if ground == TERMS and not taken >= {"incompatible_content_ground", "incompatible_content_explanation"}:
        return False
    lengths = dict.fromkeys(taken & {"decision_visibility_other", "decision_monetary_other", "decision_ground_reference_url", "illegal_content_legal_ground", "incompatible_content_ground", "content_type_other", "category_specification_other", "source_identity", "puid"}, 500)  # fmt: skip
    lengths |= dict.fromkeys(
        taken & {"illegal_content_explanation", "incompatible_content_explanation"}, 2000
    )
    lengths |= dict.fromkeys(taken & {"decision_facts"}, 5000)
    if any(len(s[key]) > most for key, most in lengths.items()):
        return False
    if any("WRONG" in (s[key] if isinstance(s[key], list) else [s[key]]) for key in taken):
        return False
    if not re.fullmatch(r"[A-Za-z0-9_-]+", s["puid"]):
        return False
    if "decision_ground_reference_url" in taken and "://" not in s["decision_ground_reference_url"]:
        return False
    if any(state not in STATES for state in s.get("territorial_scope", ())):
        return False
    if s.get("content_language", "EN") not in {"EN", "NL"}:
        return False
    if not is_day(s["content_date"], "2000-01-01", "2038-01-01"):
        return False
    if not is_day(s["application_date"], "2020-01-01", "2038-01-01"):
        return False
    if any(key.startswith("end_date") and not is_day(s[key], "0001-01-01", "2038-01-01") for key in taken):
        return False
    if "content_id" in taken and s["content_id"] != {"EAN-13": "1234567890123"}:
        return False
    return s.get("content_id_ean", "1234567890123") == "1234567890123"


@law("Regulation (EU) 2022/2065, Art. 24(5)")
@settings(max_examples=500, deadline=None)
@given(
    changes=st.fixed_dictionaries({}, optional=GIVEN),
    without=st.sets(st.sampled_from(sorted(SAMPLE)), max_size=2),
)
def test_a_statement_is_judged_as_the_data_base_judges_it(
    changes: dict[str, object], without: set[str]
) -> None:
    few = dict(list(changes.items())[:: max(1, len(changes) // 4)])
    statement = {key: value for key, value in (SAMPLE | few).items() if key not in without and key != "form"}
    found = check(FORM, statement)
    assert found.complete == accepted(statement), (found.missing, found.errors)
    if found.complete:
        assert set(found.dropped) == set(statement) - taken_in(statement)


def test_every_field_of_the_form_is_drawn() -> None:
    assert {one.key for one in FORM.fields} == set(GIVEN)


@law("Regulation (EU) 2022/2065, Art. 24(5)")
def test_the_main_category_is_taken_out_of_the_further_ones() -> None:
    main = SAMPLE["category"]
    found = check(FORM, SAMPLE | {"category_addition": [main, "STATEMENT_CATEGORY_VIOLENCE"]})
    assert found.complete
    assert found.values["category_addition"] == ["STATEMENT_CATEGORY_VIOLENCE"]
    assert "category_addition" not in check(FORM, SAMPLE | {"category_addition": [main]}).values


def test_greece_is_gr_here_too() -> None:
    assert check(FORM, SAMPLE | {"territorial_scope": ["GR"]}).complete
    assert "Greece is GR" in check(FORM, SAMPLE | {"territorial_scope": ["EL"]}).errors[0]
