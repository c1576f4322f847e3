"""`staydown form`, run as a person runs it: no home, JSON out, exit codes by sort of error."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from staydown.app import forms
from staydown.paper import PaperDesk
from staydown.paper.keys import Keys
from staydown.settings import Settings

ORDER: dict[str, Any] = dict(forms()["tco-annex-1"].sample)


def staydown(*words: str | Path, cwd: Path) -> tuple[int, list[dict[str, Any]], str]:
    done = subprocess.run(
        [sys.executable, "-m", "staydown", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done.returncode, rows, done.stderr


def written(folder: Path, body: object, name: str = "form.json") -> Path:
    file = folder / name
    file.write_text(json.dumps(body), encoding="utf-8")
    return file


def test_a_complete_form_is_said_to_be_so_and_no_home_is_made(tmp_path: Path) -> None:
    code, rows, _ = staydown("form", "check", written(tmp_path, ORDER), "--json", cwd=tmp_path)
    assert code == 0
    assert rows[0] | {"dropped": []} == {
        "form": "tco-annex-1", "version": "2021-05-17", "complete": True, "missing": [], "errors": [], "dropped": [],
    }  # fmt: skip
    assert [one.name for one in tmp_path.iterdir()] == ["form.json"]


def test_an_incomplete_form_is_said_to_be_so_with_exit_code_3(tmp_path: Path) -> None:
    values = {key: value for key, value in ORDER.items() if key != "d_copy_sent"} | {"e_email": "x"}
    code, rows, talk = staydown("form", "check", written(tmp_path, values), "--json", cwd=tmp_path)
    assert (code, rows[0]["complete"], rows[0]["missing"]) == (3, False, ["d_copy_sent"])
    assert rows[0]["errors"][0].startswith("e_email: ")
    assert "d_copy_sent: is missing" in talk


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 3), (b"{", 3), (b"[]", 3), (b"7", 3), (b'{"a": 1}', 3), (b'{"form": 7}', 3), (b'{"form": "none-such"}', 4),
        (b"\xff\xfe", 3), (b"[" * 200_000, 3), (b'{"form": "xarf", "confidence": ' + b"9" * 6000 + b"}", 3),
        (b'{"form": "tco-annex-1", "form": "tco-annex-2"}', 3), (b'{"form": "xarf", "confidence": NaN}', 3),
        (b'{"form": "tco-annex-1", "b_reasoning": "\\ud800"}', 3), (b"\xef\xbb\xbf" + json.dumps(ORDER).encode(), 0),
    ],
)  # fmt: skip
def test_odd_files_get_an_answer_and_no_traceback(body: bytes, code: int, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_bytes(body)
    for words in (("check",), ("render", "--to", "txt", "--out", "out.txt")):
        found, _, talk = staydown("form", words[0], "odd.json", *words[1:], "--json", cwd=tmp_path)
        assert "Traceback" not in talk
        assert "an error of this program" not in talk
        if words[0] == "check":
            assert found == code, talk


@pytest.mark.parametrize("to", ["pdf", "json", "txt"])
def test_a_form_is_rendered_as_a_draft_in_a_language(to: str, tmp_path: Path) -> None:
    file = written(tmp_path, ORDER)
    words = (
        "form",
        "render",
        file,
        "--to",
        to,
        "--language",
        "nl",
        "--out",
        tmp_path / f"out.{to}",
        "--json",
    )
    code, rows, _ = staydown(*words, cwd=tmp_path)
    assert (code, rows[0]["complete"]) == (0, True)
    body = (tmp_path / f"out.{to}").read_bytes()
    if to == "json":
        assert json.loads(body) == ORDER | {"version": "2021-05-17"}
    if to == "txt":
        assert body.decode().startswith(
            "*** CONCEPT, GEEN BEVEL / DRAFT, NOT AN ORDER ***\nVERWIJDERINGSBEVEL\n"
        )
    if to == "pdf":
        code, rows, _ = staydown("form", "read", tmp_path / "out.pdf", "--json", cwd=tmp_path)
        assert (code, rows[0]["draft"], rows[0]["language"], rows[0]["signed"]) == (0, True, "nl", [])
        assert rows[0]["values"] == {key: value for key, value in ORDER.items() if key != "form"}


def test_an_incomplete_form_is_rendered_with_what_is_missing_marked(tmp_path: Path) -> None:
    file = written(tmp_path, {"form": "tco-annex-2"})
    code, rows, _ = staydown(
        "form", "render", file, "--to", "txt", "--out", "out.txt", "--json", cwd=tmp_path
    )
    assert (code, rows[0]["complete"]) == (0, False)
    assert (tmp_path / "out.txt").read_text().count("TO BE FILLED IN") == len(rows[0]["missing"])


def test_wrong_usage_languages_and_places_have_codes_of_their_own(tmp_path: Path) -> None:
    file = written(tmp_path, ORDER)
    for words, code in (
        (("form", "render", file, "--to", "docx", "--out", "x"), 2),
        (("form", "render", file, "--to", "pdf"), 2),
        (("form", "render", file, "--to", "pdf", "--out", "x", "--language", "pl"), 5),
        (("form", "render", file, "--to", "pdf", "--out", "x", "--language", "Dutch!"), 3),
        (("form", "render", file, "--to", "pdf", "--out", tmp_path / "nowhere" / "x"), 7),
        (("form", "check", "nowhere.json"), 4),
        (("form", "read", file), 3),
        (("form", "schema", "none-such"), 4),
    ):
        found, _, talk = staydown(*words, cwd=tmp_path)
        assert found == code, (words, talk)
        assert "Traceback" not in talk


def test_forms_are_listed_and_their_schemas_printed(tmp_path: Path) -> None:
    code, rows, _ = staydown("form", "list", "--json", cwd=tmp_path)
    assert code == 0
    assert {row["form"] for row in rows} == set(forms())
    assert all({"en", "nl", "fr", "de", "es", "it"} <= set(row["languages"]) for row in rows)
    done = subprocess.run(
        [sys.executable, "-m", "staydown", "form", "schema", "tco-annex-2"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["properties"]["form"] == {"const": "tco-annex-2"}


def test_an_abuse_report_needs_no_word_of_ours(tmp_path: Path) -> None:
    report = {key: value for key, value in forms()["xarf"].sample.items() if key != "form"}
    code, rows, _ = staydown("form", "check", written(tmp_path, report), "--json", cwd=tmp_path)
    assert (code, rows[0]["form"]) == (0, "xarf")
    code, _, _ = staydown("form", "render", "form.json", "--to", "json", "--out", "out.json", cwd=tmp_path)
    assert code == 0
    assert json.loads((tmp_path / "out.json").read_bytes()) == report


def test_a_broken_signature_is_exit_code_8(tmp_path: Path) -> None:
    def nobody() -> Any:
        raise AssertionError("an exercise asks nobody outside")

    keys = Keys(tmp_path / "keys", Settings(home=tmp_path), nobody, lambda: True)
    desk = PaperDesk(forms(), keys)
    plain = desk.render("tco-annex-1", ORDER, language="en", draft=False)
    pdf = desk.sign(plain.pdf, agency="AA", at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    (tmp_path / "good.pdf").write_bytes(pdf)
    (tmp_path / "roots.pem").write_bytes(keys.roots())
    code, rows, _ = staydown("form", "read", "good.pdf", "--roots", "roots.pem", "--json", cwd=tmp_path)
    (found,) = rows[0]["signed"]
    assert (code, found["intact"], found["trusted"], found["stamped_at"]) == (
        0,
        True,
        True,
        "2026-03-02T09:00:00Z",
    )
    code, rows, _ = staydown("form", "read", "good.pdf", "--json", cwd=tmp_path)
    assert (code, rows[0]["signed"][0]["trusted"]) == (0, False)
    (tmp_path / "bad.pdf").write_bytes(pdf + b"\n% added")
    code, rows, talk = staydown("form", "read", "bad.pdf", "--json", cwd=tmp_path)
    assert (code, rows[0]["signed"][0]["whole"]) == (8, False)
    assert "is broken" in talk
