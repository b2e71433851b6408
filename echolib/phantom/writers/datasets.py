"""The phantom on disk: three datasets in their own formats, and the truth beside them."""

import json
import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

import torch

from echolib.files import write_json
from echolib.phantom.scanner.speckle import speckle_bank
from echolib.phantom.scanner.threads import in_threads
from echolib.phantom.writers import camus as write_camus
from echolib.phantom.writers import echonet_dynamic as write_echonet
from echolib.phantom.writers import echonet_lvh as write_lvh

VERSION = 5  # part of every phantom's identity: raised whenever the same parameters would give other bytes


def write_phantom(
    folder: str | os.PathLike,
    *,
    videos: int,
    patients: int | None = None,
    lvh_videos: int | None = None,
    seed: int = 0,
    device="cpu",
    progress: bool = True,
) -> Path:
    """Writes EchoNet-Dynamic/, CAMUS/, EchoNet-LVH/, truth/ and, last, phantom.json; returns the folder.

    patients and lvh_videos default to a sixth of videos, at least 6. A folder already written with the same parameters
    and version is left alone. Otherwise all is built beside it and moved into place at the end, so an interrupted call
    leaves the old folder whole. The same parameters give the same bytes on a CPU, whatever the number of threads.
    """
    folder = Path(folder)
    sixth = max(6, videos // 6)
    description = {
        "version": VERSION,
        "videos": videos,
        "patients": sixth if patients is None else patients,
        "lvh_videos": sixth if lvh_videos is None else lvh_videos,
        "seed": seed,
        "device": torch.device(device).type,
    }
    if is_written(folder, description):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    try:
        _write_all(building, description, device, progress)
        write_json(building / "phantom.json", description)
        building.chmod(0o755)
        _replace(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def is_written(folder: Path, description: dict) -> bool:
    """Whether a folder holds a whole phantom of this description."""
    try:
        return json.loads((Path(folder) / "phantom.json").read_text(encoding="utf-8")) == description
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
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
    plans = (
        ("EchoNet-Dynamic", description["videos"], write_echonet),
        ("CAMUS", description["patients"], write_camus),
        ("EchoNet-LVH", description["lvh_videos"], write_lvh),
    )
    (root / "EchoNet-Dynamic" / "Videos").mkdir(parents=True)
    for batch in range(1, write_lvh.BATCHES + 1):
        (root / "EchoNet-LVH" / f"Batch{batch}").mkdir(parents=True)
    for name, count, module in plans:
        if count:
            cohort = module.draw_cohort(seed, count)
            work = partial(module.write_item, root / name, cohort, seed=seed, bank=bank)
            rows = in_threads(work, count, bank, f"phantom: {name}" if progress else "")
            module.write_tables(root / name, truth, rows)
