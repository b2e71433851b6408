"""Tables 1 and 2 of contrastive pretraining from made predictions, and the distance of outlines."""

import numpy as np
import pandas as pd
import pytest

from echolib.folders import DataFolders
from echolib.metrics import surface_distance
from echolib.papers.contrastive import experiments as contrastive
from echolib.papers.contrastive import scores, tables
from echolib.papers.exhibits import Setup
from echolib.papers.profiles import PROFILES
from echolib.papers.published import published

SETUP = Setup(PROFILES["smoke"].model_copy(update={"resamples": 50}), DataFolders({}, None))


class Made:
    def __init__(self, dice, weights="none", start="random", order=None):
        names = np.array([f"p{k // 2}_{k % 2}" for k in range(len(dice))])
        table = pd.DataFrame({"name": names, "person": [name[:2] for name in names], "lv_dice": dice})
        table["lv_overlap_px"], table["lv_predicted_px"], table["lv_true_px"] = 50 * np.asarray(dice), 50, 50
        self.predictions = table if order is None else table.iloc[order].reset_index(drop=True)
        self.folder = f"made-{id(self)}"
        self.metrics = {"started_from": start, "dice_lv": float(np.mean(dice)), "dice_lv_mean_mask": 0.85}
        self.experiment = type("E", (), {"task": type("T", (), {"weights": weights})()})()


def cells(level, dataset="echonet"):
    """Every cell with two draws; level(start, fraction) is the Dice of all six images of the first."""
    return {
        (start, fraction): []
        if start.method == "imagenet"
        else [Made([level(start, fraction)] * 6), Made([level(start, fraction) - 0.02] * 6, order=[5, 4, 3, 2, 1, 0])]
        for start in contrastive.STARTS[dataset]
        for fraction in contrastive.FRACTIONS
    }


def simclr_gains(start, fraction):
    gain = 0.1 if fraction < 0.1 else 0.01
    return 0.8 + (gain if start.method == "simclr" else 0)


@pytest.mark.parametrize(("dataset", "name"), scores.PUBLISHED.items())
def test_rows_are_those_that_were_published(dataset, name):
    printed = published("contrastive", name).drop_duplicates("row")
    rows = contrastive.STARTS[dataset]
    assert [*range(1, len(rows) + 1)] == printed["row"].tolist()
    assert [start.method for start in rows] == printed["pretraining"].tolist()
    assert [start.network for start in rows] == printed["network"].tolist()
    if dataset == "camus":
        assert [start.pretrained_on for start in rows] == printed["pretrained_on"].fillna("").tolist()


def test_means_over_draws_beside_the_published_ones():
    table = tables.TABLE_1.make(cells(simclr_gains), SETUP).set_index("row")
    assert table.loc[3, "dice_5"] == pytest.approx(0.89) and table.loc[1, "dice_100"] == pytest.approx(0.79)
    assert table.loc[3, "dice_5_published"] == 0.9125 and table.loc[3, "seeds"] == 2
    assert table.loc[3, "data"] == "phantom"


def test_cells_left_to_a_larger_profile_are_empty():
    results = {
        (start, fraction): of_cell
        for (start, fraction), of_cell in cells(simclr_gains).items()
        if start.network == "unet" and fraction in (1.0, 0.05)
    }
    table = scores.fraction_table(results, SETUP, "echonet").set_index("start")
    assert list(table.index) == ["random, U-Net", "SimCLR (E), U-Net", "BYOL (E), U-Net"]
    assert table[["dice_50", "dice_25"]].isna().to_numpy().all() and table["dice_5"].notna().all()
    assert table["data"].isna().all() and set(table["seeds"]) == {2}


def test_a_row_without_its_weights_says_so():
    table = tables.TABLE_1.make(cells(simclr_gains), SETUP).set_index("row")
    assert table.loc[2, "data"] == scores.NOT_AVAILABLE and np.isnan(table.loc[2, "dice_100"])
    assert not scores.measured([Made([0.5] * 4, weights="imagenet", start="random: not available")])
    assert scores.measured([Made([0.5] * 4, weights="imagenet", start="ResNet50_Weights.IMAGENET1K_V2")])


def test_details():
    table = scores.detail_table(cells(lambda start, fraction: 0.9), SETUP)
    assert len(table) == 6 * 4 and table["dice"].tolist() == pytest.approx([0.89] * 24)
    assert table["dice_pooled"].tolist() == pytest.approx([0.89] * 24) and set(table["draws"]) == {2}
    assert set(table["learnt"]) == {"yes"}
    low = scores.detail_table(cells(lambda start, fraction: 0.86 if fraction == 1 else 0.85), SETUP)
    assert set(low["learnt"]) == {"no: Dice 0.85, the mean mask 0.85", "no: Dice 0.84, the mean mask 0.85"}


def volumes(made, predicted):
    """Predicted volumes of three patients' ED and ES images beside true ones of 100 and 50 mL."""
    table = made.predictions.assign(phase=["ED", "ES"] * 3, predicted_volume_ml=predicted, label=50.0)
    made.predictions = table.assign(true_volume_ml=[100.0, 50.0] * 3, lv_hausdorff_mm=1.0, lv_surface_mm=0.5)
    return made


def test_an_ef_that_cannot_be_is_counted_and_not_averaged():
    results = cells(lambda start, fraction: 0.9, "camus")
    cell = next(cell for cell in results if results[cell])
    results[cell] = [
        volumes(Made([0.9] * 6), [100, 40, 0, 30, 10, 60]),  # EF 60, of an empty mask, of a mask that grows
        volumes(Made([0.9] * 6), [100, 60, 80, 0, 100, 50]),  # EF 40, nothing left at ES, EF 50
    ]
    row = scores.detail_table(results, SETUP).iloc[0]
    assert row["ef_mae"] == pytest.approx((10 + (10 + 0) / 2) / 2) and row["ef_unreadable"] == pytest.approx(
        (2 + 1) / 2
    )


def test_distance_of_outlines_by_hand():
    first = np.zeros((20, 30), bool)
    first[5:10, 5:10] = True
    moved = np.roll(first, 3, axis=1)
    found = surface_distance(first, moved, (0.5, 2.0))
    assert found.hausdorff_mm == pytest.approx(3 * 2.0)
    assert surface_distance(first, first, (1, 1)) == (0, 0)
    assert found == surface_distance(moved, first, (0.5, 2.0))
    assert np.isnan(surface_distance(first, np.zeros_like(first), (1, 1)).mean_mm)


def test_distance_of_outlines_by_loop():
    rng = np.random.default_rng(0)
    masks = [rng.random((12, 9)) < 0.6 for _ in range(2)]

    def outline(mask):
        padded = np.pad(mask, 1)
        return [
            (r * 0.7, c * 1.3)
            for r, c in np.argwhere(mask)
            if not (padded[r, c + 1] and padded[r + 2, c + 1] and padded[r + 1, c] and padded[r + 1, c + 2])
        ]

    a, b = (outline(mask) for mask in masks)
    nearest = [min(np.hypot(p[0] - q[0], p[1] - q[1]) for q in others) for ps, others in ((a, b), (b, a)) for p in ps]
    found = surface_distance(*masks, (0.7, 1.3))
    assert found.hausdorff_mm == pytest.approx(max(nearest)) and found.mean_mm == pytest.approx(np.mean(nearest))
