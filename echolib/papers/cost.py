"""What a trained method costs to run: parameters, operations, and time measured here."""

import gc
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from echolib.engine.experiment import Experiment, RunContext, cost
from echolib.engine.task import Task, on_device

BATCH = 8  # items of a timed forward pass
PASSES = 25  # of each network, after two that warm up
LONGEST_S = 30.0  # of one network's passes together; slow ones get fewer passes, at least five
FEWEST = 5
HOW_TIMED = (
    f"ms: median [quartiles] of {PASSES} passes of {BATCH} items, one thread, all networks in turns after two passes "
    "that warm up; equal networks are timed once"
)
Timed = tuple[nn.Module, Sequence[Tensor]]  # a network and the batch that is put through it


def cost_table(experiments: Mapping[str, Experiment], context: RunContext) -> pd.DataFrame:
    """Parameters, GFLOP of a forward pass and milliseconds per item on this device; one row per method.

    A method that rests on a frozen encoder is counted with it. ms, ms_low, ms_high: median and quartiles of the time,
    over passes in which the networks take turns (`HOW_TIMED`).
    """
    parts = {name: [experiment, *experiment.parents.values()] for name, experiment in experiments.items()}
    keys = {name: [_architecture(part.task) for part in of_method] for name, of_method in parts.items()}
    tasks = {
        key: part.task for name in parts for key, part in zip(keys[name], parts[name], strict=True)
    }  # equal networks once
    seconds = _seconds(tasks, context.device)
    rows = []
    for name, of_method in parts.items():
        costs = [cost(part) for part in of_method]
        passes = sum(seconds[key] for key in keys[name])  # of one round after the other
        low, median, high = np.quantile(1e3 * passes / BATCH, [0.25, 0.5, 0.75])
        counted: dict[str, float] = {"parameters": sum(of_part.parameters for of_part in costs)}
        counted["gflop"] = sum(of_part.gflop_per_item for of_part in costs) / 3  # forward alone
        rows.append({"method": name} | counted | {"ms": median, "ms_low": low, "ms_high": high})
    return pd.DataFrame(rows)


def _architecture(task: Task) -> Hashable:
    """Equal for tasks whose networks have the same layers and read the same input, whatever they are trained on."""
    model, inputs = task.workload()
    shapes = tuple((name, tuple(tensor.shape)) for name, tensor in model.state_dict().items())
    return type(model), repr(model), shapes, tuple(tuple(item.shape) for item in inputs)


def _seconds(tasks: Mapping[Hashable, Task], device: torch.device) -> dict[Hashable, np.ndarray]:
    """Seconds of each pass of each network: as many passes of all, round after round."""
    networks = {key: _network(task, device) for key, task in tasks.items()}
    spent: dict[Hashable, list[float]] = {key: [] for key in networks}
    with _quiet():
        for timed in networks.values():
            _pass(timed, device)
        warm = {key: _pass(timed, device) for key, timed in networks.items()}
        slowest = max(warm.values(), default=0.0)
        for _ in range(int(np.clip(LONGEST_S / max(slowest, 1e-9), FEWEST, PASSES))):
            for key, timed in networks.items():
                spent[key].append(_pass(timed, device))
    return {key: np.asarray(passes) for key, passes in spent.items()}


def _network(task: Task, device: torch.device) -> Timed:
    model, inputs = task.workload("cpu")
    inputs = [item.expand(BATCH, *item.shape[1:]).contiguous().to(device) for item in inputs]
    return on_device(model, device).eval(), inputs


@contextmanager
def _quiet() -> Iterator[None]:
    """One thread, no graph of gradients, and no collection of garbage in the middle of a pass."""
    threads, collects = torch.get_num_threads(), gc.isenabled()
    gc.collect()
    gc.disable()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)
        if collects:
            gc.enable()


def _pass(timed: Timed, device: torch.device) -> float:
    """Seconds of one forward pass."""
    model, inputs = timed
    begin = time.perf_counter()
    model(*inputs)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begin
