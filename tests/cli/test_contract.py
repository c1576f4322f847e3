"""The command line keeps its word: fields, exit codes, and bad input that loses nothing good."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

Result = subprocess.CompletedProcess[str]


def staydown(home: Path, *words: str, stdin: str | None = None, limit: int | None = None) -> Result:
    """Run the real command in a process of its own; `limit` is the largest file it may write, in bytes."""

    def less_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit or 0, limit or 0))

    return subprocess.run(
        [sys.executable, "-m", "staydown", "--home", str(home), *words],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=less_room if limit else None,
    )


def one(result: Result) -> dict[str, object]:
    """The one JSON object a command printed."""
    (line,) = result.stdout.splitlines()
    return dict(json.loads(line))


def rows(result: Result) -> list[dict[str, object]]:
    """The JSON objects a command printed."""
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


GOOD = "https://good.example/page"


def csv_of(*records: str) -> bytes:
    return "\n".join(["url", *records, GOOD, ""]).encode()


BAD_FILES: dict[str, tuple[bytes, int, str]] = {
    "empty.csv": (b"", 3, "empty"),
    "wrong-columns.csv": (b"a,b\n1,2\n", 3, "columns found: a, b"),
    "duplicate-header.csv": (b"url,url\nhttps://x.example/,y\n", 3, "twice"),
    "broken.jsonl": (b'{"url": "https://x.example/\n', 3, ""),
    "not-a-zip.xlsx": (b"this is no workbook", 3, ""),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_list_gets_a_clear_error(home: Path, tmp_path: Path, name: str) -> None:
    body, code, words = BAD_FILES[name]
    (tmp_path / name).write_bytes(body)
    done = staydown(home, "intake", str(tmp_path / name), "--agency", "AA", "--json")
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


BAD_RECORDS: dict[str, bytes] = {
    "wrong-encoding": b"url\nhttps://x.example/\xff\xfe\n" + GOOD.encode() + b"\n",
    "nul": csv_of("https://x.example/\x00"),
    "ten-megabyte-line": csv_of("https://x.example/" + "a" * 10_000_000),
    "javascript": csv_of("javascript:alert(1)"),
    "file": csv_of("file:///etc/passwd"),
    "userinfo": csv_of("https://t.me@evil.example/x"),
    "private": csv_of("http://10.0.0.1/x"),
    "formula": csv_of("=HYPERLINK(1)"),
    "malformed-agency": f"url,agency\nhttps://x.example/,B@D\n{GOOD},AA\n".encode(),
    "from-the-future": f"url,seen_at\nhttps://x.example/,2999-01-01\n{GOOD},2026-01-01\n".encode(),
}


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_one_bad_record_never_stops_the_rest(home: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.csv"
    file.write_bytes(BAD_RECORDS[name])
    done = staydown(home, "intake", str(file), "--agency", "AA", "--json")
    found = one(done)
    assert done.returncode == 3
    assert (found["items_new"], found["refused"]) == (1, 1)
    refused = Path(str(found["refused_file"])).read_text(encoding="utf-8").splitlines()
    assert refused[0] == "line,reason,text"
    assert refused[1].startswith("2,")
    assert len(refused[1]) < 3000
    assert [row["address"] for row in rows(staydown(home, "items", "--json"))] == [GOOD]


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbfurl\r\nhttps://good.example/page\r\n",
        b"URL;note\nhttps://good.example/page;seen\rhttps://good.example/page;again\r\n",
        "url\nhttps://good.example/page\n".encode("utf-16"),
        b"https://good.example/page\n",
    ],
)
def test_what_spreadsheets_write_is_read(home: Path, tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(body)
    done = staydown(home, "intake", str(file), "--agency", "aa", "--json")
    assert done.returncode == 0, done.stderr
    assert one(done)["items_new"] == 1


def test_taking_a_file_in_again_adds_nothing(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("url,agency\n" + "".join(f"https://e.example/{n % 50},AA\n" for n in range(120)))
    first = one(staydown(home, "intake", str(file), "--agency", "AA", "--json"))
    second = one(staydown(home, "intake", str(file), "--agency", "AA", "--json"))
    assert (first["items_new"], first["sightings"]) == (50, 50)
    assert (second["items_new"], second["items_known"], second["sightings"]) == (0, 50, 0)
    assert set(first) >= {"sightings", "items_new", "items_known", "refused", "refused_file", "seconds"}


def test_a_full_disk_loses_nothing_good(home: Path, tmp_path: Path) -> None:
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    small.write_text(f"url\n{GOOD}\n")
    large.write_text("url\n" + "".join(f"https://e.example/{'x' * 200}/{n}\n" for n in range(4000)))
    assert staydown(home, "intake", str(small), "--agency", "AA").returncode == 0
    room = (home / "staydown.sqlite").stat().st_size + 200_000
    done = staydown(home, "intake", str(large), "--agency", "AA", limit=room)
    assert done.returncode == 7, done.stderr
    assert "Traceback" not in done.stderr
    assert [row["address"] for row in rows(staydown(home, "items", "--json"))] == [GOOD]
    assert one(staydown(home, "ledger", "verify", "--json"))["broken"] == []
    assert one(staydown(home, "intake", str(large), "--agency", "AA", "--json"))["items_new"] == 4000


def test_identify_keeps_order_and_exits_clean(home: Path) -> None:
    raws = [
        "https://t.me/s/Example_News/12",
        "javascript:1",
        "",
        "https://e.example/a?utm_source=x",
        "no address at all",
    ]
    done = staydown(home, "identify", "--json", stdin="\n".join(raws) + "\n")
    assert done.returncode == 0
    found = rows(done)
    assert [row["raw"] for row in found] == raws
    assert set(found[0]) >= {"raw", "key", "kind", "provider", "address", "container", "wraps", "refused"}
    assert [row["key"] is None for row in found] == [False, True, True, False, True]
    assert all(row["refused"] for row in found if row["key"] is None)
    assert found[0]["container"] == "telegram:channel:example_news"
    assert not home.exists(), "asking what an address names makes no home"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]:8080/"]
)
def test_the_guard_refuses_inside_addresses(home: Path, address: str) -> None:
    done = staydown(home, "check", address, "--json")
    assert done.returncode == 5
    found = one(done)
    assert found["verdict"] == "unclear"
    assert str(found["reason"]).startswith("refused: ")
    assert set(found) >= {"address", "verdict", "reason", "status", "seconds"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("no-such-command",), 2),
        (("intake",), 2),
        (("intake", "missing.csv", "--agency", "AA"), 3),
        (("intake", "missing.csv", "--agency", "?"), 3),
        (("items", "--state", "strange"), 3),
        (("status", "nothing"), 4),
        (("propose", "--as", "nobody"), 4),
        (("report", "nothing", "--out", "x.html"), 4),
        (("ledger", "prove", "99"), 4),
        (("propose",), 3),
        (("exercise", "advance", "1h"), 5),
        (("--database", "postgresql://x@127.0.0.1:1/x", "status"), 7),
        (("--database", "mysql://x/y", "status"), 3),
    ],
)
def test_exit_codes_by_whose_fault_it_is(home: Path, words: tuple[str, ...], code: int) -> None:
    done = staydown(home, *words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert code == 2 or "next: " in done.stderr


def test_a_broken_ledger_has_its_own_exit_code(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"url\n{GOOD}\n")
    staydown(home, "intake", str(file), "--agency", "AA")
    with sqlite3.connect(home / "staydown.sqlite") as store:
        store.execute(
            "UPDATE ledger_entries SET entry = replace(CAST(entry AS TEXT), 'item:1', 'item:2') WHERE n = 2"
        )
    done = staydown(home, "ledger", "verify", "--json")
    assert done.returncode == 8
    assert one(done)["broken"]
    assert set(one(done)) >= {"size", "root", "checked", "broken"}


def test_a_file_that_is_no_database_is_left_alone(home: Path) -> None:
    home.mkdir()
    (home / "staydown.sqlite").write_text("this is a letter, not a database, and longer than a header of one")
    done = staydown(home, "status")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "letter" in (home / "staydown.sqlite").read_text()


def test_an_unknown_setting_names_the_nearest(home: Path) -> None:
    home.mkdir()
    (home / "staydown.toml").write_text("lease_seconds = 4\n")
    done = staydown(home, "status")
    assert done.returncode == 3
    assert "lease_s" in done.stderr


def test_every_command_helps_with_an_example(home: Path) -> None:
    import typer.main

    from staydown.cli.main import app

    def leaves(command: object) -> list[object]:
        inner = getattr(command, "commands", None)
        return [command] if inner is None else [leaf for one in inner.values() for leaf in leaves(one)]

    for command in leaves(typer.main.get_command(app)):
        assert "Example: staydown" in (command.help or ""), command.name  # type: ignore[attr-defined]
    assert "Example" in staydown(home, "--help").stdout
