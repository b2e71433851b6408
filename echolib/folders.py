"""Which folder stands for each dataset: the researcher's own, or the phantom's."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from echolib.data.registry import dataset_names, entry
from echolib.workspace import Workspace, WorkspaceError


@dataclass(frozen=True)
class DataFolders:
    """The folder that stands for each dataset: the researcher's own, the phantom's, or none."""

    given: Mapping[str, Path]  # the researcher's own, by dataset
    phantom: Path | None  # where the profile's phantom lies or will lie

    def __bool__(self) -> bool:
        """Whether any dataset has a folder."""
        return bool(self.given) or self.phantom is not None

    @property
    def folders(self) -> dict[str, Path]:
        """The folder of every dataset that has one."""
        names = [name for name in dataset_names() if name in self.given or self.is_simulated(name)]
        return {name: self.folder(name) for name in names}

    def is_simulated(self, dataset: str) -> bool:
        """Whether the phantom of this profile has a part in the format of the dataset."""
        return self.phantom is not None and bool(entry(dataset).phantom)

    @property
    def needed_phantom(self) -> Path | None:
        """Where the phantom is to lie; None where it is not wanted, or every dataset has a folder of its own."""
        stands = any(name not in self.given and self.is_simulated(name) for name in dataset_names())
        return self.phantom if stands else None

    def folder(self, dataset: str) -> Path:
        """The folder of a dataset; WorkspaceError names the option that is missing where there is none."""
        if dataset in self.given:
            return self.given[dataset]
        if dataset not in dataset_names():
            raise WorkspaceError(f"no dataset {dataset!r}: one of {', '.join(dataset_names())}")
        if self.phantom is None or not self.is_simulated(dataset):
            known = entry(dataset)
            raise WorkspaceError(
                f"this profile has no phantom and needs the folder of {known.title} ({known.layout}): "
                f"make study {dataset.upper()}=FOLDER, or the notebook's parameter {dataset}"
            )
        return self.phantom / entry(dataset).title

    def label(self, dataset: str) -> str:
        """What a table calls the data it was measured on: the dataset's own title, or "phantom"."""
        return entry(dataset).title if dataset in self.given else "phantom"


def locate(workspace: Workspace, profile: str, folders: Mapping[str, str], *, phantom: bool) -> DataFolders:
    """The folders of a profile: those given by dataset ("" for none), and the phantom's where the profile has one.

    Raises WorkspaceError listing every given folder that does not exist, or naming a dataset that is none.
    """
    unknown = [name for name in folders if name not in dataset_names()]
    if unknown:
        raise WorkspaceError(f"no dataset {', '.join(map(repr, unknown))}: one of {', '.join(dataset_names())}")
    given = {name: Path(folder).expanduser().resolve() for name, folder in folders.items() if folder}
    missing = [f"{entry(name).title}: no folder {path}" for name, path in given.items() if not path.is_dir()]
    if missing:
        raise WorkspaceError("; ".join(missing))
    return DataFolders(given, workspace.phantom(profile) if phantom else None)


def folder_fingerprint(folder: Path, *, times: bool = False) -> str:
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


def folder_lines(folders: DataFolders, datasets: Iterable[str]) -> list[str]:
    """One line per dataset for a person: its title, "your folder" or "phantom", and where it lies."""
    lines = []
    for dataset in datasets:
        whose = "your folder" if dataset in folders.given else "phantom"
        folder = folders.folder(dataset)
        lines.append(f"  {entry(dataset).title:16} {whose:12} {folder}{'' if folder.is_dir() else ' (to be written)'}")
    return lines


def data_fingerprints(folders: DataFolders, datasets: Iterable[str], *, times: bool = False) -> dict[str, str]:
    """Dataset -> fingerprint of what stands for it: for the phantom a hash of its description, phantom.json."""
    prints = {}
    for dataset in sorted(datasets):
        if dataset in folders.given:
            prints[dataset] = folder_fingerprint(folders.folder(dataset), times=times)
        elif folders.phantom and (description := folders.phantom / "phantom.json").is_file():
            prints[dataset] = "phantom-" + hashlib.sha256(description.read_bytes()).hexdigest()[:16]
        else:
            prints[dataset] = "phantom-not-written"
    return prints
