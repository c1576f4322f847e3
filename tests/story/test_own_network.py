"""An exercise played inside another program leaves that program's network alone."""

from __future__ import annotations

import socket
from pathlib import Path

from staydown.exercise.run import play


def test_whoever_plays_inside_a_program_keeps_its_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # it stands in the network of now
        played = play("small", seed=3, items=20, out=tmp_path / "game").figures
        socket.create_connection(server.getsockname(), timeout=5).close()
    assert played["own_network"] is False
