"""The vault: bytes under their own hash, written once, never half a file under a name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from staydown.core.errors import Broken, NotFound, Outside
from staydown.vault import FolderVault, folder


def bodies(count: int) -> list[bytes]:
    return [f"made up {number}".encode() for number in range(count)]


@pytest.mark.parametrize("count", [1, 7, 8, 300])
def test_many_are_kept_as_one_by_one(tmp_path: Path, count: int) -> None:
    vault = FolderVault(tmp_path / "vault")
    hashes = vault.put_all([*bodies(count), bodies(1)[0]])
    assert hashes == [hashlib.sha256(body).hexdigest() for body in [*bodies(count), bodies(1)[0]]]
    assert [vault.get(one) for one in hashes[:-1]] == bodies(count)
    assert not list((tmp_path / "vault").rglob("*.part"))


def test_without_the_system_call_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "_SYNCFS", None)
    vault = FolderVault(tmp_path / "vault")
    assert [vault.get(one) for one in vault.put_all(bodies(20))] == bodies(20)


def test_no_name_stands_before_its_bytes_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails at the moment of making durable: nothing is kept, and nothing is taken for kept later."""
    vault = FolderVault(tmp_path / "vault")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(folder, "_make_all_durable", fails)
        with pytest.raises(Outside, match="No space left"):
            vault.put_all(bodies(20))
    assert not [path for path in (tmp_path / "vault").rglob("*") if path.is_file()]
    with pytest.raises(NotFound):
        vault.get(hashlib.sha256(bodies(1)[0]).hexdigest())
    assert vault.get(vault.put(bodies(1)[0])) == bodies(1)[0]


def test_what_is_kept_is_not_written_again(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path / "vault")
    (first,) = vault.put_all(bodies(1))
    before = (tmp_path / "vault" / first[:2] / first).stat()
    assert vault.put_all(bodies(12))[0] == first
    assert (tmp_path / "vault" / first[:2] / first).stat().st_ino == before.st_ino


def test_other_bytes_under_a_name_are_noticed(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path / "vault")
    path = tmp_path / "vault" / (first := vault.put(b"made up"))[:2] / first
    path.chmod(0o600)
    path.write_bytes(b"other")
    with pytest.raises(Broken):
        vault.get(first)


def test_a_copy_is_made_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few waits for the disk, and never more in memory than one slice."""
    here, there = FolderVault(tmp_path / "here"), FolderVault(tmp_path / "there")
    hashes = here.put_all(bodies(150))
    (tmp_path / "here" / hashes[70][:2] / hashes[70]).unlink()
    there.put_all(bodies(10))
    steps: list[int] = []
    slices: list[int] = []
    put_all = there.put_all
    monkeypatch.setattr(there, "put_all", lambda some: slices.append(len(some)) or put_all(some))
    done = here.copy_to(there, hashes, steps.append)
    assert slices == [64, 64, 11]
    assert (done.copied, done.faults, sum(steps)) == (139, (hashes[70],), 150)
    assert done.size_bytes == sum(len(body) for body in bodies(150)[10:]) - len(bodies(71)[70])
    assert all(there.has(one) for one in hashes if one != hashes[70])


def test_a_slice_is_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "SLICE_BYTES", 100)
    here, there = FolderVault(tmp_path / "here"), FolderVault(tmp_path / "there")
    hashes = here.put_all([bytes([number]) * 60 for number in range(4)] + [b"x" * 500])
    slices: list[int] = []
    put_all = there.put_all
    monkeypatch.setattr(there, "put_all", lambda some: slices.append(len(some)) or put_all(some))
    assert here.copy_to(there, hashes, lambda _: None).copied == 5
    assert slices == [1] * 5


def test_names_that_were_there_already_are_made_durable_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever copied them may have died before their names were on the disk."""
    here, there = FolderVault(tmp_path / "here"), FolderVault(tmp_path / "there")
    hashes = here.put_all(bodies(3))
    there.put_all(bodies(3))
    waited: list[str] = []
    monkeypatch.setattr(folder, "_make_durable", waited.append)
    here.copy_to(there, hashes, lambda _: None)
    assert {str(tmp_path / "there" / one[:2]) for one in hashes} <= set(waited)
