"""Tables 1 and 2 of contrastive pretraining from made predictions, and the distance of outlines."""

import numpy as np
import pandas as pd
import pytest

from echolib.metrics import surface_distance
from echolib.papers import published
from echolib.papers.contrastive import experiments as contrastive
from echolib.papers.contrastive import scores as tables


class Made:
    def __init__(self, dice, weights="none", start="random", order=None):
        names = np.array([f"p{k // 2}_{k % 2}" for k in range(len(dice))])
        table = pd.DataFrame({"name": names, "person": [name[:2] for name in names], "lv_dice": dice})
        table["lv_overlap_px"], table["lv_predicted_px"], table["lv_true_px"] = 50 * np.asarray(dice), 50, 50
        self.predictions = table if order is None else table.iloc[order].reset_index(drop=True)
        self.metrics = {"started_from": start}
        self.experiment = type("E", (), {"task": type("T", (), {"weights": weights})()})()


def cells(level, dataset="echonet"):
    """Every cell with two draws; level(row, fraction) is the Dice of all six images of the first."""
    rows = contrastive.TABLE1 if dataset == "echonet" else contrastive.TABLE2
    return {
        (row, fraction): []
        if row.start == "imagenet"
        else [Made([level(row, fraction)] * 6), Made([level(row, fraction) - 0.02] * 6, order=[5, 4, 3, 2, 1, 0])]
        for row in rows
        for fraction in contrastive.FRACTIONS
    }


def simclr_gains(row, fraction):
    gain = 0.1 if fraction < 0.1 else 0.01
    return 0.8 + (gain if row.start == "simclr" else 0)


def test_rows_are_those_that_were_published():
    for rows, name in (
        (contrastive.TABLE1, "contrastive_table1_echonet"),
        (contrastive.TABLE2, "contrastive_table2_camus"),
    ):
        printed = published(name).drop_duplicates("row")
        assert [row.number for row in rows] == printed["row"].tolist()
        assert [row.start for row in rows] == printed["pretraining"].tolist()
        assert [row.network for row in rows] == printed["network"].tolist()
    where = published("contrastive_table2_camus").drop_duplicates("row")["pretrained_on"].fillna("").tolist()
    assert [row.pretrained_on for row in contrastive.TABLE2] == where


def test_means_over_draws_beside_the_published_ones():
    table = tables.fraction_table(cells(simclr_gains), "echonet", data="phantom", resamples=20).set_index("row")
    assert table.loc[3, "dice_5"] == pytest.approx(0.89) and table.loc[1, "dice_100"] == pytest.approx(0.79)
    assert table.loc[3, "dice_5_published"] == 0.9125 and table.loc[3, "seeds"] == 2
    assert table.loc[3, "data"] == "phantom"


def test_a_row_without_its_weights_says_so():
    table = tables.fraction_table(cells(simclr_gains), "echonet", data="phantom", resamples=5).set_index("row")
    assert table.loc[2, "data"] == tables.NOT_AVAILABLE and np.isnan(table.loc[2, "dice_100"])
    assert not tables.measured([Made([0.5] * 4, weights="imagenet", start="random: not available")])
    assert tables.measured([Made([0.5] * 4, weights="imagenet", start="ResNet50_Weights.IMAGENET1K_V2")])


def test_claims_and_where_the_gain_is_largest():
    found = tables.claims_table(cells(simclr_gains, "camus"), tables.TABLE2_CLAIMS, resamples=50)
    by_claim = found.set_index(["claim", "labels_percent"])
    row = by_claim.loc[("SimCLR above random, DeepLabV3", 5.0)]
    assert row["difference"] == pytest.approx(0.1) and row["verdict"] == "supported" and row["seeds"] == 2
    same = by_claim.loc[("SimCLR (E) above (C), U-Net", 100.0)]
    assert same["difference"] == 0 and same["verdict"] == "not supported"
    untested = by_claim.loc["SimCLR above ImageNet, DeepLabV3"]
    assert set(untested["verdict"]) == {"not testable: weights not available"} and untested["difference"].isna().all()
    gains = tables.gain_by_fraction(found).set_index("claim")
    assert bool(gains.loc["SimCLR above BYOL, U-Net", "largest_at_5"])
    assert "SimCLR above ImageNet, DeepLabV3" not in gains.index
    assert gains.loc["SimCLR above BYOL, U-Net", "gain_at_100"] == pytest.approx(0.01)


def test_details():
    table = tables.detail_table(cells(lambda row, fraction: 0.9))
    assert len(table) == 6 * 4 and table["dice"].tolist() == pytest.approx([0.89] * 24)
    assert table["dice_pooled"].tolist() == pytest.approx([0.89] * 24)


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
