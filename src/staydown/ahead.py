"""Reading a large list in a process of its own, while this one stores what was read: two cores do more than one."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from staydown.core import errors
from staydown.core.errors import Outside, StaydownError
from staydown.flow.record import Batch, Reading, read

LARGE_BYTES = 8 * 1024 * 1024
"""A smaller file is read sooner than another process is up."""
_HEAD_BYTES = 8
Ahead = Callable[[Reading], Iterator[Batch]]


def ahead_of(importer: str, path: Path) -> Ahead | None:
    """What reads a file ahead, where that is worth a process; None: read it as it is stored.

    Args:
        importer: The name of its format.
    """
    is_worth_it = path.stat().st_size >= LARGE_BYTES and (os.cpu_count() or 1) > 1
    return partial(batches, importer) if is_worth_it else None


def batches(importer: str, reading: Reading) -> Iterator[Batch]:
    """The batches of a file, each read while the one before is being stored.

    Raises:
        Invalid: The file as a whole is not of its format.
        Outside: The other process has ended.
    """
    process = subprocess.Popen(  # our own interpreter on our own module
        [sys.executable, "-P", "-m", "staydown.ahead"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    if process.stdin is None or process.stdout is None:
        raise Outside("the process that reads ahead has no line to us")
    try:
        with suppress(OSError):  # it has ended before it was told: `_hear` says so
            _say(process.stdin, (importer, reading))
        while True:
            what, told = _hear(process.stdout)
            if what == "batch":
                yield told
            elif what == "end":
                return
            else:
                kind, words, hint = told
                raise getattr(errors, kind, StaydownError)(words, hint=hint)
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):  # what it did not read is of no use to it now
            process.stdin.close()
        process.stdout.close()


def _say(line: IO[bytes], words: tuple[Any, ...]) -> None:
    body = pickle.dumps(words, pickle.HIGHEST_PROTOCOL)
    line.write(len(body).to_bytes(_HEAD_BYTES, "big"))
    line.write(body)
    line.flush()


def _hear(line: IO[bytes]) -> tuple[Any, ...]:
    head = line.read(_HEAD_BYTES)
    body = line.read(int.from_bytes(head, "big")) if len(head) == _HEAD_BYTES else b""
    if not body or len(body) != int.from_bytes(head, "big"):
        raise Outside(
            "the process that reads the list has ended",
            hint="Repeat the command: what is stored stays, and the rest is taken in.",
        )
    words: tuple[Any, ...] = pickle.loads(body)  # noqa: S301  # written by our own process
    return words


def _serve() -> None:
    """Read a file for the process on the other end, until it wants no more."""
    from staydown.registry import choose_importer, load_rooms, plugs

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other end, which then lets go of us
    importer, reading = _hear(sys.stdin.buffer)
    out = sys.stdout.buffer
    gc.disable()
    with suppress(BrokenPipeError):
        try:
            known: Mapping[str, Any] = plugs("importers")
            choose = partial(choose_importer, plugs=known)
            for batch in read(load_rooms(), known[importer], reading, choose):
                _say(out, ("batch", batch))
            _say(out, ("end", None))
        except StaydownError as error:
            _say(out, ("error", (type(error).__name__, str(error), error.hint)))
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001  # the outer wall of this process
            traceback.print_exc()
            words = f"an error of this program, not of yours: {type(error).__name__}: {error}"
            _say(out, ("error", ("StaydownError", words, "Report it with the words above.")))


if __name__ == "__main__":
    _serve()
