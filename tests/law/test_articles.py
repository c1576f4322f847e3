"""The map of the law: what is marked as supported has code and tests, and every gap says why."""

from __future__ import annotations

import pytest
from tools.lawmap import Article, articles, cited_in, of

ARTICLES = articles()


@pytest.mark.parametrize("article", [one for one in ARTICLES if one.supported], ids=lambda one: one.cited_as)
def test_what_is_supported_has_code_and_a_test(article: Article) -> None:
    assert of(article, "code"), f"no code cites {article.cited_as}: cite it, or say in articles.toml why not"
    assert of(article, "tests"), f"no test cites {article.cited_as}: mark one with @law, or say why not"


def test_the_list_is_whole_and_every_gap_has_a_reason() -> None:
    assert len({one.cited_as for one in ARTICLES}) == len(ARTICLES) >= 100
    assert all(one.what for one in ARTICLES)
    assert all(len(one.reason) > 10 for one in ARTICLES if not one.supported)
    tco = {one.at.split("(")[0] for one in ARTICLES if one.act == "Regulation (EU) 2021/784"}
    assert tco >= {f"Art. {number}" for number in (*range(1, 22), 23) if number != 22}


ACT = "Regulation (EU) 2099/1"  # made up


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        (f"as {ACT} says.", [ACT]),
        (f"{ACT}, Art. 3(3).", ["Art. 3(3)"]),
        (f"{ACT}, Art. 3(7) and (8), and more", ["Art. 3(7)", "Art. 3(8)"]),
        (f"{ACT}, Art. 3(7) and 4(8)", ["Art. 3(7)", "Art. 4(8)"]),
        (f"{ACT}, Art. 4(3)-(6)", [f"Art. 4({n})" for n in (3, 4, 5, 6)]),
        (f"{ACT}, Art. 8(1)(a)-(c)", [f"Art. 8(1)({x})" for x in "abc"]),
        (f"{ACT}, Art. 12-14", ["Art. 12", "Art. 13", "Art. 14"]),
        (f"{ACT}, Art. 3(5), 15(1); other", ["Art. 3(5)", "Art. 15(1)"]),
        (f"{ACT}, recitals 36, 40", ["recital 36", "recital 40"]),
        (f"{ACT}, point 35", ["point 35"]),
        (f"{ACT}, Art. 5a(1)", ["Art. 5a(1)"]),
        ("Regulation 784, Art. 3", []),
    ],
)
def test_lists_and_ranges_are_taken_apart(text: str, cited: list[str]) -> None:
    assert cited_in(text) == {one if one == ACT else f"{ACT}, {one}" for one in cited}
