"""Many experiments: one after another or side by side here, or on a Ray cluster."""

import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

from tqdm.auto import tqdm

from echolib.engine import experiment as engine
from echolib.engine.experiment import Experiment, Place, Result
from echolib.engine.workers import run_side_by_side, worker_count


def in_order(experiments: Iterable[Experiment]) -> list[Experiment]:
    """The experiments and all that they start from, each once, parents first."""
    wanted: dict[Experiment, None] = {}
    for each in experiments:
        wanted.update(dict.fromkeys([*each.ancestors(), each]))
    return list(wanted)


def run(
    experiments: Iterable[Experiment], place: Place, *, progress: bool = True, out: TextIO | None = None
) -> list[Result]:
    """Runs experiments under one progress bar counted in epochs; results in the given order.

    On a GPU one after another; on the cores of a CPU side by side where there is enough to do (`workers`). A line is
    written to `out` (standard output) for each experiment that was not there before.
    """
    asked = list(experiments)
    queue = in_order(asked)
    out = out or sys.stdout
    done: set[Experiment] = set()
    epochs = sum(max(1, each.schedule.epochs) for each in queue)
    layout = "{desc} {percentage:3.0f}%|{bar}| {n:.1f}/{total} epochs [{elapsed}<{remaining}]"
    with tqdm(total=epochs, disable=not progress, bar_format=layout, leave=False) as bar:
        waiting = []
        for each in queue:
            if engine.is_done(each, place.runs, place.cache):
                done.add(each)
                bar.update(max(1, each.schedule.epochs))
            else:
                waiting.append(each)
        for each in _run_waiting(waiting, place, bar):
            done.add(each)
            result = Result(each, each.folder(place.runs, place.cache))
            print(f"[{len(done)}/{len(queue)}] {summary(result)}", file=out, flush=True)
    return [Result(each, each.folder(place.runs, place.cache)) for each in asked]


def _run_waiting(waiting: list[Experiment], place: Place, bar: tqdm) -> Iterator[Experiment]:
    """Yields each experiment as it ends, in whichever way is faster."""
    workers = worker_count(waiting, place)
    if workers > 1:
        bar.set_description(f"{workers} side by side")
        for each in run_side_by_side(waiting, place, workers):
            bar.update(max(1, each.schedule.epochs))
            yield each
        return
    for each in waiting:
        bar.set_description(each.name)
        engine.run(each, place, tick=bar.update)
        if not each.schedule.epochs:
            bar.update(1)
        yield each


def summary(result: Result) -> str:
    """One line on a finished experiment."""
    metrics = result.metrics
    figures = ", ".join(f"{name} {metrics[name]:.3f}" for name in result.experiment.task.headline if name in metrics)
    return f"{result.experiment.name}: {figures} ({metrics['seconds']:.0f} s)"


def run_on_ray(
    experiments: Iterable[Experiment], place: Place, *, cpus: float = 2, gpus: float = 0, address: str | None = None
) -> list[Result]:
    """The same on a Ray cluster whose machines share the folders of `place`; needs the extra `echolib[ray]`.

    Experiments without a path between them run at the same time; the file locks keep each to one machine.
    """
    import ray

    ray.init(address=address, ignore_reinit_error=True)
    remote = ray.remote(num_cpus=cpus, num_gpus=gpus)(lambda each, *parents: engine.run(each, place).folder)
    asked, futures = list(experiments), {}
    for each in in_order(asked):
        futures[each] = remote.remote(each, *(futures[parent] for parent in each.parents.values()))
    return [Result(each, ray.get(futures[each])) for each in asked]
