"""An experiment: a task on some data with a schedule and a seed; its key, its folder, and what a finished one holds."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from pydantic import Field, field_validator
from torch.utils.flop_counter import FlopCounterMode

from echolib.data.selection import DataSelection
from echolib.engine.code import code_of, code_of_modules
from echolib.engine.finished import read_metrics
from echolib.engine.schedule import Schedule
from echolib.engine.task import Task
from echolib.frozen import Frozen


class Experiment(Frozen):
    """A frozen, validated description. Equal descriptions on equal data by equal code are one experiment."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    task: Any  # a Task of any class: what it has beside the protocol is known to those who asked for it
    data: tuple[DataSelection, ...]
    schedule: Schedule
    seed: int = Field(default=0, ge=0)
    parents: dict[str, "Experiment"] = Field(
        default_factory=dict
    )  # by role, such as "encoder" or "segmenter": run first, then started from

    @field_validator("task")
    @classmethod
    def _is_a_task(cls, task: Any) -> Any:
        if not isinstance(task, Task):
            raise ValueError(f"a task is an instance of a subclass of Task, not {task!r}")
        return task

    def description(self) -> dict[str, Any]:
        """All that its result follows from: settings, data, code and parents. As JSON it is experiment.json."""
        settings = self.model_dump(mode="json", exclude={"parents"})
        settings["task"] = {"class": type(self.task).__qualname__} | settings["task"]
        readers = frozenset(selection.entry.module for selection in self.data)
        return settings | {
            "fingerprints": [selection.fingerprint() for selection in self.data],
            "code": code_of(type(self.task)) | code_of_modules(readers),
            "parents": {role: parent.folder_name() for role, parent in sorted(self.parents.items())},
        }

    def key(self) -> str:
        """A hash of the description without its name. Raises DataError where the data are not there."""
        description = {name: value for name, value in self.description().items() if name != "name"}
        description["parents"] = [(role, name[-KEY_DIGITS:]) for role, name in description["parents"].items()]
        return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:KEY_DIGITS]

    def has_data(self) -> bool:
        """Whether the folders of its data, and of its parents' data, are there, so that it has a key."""
        return all(selection.is_here for selection in self.data) and all(p.has_data() for p in self.parents.values())

    def folder_name(self) -> str:
        """<name>-<key>."""
        return f"{self.name}-{self.key()}"

    def folder(self, runs: Path) -> Path:
        """Where it lies: runs/<name>-<key>/."""
        return Path(runs) / self.folder_name()

    def ancestors(self) -> list["Experiment"]:
        """Every experiment it starts from, in the order to run them, each once."""
        ancestors: dict[Experiment, None] = {}
        for parent in self.parents.values():
            ancestors.update(dict.fromkeys([*parent.ancestors(), parent]))
        return list(ancestors)

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


KEY_DIGITS = 16


@dataclass(frozen=True)
class Result:
    """A finished experiment's folder, read."""

    experiment: Experiment
    folder: Path

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per test item: the truth from which tables and figures are made."""
        return self.table("predictions")

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables that the prediction wrote."""
        return pd.read_csv(self.folder / f"{name}.csv")

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Headline figures, what the model started from, seconds, epochs, device; not the hashes of its files."""
        return {name: value for name, value in read_metrics(self.folder).items() if name != "files"}

    @property
    def log(self) -> pd.DataFrame:
        """One row per epoch; empty where nothing was trained."""
        path = self.folder / "log.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame()


@dataclass(frozen=True)
class RunContext:
    """Where experiments run: folders, device, and when to stop."""

    runs: Path
    cache: Path
    device: torch.device
    deadline: float | None = None  # seconds since the epoch


def in_order(experiments) -> list[Experiment]:
    """The experiments and all that they start from, each once, parents first."""
    wanted: dict[Experiment, None] = {}
    for experiment in experiments:
        wanted.update(dict.fromkeys([*experiment.ancestors(), experiment]))
    return list(wanted)


@dataclass(frozen=True)
class Cost:
    """What an experiment will take, before it runs. items: of one epoch, 0 where the data cannot tell yet."""

    epochs: int
    items: int
    parameters: int
    gflop_per_item: float  # forward and backward: three times the forward pass

    @property
    def petaflop(self) -> float:
        """The whole training, in 1e15 floating point operations."""
        return self.gflop_per_item * self.items * self.epochs / 1e6


def cost(experiment: Experiment) -> Cost:
    """Counted on the meta device: nothing is allocated or decoded, so that even the largest network costs no time."""
    model, inputs = experiment.task.workload()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(*inputs)
    items = sum(experiment.task.expected_items(selection) for selection in experiment.data)
    parameters = sum(p.numel() for p in model.parameters())
    return Cost(experiment.schedule.epochs, items, parameters, 3 * counter.get_total_flops() / 1e9)
