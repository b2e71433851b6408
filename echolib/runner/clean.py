"""A notebook of the study as JupyterLab saves it: what was written, and nothing of what was looked at.

The notebooks lie where git looks. Their outputs show frames and readings, their parameters may name a patient's file.
"""

import re
from pathlib import Path
from typing import Any

from echolib.folders import ITEM, OWN, names_a_path
from echolib.runner.notebook import PARAMETERS
from echolib.workspace import WorkspaceError, find_home

_TEXT_PARAMETER = re.compile(  # also one that is half typed
    r"""^(?P<name>\w+)(?P<equals>\s*(?::[^=\n]*)?=\s*)\w?(?P<quote>["'])(?P<text>.*?)(?:(?P=quote)|$)""", re.MULTILINE
)


def before_saving(model: dict[str, Any], path: str, contents_manager: Any, **rest: object) -> None:
    """Jupyter's `pre_save_hook`. model: what is to be saved; path: below the folder that the server shows."""
    if model["type"] == "notebook" and is_of_the_study(Path(contents_manager.root_dir, path.lstrip("/"))):
        clean(model["content"])


def is_of_the_study(path: Path) -> bool:
    """Whether a file is one of the numbered notebooks of a home."""
    try:
        return path.name[0].isdigit() and path.resolve().parent == find_home(path.parent) / "notebooks"
    except WorkspaceError:
        return False


def clean(content: dict[str, Any]) -> None:
    """Takes outputs, counts and what the parameters say of one person out of a notebook (nbformat 4), in place."""
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            if PARAMETERS in cell["metadata"].get("tags", ()):
                cell["source"] = without_names("".join(cell["source"]))


def without_names(source: str) -> str:
    """A parameters cell with "" for every folder, file, video or patient that it names."""

    def emptied(line: re.Match) -> str:
        name, text = line["name"], line["text"]
        is_one = name in (*OWN, *ITEM) or (name != "profile" and names_a_path(text))
        return f'{name}{line["equals"]}""' if is_one else line[0]

    return _TEXT_PARAMETER.sub(emptied, source)
