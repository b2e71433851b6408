"""A training killed at any step and resumed ends with the same bytes: every optimiser, memory layout and task."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from echolib.engine import execution
from echolib.engine.experiment import Experiment, RunContext, in_order
from echolib.engine.schedule import Schedule
from echolib.engine.task import Task
from echolib.engine.trainer import Trainer
from tests.studies import smoke_experiments

OPTIMISERS = ("sgd", "adam", "adamw", "madgrad")
NETWORKS = {
    "vectors": lambda: nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1)),
    "images": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.LazyLinear(1)
    ),
    "clips": lambda: nn.Sequential(
        nn.Conv3d(3, 8, (1, 3, 3)), nn.BatchNorm3d(8), nn.ReLU(), nn.Conv3d(8, 4, (3, 1, 1)), nn.Flatten(),
        nn.LazyLinear(1),
    ),
}  # fmt: skip
SHAPES = {"vectors": (6,), "images": (3, 7, 7), "clips": (3, 4, 6, 6)}


class Killed(BaseException):
    """Stands for a kill: nothing in the loop catches it."""


class Regression(Task):
    """The mean of an input, learnt from noisy copies."""

    def training_items(self, data):
        return len(data)

    def names(self, data, items):
        return [str(i) for i in items.tolist()]

    def batch(self, data, items, generator):
        clean = data[items]
        return clean + 0.1 * torch.randn(clean.shape, generator=generator), clean.flatten(1).mean(1)

    def loss(self, model, batch):
        return F.mse_loss(model(batch[0]).squeeze(1), batch[1])

    def validate(self, model, data):
        return {"loss": float(F.mse_loss(model(data).squeeze(1), data.flatten(1).mean(1)))}


def killed_after(steps: int):
    """A progress callback that dies once so many steps were made."""
    calls = []

    def tick(share):
        calls.append(share)  # the first says how many epochs were there before
        if len(calls) - 1 == steps:
            raise Killed

    return tick


def same_files(first, second, names):
    for name in names:
        ours, theirs = load_file(first / name), load_file(second / name)
        assert ours.keys() == theirs.keys()
        different = [key for key in ours if not torch.equal(ours[key], theirs[key])]
        assert different == [], name


@pytest.mark.parametrize("layout", ["channels last", "contiguous"])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_resumes_every_layout(tmp_path, monkeypatch, optimiser, network, layout):
    torch.set_num_threads(1)
    if layout == "contiguous":
        monkeypatch.setattr("echolib.engine.trainer.on_device", lambda model, device: model.to(device))
    data = torch.randn(20, *SHAPES[network], generator=torch.Generator().manual_seed(0))
    schedule = Schedule(epochs=3, batch_size=4, optimiser=optimiser, learning_rate=0.01, weight_decay=0.01)

    def train(folder, **options):
        torch.manual_seed(1)
        model = NETWORKS[network]()
        model(data[:2])  # lazy layers take their shape
        Trainer(Regression(), data, schedule, 0, folder, torch.device("cpu"), **options).run(model)

    train(tmp_path / "whole")
    step = np.random.default_rng([OPTIMISERS.index(optimiser), len(network), len(layout)]).integers(6, 15)
    with pytest.raises(Killed):
        train(tmp_path / "killed", tick=killed_after(int(step)))
    train(tmp_path / "killed")
    same_files(tmp_path / "killed", tmp_path / "whole", ["best.safetensors", "last/state.safetensors"])


def of_every_task() -> list[str]:
    """The tasks of the study that train."""
    return sorted(one_of_each_task(Path("nowhere")))


def one_of_each_task(phantom: Path) -> dict[str, Experiment]:
    """One experiment of each task in the smoke study that trains."""
    experiments = in_order(smoke_experiments(phantom))
    return {type(experiment.task).__name__: experiment for experiment in experiments if experiment.schedule.epochs}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Parents are trained once for all."""
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("task", of_every_task())
def test_every_task_resumes(task, phantom, phantom_cache, runs, tmp_path):
    torch.set_num_threads(1)
    experiment = one_of_each_task(phantom)[task]
    optimiser = OPTIMISERS[len(task) % 4] if experiment.schedule.optimiser != "madgrad" else "madgrad"
    fields = {"epochs": 2, "optimiser": optimiser, "batch_size": 4, "learning_rate": 1e-5}
    schedule = experiment.schedule.model_copy(update=fields)
    context = RunContext(runs, phantom_cache, torch.device("cpu"))
    parents = execution.finished_parents(experiment, context)
    data = execution.load(experiment, parents, context)

    def train(folder, **options):
        torch.manual_seed(1)
        model, _ = experiment.task.build(data, parents)
        Trainer(experiment.task, data, schedule, 3, folder, context.device, **options).run(model)

    train(tmp_path / "whole")
    steps = len(list(experiment.task.epoch(data, schedule.batch_size, torch.Generator())))
    with pytest.raises(Killed):
        train(tmp_path / "killed", tick=killed_after(steps + 1 + len(task) % max(1, steps - 1)))
    train(tmp_path / "killed")
    same_files(tmp_path / "killed", tmp_path / "whole", ["best.safetensors", "last/state.safetensors"])
