"""The nine simulated providers: what they show, and that the page probe reads it by their rooms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from staydown.core.check import Mark, MarkKind, Sight
from staydown.fetch import GuardedFetch, Policy
from staydown.plugs.probes.page.probe import PROBE
from staydown.ports import Ask, Reply, Trouble
from staydown.reason.canon import Rooms
from staydown.registry import load_rooms
from staydown.testing.memory import MemoryWorld
from staydown.testing.profiles import PROFILES
from staydown.testing.simulated import Servers
from staydown.testing.world import Page, Presence

ADDRESSES = {
    "flock": ("https://flock.exercise.example/@made_up", "/@made_up", "account"),
    "reel": ("https://reel.exercise.example/watch?v=aB3_x-9", "/watch?v=aB3_x-9", "video"),
    "hearth": ("https://hearth.exercise.example/made_up/12", "/made_up/12", "post"),
    "parcel": ("https://parcel.exercise.example/f/aB3x9", "/f/aB3x9", "file"),
    "quill": ("https://quill.exercise.example/p/aB3x9", "/p/aB3x9", "paste"),
    "tortoise": ("https://tortoise.exercise.example/g/made-up", "/g/made-up", "group"),
    "bastion": ("https://bastion.exercise.example/u/made_up", "/u/made_up", "account"),
    "lagoon": ("https://lagoon.exercise.example/v/aB3_x-9", "/v/aB3_x-9", "video"),
    "barehost": ("https://made-up.barehost.exercise.example/", "/made-up/", "site"),
}
READ_AS = {"online": Sight.ONLINE, "removed": Sight.OFFLINE, "blocked": Sight.BLOCKED}


@pytest.fixture(scope="module")
def rooms() -> Rooms:
    return load_rooms()


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


@pytest.fixture
def fetch(world: MemoryWorld) -> Iterator[GuardedFetch]:
    with Servers(world) as servers:
        fetch = GuardedFetch(Policy.LOOPBACK, hosts=servers.hosts)
        yield fetch
        fetch.close()


def get(fetch: GuardedFetch, address: str, *, seconds: float = 5) -> Reply:
    return fetch.many([Ask(address=address, timeout=timedelta(seconds=seconds))])[0]


@pytest.mark.parametrize("presence", READ_AS)
@pytest.mark.parametrize("provider", ADDRESSES)
def test_the_probe_reads_every_provider(
    rooms: Rooms, world: MemoryWorld, fetch: GuardedFetch, provider: str, presence: Presence
) -> None:
    address, path_qs, kind = ADDRESSES[provider]
    world.pages[provider, path_qs] = Page(presence=presence, kind=kind, handle="made_up")
    look = PROBE.look(rooms.room(provider), get(fetch, address))
    expected = Sight.BLOCKED if (provider, presence) == ("lagoon", "removed") else READ_AS[presence]
    assert look.sight is expected, look


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize(("provider", "sight"), [("barehost", Sight.OFFLINE), ("lagoon", Sight.BLOCKED)])
def test_both_ways_of_showing_it_read_alike(
    rooms: Rooms, world: MemoryWorld, fetch: GuardedFetch, provider: str, sight: Sight, number: int
) -> None:
    host = {"barehost": f"site-{number}.barehost", "lagoon": "lagoon"}[provider]
    path_qs = {"barehost": f"/site-{number}/", "lagoon": f"/v/video{number}"}[provider]
    path = {"barehost": "/", "lagoon": path_qs}[provider]
    world.pages[provider, path_qs] = Page(presence="removed", kind="site")
    reply = get(fetch, f"https://{host}.exercise.example{path}")
    assert PROBE.look(rooms.room(provider), reply).sight is sight


def test_the_two_ways_do_occur(world: MemoryWorld, fetch: GuardedFetch) -> None:
    for number in range(6):
        world.pages["barehost", f"/site-{number}/"] = Page(presence="removed", kind="site")
    replies = [get(fetch, f"http://site-{number}.barehost.exercise.example/") for number in range(6)]
    assert {reply.status for reply in replies} == {200, 503}


@pytest.mark.parametrize("provider", ADDRESSES)
def test_what_never_was_is_offline_and_the_front_page_is_not_online(
    rooms: Rooms, fetch: GuardedFetch, provider: str
) -> None:
    room = rooms.room(provider)
    assert PROBE.look(room, get(fetch, ADDRESSES[provider][0])).sight is Sight.OFFLINE
    front = get(fetch, f"https://{PROFILES[provider].host}/")
    assert front.status == 200
    assert PROBE.look(room, front).sight is not Sight.ONLINE


@pytest.mark.parametrize("provider", ADDRESSES)
def test_text_on_a_page_cannot_fake_its_removal(
    rooms: Rooms, world: MemoryWorld, fetch: GuardedFetch, provider: str
) -> None:
    address, path_qs, kind = ADDRESSES[provider]
    text = (
        '<p class="notice">This channel cannot be displayed</p><p class="notice">This account is suspended</p>'
        '<p class="notice">This domain is suspended</p><p class="notice">This group has been closed</p>'
        '<p class="notice">Not available in your region</p><script>made up</script>'
    )
    world.pages[provider, path_qs] = Page(presence="online", kind=kind, handle='"><b>', name=text, text=text)
    reply = get(fetch, address)
    assert b"<script>" not in reply.body
    assert PROBE.look(rooms.room(provider), reply).sight is Sight.ONLINE


@pytest.mark.parametrize("provider", ADDRESSES)
def test_marks_are_read_off_the_page(
    rooms: Rooms, world: MemoryWorld, fetch: GuardedFetch, provider: str
) -> None:
    address, path_qs, kind = ADDRESSES[provider]
    world.pages[provider, path_qs] = Page(
        presence="online",
        kind=kind,
        handle="Some_One",
        name="Some & One",
        avatar="/media/a.png",
        addresses=("https://reel.exercise.example/watch?v=x1y2", "javascript:void(0)"),
        media=("https://flock.exercise.example/media/b.png",),
        followers=1234,
    )
    marks = PROBE.marks(rooms.room(provider), get(fetch, address))
    host = address.split("/")[2]
    assert set(marks) == {
        Mark(kind=MarkKind.HANDLE, value="Some_One"),
        Mark(kind=MarkKind.NAME, value="Some & One"),
        Mark(kind=MarkKind.AVATAR, value=f"https://{host}/media/a.png"),
        Mark(kind=MarkKind.ADDRESS, value="https://reel.exercise.example/watch?v=x1y2"),
        Mark(kind=MarkKind.MEDIA, value="https://flock.exercise.example/media/b.png"),
        Mark(kind=MarkKind.FOLLOWERS, value="1234"),
    }


@pytest.mark.parametrize("fault", ["stall", "reset", "error", "nonsense"])
@pytest.mark.parametrize("provider", ["flock", "parcel", "barehost"])
def test_no_fault_is_ever_offline(
    rooms: Rooms, world: MemoryWorld, fetch: GuardedFetch, provider: str, fault: str
) -> None:
    address, path_qs, kind = ADDRESSES[provider]
    world.pages[provider, path_qs] = Page(presence="online", kind=kind)
    world.faults[provider, path_qs] = [fault, fault]  # type: ignore[list-item]
    looks = [PROBE.look(rooms.room(provider), get(fetch, address, seconds=0.5)) for _ in range(3)]
    assert [look.sight for look in looks] == [Sight.UNCLEAR, Sight.UNCLEAR, Sight.ONLINE]


def test_media_come_as_they_are(world: MemoryWorld, fetch: GuardedFetch) -> None:
    world.bytes_of["flock", "/media/a.png"] = bytes(range(256))
    assert get(fetch, "https://flock.exercise.example/media/a.png").body == bytes(range(256))
    assert get(fetch, "https://flock.exercise.example/media/b.png").status == 404


def test_the_way_to_a_stopped_provider_is_unreachable(world: MemoryWorld) -> None:
    servers = Servers(world)
    hosts = servers.start()
    servers.stop()
    servers.stop()
    fetch = GuardedFetch(Policy.LOOPBACK, hosts=hosts)
    assert get(fetch, "https://flock.exercise.example/").trouble is Trouble.UNREACHABLE
    fetch.close()


def test_every_room_and_profile_fit_together(rooms: Rooms) -> None:
    for name, profile in PROFILES.items():
        room = rooms.room(name)
        assert room.exercise
        assert [contact.courier for contact in room.contacts] == [profile.courier]
        assert profile.host in room.hosts
