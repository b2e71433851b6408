"""What every notebook calls: start, run, show, record."""

import os
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from echolib import provenance
from echolib.data.folders import DATASETS, Sources, data_fingerprints, locate, write_missing_phantom
from echolib.files import write_json
from echolib.workspace import Workspace, WorkspaceError, find_home

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from echolib.engine.experiment import Experiment, Place, Result


@dataclass
class Study:
    """One notebook at work: its profile, its data, its folders, and what it has shown so far."""

    name: str
    profile: str
    workspace: Workspace
    sources: Sources
    device: str
    parameters: dict[str, object]
    started: float = field(default_factory=time.monotonic)
    shown: dict[str, str] = field(default_factory=dict)  # table or figure -> caption, in order
    experiments: dict[str, object] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)  # datasets that were asked for
    seeds: set[int] = field(default_factory=set)
    tested: list[dict[str, object]] = field(default_factory=list)  # claims, for the scorecard

    @property
    def runs(self) -> Path:
        """Where experiments keep their folders."""
        return self.workspace.runs

    @property
    def cache(self) -> Path:
        """Where frame stores are kept."""
        return self.workspace.cache

    @property
    def report(self) -> Path:
        """Where this notebook's tables and figures go: its folder below reports/, or the study's staging folder."""
        staged = os.environ.get("ECHOLIB_REPORT")
        return Path(staged) if staged else self.workspace.report(self.profile, self.name)

    def given(self, dataset: str) -> bool:
        """Whether the researcher gave a folder of this dataset, so that it is not simulated."""
        return dataset in self.sources.given

    def folder(self, dataset: str) -> Path:
        """The folder of a dataset: "echonet_dynamic", "camus" or "echonet_lvh"."""
        folder = self.sources.folder(dataset)
        self.used.add(dataset)
        return folder

    def folders(self, dataset: str) -> dict[str, Path]:
        """Every folder of a dataset by its label: the phantom's where there is one, and the researcher's own."""
        found = {self.label(dataset): self.folder(dataset)}
        if self.sources.phantom and (simulated := self.sources.phantom / DATASETS[dataset]).is_dir():
            found = {"phantom": simulated} | found
        return found

    def label(self, dataset: str) -> str:
        """The name under which a table lists the data: the dataset's, or "phantom"."""
        return self.sources.label(dataset)

    @property
    def reports(self) -> Path:
        """Where the reports of all notebooks of this profile are published."""
        return self.workspace.report(self.profile, self.name).parent

    @property
    def place(self) -> "Place":
        """Where this study's experiments run, and when they must stop."""
        import torch

        from echolib.engine.experiment import Place

        deadline = os.environ.get("ECHOLIB_DEADLINE")
        return Place(self.runs, self.cache, torch.device(self.device), float(deadline) if deadline else None)

    def run(self, experiments: "Sequence[Experiment]") -> "list[Result]":
        """Runs or reuses experiments, with a bar and a line for each that was trained; OutOfTime past the deadline."""
        from echolib.engine import sweep

        # under `echolib study` the bar is the terminal's: a widget in the executed notebook would show nothing
        results = sweep.run(experiments, self.place, progress="ECHOLIB_REPORT" not in os.environ)
        for result in results:
            self.experiments[result.experiment.name] = {"folder": result.folder.name, "metrics": result.metrics}
            self.seeds.add(result.experiment.seed)
        return results

    def run_rows(self, rows: "Mapping[Hashable, Sequence[Experiment]]") -> "dict[Hashable, list[Result]]":
        """`run` for a table whose rows have experiments of their own: all of them at once, results by row."""
        results = iter(self.run([each for experiments in rows.values() for each in experiments]))
        return {row: [next(results) for _ in experiments] for row, experiments in rows.items()}

    def table(self, frame: "pd.DataFrame", name: str, caption: str = "", **options) -> None:
        """Saves a table as CSV, Markdown and LaTeX under `name`, and shows it; `options` go to report.save_table."""
        from IPython.display import Markdown

        from echolib import report

        path = report.save_table(frame, self.report, name, caption, **options)
        self.shown[name] = caption or name
        _show(Markdown(path.read_text(encoding="utf-8")))

    def claims(
        self, frame: "pd.DataFrame", name: str, caption: str, *, quantity: str, condition: str = "", **options
    ) -> None:
        """`table` of claims put to the test, which the record keeps for the scorecard (see `tested_claims`)."""
        from echolib.papers.scorecard import tested_claims

        self.tested += tested_claims(frame, quantity=quantity, condition=condition, data=options["label"])
        self.table(frame, name, caption, **options)

    def figure(self, figure: "Figure", name: str, *, caption: str = "", private: bool = False) -> None:
        """Saves a figure as PNG and SVG under `name`, and shows it.

        private: it shows pixels of licensed data; it goes into private/, which is not committed.
        """
        import matplotlib.pyplot as plt
        from IPython.display import Image

        from echolib import report

        path = report.save_figure(figure, self.report / "private" if private else self.report, name)
        if not private:
            self.shown[name] = caption or name
        _show(Image(filename=str(path), width=round(96 * figure.get_figwidth())))  # at its size on paper
        plt.close(figure)  # or the inline backend shows it a second time at the end of the cell

    def record(self, **numbers: object) -> Path:
        """Writes record.json: parameters, data used, code, versions, device, cost, and the numbers given."""
        path = self.report / "record.json"
        prints = data_fingerprints(self.sources)
        write_json(
            path,
            {
                "notebook": self.name,
                "parameters": self.parameters,
                "data": {label: self.label(name) for name, label in DATASETS.items() if name in self.used},
                "fingerprints": {name: prints[name] for name in sorted(self.used)},
                "seeds": sorted(self.seeds),
                "commit": provenance.commit(self.workspace.home),
                "versions": provenance.versions(),
                "device": provenance.device_name(self.device),
                "seconds": round(time.monotonic() - self.started, 1),
                "peak_memory_mib": self._peak_memory_mib(),
                "experiments": self.experiments,
                "shown": list(self.shown.items()),
                "claims": self.tested,
                "numbers": numbers,
            },
        )
        return path

    def _peak_memory_mib(self) -> int:
        """Of this process and of every experiment it shows, which may have run in another one."""
        of_experiments = (each["metrics"].get("peak_memory_mib") or 0 for each in self.experiments.values())
        return max(provenance.peak_memory_mib(self.device), *of_experiments, 0)


def start(
    name: str, *, profile: str, echonet_dynamic: str = "", camus: str = "", echonet_lvh: str = "", **parameters: object
) -> Study:
    """Opens a notebook's study: finds the data (writing a phantom that is missing), sets the style, says what is what.

    name: the notebook's file name without suffix; the three folders: "" for the phantom; parameters: whatever else the
    parameters cell sets, kept for the record. Raises WorkspaceError for an unknown profile or a folder not there.
    """
    from echolib import report
    from echolib.papers.profiles import PROFILES

    if profile not in PROFILES:
        raise WorkspaceError(f"no profile {profile!r}: one of {', '.join(PROFILES)}")
    workspace, device = Workspace(find_home()), provenance.best_device()
    folders = {"echonet_dynamic": echonet_dynamic, "camus": camus, "echonet_lvh": echonet_lvh}
    sources = locate(workspace, profile, folders, phantom=bool(PROFILES[profile].videos))
    write_missing_phantom(sources, PROFILES[profile], device=device)
    report.style()
    study = Study(name, profile, workspace, sources, device, {"profile": profile, **parameters})
    print(f"{name}   profile {profile}   {provenance.device_name(device)}")
    for dataset, label in DATASETS.items():
        if dataset in sources.folders:
            print(f"{label:16} {'your folder' if study.given(dataset) else 'phantom'}   {sources.folders[dataset]}")
    return study


def _show(thing: object) -> None:
    """Displays in a notebook; elsewhere the saved file is enough."""
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is not None:
        display(thing)
