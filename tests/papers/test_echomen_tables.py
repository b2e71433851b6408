"""EchoMEN's tables from made predictions: every number checked by hand."""

import numpy as np
import pandas as pd
import pytest

from echolib.metrics import conformal_half_width, interval_coverage
from echolib.papers import published
from echolib.papers.echomen import experiments as echomen
from echolib.papers.echomen import scores as tables
from echolib.papers.echomen.features import order_table, two_components
from echolib.papers.ef_scores import Claim, claims_table
from echolib.papers.profiles import PROFILES, with_seeds

LABEL = np.array([30.0, 35.0, 45.0, 48.0, 55.0, 60.0, 62.0, 65.0])


class Made:
    """A finished experiment with given tables."""

    def __init__(self, predictions, validation=None, task=None):
        self.predictions, self.validation = predictions, validation
        self.experiment = type("Experiment", (), {"task": task})()

    def table(self, name):
        assert name == "validation"
        return self.validation


def made_experts(order=None):
    """Two experts: one right below 50, one right above; weights .75 to .25 for the first."""
    names = np.array([f"v{k}" for k in range(8)])
    each = np.stack([np.where(LABEL < 50, LABEL, 50.0), np.where(LABEL < 50, 52.0, LABEL)], 1)
    table = pd.DataFrame({"name": names, "label": LABEL, "prediction": each @ [0.75, 0.25]})
    for m, weight in enumerate((0.75, 0.25)):
        table[f"expert_{m}"], table[f"weight_{m}"] = each[:, m], weight
    table = table if order is None else table.iloc[order].reset_index(drop=True)
    return Made(table, task=type("Task", (), {"experts": 2})())


def test_error_table_by_hand():
    methods = {"off by one": np.stack([LABEL + 1, LABEL - 1]), "mixed": np.stack([LABEL + 2, LABEL])}
    table = tables.error_table(LABEL, methods, "mae", resamples=50).set_index("method")
    assert table.loc["off by one", ["mae_all", "mae_all_low", "mae_hfref", "mae_hfpef"]].tolist() == [1, 1, 1, 1]
    assert table.loc["mixed", "mae_all"] == 1 and table.loc["mixed", "mae_all_sd"] == pytest.approx(np.sqrt(2))
    gm = tables.error_table(LABEL, methods, "gm", resamples=10).set_index("method")
    assert gm.loc["mixed", "gm_all"] == pytest.approx((2 + 1e-3) / 2)


def test_a_class_without_videos_is_empty():
    table = tables.error_table(LABEL[4:], {"a": LABEL[None, 4:]}, "mae", resamples=10)
    assert np.isnan(table.loc[0, "mae_hfref"]) and table.loc[0, "mae_hfpef"] == 0


def test_every_published_row_stands_beside_ours_or_is_said_to_be_missing():
    ours = tables.error_table(LABEL, {"ECHOMEN": LABEL[None] + 3, "Balanced MSE": LABEL[None]}, "mae", resamples=10)
    both = tables.beside_paper(ours, "echomen_table1", echomen.METHODS, "mae", data="phantom").set_index("method")
    assert both.loc["ECHOMEN", "mae_all_published"] == 3.93 and both.loc["ECHOMEN", "data"] == "phantom"
    assert both.loc["ECHOCOTR", "data"] == "not measured"
    assert len(both) == len(published("echomen_table1")) + 1
    assert set(published("echomen_table2")["variant"]) == set(echomen.ABLATION)


def test_claims():
    methods = {"EchoMEN": LABEL[None] + 1, "w/o aggregator": LABEL[None] + 3, "w/o LDW-SupCon": LABEL[None] + 0.5}
    claims = [Claim("needs", "EchoMEN", f"w/o {part}", "all") for part in ("aggregator", "LDW-SupCon")]
    claims.append(Claim("small", "EchoMEN", "w/o aggregator", "HFrEF"))
    table = claims_table(LABEL, methods, claims, resamples=100)
    assert table["verdict"].tolist() == ["supported", "not supported", "supported"]
    assert table["difference"].tolist() == [-2.0, 0.5, -2.0] and table["n"].tolist() == [8, 8, 2]
    few = claims_table(LABEL[4:], {k: v[:, 4:] for k, v in methods.items()}, claims[2:], resamples=10)
    assert few.loc[0, "verdict"] == "not testable: too few videos"


def test_experts_oracle_and_the_order_of_videos():
    found = tables.expert_predictions([made_experts(), made_experts([3, 1, 0, 2, 7, 6, 5, 4])])
    assert list(found) == ["expert 0", "expert 1", "mean", "aggregated", "oracle"]
    np.testing.assert_array_equal(found["oracle"], np.stack([LABEL, LABEL]))
    np.testing.assert_allclose(found["mean"][0, 0], (30 + 52) / 2)
    np.testing.assert_array_equal(found["aggregated"][0], found["aggregated"][1])


def test_routing_keeps_the_experts_of_greatest_weight():
    table = tables.routing_table([made_experts()]).set_index("k")
    assert table.loc[1, "mae_hfref"] == 0 and table.loc[1, "mae_all"] == pytest.approx((5 + 10 + 12 + 15) / 8)
    expected = np.abs(made_experts().predictions["prediction"] - LABEL).mean()
    assert table.loc[2, "mae_all"] == pytest.approx(expected)


def test_slopes():
    table = tables.slopes_table(LABEL, {"half": np.stack([0.5 * LABEL, 0.7 * LABEL + 9])}, resamples=20)
    assert table.loc[0, "slope"] == pytest.approx(0.6)


def test_the_slope_nearer_to_1_from_either_side():
    methods = {"ECHONET": 0.5 * LABEL[None], "ECHOMEN": 1.2 * LABEL[None]}
    found = claims_table(LABEL, methods, tables.SLOPE_CLAIMS, resamples=50, score=tables.slope_error)
    assert found.loc[0, "difference"] == pytest.approx(0.2 - 0.5)
    assert found.loc[0, "verdict"] == "supported" and found.loc[0, "seeds"] == 1


def test_conformal_intervals_by_hand():
    errors = np.array([1.0, 4.0, 2.0, 3.0])
    assert conformal_half_width(np.zeros(4), errors, 0.6) == 3.0  # the ceil(5 * 0.6)-th smallest
    assert conformal_half_width(np.zeros(4), errors, 0.8) == 4.0
    assert conformal_half_width(np.zeros(4), errors, 0.9) == np.inf
    assert interval_coverage(np.zeros(4), errors, 3.0) == 0.75
    with pytest.raises(ValueError, match="coverage"):
        conformal_half_width(np.zeros(4), errors, 1.0)


def test_conformal_intervals_hold_what_they_promise():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        calibration, test = rng.standard_normal(19), rng.standard_normal(50)
        covered.append(interval_coverage(0, test, conformal_half_width(np.zeros(19), calibration, 0.9)))
    assert 0.89 < np.mean(covered) < 0.93


def test_conformal_table():
    validation = pd.DataFrame({"label": np.zeros(19), "prediction": np.arange(19.0)})
    test = pd.DataFrame({"name": range(8), "label": LABEL, "prediction": LABEL + np.array([20, 0, 0, 0, 0, 0, 0, 18])})
    table = tables.conformal_table({"made": [Made(test, validation)]}).set_index("method")
    assert table.loc["made", "half_width"] == 17
    assert table.loc["made", ["covered_all", "covered_HFrEF", "covered_HFmrEF"]].tolist() == [0.75, 0.5, 1]


def test_features_that_follow_the_label():
    angle = LABEL / 200
    ordered = np.stack([np.cos(angle), np.sin(angle)], 1)
    shuffled = ordered[np.random.default_rng(0).permutation(8)]
    table = order_table({"ordered": [(ordered, LABEL)], "shuffled": [(shuffled, LABEL)]}).set_index("encoder")
    assert table.loc["ordered", "correlation"] > 0.99 > 0.5 > table.loc["shuffled", "correlation"]
    assert two_components(np.random.default_rng(0).standard_normal((9, 5))).shape == (9, 2)


def test_seeds_are_given_to_every_method(tmp_path):
    profile = with_seeds(PROFILES["demo"], 2)
    assert echomen.seeds_of(profile, "sqinv") == echomen.seeds_of(profile, "echomen") == (0, 1)
    assert with_seeds(profile, 0) is profile
    with pytest.raises(ValueError, match="number of seeds"):
        with_seeds(profile, -1)


def test_settings_as_published():
    paper, folder = PROFILES["paper"], "/data/EchoNet-Dynamic"
    first = echomen.stage1_experiment(paper, folder, 0)
    assert (first.schedule.epochs, first.schedule.decay_every, first.schedule.optimiser) == (40, 10, "sgd")
    assert (first.task.strength, first.task.reduction, first.task.denominator) == (0.5, "sum", "negatives")
    second = echomen.stage2_experiment(paper, first)
    assert (second.schedule.epochs, second.schedule.momentum, second.schedule.learning_rate) == (20, 0.0, 1e-4)
    model, _ = second.task.workload("cpu")
    assert sum(p.numel() for p in model.parameters()) == 67_590
    released = echomen.stage1_experiment(paper, folder, 0, "released")
    assert (released.schedule.epochs, released.schedule.decay_every) == (45, 15)
