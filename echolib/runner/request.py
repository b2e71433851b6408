"""What the study is asked for, and what of it is up to date."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from echolib.data.registry import dataset_names
from echolib.folders import OWN, DataFolders, data_fingerprints, is_of_one_person, locate, own_paths, path_fingerprint
from echolib.papers.profiles import PROFILES, whole_profiles
from echolib.runner import stamp
from echolib.runner.notebook import Notebook, StudyError, find_notebooks, parse_value
from echolib.workspace import Workspace, find_home


@dataclass(frozen=True)
class Request:
    """What is to be run: the notebooks, in which profile, on which data, with which further parameters."""

    workspace: Workspace
    profile: str
    notebooks: list[Notebook]
    folders: DataFolders
    settings: Mapping[str, object] = field(default_factory=dict)

    def parameters(self, notebook: Notebook) -> dict[str, object]:
        """What is set in a notebook's parameters cell; StudyError for a value that does not fit."""
        for name in self.datasets(notebook):
            if notebook.parameters[name]:  # nobody would watch it
                raise StudyError(
                    f"{notebook.path.name}: its parameters cell names the folder {notebook.parameters[name]!r}: "
                    f'set {name} = "" again, and give --data {name}=FOLDER'
                )
        given = {name: str(self.folders.folder(name)) for name in sorted(self.folders.given)}
        values = given | dict(self.settings)
        own = {name: value for name, value in values.items() if name in notebook.parameters}
        return notebook.accept({"profile": self.profile, **own})

    def datasets(self, notebook: Notebook) -> set[str]:
        """The datasets that a notebook uses: its parameters name them."""
        return {name for name in dataset_names() if name in notebook.parameters}

    def everything(self, notebook: Notebook) -> dict[str, object]:
        """All parameters that the notebook runs with, its own among them."""
        return {**notebook.parameters, **self.parameters(notebook)}

    def is_private(self, notebook: Notebook) -> bool:
        """Whether what the notebook makes is of one person, and so not published: see `is_of_one_person`."""
        return is_of_one_person(self.everything(notebook), self.folders.given)

    def stem(self, notebook: Notebook) -> Path:
        """Where the notebook is executed; its log, staged report, lock and stamp lie beside it."""
        stem = self.workspace.execution(self.profile, notebook.name)
        return stem.with_name(stem.name + ".own") if self.is_private(notebook) else stem

    def stamp(self, notebook: Notebook) -> Path:
        """The file that says what the notebook's report was made from."""
        stem = self.stem(notebook)
        return stem.with_name(stem.name + ".json")

    def report(self, notebook: Notebook) -> Path:
        """The notebook's folder below reports/, or the private one in it that git ignores."""
        place = self.workspace.own_report if self.is_private(notebook) else self.workspace.report
        return place(self.profile, notebook.name)

    @property
    def reports(self) -> Path:
        """The profile's folder below reports/."""
        return self.workspace.home / "reports" / self.profile

    def reads_records(self, notebook: Notebook) -> bool:
        """Whether the notebook gathers what the others have recorded."""
        from echolib.papers.registry import reads_records

        return reads_records(notebook.name)

    def inputs(self, notebook: Notebook) -> dict:
        """All that the notebook's report follows from."""
        data = data_fingerprints(self.folders, self.datasets(notebook), times=True)
        made_from = stamp.inputs(notebook, self.parameters(notebook), data)
        made_from["paths"] = {
            name: path_fingerprint(path) for name, path in own_paths(self.everything(notebook)).items()
        }
        if self.reads_records(notebook):
            records = sorted(self.reports.glob("*/record.json"))
            others = [path for path in records if path.parent.name != notebook.name]
            made_from["records"] = {path.parent.name: stamp.file_hash(path) for path in others}
        return made_from

    def is_current(self, notebook: Notebook) -> bool:
        """Whether the notebook's report was made from what is there now."""
        return stamp.is_current(self.stamp(notebook), self.inputs(notebook), self.report(notebook))


def make_request(
    profile: str, data: Sequence[str], only: Sequence[str], parameters: Sequence[str]
) -> tuple[Request, dict[str, str]]:
    """The request that a command line makes, and of which notebooks a single exhibit is wanted (word -> its name).

    data: NAME=FOLDER; only: the start of a notebook's name, or NOTEBOOK:EXHIBIT; parameters: NAME=VALUE. Raises
    StudyError and WorkspaceError for what does not fit.
    """
    if profile not in PROFILES:
        raise StudyError(f"no profile {profile!r}: one of {', '.join(PROFILES)}")
    workspace = Workspace(find_home())
    sizes = PROFILES[profile]
    folders = locate(workspace, sizes.phantom_of or profile, _folders(data), phantom=bool(sizes.phantom))
    if not folders:
        names = " or ".join(f"{name.upper()}=FOLDER" for name in dataset_names())
        raise StudyError(f"the profile {profile!r} has no phantom: give it data, {names}")
    notebooks = _of_profile(
        find_notebooks(workspace.home / "notebooks", [word.partition(":")[0] for word in only]), profile
    )
    settings = _settings(parameters, notebooks)
    exhibits = dict(word.split(":", 1) for word in only if ":" in word)
    return Request(workspace, profile, notebooks, folders, settings), exhibits


def _of_profile(notebooks: list[Notebook], profile: str) -> list[Notebook]:
    """The notebooks that a profile runs. Raises StudyError where it runs none of those asked for."""
    from echolib.papers.registry import is_run

    kept = [notebook for notebook in notebooks if is_run(notebook.name, profile)]
    if notebooks and not kept:
        names = ", ".join(notebook.name for notebook in notebooks)
        raise StudyError(f"{names}: not in the profile {profile!r} but in {', '.join(whole_profiles())}")
    return kept


def _folders(data: Sequence[str]) -> dict[str, str]:
    """Dataset -> folder, from NAME=FOLDER and from environment variables such as CAMUS."""
    folders = {name: os.environ.get(name.upper(), "") for name in dataset_names()}
    for text in data:
        name, equals, folder = text.partition("=")
        if not equals or name not in folders:
            raise StudyError(f"--data {text}: write NAME=FOLDER with one of the names {', '.join(folders)}")
        folders[name] = folder
    return folders


def _settings(parameters: Sequence[str], notebooks: Sequence[Notebook]) -> dict[str, object]:
    """Parameters by name; each must be one that a notebook has, and that no option sets."""
    settings = {}
    for text in parameters:
        name, equals, value = text.partition("=")
        if not equals:
            raise StudyError(f"-p {text}: write NAME=VALUE")
        if name in ("profile", *dataset_names()):
            raise StudyError(f"-p {text}: use --profile, or --data {name}=FOLDER")
        if not any(name in notebook.parameters for notebook in notebooks):
            known = sorted({known for notebook in notebooks for known in notebook.parameters})
            raise StudyError(f"-p {text}: no notebook asked for has this parameter; they have {', '.join(known)}")
        is_text = {str} == {type(notebook.parameters[name]) for notebook in notebooks if name in notebook.parameters}
        settings[name] = _from_here(name, value if is_text else parse_value(value))  # the video 0X1A is no number
    return settings


def _from_here(name: str, value: object) -> object:
    """A path as seen from everywhere: notebooks run in a folder of their own."""
    is_path = isinstance(value, str) and value and (name in OWN or os.sep in value)
    return str(Path(str(value)).expanduser().resolve()) if is_path else value
