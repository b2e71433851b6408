"""An experiment run: resumed where it was cut off, never run twice, its result written last."""

import shutil
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from echolib.engine import checkpoint
from echolib.engine.experiment import Experiment, Result, RunContext
from echolib.engine.finished import METRICS, damage, is_finished, read_metrics, write_finished
from echolib.engine.probe import write_probe
from echolib.engine.task import Parent, on_device
from echolib.engine.trainer import Trainer, initial_weights_seed, precision
from echolib.files import file_lock, write_json, write_text
from echolib.portable import is_portable


def is_done(experiment: Experiment, runs: Path, cache: Path) -> bool:
    """Whether it has finished, on the data and with the code as they are now, and what it wrote is still whole."""
    return experiment.has_data() and is_finished(experiment.folder(runs)) and not flaw(experiment, runs, cache)


def flaw(experiment: Experiment, runs: Path, cache: Path, *, weights: bool = False) -> str:
    """Why a finished experiment cannot be used any more, in words; "" where it can.

    What it wrote was damaged, or an image file was changed that its data's fingerprint knows by name and size alone.
    weights: hash them too, which takes a second a gigabyte.
    """
    folder = experiment.folder(runs)
    if damaged := damage(folder, weights=weights):
        return f"damaged: {damaged}"
    before = read_metrics(folder)["sources"]
    changed = [name for name, now in _sources(experiment, cache).items() if now and now != before.get(name, now)]
    return f"data changed: the content of {', '.join(changed)}" if changed else ""


def _sources(experiment: Experiment, cache: Path) -> dict[str, str]:
    return {selection.dataset: selection.sources(cache) for selection in experiment.data}


def run(experiment: Experiment, context: RunContext, tick: Callable[[float], object] = lambda share: None) -> Result:
    """Runs an experiment and what it starts from, resumes it where it was cut off, or returns what is there and whole.

    Two processes that want the same one: one trains, the other waits. `tick` is told shares of an epoch.
    Raises what `Trainer.run` raises.
    """
    parents = finished_parents(experiment, context)
    folder = experiment.folder(context.runs)
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(folder / ".lock"):  # the system releases it when its holder dies
        if is_finished(folder) and not _discarded(experiment, folder, context):
            tick(experiment.schedule.epochs)
        else:
            _execute(experiment, folder, parents, context, tick)
    return Result(experiment, folder)


def _discarded(experiment: Experiment, folder: Path, context: RunContext) -> bool:
    """Deletes what a finished experiment holds, with a warning, where it cannot be used any more."""
    reason = flaw(experiment, context.runs, context.cache, weights=True)
    if reason:
        warnings.warn(f"{folder.name} is run again: {reason}", stacklevel=3)
        (folder / METRICS).unlink()  # first: without it nobody takes the rest for whole
        shutil.rmtree(folder / "last", ignore_errors=True)
        for path in folder.iterdir():
            if path.name != ".lock":
                path.unlink()
    return bool(reason)


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
    sources = _sources(experiment, context.cache)
    write_finished(folder, task.metrics(tables) | training | arithmetic(device), sources)
    with suppress(FileNotFoundError):
        shutil.rmtree(folder / "last")  # metrics.json says done: the resume state has served


def arithmetic(device: torch.device) -> dict[str, object]:
    """What the last digits of a result depend on beside its description, and the memory it took."""
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else "cpu",
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "portable": is_portable(device.type),
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
