"""An experiment: a task on some data with a schedule and a seed; its key, its folder, and how it runs or is reused."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import torch
from filelock import FileLock
from pydantic import Field
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from echolib.data.selection import Source
from echolib.engine import checkpoint
from echolib.engine.task import Frozen, Parent, on_device
from echolib.engine.training import Schedule, Trainer, epoch_seed
from echolib.files import write_json, write_text
from echolib.tasks.anchor_ef import AnchorEF, SemanticEF
from echolib.tasks.bayesian_ef import BayesianEF
from echolib.tasks.beat_to_beat import BeatToBeat
from echolib.tasks.contrastive_ef import ContrastiveEF
from echolib.tasks.echocotr_ef import EchoCoTrEF
from echolib.tasks.echognn_ef import EchoGNNEF
from echolib.tasks.ef_regression import EFRegression
from echolib.tasks.fine_tuning import FineTuning
from echolib.tasks.imbalanced_ef import BalancedEF, FocalEF, RankSimEF, WeightedEF
from echolib.tasks.multi_expert import MultiExpertEF
from echolib.tasks.multitask import MultiTaskLearning
from echolib.tasks.pretraining import Pretraining
from echolib.tasks.pseudo_labels import PseudoLabels
from echolib.tasks.segmentation import Segmentation
from echolib.tasks.uvt_ef import UVTEF

AnyTask = Annotated[
    EFRegression
    | WeightedEF
    | FocalEF
    | RankSimEF
    | BalancedEF
    | ContrastiveEF
    | MultiExpertEF
    | EchoGNNEF
    | EchoCoTrEF
    | UVTEF
    | BayesianEF
    | AnchorEF
    | SemanticEF
    | PseudoLabels
    | MultiTaskLearning
    | Segmentation
    | Pretraining
    | FineTuning
    | BeatToBeat,
    Field(discriminator="kind"),
]
RESULTS_VERSION = 3  # raise it when a change of the code changes results; every experiment then has a new key


class Experiment(Frozen):
    """A frozen, validated description. Equal descriptions on equal data are one experiment with one folder."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    task: AnyTask
    data: tuple[Source, ...]
    schedule: Schedule
    seed: int = Field(default=0, ge=0)
    parents: dict[str, "Experiment"] = Field(
        default_factory=dict
    )  # by role, such as "encoder" or "segmenter": run first, then started from

    def key(self, cache: Path) -> str:
        """A hash of the description, of the data and parents it rests on, and of the results version."""
        described = self.model_dump(mode="json", exclude={"parents", "name"})
        described["fingerprints"] = [source.open(cache).fingerprint for source in self.data]
        described["parents"] = {role: parent.key(cache) for role, parent in sorted(self.parents.items())}
        described["results_version"] = RESULTS_VERSION
        return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]

    def folder(self, runs: Path, cache: Path) -> Path:
        """Where it lies: runs/<name>-<key>/."""
        return Path(runs) / f"{self.name}-{self.key(cache)}"

    def ancestors(self) -> list["Experiment"]:
        """Every experiment it starts from, in the order to run them, each once."""
        found: dict[Experiment, None] = {}
        for parent in self.parents.values():
            found.update(dict.fromkeys([*parent.ancestors(), parent]))
        return list(found)

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


@dataclass(frozen=True)
class Result:
    """A finished experiment's folder, read."""

    experiment: Experiment
    folder: Path

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row a test item: the truth from which tables and figures are made."""
        return self.table("predictions")

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables that the prediction wrote."""
        return pd.read_csv(self.folder / f"{name}.csv")

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Headline figures, what the model started from, seconds, epochs, device."""
        return json.loads((self.folder / "metrics.json").read_text())

    @property
    def log(self) -> pd.DataFrame:
        """One row an epoch; empty where nothing was trained."""
        path = self.folder / "log.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame()


@dataclass(frozen=True)
class Place:
    """Where experiments run: folders, device, and when to stop."""

    runs: Path
    cache: Path
    device: torch.device
    deadline: float | None = None  # seconds since the epoch


def is_done(experiment: Experiment, runs: Path, cache: Path) -> bool:
    """Whether it has finished on the data as they lie there now."""
    return (experiment.folder(runs, cache) / "metrics.json").exists()


def run(experiment: Experiment, place: Place, tick: Callable[[float], None] = lambda share: None) -> Result:
    """Runs an experiment and what it starts from, resumes it where it was cut off, or returns what is there.

    Two processes that want the same one: one trains, the other waits. `tick` is told shares of an epoch.
    Raises what `Trainer.run` raises.
    """
    parents = {role: _parent(parent, place) for role, parent in experiment.parents.items()}
    folder = experiment.folder(place.runs, place.cache)
    result = Result(experiment, folder)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # the system releases it when its holder dies
        if not (folder / "metrics.json").exists():
            _execute(experiment, folder, parents, place, tick)
        else:
            tick(experiment.schedule.epochs)
    return result


def _parent(experiment: Experiment, place: Place) -> Parent:
    return Parent(experiment.task, run(experiment, place).folder)


def _load(experiment: Experiment, parents: dict[str, Parent], place: Place) -> Any:
    datasets = {source.dataset: source.open(place.cache) for source in experiment.data}
    return experiment.task.load(datasets, parents, place.device)


def _execute(experiment: Experiment, folder: Path, parents: dict[str, Parent], place: Place, tick) -> None:
    began = time.perf_counter()
    for partial in folder.glob("**/.*.partial"):
        partial.unlink()
    write_text(folder / "experiment.json", experiment.model_dump_json(indent=1) + "\n")
    task = experiment.task
    if place.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(place.device)
    data = _load(experiment, parents, place)
    torch.manual_seed(epoch_seed(experiment.seed, 2**31))  # initial weights
    model, start = task.build(data, parents)
    trainer = Trainer(task, data, experiment.schedule, experiment.seed, folder, place.device, place.deadline, tick)
    model, reached = trainer.run(model)
    with torch.no_grad(), trainer.accelerator.autocast():
        tables = task.predict(model, data)
    for name, table in tables.items():
        write_text(folder / f"{name}.csv", table.to_csv(index=False))
    cuda = place.device.type == "cuda"
    write_json(
        folder / "metrics.json",
        task.metrics(tables)
        | {
            "started_from": start,
            "epochs": reached.epoch,
            "best_epoch": reached.best_epoch,
            "best_val_loss": reached.best,
            "training_seconds": round(reached.seconds, 2),
            "seconds": round(time.perf_counter() - began, 2),
            "parameters": sum(p.numel() for p in model.parameters()),
            "device": torch.cuda.get_device_name(place.device) if cuda else "cpu",
            "peak_memory_mib": round(torch.cuda.max_memory_allocated(place.device) / 2**20) if cuda else None,
        },
    )
    with suppress(FileNotFoundError):
        shutil.rmtree(folder / "last")  # metrics.json says done: the resume state has served


def trained_model(result: Result, place: Place) -> tuple[nn.Module, Any]:
    """The trained model of a finished experiment, in evaluation mode, and its task's data."""
    experiment = result.experiment
    parents = {role: _parent(parent, place) for role, parent in experiment.parents.items()}
    data = _load(experiment, parents, place)
    model, _ = experiment.task.build(data, parents)
    checkpoint.load_weights(model, result.folder / "best.safetensors")
    return on_device(model, place.device).eval(), data


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
    items = sum(experiment.task.expected_items(source) for source in experiment.data)
    parameters = sum(p.numel() for p in model.parameters())
    return Cost(experiment.schedule.epochs, items, parameters, 3 * counter.get_total_flops() / 1e9)
