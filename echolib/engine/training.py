"""The one training loop: it stops at any moment and goes on to the same result."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from pydantic import Field, PositiveFloat, PositiveInt, SerializerFunctionWrapHandler, model_serializer
from torch import Tensor, nn

from echolib.engine import checkpoint
from echolib.engine.task import Frozen, Task, on_device
from echolib.files import write_text

FLOAT32_TOLERANCE = 0.05  # relative difference of the first loss in bf16; a broken kernel is off by far more


class NonFiniteLoss(RuntimeError):
    """The loss became NaN or infinite."""


class OutOfTime(Exception):
    """The deadline passed; what was reached is saved, and the same call goes on from there."""


class Schedule(Frozen):
    """How to optimise. Learning rates are functions of the step alone, so that resuming needs no scheduler state."""

    epochs: int = Field(ge=0)
    batch_size: PositiveInt
    optimiser: Literal["sgd", "adam", "adamw", "madgrad"]
    learning_rate: PositiveFloat
    weight_decay: float = 0.0
    momentum: float = 0.9
    decay: Literal["constant", "step", "halving", "cosine", "one_cycle"] = "constant"
    decay_every: int = 15  # epochs between divisions by 10, for "step"
    halve_at: tuple[int, ...] = ()  # epochs at whose start the rate is halved, for "halving"
    warmup_epochs: float = 0.0  # linear from 0, for all but "one_cycle"

    @model_serializer(mode="wrap")
    def _without_unused(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """`halve_at` only where it says something: descriptions from before it was there keep their keys."""
        return {name: value for name, value in serialise(self).items() if name != "halve_at" or value}

    def rate_at(self, step: int, steps_per_epoch: int) -> float:
        """Learning rate of optimiser step `step` (from 0)."""
        total = max(1, self.epochs * steps_per_epoch)
        warmup = self.warmup_epochs * steps_per_epoch
        if self.decay == "one_cycle":
            return self.learning_rate * _one_cycle((step + 0.5) / total)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        if self.decay == "step":
            return self.learning_rate * 0.1 ** (step // steps_per_epoch // self.decay_every)
        if self.decay == "halving":
            return self.learning_rate * 0.5 ** sum(step // steps_per_epoch >= epoch for epoch in self.halve_at)
        if self.decay == "cosine":
            return self.learning_rate * 0.5 * (1 + np.cos(np.pi * (step - warmup) / max(1, total - warmup)))
        return self.learning_rate

    def make_optimiser(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimiser over the parameters that require gradients."""
        parameters = [p for p in model.parameters() if p.requires_grad]
        common = {"lr": self.learning_rate, "weight_decay": self.weight_decay}
        if self.optimiser == "sgd":
            return torch.optim.SGD(parameters, momentum=self.momentum, **common)
        if self.optimiser == "madgrad":
            from timm.optim import MADGRAD  # timm takes seconds to import; few experiments need it

            return MADGRAD(parameters, momentum=self.momentum, **common)
        # fused: one kernel for all parameters; a sixth of the step of a narrow network on a CPU goes into the others
        return (torch.optim.AdamW if self.optimiser == "adamw" else torch.optim.Adam)(parameters, fused=True, **common)


def _one_cycle(progress: float, peak: float = 0.3, floor: float = 1e-3) -> float:
    """Cosine rise from 1/25 to 1 over the first `peak` of the training, cosine fall to `floor` (Smith 2018)."""
    low, part = (1 / 25, progress / peak) if progress < peak else (floor, (1 - progress) / (1 - peak))
    return low + (1 - low) * 0.5 * (1 - np.cos(np.pi * part))


@dataclass
class Reached:
    """How far a training has come; with the weights and the optimiser it is the whole resume state."""

    epoch: int = 0  # epochs finished
    best: float = float("inf")
    best_epoch: int = -1
    seconds: float = 0.0
    log: list[dict[str, float]] = field(default_factory=list)


def epoch_seed(seed: int, epoch: int) -> int:
    """Every epoch begins from a seed of its own, so that no random state has to be saved."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])


@dataclass
class Trainer:
    """One training in one folder. `tick(share)` is told each step's share of an epoch, for progress bars."""

    task: Task
    data: Any
    schedule: Schedule
    seed: int
    folder: Path
    device: torch.device
    deadline: float | None = None
    tick: Callable[[float], None] = lambda share: None

    def run(self, model: nn.Module) -> tuple[nn.Module, Reached]:
        """Trains to the last epoch, from the last finished epoch on; returns the model with its best weights.

        Raises NonFiniteLoss with epoch, step and item names; OutOfTime at an epoch's end once the deadline has passed;
        checkpoint.ResumeError when the resume state is damaged or missing although epochs were finished.
        """
        cuda = self.device.type == "cuda"
        self.accelerator = Accelerator(mixed_precision="bf16" if cuda else "no", cpu=not cuda)
        model = on_device(model, self.device)
        self.optimiser = self.schedule.make_optimiser(model) if self.schedule.epochs else None
        reached = self._resume(model)
        self.tick(reached.epoch)
        if cuda and reached.epoch == 0 and self.schedule.epochs:
            self._compare_with_float32(model)
        while reached.epoch < self.schedule.epochs:
            if self.deadline is not None and time.time() > self.deadline:
                raise OutOfTime(f"{self.folder.name}: {reached.epoch} of {self.schedule.epochs} epochs done")
            self._epoch(model, reached)
        best = self.folder / "best.safetensors"
        if self.schedule.epochs:
            checkpoint.load_weights(model, best)
        else:
            checkpoint.save_weights(model, best)
        return model.eval(), reached

    def _resume(self, model: nn.Module) -> Reached:
        state = self.folder / "last" / "state.safetensors"
        if state.exists():
            return Reached(**checkpoint.load_state(state, model, self.optimiser))
        if (self.folder / "log.csv").exists() and self.schedule.epochs:
            raise checkpoint.ResumeError(f"{state} is missing, yet log.csv says epochs were run: delete {self.folder}")
        return Reached()

    def _generator(self, epoch: int) -> torch.Generator:
        torch.manual_seed(epoch_seed(self.seed, epoch))  # dropout and whatever else draws globally
        return torch.Generator(self.device).manual_seed(epoch_seed(self.seed, epoch))

    def _epoch(self, model: nn.Module, reached: Reached) -> None:
        began = time.perf_counter()
        generator = self._generator(reached.epoch)
        batches = list(self.task.epoch(self.data, self.schedule.batch_size, generator))
        model.train()
        total, watched = torch.zeros((), device=self.device), None
        for number, items in enumerate(batches):
            step = reached.epoch * len(batches) + number
            loss = self._step(model, items, generator, step, len(batches))
            total += loss
            self._refuse_non_finite(watched)  # of the step before: by now its value costs no waiting
            watched = (loss, reached.epoch, number, items)
            self.tick(1 / len(batches))
        self._refuse_non_finite(watched)
        model.eval()
        with torch.no_grad(), self.accelerator.autocast():
            self.task.after_epoch(model, self.data)
            validation = self.task.validate(model, self.data)
        rate = self.schedule.rate_at(reached.epoch * len(batches), len(batches))
        row = {"epoch": reached.epoch, "learning_rate": rate, "train_loss": float(total) / len(batches)}
        reached.log.append(row | {f"val_{name}": float(value) for name, value in validation.items()})
        if not np.isfinite(validation["loss"]):
            raise NonFiniteLoss(f"{self.folder.name}: validation loss {validation['loss']} after epoch {reached.epoch}")
        self._save(model, reached, validation["loss"], time.perf_counter() - began)

    def _step(self, model: nn.Module, items: Tensor, generator: torch.Generator, step: int, steps: int) -> Tensor:
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate_at(step, steps)
        batch = self.task.batch(self.data, items, generator)
        with self.accelerator.autocast():
            loss = self.task.loss(model, batch)
        self.optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        self.optimiser.step()
        self.task.after_step(model, (step + 1) / (steps * self.schedule.epochs))
        return loss.detach().float()

    def _refuse_non_finite(self, watched: tuple | None) -> None:
        if watched is None or bool(torch.isfinite(watched[0])):
            return
        loss, epoch, step, items = watched
        names = ", ".join(self.task.names(self.data, items))
        raise NonFiniteLoss(
            f"{self.folder.name}: loss is {float(loss)} in epoch {epoch}, step {step}; items: {names}. "
            "The last finished epoch is kept; lower the learning rate or look at these items."
        )

    def _save(self, model: nn.Module, reached: Reached, validation_loss: float, seconds: float) -> None:
        reached.epoch += 1
        reached.seconds += seconds
        if self.task.is_better(validation_loss, reached.best):
            reached.best, reached.best_epoch = float(validation_loss), reached.epoch - 1
            checkpoint.save_weights(model, self.folder / "best.safetensors")
        checkpoint.save_state(self.folder / "last" / "state.safetensors", model, self.optimiser, asdict(reached))
        write_text(self.folder / "log.csv", pd.DataFrame(reached.log).to_csv(index=False))

    def _compare_with_float32(self, model: nn.Module) -> None:
        """One loss in bf16 against float32: some pairs of torch and cuDNN are silently wrong for bf16 conv3d."""
        generator = self._generator(0)
        items = next(iter(self.task.epoch(self.data, self.schedule.batch_size, generator)))
        batch = self.task.batch(self.data, items, generator)
        model.eval()  # so that running statistics stay as they are
        with torch.no_grad():
            exact = float(self.task.loss(model, batch))
            self._generator(0)  # a loss that draws draws the same again
            with self.accelerator.autocast():
                low = float(self.task.loss(model, batch))
        if abs(low - exact) > FLOAT32_TOLERANCE * max(abs(exact), 1e-3):
            words = {"bf16": low, "float32": exact, "torch": torch.__version__, "cudnn": torch.backends.cudnn.version()}
            raise RuntimeError(f"bf16 and float32 disagree on the first loss: {json.dumps(words)}; upgrade torch/cuDNN")
