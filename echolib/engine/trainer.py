"""The one training loop: it stops at any moment and goes on to the same result."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from echolib.engine import checkpoint
from echolib.engine.schedule import Schedule
from echolib.engine.task import Task, on_device
from echolib.errors import UserError
from echolib.files import write_text

CPU_ALLOCATOR = "DefaultCPUAllocator"  # names itself in the RuntimeError that torch raises without memory on a CPU
FLOAT32_TOLERANCE = 0.05  # relative difference of the first loss in bf16; a broken kernel is off by far more


class NonFiniteLoss(UserError, RuntimeError):
    """The loss became NaN or infinite."""


class OutOfMemory(UserError, RuntimeError):
    """A step or the validation needs more memory than there is."""


class OutOfTime(Exception):
    """The deadline passed; what was reached is saved, and the same call goes on from there."""


@dataclass
class Progress:
    """How far a training has come; with the weights and the optimiser it is the whole resume state."""

    epoch: int = 0  # epochs finished
    best: float = float("inf")
    best_epoch: int = -1
    seconds: float = 0.0
    log: list[dict[str, float]] = field(default_factory=list)


def epoch_seed(seed: int, epoch: int) -> int:
    """Every epoch begins from a seed of its own, so that no random state has to be saved."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])


def step_seed(seed: int, epoch: int, step: int) -> int:
    """So does every step: methods that draw more than others after their clips still see the same clips."""
    return int(np.random.SeedSequence([seed, epoch, step]).generate_state(1)[0])


def initial_weights_seed(seed: int) -> int:
    """The seed that a model's initial weights are drawn from."""
    return epoch_seed(seed, 2**31)


def precision(device: torch.device) -> torch.autocast:
    """A context in which networks compute as experiments do on a device: in bf16 on a GPU, in float32 on a CPU."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


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
    tick: Callable[[float], object] = lambda share: None
    optimiser: torch.optim.Optimizer = field(init=False, repr=False)  # from `begin` on, where there are epochs

    def run(self, model: nn.Module) -> tuple[nn.Module, Progress]:
        """Trains to the last epoch, from the last finished epoch on; returns the model with its best weights.

        Raises NonFiniteLoss with epoch, step and item names; OutOfTime at an epoch's end once the deadline has passed;
        checkpoint.ResumeError when the resume state is damaged or missing although epochs were finished.
        """
        model = self.begin(model)
        progress = self._resume(model)
        self.tick(progress.epoch)
        if self.device.type == "cuda" and progress.epoch == 0 and self.schedule.epochs:
            self._compare_with_float32(model)
        while progress.epoch < self.schedule.epochs:
            if self.deadline is not None and time.time() > self.deadline:
                raise OutOfTime(f"{self.folder.name}: {progress.epoch} of {self.schedule.epochs} epochs done")
            self._epoch(model, progress)
        best = self.folder / "best.safetensors"
        if self.schedule.epochs:
            checkpoint.load_weights(model, best)
        else:
            checkpoint.save_weights(model, best)
        return model.eval(), progress

    def begin(self, model: nn.Module) -> nn.Module:
        """The model on its device, with a fresh optimiser over it."""
        model = on_device(model, self.device)
        if self.schedule.epochs:
            self.optimiser = self.schedule.make_optimiser(model)
        return model

    def _resume(self, model: nn.Module) -> Progress:
        state = self.folder / "last" / "state.safetensors"
        if state.exists():
            return Progress(**checkpoint.load_state(state, model, self.optimiser))
        if (self.folder / "log.csv").exists() and self.schedule.epochs:
            raise checkpoint.ResumeError(f"{state} is missing, yet log.csv says epochs were run: delete {self.folder}")
        return Progress()

    def generator(self, epoch: int) -> torch.Generator:
        """The generator of an epoch's draws; torch's global state is seeded with it."""
        torch.manual_seed(epoch_seed(self.seed, epoch))  # dropout and whatever else draws globally
        return torch.Generator(self.device).manual_seed(epoch_seed(self.seed, epoch))

    def _epoch(self, model: nn.Module, progress: Progress) -> None:
        began = time.perf_counter()
        generator = self.generator(progress.epoch)
        batches = list(self.task.epoch(self.data, self.schedule.batch_size, generator))
        losses = self.steps(model, progress.epoch, batches, generator)
        validation = self.validate(model)
        rate = self.schedule.rate_at(progress.epoch * len(batches), len(batches))
        row = {"epoch": progress.epoch, "learning_rate": rate, "train_loss": float(losses.sum()) / len(batches)}
        progress.log.append(row | {f"val_{name}": float(value) for name, value in validation.items()})
        if not np.isfinite(validation["loss"]):
            raise NonFiniteLoss(
                f"{self.folder.name}: validation loss {validation['loss']} after epoch {progress.epoch}"
            )
        self._save(model, progress, validation["loss"], time.perf_counter() - began)

    def steps(self, model: nn.Module, epoch: int, batches: Sequence[Tensor], generator: torch.Generator) -> Tensor:
        """One optimiser step for each batch of item numbers; the losses (batches,) before each step."""
        model.train()
        losses, watched = [], None
        for number, items in enumerate(batches):
            generator.manual_seed(step_seed(self.seed, epoch, number))
            with self._memory_named(f"epoch {epoch}, step {number}", items):
                loss = self._step(model, items, generator, epoch * len(batches) + number, len(batches))
            losses.append(loss)
            self._refuse_non_finite(watched)  # of the step before: by now its value costs no waiting
            watched = (loss, epoch, number, items)
            self.tick(1 / len(batches))
        self._refuse_non_finite(watched)
        return torch.stack(losses)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """What closes an epoch: the task's own work, then its figures on the validation split."""
        model.eval()
        with torch.no_grad(), precision(self.device), self._memory_named("validation"):
            self.task.after_epoch(model, self.data)
            return self.task.validate(model, self.data)

    def _step(self, model: nn.Module, items: Tensor, generator: torch.Generator, step: int, steps: int) -> Tensor:
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate_at(step, steps)
        batch = self.task.batch(self.data, items, generator)
        with precision(self.device):
            loss = self.task.loss(model, batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
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

    @contextmanager
    def _memory_named(self, where: str, items: Tensor | None = None) -> Iterator[None]:
        """Says where memory ran out. The batch is never made smaller in silence: that would be another method."""
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if not (isinstance(error, MemoryError | torch.OutOfMemoryError) or CPU_ALLOCATOR in str(error)):
                raise
            names = "" if items is None else f"; items: {', '.join(self.task.names(self.data, items))}"
            raise OutOfMemory(
                f"{self.folder.name}: out of memory in {where}{names}. The last finished epoch is kept; free memory, "
                f"or run it where there is more (batches of {self.schedule.batch_size} are part of the method)"
            ) from error

    def _save(self, model: nn.Module, progress: Progress, validation_loss: float, seconds: float) -> None:
        progress.epoch += 1
        progress.seconds += seconds
        if self.task.is_better(validation_loss, progress.best):
            progress.best, progress.best_epoch = float(validation_loss), progress.epoch - 1
            checkpoint.save_weights(model, self.folder / "best.safetensors")
        checkpoint.save_state(self.folder / "last" / "state.safetensors", model, self.optimiser, asdict(progress))
        write_text(self.folder / "log.csv", pd.DataFrame(progress.log).to_csv(index=False))

    def _compare_with_float32(self, model: nn.Module) -> None:
        """One loss in bf16 against float32: some pairs of torch and cuDNN are silently wrong for bf16 conv3d."""
        generator = self.generator(0)
        items = next(iter(self.task.epoch(self.data, self.schedule.batch_size, generator)))
        batch = self.task.batch(self.data, items, generator)
        model.eval()  # so that running statistics stay as they are
        with torch.no_grad():
            exact = float(self.task.loss(model, batch))
            self.generator(0)  # a loss that draws draws the same again
            with precision(self.device):
                low = float(self.task.loss(model, batch))
        if not abs(low - exact) <= FLOAT32_TOLERANCE * max(abs(exact), 1e-3):  # NaN is no agreement
            values: dict[str, object] = {"bf16": low, "float32": exact, "torch": torch.__version__}
            values["cudnn"] = torch.backends.cudnn.version()
            raise RuntimeError(
                f"bf16 and float32 disagree on the first loss: {json.dumps(values)}; upgrade torch/cuDNN"
            )
