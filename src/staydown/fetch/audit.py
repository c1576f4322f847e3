"""The exercise's last wall: the interpreter itself refuses every socket beyond this machine.

An audit hook cannot be taken off again, so a process that called `forbid_outside` can never reach the
outside through Python's sockets, whatever library tries. Its limits: a name handed straight to `connect` is
looked up by the C library before the hook is called, and code outside Python is not seen; where that matters,
run the exercise in a network namespace.
"""

from __future__ import annotations

import socket
import sys
import threading

from staydown.fetch import addresses

_TO_ADDRESS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_BY_NAME = frozenset(
    {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
)
_lock = threading.Lock()
_state = {"on": 0, "attempts": 0}


class OutsideForbidden(PermissionError):
    """Something tried to leave the machine during an exercise."""


def forbid_outside() -> None:
    """Refuse, for the rest of this process, every connection, datagram and look-up beyond loopback.

    Sockets of the file system stay open. A second call does nothing.
    """
    with _lock:
        if _state["on"]:
            return
        _state["on"] = 1
    sys.addaudithook(_hook)


def attempts() -> int:
    """How many times this process tried to get out, and was refused."""
    return _state["attempts"]


def is_forbidden() -> bool:
    """Whether the wall is up."""
    return bool(_state["on"])


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event in _TO_ADDRESS:
        if _leads_outside(arguments[0], arguments[1]):
            _refuse(event, arguments[1])
    elif event in _BY_NAME and not _is_here(_first(arguments[0])):
        _refuse(event, arguments[0])


def _leads_outside(plug: object, address: object) -> bool:
    family = getattr(plug, "family", None)
    if family == socket.AF_UNIX or address is None:
        return False
    if family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple) or not address:
        return True
    return not _is_here(address[0])


def _first(place: object) -> object:
    return place[0] if isinstance(place, tuple) and place else place


def _is_here(host: object) -> bool:
    """Whether a host names this machine without asking anybody."""
    if host is None:
        return True
    text = host.decode("latin-1") if isinstance(host, bytes | bytearray) else str(host)
    if text.lower() == "localhost":
        return True
    try:
        return addresses.is_loopback(addresses.read(text))
    except ValueError:
        return False


def _refuse(event: str, place: object) -> None:
    with _lock:
        _state["attempts"] += 1
    raise OutsideForbidden(
        f"{event} to {place!r} was refused: this is an exercise and nothing leaves the machine"
    )
