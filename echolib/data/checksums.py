"""SHA256SUMS beside a dataset: the hash of each of its files, honoured where it is there, written on request.

What no format reveals, a flipped bit in a compressed picture or another digit in a table, shows here. The form is that
of `sha256sum`, which checks it too: 64 hexadecimal digits, two blanks, the path below the folder.
"""

import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from echolib.data.errors import DataError, Faults
from echolib.data.sources import source_sha256
from echolib.files import file_sha256, write_text

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_AGAIN = f"get the listed files again; where you changed them yourself, `echolib checksums FOLDER` writes {SUMS} anew"


class Checksums:
    """The hashes that a folder's SHA256SUMS holds; it is false where there is none, and then checks nothing.

    Raises DataError naming every line that is none, or whose path leads out of the folder.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder, self.by_path = Path(folder), dict[str, str]()
        path = self.folder / SUMS
        if not path.exists():
            return
        faults = Faults(str(path), "restore it, or delete it and write it anew")
        try:
            lines = path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path} cannot be read ({error}): restore it, or delete it and write it anew") from error
        for row, line in enumerate(lines, 1):
            match = _LINE.fullmatch(line)
            if match is None or os.path.isabs(match[2]) or ".." in Path(match[2]).parts or match[2] in self.by_path:
                faults.add(f"row {row}: {line!r} is not the hash of one more file below the folder")
            else:
                self.by_path[match[2]] = match[1]
        if not lines:
            faults.add("it names no file")
        faults.raise_any()

    def __bool__(self) -> bool:
        return bool(self.by_path)

    def expected(self, path: str | os.PathLike) -> str | None:
        """The hash that a source below the folder should have; None where there is no SHA256SUMS.

        Raises DataError for a file that the list lacks.
        """
        return source_sha256(path, self._listed) if self else None

    def _listed(self, path: Path) -> str:
        name = Path(os.path.abspath(path)).relative_to(os.path.abspath(self.folder)).as_posix()
        if name not in self.by_path:
            raise DataError(f"{path} is not in {self.folder / SUMS}: {_AGAIN}")
        return self.by_path[name]

    def check(self, paths: Iterable[str | os.PathLike]) -> None:
        """Compares files. Raises DataError naming each one that differs or is not listed, and every listed one that is
        missing; does nothing where there is no SHA256SUMS."""
        if self:
            faults = Faults(f"{self.folder} against its {SUMS}", _AGAIN)
            faults.extend(f"{name} is missing" for name in self.by_path if not (self.folder / name).is_file())
            with ThreadPoolExecutor() as pool:  # hashing releases the interpreter's lock
                faults.extend(filter(None, pool.map(self._fault, paths)))
            faults.raise_any()

    def _fault(self, path: str | os.PathLike) -> str:
        try:
            return "" if file_sha256(path) == self._listed(Path(path)) else f"{path} has another hash"
        except DataError:
            return f"{path} is not listed"
        except OSError as error:
            return f"{path} cannot be read ({error.strerror})"


def write_checksums(folder: str | os.PathLike) -> Path:
    """Writes the hashes of all files below a folder into its SHA256SUMS, atomically; returns its path.

    Raises DataError where there is no file, or a name that the list cannot hold.
    """
    folder = Path(folder)
    paths = list(_files(folder))
    if not paths:
        raise DataError(f"{folder} holds no file: give the folder of a dataset")
    names = [path.relative_to(folder).as_posix() for path in paths]
    if odd := [name for name in names if "\n" in name or "\r" in name]:
        raise DataError(f"{folder}: the name {odd[0]!r} has a line break: rename the file")
    with ThreadPoolExecutor() as pool:
        lines = [f"{digest}  {name}\n" for digest, name in zip(pool.map(file_sha256, paths), names, strict=True)]
    write_text(folder / SUMS, "".join(lines))
    return folder / SUMS


def check_folder(folder: str | os.PathLike) -> None:
    """Compares every file below a folder with its SHA256SUMS. Raises DataError naming each one that differs, is missing
    or is not listed; or that there is no such list."""
    sums = Checksums(folder)
    if not sums:
        raise DataError(f"{folder} has no {SUMS}: `echolib checksums {folder}` writes it")
    sums.check(_files(Path(folder)))


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names) if Path(parent, name) != folder / SUMS)
