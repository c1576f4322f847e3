"""The last wall of the exercise, tried in a process of its own because it cannot be taken off."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import asyncio, json, socket, urllib.request
from staydown.fetch import GuardedFetch, Policy
from staydown.fetch.audit import OutsideForbidden, attempts, forbid_outside, is_forbidden
from staydown.ports import Ask

forbid_outside(); forbid_outside()
assert is_forbidden()
refused = []

def tried(name, act):
    try:
        act()
    except OutsideForbidden:
        refused.append(name)
    except OSError as error:
        print("another error", name, error)

def connect(family, address):
    with socket.socket(family) as plug:
        plug.settimeout(0.2)
        plug.connect(address)

def send(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        plug.sendto(b"x", address)

tried("v4", lambda: connect(socket.AF_INET, ("93.184.216.34", 80)))
tried("private", lambda: connect(socket.AF_INET, ("10.0.0.1", 80)))
tried("any", lambda: connect(socket.AF_INET, ("0.0.0.0", 80)))
tried("v6", lambda: connect(socket.AF_INET6, ("2606:2800::1", 80)))
tried("mapped", lambda: connect(socket.AF_INET6, ("::ffff:93.184.216.34", 80)))
tried("datagram", lambda: send(("8.8.8.8", 53)))
tried("lookup", lambda: socket.getaddrinfo("a.example", 80))
tried("byname", lambda: socket.gethostbyname("a.example"))
tried("reverse", lambda: socket.gethostbyaddr("93.184.216.34"))
tried("nameinfo", lambda: socket.getnameinfo(("93.184.216.34", 80), 0))
tried("urllib", lambda: urllib.request.urlopen("http://93.184.216.34/"))
reply = GuardedFetch(Policy.PUBLIC).many([Ask(address="http://93.184.216.34/")])[0]
count = attempts()
server = socket.create_server(("127.0.0.1", 0))
with socket.create_connection(("127.0.0.1", server.getsockname()[1])): pass
with socket.create_connection(("localhost", server.getsockname()[1])): pass
one, two = socket.socketpair()
one.send(b"x")
print(json.dumps({"refused": refused, "count": count, "after": attempts(), "trouble": reply.trouble, "detail": reply.detail}))
"""


def test_nothing_leaves_and_loopback_works() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["refused"]) == 10, done.stdout
    assert "another error urllib" in done.stdout  # it wraps the refusal into an error of its own
    assert found["count"] == found["after"] == 12
    assert found["trouble"] == "unreachable"
    assert "exercise" in found["detail"]
