"""What a trained method costs to run: parameters, operations, and time measured here."""

import statistics
import time
from collections.abc import Mapping

import pandas as pd
import torch

from echolib.engine.experiment import Experiment, RunContext, cost
from echolib.engine.task import on_device

BATCH, REPEATS = 8, 5  # of a timed forward pass


def cost_table(experiments: Mapping[str, Experiment], context: RunContext) -> pd.DataFrame:
    """Parameters, GFLOP of a forward pass and milliseconds per item on this device; one row per method.

    A method that rests on a frozen encoder is counted with it. Milliseconds: median of five passes of eight items.
    """
    rows = []
    for name, experiment in experiments.items():
        parts = [experiment, *experiment.parents.values()]
        costs = [cost(part) for part in parts]
        rows.append(
            {
                "method": name,
                "parameters": sum(of_part.parameters for of_part in costs),
                "gflop": sum(of_part.gflop_per_item for of_part in costs) / 3,  # forward alone
                "ms": sum(_milliseconds(part, context) for part in parts),
            }
        )
    return pd.DataFrame(rows)


@torch.no_grad()
def _milliseconds(experiment: Experiment, context: RunContext) -> float:
    model, inputs = experiment.task.workload("cpu")
    model = on_device(model, context.device).eval()
    inputs = [item.expand(BATCH, *item.shape[1:]).contiguous().to(context.device) for item in inputs]
    spent = []
    for _ in range(REPEATS + 1):  # the first pass warms up
        begin = time.perf_counter()
        model(*inputs)
        if context.device.type == "cuda":
            torch.cuda.synchronize(context.device)
        spent.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(spent[1:]) / BATCH
