"""Finished experiments taken over to the present code, where their stored probe is reproduced by it."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from echolib.engine import checkpoint
from echolib.engine.changes import changed_code, changes, finished
from echolib.engine.execution import finished_parents, is_done, load
from echolib.engine.experiment import Experiment, RunContext, in_order
from echolib.engine.finished import METRICS, damage, read_metrics, write_finished
from echolib.engine.probe import differences, probe, read_probe
from echolib.engine.task import on_device
from echolib.files import write_json

DAMAGED = (checkpoint.ResumeError, OSError, ValueError, KeyError)


@dataclass(frozen=True)
class Adoption:
    """What became of one experiment: adopted from a folder, or the reason why not."""

    experiment: Experiment
    source: str = ""  # the folder it was adopted from
    reason: str = ""


def adopt(experiments: Iterable[Experiment], context: RunContext) -> Iterator[Adoption]:
    """Takes over every experiment that differs from a finished one in its code alone and whose probe is reproduced.

    Parents first: a child's probe starts from the parents as they are now. The old folders stay as they are; the new
    one says in its metrics.json, under "adopted", where it comes from, which code changed and what was compared.
    """
    for experiment in in_order(experiments):
        if experiment.has_data() and not is_done(experiment, context.runs, context.cache):
            yield _adopt_one(experiment, context)


def _adopt_one(experiment: Experiment, context: RunContext) -> Adoption:
    done = {role: is_done(parent, context.runs, context.cache) for role, parent in experiment.parents.items()}
    if lacking := [role for role, is_there in done.items() if not is_there]:
        return Adoption(experiment, reason=f"its {' and '.join(lacking)} is not there under the present code")
    description = experiment.description()
    reason = "no finished experiment differs from it in the code alone"
    for folder, before in finished(context.runs, experiment.name):
        same = {name: before.get(name) for name in ("task", "schedule", "seed", "fingerprints")}
        if any(description[name] != value for name, value in same.items()):
            continue
        if reason := _mismatch(experiment, folder, context):
            continue
        trace = {"from": folder.name, "changes": changes(before, description)}
        trace |= {"code": changed_code(before, description), "reproduced": sorted(read_probe(folder) or ())}
        _take_over(experiment, folder, description, trace, context)
        return Adoption(experiment, source=folder.name)
    return Adoption(experiment, reason=reason)


def _mismatch(experiment: Experiment, folder: Path, context: RunContext) -> str:
    """Why the probe of a finished experiment is not reproduced by the present code; "" where it is."""
    if damaged := damage(folder):
        return f"{folder.name} is damaged: {damaged}"
    stored = read_probe(folder)
    if stored is None:
        return f"{folder.name} keeps no probe"
    try:
        parents = finished_parents(experiment, context)
        data = load(experiment, parents, context)
        model, _ = experiment.task.build(data, parents)
        checkpoint.load_weights(model, folder / "best.safetensors")
        now = probe(experiment, on_device(model, context.device), data, parents, context.device)
    except (*DAMAGED, RuntimeError, TypeError) as error:  # weights or tables of another form
        return f"{folder.name}: {type(error).__name__}: {error}"
    found = differences(stored, json.loads(json.dumps(now)))
    return f"{folder.name} is not reproduced: {found[0]}" if found else ""


def _take_over(experiment: Experiment, old: Path, description: dict, trace: dict, context: RunContext) -> None:
    """The old folder's files under the new key, metrics.json last; files are shared where the disk can."""
    new = experiment.folder(context.runs)
    staged = Path(tempfile.mkdtemp(prefix=f".{new.name}.", suffix=".partial", dir=context.runs))
    try:
        for path in old.iterdir():
            if path.is_file() and path.name not in (METRICS, "experiment.json", ".lock"):
                _link_or_copy(path, staged / path.name)
        write_json(staged / "experiment.json", description)
        metrics = read_metrics(old)
        write_finished(staged, metrics | {"adopted": trace}, metrics["sources"])
        shutil.rmtree(new, ignore_errors=True)  # what an interrupted training of it may have left
        os.replace(staged, new)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
