"""A folder of write-once files, each named by the SHA-256 of what it holds."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from staydown.core.errors import Broken, NotFound, Outside


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
        sha256 = hashlib.sha256(body).hexdigest()
        path = self._path(sha256)
        if path.exists():
            return sha256
        try:
            if sha256[:2] not in self._drawers:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._drawers.add(sha256[:2])
            self._write(path, body)
        except OSError as error:
            raise Outside(
                f"evidence cannot be kept in {self._root}: {error.strerror}", hint="Make room on the disk."
            ) from error
        return sha256

    @staticmethod
    def _write(path: Path, body: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o440)
            try:
                os.link(name, path)
            except FileExistsError:  # somebody else kept the same bytes meanwhile
                return
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        finally:
            Path(name).unlink(missing_ok=True)

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
