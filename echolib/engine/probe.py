"""A probe of an experiment: a miniature of its training and a few of its predictions, cheap enough to be made again.

It tells whether other code still computes the same: the losses of a few steps on a few items from the experiment's own
initial weights, with what closes an epoch; the learning rate along the schedule; and predictions from its trained
weights for a few items.
"""

import json
from dataclasses import fields, is_dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from echolib.engine.experiment import Experiment
from echolib.engine.task import Parent
from echolib.engine.trainer import Trainer, initial_weights_seed, precision
from echolib.files import write_json

FILE = "probe.json"
TRAINING_ITEMS, BATCH, EPOCHS, STEPS = 8, 4, 2, 2  # of the miniature
TEST_ITEMS, ROWS = 2, 8  # items predicted, and rows kept of each table
TOLERANCE = 1e-5  # relative: the same arithmetic in another order; a changed equation is off by far more


def few_items(data: Any) -> Any:
    """The data with the first few items of each split, wherever they hold a `of_split` of item numbers."""
    if isinstance(data, list | tuple) and not hasattr(data, "_fields"):
        return type(data)(few_items(part) for part in data)
    if not is_dataclass(data) or isinstance(data, type):
        return data
    changed = {}
    for field in fields(data):
        value = getattr(data, field.name)
        if field.name == "of_split":
            changed["of_split"] = {
                split: items[: TRAINING_ITEMS if split == "train" else TEST_ITEMS] for split, items in value.items()
            }
        elif is_dataclass(value) or isinstance(value, list | tuple):
            changed[field.name] = few_items(value)
    return replace(data, **changed) if changed else data


def probe(
    experiment: Experiment, model: nn.Module, data: Any, parents: dict[str, Parent], device: torch.device
) -> dict[str, Any]:
    """losses, validation and learning_rates of the miniature, and predictions of `model`, the trained one."""
    few = few_items(data)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        content = _miniature(experiment, few, data, parents, device) if experiment.schedule.epochs else {}
        with torch.no_grad(), precision(device):
            tables = experiment.task.predict(model.eval(), few)
    return content | {"predictions": {name: _numbers(table) for name, table in tables.items()}}


def write_probe(
    experiment: Experiment, folder: Path, model: nn.Module, data: Any, parents: dict[str, Parent], device: torch.device
) -> None:
    """Keeps the probe of a trained experiment in its folder."""
    write_json(folder / FILE, probe(experiment, model, data, parents, device))


def differences(stored: Any, now: Any, name: str = "") -> list[str]:
    """Where two probes differ by more than rounding, in words; empty where one reproduces the other."""
    if isinstance(stored, dict) and isinstance(now, dict):
        if missing := stored.keys() ^ now.keys():
            return [f"{name} {', '.join(sorted(missing))}: only in one of them".strip()]
        return [text for key in stored for text in differences(stored[key], now[key], f"{name} {key}".strip())]
    first, second = (np.asarray(value, dtype=np.float64) for value in (stored, now))
    if first.shape == second.shape and np.allclose(first, second, rtol=TOLERANCE, atol=1e-7, equal_nan=True):
        return []
    return [f"{name}: {stored} is now {now}"]


def read_probe(folder: Path) -> dict[str, Any] | None:
    """The probe kept with a finished experiment; None where there is none that can be read."""
    try:
        return json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _miniature(experiment: Experiment, few: Any, data: Any, parents, device: torch.device) -> dict[str, Any]:
    schedule = experiment.schedule.model_copy(update={"batch_size": min(BATCH, experiment.schedule.batch_size)})
    torch.manual_seed(initial_weights_seed(experiment.seed))
    model, _ = experiment.task.build(data, parents)
    trainer = Trainer(experiment.task, few, schedule, experiment.seed, Path(experiment.name), device)
    model = trainer.begin(model)
    losses, validation = [], []
    for epoch in range(min(EPOCHS, schedule.epochs)):
        generator = trainer.generator(epoch)
        batches: list[Tensor] = list(islice(experiment.task.epoch(few, schedule.batch_size, generator), STEPS))
        losses += trainer.steps(model, epoch, batches, generator).tolist()
        validation.append({name: float(value) for name, value in trainer.validate(model).items()})
    rates = [experiment.schedule.rate_at(epoch * STEPS, STEPS) for epoch in range(experiment.schedule.epochs)]
    return {
        "losses": losses,
        "validation": {name: [figures[name] for figures in validation] for name in validation[0]},
        "learning_rates": rates,
    }


def _numbers(table: pd.DataFrame) -> dict[str, list[float]]:
    numeric = table.select_dtypes("number").head(ROWS)
    return {str(column): numeric[column].astype(float).tolist() for column in numeric}
