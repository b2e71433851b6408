"""One process at a time: two studies at work on the same report."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from echolib.files import file_lock


@contextmanager
def alone(lock: Path, *, deadline: float | None = None, on_wait: Callable[[], None] = lambda: None) -> Iterator[bool]:
    """Holds a lock that the system frees when its holder dies; waits for it until the deadline, in seconds since the
    epoch.

    Yields whether it is held (False: the deadline passed). on_wait: called once where another process holds it.
    """
    held = file_lock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        on_wait()
        try:
            held.acquire(timeout=-1 if deadline is None else max(0, deadline - time.time()))
        except Timeout:
            yield False
            return
    try:
        yield True
    finally:
        held.release()
