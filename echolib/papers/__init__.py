"""One module a paper: its settings with their source, and the experiments behind each of its tables."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pandas as pd

from echolib.engine.experiment import Experiment
from echolib.papers.contrastive import experiments as contrastive
from echolib.papers.echomen import experiments as echomen
from echolib.papers.echonet_dynamic import experiments as echonet_dynamic
from echolib.papers.ef_systems import experiments as ef_systems
from echolib.papers.multitask import experiments as multitask
from echolib.papers.profiles import PROFILES
from echolib.papers.tca import experiments as tca


def published(name: str) -> pd.DataFrame:
    """A table of numbers as printed in a paper: one of the files in `papers/published`, without its suffix."""
    with (files(__package__) / "published" / f"{name}.csv").open() as file:
        return pd.read_csv(file)


def plan(profile: str, folders: Mapping[str, Path]) -> dict[str, list[Experiment]]:
    """The experiments behind each notebook, for the folders that are there (dataset name -> folder)."""
    sizes = PROFILES[profile]
    found: list[Experiment] = []
    others: dict[str, list[Experiment]] = {}
    if "echonet_dynamic" in folders:
        folder = folders["echonet_dynamic"]
        found += echonet_dynamic.ef_experiments(sizes, folder)
        found += [echonet_dynamic.segmentation_experiment(sizes, folder)]
        found += [echonet_dynamic.beat_to_beat_experiment(sizes, folder)]
        others["01_explore"] = [echonet_dynamic.beat_to_beat_experiment(sizes, folder)]
        others |= echomen.planned(sizes, folder) | tca.planned(sizes, folder)
        for notebook, experiments in ef_systems.planned(sizes, folder).items():
            others[notebook] = [*others.get(notebook, []), *experiments]
    if "camus" in folders:
        found.append(echonet_dynamic.camus_experiment(sizes, folders["camus"]))
    if {"echonet_dynamic", "camus"} <= folders.keys():
        others |= contrastive.planned(sizes, folders)
    if {"echonet_dynamic", "camus", "echonet_lvh"} <= folders.keys():
        others |= multitask.planned(sizes, folders)
    return {"02_echonet_dynamic": found} | others
