"""Where things lie: the home folder with its data, cache, runs and reports."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from echolib.errors import UserError


class WorkspaceError(UserError, ValueError):
    """A folder that is needed is not there."""


def _is_home(folder: Path) -> bool:
    description = folder / "pyproject.toml"
    if not description.is_file():
        return False
    return tomllib.loads(description.read_text(encoding="utf-8")).get("project", {}).get("name") == "echolib"


def find_home(start: Path | None = None) -> Path:
    """The home folder: ECHOLIB_HOME, else the nearest parent of `start` (the working directory) that is a clone.

    Raises WorkspaceError where neither is found.
    """
    if named := os.environ.get("ECHOLIB_HOME"):
        return Path(named).resolve()
    start = Path(start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if _is_home(folder):
            return folder
    raise WorkspaceError(f"{start} is not inside a clone of echolib: change into one, or set ECHOLIB_HOME to a folder")


@dataclass(frozen=True)
class Workspace:
    """The folders below a home; none is made before something is written into it."""

    home: Path

    @property
    def cache(self) -> Path:
        """Frame stores, decoded once."""
        return self.home / "cache"

    @property
    def runs(self) -> Path:
        """Experiments, and the notebooks as executed with their logs and stamps."""
        return self.home / "runs"

    @property
    def phantoms(self) -> Path:
        """The phantoms of all profiles."""
        return self.home / "data"

    def phantom(self, profile: str) -> Path:
        """The simulated datasets of one profile."""
        return self.phantoms / f"phantom-{profile}"

    def report(self, profile: str, notebook: str) -> Path:
        """What one notebook made in one profile."""
        return self.home / "reports" / profile / notebook

    def own_report(self, profile: str, notebook: str) -> Path:
        """What one notebook made of a person's own file: inside its report, where git does not look."""
        return self.report(profile, notebook) / "private" / "own"

    def execution(self, profile: str, notebook: str) -> Path:
        """The executed notebook, its log, its staged report and its stamp share this stem."""
        return self.runs / "notebooks" / profile / notebook
