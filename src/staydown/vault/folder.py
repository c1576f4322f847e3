"""A folder of write-once files, each named by the SHA-256 of what it holds."""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from staydown.core.errors import Broken, NotFound, Outside

TOGETHER = 8
"""From so many files on, one call makes all of them durable, where the system has such a call."""
SLICE_FILES, SLICE_BYTES = 64, 64 * 1024 * 1024
"""At most so much is copied to another vault at a time: fewer waits for the disk, and memory that does not grow."""


def _write_all(handle: int, body: bytes) -> None:
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _make_durable(path: str) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _system_call() -> Callable[[int], int] | None:
    """Linux' `syncfs`, which makes everything on one file system durable; None elsewhere."""
    try:
        found: Callable[[int], int] = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return None
    return found


_SYNCFS = _system_call()


def _make_all_durable(root: int, paths: Collection[str]) -> None:
    """Wait until all of these are on the disk: with one call for many, else one by one.

    Args:
        root: A handle on the vault that was opened before the files were written: the system tells each handle
            of a write that failed since it was opened.
    """
    if _SYNCFS is None or len(paths) < TOGETHER:
        for path in paths:
            _make_durable(path)
    elif _SYNCFS(root) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """What copying from vault to vault did."""

    copied: int
    size_bytes: int
    faults: tuple[str, ...]  #: hashes under which there is nothing, or something else


class FolderVault:
    """Evidence bytes in a folder, in 256 drawers.

    Files are written beside their places, made durable, then linked to their names, and the names made durable,
    so that a name never stands for half a file and is never written twice.
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
        """Keep many bodies durably; gives their SHA-256 in hex, in order.

        Raises:
            Outside: The disk refuses; nothing that was kept before is lost.
        """
        hashes = [hashlib.sha256(body).hexdigest() for body in bodies]
        parts: dict[str, str] = {}
        root = -1
        try:
            try:
                is_new = not self._root.is_dir()
                self._root.mkdir(parents=True, exist_ok=True)
                if is_new:
                    _make_durable(str(self._root.parent))
                root = os.open(self._root, os.O_RDONLY)
                for sha256, body in dict(zip(hashes, bodies, strict=True)).items():
                    if part := self._write(sha256, body):
                        parts[part] = f"{self._root}/{sha256[:2]}/{sha256}"
                _make_all_durable(root, parts)
                for part, path in parts.items():
                    with suppress(FileExistsError):  # somebody else kept the same bytes meanwhile
                        os.link(part, path)
            finally:
                for part in parts:
                    os.unlink(part)  # noqa: PTH108  # once per page: a Path object would cost more
            # names that were there already too: another worker may be about to make them durable
            drawers = {f"{self._root}/{sha256[:2]}" for sha256 in hashes}
            _make_all_durable(root, drawers | {str(self._root)} if parts else drawers)
        except OSError as error:
            raise self._trouble(error) from error
        finally:
            if root >= 0:
                os.close(root)
        return hashes

    def _write(self, sha256: str, body: bytes) -> str | None:
        """Write a body beside its place; gives where, or None where it is kept already."""
        path = f"{self._root}/{sha256[:2]}/{sha256}"
        if os.path.exists(path):  # noqa: PTH110
            return None
        if sha256[:2] not in self._drawers:
            (self._root / sha256[:2]).mkdir(parents=True, exist_ok=True)
            self._drawers.add(sha256[:2])
        part = f"{path}.{os.urandom(6).hex()}.part"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440)
        try:
            _write_all(handle, body)
        except OSError:
            os.unlink(part)  # noqa: PTH108
            raise
        finally:
            os.close(handle)
        return part

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
        drawers: set[str] = set()

        def slices() -> Iterator[list[bytes]]:
            bodies: list[bytes] = []
            held = 0
            for sha256 in hashes:
                if other.has(sha256):
                    drawers.add(sha256[:2])
                    step(1)
                    continue
                try:
                    body = self.get(sha256)
                except (Broken, NotFound):
                    faults.append(sha256)
                    step(1)
                    continue
                if len(bodies) == SLICE_FILES or (bodies and held + len(body) > SLICE_BYTES):
                    yield bodies
                    bodies, held = [], 0
                bodies.append(body)
                held += len(body)
            if bodies:
                yield bodies

        for bodies in slices():
            other.put_all(bodies)
            copied, size_bytes = copied + len(bodies), size_bytes + sum(map(len, bodies))
            step(len(bodies))
        other.settle(drawers)
        return Copies(copied=copied, size_bytes=size_bytes, faults=tuple(faults))

    def settle(self, drawers: Collection[str]) -> None:
        """Wait until the names in some drawers are on the disk: whoever made them may have died before that.

        Raises:
            Outside: The disk refuses.
        """
        paths = [f"{self._root}/{drawer}" for drawer in drawers]
        if not paths:
            return
        try:
            root = os.open(self._root, os.O_RDONLY)
            try:
                _make_all_durable(root, [*paths, str(self._root)])
            finally:
                os.close(root)
        except OSError as error:
            raise self._trouble(error) from error

    def _trouble(self, error: OSError) -> Outside:
        return Outside(
            f"evidence cannot be kept in {self._root}: {error.strerror}", hint="Make room on the disk."
        )

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
