"""Many experiments, one after another or side by side, under one progress bar."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import TextIO

from tqdm.auto import tqdm

from echolib.engine import execution
from echolib.engine.experiment import Experiment, Result, RunContext, in_order
from echolib.engine.workers import run_side_by_side, threads_as_in_a_worker, worker_count

_LAYOUT = "{desc} {percentage:3.0f}%|{bar}| {n:.1f}/{total} epochs [{elapsed}<{remaining}]"


def run_all(
    experiments: Iterable[Experiment], context: RunContext, *, progress: bool = True, out: TextIO | None = None
) -> list[Result]:
    """Runs experiments under one progress bar counted in epochs; results in the given order.

    On a GPU one after another; on the cores of a CPU side by side where there is enough to do (`workers`). A line is
    written to `out` (standard output) for each experiment that was not there before.
    """
    asked = list(experiments)
    queue = in_order(asked)
    done: set[Experiment] = set()
    epochs = sum(max(1, experiment.schedule.epochs) for experiment in queue)
    with tqdm(total=epochs, disable=not progress, bar_format=_LAYOUT, leave=False) as bar:
        waiting = []
        for experiment in queue:
            if execution.is_done(experiment, context.runs, context.cache):
                done.add(experiment)
                bar.update(max(1, experiment.schedule.epochs))
            else:
                waiting.append(experiment)
        for experiment in _run_waiting(waiting, context, bar):
            done.add(experiment)
            line = summary(Result(experiment, experiment.folder(context.runs)))
            print(f"[{len(done)}/{len(queue)}] {line}", file=out or sys.stdout, flush=True)
    return [Result(experiment, experiment.folder(context.runs)) for experiment in asked]


def _run_waiting(waiting: list[Experiment], context: RunContext, bar: tqdm) -> Iterator[Experiment]:
    """Yields each experiment as it ends, in whichever way is faster."""
    workers = worker_count(waiting, context)
    if workers > 1:
        bar.set_description(f"{workers} side by side")
        for experiment in run_side_by_side(waiting, context, workers):
            bar.update(max(1, experiment.schedule.epochs))
            yield experiment
        return
    for experiment in waiting:
        bar.set_description(experiment.name)
        with threads_as_in_a_worker() if context.device.type == "cpu" else nullcontext():
            execution.run(experiment, context, tick=bar.update)
        if not experiment.schedule.epochs:
            bar.update(1)
        yield experiment


def summary(result: Result) -> str:
    """One line on a finished experiment."""
    metrics = result.metrics
    shown = [name for name in result.experiment.task.headline if metrics.get(name) is not None]
    figures = ", ".join(f"{name} {metrics[name]:.3f}" for name in shown)
    return f"{result.experiment.name}: {figures} ({metrics['seconds']:.0f} s)"
