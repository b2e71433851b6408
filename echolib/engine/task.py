"""What every task promises the training loop and the experiment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import torch
from torch import Tensor, nn

from echolib.data.selection import DataSelection, Dataset
from echolib.engine.checkpoint import read_tensors
from echolib.frozen import Frozen

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Parent:
    """A finished experiment that another one starts from."""

    task: Any  # of the class that the role asks for
    folder: Path

    @cached_property
    def weights(self) -> dict[str, Tensor]:
        """The best weights, by parameter name. Raises ResumeError where they are damaged or missing."""
        return read_tensors(self.folder / "best.safetensors")[0]

    def table(self, name: str = "predictions") -> pd.DataFrame:
        """One of the tables that its prediction wrote."""
        return pd.read_csv(self.folder / f"{name}.csv")


def on_device(model: nn.Module, device: torch.device) -> nn.Module:
    """The model on a device, weights of convolutions laid out with channels last, the faster way for most of them."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in model.to(device).parameters():
        if parameter.dim() in formats:
            parameter.data = parameter.data.contiguous(memory_format=formats[parameter.dim()])
    return model


class Task(Frozen):
    """What is learnt: it makes a model, batches, a loss and a table of predictions. It knows no paper.

    A task is a description without state. What it reads from disk once (`load`) is handed back to it on every call,
    under the name `data`; its type is the task's own affair.
    """

    headline: ClassVar[tuple[str, ...]] = ()  # the metrics worth a line of their own when an experiment ends

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device) -> Any:
        """Everything the task needs from disk, on the device. datasets: by dataset name; parents: by role."""
        raise NotImplementedError

    def build(self, data: Any, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        """The model to train and a word on what it starts from ("random", "Kinetics", a parent's name)."""
        raise NotImplementedError

    def training_items(self, data: Any) -> int:
        """How many items one epoch sees."""
        raise NotImplementedError

    def epoch(self, data: Any, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
        """The item numbers of each batch of one epoch: a fresh permutation; a last batch of one item is left out."""
        order = torch.randperm(self.training_items(data), generator=generator, device=generator.device)
        batches = order.split(batch_size)
        # Batch normalisation over a single item has no variance to speak of.
        yield from (batch for batch in batches if len(batch) > 1 or len(batches) == 1)

    def names(self, data: Any, items: Tensor) -> list[str]:
        """What a person calls these items: file or patient names, for error messages."""
        raise NotImplementedError

    def batch(self, data: Any, items: Tensor, generator: torch.Generator) -> Any:
        """Inputs and targets of some training items, drawn and augmented on the device."""
        raise NotImplementedError

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """A scalar to minimise."""
        raise NotImplementedError

    def after_step(self, model: nn.Module, progress: float) -> None:
        """Runs after each optimiser step; progress in (0, 1] of the whole training (momentum targets live here)."""

    def after_epoch(self, model: nn.Module, data: Any) -> None:
        """Runs once the steps of an epoch are done, before validation, without gradients and in evaluation mode."""

    # pyrefly: ignore[bad-override]  (the name is that of a deprecated class method of pydantic)
    def validate(self, model: nn.Module, data: Any) -> dict[str, float]:
        """Figures on the validation split; "loss" chooses the best epoch (lower is better)."""
        raise NotImplementedError

    def is_better(self, loss: float, best: float) -> bool:
        """Whether the weights of an epoch with this validation loss take the place of those kept so far."""
        return loss < best

    def predict(self, model: nn.Module, data: Any) -> Tables:
        """Tables by name: "predictions" (one row per test item: label, prediction, what grouping needs), and others."""
        raise NotImplementedError

    def metrics(self, tables: Tables) -> dict[str, float]:
        """The headline figures of the predictions."""
        raise NotImplementedError

    def expected_items(self, selection: DataSelection) -> int:
        """How many items an epoch will see, told from the tables or `selection.expected`, before decoding."""
        raise NotImplementedError

    def workload(self, device: str = "meta") -> tuple[nn.Module, tuple[Tensor, ...]]:
        """A fresh network and one item's input on `device`, from which the cost of a step is counted."""
        raise NotImplementedError
