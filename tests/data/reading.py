"""A reader for stores under test: it says what it reads and can stop its process in the middle.

A source is a text file "frames height width value"; its frames hold value, value + 1, ...
"""

import os
import signal
from pathlib import Path

import numpy as np


def counted(path: str) -> np.ndarray:
    """Frames of a made-up source. Notes it in $READ_LOG; at the $READ_AT th kills $READ_KILL ("self" or "parent")."""
    log = Path(os.environ["READ_LOG"])
    with log.open("a") as file:
        file.write(f"{Path(path).name} {os.getpid()}\n")
    if len(log.read_text().splitlines()) >= int(os.environ.get("READ_AT", 10**9)):
        victim = os.getpid() if os.environ["READ_KILL"] == "self" else os.getppid()
        os.kill(victim, signal.SIGKILL)
    frames, height, width, value = (int(word) for word in Path(path).read_text().split())
    return np.arange(value, value + frames, dtype="uint8")[:, None, None] * np.ones((1, height, width), "uint8")


def wrong_shape(path: str) -> np.ndarray:
    """An array that no store takes."""
    return np.zeros((3, 4), "float32")
