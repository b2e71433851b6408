"""How a training is optimised: the optimiser, and the learning rate at every step."""

from typing import Literal

import numpy as np
import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import nn

from echolib.frozen import Frozen


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


NOT_TRAINED = Schedule(epochs=0, batch_size=1, optimiser="sgd", learning_rate=1)  # of what only joins its parents


def _one_cycle(progress: float, peak: float = 0.3, floor: float = 1e-3) -> float:
    """Cosine rise from 1/25 to 1 over the first `peak` of the training, cosine fall to `floor` (Smith 2018)."""
    low, part = (1 / 25, progress / peak) if progress < peak else (floor, (1 - progress) / (1 - peak))
    return low + (1 - low) * 0.5 * (1 - np.cos(np.pi * part))
