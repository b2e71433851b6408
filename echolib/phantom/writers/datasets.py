"""The phantom on disk: every dataset whose entry names a writer, in its own format, and the truth beside them.

A writer is a module with four names. FOLDERS: what to make before anything is written; draw_cohort(seed, count): the
population; write_item(folder, cohort, index, seed, bank): one video or patient, returns its rows of the tables;
write_tables(folder, truth, rows): the tables of the dataset, and in the folder `truth` what only a simulation knows.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

import torch
from filelock import FileLock

from echolib.data.checksums import write_checksums
from echolib.data.registry import dataset_names, entry
from echolib.errors import UserError
from echolib.files import file_lock, write_json
from echolib.phantom.parallel import map_in_threads
from echolib.phantom.scanner.speckle import speckle_bank

VERSION = 6  # part of every phantom's identity: raised whenever the same parameters would give other bytes


def write_phantom(
    folder: str | os.PathLike, items: Mapping[str, int], *, seed: int = 0, device="cpu", progress: bool = True
) -> Path:
    """Writes a folder per dataset, named by its title, truth/ and, last, phantom.json; returns the folder.

    items: dataset -> number of its videos or patients, completed by `all_items`. A folder already written with the same
    parameters and version is left alone. Otherwise all is built beside it and moved into place at the end, so an
    interrupted call leaves the old folder whole; the next one removes what it left. Of two calls at once one waits. The
    same parameters give the same bytes on a CPU, whatever the number of threads. Each dataset has its SHA256SUMS.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with phantom_lock(folder):
        return write_under_lock(folder, items, seed=seed, device=device, progress=progress)


def phantom_lock(folder: Path) -> FileLock:
    """The lock of a phantom's folder."""
    return file_lock(f"{folder}.lock")


def write_under_lock(
    folder: Path, items: Mapping[str, int], *, seed: int = 0, device="cpu", progress: bool = True
) -> Path:
    """`write_phantom` for a caller that holds the lock."""
    description = {
        "version": VERSION,
        "items": all_items(items),
        "seed": seed,
        "device": torch.device(device).type,
    }
    if is_written(folder, description):
        return folder
    for left in folder.parent.glob(f".{folder.name}.*"):  # by a call that was killed: nobody else holds the lock
        shutil.rmtree(left, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    try:
        _write_all(building, description, device, progress)
        write_json(building / "phantom.json", description)
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
    """Whether a folder holds a whole phantom of this description."""
    try:
        return json.loads((Path(folder) / "phantom.json").read_text(encoding="utf-8")) == description
    except (OSError, ValueError):
        return False


def _replace(building: Path, folder: Path) -> None:
    """Moves a finished folder into place; an older one steps aside first and is removed only afterwards."""
    if not folder.exists():
        os.replace(building, folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
    os.replace(folder, old / "folder")
    os.replace(building, folder)
    shutil.rmtree(old, ignore_errors=True)


def _write_all(root: Path, description: dict, device, progress: bool) -> None:
    seed = description["seed"]
    bank = speckle_bank(torch.Generator().manual_seed(seed), device)
    truth = root / "truth"
    truth.mkdir()
    for dataset, count in description["items"].items():
        if count:
            title, writer = entry(dataset).title, import_module(entry(dataset).phantom)
            for name in writer.FOLDERS:
                (root / title / name).mkdir(parents=True)
            cohort = writer.draw_cohort(seed, count)
            work = partial(writer.write_item, root / title, cohort, seed=seed, bank=bank)
            rows = map_in_threads(work, count, bank.device, f"phantom: {title}" if progress else "")
            writer.write_tables(root / title, truth, rows)
            write_checksums(root / title)
    if any(truth.iterdir()):  # a dataset of one's own may have no truth to tell
        write_checksums(truth)
