"""Source files -> frames in a store's frames file, in this process or in workers."""

import multiprocessing
import os
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np

from echolib.data.errors import DataError
from echolib.data.letterbox import fit_frames
from echolib.data.sources import source_sha256
from echolib.data.store.manifest import Item, Recipe, Stamp
from echolib.data.video import decode_video, read_video
from echolib.processes import end_with_parent

_START_SECONDS = 8.0  # decoding that is done sooner than this is not worth starting worker processes


class WriteError(DataError):
    """The frames file cannot be written, most often because the disk is full."""


@dataclass(frozen=True)
class Expected:
    """What tables say of a source: its length, its native (rows, columns), its SHA-256; None: nothing."""

    frames: int | None = None
    size: tuple[int, int] | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Job:
    """What every worker needs to know."""

    partial: str
    recipe: Recipe
    read: Callable
    height: int
    width: int
    expected: dict[str, Expected]


def decode(job: Job, name: str, path: str) -> tuple[np.ndarray, dict]:
    """Frames of a source as the store keeps them, and the facts of its item but for its position in the store.

    Raises DataError when it cannot be read, changes meanwhile, or is not what tables say of it.
    """
    expected = job.expected.get(name, Expected())
    stamp, sha256 = Stamp.of(path), source_sha256(path)
    if expected.sha256 not in (None, sha256):
        raise DataError(f"{path} has another hash than SHA256SUMS says: get it again")
    frames, chroma = decode_video(path) if job.read is read_video else (np.asarray(job.read(path)), None)
    if frames.dtype != np.uint8 or frames.ndim != 3 or frames.size == 0:
        raise DataError(f"{path}: got {frames.dtype} {frames.shape}, a store keeps uint8 (T, H, W)")
    if Stamp.of(path) != stamp:
        raise DataError(f"{path} changed while it was read: build again")
    native = frames.shape[1:]
    if expected.frames not in (None, len(frames)):
        raise DataError(f"{path} holds {len(frames)} frames, its table says {expected.frames}")
    if expected.size is not None and expected.size != native:
        height, width = expected.size
        raise DataError(f"{path} is {native[0]} x {native[1]} (rows x columns), its table says {height} x {width}")
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
    return Item(**facts, **write_frames(job, counter, frames))


def write_frames(job: Job, counter, frames: np.ndarray) -> dict:
    """Writes frames where the partial file is free next; returns start, frames and crc32."""
    with counter.get_lock():
        start = counter.value
        counter.value += len(frames)
    content = np.ascontiguousarray(frames).data.cast("B")
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
    end_with_parent()


def work(name: str, path: str) -> Item | str:
    """`decode_into` in a worker process."""
    job, counter = _held
    return decode_into(job, counter, name, path)


def decode_all(job: Job, counter, todo: list[tuple[str, str]], workers: int | None) -> Iterator[Item | str]:
    """`decode_into` for each (name, path), in this process or, where that is sooner done, in several."""
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        patience = _START_SECONDS
    else:
        patience = 0.0 if workers > 1 else float("inf")
    start, done = time.monotonic(), 0
    while done < len(todo):
        spent = time.monotonic() - start
        if workers > 1 and spent > patience / 4 and spent * (len(todo) - done) >= patience * done:
            yield from _decoded_by_workers(job, counter, todo[done:], min(workers, len(todo) - done))
            return
        yield decode_into(job, counter, *todo[done])
        done += 1


def _decoded_by_workers(job: Job, counter, todo: list[tuple[str, str]], workers: int) -> Iterator[Item | str]:
    # Processes, not threads: half of the time is spent under the interpreter's lock. Spawned, since a forked copy of
    # a process that has used torch or CUDA may hang.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), start_worker, (job, counter))
    try:
        for future in as_completed([pool.submit(work, name, path) for name, path in todo]):
            yield future.result()
    except BrokenProcessPool as error:
        raise DataError(
            "a decoding process died: memory ran out, or the script that builds has no `if __name__ == '__main__'`. "
            "workers=1 decodes without processes; finished items are kept"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
