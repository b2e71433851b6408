"""What the other EF systems say beside EF, from made predictions."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from echolib.papers.ef_systems import scores as tables


def made(predictions=None, **others):
    experiment = SimpleNamespace(seed=0)
    return SimpleNamespace(predictions=predictions, table=others.__getitem__, experiment=experiment)


def test_key_frames_by_hand():
    found = pd.DataFrame(
        {
            "name": ["a", "b"],
            "ed_frame": [10, 20],
            "es_frame": [30, 5],
            "predicted_ed": [12, 16],
            "predicted_es": [30, 5],
        }
    )
    predictions = pd.DataFrame({"name": ["b", "a"], "fps": [50.0, 100.0]})
    row = tables.key_frame_table({"UVT": made(predictions, key_frames=found)}, resamples=20).iloc[0]
    assert (row["ed"], row["es"], row["n"]) == (3, 0, 2)
    assert row["ed_ms"] == pytest.approx((2 / 100 + 4 / 50) * 1000 / 2)


def test_uncertainty_as_wide_as_the_errors_is_calibrated():
    rng = np.random.default_rng(0)
    sd = rng.uniform(2, 8, 20_000)
    label = rng.uniform(30, 70, 20_000)
    table = pd.DataFrame({"label": label, "prediction": label + sd * rng.standard_normal(20_000)})
    table["epistemic_sd"], table["aleatoric_sd"] = 0.6 * sd, 0.8 * sd  # 3-4-5
    honest = tables.calibration_table([made(table)]).iloc[0]
    assert honest["covered_90"] == pytest.approx(0.9, abs=0.01) and honest["calibration_error"] < 0.01
    assert honest["error_correlation"] > 0.2
    proud = table.assign(epistemic_sd=table["epistemic_sd"] / 4, aleatoric_sd=table["aleatoric_sd"] / 4)
    assert tables.calibration_table([made(proud)]).iloc[0]["covered_90"] < 0.5
    nominal, observed = tables.calibration_curves([made(table)])["seed 0"]
    np.testing.assert_allclose(observed, nominal, atol=0.02)


def test_frame_weights_meet_the_true_heart():
    phase = np.arange(20) / 20
    volume = 100 + 30 * np.cos(2 * np.pi * phase)
    truth = pd.DataFrame({"item": "v", "frame": range(20), "phase": phase, "volume_ml": volume})
    speed = abs(np.gradient(volume)) / volume.max()
    weights = pd.DataFrame({"name": "v", "start": 2, "frame": range(2, 20, 3), "weight": speed[2:20:3] ** 2})
    found = tables.weights_over_cycle(made(frame_weights=weights), truth.sample(frac=1, random_state=0))
    np.testing.assert_allclose(found["speed"], speed[2:20:3])
    np.testing.assert_allclose(found["phase"], phase[2:20:3])
    table = tables.weight_table(found).iloc[0]
    assert table["speed_correlation"] == pytest.approx(1) and table["n"] == 1
