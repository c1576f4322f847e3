"""A folder of write-once files, each named by the SHA-256 of what it holds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from staydown.core.errors import Broken, NotFound, Outside

WRITERS = 8
"""Files that are written at a time."""


def _write_all(handle: int, body: bytes) -> None:
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _make_durable(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """What copying from vault to vault did."""

    copied: int
    size_bytes: int
    faults: tuple[str, ...]  #: hashes under which there is nothing, or something else


class FolderVault:
    """Evidence bytes in a folder, in 256 drawers.

    A file is written beside its place, made durable, then linked to its name, so that a name never stands
    for half a file and is never written twice.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._drawers: set[str] = set()

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256

    def put(self, body: bytes) -> str:
        """Keep bytes durably; gives their SHA-256 in hex. The same bytes are kept once.

        Raises:
            Outside: The disk refuses.
        """
        return self.put_all([body])[0]

    def put_all(self, bodies: Sequence[bytes]) -> list[str]:
        """Keep many bodies durably, each drawer made durable once; gives their SHA-256 in hex, in order.

        Raises:
            Outside: The disk refuses; what was kept before it did stays kept.
        """
        hashes = [hashlib.sha256(body).hexdigest() for body in bodies]
        fresh = dict(zip(hashes, bodies, strict=True))
        try:
            # waiting for the disk is most of it, and several waits at a time share one of the disk's own commits
            with ThreadPoolExecutor(WRITERS) if len(fresh) > WRITERS else nullcontext() as pool:
                spread = map if pool is None else pool.map
                written = list(spread(self._write, fresh.keys(), fresh.values()))
                drawers = {sha256[:2] for sha256, is_new in zip(fresh, written, strict=True) if is_new}
                list(spread(_make_durable, [self._root / drawer for drawer in sorted(drawers)]))
        except OSError as error:
            raise Outside(
                f"evidence cannot be kept in {self._root}: {error.strerror}", hint="Make room on the disk."
            ) from error
        return hashes

    def _write(self, sha256: str, body: bytes) -> bool:
        """Write one file where there is none; whether its drawer changed."""
        path = f"{self._root}/{sha256[:2]}/{sha256}"
        if os.path.exists(path):  # noqa: PTH110  # once per page: a Path object would cost more than the look
            return False
        if sha256[:2] not in self._drawers:
            (self._root / sha256[:2]).mkdir(parents=True, exist_ok=True)
            self._drawers.add(sha256[:2])
        part = f"{path}.{os.urandom(6).hex()}.part"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440)
        try:
            try:
                _write_all(handle, body)
                os.fsync(handle)
            finally:
                os.close(handle)
            try:
                os.link(part, path)
            except FileExistsError:  # somebody else kept the same bytes meanwhile
                return False
        finally:
            os.unlink(part)  # noqa: PTH108
        return True

    def has(self, sha256: str) -> bool:
        """Whether something lies under that name; `get` tells whether it is what it should be."""
        return self._path(sha256).exists()

    def copy_to(self, other: FolderVault, hashes: Iterable[str], step: Callable[[int], None]) -> Copies:
        """Copy files that the other vault lacks, each held against its hash.

        Args:
            other: Another vault; it is only added to.
            hashes: Of the files.
            step: Told of every file that is done.

        Raises:
            Outside: The other disk refuses.
        """
        copied = size_bytes = 0
        faults: list[str] = []
        for sha256 in hashes:
            if not other.has(sha256):
                try:
                    body = self.get(sha256)
                except (Broken, NotFound):
                    faults.append(sha256)
                else:
                    other.put(body)
                    copied, size_bytes = copied + 1, size_bytes + len(body)
            step(1)
        return Copies(copied=copied, size_bytes=size_bytes, faults=tuple(faults))

    def get(self, sha256: str) -> bytes:
        """The bytes.

        Raises:
            NotFound: Never kept, or erased.
            Broken: What lies there has another hash.
        """
        try:
            body = self._path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"the vault has no {sha256[:16]}…") from error
        if hashlib.sha256(body).hexdigest() != sha256:
            raise Broken(f"what the vault keeps as {sha256[:16]}… has another hash")
        return body
