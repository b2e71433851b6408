"""What a notebook shows, each declared once: tables, tables of claims, figures.

The notebook shows an exhibit, the plan prices it, the report writes it, the scorecard reads it. All of them begin with
a `Setup`, so that they ask for the same experiments.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from echolib.engine.experiment import Experiment, Result, RunContext
from echolib.folders import DataFolders
from echolib.papers.claim_tests import TestedClaim, claims_table, parts_table, put_to_test
from echolib.papers.claims import IN_FULL, Claim, Comparison, Evidence, NotTestable
from echolib.papers.sizes import Profile
from echolib.report.published import NOT_MEASURED, beside_published
from echolib.report.tables import save_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

Rows = Mapping[Any, Sequence[Experiment]]  # row -> one experiment for each seed
Results = Mapping[Any, Sequence[Result]]
MOST_NAMED = 15  # rows that a caption names which a profile leaves out


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


def every_row(row: Hashable) -> bool:
    """Of an exhibit that is whole in every profile."""
    return True


def no_row(row: Hashable) -> bool:
    """Of an exhibit that a profile of the story alone leaves to the larger ones."""
    return False


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """Something that a notebook shows. name: of its files; caption: fixed, or made from the setup.

    rows: the experiments it is made from; story: which of its rows carry the paper's point, those that a profile of the
    story alone runs; data: the datasets that its numbers were measured on, which label it; shows_items_of: the datasets
    of which it shows single videos, images or patients; with real ones it is not published.
    """

    name: str
    caption: str | Callable[[Setup], str]
    rows: Callable[[Setup], Rows] = no_rows
    story: Callable[[Any], bool] = every_row
    data: tuple[str, ...] = ("echonet_dynamic",)
    shows_items_of: tuple[str, ...] = ()

    def is_private(self, setup: Setup) -> bool:
        """Whether it shows single items of a real dataset."""
        return any(setup.given(dataset) for dataset in self.shows_items_of)

    def caption_for(self, setup: Setup) -> str:
        """The caption, in words, with the rows that the profile leaves out."""
        caption = self.caption(setup) if callable(self.caption) else self.caption
        kept = {_title(row) for row in self.rows_of(setup)}
        left_out = [title for title in dict.fromkeys(map(_title, self.left_out(setup))) if title not in kept]
        named = "; ".join(left_out) if len(left_out) <= MOST_NAMED else f"{len(left_out)} more rows"
        return f"{caption} In the larger profiles: {named}." if left_out else caption

    def rows_of(self, setup: Setup) -> Rows:
        """The rows that the profile runs."""
        rows = self.rows(setup)
        return {row: rows[row] for row in rows if self.story(row)} if setup.profile.story_only else rows

    def left_out(self, setup: Setup) -> list[Hashable]:
        """The rows that the profile leaves to the larger ones."""
        return [row for row in self.rows(setup) if not self.story(row)] if setup.profile.story_only else []

    def is_made(self, setup: Setup) -> bool:
        """Whether the profile runs anything of it."""
        rows, kept = self.rows(setup), self.rows_of(setup)
        return not setup.profile.story_only or (self.story is not no_row and bool(kept or not rows))

    def experiments(self, setup: Setup) -> list[Experiment]:
        """All that it is made from, each once."""
        return list(dict.fromkeys(experiment for row in self.rows_of(setup).values() for experiment in row))


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

    read: their table, its rows named as ours; keys, metrics, order: see `report.beside_published`; beside: columns of
    ours that stand at the end; note: what a profile does otherwise than the paper, in a sentence.
    """

    read: Callable[[], pd.DataFrame]
    keys: str | tuple[str, ...]
    metrics: tuple[str, ...]
    order: Literal["published", "ours"] = "published"
    beside: tuple[str, ...] = ()
    note: Callable[[Profile], str] = lambda profile: ""


@dataclass(frozen=True, kw_only=True)
class Table(Tabular):
    """A table: `measure` makes it from results; published numbers, where there are some, stand beside it.

    reads_records: it is made from the records of the other notebooks, and so again whenever one of them has changed.
    """

    measure: Callable[[Results, Setup], pd.DataFrame]
    published: Published | None = None
    reads_records: bool = False

    def caption_for(self, setup: Setup) -> str:
        """The caption, with what the profile does otherwise than the paper whose numbers stand beside."""
        note = self.published.note(setup.profile) if self.published else ""
        return " ".join(filter(None, (super().caption_for(setup), note)))

    def make(self, results: Results, setup: Setup) -> pd.DataFrame:
        ours = self.measure(results, setup)
        if self.published is None:
            return ours
        keys, printed = self.published.keys, self.published.read()
        options = {"data": setup.label(*self.data), "order": self.published.order}
        table = beside_published(ours, printed, keys, self.published.metrics, **options)
        if setup.profile.story_only:
            table["data"] = table["data"].replace(NOT_MEASURED, IN_FULL)
        keys = [keys] if isinstance(keys, str) else list(keys)
        return (
            table.merge(ours[[*keys, *self.published.beside]], on=keys, how="left") if self.published.beside else table
        )


@dataclass(frozen=True, kw_only=True)
class ClaimsTable(Tabular):
    """Claims of a paper put to a paired test, one row each; the scorecard gathers them.

    evidence: what a comparison is tested on; it raises NotTestable with the reason where it cannot be.
    """

    claims: Callable[[Setup], Sequence[Claim]]
    evidence: Callable[[Results, Setup, Claim, Comparison], Evidence]

    def test(self, results: Results, setup: Setup) -> list[TestedClaim]:
        """Every claim, tested."""
        left_out = set(self.left_out(setup))

        def evidence(claim: Claim, part: Comparison) -> Evidence:
            if {part.better, part.worse} & left_out:
                raise NotTestable(IN_FULL)
            return self.evidence(results, setup, claim, part)

        return put_to_test(self.claims(setup), evidence, resamples=setup.profile.resamples)

    def make(self, results: Results, setup: Setup) -> pd.DataFrame:
        """One row per claim: see `claims_table`."""
        return claims_table(setup.once(self.test, results))

    def in_parts(self) -> "Table":
        """A table of every comparison of the claims, under this one's name and "_parts"."""

        def measure(results: Results, setup: Setup) -> pd.DataFrame:
            return parts_table(setup.once(self.test, results))

        return Table(
            name=f"{self.name}_parts",
            caption="Every comparison behind the claims.",
            rows=self.rows,
            story=self.story,
            data=self.data,
            measure=measure,
            headings=self.headings,
            decimals=self.decimals,
        )


@dataclass(frozen=True, kw_only=True)
class Figure(Exhibit):
    """A figure."""

    draw: Callable[[Results, Setup], "Drawing"]


def _title(row: Hashable) -> str:
    """What a caption calls a row, or the row that a cell is of."""
    first = row[0] if isinstance(row, tuple) and not hasattr(row, "title") else row
    return first if isinstance(first, str) else str(getattr(first, "title", first))


@dataclass(frozen=True)
class Paper:
    """A paper of the study: its title, and what each of its notebooks shows, in order."""

    title: str
    notebooks: Mapping[str, tuple[Exhibit, ...]]


__all__ = [
    "ClaimsTable", "Exhibit", "Figure", "NotTestable", "Paper", "Published", "Results", "Rows", "Setup", "Table",
]  # fmt: skip
