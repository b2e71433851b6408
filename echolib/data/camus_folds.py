"""Cross-validation over the patients of CAMUS: five folds, kept as a table, so that everybody is a test patient once.

`camus_folds.csv`, one row per patient: fold (0 to 4), half of that fold (0, 1), order (a random order of everybody).
Drawn once by scikit-learn's StratifiedKFold over ten parts, with the classes of heart failure below 40, below 50 and
from 50 percent times the three image qualities as strata. The phantom's patients have the same names, and so the same
folds, without the strata.
"""

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from echolib.data.errors import DataError

FOLDS = 5
TABLE = Path(__file__).with_name("camus_folds.csv")
Population = Literal["natural", "echonet"]
ECHONET_SHARES = {
    "HFrEF": 0.2,
    "HFmrEF": 0.2,
    "HFpEF": 0.6,
}  # about EchoNet-Dynamic's, with enough of the rare to learn
NOT_USED = ""  # the split of who is left out


@cache
def fold_table() -> pd.DataFrame:
    """fold, half and order by patient."""
    return pd.read_csv(TABLE, index_col="patient")


def cross_validated(items: pd.DataFrame, fold: int) -> pd.DataFrame:
    """The items with their split by fold: "test" for its patients, "val" for one half of the next fold, else "train".

    items: one row per image, with person. Raises DataError for a patient who is in no fold.
    """
    folds = fold_table().reindex(items["person"])
    if folds["fold"].isna().any():
        unknown = items["person"].to_numpy()[folds["fold"].isna()][0]
        raise DataError(f"{TABLE.name}: {unknown} is in no fold of CAMUS; cross-validate the NIfTI release's patients")
    validates = (folds["fold"] == (fold + 1) % FOLDS) & (folds["half"] == 0)
    split = np.where(folds["fold"] == fold, "test", np.where(validates, "val", "train"))
    return items.assign(split=split)


def thinned(items: pd.DataFrame) -> pd.DataFrame:
    """The items with as many training and validation patients of each class of heart failure as `ECHONET_SHARES` allow:
    the first ones in the folds' order. The others' split becomes "" (not used); the test stays as it is.

    items: one row per image, with person, split and ef_percent.
    """
    from echolib.metrics.ejection import CLASSES, heart_failure_class  # torch, which finding a dataset does without

    people = items.drop_duplicates("person").dropna(subset=["ef_percent"])
    people = people.assign(group=heart_failure_class(people["ef_percent"].to_numpy()))
    people = people.sort_values("person", key=lambda names: names.map(fold_table()["order"]))
    kept: set[str] = set(people.loc[people["split"] == "test", "person"])
    for split in ("train", "val"):
        of_split = people[people["split"] == split]
        groups = {group: of_split.loc[of_split["group"] == group, "person"] for group in CLASSES}
        total = min((len(names) / ECHONET_SHARES[group] for group, names in groups.items() if len(names)), default=0)
        for group, names in groups.items():
            kept.update(names.iloc[: max(1, int(ECHONET_SHARES[group] * total + 1e-9))])
    return items.assign(split=items["split"].where(items["person"].isin(kept), NOT_USED))
