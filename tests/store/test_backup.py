"""A backup taken while work goes on comes back whole, and does not send again what may have left since."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path

import pytest

from staydown.app import HOSTS, RESTORING, App, open_app
from staydown.backup import LOCK, MANIFEST, VAULT, backup, prepare, put_back, read_manifest, restore
from staydown.core.errors import Broken, Invalid, NotFound, Outside
from staydown.core.request import Request
from staydown.core.states import RequestState
from staydown.flow import approve, propose
from staydown.flow.audit import verify
from staydown.vault import folder
from staydown.worker.loop import drain
from support import ALICE, BOB, Desk


def approved(desk: Desk, address: str) -> Request:
    items = desk.sight(address)
    desk.keep(items)
    desk.view(items)
    request = desk.put(items).requests[0]
    desk.consent(request)
    return request


def opened(home: Path, desk: Desk, database: str | None) -> App:
    """The restored home, beside the same providers."""
    shutil.copy(desk.home / HOSTS, home / HOSTS)
    return open_app(home, database=database)


def state(app: App, request: Request) -> RequestState:
    with app.store.begin(write=False) as work:
        return work.requests.one(request.id).state


def test_what_left_after_the_backup_is_asked_about_or_waits_for_a_person(
    desk: Desk, tmp_path: Path, other_database: str | None
) -> None:
    from staydown.testing.world import Page

    page = Page(presence="online", kind="paste", name="abcdef", text="made up")
    desk.world.pages["quill", "/p/abcdef"] = page
    addresses = ("https://quill.exercise.example/p/abcdef", desk.channel("velmeri"), desk.show("qorvana"))
    items = desk.sight(*addresses)
    desk.keep(items)
    desk.view(items)
    form, mail, later = (desk.put([item]).requests[0] for item in items)
    desk.consent(form, mail)  # `later` is approved and sent only after the backup
    backup(desk.app, tmp_path / "backup")
    desk.consent(later)
    desk.work()
    assert len(desk.world.intakes) == 3

    found = restore(tmp_path / "backup", tmp_path / "new", database=other_database)
    assert found["held_back"] == 1
    app = opened(tmp_path / "new", desk, other_database)
    drain(app.tools, "test")
    assert state(app, form) is RequestState.RUNNING, "the form said that it has it"
    assert state(app, mail) is RequestState.PROPOSED, "a person has to say again that it may leave"
    with app.store.begin() as work:
        approve.approve(app.tools, work, BOB, [mail.id, later.id])
    drain(app.tools, "test")
    assert state(app, later) is RequestState.RUNNING
    assert state(app, mail) is RequestState.DISPATCHED
    assert len(desk.world.intakes) == 3, "nothing was taken in twice"
    with app.store.begin(write=False) as work:
        assert work.figures.dispatches()["repeats"] == 1, "the second mail said that it may be a repeat"
        tags = [json.loads(line.entry)["tag"] for line in work.ledger.lines()]
        assert verify(work, app.vault, public=app.store.public_key).broken == ()
    assert "store:backup:restored" in tags
    app.close()


def test_references_used_after_the_backup_are_not_used_again(
    desk: Desk, tmp_path: Path, other_database: str | None
) -> None:
    items = [desk.sight(desk.show(name))[0] for name in ("qorvana", "melvori")]
    desk.keep(items)
    desk.view(items)
    backup(desk.app, tmp_path / "backup")
    sent = desk.put(items[:1]).requests[0]
    desk.consent(sent)
    desk.work()
    restore(tmp_path / "backup", tmp_path / "new", database=other_database)
    app = opened(tmp_path / "new", desk, other_database)
    with app.store.begin() as work:
        other = propose.propose(app.tools, work, ALICE, items[1:]).requests[0]
    assert other.reference != sent.reference, "the provider would take it for the one it has"
    with app.store.begin() as work:
        approve.approve(app.tools, work, BOB, [other.id])
    drain(app.tools, "test")
    assert {one.reference for one in desk.world.intakes} == {sent.reference, other.reference}
    app.close()


def test_leases_of_the_old_house_are_not_waited_for(
    desk: Desk, tmp_path: Path, other_database: str | None
) -> None:
    request = approved(desk, desk.show("qorvana"))
    with desk.store.begin() as work:
        assert work.queue.lease(by="somebody who is gone", limit=5, lease=desk.tools.settings.lease)
    backup(desk.app, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "new", database=other_database)
    app = opened(tmp_path / "new", desk, other_database)
    assert drain(app.tools, "test")
    assert state(app, request) is RequestState.RUNNING
    app.close()


def test_a_second_backup_copies_new_evidence_only(desk: Desk, tmp_path: Path) -> None:
    desk.keep(desk.sight(desk.show("qorvana")))
    first = backup(desk.app, tmp_path / "backup")
    assert first["evidence_copied"] == first["evidence_files"] != 0
    again = backup(desk.app, tmp_path / "backup")
    assert again["evidence_copied"] == 0
    assert len(list((tmp_path / "backup").glob("store-*"))) == 1
    (tmp_path / "backup" / "store-broken-off").mkdir()
    backup(desk.app, tmp_path / "backup")
    assert len(list((tmp_path / "backup").glob("store-*"))) == 1


def test_a_restore_that_was_broken_off_goes_on_and_nothing_works_meanwhile(
    desk: Desk, tmp_path: Path, other_database: str | None
) -> None:
    desk.keep(desk.sight(desk.show("qorvana")))
    backup(desk.app, tmp_path / "backup")
    manifest = read_manifest(tmp_path / "backup")
    settings, _ = prepare(tmp_path / "backup", manifest, tmp_path / "new", database=other_database)
    put_back(tmp_path / "backup", manifest, settings)
    half = open_app(tmp_path / "new", database=other_database)
    with pytest.raises(Invalid, match="half restored"):
        _ = half.store
    with pytest.raises(Invalid, match="half restored"):
        half.make(exercise=True)
    found = restore(tmp_path / "backup", tmp_path / "new", database=other_database)
    assert (found["size"], found["root"]) == (manifest.size, manifest.root)
    assert not (tmp_path / "new" / RESTORING).exists()
    open_app(tmp_path / "new", database=other_database).close()


def _flipped(path: Path) -> None:
    path.chmod(0o600)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))


def test_a_backup_that_is_not_what_it_says_is_refused(
    desk: Desk, tmp_path: Path, other_database: str | None
) -> None:
    desk.keep(desk.sight(desk.show("qorvana")))
    out = tmp_path / "backup"
    backup(desk.app, out)
    manifest = read_manifest(out)
    biggest = max(manifest.files, key=lambda name: manifest.files[name][0])
    for place in (out / manifest.copy / biggest, next(p for p in (out / VAULT).rglob("*") if p.is_file())):
        _flipped(place)
        with pytest.raises(Broken):
            restore(out, tmp_path / "new", database=other_database)
        _flipped(place)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("somebody's own")
    with pytest.raises(Invalid, match="is not empty"):
        restore(out, tmp_path / "full", database=other_database)
    (out / MANIFEST).unlink()
    with pytest.raises(Invalid, match="no finished backup"):
        restore(out, tmp_path / "new", database=other_database)
    with pytest.raises(Invalid, match="something else"):
        backup(desk.app, tmp_path / "full")


def test_a_backup_goes_only_into_its_own_sort_of_database(desk: Desk, tmp_path: Path, postgres: str) -> None:
    backup(desk.app, tmp_path / "backup")
    is_sqlite = desk.store.engine.dialect.name == "sqlite"
    with pytest.raises(Invalid, match="cannot be restored into"):
        restore(tmp_path / "backup", tmp_path / "new", database=postgres if is_sqlite else None)


class Disk:
    """What a power cut would leave: which files and folders were waited for, and when names were made and taken away."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.acts: list[tuple[str, Path]] = []
        fsync, replace, unlink, rmtree = os.fsync, os.replace, os.unlink, shutil.rmtree

        def synced(handle: int) -> None:
            self.acts.append(("sync", Path(f"/proc/self/fd/{handle}").readlink()))
            fsync(handle)

        def replaced(old: Path, new: Path) -> None:
            self.acts.append(("replace", Path(new)))
            replace(old, new)

        def unlinked(path: Path, **more: int) -> None:
            self.acts.append(("unlink", Path(path)))
            unlink(path, **more)

        def removed(path: Path, **more: bool) -> None:
            self.acts.append(("rmtree", Path(path)))
            rmtree(path, **more)

        patch.setattr(folder, "_SYNCFS", None)
        patch.setattr(os, "fsync", synced)
        patch.setattr(os, "replace", replaced)
        patch.setattr(os, "unlink", unlinked)
        patch.setattr(shutil, "rmtree", removed)

    def synced_before(self, what: str, path: Path) -> set[Path]:
        """What was waited for before an act."""
        return {one for act, one in self.acts[: self.acts.index((what, path))] if act == "sync"}


def tree(top: Path) -> set[Path]:
    return {top, *top.rglob("*")}


def test_the_old_copy_goes_only_when_the_new_one_would_outlive_a_power_cut(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.keep(desk.sight(desk.show("qorvana")))
    (desk.home / "staydown.toml").write_text("lease_s = 9\n")
    desk.app.settings.outbox.mkdir()
    (desk.app.settings.outbox / "letter.txt").write_text("made up")
    out = tmp_path / "backup"
    backup(desk.app, out)
    old = out / read_manifest(out).copy
    desk.keep(desk.sight(desk.show("melvori")))
    disk = Disk(monkeypatch)
    backup(desk.app, out)
    copy = out / read_manifest(out).copy
    before_manifest = disk.synced_before("replace", out / MANIFEST)
    assert tree(copy) <= before_manifest
    assert {copy / "ledger.key", copy / "evidence.txt", copy / "staydown.toml", copy / "outbox"} <= tree(copy)
    assert {path.parent for path in (out / VAULT).rglob("*") if path.is_file()} <= before_manifest
    made, gone = disk.acts.index(("replace", out / MANIFEST)), disk.acts.index(("rmtree", old))
    assert ("sync", out) in disk.acts[made:gone]


def test_a_restored_home_is_opened_only_when_it_would_outlive_a_power_cut(
    desk: Desk, tmp_path: Path, other_database: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.keep(desk.sight(desk.show("qorvana")))
    desk.app.settings.outbox.mkdir()
    (desk.app.settings.outbox / "letter.txt").write_text("made up")
    backup(desk.app, tmp_path / "backup")
    disk, home = Disk(monkeypatch), tmp_path / "new"
    restore(tmp_path / "backup", home, database=other_database)
    synced = disk.synced_before("unlink", home / RESTORING)
    assert {one for one in tree(home) if VAULT not in one.parts and not one.name.endswith("-turn")} <= synced
    assert {path.parent for path in (home / VAULT).rglob("*") if path.is_file()} <= synced
    assert home.parent in synced
    marked = disk.acts.index(("replace", home / RESTORING))
    assert disk.acts[marked + 1] == ("sync", home), "closed for good before anything else is in it"


def test_two_backups_into_one_folder_do_not_destroy_each_other(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "backup"
    backup(desk.app, out)
    before = read_manifest(out)
    with (out / LOCK).open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Outside, match="another backup") as caught:
            backup(desk.app, out)
    assert "another folder" in caught.value.hint
    assert read_manifest(out) == before
    assert (out / before.copy).is_dir()
    backup(desk.app, out)


def test_a_request_that_is_carried_out_meanwhile_ends_no_backup(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = desk.app.settings.outbox
    outbox.mkdir()
    for name in ("first.txt", "second.txt"):
        (outbox / name).write_text("made up")
    copyfile = shutil.copyfile

    def carried_out(source: Path, target: Path) -> object:
        if Path(source).name == "first.txt":
            Path(source).unlink()
        return copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", carried_out)
    backup(desk.app, tmp_path / "backup")
    manifest = read_manifest(tmp_path / "backup")
    assert [name for name in manifest.files if name.startswith("outbox/")] == ["outbox/second.txt"]


def test_a_mistyped_home_is_not_made(tmp_path: Path, database: str | None) -> None:
    app = open_app(tmp_path / "typo", database=database)
    with pytest.raises(NotFound, match="no home with a store") as caught:
        backup(app, tmp_path / "backup")
    assert "--home" in caught.value.hint
    (tmp_path / "typo").mkdir()
    with pytest.raises(NotFound):
        backup(app, tmp_path / "backup")
    assert list(tmp_path.rglob("*")) == [tmp_path / "typo"]


def test_keys_that_sign_forms_come_back_readable_by_their_owner_alone(
    desk: Desk, tmp_path: Path, other_database: str | None
) -> None:
    from staydown.paper.keys import Keys

    def keys(home: Path) -> Keys:
        return Keys(home / "keys" / "paper", desk.app.settings, lambda: desk.app.fetch, lambda: True)

    signed_with, trusted = keys(desk.home).exercise_key("AA"), keys(desk.home).roots()
    (desk.home / "keys" / "paper" / "own.p12").write_bytes(b"a made-up key of an agency")
    (desk.home / "keys" / "paper" / "tmp_half_made").write_bytes(b"")
    backup(desk.app, tmp_path / "backup")
    copies = list((tmp_path / "backup").glob("store-*/paper-keys/*"))
    assert sorted(one.name for one in copies) == ["agency-AA.pem", "authority.pem", "own.p12"]
    assert {one.stat().st_mode & 0o777 for one in copies} == {0o600}

    restore(tmp_path / "backup", tmp_path / "new", database=other_database)
    folder = tmp_path / "new" / "keys" / "paper"
    assert (keys(tmp_path / "new").exercise_key("AA"), keys(tmp_path / "new").roots()) == (
        signed_with,
        trusted,
    )
    assert (folder / "own.p12").read_bytes() == b"a made-up key of an agency"
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_key_that_was_changed_in_the_backup_is_not_put_back(desk: Desk, tmp_path: Path) -> None:
    (desk.home / "keys" / "paper").mkdir(parents=True, exist_ok=True)
    (desk.home / "keys" / "paper" / "own.pem").write_bytes(b"a made-up key")
    backup(desk.app, tmp_path / "backup")
    (found,) = (tmp_path / "backup").glob("store-*/paper-keys/own.pem")
    found.write_bytes(b"another's key")
    with pytest.raises(Broken, match=r"paper-keys/own\.pem"):
        restore(tmp_path / "backup", tmp_path / "new")
