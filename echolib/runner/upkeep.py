"""Finished experiments looked after: taken over to changed code, listed, deleted."""

from collections.abc import Callable, Iterator, Sequence

import torch

from echolib.engine.adoption import adopt
from echolib.engine.experiment import Experiment, RunContext
from echolib.engine.inventory import StoredRun, remove, stored_runs
from echolib.papers.profiles import PROFILES
from echolib.provenance import best_device
from echolib.runner.plan import asked_experiments
from echolib.runner.request import Request, make_request
from echolib.workspace import Workspace, WorkspaceError, find_home


def adopt_all(request: Request) -> Iterator[str]:
    """Adopts what the notebooks of a request ask for; a line for each experiment that is not finished, and a count."""
    context = RunContext(request.workspace.runs, request.workspace.cache, torch.device(best_device()))
    adopted = refused = 0
    for adoption in adopt(_wanted(request), context):
        if adoption.source:
            adopted += 1
            yield f"{adoption.experiment.name}: adopted from {adoption.source}"
        else:
            refused += 1
            yield f"{adoption.experiment.name}: not adopted: {adoption.reason}"
    yield f"{adopted} adopted, {refused} not"


def _wanted(request: Request) -> list[Experiment]:
    wanted = dict.fromkeys(
        experiment
        for _, asked in asked_experiments(request)
        if not isinstance(asked, WorkspaceError)
        for experiment in asked
    )
    return list(wanted)


def list_runs(data: Sequence[str], show: Callable[[str], None]) -> list[StoredRun]:
    """Shows every stored experiment with size and age; returns those that no profile asks for with these data."""
    wanted = [experiment for profile in PROFILES for experiment in _of_profile(profile, data)]
    stale, total = [], 0.0
    for run in stored_runs(Workspace(find_home()).runs, wanted):
        total += run.mebibytes
        asked = "asked for" if run.asked_for else "not asked for"
        finished = "" if run.finished else ", unfinished"
        show(f"{run.folder.name:64} {run.mebibytes:8.1f} MiB {run.days:6.1f} days  {asked}{finished}")
        stale += [] if run.asked_for else [run]
    show(f"{total:.0f} MiB; {len(stale)} experiments that nothing asks for with the present code, parameters and data")
    return stale


def _of_profile(profile: str, data: Sequence[str]) -> list[Experiment]:
    try:
        request, _ = make_request(profile, data, (), ())
    except (WorkspaceError, RuntimeError):  # a profile without a phantom, and no data given
        return []
    return _wanted(request)


def remove_runs(stale: Sequence[StoredRun]) -> None:
    """Deletes these experiments for good."""
    remove(stale)
