"""Connections to checked end points, kept open for the next exchange."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import OrderedDict

from staydown.core.errors import Outside, Refused
from staydown.fetch import addresses
from staydown.fetch.guard import Guard, Place, Policy, Target
from staydown.fetch.wire import Key, Trip, Wire
from staydown.ports import Trouble

IDLE_S = 20.0
MAX_IDLE = 256
PER_PLACE_S = 4.0
"""How long one of several addresses of a name may take before the next is tried."""


class Pool:
    """Opens connections through the guard and keeps idle ones.

    A connection is kept under what was checked: in the exercise the end point, otherwise scheme, name and
    port, because a certificate belongs to the name.
    """

    def __init__(self, guard: Guard, loop: asyncio.AbstractEventLoop) -> None:
        self._guard = guard
        self._loop = loop
        self._tls: ssl.SSLContext | None = None
        self._idle: OrderedDict[Key, list[Wire]] = OrderedDict()
        self._idle_count = 0

    def idle(self, target: Target) -> Wire | None:
        """An open connection that was checked when it was made."""
        waiting = self._idle.get(self._key(target)) if self._idle_count else None
        while waiting:
            wire = waiting.pop()
            self._idle_count -= 1
            if wire.is_open and self._loop.time() - wire.idle_since < IDLE_S:
                return wire
            wire.drop()
        return None

    def keep(self, wire: Wire) -> None:
        """Keep a connection whose exchange is over."""
        key = wire.key
        wire.idle_since = self._loop.time()
        self._idle.setdefault(key, []).append(wire)
        self._idle.move_to_end(key)
        self._idle_count += 1
        while self._idle_count > MAX_IDLE:
            self._drop_oldest()

    async def connect(self, target: Target) -> Wire:
        """A new connection to one of the checked places of a target.

        Raises:
            Trip: Refused, not resolved, not reached, or no valid certificate.
        """
        try:
            places = await self._guard.places(target)
        except Refused as error:
            raise Trip(Trouble.REFUSED, str(error)) from error
        except Outside as error:
            raise Trip(Trouble.NO_SUCH_HOST, str(error)) from error
        trip = Trip(Trouble.UNREACHABLE, "no address to try")
        for number, place in enumerate(places[:4], start=1):
            last = number == min(4, len(places))
            try:
                async with asyncio.timeout(None if last else PER_PLACE_S):
                    return await self._open(target, place)
            except TimeoutError:
                trip = Trip(Trouble.TIMED_OUT, f"no connection to {place.ip} in {PER_PLACE_S} s")
            except Trip as error:
                trip = error
        raise trip

    def close(self) -> None:
        """Drop every idle connection."""
        for waiting in self._idle.values():
            for wire in waiting:
                wire.drop()
        self._idle.clear()
        self._idle_count = 0

    async def _open(self, target: Target, place: Place) -> Wire:
        try:
            plug = await self._plug(place)
            wire = await self._dress(target, plug)
        except OSError as error:
            raise _trip_of(error, place) from error
        wire.key = self._key(target, place)
        return wire

    async def _plug(self, place: Place) -> socket.socket:
        """A socket that is connected to a checked place, and to nothing else."""
        family = socket.AF_INET if addresses.read(place.ip).version == 4 else socket.AF_INET6
        plug = socket.socket(family, socket.SOCK_STREAM)
        is_ready = False
        try:
            plug.setblocking(False)
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.sock_connect(plug, (place.ip, place.port))
            self._check_peer(plug, place)
            is_ready = True
        finally:
            if not is_ready:
                plug.close()
        return plug

    def _check_peer(self, plug: socket.socket, place: Place) -> None:
        """What we are connected to must be what was checked."""
        peer = addresses.read(plug.getpeername()[0])
        if peer != addresses.read(place.ip):
            raise Trip(Trouble.REFUSED, f"connected to {peer} in place of {place.ip}")
        try:
            self._guard.check(peer)
        except Refused as error:
            raise Trip(Trouble.REFUSED, str(error)) from error

    async def _dress(self, target: Target, plug: socket.socket) -> Wire:
        """Put the protocol on a connected socket, with TLS where the scheme asks for it.

        In the exercise https is spoken in clear: it never leaves this machine and has no certificates.
        """
        if target.scheme == "https" and self._guard.policy is Policy.PUBLIC:
            name = target.host.removeprefix("[").removesuffix("]").rstrip(".")
            _, wire = await self._loop.create_connection(
                lambda: Wire(self._loop), sock=plug, ssl=self._context(), server_hostname=name
            )
        else:
            _, wire = await self._loop.create_connection(lambda: Wire(self._loop), sock=plug)
        return wire

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    def _key(self, target: Target, place: Place | None = None) -> Key:
        if self._guard.policy is Policy.LOOPBACK:
            place = place or self._guard.known_place(target)
            if place is not None:
                return ("loopback", place.ip, place.port)
        return (target.scheme, target.host, target.port)

    def _drop_oldest(self) -> None:
        key, waiting = next(iter(self._idle.items()))
        if waiting:
            waiting.pop(0).drop()
            self._idle_count -= 1
        if not waiting:
            del self._idle[key]


def _trip_of(error: OSError, place: Place) -> Trip:
    """The trouble behind a failed connection."""
    words = f"{place.ip} port {place.port}: {error.strerror or error}"
    if isinstance(error, ssl.SSLError):
        return Trip(Trouble.TLS, words)
    if isinstance(error, TimeoutError):
        return Trip(Trouble.TIMED_OUT, words)
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return Trip(Trouble.RESET, words)
    return Trip(Trouble.UNREACHABLE, words)
