"""The values of an abuse report are right for every host, and say nothing that is not known."""

from __future__ import annotations

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.app import forms
from staydown.reason import abusereport
from staydown.reason.formcheck import check

FORM = forms()["xarf"].form
SAMPLE = {key: value for key, value in forms()["xarf"].sample.items() if key != "form"}
OWN = ("source_identifier", "source_port", "domain")


def complete(**changes: object) -> bool:
    return check(FORM, {**SAMPLE, **changes}).complete


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://site.example/a", {"source_identifier": "site.example", "domain": "site.example"}),
        ("https://a.site.example:8443/", {"source_identifier": "a.site.example", "source_port": 8443, "domain": "a.site.example"}),
        ("https://site.example./", {"source_identifier": "site.example.", "domain": "site.example"}),
        ("http://192.0.2.7/a", {"source_identifier": "192.0.2.7"}),
        ("http://[2001:db8::1]:8080/a", {"source_identifier": "2001:db8::1", "source_port": 8080}),
        ("https://xn--bcher-kva.example/", {"source_identifier": "xn--bcher-kva.example"}),
        ("https://a.xn--p1ai/", {"source_identifier": "a.xn--p1ai"}),
        ("https://under_score.example/", {"source_identifier": "under_score.example"}),
        ("http://localhost/", {"source_identifier": "localhost"}),
        ("tg:channel:7", {"source_identifier": "tg:channel:7"}),
        ("https://[broken/", {"source_identifier": "https://[broken/"}),
        ("https://site.example:99999/", {"source_identifier": "https://site.example:99999/"}),
    ],
)  # fmt: skip
def test_a_domain_is_named_only_where_the_standard_takes_it(address: str, found: dict[str, object]) -> None:
    assert abusereport.place(address) == found
    bare = {key: value for key, value in SAMPLE.items() if key not in OWN}
    assert check(FORM, bare | found).complete


def test_the_patterns_are_those_of_the_form() -> None:
    fields = {one.key: one for one in FORM.fields}
    (named,) = (part.pattern for part in fields["reporter"].parts if part.key == "domain")
    assert fields["domain"].pattern == f"^{abusereport.DOMAIN.pattern}$"
    assert named == f"^{abusereport.HOSTNAME.pattern}$"


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("desk@Police.Example", "police.example"),
        ("desk@b\u00fccher.example", "xn--bcher-kva.example"),
        ("desk@localhost", ""),
        ("desk@192.0.2.7", ""),
        ("desk@a..example", ""),
        ("", ""),
    ],
)
def test_reporter_and_sender_are_known_by_the_domain_of_their_mail(email: str, domain: str) -> None:
    assert abusereport.party("Made-up Unit", email) == {
        "org": "Made-up Unit", "contact": email, "domain": domain,
    }  # fmt: skip


@given(
    st.lists(st.tuples(st.binary(min_size=32, max_size=32).map(bytes.hex), st.text(max_size=60)), max_size=30)
)
def test_evidence_is_text_with_hashes_whatever_a_server_calls_its_media(kept: list[tuple[str, str]]) -> None:
    found = abusereport.evidence(kept)
    assert complete(evidence=found)
    assert bool(found) is bool(kept)
    lines = [line for one in found for line in base64.b64decode(str(one["payload"])).decode().splitlines()]
    assert {line.split()[0] for line in lines} == {f"sha256:{sha256}" for sha256, _ in kept}


def test_many_hashes_fit() -> None:
    kept = [(f"{at:064x}", "text/html; charset=utf-8") for at in range(2000)]
    found = abusereport.evidence(kept)
    assert complete(evidence=found)
    body = base64.b64decode(str(found[0]["payload"])).decode()
    assert body.endswith(f"and {2000 - abusereport.HASHES_AT_MOST} more\n")


@given(st.text(max_size=1300))
def test_a_long_description_is_cut_between_words_and_says_so(text: str) -> None:
    found = abusereport.shortened(text, abusereport.DESCRIPTION)
    assert len(found) <= abusereport.DESCRIPTION
    assert found == text.strip() or found.endswith("[...]")


def test_the_number_of_a_report_is_its_own_and_of_the_shape_of_a_random_one() -> None:
    found = abusereport.report_id("BE", "SD-1-000001")
    assert uuid.UUID(found).version == 4
    assert found == abusereport.report_id("BE", "SD-1-000001")
    assert found != abusereport.report_id("NL", "SD-1-000001")
