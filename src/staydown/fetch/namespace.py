"""A network of one's own: nothing but loopback exists in it, whatever a program tries.

The second wall of an exercise, beside the audit hook: the kernel itself has no route out. Only root may build it,
on Linux; elsewhere the hook stands alone.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
import threading

_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def enter_own_network() -> bool:
    """Move this process, and the children it starts from now on, into a network with loopback only.

    Must be called before any other thread runs. Gives whether it was possible.
    """
    if sys.platform != "linux" or os.geteuid() != 0 or threading.active_count() > 1:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        return False
    _raise_loopback()
    return True


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        asked = struct.pack("16sh22x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(plug, _SIOCGIFFLAGS, asked), 16)
        fcntl.ioctl(plug, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))
