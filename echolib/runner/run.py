"""The whole study in one profile: what is up to date is left alone, the rest is executed in order."""

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from echolib.data.folders import Sources, data_fingerprints
from echolib.runner import stamp
from echolib.runner.execute import NotebookStopped, execute
from echolib.runner.notebook import Notebook, StudyError, find_notebooks
from echolib.runner.publish import publish, write_index
from echolib.workspace import Workspace

_EXPERIMENT_LINE = re.compile(r"\[\d+/\d+\] ")  # printed for each experiment that was trained


@dataclass(frozen=True)
class Request:
    """What is to be run: the notebooks, in which profile, on which data, with which further parameters."""

    workspace: Workspace
    profile: str
    notebooks: list[Notebook]
    sources: Sources
    settings: Mapping[str, object] = field(default_factory=dict)

    def parameters(self, notebook: Notebook) -> dict[str, object]:
        """What is set in a notebook's parameters cell; StudyError for a setting that the notebook does not have."""
        folders = {name: str(self.sources.folders[name]) for name in sorted(self.sources.given)}
        return notebook.accept({"profile": self.profile, **folders, **self.settings})

    def stem(self, notebook: Notebook) -> Path:
        """Where the notebook is executed; its log, staged report and stamp lie beside it."""
        return self.workspace.execution(self.profile, notebook.name)

    def report(self, notebook: Notebook) -> Path:
        """The notebook's folder below reports/."""
        return self.workspace.report(self.profile, notebook.name)

    def inputs(self, notebook: Notebook) -> dict:
        """All that the notebook's report follows from."""
        found = stamp.inputs(notebook, self.parameters(notebook), data_fingerprints(self.sources, times=True))
        if notebook.gathers:
            records = sorted(self.report(notebook).parent.glob("[0-8]*/record.json"))
            found["records"] = {path.parent.name: stamp.file_hash(path) for path in records}
        return found

    def is_current(self, notebook: Notebook) -> bool:
        """Whether the notebook's report was made from what is there now."""
        return stamp.is_current(_stamp(self.stem(notebook)), self.inputs(notebook), self.report(notebook))


def _stamp(stem: Path) -> Path:
    return stem.with_name(stem.name + ".json")


def run(
    request: Request,
    *,
    to_train: Callable[[], Mapping[str, int]] = dict,
    deadline: float | None = None,
    cell_timeout: float | None = None,
) -> bool:
    """Executes every notebook that is not up to date; returns whether the study is complete (False: out of time).

    to_train: asked only when something has to run, says how many experiments each notebook has yet to train, by which
    progress is measured; deadline: seconds since the epoch. Raises StudyError at the first notebook that cannot be run
    or fails; every notebook is checked before the first one runs.
    """
    for notebook in request.notebooks:
        request.parameters(notebook)
        notebook.require_kernel()
    stale = [notebook for notebook in request.notebooks if not request.is_current(notebook)]
    if stale:  # what gathers their records is stale with them
        stale = [notebook for notebook in request.notebooks if notebook in stale or notebook.gathers]
    for notebook in request.notebooks:
        if notebook not in stale:
            print(f"{notebook.name}: up to date", flush=True)
    if stale:
        training = to_train()
        with _progress(sum(1 + training.get(notebook.name, 0) for notebook in stale)) as bar:
            for notebook in stale:
                if deadline is not None and time.time() >= deadline:
                    return False
                if not _run_one(request, notebook, bar, deadline, cell_timeout):
                    return False
    print(f"reports: {_index(request)}", flush=True)
    return True


def _index(request: Request) -> Path:
    reports = request.workspace.home / "reports" / request.profile
    return write_index(reports, find_notebooks(request.workspace.home / "notebooks"))


def _run_one(
    request: Request, notebook: Notebook, bar: tqdm, deadline: float | None, cell_timeout: float | None
) -> bool:
    stem, made_from = request.stem(notebook), request.inputs(notebook)
    _stamp(stem).unlink(missing_ok=True)
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
    try:
        publish(stem.with_name(stem.name + ".ipynb"), staged, request.report(notebook))
        stamp.write_stamp(_stamp(stem), made_from, request.report(notebook))
        _index(request)
    except OSError as error:
        raise StudyError(f"{notebook.name}: its report could not be written: {error}") from error
    bar.write(f"{notebook.name}: done in {time.monotonic() - started:.0f} s", file=sys.stdout)
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
