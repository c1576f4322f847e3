"""Which registry to ask: the bootstrap files that are shipped, those that were fetched since, and curated tables."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from staydown.core.errors import Invalid, Outside
from staydown.ports import Ask, Reply
from staydown.ports.tools import Tools
from staydown.reason.bootstrap import MAX_BYTES, Bootstrap, Servers, Sort, read_bootstrap, replaces
from staydown.reason.fronts import Front, Registry, fronts_from, registries_from

FOLDER = "rdap"
"""Where fetched files lie in a home."""
IANA = "https://data.iana.org/rdap/{}.json"
_DATA = "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class InUse:
    """One bootstrap file, and where it is from."""

    bootstrap: Bootstrap
    path: str  #: of the fetched file; empty for the shipped one
    refused: str = ""  #: why a fetched file that is there is not used


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """Everything that says whom to ask."""

    files: Mapping[Sort, InUse]
    unlisted: Bootstrap  #: servers of registries that IANA does not list

    def for_name(self, name: str) -> Servers:
        """The servers for a domain name."""
        return self.files[Sort.DNS].bootstrap.for_name(name) or self.unlisted.for_name(name)

    def for_address(self, ip: str) -> Servers:
        """The servers for an IP address."""
        sort = Sort.IPV6 if ":" in ip else Sort.IPV4
        return self.files[sort].bootstrap.for_address(ip)

    def for_number(self, number: int) -> Servers:
        """The servers for an AS number."""
        return self.files[Sort.ASN].bootstrap.for_number(number)


def guide(home: Path) -> Guide:
    """The files in use in a home."""
    return Guide(files={sort: in_use(home, sort) for sort in Sort}, unlisted=_shipped("unlisted", Sort.DNS))


def in_use(home: Path, sort: Sort) -> InUse:
    """One file: the fetched one, unless it is broken or older than the shipped one."""
    shipped = _shipped(sort.value, sort)
    path = home / FOLDER / f"{sort.value}.json"
    try:
        fetched = read_bootstrap(path.read_bytes(), sort)
    except FileNotFoundError:
        return InUse(bootstrap=shipped, path="")
    except OSError as error:
        return InUse(bootstrap=shipped, path="", refused=f"{path} cannot be read: {error.strerror}")
    except Invalid as error:
        return InUse(bootstrap=shipped, path="", refused=str(error))
    if fetched.publication < shipped.publication:
        return InUse(bootstrap=shipped, path="", refused=f"{path} is older than the shipped file")
    return InUse(bootstrap=fetched, path=str(path))


def refresh(tools: Tools) -> None:
    """Fetch IANA's files; each replaces the one in use only after it was read and found good.

    Raises:
        Outside: At least one of them could not be fetched or is no good; the others were replaced.
    """
    sorts = list(Sort)
    asks = [Ask(address=IANA.format(sort.value), max_bytes=MAX_BYTES + 1) for sort in sorts]
    wrong = []
    for sort, reply in zip(sorts, tools.fetch.many(asks), strict=True):
        try:
            raw = _body(reply)
            replaces(read_bootstrap(raw, sort), in_use(tools.settings.home, sort).bootstrap)
            _write(tools.settings.home / FOLDER, f"{sort.value}.json", raw)
        except (Invalid, Outside) as error:
            wrong.append(str(error))
    if wrong:
        raise Outside("; ".join(wrong), hint="The files in use stay as they are. Try again later.")


@cache
def fronts() -> tuple[Front, ...]:
    """Who is known to stand before sites."""
    return fronts_from(tomllib.loads(_data("cdns.toml").decode()))


@cache
def registries() -> Mapping[str, Registry]:
    """What registries of country codes say, by ending."""
    return registries_from(tomllib.loads(_data("registries.toml").decode()))


def _body(reply: Reply) -> bytes:
    if reply.trouble is not None:
        raise Outside(f"{reply.ask.address} could not be fetched ({reply.trouble}: {reply.detail})")
    if reply.status != 200:
        raise Outside(f"{reply.ask.address} answered {reply.status}")
    return reply.body


def _write(folder: Path, name: str, raw: bytes) -> None:
    """Put a file in the place of another, whole or not at all."""
    draft = folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / name)
    except OSError as error:
        raise Outside(f"{folder / name} cannot be written: {error.strerror}") from error


@cache
def _shipped(name: str, sort: Sort) -> Bootstrap:
    return read_bootstrap(_data("rdap", f"{name}.json"), sort)


def _data(*parts: str) -> bytes:
    return files("staydown.reason").joinpath(_DATA, *parts).read_bytes()
