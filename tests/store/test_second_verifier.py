"""The verifier that shares no code: it finds every forgery, and raises no false alarm."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tools import verify_ledger

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
    """Whether the verifier finds fault."""
    try:
        verify_ledger.check(iter(lines), **more)  # type: ignore[arg-type]
    except (verify_ledger.Unfit, ValueError, KeyError, TypeError):
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


def _entry_lines(lines: list[str]) -> list[int]:
    return [at for at, line in enumerate(lines) if '"entry"' in line]


@pytest.mark.parametrize(
    "forgery",
    ["edit", "delete", "swap", "insert", "duplicate", "truncate", "new-root", "foreign-key", "other-details"],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_forgery_is_found(exported: Path, forgery: str) -> None:
    clean = exported.read_text().splitlines()
    chance = random.Random(forgery)
    for _ in range(20):
        lines = list(clean)
        entries = _entry_lines(lines)
        at, other = chance.sample(entries, 2)
        head = json.loads(lines[0])
        match forgery:
            case "edit":
                row = json.loads(lines[at])
                entry = json.loads(base64.b64decode(row["entry"]))
                entry["subject"] += "0"
                text = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
                lines[at] = json.dumps({**row, "entry": base64.b64encode(text).decode()})
            case "delete":
                del lines[at]
            case "swap":
                lines[at], lines[other] = lines[other], lines[at]
            case "insert":
                lines.insert(at, lines[other])
            case "duplicate":
                lines.insert(at, lines[at])
            case "truncate":
                del lines[entries[-1]]
            case "new-root":
                wrong = base64.b64encode(chance.randbytes(32)).decode()
                lines[0] = json.dumps(
                    {
                        **head,
                        "checkpoint": head["checkpoint"].replace(head["checkpoint"].split("\n")[2], wrong),
                    }
                )
            case "foreign-key":
                key = Ed25519PrivateKey.generate()
                leaves = [leaf_hash(base64.b64decode(json.loads(lines[n])["entry"])) for n in entries]
                note = sign(Checkpoint(origin=head["origin"], size=len(leaves), root=root_of(leaves)), key)
                lines[0] = json.dumps({**head, "checkpoint": note})
            case "other-details":
                row = json.loads(lines[at])
                lines[at] = json.dumps({**row, "detail": base64.b64encode(b"{}x").decode()})
        assert found(lines), forgery


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
