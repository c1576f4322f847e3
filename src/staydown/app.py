"""Plug everything together: the only file that knows both the flow and its neighbours."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from staydown.core.errors import Invalid, Outside, RealStore
from staydown.settings import Settings, read_settings

if TYPE_CHECKING:
    from staydown.fetch import GuardedFetch
    from staydown.paper import PaperDesk
    from staydown.ports import Courier, Importer, Instrument, Matcher, Report
    from staydown.ports.doors import Sealed
    from staydown.ports.paper import FormPlug
    from staydown.ports.tools import Tools
    from staydown.reason.canon import Rooms
    from staydown.store.engine import Store
    from staydown.vault import FolderVault

ON_LOOPBACK = timedelta(seconds=2)
"""How long a simulated provider may take: whoever takes longer there stalls on purpose."""
HOSTS = "exercise-hosts.json"
"""Where a running exercise says on which loopback ports its providers answer."""

RULES_FACT = "rules"
"""The fact of a store that says under which rules of identity its keys were made."""

RESTORING = "restoring.json"
"""Lies in a home while a backup is being restored into it."""


class App:
    """One home, opened: what the faces work with. Everything in it is made when first asked for."""

    def __init__(self, settings: Settings, *, restoring: bool = False) -> None:
        self.settings = settings
        self._restoring = restoring

    @property
    def key_file(self) -> Path:
        """The key that signs this home's ledger."""
        return self.settings.home / "keys" / "ledger.key"

    @cached_property
    def store(self) -> Store:
        """The store of this home; a missing home is made, as a real one.

        Raises:
            Invalid: There is a database without a store where one is wanted, or of a newer version, or the home
                is half restored.
        """
        from staydown.store.engine import make_engine, open_store, version_of

        address = self.settings.database_address
        self._make_home()
        if version_of(make_engine(address)) is None:
            return self.make(exercise=False)
        return self._counting(open_store(address, self.key_file))

    def _counting(self, store: Store) -> Store:
        """Tell a store by which rule this house counts."""
        from staydown.law.counting import read_rule

        store.counting = read_rule(self.settings.counting).value
        return store

    def _make_home(self) -> None:
        if not self._restoring and (self.settings.home / RESTORING).exists():
            raise Invalid(
                "this home is half restored",
                hint="Finish it: staydown --home HOME restore BACKUP. Until then nothing may work in it.",
            )
        try:
            self.settings.home.mkdir(parents=True, exist_ok=True, mode=0o750)
        except OSError as error:
            raise Outside(f"the home {self.settings.home} cannot be made: {error.strerror}") from error

    def make(self, *, exercise: bool, origin: str = "", starts_at: datetime | None = None) -> Store:
        """Make the store of a new home.

        Raises:
            Invalid: There is one already, or the home is half restored.
        """
        from staydown.store.engine import make_store

        self._make_home()
        store = make_store(
            self.settings.database_address,
            self.key_file,
            exercise=exercise,
            origin=origin or self.settings.origin,
            starts_at=starts_at,
        )
        store.note(RULES_FACT, self.rules)
        return self._counting(store)

    @cached_property
    def catalogue(self) -> Rooms:
        """All provider rooms."""
        from staydown.registry import load_rooms

        return load_rooms()

    @cached_property
    def rules(self) -> str:
        """A word for today's rules of identity; a store remembers the one its keys were made under."""
        from staydown.registry import rules

        return rules()

    @cached_property
    def importers(self) -> Mapping[str, Importer]:
        """Importers by format."""
        return cast("Mapping[str, Importer]", _plugs("importers"))

    @cached_property
    def reports(self) -> Mapping[str, Report]:
        """Reports by what they render to."""
        return cast("Mapping[str, Report]", _plugs("reports"))

    @cached_property
    def vault(self) -> FolderVault:
        """Evidence bytes."""
        from staydown.vault import FolderVault

        return FolderVault(self.settings.home / "vault")

    @cached_property
    def sealed(self) -> Sealed:
        """Closes small secrets under a key made from the one that signs the ledger."""
        from staydown.proof.seal import Seal

        return Seal(lambda: bytes.fromhex(self.key_file.read_text().strip()))

    @cached_property
    def fetch(self) -> GuardedFetch:
        """The one way out: in an exercise loopback only, else public addresses only."""
        return self.fetch_for(exercise=self.store.exercise)

    def fetch_for(self, *, exercise: bool) -> GuardedFetch:
        """A way out for an exercise, or for real."""
        from staydown.fetch import GuardedFetch, Policy

        if not exercise:
            relays = [self.settings.mail_host] if self.settings.mail_host else []
            return GuardedFetch(Policy.PUBLIC, relays=relays)
        from staydown.fetch.audit import forbid_outside

        forbid_outside()
        return GuardedFetch(Policy.LOOPBACK, hosts=hosts_table(self.settings.home), longest=ON_LOOPBACK)

    @cached_property
    def tools(self) -> Tools:
        """Everything a verb acts with."""
        from staydown.ports.tools import Tools

        return Tools(
            settings=self.settings,
            begin=self.store.begin,
            fetch=self.fetch,
            vault=self.vault,
            catalogue=self.catalogue,
            probe=_plugs("probes")["page"],  # type: ignore[arg-type]
            couriers=self._couriers(),
            instruments=cast("Mapping[str, Instrument]", _plugs("instruments")),
            matchers=cast("Mapping[str, Matcher]", _plugs("matchers")),
            sealed=self.sealed,
            paper=self.paper,
        )

    @cached_property
    def paper(self) -> PaperDesk:
        """Legal forms on paper: rendered, signed, verified and read."""
        from staydown.paper import PaperDesk
        from staydown.paper.keys import Keys

        folder = self.settings.home / "keys" / "paper"
        return PaperDesk(
            forms(), Keys(folder, self.settings, lambda: self.fetch, lambda: self.store.exercise)
        )

    def _couriers(self) -> Mapping[str, Courier]:
        from staydown.ports import CourierTools

        tools = CourierTools(
            fetch=self.fetch,
            outbox=self.settings.outbox,
            mail_host=self.settings.mail_host,
            mail_port=self.settings.mail_port,
            mail_from=self.settings.mail_from or "noreply@staydown.example",
            exercise=self.store.exercise,
        )
        return {name: build(tools) for name, build in _plugs("couriers").items()}  # type: ignore[operator]

    def require_exercise(self) -> None:
        """Refuse in a real store.

        Raises:
            RealStore: This store is real.
        """
        if not self.store.exercise:
            raise RealStore(
                "this is a real store", hint="Exercises have homes of their own: staydown init --exercise."
            )

    def close(self) -> None:
        """Let go of database and connections."""
        for name in ("store", "fetch"):
            if name in self.__dict__:
                self.__dict__[name].close()


def open_app(home: Path, *, database: str | None = None) -> App:
    """The app of a home, with its settings read; nothing else is touched yet."""
    return App(read_settings(home, database=database))


def forms() -> Mapping[str, FormPlug]:
    """Every legal form that is data, by name; no home is needed."""
    found = {name: one for name, one in _plugs("instruments").items() if hasattr(type(one), "form")}
    return cast("Mapping[str, FormPlug]", found)


def hosts_table(home: Path) -> Callable[[], Mapping[str, tuple[str, int]]]:
    """A function that gives the present hosts table of a running exercise, read again when it changes."""
    path = home / HOSTS
    seen: tuple[float, Mapping[str, tuple[str, int]]] = (-1.0, {})

    def table() -> Mapping[str, tuple[str, int]]:
        nonlocal seen
        try:
            stamp = path.stat().st_mtime_ns
            if stamp != seen[0]:
                raw = json.loads(path.read_text())
                seen = (stamp, {host: (str(place[0]), int(place[1])) for host, place in raw.items()})
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise Outside(f"{path} cannot be read: {error}") from error
        return seen[1]

    return table


def _plugs(group: str) -> Mapping[str, object]:
    from staydown.registry import plugs

    return plugs(group)


__all__ = ["HOSTS", "RESTORING", "App", "forms", "hosts_table", "open_app"]
