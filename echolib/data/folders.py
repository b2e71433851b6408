"""Which folder stands for each dataset: the researcher's own, or the phantom's."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from echolib.workspace import Workspace, WorkspaceError

DATASETS = {"echonet_dynamic": "EchoNet-Dynamic", "camus": "CAMUS", "echonet_lvh": "EchoNet-LVH"}


@dataclass(frozen=True)
class Sources:
    """The folder that stands for each dataset: the researcher's own, the phantom's, or none."""

    folders: Mapping[str, Path]
    given: frozenset[str]
    phantom: Path | None

    def folder(self, dataset: str) -> Path:
        """The folder of a dataset; WorkspaceError names the option that is missing where there is none."""
        if dataset not in DATASETS:
            raise WorkspaceError(f"no dataset {dataset!r}: one of {', '.join(DATASETS)}")
        if dataset not in self.folders:
            raise WorkspaceError(
                f"this profile has no phantom and needs the folder of {DATASETS[dataset]}: "
                f"make study {dataset.upper()}=FOLDER, or the notebook's parameter {dataset}"
            )
        return self.folders[dataset]

    def label(self, dataset: str) -> str:
        """What a table calls the data it was measured on: the dataset's own name, or "phantom"."""
        return DATASETS[dataset] if dataset in self.given else "phantom"


def locate(workspace: Workspace, profile: str, folders: Mapping[str, str], *, phantom: bool) -> Sources:
    """The sources of a profile: each folder given, and the phantom's for the rest where the profile has one.

    Raises WorkspaceError listing every given folder that does not exist.
    """
    given = {name: Path(folder).expanduser().resolve() for name, folder in folders.items() if folder}
    missing = [f"{DATASETS[name]}: no folder {path}" for name, path in given.items() if not path.is_dir()]
    if missing:
        raise WorkspaceError("; ".join(missing))
    simulated = workspace.phantom(profile) if phantom else None
    stand_ins = {name: simulated / label for name, label in DATASETS.items()} if simulated else {}
    return Sources({**stand_ins, **given}, frozenset(given), simulated)


def fingerprint(folder: Path, *, times: bool = False) -> str:
    """A hash of the names and sizes of all files below a folder, with `times` of their modification times as well."""
    digest = hashlib.sha256()
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(parent, name)
            facts = path.stat()
            stamp = facts.st_mtime_ns if times else ""
            digest.update(f"{path.relative_to(folder).as_posix()}\0{facts.st_size}\0{stamp}\n".encode())
    return digest.hexdigest()[:16]


def data_fingerprints(sources: Sources, *, times: bool = False) -> dict[str, str]:
    """Dataset -> fingerprint of what stands for it: for the phantom a hash of its description, phantom.json."""
    prints = {}
    for dataset, folder in sources.folders.items():
        if dataset in sources.given:
            prints[dataset] = fingerprint(folder, times=times)
        elif (description := sources.phantom / "phantom.json").is_file():
            prints[dataset] = "phantom-" + hashlib.sha256(description.read_bytes()).hexdigest()[:16]
        else:
            prints[dataset] = "phantom-not-written"
    return prints


def write_missing_phantom(sources: Sources, profile, *, device: str, progress: bool = True) -> None:
    """Writes the phantom of a profile unless it is there already, or every dataset has a folder of its own.

    profile: its fields videos, patients and lvh_videos size the phantom. Two processes that want it: one waits.
    """
    from filelock import FileLock

    from echolib.phantom.writers.datasets import write_phantom

    if sources.phantom is None or len(sources.given) == len(DATASETS):
        return
    sizes = {"videos": profile.videos, "patients": profile.patients, "lvh_videos": profile.lvh_videos, "seed": 0}
    sources.phantom.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(sources.phantom) + ".lock"):
        device = _written_on(sources.phantom, sizes) or device
        write_phantom(sources.phantom, **sizes, device=device, progress=progress)


def _written_on(phantom: Path, sizes: Mapping[str, int]) -> str | None:
    """The kind of device a phantom of these sizes was written on; another one would give slightly other pixels."""
    try:
        description = json.loads((phantom / "phantom.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return description.get("device") if description.items() >= sizes.items() else None
