"""Writing files so that nobody ever sees half of one."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


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


def write_text(path: Path, text: str) -> None:
    """Writes `text` (UTF-8, as given, no newline translation) atomically."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def write_json(path: Path, content: object) -> None:
    """Writes JSON atomically, sorted by key, so that equal contents give equal bytes."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=True) + "\n")
