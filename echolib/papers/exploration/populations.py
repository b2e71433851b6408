"""Who was scanned and what was measured: the populations of the datasets beside the published ones."""

import numpy as np
import pandas as pd

from echolib.metrics.ejection import heart_failure_class
from echolib.papers.published import published

CLASS_LIMITS = {"HFrEF": "EF < 40", "HFmrEF": "40 <= EF < 50", "HFpEF": "EF >= 50"}


def population_table(videos: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD of EF (percent) and volumes (mL) over all videos, beside EchoNet-Dynamic's.

    Published: over all 10,030 videos (Ouyang et al. 2020 and the dataset's site).
    """
    printed = published("exploration", "population").set_index("quantity")
    ours = videos[list(printed.index)].agg(["mean", "std"]).T.set_axis(["mean", "sd"], axis=1)
    return ours.join(printed.add_suffix("_published")).rename_axis("quantity").reset_index()


def class_table(ef: np.ndarray) -> pd.DataFrame:
    """EchoMEN's Fig. 1 (a) and the shares in percent behind (b): how many videos each class of heart failure has.

    ef: (videos,) in percent. Published: of EchoNet-Dynamic's test videos, behind EchoMEN's Table 1.
    """
    classes = heart_failure_class(ef)
    printed = published("exploration", "classes").set_index("class")["share"]
    rows = [
        {"class": name, "limits (%)": limits, "n": int((classes == name).sum())}
        | {"share": 100 * (classes == name).mean(), "share_published": printed[name]}
        for name, limits in CLASS_LIMITS.items()
    ]
    return pd.DataFrame(rows)


def wall_table(measurements: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD of each wall measure in cm at ED and ES, beside the means of the published cohort."""
    lengths = measurements.groupby(["measure", "phase"])["length_cm"]
    table = lengths.agg(n="size", mean="mean", sd="std").reset_index()
    printed = published("exploration", "walls").rename(columns={"mean": "mean_published"})
    return table.merge(printed, on=["measure", "phase"], how="left")
