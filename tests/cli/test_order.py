"""An order on the command line: each command says what it did, and a refusal says why and what is next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ordering import EMERGENCY, LONG, OFFICE, REPRESENTATIVE, WHOLE, ready
from staydown.cli.common import exit_code
from staydown.cli.main import app as command
from staydown.cli.order import read_json
from staydown.core.errors import Invalid, StaydownError
from staydown.core.time import iso
from support import Desk

KEY = "flock:account:some_one"


class Terminal:
    """Runs commands on a desk's home."""

    def __init__(self, desk: Desk, database: str | None, folder: Path) -> None:
        self.options = ["--home", str(desk.home), *(["--database", database] if database else [])]
        self.folder = folder

    def run(self, *words: str, code: int = 0) -> list[dict[str, object]]:
        """What a command printed as JSON."""
        ran = CliRunner().invoke(command, [*self.options, *words, "--json"])
        error = ran.exception
        got = exit_code(error) if isinstance(error, StaydownError) else ran.exit_code
        assert got == code, (words, ran.output, error)
        return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]

    def one(self, *words: str) -> dict[str, object]:
        """The one object a command printed."""
        (row,) = self.run(*words)
        return row

    def file(self, name: str, content: object) -> str:
        """A JSON file."""
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)


@pytest.fixture
def terminal(desk: Desk, database: str | None, tmp_path: Path) -> Terminal:
    """A terminal at a desk with an assessed item, an office and an authority."""
    one = Terminal(desk, database, tmp_path)
    office = {
        name: getattr(OFFICE, name)
        for name in OFFICE.__dataclass_fields__
        if name not in {"agency", "competences"} and getattr(OFFICE, name)
    }
    office["competences"] = sorted(word.value for word in OFFICE.competences)
    one.run("office", "set", one.file("office.json", office), "--as", "sam")
    one.run(
        "authority", "propose", "IE", "--name", "Made-up Authority", "--contact-point",
        "desk@mail.hearth.exercise.example", "--as", "sam",
    )  # fmt: skip
    one.run("authority", "confirm", "1", "--as", "sam", code=5)
    one.run("authority", "confirm", "1", "--as", "bob")
    ready(desk, desk.show("some_one"))
    return one


def test_an_order_from_footing_to_dossier(terminal: Terminal, desk: Desk, tmp_path: Path) -> None:
    said = {"reach": "public", "reasons": LONG, "whole": WHOLE, "emergency": EMERGENCY}
    file = terminal.file("said.json", said)
    rows = terminal.run("footing", KEY, "--said", file, "--as", "alice")
    assert [row["instrument"] for row in rows if row["standing"] == "suggested"] == ["referral"]
    drawn = terminal.one(
        "order", "draw", KEY, "--instrument", "tco-annex-1", "--said", file, "--representative", REPRESENTATIVE,
        "--as", "alice",
    )  # fmt: skip
    reference = str(drawn["reference"])
    seen = terminal.one("order", "show", reference)
    assert seen["complete"] is True
    terminal.run("order", "sign", reference, "--as", "sam", code=5)
    terminal.run("approve", reference, "--digest", str(seen["digest"]), "--as", "bob")
    terminal.run("order", "sign", reference, "--digest", "0" * 64, "--as", "sam", code=6)
    terminal.run("order", "sign", reference, "--digest", str(seen["digest"]), "--as", "sam")
    desk.work()
    (stands,) = terminal.run("orders", "--state", "running")
    assert stands["reference"] == reference
    out = tmp_path / "order.pdf"
    terminal.run("order", "paper", reference, "--to", "pdf-signed", "--out", str(out))
    assert out.read_bytes().startswith(b"%PDF")
    with desk.store.begin(write=False) as work:
        now = work.now
    annex = {
        "form": "tco-annex-2", "a_addressee": "Flock (simulated)", "a_authority": OFFICE.name, "a_authority_ref": reference,
        "a_received_at": iso(now), "b_measure": "disabled", "b_acted_at": iso(now), "c_hsp": "Flock (simulated)",
        "c_ms": "IE", "c_person": "A Made-Up Officer", "c_email": "desk@flock.example", "c_date": now.date().isoformat(),
    }  # fmt: skip
    told = terminal.one("order", "feedback", reference, terminal.file("a2.json", annex), "--as", "alice")
    assert told["order"] == "executed"
    done = terminal.one("order", "dossier", reference, "--out", str(tmp_path / "d.zip"), "--as", "sam")
    assert int(str(done["files"])) > 15
    (copy,) = terminal.run("letters", "--about", reference)
    assert copy["state"] == "sent"


def test_what_is_malformed_is_said_in_words(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("[1, 2")
    (tmp_path / "list.json").write_text("[1, 2]")
    for name, content in (
        ("unknown", {"raech": "public"}),
        ("type", {"reasons": 7}),
        ("word", {"reach": "everybody"}),
        ("when", {"secret_until": "tomorrow"}),
    ):
        terminal.run(
            "footing", KEY, "--said", terminal.file(f"{name}.json", content), "--as", "alice", code=3
        )
    for name in ("no.json", "list.json", "missing.json"):
        terminal.run("footing", KEY, "--said", str(tmp_path / name), "--as", "alice", code=3)
    terminal.run("footing", "flock:account:nobody", "--as", "alice", code=4)
    terminal.run("order", "draw", KEY, "--instrument", "no-such-form", "--as", "alice", code=4)
    terminal.run("order", "draw", KEY, "--instrument", "referral", "--as", "alice", code=4)
    terminal.run("order", "show", "SD-none", code=4)
    terminal.run("letter", "draw", "first-contact", "--to", "nobody", "--as", "alice", code=4)
    terminal.run("letter", "draw", "first-contact", "--as", "alice", code=3)
    terminal.run("office", "set", terminal.file("o.json", {"state": "BE"}), "--as", "sam", code=3)
    terminal.run(
        "order", "scrutiny", "SD-none", "--asked-by", "nobody", "--party", "x", "--reason", "y", code=3
    )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"reasons": "a\\ud800b"}', "half of a character"),
        (b'{"\\udfff": 1}', "half of a character"),
        (b'{"reasons": "a", "reasons": "b"}', "there twice"),
        (b'{"reasons": "\xff"}', "not UTF-8"),
        (b'["reasons"]', "no JSON object"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON|nested too deep"),
    ],
)
def test_json_that_could_be_read_in_two_ways_or_not_be_stored_is_refused(
    tmp_path: Path, body: bytes, says: str
) -> None:
    path = tmp_path / "said.json"
    path.write_bytes(body)
    with pytest.raises(Invalid, match=says):
        read_json(path)


def test_json_may_begin_with_a_mark_of_its_byte_order(tmp_path: Path) -> None:
    path = tmp_path / "said.json"
    path.write_bytes(b'\xef\xbb\xbf{"reasons": "caf\xc3\xa9 \\ud83d\\ude00"}')
    assert read_json(path) == {"reasons": "café 😀"}
    with pytest.raises(Invalid, match="there is no file"):
        read_json(tmp_path / "nowhere.json")
