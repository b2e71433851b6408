"""Everything that notebooks ask for, trained without them."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

import torch

from echolib.engine.experiment import Experiment, RunContext, cost, in_order
from echolib.engine.sweep import run_all
from echolib.engine.trainer import OutOfTime
from echolib.papers.profiles import PROFILES
from echolib.phantom.writers.missing import write_missing_phantom
from echolib.provenance import best_device
from echolib.runner.plan import asked_experiments
from echolib.runner.request import Request
from echolib.workspace import WorkspaceError


def queue(request: Request) -> list[Experiment]:
    """What the notebooks of a request ask for, parents first: half of the work notebook after notebook, so that their
    results come early, the rest the longest first, so that no core waits for another at the end."""
    asked = [
        experiment
        for _, of_notebook in asked_experiments(request)
        if not isinstance(of_notebook, WorkspaceError)
        for experiment in longest_first(of_notebook)
    ]
    ordered = in_order(asked)
    done = list(accumulate(map(petaflop, ordered)))
    half = sum(work < done[-1] / 2 for work in done)
    return in_order([*ordered[:half], *longest_first(ordered[half:])])


def train_all(request: Request, deadline: float | None = None, *, progress: bool = True) -> bool:
    """Trains what is not finished, and writes the phantom first where it is missing; returns whether all is done
    (False: out of time). Raises as experiments do."""
    write_missing_phantom(request.folders.needed_phantom, PROFILES[request.profile].phantom)
    context = RunContext(request.workspace.runs, request.workspace.cache, torch.device(best_device()), deadline)
    try:
        run_all(queue(request), context, progress=progress)
    except OutOfTime:
        return False
    return True


def longest_first(experiments: Sequence[Experiment]) -> list[Experiment]:
    """The experiments by the falling cost of each with all that it starts from: a long one begun last would leave the
    other cores idle at the end."""

    def of_lineage(experiment: Experiment) -> float:
        return sum(map(petaflop, (*experiment.ancestors(), experiment)))

    return sorted(experiments, key=of_lineage, reverse=True)


def petaflop(experiment: Experiment) -> float:
    """What its own training costs, by count."""
    return _petaflop_of_any_seed(experiment.model_copy(update={"name": "any", "seed": 0, "parents": {}}))


@lru_cache(maxsize=256)
def _petaflop_of_any_seed(experiment: Experiment) -> float:
    return cost(experiment).petaflop
