"""What notebook 02 shows, made from made-up results: nothing is trained here."""

import numpy as np
import pandas as pd
import pytest

from echolib.engine.experiment import Result
from echolib.papers.echonet_dynamic import tables
from echolib.papers.exhibits import Results, Setup
from tests.studies import notebook_setup

LABEL = np.array([30.0, 50.0, 70.0, 60.0])
STRUCTURES = ("lv", "epicardium", "atrium")


@pytest.fixture
def setup(phantom) -> Setup:
    return notebook_setup("02_echonet_dynamic", phantom, {"seeds": 2})


@pytest.fixture
def finished(setup, tmp_path):
    """A function that writes files for each experiment of an exhibit: results of rows without a training."""

    def finish(exhibit, **files) -> Results:
        results = {}
        for row, experiments in exhibit.rows(setup).items():
            results[row] = [Result(experiment, tmp_path / experiment.name) for experiment in experiments]
            for number, result in enumerate(results[row]):
                result.folder.mkdir(exist_ok=True)
                for name, table in files.items():
                    table(row, number).to_csv(result.folder / f"{name}.csv", index=False)
        return results

    return finish


def errors(row, number: int) -> pd.DataFrame:
    """The first seed is off by 1 and the second by 3; the beats by 2, and one clip by 4."""
    error = 2 if "beat" in row else (1, 3)[number]
    frame = {"name": list("abcd"), "label": LABEL, "prediction": LABEL + error, "one_clip": LABEL + 4, "beats": 1}
    return pd.DataFrame(frame)


def test_rows_are_systems_and_each_has_its_seeds(setup):
    assert {row: len(experiments) for row, experiments in tables.EJECTION_FRACTION.rows(setup).items()} == {
        "R(2+1)D-18": 2,
        "R3D-18": 2,
        "MC3-18": 2,
        "R(2+1)D-18, beat to beat": 1,
    }
    assert [e.seed for e in tables.CAMUS_SEGMENTATION.experiments(setup)] == [0, 1]
    (beats,) = tables.BEATS.experiments(setup)
    assert beats.parents == {
        "ef": tables.AUC.experiments(setup)[0],
        "segmenter": tables.SEGMENTATION.experiments(setup)[0],
    }


def test_errors_are_means_over_seeds_and_published_rows_stay_apart(setup, finished):
    table = tables.EJECTION_FRACTION.make(finished(tables.EJECTION_FRACTION, predictions=errors), setup)
    table = table.set_index("method")
    row = table.loc["MC3-18, all clips"]
    assert row["mae"] == pytest.approx(2) and row["rmse"] == pytest.approx(2)
    assert row["seeds"] == 2 and row["data"] == "phantom"
    assert row["mae_published"] == 4.34 and "mae_difference" not in table
    assert table.loc["R(2+1)D-18, one clip", "mae"] == pytest.approx(4)
    assert table.loc["R(2+1)D-18, beat to beat", ["mae", "seeds"]].tolist() == [pytest.approx(2), 1]
    assert np.isnan(table.loc["mean of the training labels", "mae_published"])
    assert table.loc["MC3-18, all clips", "learnt"] == "yes"
    assert table.loc["mean of the training labels", "learnt"].startswith("no: R² ")


def test_the_story_is_the_base_network(phantom, finished):
    """Other networks are left to the larger profiles, and the table says so."""
    setup = notebook_setup("02_echonet_dynamic", phantom, {"seeds": 2, "profile": "demo"})
    exhibit = tables.EJECTION_FRACTION
    assert list(exhibit.rows_of(setup)) == ["R(2+1)D-18", "R(2+1)D-18, beat to beat"]
    assert exhibit.left_out(setup) == ["R3D-18", "MC3-18"]
    assert "In the larger profiles: R3D-18; MC3-18. Trained with AdamW" in exhibit.caption_for(setup)
    results = finished(exhibit, predictions=errors)
    kept = {row: results[row] for row in exhibit.rows_of(setup)}
    data = exhibit.make(kept, setup).set_index("method")["data"]
    assert data[["R3D-18, all clips", "MC3-18, all clips"]].tolist() == ["in full"] * 2
    assert data["R(2+1)D-18, all clips"] == "phantom"


def test_low_ef_is_found_by_the_first_seed(setup, finished):
    def reversed_in_the_second(row, number):
        return errors(row, number).assign(prediction=LABEL if number == 0 else -LABEL)

    table = tables.AUC.make(finished(tables.AUC, predictions=reversed_in_the_second), setup)
    assert table.loc[35, "auc"] == 1 and table.loc[35, "n_below"] == 1


def test_dice_stands_beside_the_published_one(setup, finished):
    def overlaps(row, number):
        areas = {f"{structure}_{area}_px": 50 for structure in STRUCTURES for area in ("overlap", "predicted", "true")}
        dice = {f"{structure}_dice": [0.8 - 0.1 * number, 1.0] * 2 for structure in STRUCTURES}
        predicted, true = [100.0, 40.0, 100.0, 60.0], [100.0, 50.0, 100.0, 55.0]  # EF 60 and 40, 50 and 45
        frame = {"person": list("aabb"), "phase": ["ED", "ES"] * 2, "label": [55.0, 55.0, 50.0, 50.0]}
        volumes = {"predicted_volume_ml": predicted, "true_volume_ml": true}
        return pd.DataFrame(frame | areas | dice | volumes)

    dice = tables.SEGMENTATION.make(finished(tables.SEGMENTATION, predictions=overlaps), setup)
    row = dice.set_index("phase").loc["both"]
    assert row["dice"] == pytest.approx((0.9 + 0.85) / 2) and row["seeds"] == 2
    assert row["dice_published"] > 0.9 and "dice_difference" not in dice  # the paper's is of patients
    results = finished(tables.CAMUS_SEGMENTATION, predictions=overlaps)
    camus = tables.CAMUS_SEGMENTATION.make(results, setup)
    assert camus.set_index(["structure", "phase"]).loc[("atrium", "ES"), "dice"] == pytest.approx(1)
    assert len(camus) == 9 and "64 px" in tables.CAMUS_SEGMENTATION.caption_for(setup)
    ef = tables.CAMUS_EF.make(results, setup).set_index(["EF", "against"])
    assert ef.loc[("predicted masks", "human masks"), "bias"] == pytest.approx((10 - 5) / 2)
    assert ef.loc[("human masks", "EF of the cfg"), "bias"] == pytest.approx(-5)


def test_a_curve_for_each_network_of_its_first_seed(setup, finished):
    def log(row, number):
        frame = {"epoch": [0, 1], "train_loss": 1.0, "val_loss": [2.0, 1.0], "val_mae": [9.0, 8.0 + number]}
        return pd.DataFrame(frame)

    figure = tables.EF_LEARNING_CURVES.draw(finished(tables.EF_LEARNING_CURVES, log=log), setup)
    curves = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    assert [list(curves[network]) for network in ("R(2+1)D-18", "R3D-18", "MC3-18")] == [[9, 8]] * 3


def test_every_video_belongs_to_a_split(setup):
    table = tables.VIDEOS.make({}, setup)
    assert set(table.index) == {"train", "val", "test"} and table["videos"].sum() == 24
