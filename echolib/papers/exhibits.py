"""What a notebook shows, each declared once: tables, tables of claims, figures.

The notebook shows an exhibit, the plan prices it, the report writes it, the scorecard reads it. All of them begin with
a `Setup`, so that they ask for the same experiments.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from echolib.engine.experiment import Experiment, Result, RunContext
from echolib.folders import DataFolders
from echolib.papers.claims import Claim, Evidence, NotTestable, claims_table
from echolib.papers.profiles import Profile
from echolib.report.published import beside_published
from echolib.report.tables import save_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

Rows = Mapping[Any, Sequence[Experiment]]  # row -> one experiment for each seed
Results = Mapping[Any, Sequence[Result]]


@dataclass(frozen=True)
class Setup:
    """What exhibits are made for: sizes, data, and what else the notebook's parameters say.

    choices: the notebook's own parameters, such as settings or denominator. context and reports: where experiments
    run and reports are published; a plan does without.
    """

    profile: Profile
    folders: DataFolders
    choices: Mapping[str, object] = field(default_factory=dict)
    context: RunContext | None = None
    reports: Path | None = None
    _computed: dict = field(default_factory=dict, compare=False, repr=False)

    def folder(self, dataset: str) -> Path:
        """The folder that stands for a dataset; WorkspaceError where there is none."""
        return self.folders.folder(dataset)

    def given(self, dataset: str) -> bool:
        """Whether the researcher gave a folder of this dataset, so that it is not simulated."""
        return dataset in self.folders.given

    def label(self, *datasets: str) -> str:
        """What a table calls the data it was measured on: "phantom", "CAMUS", "phantom and CAMUS"."""
        return " and ".join(dict.fromkeys(self.folders.label(dataset) for dataset in datasets))

    def once(self, compute: Callable[["Results", "Setup"], Any], results: "Results") -> Any:
        """compute(results, self), computed once however many exhibits ask for it."""
        key = compute, tuple((row, *(result.folder for result in of_row)) for row, of_row in results.items())
        if key not in self._computed:
            self._computed[key] = compute(results, self)
        return self._computed[key]


def no_rows(setup: Setup) -> Rows:
    """Of an exhibit for which nothing is trained."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """Something that a notebook shows. name: of its files; caption: fixed, or made from the setup.

    rows: the experiments it is made from; data: the datasets that its numbers were measured on, which label it;
    shows_items_of: the datasets of which it shows single videos, images or patients; with real ones it is not
    published.
    """

    name: str
    caption: str | Callable[[Setup], str]
    rows: Callable[[Setup], Rows] = no_rows
    data: tuple[str, ...] = ("echonet_dynamic",)
    shows_items_of: tuple[str, ...] = ()

    def is_private(self, setup: Setup) -> bool:
        """Whether it shows single items of a real dataset."""
        return any(setup.given(dataset) for dataset in self.shows_items_of)

    def caption_for(self, setup: Setup) -> str:
        """The caption, in words."""
        return self.caption(setup) if callable(self.caption) else self.caption

    def experiments(self, setup: Setup) -> list[Experiment]:
        """All that it is made from, each once."""
        return list(dict.fromkeys(experiment for row in self.rows(setup).values() for experiment in row))


@dataclass(frozen=True, kw_only=True)
class Tabular(Exhibit):
    """An exhibit whose content is a table. headings, decimals: see `report.save_table`."""

    headings: Mapping[str, str] = field(default_factory=dict)
    decimals: int | dict[str, int] | None = None

    def make(self, results: Results, setup: Setup) -> pd.DataFrame:
        """The table from the results of its rows."""
        raise NotImplementedError

    def save(self, frame: pd.DataFrame, setup: Setup, folder: Path) -> Path:
        """Writes the table as CSV, Markdown and LaTeX, labelled by the data it was measured on; the Markdown file."""
        label = setup.label(*self.data) if self.data else None
        options = {"label": label, "headings": dict(self.headings), "decimals": self.decimals}
        return save_table(frame, folder, self.name, self.caption_for(setup), **options)


@dataclass(frozen=True, kw_only=True)
class Published:
    """Numbers as printed in a paper, with the columns that say which of ours they belong to.

    read: their table, its rows named as ours; keys, metrics, order: see `report.beside_published`.
    """

    read: Callable[[], pd.DataFrame]
    keys: str | tuple[str, ...]
    metrics: tuple[str, ...]
    order: Literal["published", "ours"] = "published"


@dataclass(frozen=True, kw_only=True)
class Table(Tabular):
    """A table: `measure` makes it from results; published numbers, where there are some, stand beside it.

    reads_records: it is made from the records of the other notebooks, and so again whenever one of them has changed.
    """

    measure: Callable[[Results, Setup], pd.DataFrame]
    published: Published | None = None
    reads_records: bool = False

    def make(self, results: Results, setup: Setup) -> pd.DataFrame:
        ours = self.measure(results, setup)
        if self.published is None:
            return ours
        printed, options = self.published.read(), {"data": setup.label(*self.data), "order": self.published.order}
        return beside_published(ours, printed, self.published.keys, self.published.metrics, **options)


@dataclass(frozen=True, kw_only=True)
class ClaimsTable(Tabular):
    """Claims of a paper put to a paired test, one row each; the scorecard gathers them.

    evidence: what a claim is tested on; it raises NotTestable with the reason where it cannot be.
    """

    claims: tuple[Claim, ...]
    evidence: Callable[[Results, Setup, Claim], Evidence]

    def make(self, results: Results, setup: Setup) -> pd.DataFrame:
        """One row per claim: see `claims_table`."""

        def evidence(claim: Claim) -> Evidence:
            return self.evidence(results, setup, claim)

        return claims_table(self.claims, evidence, resamples=setup.profile.resamples)


@dataclass(frozen=True, kw_only=True)
class Figure(Exhibit):
    """A figure."""

    draw: Callable[[Results, Setup], "Drawing"]


@dataclass(frozen=True)
class Paper:
    """A paper of the study: its title, and what each of its notebooks shows, in order."""

    title: str
    notebooks: Mapping[str, tuple[Exhibit, ...]]


__all__ = ["ClaimsTable", "Exhibit", "Figure", "NotTestable", "Paper", "Published", "Results", "Rows", "Setup", "Table"]
