"""The experiments in a folder of runs: how large and old they are, and whether anything still asks for them."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from echolib.engine.experiment import Experiment, in_order
from echolib.engine.finished import is_finished


@dataclass(frozen=True)
class StoredRun:
    """One folder of runs. mebibytes: its files; days: since it was last written; asked_for: by the present code."""

    folder: Path
    mebibytes: float
    days: float
    finished: bool
    asked_for: bool


def stored_runs(runs: Path, wanted: Iterable[Experiment]) -> Iterator[StoredRun]:
    """Every experiment's folder, by name; `wanted`: what the study asks for with the present code and data."""
    asked = {experiment.folder_name() for experiment in in_order(wanted) if experiment.has_data()}
    for folder in sorted(path.parent for path in Path(runs).glob("*-*/experiment.json")):
        files = [status for path in folder.rglob("*") if (status := _status(path))]
        size = sum(file.st_size for file in files) / 2**20
        days = (time.time() - max((file.st_mtime for file in files), default=time.time())) / 86400
        yield StoredRun(folder, size, days, is_finished(folder), folder.name in asked)


def _status(path: Path) -> os.stat_result | None:
    """What the system says of a file; None for a folder, and for what a running study has just replaced."""
    try:
        return path.stat() if path.is_file() else None
    except FileNotFoundError:
        return None


def remove(stored: Iterable[StoredRun]) -> None:
    """Deletes experiments for good."""
    for run in stored:
        shutil.rmtree(run.folder)
