"""Packages of npm that some tests stand on: installed once, by the hashes of a lock file, by one process at a time."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE, CACHE = Path(__file__).parent, Path(__file__).parent.parent / ".venv"
INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]


def installed(name: str, parts: Sequence[str], *, loud: str) -> Path:
    """The folder with what `tests/NAME` asks for; without node the test is skipped, loudly."""
    if not shutil.which("node") or not shutil.which("npm"):
        warnings.warn(loud, stacklevel=2)
        pytest.skip(loud)
    ours, cache = HERE / name, CACHE / name
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        is_same = all(
            (cache / one).exists() and (cache / one).read_bytes() == (ours / one).read_bytes()
            for one in parts
        )
        if not is_same or not (cache / "node_modules").exists():
            for one in parts:
                shutil.copy(ours / one, cache / one)
            subprocess.run(INSTALL, cwd=cache, check=True, capture_output=True, timeout=240)
    return cache
