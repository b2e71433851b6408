"""What the notebook on the data shows: populations, and the phantom measured beside real frames. Nothing is trained."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure as Drawing

from echolib.data.readers.echonet_dynamic import EchoNetDynamic
from echolib.data.readers.echonet_lvh import EchoNetLVH
from echolib.folders import DataFolders
from echolib.papers.exhibits import Figure, Results, Setup, Table
from echolib.papers.exploration.four_chamber import measure_four_chamber, statistics_table, width_figure
from echolib.papers.exploration.populations import class_table, population_table, wall_table


def _classes(results: Results, setup: Setup) -> pd.DataFrame:
    return class_table(EchoNetDynamic(setup.folder("echonet_dynamic")).videos["ef_percent"].to_numpy())


def _population(results: Results, setup: Setup) -> pd.DataFrame:
    return population_table(EchoNetDynamic(setup.folder("echonet_dynamic")).videos)


def _walls(results: Results, setup: Setup) -> pd.DataFrame:
    return wall_table(EchoNetLVH(setup.folder("echonet_lvh")).measurements)


def camus_folders(setup: Setup) -> dict[str, Path]:
    """Every folder in CAMUS's format by its label: the phantom's where it was written, and the researcher's own."""
    simulated = DataFolders({}, setup.folders.phantom)
    folders = {"phantom": simulated.folder("camus")} if simulated.is_simulated("camus") else {}
    written = {label: folder for label, folder in folders.items() if folder.is_dir()}
    return written | {setup.label("camus"): setup.folder("camus")}


def measured(results: Results, setup: Setup) -> dict[str, pd.DataFrame]:
    """Label -> `measure_four_chamber` of each of `camus_folders`."""
    patients = setup.profile.measured_patients
    return {label: measure_four_chamber(folder, patients) for label, folder in camus_folders(setup).items()}


def _statistics(results: Results, setup: Setup) -> pd.DataFrame:
    return statistics_table(setup.once(measured, results))


def _widths(results: Results, setup: Setup) -> Drawing:
    return width_figure(setup.once(measured, results))


HEART_FAILURE_CLASSES = Table(
    name="heart_failure_classes",
    caption=(
        "Classes of heart failure and their share in percent (published: EchoNet-Dynamic, test). EchoMEN, Fig. 1 a."
    ),
    measure=_classes,
)
POPULATION = Table(
    name="population",
    caption="EF (percent) and volumes (mL) over all videos, beside those of EchoNet-Dynamic's 10,030.",
    measure=_population,
)
PHANTOM_AND_REAL = Table(
    name="phantom_and_real",
    caption=lambda setup: (
        f"Four-chamber frames, mean and SD over {setup.profile.measured_patients} patients; grey levels from 0 to 255."
    ),
    measure=_statistics,
    data=(),  # its columns say which data
    decimals=1,
)
WIDTH_PROFILE = Figure(
    name="width_profile",
    caption="Width of the cavity over the length of its axis, from apex to base: a blunt bullet, not an ellipse.",
    draw=_widths,
    data=("camus",),
)
WALL_MEASURES = Table(name="wall_measures", caption="Wall measures in cm.", measure=_walls, data=("echonet_lvh",))
