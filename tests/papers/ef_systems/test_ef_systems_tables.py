"""What the other EF systems say beside EF, from made predictions."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from echolib.folders import DataFolders
from echolib.papers.ef_systems import tables
from echolib.papers.ef_systems.contents import PAPER
from echolib.papers.ef_systems.scores import (
    calibration_curves,
    calibration_table,
    key_frame_table,
    weight_table,
    weights_over_cycle,
)
from echolib.papers.exhibits import Setup
from echolib.papers.profiles import PROFILES


@pytest.fixture
def setup(tmp_path) -> Setup:
    """The smoke profile on a phantom that was never written."""
    profile = PROFILES["smoke"].model_copy(update={"resamples": 20})
    return Setup(profile, DataFolders({}, tmp_path))


def made(predictions=None, **others) -> SimpleNamespace:
    """A result with predictions and other tables."""
    experiment = SimpleNamespace(seed=0, task=SimpleNamespace(clip_length=4, clip_period=2))
    return SimpleNamespace(predictions=predictions, table=others.__getitem__, experiment=experiment, folder=object())


def test_key_frames_by_hand(setup):
    frames = pd.DataFrame(
        {
            "name": ["a", "b"],
            "ed_frame": [10, 20],
            "es_frame": [30, 5],
            "predicted_ed": [12, 16],
            "predicted_es": [30, 5],
        }
    )
    predictions = pd.DataFrame({"name": ["b", "a"], "fps": [50.0, 100.0]})
    uvt = made(predictions, key_frames=frames)
    row = key_frame_table({"UVT": uvt}, resamples=20).iloc[0]
    assert (row["ed"], row["es"], row["n"]) == (3, 0, 2)
    assert row["ed_ms"] == pytest.approx((2 / 100 + 4 / 50) * 1000 / 2)
    assert tables.KEY_FRAMES.make({"UVT, own": [uvt]}, setup)["ed"].tolist() == [3]


def bayesian(videos: int = 20_000, narrower: float = 1.0) -> SimpleNamespace:
    """Predictions whose errors are as wide as their uncertainty, or wider than one that is told too narrow."""
    rng = np.random.default_rng(0)
    sd, label = rng.uniform(2, 8, videos), rng.uniform(30, 70, videos)
    table = pd.DataFrame({"label": label, "prediction": label + sd * rng.standard_normal(videos)})
    return made(table.assign(epistemic_sd=0.6 * sd / narrower, aleatoric_sd=0.8 * sd / narrower))  # 3-4-5


def test_uncertainty_as_wide_as_the_errors_is_calibrated(setup):
    honest = calibration_table([bayesian()]).iloc[0]
    assert honest["covered_90"] == pytest.approx(0.9, abs=0.01) and honest["calibration_error"] < 0.01
    assert honest["error_correlation"] > 0.2
    assert calibration_table([bayesian(narrower=4)]).iloc[0]["covered_90"] < 0.5
    nominal, observed = calibration_curves([bayesian()])["seed 0"]
    np.testing.assert_allclose(observed, nominal, atol=0.02)
    rows = {"ESFEH et al., common": [bayesian(100)]}
    assert tables.CALIBRATION.make(rows, setup)["n"].tolist() == [100]
    plt.close(tables.CALIBRATION_CURVES.draw(rows, setup))


def test_frame_weights_meet_the_true_heart(setup, tmp_path):
    phase = np.arange(20) / 20
    volume = 100 + 30 * np.cos(2 * np.pi * phase)
    truth = pd.DataFrame({"item": "v", "frame": range(20), "phase": phase, "volume_ml": volume})
    (tmp_path / "truth").mkdir()
    truth.to_csv(tmp_path / "truth" / "EchoNet-Dynamic.csv", index=False)
    speed = abs(np.gradient(volume)) / volume.max()
    weights = pd.DataFrame({"name": "v", "start": 2, "frame": range(2, 20, 3), "weight": speed[2:20:3] ** 2})
    rows = {"ECHOGNN, common": [made(frame_weights=weights)]}
    row = tables.FRAME_WEIGHTS.make(rows, setup).iloc[0]
    assert row["speed_correlation"] == pytest.approx(1) and row["n"] == 1
    assert row["sd_within_clip"] == pytest.approx(weights["weight"].std())
    figure = tables.WEIGHTS_OVER_CYCLE.draw(rows, setup)
    assert figure.axes[0].get_legend().get_texts()[0].get_text() == "EchoGNN"
    plt.close(figure)


def test_weights_that_never_change_have_no_correlation():
    cycle = pd.DataFrame({"name": "v", "frame": range(5), "phase": 0.0, "speed": np.arange(5.0)})
    weights = pd.DataFrame({"name": "v", "start": 0, "frame": range(5), "weight": 1.0})
    beside = weights_over_cycle(weights, cycle)
    assert beside["speed"].tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(weight_table(beside)["speed_correlation"].iloc[0])


def test_errors_stand_beside_the_clips_they_come_from(setup):
    label = np.array([30.0, 50.0, 70.0])
    predictions = pd.DataFrame({"name": list("abc"), "label": label, "prediction": label + 3})
    table = tables.EF_BY_PROTOCOL.make({"ECHOGNN, own": [made(predictions)]}, setup)
    assert table[["method", "mae", "clip"]].values.tolist() == [["ECHOGNN, own", 3, "4 frames, period 2"]]


def test_what_a_system_says_comes_from_the_experiments_of_the_first_table(setup):
    shown = PAPER.notebooks["24_ef_systems"]
    assert len({exhibit.name for exhibit in shown}) == len(shown)
    everything = tables.both_protocols(setup)
    for exhibit in shown:
        rows = exhibit.rows(setup)
        assert rows and all(set(of_row) <= set(everything[name]) for name, of_row in rows.items())
