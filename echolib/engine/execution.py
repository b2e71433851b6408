"""An experiment run: resumed where it was cut off, never run twice, its result written last."""

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from torch import nn

from echolib.engine import checkpoint
from echolib.engine.experiment import Experiment, Result, RunContext
from echolib.engine.probe import write_probe
from echolib.engine.task import Parent, on_device
from echolib.engine.trainer import Trainer, initial_weights_seed, precision
from echolib.files import write_json, write_text


def is_done(experiment: Experiment, runs: Path) -> bool:
    """Whether it has finished, on the data and with the code as they are now."""
    return experiment.has_data() and (experiment.folder(runs) / "metrics.json").exists()


def run(experiment: Experiment, context: RunContext, tick: Callable[[float], object] = lambda share: None) -> Result:
    """Runs an experiment and what it starts from, resumes it where it was cut off, or returns what is there.

    Two processes that want the same one: one trains, the other waits. `tick` is told shares of an epoch.
    Raises what `Trainer.run` raises.
    """
    parents = finished_parents(experiment, context)
    folder = experiment.folder(context.runs)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # the system releases it when its holder dies
        if not (folder / "metrics.json").exists():
            _execute(experiment, folder, parents, context, tick)
        else:
            tick(experiment.schedule.epochs)
    return Result(experiment, folder)


def finished_parents(experiment: Experiment, context: RunContext) -> dict[str, Parent]:
    """What it starts from, by role; run where it is not finished."""
    return {role: Parent(parent.task, run(parent, context).folder) for role, parent in experiment.parents.items()}


def load(experiment: Experiment, parents: dict[str, Parent], context: RunContext) -> Any:
    """The data of an experiment's task, on the device."""
    datasets = {selection.dataset: selection.open(context.cache) for selection in experiment.data}
    return experiment.task.load(datasets, parents, context.device)


def _execute(experiment: Experiment, folder: Path, parents: dict[str, Parent], context: RunContext, tick) -> None:
    began = time.perf_counter()
    for partial in folder.glob("**/.*.partial"):
        partial.unlink()
    write_json(folder / "experiment.json", experiment.description())
    task, device = experiment.task, context.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    data = load(experiment, parents, context)
    torch.manual_seed(initial_weights_seed(experiment.seed))
    model, start = task.build(data, parents)
    trainer = Trainer(task, data, experiment.schedule, experiment.seed, folder, device, context.deadline, tick)
    model, progress = trainer.run(model)
    with torch.no_grad(), precision(device):
        tables = task.predict(model, data)
    for name, table in tables.items():
        write_text(folder / f"{name}.csv", table.to_csv(index=False))
    write_probe(experiment, folder, model, data, parents, device)
    training = {
        "started_from": start,
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "best_val_loss": progress.best,
        "training_seconds": round(progress.seconds, 2),
        "seconds": round(time.perf_counter() - began, 2),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    write_json(folder / "metrics.json", task.metrics(tables) | training | arithmetic(device))
    with suppress(FileNotFoundError):
        shutil.rmtree(folder / "last")  # metrics.json says done: the resume state has served


def arithmetic(device: torch.device) -> dict[str, object]:
    """What the last digits of a result depend on beside its description, and the memory it took."""
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else "cpu",
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "precision": "bf16 autocast" if cuda else "float32",
        "torch": torch.__version__,
        "peak_memory_mib": round(torch.cuda.max_memory_allocated(device) / 2**20) if cuda else None,
    }


def trained_model(result: Result, context: RunContext) -> tuple[nn.Module, Any]:
    """The trained model of a finished experiment, in evaluation mode, and its task's data."""
    experiment = result.experiment
    parents = finished_parents(experiment, context)
    data = load(experiment, parents, context)
    model, _ = experiment.task.build(data, parents)
    checkpoint.load_weights(model, result.folder / "best.safetensors")
    return on_device(model, context.device).eval(), data
