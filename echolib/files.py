"""Writing files so that nobody ever sees half of one."""

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; on a clean exit it takes the place of `path`, on an error it is removed.

    The old file stays whole until the very last moment, also when the disk is full or the process is killed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        with open(partial, "rb+") as written:
            os.fsync(written.fileno())
        partial.chmod(0o644)  # mkstemp makes files private; results are for the group to read
        os.replace(partial, path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def file_lock(path: str | os.PathLike, *, blocking: bool = True) -> FileLock:
    """A lock between processes, held inside `with`; the system frees it when its holder dies, however that happens.

    Raises OSError where its file cannot be made: filelock itself would try again for ever.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.open("a").close()
    return FileLock(path, blocking=blocking)


def write_text(path: Path, text: str) -> None:
    """Writes `text` (UTF-8, as given, no newline translation) atomically."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def write_json(path: Path, content: object) -> None:
    """Writes JSON atomically, sorted by key, so that equal contents give equal bytes. NaN and infinities become null:
    no other language's JSON knows them."""
    write_text(path, json.dumps(finite(content), indent=1, sort_keys=True, allow_nan=False) + "\n")


def finite(content: Any) -> Any:
    """The content with None for every number that is not finite."""
    if isinstance(content, Mapping):
        return {name: finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def file_sha256(path: str | os.PathLike) -> str:
    """Hex SHA-256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
