"""Broken files of every format, read to the end: a few hundred of the many that `tools/fuzz.py` makes."""

from __future__ import annotations

import json

import pytest
from tools import fuzz

FORMATS = ("csv", "html", "jsonl", "mail", "misp", "stix", "text", "xlsx")


@pytest.mark.parametrize("name", FORMATS)
def test_broken_files_give_records_refusals_or_one_clear_error(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fuzz._run(name, 300, seed=5) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["files"] == figures.get("files_read", 0) + figures.get("files_refused", 0) == 300
    assert figures["records"] > 0  # enough of them stay readable to try what comes after the format


def test_what_is_thrown_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def read(*_: object) -> object:
        raise KeyError("an error that nobody expects")

    monkeypatch.setattr(fuzz, "read", read)
    assert fuzz._run("csv", 3, seed=5) == 1
    assert json.loads(capsys.readouterr().out)["unhandled"] == 3
