"""EchoMEN's scores from made predictions: every number checked by hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cosine
from scipy.stats import spearmanr

from echolib.folders import DataFolders
from echolib.papers.echomen import features, scores
from echolib.papers.echomen.experts import expert_predictions, routing_table
from echolib.papers.echomen.features import feature_order, order_by_video, order_table, two_components
from echolib.papers.exhibits import Setup
from echolib.papers.profiles import PROFILES

LABEL = np.array([30.0, 35.0, 45.0, 48.0, 55.0, 60.0, 62.0, 65.0])


class Made:
    """A finished experiment with given scores."""

    def __init__(self, predictions, validation=None, task=None):
        self.predictions, self.validation = predictions, validation
        self.experiment = type("Experiment", (), {"task": task})()

    def table(self, name):
        assert name == "validation"
        return self.validation


def made_experts(order=None):
    """Two experts: one right below 50, one right above; weights .75 to .25 for the first."""
    names = np.array([f"v{k}" for k in range(8)])
    experts = np.stack([np.where(LABEL < 50, LABEL, 50.0), np.where(LABEL < 50, 52.0, LABEL)], 1)
    table = pd.DataFrame({"name": names, "label": LABEL, "prediction": experts @ [0.75, 0.25]})
    for m, weight in enumerate((0.75, 0.25)):
        table[f"expert_{m}"], table[f"weight_{m}"] = experts[:, m], weight
    table = table if order is None else table.iloc[order].reset_index(drop=True)
    return Made(table, task=type("Task", (), {"experts": 2})())


def test_error_table_by_hand():
    methods = {"off by one": np.stack([LABEL + 1, LABEL - 1]), "mixed": np.stack([LABEL + 2, LABEL])}
    table = scores.error_table(LABEL, methods, "mae", resamples=50).set_index("method")
    assert table.loc["off by one", ["mae_all", "mae_all_low", "mae_hfref", "mae_hfpef"]].tolist() == [1, 1, 1, 1]
    assert table.loc["mixed", "mae_all"] == 1 and table.loc["mixed", "mae_all_sd"] == pytest.approx(np.sqrt(2))
    gm = scores.error_table(LABEL, methods, "gm", resamples=10).set_index("method")
    assert gm.loc["mixed", "gm_all"] == pytest.approx((2 + 1e-3) / 2)


def test_a_class_without_videos_is_empty():
    table = scores.error_table(LABEL[4:], {"a": LABEL[None, 4:]}, "mae", resamples=10)
    assert np.isnan(table.loc[0, "mae_hfref"]) and table.loc[0, "mae_hfpef"] == 0


def test_experts_oracle_and_the_order_of_videos():
    order = [3, 1, 0, 2, 7, 6, 5, 4]
    predictions = expert_predictions([made_experts(), made_experts(order)])
    assert list(predictions) == ["expert 0", "expert 1", "mean", "aggregated", "oracle"]
    np.testing.assert_array_equal(predictions["oracle"], np.stack([LABEL, LABEL]))
    np.testing.assert_allclose(predictions["mean"][0, 0], (30 + 52) / 2)
    np.testing.assert_array_equal(predictions["aggregated"][0], predictions["aggregated"][1])
    reordered = expert_predictions([made_experts()], like=made_experts(order))
    for name, prediction in reordered.items():
        np.testing.assert_array_equal(prediction[0], predictions[name][0, order])


def test_routing_keeps_the_experts_of_greatest_weight():
    table = routing_table([made_experts()]).set_index("k")
    assert table.loc[1, "mae_hfref"] == 0 and table.loc[1, "mae_all"] == pytest.approx((5 + 10 + 12 + 15) / 8)
    expected = np.abs(made_experts().predictions["prediction"] - LABEL).mean()
    assert table.loc[2, "mae_all"] == pytest.approx(expected)


def test_slopes():
    table = scores.slopes_table(LABEL, {"half": np.stack([0.5 * LABEL, 0.7 * LABEL + 9])}, resamples=20)
    assert table.loc[0, "slope"] == pytest.approx(0.6)


def test_a_sweep_by_hand():
    def result(prediction):
        return Made(pd.DataFrame({"name": range(8), "label": LABEL, "prediction": prediction}))

    results = {3: [result(LABEL + 2), result(LABEL)], 1: [result(np.where(LABEL < 40, LABEL + 4, LABEL))]}
    table = scores.sweep_table(results, "experts")
    assert table["experts"].tolist() == [1, 3] and table["seeds"].tolist() == [1, 2]
    assert table["mae_all"].tolist() == [1, 1]
    assert table["mae_hfref"].tolist() == [4, 1] and table["mae_hfpef"].tolist() == [0, 1]


@pytest.mark.parametrize(("convention", "hfref"), [("paper", 0), ("esc2021", 8)])
def test_the_classes_are_those_of_the_convention(convention, hfref):
    label, predictions = np.array([40.0, 45.0, 60.0]), np.array([[48.0, 45.0, 60.0]])
    errors = scores.mae_by_class(label, predictions, convention)
    assert np.nan_to_num(errors["mae_hfref"]) == hfref and errors["mae_all"] == pytest.approx(8 / 3)
    assert np.isnan(errors["mae_hfref"]) == (convention == "paper")


def test_conformal_table():
    validation = pd.DataFrame({"label": np.zeros(19), "prediction": np.arange(19.0)})
    test = pd.DataFrame({"name": range(8), "label": LABEL, "prediction": LABEL + np.array([20, 0, 0, 0, 0, 0, 0, 18])})
    table = scores.conformal_table({"made": [Made(test, validation)]}).set_index("method")
    assert table.loc["made", "half_width"] == 17
    assert table.loc["made", ["covered_all", "covered_HFrEF", "covered_HFmrEF"]].tolist() == [0.75, 0.5, 1]


def test_features_that_follow_the_label():
    angle = LABEL / 200
    ordered = np.stack([np.cos(angle), np.sin(angle)], 1)
    shuffled = ordered[np.random.default_rng(0).permutation(8)]
    np.testing.assert_allclose(feature_order(ordered, LABEL), 1)
    assert feature_order(shuffled, LABEL).mean() < 0.5
    assert two_components(np.random.default_rng(0).standard_normal((9, 5))).shape == (9, 2)


def test_the_order_of_a_video_is_spearmans_correlation_over_the_others():
    rng = np.random.default_rng(1)
    x, ef = rng.standard_normal((12, 4)), rng.integers(40, 46, 12).astype(float)  # with ties
    for i, order in enumerate(feature_order(x, ef)):
        others = [j for j in range(12) if j != i]
        expected = spearmanr([cosine(x[i], x[j]) for j in others], [abs(ef[i] - ef[j]) for j in others]).statistic
        assert order == pytest.approx(expected, rel=1e-9)


def test_the_order_of_features_by_encoder_seed_and_video(monkeypatch):
    rng = np.random.default_rng(2)
    made = {name: rng.standard_normal((8, 3)) for name in ("a0", "a1", "b0", "b1")}
    monkeypatch.setattr(features, "mean_features", lambda result, context, clips: (made[result.name], LABEL))
    results = {
        row: [SimpleNamespace(name=f"{row}{seed}", folder=f"{row}{seed}") for seed in (0, 1)] for row in ("a", "b")
    }
    setup = Setup(PROFILES["smoke"], DataFolders({}, Path("/phantom")), context=object())
    label, orders = order_by_video(results, setup)
    np.testing.assert_array_equal(label, LABEL)
    np.testing.assert_array_equal(orders["b"], [feature_order(made[name], LABEL) for name in ("b0", "b1")])
    table = order_table(results, setup).set_index("encoder")
    assert table.loc["a", "correlation"] == pytest.approx(orders["a"].mean()) and table.loc["a", "seeds"] == 2
    assert table.loc["a", "correlation_sd"] == pytest.approx(orders["a"].mean(axis=1).std(ddof=1))
