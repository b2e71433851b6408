"""The papers of the study, found: each folder of `echolib/papers` whose module `contents` declares a `PAPER`."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from echolib.data.registry import dataset_names
from echolib.engine.experiment import Experiment, RunContext
from echolib.folders import DataFolders
from echolib.papers.exhibits import Exhibit, Paper, Setup, no_row
from echolib.papers.profiles import PROFILES
from echolib.papers.sizes import with_seeds

_OF_THE_SETUP = ("profile", "seeds")  # parameters that size the study; the rest, but for folders, are a notebook's own


@cache
def papers() -> dict[str, Paper]:
    """Every paper by the name of its folder."""
    import echolib.papers

    folders = [module.name for module in pkgutil.iter_modules(echolib.papers.__path__) if module.ispkg]
    return {name: importlib.import_module(f"echolib.papers.{name}.contents").PAPER for name in folders}


def paper_of(notebook: str) -> Paper | None:
    """The paper that declares a notebook; None for a researcher's own."""
    return next((paper for paper in papers().values() if notebook in paper.notebooks), None)


def exhibits_of(notebook: str) -> tuple[Exhibit, ...]:
    """What a notebook shows, in order; nothing that we know of for a researcher's own."""
    paper = paper_of(notebook)
    return paper.notebooks[notebook] if paper else ()


def is_run(notebook: str, profile: str) -> bool:
    """Whether a profile runs a notebook: one of the story alone leaves out those that tell no part of it."""
    exhibits = exhibits_of(notebook)
    return not PROFILES[profile].story_only or not exhibits or any(exhibit.story is not no_row for exhibit in exhibits)


def reads_records(notebook: str) -> bool:
    """Whether a notebook is made from the records of the others."""
    return any(getattr(exhibit, "reads_records", False) for exhibit in exhibits_of(notebook))


def make_setup(
    parameters: Mapping[str, Any],
    folders: DataFolders,
    context: RunContext | None = None,
    reports: Path | None = None,
) -> Setup:
    """The setup that a notebook's parameters describe. Raises ValueError for a number of seeds below 0."""
    profile = with_seeds(PROFILES[str(parameters["profile"])], int(parameters.get("seeds", 0)))
    own = {name: value for name, value in parameters.items() if name not in (*_OF_THE_SETUP, *dataset_names())}
    return Setup(profile, folders, own, context, reports)


def experiments_of(notebook: str, setup: Setup) -> list[Experiment]:
    """Every experiment that a notebook asks for, each once."""
    asked = [experiment for exhibit in exhibits_of(notebook) for experiment in exhibit.experiments(setup)]
    return list(dict.fromkeys(asked))
