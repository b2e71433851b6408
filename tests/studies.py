"""The study's own experiments, for tests that ask something of all of them."""

from collections.abc import Mapping
from pathlib import Path

from echolib.engine.experiment import Experiment
from echolib.folders import DataFolders
from echolib.papers.exhibits import Setup
from echolib.papers.registry import experiments_of, make_setup, papers
from echolib.runner.notebook import Notebook

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def notebook_setup(
    notebook: str,
    phantom: Path,
    parameters: Mapping[str, object] | None = None,
    given: Mapping[str, Path] | None = None,
) -> Setup:
    """The setup of a notebook on a phantom, or on given folders, with its own parameters but for those named."""
    defaults = Notebook.read(NOTEBOOKS / f"{notebook}.ipynb").parameters
    return make_setup(
        {**defaults, "profile": "smoke", **(parameters or {})}, DataFolders(dict(given or {}), Path(phantom))
    )


def smoke_experiments(phantom: Path) -> list[Experiment]:
    """Every experiment of the study in the smoke profile, on a phantom that need not be there."""
    notebooks = [notebook for paper in papers().values() for notebook in paper.notebooks]
    return [
        experiment
        for notebook in notebooks
        for experiment in experiments_of(notebook, notebook_setup(notebook, phantom))
    ]
