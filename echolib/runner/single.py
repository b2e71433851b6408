"""One exhibit at a time: a table or a figure made without its notebook, for a person at work."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from echolib import report
from echolib.engine.experiment import RunContext
from echolib.engine.sweep import run_all
from echolib.engine.trainer import OutOfTime
from echolib.papers.exhibits import Exhibit, Figure, Setup, Tabular
from echolib.papers.profiles import PROFILES, whole_profiles
from echolib.papers.registry import exhibits_of, make_setup
from echolib.phantom.writers.missing import write_missing_phantom
from echolib.provenance import best_device
from echolib.runner.notebook import Notebook, StudyError
from echolib.runner.request import Request


def make_exhibits(request: Request, wanted: Mapping[str, str], deadline: float | None = None) -> Iterator[Path]:
    """Makes the exhibits whose names begin as asked (notebook -> name); yields a Markdown file or a picture for each.

    They go to runs/exhibits/PROFILE/NOTEBOOK/, never into the reports: what lies there belongs together. Raises
    StudyError for a name that fits none.
    """
    device = best_device()
    write_missing_phantom(request.folders.needed_phantom, PROFILES[request.profile].phantom)
    context = RunContext(request.workspace.runs, request.workspace.cache, torch.device(device), deadline)
    report.style()
    for word, name in wanted.items():
        for notebook in request.notebooks:
            if notebook.name.startswith(word):
                parameters = {**notebook.parameters, **request.parameters(notebook)}
                setup = make_setup(parameters, request.folders, context, request.report(notebook).parent)
                folder = request.workspace.runs / "exhibits" / request.profile / notebook.name
                yield from (make_exhibit(exhibit, setup, folder) for exhibit in _chosen(notebook, name))


def _chosen(notebook: Notebook, name: str) -> list[Exhibit]:
    exhibits = exhibits_of(notebook.name)
    chosen = [exhibit for exhibit in exhibits if exhibit.name.startswith(name)]
    if not chosen:
        known = ", ".join(exhibit.name for exhibit in exhibits) or "none"
        raise StudyError(f"{notebook.name} has no table or figure {name!r}; it has {known}")
    return chosen


def make_exhibit(exhibit: Exhibit, setup: Setup, folder: Path) -> Path:
    """Runs what an exhibit needs and saves it in a folder; returns its Markdown file or picture."""
    if not exhibit.is_made(setup):
        raise StudyError(f"{exhibit.name} is made in the larger profiles: {', '.join(whole_profiles())}")
    rows = exhibit.rows_of(setup)
    assert setup.context is not None
    try:
        results = iter(run_all([experiment for of_row in rows.values() for experiment in of_row], setup.context))
    except OutOfTime as stop:
        raise StudyError(f"stopped: {stop}; everything so far is kept, and the same command goes on") from None
    by_row = {row: [next(results) for _ in of_row] for row, of_row in rows.items()}
    if isinstance(exhibit, Figure):
        return report.save_figure(exhibit.draw(by_row, setup), folder, exhibit.name)
    assert isinstance(exhibit, Tabular)
    return exhibit.save(exhibit.make(by_row, setup), setup, folder)
