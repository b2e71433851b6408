"""What the study would do, before it does it: every experiment, why it is to run, and what the rest will cost."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch

from echolib.engine.changes import DONE, state
from echolib.engine.experiment import Cost, Experiment, RunContext, cost, in_order
from echolib.engine.finished import read_metrics
from echolib.engine.workers import worker_count
from echolib.folders import folder_lines
from echolib.papers.registry import experiments_of, make_setup
from echolib.portable import cores, is_portable
from echolib.provenance import best_device, device_name
from echolib.runner.request import Request
from echolib.workspace import WorkspaceError


@dataclass(frozen=True)
class Step:
    """One experiment of a plan, under the first notebook that needs it, what it costs, and its state: "done" or why
    it is to run."""

    notebook: str
    experiment: Experiment
    cost: Cost
    state: str

    @property
    def done(self) -> bool:
        """Whether it is finished, with the present code on the present data."""
        return self.state == DONE


@dataclass
class Plan:
    """Every experiment behind the notebooks, parents first; missing: notebook -> why it cannot run as asked."""

    steps: list[Step] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def of(self, notebook: str) -> list[Step]:
        """The experiments that are listed under a notebook."""
        return [step for step in self.steps if step.notebook == notebook]

    def keeps_cores_busy(self, request: Request) -> bool:
        """Whether there is enough to train for several processes of a CPU."""
        left = [step.experiment for step in self.steps if not step.done]
        context = RunContext(request.workspace.runs, request.workspace.cache, torch.device(best_device()))
        return worker_count(left, context) > 1

    def to_train(self) -> Mapping[str, int]:
        """Notebook -> experiments left to train."""
        return {name: sum(not step.done for step in self.of(name)) for name in {step.notebook for step in self.steps}}


def asked_experiments(request: Request) -> Iterator[tuple[str, list[Experiment] | WorkspaceError]]:
    """What each notebook asks for with the parameters it would run with; the error where a folder is missing."""
    for notebook in request.notebooks:
        setup = make_setup({**notebook.parameters, **request.parameters(notebook)}, request.folders)
        try:
            yield notebook.name, experiments_of(notebook.name, setup)
        except WorkspaceError as error:
            yield notebook.name, error


def make_plan(request: Request) -> Plan:
    """The plan of a request. Nothing is written, decoded or trained for it."""
    plan, seen, costs = Plan(), set(), dict[str, Cost]()
    runs, cache = request.workspace.runs, request.workspace.cache
    for notebook, asked in asked_experiments(request):
        if isinstance(asked, WorkspaceError):
            plan.missing[notebook] = str(asked)
            continue
        for experiment in in_order(asked):
            if experiment in seen:
                continue
            seen.add(experiment)
            alike = experiment.model_dump_json(include={"task", "data", "schedule"})  # other seeds cost the same
            alike += type(experiment.task).__name__
            if alike not in costs:
                costs[alike] = cost(experiment)
            plan.steps.append(Step(notebook, experiment, costs[alike], state(experiment, runs, cache)))
    return plan


def announce(request: Request, device: str) -> Plan:
    """Prints how much is left to train and about how long it takes; returns the plan."""
    plan = make_plan(request)
    print(_summary(request, plan, device), flush=True)
    return plan


def print_plan(request: Request, device: str) -> None:
    """Prints the whole plan; nothing is written, decoded or trained."""
    print(f"profile {request.profile}")
    print("\n".join(folder_lines(request.folders, request.folders.folders)))
    plan = make_plan(request)
    for notebook in request.notebooks:
        reason = plan.missing.get(notebook.name, "")
        current = "up to date" if request.is_current(notebook) else "to run"
        print(f"\n{notebook.name}   {f'cannot run: {reason}' if reason else current}")
        for step in plan.of(notebook.name):
            print("  " + _line(step))
    print("\n" + _summary(request, plan, device))


def _line(step: Step) -> str:
    size = f"{step.cost.epochs:4} epochs x {step.cost.items:6} items  {step.cost.parameters / 1e6:7.2f} M parameters"
    return f"{step.experiment.name:44} {size}  {step.cost.petaflop:10.3g} PFLOP  {step.state}"


def _summary(request: Request, plan: Plan, device: str) -> str:
    left = [step for step in plan.steps if not step.done]
    counted = f"{len(plan.steps)} experiments, {len(plan.steps) - len(left)} done"
    if not left:
        return counted
    speed = _speed_so_far(request, plan) or measure_speed(device) * (cores() if is_portable(device) else 1)
    minutes = sum(step.cost.petaflop for step in left) * 1e15 / speed / 60
    return f"{counted}; training the rest takes about {_duration(minutes)} on this {device_name(device)}"


def _duration(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _speed_so_far(request: Request, plan: Plan) -> float | None:
    """Floating point operations a second of the experiments that are done; None where there are none to go by."""
    flop = seconds = 0.0
    for step in plan.steps:
        if step.done and step.cost.petaflop:
            flop += step.cost.petaflop * 1e15
            seconds += read_metrics(step.experiment.folder(request.workspace.runs))["training_seconds"]
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
