"""Experiments moved into a fold of CAMUS, and the results of all folds read as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from echolib.data.camus_folds import Population
from echolib.data.selection import DataSelection
from echolib.engine.experiment import Experiment, Result
from echolib.papers.exhibits import Results, Setup
from echolib.tasks.simulated_segmentation import SimulatedSegmentation


def in_fold(experiment: Experiment, fold: int, population: Population = "natural") -> Experiment:
    """The same experiment with the patients of one fold as its test, in all that it starts from too: what was
    pretrained on the test patients' images would know them. What learns from simulated frames knows no patient."""
    if isinstance(experiment.task, SimulatedSegmentation):
        return experiment
    data = tuple(_split(selection, fold, population) for selection in experiment.data)
    parents = {role: in_fold(parent, fold, population) for role, parent in experiment.parents.items()}
    if data == experiment.data and parents == experiment.parents:
        return experiment
    name = f"{experiment.name}-fold{fold}{'' if population == 'natural' else f'-{population}'}"
    return experiment.model_copy(update={"name": name, "data": data, "parents": parents})


def _split(selection: DataSelection, fold: int, population: Population) -> DataSelection:
    if "fold" not in selection.entry.options.model_fields:
        return selection
    return selection.choosing(fold=fold, population=population)


def in_folds(
    experiments: Sequence[Experiment], folds: Sequence[int], population: Population = "natural"
) -> list[Experiment]:
    """Each experiment in each fold."""
    return [in_fold(experiment, fold, population) for experiment in experiments for fold in folds]


@dataclass(frozen=True)
class CrossValidated:
    """The results of one seed, one of each fold, read as one: everybody is a test patient once."""

    folds: tuple[Result, ...]

    @property
    def experiment(self) -> Experiment:
        """That of the first fold."""
        return self.folds[0].experiment

    @property
    def folder(self) -> Path:
        """That of the first fold."""
        return self.folds[0].folder

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per test item of any fold."""
        return self.table("predictions")

    def table(self, name: str) -> pd.DataFrame:
        """A table of every fold, one below the other."""
        return pd.concat([result.table(name) for result in self.folds], ignore_index=True)


def over_folds(results: Results, setup: Setup) -> dict[Any, list[CrossValidated]]:
    """Row -> one `CrossValidated` for each seed, in place of one result for each seed and fold: `setup.once` keeps
    them, and the tables they have read."""
    pooled = {}
    for row, of_row in results.items():
        seeds = dict.fromkeys(result.experiment.seed for result in of_row)
        pooled[row] = [CrossValidated(tuple(r for r in of_row if r.experiment.seed == seed)) for seed in seeds]
    return pooled
