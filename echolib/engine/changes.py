"""Why an experiment is to run: what differs between it and the nearest finished one of its name."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from echolib.engine.execution import flaw
from echolib.engine.experiment import Experiment
from echolib.engine.finished import METRICS, is_finished

DONE, NEW = "done", "new"
NOT_WRITTEN = "new: its data are not there yet"


def state(experiment: Experiment, runs: Path, cache: Path) -> str:
    """ "done", or why it is to run: "new", "code changed: ...", "data changed", "setting changed: ...", or that what is
    there is damaged."""
    if not experiment.has_data():
        return NOT_WRITTEN
    if is_finished(experiment.folder(runs)):
        return flaw(experiment, runs, cache) or DONE
    description = experiment.description()
    reasons = [changes(before, description) for _, before in finished(runs, experiment.name)]
    return min(reasons, key=_distance, default=NEW) or NEW


def finished(runs: Path, name: str = "*") -> Iterator[tuple[Path, dict[str, Any]]]:
    """Folder and description of each finished experiment of a name, the newest first."""
    folders = [path.parent for path in Path(runs).glob(f"{name}-*/{METRICS}")]
    for folder in sorted(folders, key=lambda folder: (folder / METRICS).stat().st_mtime, reverse=True):
        try:
            description = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if "code" in description and name in ("*", description["name"]):
            yield folder, description


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What changed between two descriptions, in words; "new" where nearly everything did."""
    settings = list(_settings(before, after))
    data = before["fingerprints"] != after["fingerprints"]
    if settings and (data or len(settings) > MOST_SETTINGS):
        return NEW  # another profile's, or another study's
    reasons = [f"setting changed: {', '.join(settings)}"] if settings else []
    reasons += ["data changed"] if data else []
    if files := changed_code(before, after):
        reasons.append(f"code changed: {', '.join(files)}")
    reasons += [f"its {role} changed" for role in parents_changed(before, after)] if not files else []
    return "; ".join(reasons) or NEW


MOST_SETTINGS = 4  # that may differ from a finished experiment for it to be called the same with other settings


def changed_code(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Files whose code differs, or that only one of two descriptions rests on."""
    first, second = before["code"], after["code"]
    return sorted(file for file in first.keys() | second.keys() if first.get(file) != second.get(file))


def parents_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Roles in which two descriptions start from different experiments."""
    first, second = before["parents"], after["parents"]
    return sorted(role for role in first.keys() | second.keys() if first.get(role) != second.get(role))


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for part in ("task", "schedule"):
        for name in sorted(before[part].keys() | after[part].keys()):
            if before[part].get(name) != after[part].get(name):
                yield f"{name} {_in_words(before[part].get(name))} -> {_in_words(after[part].get(name))}"
    if before["seed"] != after["seed"]:
        yield f"seed {before['seed']} -> {after['seed']}"
    if [_without_folder(data) for data in before["data"]] != [_without_folder(data) for data in after["data"]]:
        yield "selection of the data"


def _without_folder(selection: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in selection.items() if name not in ("folder", "expected")}


def _in_words(value: object) -> str:
    return "none" if value is None else str(value)


def _distance(reason: str) -> tuple[bool, int, int]:
    return reason == NEW, reason.count(";"), len(reason)
