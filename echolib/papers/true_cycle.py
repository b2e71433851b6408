"""The true heart cycle, known where the heart is simulated."""

import numpy as np
import pandas as pd

from echolib.papers.exhibits import Setup
from echolib.workspace import WorkspaceError


def true_cycle(setup: Setup) -> pd.DataFrame:
    """Where each frame of EchoNet-Dynamic's phantom lies in the heart cycle: see `with_speed`.

    Raises WorkspaceError for a folder of real videos, whose true cycle nobody knows.
    """
    if setup.given("echonet_dynamic"):
        raise WorkspaceError(
            "the true heart cycle is known for the phantom alone: leave echonet_dynamic empty for this table or figure"
        )
    phantom = setup.folder("echonet_dynamic").parent
    columns = ["item", "frame", "volume_ml", "phase"]
    return with_speed(pd.read_csv(phantom / "truth" / "EchoNet-Dynamic.csv", usecols=columns))


def with_speed(truth: pd.DataFrame) -> pd.DataFrame:
    """One row per frame, ordered by video: name (of the video), frame, phase (0 to 1 from end diastole on), and speed,
    |dV/dt| in end-diastolic volumes per frame.

    truth: item, frame, volume_ml and phase of every frame, in any order.
    """
    cycle = truth.sort_values(["item", "frame"]).reset_index(drop=True).rename(columns={"item": "name"})
    volume = cycle.groupby("name")["volume_ml"]
    change = volume.transform(lambda of_video: abs(np.gradient(of_video)))
    return cycle[["name", "frame", "phase"]].assign(speed=change / volume.transform("max"))
