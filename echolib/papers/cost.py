"""What a trained method costs to run: parameters, operations, and time measured here."""

import statistics
import time
from collections.abc import Mapping

import pandas as pd
import torch

from echolib.engine.experiment import Experiment, Place, cost
from echolib.engine.task import on_device

BATCH, REPEATS = 8, 5  # of a timed forward pass


def cost_table(experiments: Mapping[str, Experiment], place: Place) -> pd.DataFrame:
    """Parameters, GFLOP of a forward pass and milliseconds an item on this device; a row a method.

    A method that rests on a frozen encoder is counted with it. Milliseconds: median of five passes of eight items.
    """
    rows = []
    for name, experiment in experiments.items():
        parts = [experiment, *experiment.parents.values()]
        found = [cost(each) for each in parts]
        rows.append(
            {
                "method": name,
                "parameters": sum(each.parameters for each in found),
                "gflop": sum(each.gflop_per_item for each in found) / 3,  # forward alone
                "ms": sum(_milliseconds(each, place) for each in parts),
            }
        )
    return pd.DataFrame(rows)


@torch.no_grad()
def _milliseconds(experiment: Experiment, place: Place) -> float:
    model, inputs = experiment.task.workload("cpu")
    model = on_device(model, place.device).eval()
    inputs = [each.expand(BATCH, *each.shape[1:]).contiguous().to(place.device) for each in inputs]
    spent = []
    for _ in range(REPEATS + 1):  # the first pass warms up
        begin = time.perf_counter()
        model(*inputs)
        if place.device.type == "cuda":
            torch.cuda.synchronize(place.device)
        spent.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(spent[1:]) / BATCH
