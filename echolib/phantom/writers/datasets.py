"""The phantom on disk: every dataset whose entry names a writer, in its own format, and the truth beside them."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from filelock import FileLock

from echolib.data.registry import dataset_names, entry
from echolib.errors import UserError
from echolib.files import file_lock, write_json
from echolib.phantom.writers.shared_arithmetic import write_datasets

VERSION = 7  # part of every phantom's identity: raised whenever the same parameters would give other bytes


def write_phantom(folder: str | os.PathLike, items: Mapping[str, int], *, seed: int = 0, progress: bool = True) -> Path:
    """Writes a folder per dataset, named by its title, truth/ and, last, phantom.json; returns the folder.

    items: dataset -> number of its videos or patients, completed by `all_items`. A folder already written with the same
    parameters and version is left alone. Otherwise all is built beside it and moved into place at the end, so an
    interrupted call leaves the old folder whole; the next one removes what it left. Of two calls at once one waits.
    Each dataset has its SHA256SUMS. The same parameters give the same bytes on every machine that has the arithmetic
    of `echolib.portable`; phantom.json says whether this one had it. It is written on the CPU.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with phantom_lock(folder):
        return _write_under_lock(folder, items, seed=seed, progress=progress)


def phantom_lock(folder: Path) -> FileLock:
    """The lock of a phantom's folder."""
    return file_lock(f"{folder}.lock")


def _write_under_lock(folder: Path, items: Mapping[str, int], *, seed: int = 0, progress: bool = True) -> Path:
    """`write_phantom` for a caller that holds the lock."""
    description = {"version": VERSION, "items": all_items(items), "seed": seed}
    if is_written(folder, description):
        return folder
    for left in folder.parent.glob(f".{folder.name}.*"):  # by a call that was killed: nobody else holds the lock
        shutil.rmtree(left, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    try:
        arithmetic = write_datasets(building, description["items"], seed=seed, progress=progress)
        write_json(building / "phantom.json", description | {"arithmetic": arithmetic})
        building.chmod(0o755)
        _replace(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def all_items(items: Mapping[str, int]) -> dict[str, int]:
    """The number of items of every dataset that is simulated: as given, else a sixth of the largest, at least 6.

    Raises ValueError for a dataset that is not simulated.
    """
    simulated = [name for name in dataset_names() if entry(name).phantom]
    unknown = [name for name in items if name not in simulated]
    if unknown:
        raise ValueError(f"no phantom of {', '.join(unknown)}: of {', '.join(simulated)} alone")
    return {name: items.get(name, max(6, max(items.values(), default=0) // 6)) for name in simulated}


def parse_items(texts: Iterable[str]) -> dict[str, int]:
    """Numbers of items from texts like "camus=60"; 300 videos of EchoNet-Dynamic where there are none.

    Raises UserError for a text of another form, or a dataset that is not simulated.
    """
    items = {}
    for text in texts:
        name, _, number = text.partition("=")
        if not number.isdigit():
            raise UserError(f"--items {text}: write NAME=NUMBER, such as camus=60")
        items[name] = int(number)
    try:
        all_items(items)
    except ValueError as error:
        raise UserError(f"--items: {error}") from error
    return items or {"echonet_dynamic": 300}


def is_written(folder: Path, description: dict) -> bool:
    """Whether a folder holds a whole phantom of this description, whatever arithmetic its bytes rest on."""
    try:
        written = json.loads((Path(folder) / "phantom.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(written, dict) and all(written.get(name) == value for name, value in description.items())


def _replace(building: Path, folder: Path) -> None:
    """Moves a finished folder into place; an older one steps aside first and is removed only afterwards."""
    if not folder.exists():
        os.replace(building, folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
    os.replace(folder, old / "folder")
    os.replace(building, folder)
    shutil.rmtree(old, ignore_errors=True)
