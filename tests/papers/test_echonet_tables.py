"""Tables rebuilt from predictions, against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from echolib.papers import published
from echolib.papers.echonet_dynamic import scores as tables
from echolib.papers.exploration import populations as exploration
from echolib.papers.profiles import PROFILES


def test_ef_table_averages_seeds_and_keeps_published_rows_apart():
    label = np.array([30.0, 50.0, 70.0, 60.0])
    seeds = np.stack([label + 1, label + 3])
    methods = {tables.MEAN: np.full((1, 4), 52.5), "MC3-18, all clips": seeds}
    table = tables.ef_table(label, methods, data="phantom", resamples=200).set_index("method")
    row = table.loc["MC3-18, all clips"]
    assert row["mae"] == pytest.approx(2) and row["rmse"] == pytest.approx(2)
    assert row["seeds"] == 2 and row["data"] == "phantom"
    assert row["mae_published"] == 4.34 and row["mae_difference"] == pytest.approx(2 - 4.34)
    assert table.loc[tables.MEAN, "r2"] == pytest.approx(0)
    assert np.isnan(table.loc[tables.MEAN, "mae_published"])
    assert table.loc[tables.BEATS, "data"] == "not measured"  # published alone


def masks() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "person": ["a", "a", "b", "b"],
            "phase": ["ED", "ES", "ED", "ES"],
            "label": [50.0, 50.0, 40.0, 40.0],
            "lv_overlap_px": [50, 20, 90, 0],
            "lv_predicted_px": [100, 20, 90, 10],
            "lv_true_px": [50, 30, 90, 10],
            "lv_dice": [100 / 150, 40 / 50, 1.0, 0.0],
            "predicted_volume_ml": [100.0, 60.0, 80.0, np.nan],
            "true_volume_ml": [100.0, 50.0, 80.0, 60.0],
        }
    )


def test_dice_table_by_phase_per_image_and_pooled():
    table = tables.dice_table(masks(), ["lv"], resamples=100).set_index("phase")
    assert table.loc["ED", "dice"] == pytest.approx((100 / 150 + 1) / 2)
    assert table.loc["both", "dice_pooled"] == pytest.approx(2 * 160 / (220 + 180))
    assert table.loc["ES", "n"] == 2
    assert table.loc["both", "dice_low"] <= table.loc["both", "dice"] <= table.loc["both", "dice_high"]


def test_ef_of_masks_leaves_out_what_no_mask_gives():
    ef = tables.mask_ef(masks())
    assert ef.loc["a"].to_dict() == {"predicted": pytest.approx(40), "from_masks": pytest.approx(50), "cfg": 50.0}
    assert np.isnan(ef.loc["b", "predicted"]) and ef.loc["b", "from_masks"] == pytest.approx(25)
    agreement = tables.mask_ef_table(ef, resamples=50).set_index(["EF", "against"])
    assert agreement.loc[("predicted masks", "human masks"), "n"] == 1
    assert agreement.loc[("human masks", "EF of the cfg"), "bias"] == pytest.approx((0 - 15) / 2)


def test_every_published_table_is_numbers():
    for name in ("tca_table1", "echonet_dynamic", "echomen_table1", "contrastive_table1_echonet"):
        table = published(name)
        assert table.select_dtypes("number").notna().all().all() and len(table) > 1


def test_classes_and_their_shares():
    table = exploration.class_table(np.array([10.0, 39.9, 40.0, 49.9, 50.0, 80.0, 90.0, 55.0])).set_index("class")
    assert table["n"].to_dict() == {"HFrEF": 2, "HFmrEF": 2, "HFpEF": 4}
    assert table["share"].tolist() == [25, 25, 50]


def test_profiles_change_sizes_alone():
    """Every profile has every field, and only `paper` follows the published schedules."""
    assert list(PROFILES) == ["smoke", "demo", "gpu", "paper"]
    assert [p.published_schedules for p in PROFILES.values()] == [False, False, False, True]
    full = [(p.clips.length, p.clips.size, p.clips.width, p.clips.blocks) for p in PROFILES.values()][2:]
    assert full == [(32, 112, 64, 2)] * 2
