"""One corruption of one file, and what came of it."""

import hashlib
import io
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echolib.errors import UserError
from tests.fuzz.corruptions import BYTES, TEXT, Corruption

DETECTED, SAME, SILENT, BARE, HANG = "detected", "same result", "silent", "bare traceback", "hang"
VERDICTS = (DETECTED, SAME, SILENT, BARE, HANG)
PATIENCE = 20  # seconds
TABLES = (".csv", ".cfg", ".txt")


class Damaged(UserError):
    """What was read is known to be damaged, and would be made again."""


class Hang(BaseException):
    """Reading took too long."""


@dataclass(frozen=True)
class Target:
    """Something that is read. `make` writes it into a folder; `read` gives the hash of what comes out of it.

    files: patterns of what may be corrupted. limit: what the format cannot reveal, where there is such a thing; then a
    silent change is counted, and is no fault.
    """

    name: str
    make: Callable[[Path], object]
    read: Callable[[Path], str]
    files: tuple[str, ...]
    limit: str = ""

    def paths(self, folder: Path) -> list[Path]:
        """The files that may be corrupted."""
        return sorted({path for pattern in self.files for path in folder.glob(pattern) if path.is_file()})


@dataclass(frozen=True)
class Pristine:
    """A target's files as they were made, and what reading them gives."""

    target: Target
    folder: Path
    expected: str
    words: int  # warnings that reading them gives

    @classmethod
    def of(cls, target: Target, folder: Path) -> "Pristine":
        """Makes the files; what is expected comes from a copy, as everything later does."""
        with quiet():
            target.make(folder)
        copy = shutil.copytree(folder, folder.with_name(f"{folder.name}.copy"))
        with quiet() as words:
            expected = target.read(copy)
        shutil.rmtree(copy)
        return cls(target, folder, expected, len(words))

    def kinds(self, file: int) -> tuple[str, ...]:
        """What can happen to one of its files."""
        paths = self.target.paths(self.folder)
        return BYTES + TEXT * 2 if paths[file % len(paths)].suffix in TABLES else BYTES

    def attempt(self, file: int, corruption: Corruption) -> "Trial":
        """Corrupts one file of a copy, reads the copy, and judges what comes out."""
        copy = self.folder.with_name(f"{self.folder.name}.{file}.{corruption.noise}")
        shutil.copytree(self.folder, copy)
        paths = self.target.paths(copy)
        path = paths[file % len(paths)]
        path.write_bytes(corruption.apply(path.read_bytes()))
        try:
            verdict, words = self._judge(copy)
        finally:
            shutil.rmtree(copy)
        return Trial(self.target.name, path.name, corruption, verdict, words)

    def _judge(self, copy: Path) -> tuple[str, str]:
        try:
            with quiet() as words, patience():
                found = self.target.read(copy)
        except UserError as error:
            return DETECTED, str(error)
        except Hang as error:
            return HANG, str(error)
        except Exception as error:
            return BARE, f"{type(error).__name__}: {error}"
        if found == self.expected:
            return SAME, ""
        return (DETECTED, str(words[-1].message)) if len(words) > self.words else (SILENT, "")


@dataclass(frozen=True)
class Trial:
    """What was done to which file, and what came of it."""

    target: str
    file: str
    corruption: Corruption
    verdict: str
    words: str = ""


@contextmanager
def quiet() -> Iterator[list[warnings.WarningMessage]]:
    """Warnings are collected, and progress bars not shown."""
    with warnings.catch_warnings(record=True) as words, redirect_stderr(io.StringIO()):
        warnings.simplefilter("always")
        yield words


@contextmanager
def patience(seconds: float = PATIENCE) -> Iterator[None]:
    """Raises Hang where what happens inside takes too long."""

    def ring(*_):
        raise Hang(f"more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def digest(*parts: object) -> str:
    """A hash of arrays, tables and texts."""
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            sha.update(f"{part.dtype} {part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        else:
            sha.update(repr(part).encode())
    return sha.hexdigest()
