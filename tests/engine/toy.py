"""A task small enough to train a hundred times: a two-layer network with dropout and batch normalisation."""

import os
import signal
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from echolib.engine import checkpoint
from echolib.engine.schedule import Schedule
from echolib.engine.task import Task
from echolib.engine.trainer import Trainer


class Toy(Task):
    """Regression of a sum; `fatal_step` kills the process, `poison` makes one item's target NaN."""

    fatal_step: int = -1
    poison: int = -1

    def training_items(self, data):
        return len(data)

    def names(self, data, items):
        return [f"item{i}" for i in items.tolist()]

    def batch(self, data, items, generator):
        STEPS.append(len(items))
        if len(STEPS) - 1 == self.fatal_step:
            os.kill(os.getpid(), signal.SIGKILL)
        inputs = data[items] + 0.1 * torch.randn(len(items), data.shape[1], generator=generator)
        targets = data[items].sum(1)
        return inputs, torch.where(items == self.poison, torch.nan, targets)

    def loss(self, model, batch):
        return F.mse_loss(model(batch[0]).squeeze(1), batch[1])

    def validate(self, model, data):
        return {"loss": float(F.mse_loss(model(data).squeeze(1), data.sum(1)))}


STEPS: list[int] = []
SCHEDULE = Schedule(epochs=4, batch_size=8, optimiser="adamw", learning_rate=0.05, decay="one_cycle")


def toy_data() -> torch.Tensor:
    return torch.randn(30, 4, generator=torch.Generator().manual_seed(3))


def toy_model() -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))


def trainer(folder: Path, task: Toy | None = None, schedule: Schedule = SCHEDULE, **options) -> Trainer:
    return Trainer(task or Toy(), toy_data(), schedule, 11, folder, torch.device("cpu"), **options)


if __name__ == "__main__":  # python toy.py FOLDER FATAL_STEP [write]
    torch.set_num_threads(1)
    if sys.argv[3:] == ["write"]:  # die inside the second resume state's write instead of in a step
        save, calls = checkpoint.save_file, []

        def dying(tensors, path, metadata=None):
            calls.append(any(name.startswith("optimiser.") for name in tensors))
            if sum(calls) == 2:
                Path(path).write_bytes(b"half a file")
                os.kill(os.getpid(), signal.SIGKILL)
            save(tensors, path, metadata)

        checkpoint.save_file = dying
    trainer(Path(sys.argv[1]), Toy(fatal_step=int(sys.argv[2]))).run(toy_model())
