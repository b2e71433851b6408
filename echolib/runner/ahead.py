"""A process that trains what the notebooks of a study ask for while they are executed one after another.

So no core waits for the longest training of a notebook: when a notebook has its results, the next one's are under way.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from echolib.engine.execution import is_done
from echolib.engine.experiment import Experiment
from echolib.portable import is_portable
from echolib.processes import TIED
from echolib.runner.notebook import Notebook
from echolib.runner.request import Request

POLL = 2.0  # seconds after which a notebook looks again whether its experiments are there


class Ahead:
    """The process, and what it has said: `on_line` is told each line, one for each experiment that ended."""

    def __init__(self, request: Request, command: Sequence[str], on_line: Callable[[str], None]) -> None:
        self.request, self.news = request, threading.Event()
        log = request.workspace.execution(request.profile, "training.log")
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "ECHOLIB_HOME": str(request.workspace.home), TIED: "1"}
        with open(log, "w", encoding="utf-8") as errors:  # what fails there fails again, and is said, in its notebook
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )
        self.reader = threading.Thread(target=self._read, args=(on_line,), daemon=True)
        self.reader.start()

    def _read(self, on_line: Callable[[str], None]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            on_line(line.rstrip("\n"))
            self.news.set()
        self.news.set()

    def wait_for(self, experiments: Sequence[Experiment], deadline: float | None = None) -> None:
        """Returns once all of them are finished, the process has ended, or the deadline (seconds since the epoch) has
        passed: then the notebook trains what is left, or says why it cannot."""
        runs, cache = self.request.workspace.runs, self.request.workspace.cache
        left = list(experiments)
        while self.process.poll() is None and not (deadline is not None and time.time() > deadline):
            left = [experiment for experiment in left if not is_done(experiment, runs, cache)]
            if not left:
                return
            self.news.wait(POLL)
            self.news.clear()

    def close(self) -> None:
        """Ends the process; what it was training goes on from its last epoch another time."""
        self.process.terminate()
        self.process.communicate()
        self.reader.join()


def command(request: Request, notebooks: Sequence[Notebook], deadline: float | None) -> list[str]:
    """The command that trains what some notebooks of a request ask for."""
    words = [sys.executable, "-m", "echolib", "train", "--profile", request.profile]
    for name in sorted(request.folders.given):
        words += ["--data", f"{name}={request.folders.folder(name)}"]
    for notebook in notebooks:
        words += ["--only", notebook.name]
    for name, value in request.settings.items():
        if any(name in notebook.parameters for notebook in notebooks):
            words += ["--parameter", f"{name}={value}"]
    if deadline is not None:
        words += ["--minutes", f"{max(0.0, deadline - time.time()) / 60:.3f}"]
    return [*words, "--portable"] if is_portable() else words


@contextmanager
def training_ahead(
    request: Request, notebooks: Sequence[Notebook], deadline: float | None, on_line: Callable[[str], None]
) -> Iterator[Ahead]:
    """While the context lasts, what the notebooks ask for is trained beside it."""
    ahead = Ahead(request, command(request, notebooks, deadline), on_line)
    try:
        yield ahead
    finally:
        ahead.close()
