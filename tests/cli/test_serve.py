"""The server as a process of its own: where it listens, what it believes, how it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2


@dataclass
class Served:
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return httpx2.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=20)

    def raw(self, *lines: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as line:
            line.sendall("\r\n".join(lines).encode("latin-1"))
            got = b""
            while block := line.recv(65_536):
                got += block
        return got

    def ended(self) -> list[dict[str, object]]:
        """Stop it; gives its log."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


def _command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "staydown", "--home", str(home), *words]


@contextmanager
def _serving(home: Path, *words: str) -> Iterator[Served]:
    if not home.exists():
        subprocess.run(_command(home, "init", "--exercise"), check=True, capture_output=True)
    log = home.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(_command(home, "serve", "--port", "0", *words), stderr=out)
    try:
        while not (found := re.search(r"listening on 127\.0\.0\.1 port (\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield Served(int(found.group(1)), process, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_it_serves_works_and_ends_in_order(tmp_path: Path) -> None:
    with _serving(tmp_path / "home") as served:
        assert served.get("/health/alive").json() == {"alive": True}
        assert served.get("/health/ready").json()["ready"]
        assert not served.get("/health/behind").json()["behind"]
        assert served.get("/v1/items").status_code == 401
        log = served.ended()
        assert served.process.returncode == 0
    calls = [line for line in log if line.get("event") == "http.answered"]
    assert {line["route"] for line in calls} >= {"/health/alive", "/v1/items"}
    assert all(re.fullmatch(r"[0-9a-f]{16}", str(line["request"])) for line in calls)


def test_alive_ready_and_behind_are_three_questions(tmp_path: Path) -> None:
    """With nobody at work the process is alive and ready, and behind."""
    from datetime import timedelta

    from staydown.app import open_app
    from staydown.ports.work import WorkKind

    home = tmp_path / "home"
    with _serving(home, "--no-work") as served:
        app = open_app(home)
        with app.store.begin() as work:
            work.queue.add(WorkKind.CHECK, [1], due_at=work.now - timedelta(hours=1))
        app.close()
        late = served.get("/health/behind")
        assert (late.status_code, late.json()["behind"], late.json()["waiting"]) == (503, True, 1)
        assert served.get("/health/ready").status_code == 200
        assert served.get("/health/alive").status_code == 200


def test_metrics_stand_apart_and_name_nobody(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with _serving(tmp_path / "home", "--metrics-port", str(port)) as served:
        served.get("/v1/items/secret-of-somebody")
        served.raw("BREW /v1/items HTTP/1.1", "Host: x", "Connection: close", "", "")
        told = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=20).text
        assert served.get("/metrics").status_code == 404
    assert 'route="/v1/items/{item}"' in told
    assert 'method="other"' in told
    assert "secret-of-somebody" not in told
    assert "staydown_store_up 1.0" in told
    assert re.search(r"staydown_ledger_entries [1-9]", told)


def test_a_server_that_speaks_in_clear_does_not_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    subprocess.run(_command(home, "init", "--exercise"), check=True, capture_output=True)
    done = subprocess.run(
        _command(home, "serve", "--host", "0.0.0.0"), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 5
    assert "in clear" in done.stderr
    proxied = _command(home, "serve", "--host", "0.0.0.0", "--proxy", "192.0.2.1")
    assert subprocess.run(proxied, capture_output=True, timeout=60).returncode == 5
    (home / "staydown.toml").write_text('address = "http://staydown.example"\n')
    done = subprocess.run(_command(home, "serve"), capture_output=True, text=True, timeout=60)
    assert done.returncode == 5
    assert "https" in done.stderr


def test_a_real_house_without_a_door_does_not_open(tmp_path: Path) -> None:
    home = tmp_path / "home"
    subprocess.run(_command(home, "init"), check=True, capture_output=True)
    done = subprocess.run(_command(home, "serve"), capture_output=True, text=True, timeout=60)
    assert done.returncode == 5
    assert "admin first" in done.stderr


def test_a_stranger_cannot_say_where_he_comes_from(tmp_path: Path) -> None:
    """Tries are counted by address: a header of a stranger's own must not start the count anew."""

    def tries(served: Served) -> list[int]:
        found = []
        for number in range(400):
            answer = httpx2.post(
                f"http://127.0.0.1:{served.port}/v1/session/passkey/options",
                json={},
                headers={"X-Forwarded-For": f"192.0.{number // 250}.{number % 250}"},
                timeout=60,
            )
            found.append(answer.status_code)
            if answer.status_code == 429:
                break
        return found

    with _serving(tmp_path / "home") as served:
        assert tries(served)[-1] == 429
    with _serving(tmp_path / "other", "--proxy", "127.0.0.1") as served:
        assert tries(served)[-1] == 200


def test_a_message_with_two_ends_is_refused(tmp_path: Path) -> None:
    with _serving(tmp_path / "home") as served:
        twice = served.raw(
            "POST /v1/session/password HTTP/1.1",
            "Host: x",
            "Content-Length: 4",
            "Content-Length: 9",
            "",
            "abcd",
        )
        both = served.raw(
            "POST /v1/session/password HTTP/1.1", "Host: x", "Content-Length: 60", "Transfer-Encoding: chunked",
            "Connection: close", "", "0", "", "GET /health/alive HTTP/1.1", "Host: x", "", "",
        )  # fmt: skip
        assert twice.startswith(b"HTTP/1.1 400")
        assert b"alive" not in both
