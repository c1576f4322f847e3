"""The verifier that shares no code: it finds every forgery, and raises no false alarm."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tools import forgeries, verify_ledger

from staydown.flow import audit
from staydown.reason.checkpoint import Checkpoint, sign
from staydown.reason.merkle import leaf_hash, root_of
from support import Desk

ROOT = Path(__file__).parents[2]


@pytest.fixture
def exported(desk: Desk, tmp_path: Path) -> Path:
    """A ledger of some forty entries, given away."""
    for number in range(12):
        desk.sight(desk.show(f"name{number}"))
    out = tmp_path / "ledger.jsonl"
    with desk.store.begin(write=False) as work:
        audit.export(work, out, public=desk.store.public_key, details=True)
    return out


def found(lines: list[str], **more: object) -> bool:
    """Whether the verifier finds fault; one that stumbles has found none."""
    try:
        verify_ledger.check(lines, **more)  # type: ignore[arg-type]
    except verify_ledger.Unfit:
        return True
    return False


def test_a_clean_ledger_raises_no_alarm(exported: Path, desk: Desk) -> None:
    assert not found(exported.read_text().splitlines())
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tools" / "verify_ledger.py"),
            str(exported),
            "--key",
            desk.store.public_key.hex(),
            "--json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    with desk.store.begin(write=False) as work:
        ours = audit.verify(work, desk.app.vault, public=desk.store.public_key)
    assert (result["size"], result["root"]) == (ours.size, ours.root)
    assert result["exercise"] is True


def test_it_shares_no_code_with_the_package() -> None:
    text = (ROOT / "tools" / "verify_ledger.py").read_text()
    assert "staydown." not in text.replace("staydown.example", "")
    assert "import staydown" not in text


@pytest.fixture(scope="module")
def measured() -> dict[str, object]:
    """270 forgeries of 30 clean ledgers; `python -m tools.forgeries` makes ten thousand of a thousand."""
    return forgeries.measure(270, 30, seed=7)


def test_every_forgery_is_found_with_what_its_row_says(measured: dict[str, object]) -> None:
    assert (measured["forged"], measured["found"], measured["surprises"]) == (270, 270, [])
    assert measured["unreadable"] == 0
    assert set(measured["by_kind"]) == {  # type: ignore[call-overload]
        "edit",
        "delete",
        "swap",
        "insert",
        "duplicate",
        "truncate",
        "new root",
        "foreign key",
        "replayed checkpoint",
    }
    assert all(row["forged"] > 20 for row in measured["by_kind"].values())  # type: ignore[attr-defined]


def test_clean_ledgers_raise_no_alarm(measured: dict[str, object]) -> None:
    assert (measured["clean"], measured["false_alarms"]) == (30, 0)


def test_the_command_line_says_the_same(measured: dict[str, object]) -> None:
    assert measured["command_line"] == {"forged": [8] * 9, "clean": 0}


def test_a_blind_verifier_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The count of misses is no constant: without its signatures' check the verifier misses the foreign key."""
    monkeypatch.setattr(verify_ledger, "read_note", _unsigned)
    by_kind = forgeries.measure(18, 3, seed=7)["by_kind"]
    assert by_kind["foreign key"]["missed"] > 0  # type: ignore[index]


def test_a_verifier_that_stumbles_has_found_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted apart, and named as a surprise."""

    def stumbles(row: dict[str, object], number: int) -> bytes:
        if row["n"] != number:
            raise KeyError("a mistake of the verifier's own")
        return real(row, number)  # type: ignore[no-any-return]

    real = verify_ledger.check_entry
    monkeypatch.setattr(verify_ledger, "check_entry", stumbles)
    found = forgeries.measure(18, 3, seed=7)
    assert found["unreadable"] > 0  # type: ignore[operator]
    assert found["found"] == 18 - found["unreadable"]  # type: ignore[operator]
    assert any("unreadable" in line for line in found["surprises"])  # type: ignore[attr-defined]
    assert found["by_kind"]["delete"]["unreadable"] > 0  # type: ignore[index]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("entry", ["", "not base64!", "e30=", "W10=", "bm90IGpzb24=", "MQ==", "/w==", 5])
def test_an_entry_that_cannot_be_read_does_not_fit(exported: Path, entry: object) -> None:
    lines = exported.read_text().splitlines()
    for at in (1, 4):
        forged = [*lines[:at], json.dumps({**json.loads(lines[at]), "entry": entry}), *lines[at + 1 :]]
        with pytest.raises(verify_ledger.Unfit):
            verify_ledger.check(forged)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--key", "zz"), "argument --key: 'zz' is no public key of 64 hex digits"),
        (("--key", "00ff"), "argument --key: '00ff' is no public key of 64 hex digits"),
        (("--witness", "missing.txt"), "argument --witness: missing.txt cannot be read"),
    ],
)
def test_a_wrong_argument_is_named(
    exported: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, str], said: str
) -> None:
    """The export is not blamed for it."""
    with pytest.raises(SystemExit) as caught:
        verify_ledger.main([str(exported), *words])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def _unsigned(note: str, key: bytes, origin: str) -> tuple[int, bytes]:
    _, size, root = note.split("\n")[:3]
    return int(size), base64.b64decode(root)


def test_a_witness_from_before_the_change_sees_nothing(tmp_path: Path) -> None:
    """Said plainly: a kept checkpoint guards the entries up to its size, and none after them."""
    chance = random.Random(7)
    clean = next(one for one in forgeries.cleans(chance, tmp_path) if len(one.older) > 3)
    older = clean.older[1]
    book = forgeries.Book(clean)
    first = int(older.split("\n")[1])
    book.put(first, {**book.entry(first), "subject": "item:0"})
    book.sign(clean.key, changed_from=first)
    assert not forgeries.is_found(book.lines(), clean.public, [older])
    assert forgeries.is_found(book.lines(), clean.public, [clean.head])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_only_a_witness_sees_the_newest_entries_cut_off_with_the_key(exported: Path, desk: Desk) -> None:
    """Said plainly: who holds the operator's key and no earlier checkpoint can be shown a shorter past."""
    lines = exported.read_text().splitlines()
    head = json.loads(lines[0])
    entries = [line for line in lines if '"entry"' in line][:-3]
    leaves = [leaf_hash(base64.b64decode(json.loads(line)["entry"])) for line in entries]
    note = sign(Checkpoint(origin=head["origin"], size=len(leaves), root=root_of(leaves)), desk.store._key)
    shorter = [json.dumps({**head, "checkpoint": note, "size": len(leaves)}), *entries]
    assert not found(shorter)
    assert found(shorter, witnesses=[head["checkpoint"]])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_erased_details_raise_no_alarm(exported: Path) -> None:
    lines = []
    for line in exported.read_text().splitlines():
        row = json.loads(line)
        row.pop("salt", None)
        row.pop("detail", None)
        lines.append(json.dumps(row))
    assert not found(lines)


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"format": "staydown-ledger-1"}', "[]", "null"])
def test_what_is_no_export_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(text)
    assert verify_ledger.main([str(file)]) in {3, 8}
