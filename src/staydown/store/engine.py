"""Opening a store, and one transaction in it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, create_engine, event, func, insert, inspect, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as AllInUse

from staydown.core.errors import Broken, Collision, Invalid, Outside, RealStore, Stale
from staydown.core.ids import AgencyCode, WebhookId
from staydown.core.time import iso, parse
from staydown.ports.work import NEVER, Restored
from staydown.store import tables_house as _tables_house  # noqa: F401  # part of the schema
from staydown.store.accesses import Accesses
from staydown.store.assessments import Assessments, Holds
from staydown.store.cases import Cases, Entries
from staydown.store.checks import Checks, Returns
from staydown.store.clocks import Clocks, Counted
from staydown.store.doors import Doors
from staydown.store.duties import Duties
from staydown.store.evidence import Kept
from staydown.store.figures import Figures
from staydown.store.hooks import Hooks
from staydown.store.items import Items
from staydown.store.ledger import Ledger
from staydown.store.letters import Letters, Offices
from staydown.store.names import Names
from staydown.store.orders import Orders, Papers
from staydown.store.people import Operations, People
from staydown.store.queue import Queue
from staydown.store.replays import Replays
from staydown.store.requests import Requests
from staydown.store.sets import upsert
from staydown.store.tables import ledger_entries, ledger_head, meta
from staydown.store.tables import work as work_rows
from staydown.store.views import Views
from staydown.store.walls import HOUSE, enter, has_role, lifted

HEAD = "0005"
"""The newest schema this program knows; migrations/versions has the way there."""
COUNTING = "1182/71"
"""The rule for Union acts; a house may set another."""
BUSY_S = 60
HOOKS_S = 1.0
"""How long a process believes that it knows all webhooks."""
CHECKPOINT_PAGES = 16_384
"""How long SQLite's log of changes grows before it goes into the file (64 MiB): a large intake rewrites fewer pages."""
MIGRATION_LOCK = 0x5D02
"""The advisory lock that a change of the schema takes on PostgreSQL."""
GAVE_WAY = frozenset({"40P01", "40001"})
"""PostgreSQL's words for a transaction that it ended because of another one: deadlock, serialization failure."""


class SqlWork:
    """One open transaction: its tables, its ledger, its one instant `now`."""

    def __init__(
        self,
        conn: Connection,
        *,
        now: datetime,
        real_now: datetime,
        exercise: bool,
        origin: str,
        key: Ed25519PrivateKey,
        restored: Restored = NEVER,
        counting: str = COUNTING,
    ) -> None:
        self.restored, self.counting = restored, counting
        self.now, self.real_now, self.exercise, self.origin = now, real_now, exercise, origin
        self.conn = conn
        self.items = Items(conn, now)
        self.people = People(conn, now)
        self.operations = Operations(conn, now)
        self.names = Names(conn, now)
        self.kept = Kept(conn, now)
        self.assessments = Assessments(conn, now)
        self.holds = Holds(conn, now)
        self.requests = Requests(conn, now)
        self.checks = Checks(conn, now)
        self.clocks, self.counted = Clocks(conn, now), Counted(conn, now)
        self.returns = Returns(conn, now)
        self.queue = Queue(conn, now, real_now)
        self.figures = Figures(conn, now)
        self.accesses = Accesses(conn, now)
        self.duties = Duties(conn, now)
        self.doors = Doors(conn, now, real_now)
        self.views, self.cases, self.entries = Views(conn, now), Cases(conn), Entries(conn)
        self.replays, self.hooks = Replays(conn, real_now), Hooks(conn, now)
        self.orders, self.papers = Orders(conn, now), Papers(conn)
        self.letters, self.offices = Letters(conn, now), Offices(conn, now)
        self.ledger = Ledger(conn, origin=origin, key=key, now=now, real_now=real_now)

    def across(self) -> AbstractContextManager[None]:
        """Look across all agencies for a moment; what comes out of it must tell no secret of theirs."""
        return lifted(self.conn)


def wall_time() -> datetime:
    """The instant that this machine's clock shows."""
    return datetime.now(UTC)


class Store:
    """One database and the key that signs its ledger.

    Attributes:
        real_now: Where real time comes from; a test puts a wrong clock here.
        counting: By which rule legal ends are counted, a word of `law.counting.Rule`; the settings say.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        exercise: bool,
        origin: str,
        key: Ed25519PrivateKey,
        real_now: Callable[[], datetime] = wall_time,
        restored: Restored = NEVER,
    ) -> None:
        self.counting = COUNTING
        self.engine, self.exercise, self.origin = engine, exercise, origin
        self._key, self.real_now, self.restored = key, real_now, restored
        self._role: bool | None = None  # not asked yet
        self._hooks: list[WebhookId] = []
        self._hooks_at = -HOOKS_S

    @property
    def public_key(self) -> bytes:
        """The 32 bytes with which others check our checkpoints."""
        return self._key.public_key().public_bytes_raw()

    @contextmanager
    def begin(self, *, write: bool = True, of: AgencyCode | None = None) -> Iterator[SqlWork]:
        """One transaction; its ledger entries are numbered last, just before it commits.

        Args:
            write: False for looking only.
            of: The agency it acts for, which walls then hold it to; None for the house.

        Raises:
            Stale: A rule of the schema says that somebody was faster.
            Outside: The database or its disk gave trouble; nothing was written.
        """
        try:
            options: dict[str, Any] = {"staydown_write": write}
            if not write and self.engine.dialect.name == "postgresql":  # one view for the whole read
                options["isolation_level"] = "REPEATABLE READ"
            with (
                self._turn(write=write),
                self.engine.connect().execution_options(**options) as conn,
                conn.begin(),
            ):
                enter(conn, of or HOUSE, role=self._has_role(conn))
                work = self._work(conn)
                yield work
                if work.ledger.flush():
                    self._wake(work)
        except DBAPIError as error:
            raise translated(error) from error
        except AllInUse as error:
            raise Outside(
                "all connections to the database are in use", hint="Repeat it in a moment."
            ) from error

    def _wake(self, work: SqlWork) -> None:
        """See to it that whoever wants to hear of new entries is told; costs nothing where nobody does."""
        at = time.monotonic()
        if at - self._hooks_at >= HOOKS_S:
            self._hooks, self._hooks_at = work.hooks.all_open(), at
        if self._hooks:
            work.hooks.wake(self._hooks)
        if work.hooks.has_changed:
            self._hooks_at = -HOOKS_S

    def _has_role(self, conn: Connection) -> bool:
        if self._role is None:
            self._role = conn.dialect.name == "postgresql" and has_role(conn)
        return self._role

    @contextmanager
    def _turn(self, *, write: bool) -> Iterator[None]:
        """Wait for the turn to write, where the store is a file.

        SQLite's own wait sleeps for up to a tenth of a second between two looks, which two busy workers feel. Its lock
        still guards the file; this one only orders those who wait. A process that dies lets go of it.
        """
        path = self.engine.url.database
        if not write or self.engine.dialect.name != "sqlite" or not path or path == ":memory:":
            yield
            return
        try:
            handle = os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        except OSError as error:
            raise Outside(f"{path}-turn cannot be opened: {error.strerror}") from error
        try:
            _take(handle)
            yield
        finally:
            os.close(handle)

    def _work(self, conn: Connection) -> SqlWork:
        real_now = self.real_now()
        now = self._simulated(conn) if self.exercise else real_now
        return SqlWork(
            conn,
            now=now,
            real_now=real_now,
            exercise=self.exercise,
            origin=self.origin,
            key=self._key,
            restored=self.restored,
            counting=self.counting,
        )

    @staticmethod
    def _simulated(conn: Connection) -> datetime:
        return parse(conn.exec_driver_sql("SELECT value FROM meta WHERE key = 'exercise_now'").scalar_one())

    def set_simulated(self, instant: datetime) -> None:
        """Move the exercise's clock, never back.

        Raises:
            RealStore: This store is real, and real time is nobody's to set.
            Invalid: The instant lies before the present one.
        """
        if not self.exercise:
            raise RealStore("only an exercise has simulated time")
        with self.begin() as work:
            if instant < work.now:
                raise Invalid(f"simulated time stands at {iso(work.now)} and does not go back")
            work.conn.execute(update(meta).where(meta.c.key == "exercise_now").values(value=iso(instant)))

    def note(self, key: str, value: str) -> None:
        """Keep one small fact about the store, such as where an exercise stands."""
        with self.begin() as work:
            upsert(work.conn, meta, [{"key": key, "value": value}], key=("key",), change=("value",))

    def noted(self, key: str) -> str | None:
        """What `note` kept."""
        with self.begin(write=False) as work:
            return work.conn.execute(select(meta.c.value).where(meta.c.key == key)).scalar_one_or_none()

    def clock_ahead(self) -> timedelta:
        """How far this machine's clock is ahead of the database server's, to the length of one question.

        SQLite has no clock of its own: zero.
        """
        if self.engine.dialect.name == "sqlite":
            return timedelta(0)
        try:
            with self.engine.connect() as conn:
                conn.execute(select(1))  # connected before the time is taken
                before = self.real_now()
                theirs = conn.execute(select(func.clock_timestamp())).scalar_one()
                after = self.real_now()
        except DBAPIError as error:
            raise translated(error) from error
        return before + (after - before) / 2 - cast("datetime", theirs)

    def written_until(self) -> datetime:
        """The newest instant of real time on record: of the last kept checkpoint and, in a real store, of the last entry."""
        with self.begin(write=False) as work:
            size, kept_at = work.conn.execute(select(ledger_head.c.size, ledger_head.c.kept_at)).one()
            if self.exercise:  # its entries carry simulated time
                return cast("datetime", kept_at)
            try:
                newest = parse(json.loads(work.ledger.entry(size - 1))["at"])
            except (ValueError, KeyError, TypeError, Invalid) as error:
                raise Broken(f"entry {size - 1} of the ledger cannot be read: {error}") from error
        return max(cast("datetime", kept_at), newest)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def _take(handle: int) -> None:
    """Lock a file, looking every thousandth of a second.

    Raises:
        Outside: Somebody else has had it for a minute.
    """
    ends = time.monotonic() + BUSY_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends:
                raise Outside(
                    f"another process has been writing to the store for {BUSY_S} s",
                    hint="See whether one hangs; end it, and repeat this.",
                ) from None
            time.sleep(0.001)
        except OSError as error:
            raise Outside(f"the turn to write cannot be taken: {error.strerror}") from error
        else:
            return


def translated(error: DBAPIError) -> Exception:
    """The error of ours that says what a database error means."""
    words = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
    if getattr(error.orig, "sqlstate", None) in GAVE_WAY:
        return Collision(f"two transactions waited for each other: {words}")
    if isinstance(error, IntegrityError):
        return Stale(f"the store refused it: {words}")
    if isinstance(error, (OperationalError, InterfaceError)) or error.connection_invalidated:
        return Outside(
            f"the database gave trouble: {words}", hint="Check disk and database; nothing was half-written."
        )
    if "file is not a database" in words:
        return Invalid(
            "the file in the place of the database is none",
            hint="Look at what lies there; name another home.",
        )
    if isinstance(error, DatabaseError) and "malformed" in words:
        return Broken(f"the database file is damaged: {words}")
    return Outside(f"the database refused a statement: {words}", permanent=True)


def make_engine(address: str) -> Engine:
    """An engine with the pragmas and transaction rules the store relies on.

    Raises:
        Invalid: The address is no SQLite or PostgreSQL address.
    """
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise Invalid(
            f"{address[:80]!r} is no database address", hint="Such as postgresql://user@host/name."
        ) from error
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise Invalid(
            f"{url.get_backend_name()} is not supported", hint="Use SQLite or PostgreSQL 15 or newer."
        )
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            hide_parameters=True,  # or an error's text would bring secrets and content into the log
            connect_args={"timeout": BUSY_S, "check_same_thread": False, "cached_statements": 1024},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_size=4)


def _prepare_sqlite(dbapi: object, _record: object) -> None:
    dbapi.isolation_level = None  # type: ignore[attr-defined]  # we say BEGIN ourselves
    cursor = dbapi.cursor()  # type: ignore[attr-defined]
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_S * 1000}",
        "cache_size=-65536",
        "temp_store=MEMORY",
        "mmap_size=268435456",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(conn: Connection) -> None:
    write = conn.get_execution_options().get("staydown_write", True)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


# --- making and opening ---------------------------------------------------------------------------


def version_of(engine: Engine) -> str | None:
    """The schema a database has; None where it has none of ours.

    Raises:
        Outside: The database cannot be reached.
    """
    try:
        with engine.connect() as conn:
            if not inspect(conn).has_table("alembic_version"):
                return None
            return conn.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except DBAPIError as error:
        raise translated(error) from error


def open_store(address: str, key_file: Path) -> Store:
    """Open a store that exists, bringing its schema up to date.

    Raises:
        Invalid: There is none, or a newer Staydown wrote it.
        Broken: Its mark as exercise or real does not fit its first ledger entry, or the key is missing.
    """
    engine = make_engine(address)
    version = version_of(engine)
    if version is None:
        raise Invalid(
            "the database holds no store", hint="Make one: staydown init, or staydown init --exercise."
        )
    if version > HEAD:
        raise Invalid(
            f"the database was written by a newer Staydown (schema {version}, this one knows {HEAD})",
            hint="Install the newer version; an older one must not touch it.",
        )
    if version < HEAD:
        migrate(engine)
    key = _read_key(key_file)
    with engine.connect() as conn:
        facts = {row.key: row.value for row in conn.execute(select(meta))}
        first = conn.execute(
            select(ledger_entries.c.entry).where(ledger_entries.c.n == 0)
        ).scalar_one_or_none()
    exercise = facts.get("kind") == "exercise"
    wanted = b'"tag":"store:exercise:opened"' if exercise else b'"tag":"store:real:opened"'
    if first is None or wanted not in (first.encode() if isinstance(first, str) else bytes(first)):
        raise Broken("the store's mark as exercise or real does not fit its first ledger entry")
    if facts["public_key"] != key.public_key().public_bytes_raw().hex():
        raise Broken(
            "the key in this home is not the one the ledger was begun with",
            hint="Use the home the store was made with.",
        )
    restored = Restored(
        mark=facts.get("restored_mark", ""),
        upto=int(facts.get("restored_upto", "0")),
        tries=int(facts.get("restored_tries", "0")),
    )
    return Store(engine, exercise=exercise, origin=facts["origin"], key=key, restored=restored)


def make_store(
    address: str, key_file: Path, *, exercise: bool, origin: str, starts_at: datetime | None = None
) -> Store:
    """Make a store; its first ledger entry says whether it is an exercise, for good.

    Raises:
        Invalid: There is one already.
        Outside: The disk or database refuses.
    """
    engine = make_engine(address)
    if version_of(engine) is not None:
        raise Invalid("the database holds a store already", hint="Open it, or name another home.")
    migrate(engine)
    key = _make_key(key_file)
    origin = origin or f"staydown.example/{secrets.token_hex(4)}"
    facts = {
        "kind": "exercise" if exercise else "real",
        "origin": origin,
        "public_key": key.public_key().public_bytes_raw().hex(),
    }
    if exercise:
        facts["exercise_now"] = iso(starts_at or datetime.now(UTC))
    try:
        with engine.connect().execution_options(staydown_write=True) as conn, conn.begin():
            conn.execute(insert(meta), [{"key": name, "value": value} for name, value in facts.items()])
            store = Store(engine, exercise=exercise, origin=origin, key=key)
            enter(conn, HOUSE, role=False)
            work = store._work(conn)
            work.ledger.found()
            tag = "store:exercise:opened" if exercise else "store:real:opened"
            work.ledger.append(tag, "store", {}, facts={"exercise": exercise, "origin": origin})
            work.ledger.flush()
    except DBAPIError as error:
        raise translated(error) from error
    return store


def migrate(engine: Engine) -> None:
    """Bring the schema up to date with Alembic: one program at a time, while workers of the older one wait."""
    try:
        with engine.connect().execution_options(staydown_write=True) as conn, conn.begin():
            if conn.dialect.name == "postgresql":
                conn.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
                if inspect(conn).has_table(work_rows.name):  # first what every worker touches first
                    conn.execute(text(f"LOCK TABLE {work_rows.name} IN ACCESS EXCLUSIVE MODE"))
            enter(conn, HOUSE, role=False)
            upgrade(conn)
    except DBAPIError as error:
        raise translated(error) from error


def upgrade(conn: Connection, *, to: str = "head") -> None:
    """Bring the schema of an open transaction to a version."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = conn
    command.upgrade(config, to)


def _make_key(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    if path.exists():
        return _read_key(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(path.name + ".part")
        part.touch(mode=0o600)
        part.write_text(key.private_bytes_raw().hex() + "\n")
        part.replace(path)
    except OSError as error:
        raise Outside(f"the ledger's key cannot be written to {path}: {error.strerror}") from error
    return key


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    except FileNotFoundError as error:
        raise Broken(
            f"the ledger's key {path} is missing", hint="Bring it back from the backup of this home."
        ) from error
    except (OSError, ValueError) as error:
        raise Broken(f"the ledger's key {path} cannot be read: {error}") from error


def wait_for_work(engine: Engine, seconds: float) -> None:
    """Sleep until new work may be there: told by PostgreSQL, by the clock elsewhere.

    Raises:
        Outside: The database cannot be reached.
    """
    if engine.dialect.name == "sqlite":
        time.sleep(seconds)
        return
    import psycopg

    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("LISTEN staydown_work"))
            raw = conn.connection.driver_connection
            if raw is not None:
                list(raw.notifies(timeout=seconds, stop_after=1))
    except DBAPIError as error:
        raise translated(error) from error
    except psycopg.Error as error:
        raise Outside(f"the database gave trouble: {error}") from error


__all__ = [
    "HEAD",
    "SqlWork",
    "Store",
    "ledger_head",
    "make_engine",
    "make_store",
    "migrate",
    "open_store",
    "wait_for_work",
    "wall_time",
]
