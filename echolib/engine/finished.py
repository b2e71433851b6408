"""What a finished experiment wrote, with the hashes by which it is known to be whole."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from echolib.files import file_sha256
from echolib.sealed import read_sealed, write_sealed

METRICS = "metrics.json"  # written last: where it is, the experiment has finished
WEIGHTS = ".safetensors"  # large; they hold a hash of their own, which is compared whenever they are read


def write_finished(folder: Path, metrics: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """Writes metrics.json: the figures, what the image files were, and the hash of each file in the folder.

    sources: by dataset, as `DataSelection.sources` gives it.
    """
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != METRICS and not path.name.startswith((".", "features-"))
    }
    write_sealed(folder / METRICS, {**metrics, "files": files, "sources": dict(sources)})


def is_finished(folder: Path) -> bool:
    """Whether the folder says that its experiment has finished; `damage` says whether that is still true."""
    return (folder / METRICS).exists()


def read_metrics(folder: Path) -> dict[str, Any]:
    """What metrics.json holds. Raises OSError and ValueError where it is missing or damaged."""
    return read_sealed(folder / METRICS)


def damage(folder: Path, *, weights: bool = True) -> str:
    """What of a finished experiment is not as it was written, in words; "" where it is whole.

    A file is hashed again only after somebody wrote to it; without `weights` these are compared by size alone.
    """
    try:
        files = read_metrics(folder)["files"]
    except (OSError, ValueError, KeyError) as error:
        return f"{METRICS} is damaged ({error})"
    changed = [name for name, written in files.items() if not _is_whole(folder / name, written, weights)]
    return f"not as written: {', '.join(sorted(changed))}" if changed else ""


def _is_whole(path: Path, written: Mapping[str, Any], weights: bool) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    if status.st_size != written["bytes"]:
        return False
    if path.suffix == WEIGHTS and not weights:
        return True
    return _sha256(path, status.st_mtime_ns, status.st_ctime_ns) == written["sha256"]


@lru_cache(maxsize=4096)
def _sha256(path: Path, mtime_ns: int, ctime_ns: int) -> str:
    try:
        return file_sha256(path)
    except OSError:
        return ""
