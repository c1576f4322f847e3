"""The nine simulated providers as real servers on loopback: one port each, and one more for those with mail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self
from weakref import WeakSet

from aiohttp import web
from aiosmtpd.smtp import SMTP

from staydown.testing.post import MailDesk
from staydown.testing.profiles import PROFILES, Profile
from staydown.testing.web import Provider
from staydown.testing.world import Watcher, WorldView, nobody

IP = "127.0.0.1"
MAX_MAIL_BYTES = 32 * 1024 * 1024


class Servers:
    """Runs the providers on free ports, in a thread of its own or in the caller's event loop.

    Args:
        world: What they show, and whom they tell what they took in.
        profiles: Which providers; all nine by default.
        watcher: Told of every request that arrives, noticed as a repeat or not.

    Use `start` and `stop` for a thread, `open` and `shut` inside a running event loop.
    """

    def __init__(
        self,
        world: WorldView,
        profiles: Iterable[Profile] = tuple(PROFILES.values()),
        *,
        watcher: Watcher = nobody,
    ) -> None:
        self._world = world
        self._watcher = watcher
        self._profiles = tuple(profiles)
        self._sockets: list[asyncio.Server] = []
        self._webs: list[web.Server] = []
        self._mails: WeakSet[SMTP] = WeakSet()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.hosts: dict[str, tuple[str, int]] = {}  #: name -> (IP address, port), `*.` for any name below

    def start(self) -> dict[str, tuple[str, int]]:
        """Start in a background thread; gives the hosts table."""
        loop = self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="simulated providers", daemon=True)
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self.open(), loop).result()

    def stop(self) -> None:
        """End what `start` began; a second call does nothing."""
        thread, loop = self._thread, self._loop
        self._thread = self._loop = None
        if thread is None or loop is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    async def open(self) -> dict[str, tuple[str, int]]:
        """Start in the running event loop; gives the hosts table."""
        for profile in self._profiles:
            provider = Provider(profile, self._world, self._watcher)
            port = await self._serve_web(provider)
            self.hosts.update(dict.fromkeys(profile.hosts, (IP, port)))
            if profile.mail_host:
                desk = MailDesk(profile, self._world, provider.withdraw, self._watcher)
                self.hosts[profile.mail_host] = (IP, await self._serve_mail(profile, desk))
        return dict(self.hosts)

    async def shut(self) -> None:
        """Close ports and connections."""
        for plug in self._sockets:
            plug.close()
        for server in self._webs:
            await server.shutdown(0.1)
        for connection in self._mails:
            if connection.transport is not None:
                connection.transport.close()
        self._sockets, self._webs = [], []
        self._mails.clear()

    async def _end(self) -> None:
        """`shut`, and whatever still runs in a loop of our own."""
        await self.shut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve_web(self, provider: Provider) -> int:
        server = web.Server(
            provider.answer, handler_cancellation=True, access_log=None, keepalive_timeout=3600
        )
        self._webs.append(server)
        return await self._listen(server)

    async def _serve_mail(self, profile: Profile, desk: MailDesk) -> int:
        def connection() -> SMTP:
            smtp = SMTP(
                desk,
                hostname=profile.mail_host,
                ident="Simulated mail desk",
                data_size_limit=MAX_MAIL_BYTES,
                enable_SMTPUTF8=True,
                loop=loop,
            )
            self._mails.add(smtp)
            return smtp

        loop = asyncio.get_running_loop()
        return await self._listen(connection)

    async def _listen(self, factory: Callable[[], asyncio.BaseProtocol]) -> int:
        loop = asyncio.get_running_loop()
        plug = await loop.create_server(factory, IP, 0, backlog=512)
        self._sockets.append(plug)
        return int(plug.sockets[0].getsockname()[1])
