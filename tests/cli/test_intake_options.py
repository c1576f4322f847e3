"""Naming columns and looking ahead, as a user does it."""

from __future__ import annotations

from pathlib import Path

from cli.test_contract import one, rows, staydown


def test_a_dry_run_says_what_would_happen_and_changes_nothing(tmp_path: Path) -> None:
    home, listed = tmp_path / "home", tmp_path / "list.csv"
    listed.write_text(
        "Nr;Webseite;Datum\n1;https://t.me/made_up_name;2026-03-01\n2;hxxp://telegram[.]me/Made_Up_Name;2026-03-02\n"
        "3;https://page.example/a;\n4;nonsense;\n",
        encoding="utf-8",
    )
    words = ("intake", str(listed), "--agency", "AA", "--map", "url=Webseite", "--json")
    looked = staydown(home, *words, "--dry-run")
    told = one(looked)
    assert looked.returncode == 3
    assert (told["records"], told["items_new"], told["items_known"], told["refused"]) == (3, 2, 0, 1)
    assert told["columns"] == {"url": "Webseite", "first_seen": "Datum"}
    assert told["agencies_new"] == ["AA"]
    assert "columns: url from 'Webseite', first_seen from 'Datum'" in looked.stderr
    assert rows(staydown(home, "items", "--json")) == []
    assert not listed.with_name("list.csv.refused").exists()
    done = one(staydown(home, *words))
    assert (done["sightings"], done["items_new"], done["refused"]) == (3, 2, 1)
    again = one(staydown(home, *words, "--dry-run"))
    assert (again["items_new"], again["items_known"]) == (0, 2)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("Nr;Webseite\n1;https://page.example/a\n", encoding="utf-8")
    found = staydown(tmp_path / "home", "intake", str(listed), "--agency", "AA", "--map", "url=Website")
    assert found.returncode == 3
    assert "there is no column 'Website'" in found.stderr
    assert "Columns found: Nr, Webseite." in found.stderr
    text = tmp_path / "list.txt"
    text.write_text("https://page.example/a\n", encoding="utf-8")
    found = staydown(tmp_path / "home", "intake", str(text), "--agency", "AA", "--map", "url=x")
    assert (found.returncode, "has no columns to map" in found.stderr) == (3, True)
