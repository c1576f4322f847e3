"""Keys are stable: what is pinned stays, until the rules are raised on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools import keys

from staydown.reason import canon
from staydown.registry import load_rooms

RULES, PINNED = keys.read(keys.FILE)


def test_every_pinned_address_has_its_key() -> None:
    rooms = load_rooms()
    assert {raw: keys.key_of(rooms, raw) for raw in PINNED} == PINNED
    assert RULES == canon.RULES
    assert len(PINNED) > 1500


def test_a_change_of_keys_under_the_same_rules_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "keys.jsonl"
    file.write_text(
        f'{{"rules": {canon.RULES}}}\n["https://page.example/a", "web:page:page.example/other"]\n'
    )
    monkeypatch.setattr(keys, "FILE", file)
    monkeypatch.setattr("sys.argv", ["keys"])
    assert keys.main() == 1
    assert "raise RULES" in capsys.readouterr().err
    assert "other" in file.read_text()
    monkeypatch.setattr(keys, "RULES", canon.RULES + 1)
    assert keys.main() == 0
    assert '["https://page.example/a", "web:page:page.example/a"]' in file.read_text()
