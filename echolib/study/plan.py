"""What the study would do, before it does it: every experiment, whether it is done, and what the rest will cost."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from echolib.experiment import Cost, Experiment, cost, is_done
from echolib.sources import DATASETS
from echolib.study.run import Request
from echolib.sweep import in_order


@dataclass(frozen=True)
class Step:
    """One experiment of a plan."""

    notebook: str
    experiment: Experiment
    done: bool


def steps(request: Request) -> list[Step]:
    """Every experiment behind the notebooks with those it starts from, in order, each under the first that needs it."""
    from echolib.papers import plan

    planned = plan(request.profile, request.sources.folders)
    seen: set[Experiment] = set()
    found = []
    for notebook in request.notebooks:
        for experiment in in_order(planned.get(notebook.name, ())):
            if experiment not in seen:
                seen.add(experiment)
                found.append(Step(notebook.name, experiment, _is_done(experiment, request)))
    return found


def _is_done(experiment: Experiment, request: Request) -> bool:
    runs, cache = request.workspace.runs, request.workspace.cache
    if not any(runs.glob(f"{experiment.name}-*/metrics.json")):
        return False  # asked first: the key needs the data decoded, and a plan must not start that
    return is_done(experiment, runs, cache)


def to_train(request: Request) -> Mapping[str, int]:
    """Notebook -> how many experiments it has yet to train."""
    counts: dict[str, int] = {}
    for step in steps(request):
        counts[step.notebook] = counts.get(step.notebook, 0) + (not step.done)
    return counts


def print_plan(request: Request, device: str) -> None:
    """Prints the plan; nothing is written, decoded or trained."""
    print(f"profile {request.profile}")
    for dataset, folder in request.sources.folders.items():
        there = "" if folder.is_dir() else " (to be written)"
        print(f"  {DATASETS[dataset]:16} {request.sources.label(dataset):16} {folder}{there}")
    planned = steps(request)
    speed = measure_speed(device) if any(not step.done for step in planned) else 1.0
    remaining = 0.0
    for notebook in request.notebooks:
        state = "up to date" if request.is_current(notebook) else "to run"
        print(f"\n{notebook.name}   {state}")
        for step in planned:
            if step.notebook == notebook.name:
                expense = cost(step.experiment)
                minutes = expense.petaflop * 1e15 / speed / 60
                remaining += 0 if step.done else minutes
                print("  " + _line(step, expense, minutes))
    done = sum(step.done for step in planned)
    print(f"\n{len(planned)} experiments, {done} done; the rest takes about {_duration(remaining)} on this {device}")


def _line(step: Step, expense: Cost, minutes: float) -> str:
    size = f"{expense.epochs:4} epochs x {expense.items:6} items  {expense.parameters / 1e6:7.2f} M parameters"
    state = "done" if step.done else f"about {_duration(minutes)}"
    return f"{step.experiment.name:44} {size}  {expense.petaflop:10.3g} PFLOP  {state}"


def _duration(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def measure_speed(device: str, seconds: float = 1.0) -> float:
    """Floating point operations a second of a 3D convolution here, forward and backward: a rough guide to duration."""
    import torch

    cuda = device.startswith("cuda")
    network = torch.nn.Conv3d(32, 32, 3, padding=1, bias=False, device=device)
    clip = torch.randn(4 if cuda else 1, 32, 16, 28, 28, device=device)
    flop = 3 * 2 * clip.numel() * 32 * 27
    with torch.autocast("cuda", torch.bfloat16, enabled=cuda):
        network(clip).sum().backward()
        repeats, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            network(clip).sum().backward()
            repeats += 1
            if cuda:
                torch.cuda.synchronize()
    return flop * repeats / (time.perf_counter() - began)
