"""One source -> its place in a store's frames file, in this process or in a worker."""

import multiprocessing
import os
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from echolib.data.errors import DataError
from echolib.data.letterbox import fit_frames
from echolib.data.store.manifest import Item, Recipe, Stamp, file_sha256
from echolib.data.video import decode_video, read_video


class WriteError(DataError):
    """The frames file cannot be written, most often because the disk is full."""


@dataclass(frozen=True)
class Job:
    """What every worker needs to know. `expected` holds the number of frames of a source where a table gives it."""

    partial: str
    recipe: Recipe
    read: Callable
    height: int
    width: int
    expected: dict[str, int]


def decode(job: Job, name: str, path: str) -> tuple[np.ndarray, dict]:
    """Frames of a source as the store keeps them, and the facts of its item but for the place.

    Raises DataError when it cannot be read, changes meanwhile, or has another number of frames than expected.
    """
    stamp, sha256 = Stamp.of(path), file_sha256(path)
    frames, chroma = decode_video(path) if job.read is read_video else (np.asarray(job.read(path)), None)
    if frames.dtype != np.uint8 or frames.ndim != 3 or frames.size == 0:
        raise DataError(f"{path}: got {frames.dtype} {frames.shape}, a store keeps uint8 (T, H, W)")
    if Stamp.of(path) != stamp:
        raise DataError(f"{path} changed while it was read: build again")
    if len(frames) != job.expected.get(name, len(frames)):
        raise DataError(f"{path} holds {len(frames)} frames, its table says {job.expected[name]}")
    native = frames.shape[1:]
    if job.recipe.size:
        frames = fit_frames(frames, job.recipe.size, job.recipe.interpolation)
    return frames, {"name": name, "stamp": stamp, "sha256": sha256, "native": native, "chroma": chroma}


def decode_into(job: Job, counter, name: str, path: str) -> Item | str:
    """Decodes a source, writes its frames into the partial file and returns its item; or the text of its fault.

    Raises WriteError when the frames cannot be written.
    """
    try:
        frames, facts = decode(job, name, path)
        if frames.shape[1:] != (job.height, job.width):
            raise DataError(
                f"{path} is {frames.shape[1]} x {frames.shape[2]}, others are {job.height} x {job.width}: give a size"
            )
    except (DataError, OSError, MemoryError) as error:
        return f"{name}: {error}"
    except Exception as error:  # a reader that the caller gave may raise anything
        return f"{name}: {path}: {type(error).__name__}: {error}"
    return Item(**facts, **place(job, counter, frames))


def place(job: Job, counter, frames: np.ndarray) -> dict:
    """Writes frames at the next free place of the partial file; returns start, frames and crc32."""
    with counter.get_lock():
        start = counter.value
        counter.value += len(frames)
    content = memoryview(np.ascontiguousarray(frames)).cast("B")
    position = start * job.height * job.width
    try:
        file = os.open(job.partial, os.O_WRONLY)
        try:
            written = 0
            while written < len(content):
                written += os.pwrite(file, content[written:], position + written)
        finally:
            os.close(file)
    except OSError as error:
        raise WriteError(
            f"{job.partial} cannot be written ({error.strerror}): free space or build elsewhere"
        ) from error
    return {"start": start, "frames": len(frames), "crc32": zlib.crc32(content)}


_held: tuple = ()  # (job, counter) of this worker process


def start_worker(job: Job, counter) -> None:
    """Initialises a worker process; it ends when its parent does, however that happens."""
    global _held
    _held = (job, counter)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def work(name: str, path: str) -> Item | str:
    """`decode_into` in a worker process."""
    return decode_into(*_held, name, path)
