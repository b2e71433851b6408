"""What the study would do, before it does it: every experiment, whether it is done, and what the rest will cost."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from echolib.data.folders import DATASETS
from echolib.engine.experiment import Cost, Experiment, cost, is_done
from echolib.engine.sweep import in_order
from echolib.provenance import device_name
from echolib.runner.run import Request


@dataclass(frozen=True)
class Step:
    """One experiment of a plan, what it costs, and whether it is done."""

    notebook: str
    experiment: Experiment
    cost: Cost
    done: bool


def steps(request: Request) -> list[Step]:
    """Every experiment behind the notebooks with those it starts from, in order, each under the first that needs it."""
    from echolib.papers import plan

    planned = plan(request.profile, request.sources.folders)
    found: dict[Experiment, Step] = {}
    costs: dict[str, Cost] = {}
    for notebook in request.notebooks:
        for experiment in in_order(planned.get(notebook.name, ())):
            if experiment not in found:
                alike = experiment.model_dump_json(include={"task", "data", "schedule"})  # other seeds cost the same
                if alike not in costs:
                    costs[alike] = cost(experiment)
                found[experiment] = Step(notebook.name, experiment, costs[alike], _is_done(experiment, request))
    return list(found.values())


def _is_done(experiment: Experiment, request: Request) -> bool:
    runs, cache = request.workspace.runs, request.workspace.cache
    if not any(runs.glob(f"{experiment.name}-*/metrics.json")):
        return False  # asked first: the key needs the data decoded, and a plan must not start that
    return is_done(experiment, runs, cache)


def announce(request: Request, device: str) -> Mapping[str, int]:
    """Prints how much is left to train and about how long it takes; returns notebook -> experiments left to train."""
    planned = steps(request)
    print(_summary(request, planned, device), flush=True)
    counts: dict[str, int] = {}
    for step in planned:
        counts[step.notebook] = counts.get(step.notebook, 0) + (not step.done)
    return counts


def print_plan(request: Request, device: str) -> None:
    """Prints the whole plan; nothing is written, decoded or trained."""
    print(f"profile {request.profile}")
    for dataset, folder in request.sources.folders.items():
        there = "" if folder.is_dir() else " (to be written)"
        print(f"  {DATASETS[dataset]:16} {request.sources.label(dataset):16} {folder}{there}")
    planned = steps(request)
    for notebook in request.notebooks:
        print(f"\n{notebook.name}   {'up to date' if request.is_current(notebook) else 'to run'}")
        for step in planned:
            if step.notebook == notebook.name:
                print("  " + _line(step))
    print("\n" + _summary(request, planned, device))


def _line(step: Step) -> str:
    size = f"{step.cost.epochs:4} epochs x {step.cost.items:6} items  {step.cost.parameters / 1e6:7.2f} M parameters"
    state = "done" if step.done else "to train"
    return f"{step.experiment.name:44} {size}  {step.cost.petaflop:10.3g} PFLOP  {state}"


def _summary(request: Request, planned: list[Step], device: str) -> str:
    left = [step for step in planned if not step.done]
    counted = f"{len(planned)} experiments, {len(planned) - len(left)} done"
    if not left:
        return counted
    name = device_name(device)
    speed = _speed_so_far(request, planned) or measure_speed(device)
    minutes = sum(step.cost.petaflop for step in left) * 1e15 / speed / 60
    return f"{counted}; training the rest takes about {_duration(minutes)} on this {name}"


def _duration(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _speed_so_far(request: Request, planned: list[Step]) -> float | None:
    """Floating point operations a second of the experiments that are done; None where there are none to go by."""
    flop = seconds = 0.0
    for step in planned:
        if step.done and step.cost.petaflop:
            folder = step.experiment.folder(request.workspace.runs, request.workspace.cache)
            flop += step.cost.petaflop * 1e15
            seconds += json.loads((folder / "metrics.json").read_text())["training_seconds"]
    return flop / seconds if seconds else None


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
