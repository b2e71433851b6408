"""Which folder stands for each dataset: the researcher's own, or the phantom's."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from echolib.data.registry import dataset_names, entry
from echolib.files import file_sha256
from echolib.portable import LOCAL
from echolib.workspace import Workspace, WorkspaceError

OWN = ("clip",)  # parameters that name a file of one's own
ITEM = ("video", "patient")  # parameters that choose an item of a dataset by its name


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


def path_fingerprint(path: Path, *, times: bool = True, contents: Iterable[str] = ()) -> str:
    """A hash of a file, or of all files below a folder: of their names and sizes, and of what the files hold that the
    patterns `contents` fit.

    times: also of what changes with every writing, even where size and modification time were kept: inode, times of
    modification and of change. Such a hash holds on this machine alone.
    """
    digest = hashlib.sha256()
    for file in sorted(_files(path)):
        digest.update(f"{os.path.relpath(file, path)}\0{_facts(file, times)}\n".encode(errors="surrogateescape"))
    for file in sorted(file for pattern in contents for file in path.glob(pattern)):
        digest.update(f"{file.relative_to(path).as_posix()}\0{file_sha256(file)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _files(path: Path) -> Iterable[str]:
    if path.is_file():
        return [str(path)]
    return (os.path.join(parent, name) for parent, _, names in os.walk(path) for name in names)


def _facts(file: str, times: bool) -> str:
    try:
        facts = os.stat(file)
    except FileNotFoundError:  # removed meanwhile, or a link to nowhere
        return "gone"
    changing = (facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino) if times else ()
    return "\0".join(map(str, (facts.st_size, *changing)))


def names_a_path(text: object) -> bool:
    """Whether a parameter's value is the path of a file or folder, whether or not it is there."""
    return isinstance(text, str) and (any(mark in text for mark in "/\\") or (text != "" and os.path.exists(text)))


def own_paths(parameters: Mapping[str, object]) -> dict[str, Path]:
    """The files and folders that a notebook's parameters name beside those of the datasets: a person's own."""
    other = {name: value for name, value in parameters.items() if name not in ("profile", *dataset_names())}
    named = {name: str(value) for name, value in other.items() if name in OWN or names_a_path(value)}
    return {name: Path(text).expanduser() for name, text in named.items() if text}


def is_of_one_person(parameters: Mapping[str, object], given: Iterable[str]) -> bool:
    """Whether what a notebook makes with these parameters is of one person: of a file of one's own, or of an item
    chosen by name from a real dataset. It is not published.

    given: the datasets whose real folder the notebook works on.
    """
    real = any(name in parameters for name in given)
    return bool(own_paths(parameters)) or (real and any(parameters.get(name) for name in ITEM))


def folder_lines(folders: DataFolders, datasets: Iterable[str]) -> list[str]:
    """One line per dataset for a person: its title, "your folder" or "phantom", and where it lies."""
    lines = []
    for dataset in datasets:
        whose = "your folder" if dataset in folders.given else "phantom"
        folder = folders.folder(dataset)
        lines.append(f"  {entry(dataset).title:16} {whose:12} {folder}{'' if folder.is_dir() else ' (to be written)'}")
    if folders.needed_phantom and phantom_arithmetic(folders.needed_phantom) == LOCAL:
        lines.append("  the phantom was written without AVX2 and FMA: its bytes are not those of other machines")
    return lines


def phantom_arithmetic(folder: Path) -> str:
    """What the bytes of a phantom rest on, REFERENCE or LOCAL of `echolib.portable`; "" where none is written."""
    try:
        return str(json.loads((folder / "phantom.json").read_text(encoding="utf-8"))["arithmetic"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def data_fingerprints(folders: DataFolders, datasets: Iterable[str], *, times: bool = False) -> dict[str, str]:
    """Dataset -> fingerprint of what stands for it, labels by their content; for the phantom a hash of its description,
    phantom.json.

    times: as of `path_fingerprint`, for the phantom's files too.
    """
    prints = {}
    for dataset in sorted(datasets):
        labels = entry(dataset).label_files
        if dataset in folders.given:
            prints[dataset] = path_fingerprint(folders.folder(dataset), times=times, contents=labels)
        elif folders.phantom and (description := folders.phantom / "phantom.json").is_file():
            prints[dataset] = f"phantom-{file_sha256(description)[:16]}"
            if times:
                prints[dataset] += "-" + path_fingerprint(folders.folder(dataset), contents=labels)
        else:
            prints[dataset] = "phantom-not-written"
    return prints
