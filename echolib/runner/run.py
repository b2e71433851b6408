"""The whole study in one profile: what is up to date is left alone, the rest is executed in order.

Several studies at once take turns at a notebook, and each looks again whether another one has made it meanwhile.
"""

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tqdm import tqdm

from echolib.runner import stamp
from echolib.runner.ahead import training_ahead
from echolib.runner.alone import alone
from echolib.runner.committed import lines_since_commit
from echolib.runner.execute import NotebookStopped, execute, remove_staged
from echolib.runner.notebook import Notebook, StudyError, find_notebooks
from echolib.runner.plan import Plan
from echolib.runner.predictions import publish_predictions
from echolib.runner.publish import INDEX, publish, remove_partial, require_as_asked, write_index
from echolib.runner.request import Request

_EXPERIMENT_LINE = re.compile(r"\[\d+/\d+\] ")  # printed for each experiment that was trained


def run(
    request: Request,
    *,
    announce: Callable[[], Plan],
    deadline: float | None = None,
    cell_timeout: float | None = None,
) -> bool:
    """Executes every notebook that is not up to date; returns whether the study is complete (False: out of time).

    announce: asked only when something has to run; its plan says how many experiments each notebook has yet to train,
    by which progress is measured, and which notebooks lack a folder: these are left out. deadline: seconds since the
    epoch. Raises StudyError at the first notebook that cannot be run or fails; every notebook is checked before the
    first one runs.
    """
    for notebook in request.notebooks:
        request.parameters(notebook)
        notebook.require_kernel()
    stale = [notebook for notebook in request.notebooks if not request.is_current(notebook)]
    if stale:  # what gathers their records may be stale with them
        stale = [notebook for notebook in request.notebooks if notebook in stale or request.reads_records(notebook)]
    for notebook in request.notebooks:
        if notebook not in stale:
            print(f"{notebook.name}: up to date", flush=True)
    if stale:
        plan = announce()
        for notebook, reason in plan.missing.items():
            print(f"{notebook}: left out: {reason}", flush=True)
        stale = [notebook for notebook in stale if notebook.name not in plan.missing]
        if not _execute_all(request, stale, plan, deadline, cell_timeout):
            return False
    with _publishing(request):
        index = _index(request)
    print(f"reports: {index}", flush=True)
    for line in lines_since_commit(request.workspace.home, request.profile):
        print(line, flush=True)
    return True


def _execute_all(
    request: Request, stale: list[Notebook], plan: Plan, deadline: float | None, cell_timeout: float | None
) -> bool:
    """Executes notebooks in order, each once what it asks for is trained; returns whether there was time enough."""
    training = plan.to_train()
    with _progress(sum(1 + training.get(notebook.name, 0) for notebook in stale)) as bar, ExitStack() as stack:

        def on_line(line: str) -> None:
            bar.write(f"  {line}", file=sys.stdout)
            if _EXPERIMENT_LINE.match(line):
                bar.update()

        ahead = None
        if plan.keeps_cores_busy(request):
            ahead = stack.enter_context(training_ahead(request, stale, deadline, on_line))
        for notebook in stale:
            if ahead:
                bar.set_description(f"training for {notebook.name}")
                ahead.wait_for([step.experiment for step in plan.of(notebook.name) if not step.done], deadline)
            if not _bring_up_to_date(request, notebook, bar, deadline, cell_timeout):
                return False
    return True


def _index(request: Request) -> Path:
    return write_index(request.reports, find_notebooks(request.workspace.home / "notebooks"))


@contextmanager
def _publishing(request: Request) -> Iterator[None]:
    """While a profile's reports are written, no other study writes there; what a killed one left is removed."""
    with alone(request.workspace.execution(request.profile, "publishing.lock")):
        remove_partial(request.reports, INDEX)
        yield


def _bring_up_to_date(
    request: Request, notebook: Notebook, bar: tqdm, deadline: float | None, cell_timeout: float | None
) -> bool:
    """Executes one notebook unless another study has done so meanwhile; returns whether there was time enough."""

    def on_wait() -> None:
        bar.write(f"{notebook.name}: another study is at work on it; waiting", file=sys.stdout)

    stem = request.stem(notebook)
    with alone(stem.with_name(stem.name + ".lock"), deadline=deadline, on_wait=on_wait) as held:
        if not held or (deadline is not None and time.time() >= deadline):
            return False
        remove_partial(stem.parent, request.stamp(notebook).name)
        if request.is_current(notebook):
            bar.write(f"{notebook.name}: up to date", file=sys.stdout)
            bar.update()
            return True
        try:
            return _run_one(request, notebook, bar, deadline, cell_timeout)
        finally:
            remove_staged(stem)


def _run_one(
    request: Request, notebook: Notebook, bar: tqdm, deadline: float | None, cell_timeout: float | None
) -> bool:
    stem, made_from = request.stem(notebook), request.inputs(notebook)
    request.stamp(notebook).unlink(missing_ok=True)
    bar.set_description(notebook.name)
    bar.write(notebook.name, file=sys.stdout)

    def on_line(line: str) -> None:
        bar.write(f"  {line}", file=sys.stdout)
        if _EXPERIMENT_LINE.match(line):
            bar.update()

    parameters, home, started = request.parameters(notebook), request.workspace.home, time.monotonic()
    limits = {"deadline": deadline, "cell_timeout": cell_timeout}
    try:
        staged = execute(notebook, parameters, stem, home=home, on_line=on_line, **limits)
    except NotebookStopped:
        return False
    require_as_asked(staged, request, notebook)
    try:
        with _publishing(request):
            made = publish(stem.with_name(stem.name + ".ipynb"), staged, request.report(notebook))
            if not request.is_private(notebook):
                made |= publish_predictions(request.report(notebook), request.workspace.runs)
            stamp.write_stamp(request.stamp(notebook), made_from, made)
            _index(request)
    except OSError as error:
        raise StudyError(f"{notebook.name}: its report could not be written: {error}") from error
    where = f", for you alone: {request.report(notebook)}" if request.is_private(notebook) else ""
    bar.write(f"{notebook.name}: done in {time.monotonic() - started:.0f} s{where}", file=sys.stdout)
    bar.update()
    return True


@contextmanager
def _progress(total: int) -> Iterator[tqdm]:
    """One bar over all notebooks; a unit is an experiment, or the rest of a notebook.

    Its clock ticks all the time, so that an hour's training does not look like a hang. Where nobody watches (a log
    file) there is no bar, only the lines.
    """
    over = threading.Event()
    with tqdm(total=total, unit="step", dynamic_ncols=True, disable=None) as bar:

        def tick() -> None:
            while not over.wait(1):
                bar.refresh()

        clock = threading.Thread(target=tick, daemon=True)
        if not bar.disable:
            clock.start()
        try:
            yield bar
        finally:
            over.set()
            if clock.is_alive():
                clock.join()
