"""A home with its store, taken while work goes on, and put back into an empty place.

A backup is a folder: `vault` only grows; each copy of the store lies in a folder of its own beside key and settings;
`manifest.json` is written last and names the copy that counts. So a backup that was broken off leaves the one before
as it was, and without a manifest there is none. That holds for a power cut too: whatever a step builds on is on the
disk before the step is made.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from staydown import __version__
from staydown.app import RESTORING, App
from staydown.core.errors import Broken, Invalid, NotFound, Outside
from staydown.core.time import iso
from staydown.settings import FILE, Settings, read_settings

FORMAT = "staydown-backup-1"
MANIFEST = "manifest.json"
VAULT = "vault"
HASHES = "evidence.txt"
KEY = "ledger.key"
OUTBOX = "outbox"
PAPER, PAPER_KEYS = "paper-keys", Path("keys") / "paper"
"""What a home keeps in `keys/paper`: the exercise's authority, and keys that sign forms."""
LOCK = ".lock"
"""Held while a backup is taken into a folder; the file stays, the lock goes with the process."""
Step = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a finished backup says of itself."""

    made_at: str
    origin: str
    exercise: bool
    database: str  #: sqlite or postgresql
    schema: str
    size: int  #: of the ledger
    root: str  #: of the ledger, in base64
    checkpoint: str  #: signed
    copy: str  #: the folder that counts
    tables: tuple[tuple[str, tuple[str, ...], int], ...]  #: name, columns, rows; in an order to fill them in
    files: Mapping[str, tuple[int, str]]  #: size and SHA-256 by path inside the copy
    missing: tuple[str, ...]  #: evidence that the home did not have, or had changed
    sha256: str  #: of the manifest itself


def nothing(_steps: int) -> None:
    """No progress is shown."""


# --- taking -----------------------------------------------------------------------------------------


def backup(app: App, out: Path, step: Step = nothing) -> dict[str, object]:
    """Take a backup while others work; where `out` holds an older one, only new evidence is copied.

    Args:
        app: The home.
        out: A folder; made where it is missing.
        step: Told of every table and every evidence file that is done.

    Returns:
        What to print.

    Raises:
        NotFound: The home has no store; nothing was made.
        Invalid: The folder holds something else, or a backup of another store.
        Outside: Disk or database gives trouble, or another backup is being taken into the folder; an older backup
            in it is as it was.
    """
    from staydown.store.backup import take
    from staydown.vault import FolderVault

    _require_store(app)
    began, store, now = time.monotonic(), app.store, datetime.now(UTC)
    with _disk(out), _alone_in(out):
        before = _prepare(out, store.origin)
        copy = out / f"store-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        copy.mkdir(mode=0o700)
        snapshot = take(store.engine, copy, step)
        _copy_home(app, copy)
        (copy / HASHES).write_text("".join(f"{one}\n" for one in snapshot.hashes), encoding="ascii")
        copied = app.vault.copy_to(FolderVault(out / VAULT), snapshot.hashes, step)
        _make_durable(copy)
        _sync(out)
        files = _files(copy)
        manifest = {
            "format": FORMAT,
            "staydown": __version__,
            "made_at": iso(now),
            "origin": snapshot.facts["origin"],
            "exercise": snapshot.facts["kind"] == "exercise",
            "database": snapshot.database,
            "schema": snapshot.schema,
            "ledger": {
                "size": snapshot.ledger_size,
                "root": snapshot.checkpoint.splitlines()[2],
                "checkpoint": snapshot.checkpoint,
            },
            "copy": copy.name,
            "tables": [[one.name, list(one.columns), one.rows] for one in snapshot.tables],
            "files": files,
            "missing": list(copied.faults),
        }
        _write(out / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
        if before is not None:
            shutil.rmtree(out / before.copy, ignore_errors=True)
    return {
        "out": str(out),
        "made_at": manifest["made_at"],
        "schema": snapshot.schema,
        "size": snapshot.ledger_size,
        "root": snapshot.checkpoint.splitlines()[2],
        "rows": sum(one.rows for one in snapshot.tables),
        "evidence_files": len(snapshot.hashes),
        "evidence_copied": copied.copied,
        "bytes_copied": copied.size_bytes + sum(size for size, _ in files.values()),
        "missing": list(copied.faults),
        "seconds": round(time.monotonic() - began, 2),
    }


def _require_store(app: App) -> None:
    """Refuse a home without a store: a mistyped name must not become a new and empty home.

    Raises:
        NotFound: There is none.
    """
    from staydown.store.engine import make_engine, version_of

    engine = make_engine(app.settings.database_address)
    try:
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        if (
            not app.settings.home.is_dir()
            or (file and not Path(file).is_file())
            or version_of(engine) is None
        ):
            raise NotFound(
                f"{app.settings.home} is no home with a store",
                hint="Check --home and --database; a new home is made by staydown init.",
            )
    finally:
        engine.dispose()


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Make the folder where it is missing, and keep everybody else from taking a backup into it.

    Raises:
        Invalid: It holds something else.
        Outside: Somebody else is at it.
    """
    _make_folder(out)
    _require_ours(out)
    handle = os.open(out / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Outside(
                f"another backup is being taken into {out}",
                hint="Wait until it has ended, or name another folder.",
            ) from error
        yield
    finally:
        os.close(handle)


def _require_ours(out: Path) -> None:
    ours = {MANIFEST, f"{MANIFEST}.part", VAULT, LOCK}
    strange = [one for one in out.iterdir() if one.name not in ours and not one.name.startswith("store-")]
    if strange and not (out / MANIFEST).exists():
        raise Invalid(f"{out} holds something else than a backup", hint="Name an empty or a new folder.")


def _prepare(out: Path, origin: str) -> Manifest | None:
    """Look at what the folder holds; what a broken-off backup left is removed."""
    before = read_manifest(out) if (out / MANIFEST).exists() else None
    if before is not None and before.origin != origin:
        raise Invalid(f"{out} holds a backup of {before.origin}", hint="Give each store a folder of its own.")
    for one in list(out.iterdir()):
        if one.name.startswith("store-") and (before is None or one.name != before.copy):
            shutil.rmtree(one)
    return before


def _copy_home(app: App, copy: Path) -> None:
    _copy_secret(app.key_file, copy / KEY)
    if (paper := app.settings.home / PAPER_KEYS).is_dir():
        (copy / PAPER).mkdir(mode=0o700)
        for one in _kept_in(paper):
            _copy_secret(one, copy / PAPER / one.name)
    if (app.settings.home / FILE).exists():
        shutil.copyfile(app.settings.home / FILE, copy / FILE)
    if app.settings.outbox.is_dir():
        (copy / OUTBOX).mkdir(mode=0o700)
        for one in sorted(app.settings.outbox.iterdir()):
            if one.is_file() and not one.name.startswith("."):
                with suppress(FileNotFoundError):  # a person carries requests out while we copy
                    shutil.copyfile(one, copy / OUTBOX / one.name)


def _kept_in(folder: Path) -> list[Path]:
    """Key files; one that is just being made under a passing name is none yet (paper/keys.py)."""
    found = sorted(one for one in folder.iterdir() if not one.name.startswith((".", "tmp")))
    return [one for one in found if one.is_file()]


def _copy_secret(source: Path, target: Path) -> None:
    """Copy a file that nobody but its owner may read, not even for a moment."""
    target.touch(mode=0o600)
    target.write_bytes(source.read_bytes())


def _files(copy: Path) -> dict[str, tuple[int, str]]:
    from staydown.store.backup import sha256_of

    return {
        str(one.relative_to(copy)): (one.stat().st_size, sha256_of(one))
        for one in sorted(copy.rglob("*"))
        if one.is_file()
    }


def _write(path: Path, body: bytes) -> None:
    """Write a file whole or not at all, durably."""
    part = path.with_name(path.name + ".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_durable(folder: Path, *, but: str = "") -> None:
    """Wait until everything in a folder is on the disk; `but` names a part that is there already."""
    for one in folder.iterdir():
        if one.is_dir() and one.name != but:
            _make_durable(one)
        elif one.is_file():
            _sync(one)
    _sync(folder)


def _make_folder(path: Path, mode: int = 0o700) -> None:
    """Make a folder where it is missing, so that a power cut does not take it away again."""
    if path.is_dir():
        return
    _make_folder(path.parent)
    path.mkdir(mode=mode, exist_ok=True)
    _sync(path.parent)


# --- putting back -----------------------------------------------------------------------------------


def read_manifest(out: Path) -> Manifest:
    """What a backup says of itself.

    Raises:
        Invalid: There is none, it was not finished, or a newer Staydown wrote it.
    """
    from staydown.store.backup import sha256_of

    path = out / MANIFEST
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["format"] != FORMAT:
            raise Invalid(f"{out} is a backup of another format", hint="Use the Staydown that made it.")
        return Manifest(
            **{name: raw[name] for name in ("made_at", "origin", "exercise", "database", "schema", "copy")},
            **{name: raw["ledger"][name] for name in ("size", "root", "checkpoint")},
            tables=tuple((name, tuple(columns), rows) for name, columns, rows in raw["tables"]),
            files={name: (size, sha256) for name, (size, sha256) in raw["files"].items()},
            missing=tuple(raw["missing"]),
            sha256=sha256_of(path),
        )
    except FileNotFoundError as error:
        raise Invalid(
            f"{out} holds no finished backup",
            hint="manifest.json is written last: without it the backup was broken off. Take it again.",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{path} cannot be read: {error!r}") from error


def restore(
    source: Path, home: Path, *, database: str | None = None, step: Step = nothing
) -> dict[str, object]:
    """Put a backup into an empty home and database, verify all of it, and make it ready for work.

    Broken off, the same command goes on; until it has ended nothing can work in the home.

    Args:
        source: The folder of the backup.
        home: An empty or missing folder.
        database: A PostgreSQL address; else what the settings in the backup say.
        step: Told of every table and every evidence file that is done.

    Returns:
        What to print.

    Raises:
        Invalid: There is no finished backup, or something is in the way.
        Broken: A file or the ledger is not what the manifest says.
        Outside: Disk or database gives trouble.
    """
    began, manifest = time.monotonic(), read_manifest(source)
    settings, mark = prepare(source, manifest, home, database=database)
    put_back(source, manifest, settings, step)
    app = App(settings, restoring=True)
    try:
        verify(app, manifest)
        held = reopen(app, manifest, mark)
        kind = app.store.engine.dialect.name
    finally:
        app.close()
    with _disk(home):
        _make_durable(home, but=VAULT)
        (home / RESTORING).unlink()
        _sync(home)
    return {
        "home": str(home),
        "database": kind,
        "made_at": manifest.made_at,
        "size": manifest.size,
        "root": manifest.root,
        "rows": sum(rows for _, _, rows in manifest.tables),
        "missing": list(manifest.missing),
        "held_back": held,
        "seconds": round(time.monotonic() - began, 2),
    }


def prepare(source: Path, manifest: Manifest, home: Path, *, database: str | None) -> tuple[Settings, str]:
    """Look that nothing is in the way, and close the home until the restore has ended.

    Gives the settings, and the mark that this restore leaves in new references.
    """
    from staydown.store.backup import require_empty
    from staydown.store.engine import HEAD

    copy = source / manifest.copy
    _check_files(copy, manifest)
    if manifest.schema > HEAD:
        raise Invalid(
            f"the backup has schema {manifest.schema}, this Staydown knows {HEAD}", hint="Update it."
        )
    kind = "postgresql" if read_settings(copy, database=database).database else "sqlite"
    if kind != manifest.database:
        raise Invalid(
            f"a backup of {manifest.database} cannot be restored into {kind}",
            hint="Name an empty PostgreSQL database with --database."
            if kind == "sqlite"
            else "Leave --database out.",
        )
    with _disk(home):
        _make_folder(home, 0o750)
        marker = home / RESTORING
        if marker.exists():
            begun = json.loads(marker.read_text(encoding="utf-8"))
            if begun["manifest"] != manifest.sha256:
                raise Invalid("another backup is half restored here", hint="Finish that, or empty the home.")
        else:
            if any(one.name != f"{RESTORING}.part" for one in home.iterdir()):
                raise Invalid(f"{home} is not empty", hint="Restore into an empty or a new home.")
            if kind == "postgresql":
                require_empty(read_settings(copy, database=database).database)
            begun = {"manifest": manifest.sha256, "mark": secrets.token_hex(3)}
            _write(marker, json.dumps(begun).encode())
        (home / "keys").mkdir(mode=0o700, exist_ok=True)
        _write(home / "keys" / KEY, (copy / KEY).read_bytes())
        if (copy / PAPER).is_dir():  # backups of older versions have none
            (home / PAPER_KEYS).mkdir(mode=0o700, exist_ok=True)
            for one in (copy / PAPER).iterdir():
                _write(home / PAPER_KEYS / one.name, one.read_bytes())
        if (copy / FILE).exists():
            _write(home / FILE, (copy / FILE).read_bytes())
        if (copy / OUTBOX).is_dir():
            (home / OUTBOX).mkdir(mode=0o700, exist_ok=True)
            for one in (copy / OUTBOX).iterdir():
                _write(home / OUTBOX / one.name, one.read_bytes())
    return read_settings(home, database=database), str(begun["mark"])


def _check_files(copy: Path, manifest: Manifest) -> None:
    from staydown.store.backup import sha256_of

    for name, (size, sha256) in manifest.files.items():
        path = copy / name
        if not path.is_file() or path.stat().st_size != size or sha256_of(path) != sha256:
            raise Broken(f"{name} in the backup is not what its manifest says", hint="Use another backup.")


def put_back(source: Path, manifest: Manifest, settings: Settings, step: Step = nothing) -> None:
    """Fill database and vault as they stood when the backup was taken."""
    from staydown.store.backup import SQLITE_FILE, Copied, load
    from staydown.store.engine import make_engine, version_of
    from staydown.vault import FolderVault

    copy = source / manifest.copy
    with _disk(settings.home):
        hashes = (copy / HASHES).read_text(encoding="ascii").split()
        missing = set(manifest.missing)
        wanted = [one for one in hashes if one not in missing]
        done = FolderVault(source / VAULT).copy_to(FolderVault(settings.home / VAULT), wanted, step)
        if done.faults:
            raise Broken(
                f"evidence {done.faults[0]} in the backup is missing or changed", hint="Use another."
            )
        if manifest.database == "sqlite":
            place = settings.home / SQLITE_FILE
            if not place.exists():
                part = place.with_name(place.name + ".part")
                shutil.copyfile(copy / SQLITE_FILE, part)
                _sync(part)
                part.replace(place)
            return
    engine = make_engine(settings.database_address)
    try:
        is_filled = version_of(engine) is not None
    finally:
        engine.dispose()
    if not is_filled:
        tables = [Copied(name=name, columns=columns, rows=rows) for name, columns, rows in manifest.tables]
        load(settings.database_address, copy, schema=manifest.schema, tables=tables, step=step)


def verify(app: App, manifest: Manifest) -> None:
    """Compute the ledger again, hold evidence against it, and compare with what the manifest says.

    Raises:
        Broken: Something does not fit.
    """
    from staydown.flow.audit import verify as audit

    if app.store.noted("restored_of") == manifest.sha256:
        return  # it was verified before it was made ready; the ledger has grown since
    with app.store.begin(write=False) as work:
        found = audit(work, app.vault, public=app.store.public_key)
    gone = tuple(fault for fault in found.broken if not any(one[:16] in fault for one in manifest.missing))
    if gone:
        raise Broken(f"the restored store does not verify: {gone[0]}")
    if (found.size, found.root) != (manifest.size, manifest.root):
        raise Broken(
            f"the restored ledger has size {found.size} and root {found.root}, the manifest says"
            f" {manifest.size} and {manifest.root}"
        )


def reopen(app: App, manifest: Manifest, mark: str) -> int:
    """Make the restored store ready for work; gives how many requests wait for a person again."""
    from staydown.flow.restored import restored
    from staydown.store.backup import reopen as open_again

    with app.store.begin() as work:
        if not open_again(work.conn, mark=mark, of=manifest.sha256, now=work.now):
            return 0
        return restored(app.tools, work, made_at=manifest.made_at, size=manifest.size, root=manifest.root)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Outside(
            f"{error.filename or folder}: {error.strerror}", hint="Make room, or look at the rights."
        ) from error
