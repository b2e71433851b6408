"""What every notebook calls: open a study, run experiments, show tables and figures, record."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import pandas as pd
import torch

from echolib import provenance, report
from echolib.data.registry import dataset_names, entry
from echolib.engine.experiment import Experiment, Result, RunContext
from echolib.engine.sweep import run_all
from echolib.files import write_json
from echolib.folders import data_fingerprints, folder_lines, is_of_one_person, locate
from echolib.papers.claim_tests import recorded
from echolib.papers.exhibits import ClaimsTable, Exhibit, Figure, Results, Setup, Tabular
from echolib.papers.profiles import PROFILES, whole_profiles
from echolib.papers.registry import exhibits_of, experiments_of, make_setup, paper_of
from echolib.phantom.writers.missing import write_missing_phantom
from echolib.portable import is_portable
from echolib.workspace import Workspace, WorkspaceError, find_home

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


@dataclass
class Study:
    """One notebook at work: its parameters, its data, its folders, and what it has shown so far."""

    name: str
    parameters: dict[str, object]
    workspace: Workspace
    setup: Setup
    started: float = field(default_factory=time.monotonic)
    shown: dict[str, str] = field(default_factory=dict)  # table or figure -> caption, in order
    experiments: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)  # datasets that were asked for
    seeds: set[int] = field(default_factory=set)
    rows: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # exhibit -> row -> names of its experiments
    tested: list[dict[str, object]] = field(default_factory=list)  # claims, for the scorecard

    @classmethod
    def open(cls, name: str, **parameters: object) -> "Study":
        """Opens a notebook's study: finds the data, writes a phantom that is missing, sets the style of figures.

        name: the notebook's file name without suffix; parameters: all that its parameters cell sets, the folder of
        each dataset under the dataset's name, "" for the phantom. Raises WorkspaceError for an unknown profile or a
        folder that is not there.
        """
        profile = str(parameters["profile"])
        if profile not in PROFILES:
            raise WorkspaceError(f"no profile {profile!r}: one of {', '.join(PROFILES)}")
        workspace, device = Workspace(find_home()), provenance.best_device()
        used = {name: str(parameters[name]) for name in dataset_names() if name in parameters}
        sizes = PROFILES[profile]
        folders = locate(workspace, sizes.phantom_of or profile, used, phantom=bool(sizes.phantom))
        simulated = any(name not in folders.given for name in used)
        write_missing_phantom(folders.needed_phantom if simulated else None, PROFILES[profile].phantom)
        deadline = os.environ.get("ECHOLIB_DEADLINE")
        context = RunContext(
            workspace.runs, workspace.cache, torch.device(device), float(deadline) if deadline else None
        )
        setup = make_setup(parameters, folders, context, workspace.report(profile, name).parent)
        report.style()
        print(f"{name}   profile {profile}   {provenance.device_name(device)}")
        print("\n".join(folder_lines(folders, used)))
        return cls(name, dict(parameters), workspace, setup)

    @property
    def profile(self):
        """The sizes of everything, with the seeds that the notebook asks for."""
        return self.setup.profile

    @property
    def context(self) -> RunContext:
        """Where this study's experiments run, and when they must stop."""
        assert self.setup.context is not None
        return self.setup.context

    @property
    def is_private(self) -> bool:
        """Whether all that this notebook makes is of one person, such as of a file of one's own: none of it is
        published."""
        return is_of_one_person(self.parameters, self.setup.folders.given)

    @property
    def report(self) -> Path:
        """Where this notebook's tables and figures go: its folder below reports/, for what is private a folder in it
        that git ignores, or the study's staging folder."""
        if staged := os.environ.get("ECHOLIB_REPORT"):
            return Path(staged)
        place = self.workspace.own_report if self.is_private else self.workspace.report
        return place(self.profile.name, self.name)

    def given(self, dataset: str) -> bool:
        """Whether the researcher gave a folder of this dataset, so that it is not simulated."""
        return self.setup.given(dataset)

    def folder(self, dataset: str) -> Path:
        """The folder of a dataset, such as "echonet_dynamic"."""
        self.used.add(dataset)
        return self.setup.folder(dataset)

    def label(self, *datasets: str) -> str:
        """The name under which a table lists the data: the dataset's, or "phantom"."""
        return self.setup.label(*datasets)

    def run(self, exhibit: Exhibit) -> Results:
        """Runs or reuses the experiments of an exhibit: row -> results, one for each seed. Raises as
        `run_experiments`."""
        rows = exhibit.rows_of(self.setup)
        experiments = [experiment for of_row in rows.values() for experiment in of_row]
        results = iter(self.run_experiments(experiments))
        return {row: [next(results) for _ in of_row] for row, of_row in rows.items()}

    def run_everything(self) -> None:
        """Runs or reuses, side by side where there are cores for it, all that this notebook's exhibits ask for.

        What is shown afterwards is there already. Raises as `run_experiments`.
        """
        self.run_experiments(experiments_of(self.name, self.setup))

    def run_experiments(self, experiments: Sequence[Experiment]) -> list[Result]:
        """Runs or reuses experiments, side by side where there are cores for it; results in the given order.

        Shows a bar, and a line for each experiment that was trained. Raises OutOfTime past the deadline, ValueError
        for an experiment that no exhibit of this notebook declares: the plan would not know of it.
        """
        if exhibits_of(self.name) and (unknown := set(experiments) - set(experiments_of(self.name, self.setup))):
            names = ", ".join(sorted(experiment.name for experiment in unknown))
            raise ValueError(f"no exhibit that PAPER declares for {self.name} asks for {names}: declare one")
        # under `echolib study` the bar is the terminal's: a widget in the executed notebook would show nothing
        results = run_all(experiments, self.context, progress="ECHOLIB_REPORT" not in os.environ)
        for result in results:
            self._note(result)
        return results

    def _note(self, result: Result) -> None:
        """Keeps for the record what a result says of itself."""
        lineage = (*result.experiment.ancestors(), result.experiment)
        datasets = {selection.dataset for experiment in lineage for selection in experiment.data}
        self.used |= datasets
        self.experiments[result.experiment.name] = {
            "folder": result.folder.name,
            "metrics": result.metrics,
            "simulated": not any(self.given(dataset) for dataset in datasets),  # else its predictions stay here
        }
        self.seeds.add(result.experiment.seed)

    def show(self, exhibit: Exhibit) -> pd.DataFrame | None:
        """Makes an exhibit, saves it, and shows it; returns a table's content, as numbers.

        A table is saved as CSV, Markdown and LaTeX, a figure as PNG and SVG. None also for a table that the profile
        leaves to the larger ones. Raises ValueError where the notebook's paper does not declare it, and as `run`.
        """
        declared = exhibits_of(self.name)
        if declared and not any(exhibit is other for other in declared):
            raise ValueError(f"PAPER does not declare {exhibit.name} for {self.name}: add it there")
        if not exhibit.is_made(self.setup):
            print(f"{exhibit.name}: made in the larger profiles ({', '.join(whole_profiles())})")
            return None
        results = self.run(exhibit)
        self.used |= set(exhibit.data)
        named = {row: of_row for row, of_row in results.items() if isinstance(row, str)}
        self.rows[exhibit.name] = {row: [result.experiment.name for result in named[row]] for row in named}
        caption = exhibit.caption_for(self.setup)
        if isinstance(exhibit, Figure):
            figure = exhibit.draw(results, self.setup)
            self.figure(figure, exhibit.name, caption=caption, private=exhibit.is_private(self.setup))
            return None
        assert isinstance(exhibit, Tabular)
        frame = exhibit.make(results, self.setup)
        if isinstance(exhibit, ClaimsTable):
            paper = paper_of(self.name)
            measured_on = self.label(*exhibit.data)
            self.tested += recorded(frame, paper=paper.title if paper else self.name, data=measured_on)
        private = exhibit.is_private(self.setup)
        _display_markdown(exhibit.save(frame, self.setup, self._place(private)))
        if not private:
            self.shown[exhibit.name] = caption
        return frame

    def figure(self, figure: "Drawing", name: str, *, caption: str = "", private: bool = False) -> None:
        """Saves a figure as PNG and SVG under `name`, and shows it.

        private: it shows single items of a real dataset; it goes into private/, which is not committed.
        """
        path = report.save_figure(figure, self._place(private), name)
        if not private:
            self.shown[name] = caption or name
        _display_image(path, round(96 * figure.get_figwidth()))  # at its size on paper
        plt.close(figure)  # or the inline backend shows it a second time at the end of the cell

    def _place(self, private: bool) -> Path:
        return self.report / "private" if private else self.report

    def record(self, **numbers: object) -> Path:
        """Writes record.json: parameters, data used, code, versions, device, cost, and the numbers given.

        It is published, so no number may be of a single item of a real dataset.
        """
        path = self.report / "record.json"
        device = str(self.context.device)
        content = {
            "notebook": self.name,
            "parameters": {name: value for name, value in self.parameters.items() if name not in dataset_names()},
            "private": self.is_private,
            "data": {entry(name).title: self.label(name) for name in sorted(self.used)},
            "fingerprints": data_fingerprints(self.setup.folders, self.used),
            "seeds": sorted(self.seeds),
            "commit": provenance.commit(self.workspace.home),
            "versions": provenance.versions(),
            "device": provenance.device_name(device),
            "portable": self._is_portable(device),
            "seconds": round(time.monotonic() - self.started, 1),
            "peak_memory_mib": self._peak_memory_mib(device),
            "experiments": self.experiments,
            "rows": self.rows,
            "shown": list(self.shown.items()),
            "claims": self.tested,
            "numbers": numbers,
        }
        write_json(path, content)
        return path

    def _is_portable(self, device: str) -> bool:
        """Whether this process and every experiment it shows, which may have been trained before, compute alike on all
        machines."""
        trained_alike = all(stored["metrics"].get("portable") for stored in self.experiments.values())
        return trained_alike and is_portable(device)

    def _peak_memory_mib(self, device: str) -> int:
        """Of this process and of every experiment it shows, which may have run in another one."""
        of_experiments = (stored["metrics"].get("peak_memory_mib") or 0 for stored in self.experiments.values())
        return max(provenance.peak_memory_mib(device), *of_experiments, 0)


def _display_markdown(path: Path) -> None:
    """Displays in a notebook; elsewhere the saved file is enough."""
    from IPython import get_ipython
    from IPython.display import Markdown, display

    if get_ipython() is not None:
        display(Markdown(path.read_text(encoding="utf-8")))


def _display_image(path: Path, width: int) -> None:
    from IPython import get_ipython
    from IPython.display import Image, display

    if get_ipython() is not None:
        display(Image(filename=str(path), width=width))
