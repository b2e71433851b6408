"""Tables rebuilt from predictions, against numbers worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from echolib.papers.echonet_dynamic import scores


def result(names: str, **columns: list[float]) -> SimpleNamespace:
    """Predictions of the test videos in the order of `names`."""
    return SimpleNamespace(predictions=pd.DataFrame({"name": list(names)} | columns))


def test_predictions_of_every_system_are_of_the_same_videos():
    base = result("abc", prediction=[1.0, 2.0, 3.0], one_clip=[4.0, 5.0, 6.0])
    turned = result("cba", prediction=[30.0, 20.0, 10.0], one_clip=[60.0, 50.0, 40.0])
    results = {"R(2+1)D-18": [base, turned], "R3D-18": [turned], "MC3-18": [base], scores.BEAT_TO_BEAT: [turned]}
    methods = scores.ef_predictions(results, np.array([40.0, 60.0]))
    assert {name: values.tolist() for name, values in methods.items()} == {
        "mean of the training labels": [[50, 50, 50]],
        "R(2+1)D-18, all clips": [[1, 2, 3], [10, 20, 30]],
        "R3D-18, all clips": [[10, 20, 30]],
        "MC3-18, all clips": [[1, 2, 3]],
        "R(2+1)D-18, one clip": [[4, 5, 6], [40, 50, 60]],
        "R(2+1)D-18, beat to beat": [[10, 20, 30]],
    }


def test_published_errors_bear_the_names_of_our_methods():
    printed = scores.published_ef().set_index("method")
    assert printed.loc["MC3-18, all clips", "mae"] == 4.34
    assert printed.loc["R(2+1)D-18, one clip", "mae"] == 4.216
    assert printed.loc["R(2+1)D-18, beat to beat", "r2"] == 0.809
    assert len(printed) == 5


def test_splits_of_the_dataset():
    videos = pd.DataFrame(
        {
            "video": list("abc"),
            "split": ["test", "train", "train"],
            "frames": [10, 20, 40],
            "fps": [50.0, 40.0, 60.0],
            "ef_percent": [60.0, 30.0, 50.0],
        }
    )
    table = scores.split_table(videos)
    assert table.index.tolist() == ["test", "train"]  # as they come
    assert table.loc["train"].tolist() == pytest.approx([2, 30, 50, 40, np.sqrt(200)])


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


def worse(table: pd.DataFrame) -> pd.DataFrame:
    """The masks of a second seed: Dice 0.1 lower."""
    return table.assign(lv_dice=table["lv_dice"] - 0.1, lv_overlap_px=table["lv_overlap_px"] // 2)


def test_dice_table_by_phase_per_image_and_pooled():
    table = scores.dice_table([masks(), worse(masks())], ["lv"], resamples=100).set_index("phase")
    assert table.loc["ED", "dice"] == pytest.approx((100 / 150 + 1) / 2 - 0.05)
    pooled = [2 * overlap / (220 + 180) for overlap in (160, 25 + 10 + 45 + 0)]
    assert table.loc["both", "dice_pooled"] == pytest.approx(np.mean(pooled))
    assert table.loc["ED", "dice_sd"] == pytest.approx((1 / 3) / np.sqrt(2))  # of images, in each seed
    assert table.loc["ES", ["n", "seeds"]].tolist() == [2, 2]
    assert table.loc["both", "dice_low"] <= table.loc["both", "dice"] <= table.loc["both", "dice_high"]
    alone = scores.dice_table([masks()], ["lv"], resamples=100).set_index("phase")
    assert alone.loc["both", "dice"] == pytest.approx((100 / 150 + 0.8 + 1 + 0) / 4) and set(alone["seeds"]) == {1}


def test_ef_of_masks_leaves_out_what_no_mask_gives():
    ef = scores.mask_ef(masks())
    assert ef.loc["a"].to_dict() == {"predicted": pytest.approx(40), "from_masks": pytest.approx(50), "cfg": 50.0}
    assert np.isnan(ef.loc["b", "predicted"]) and ef.loc["b", "from_masks"] == pytest.approx(25)
    agreement = scores.mask_ef_table([ef], resamples=50).set_index(["EF", "against"])
    assert agreement.loc[("predicted masks", "human masks"), "n"] == 1
    assert agreement.loc[("human masks", "EF of the cfg"), "bias"] == pytest.approx((0 - 15) / 2)


def test_ef_of_masks_over_seeds():
    """A patient without an EF of one seed's masks is left out of both; human masks are the same for every seed."""
    first = pd.DataFrame({"predicted": [40.0, 30.0, 60.0], "from_masks": [50.0, 25, 55], "cfg": [50.0, 40, 60]})
    second = first.assign(predicted=[46.0, np.nan, 58.0])
    table = scores.mask_ef_table([first, second], resamples=50).set_index(["EF", "against"])
    ours = table.loc[("predicted masks", "human masks")]
    assert (ours["n"], ours["seeds"]) == (2, 2)
    assert ours["mae"] == pytest.approx(((10 + 5) / 2 + (4 + 3) / 2) / 2)
    assert ours["bias"] == pytest.approx((-10 + 5 - 4 + 3) / 4)
    human = table.loc[("human masks", "EF of the cfg")]
    assert (human["n"], human["seeds"]) == (3, 1) and human["mae"] == pytest.approx(20 / 3)
