"""Errors of EF against loops and scikit-learn."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, roc_auc_score, root_mean_squared_error

from echolib.metrics import auc, auc_scores, ef_scores, geometric_mean_error, heart_failure_class, mae, r2, rmse


@pytest.fixture
def sample():
    rng = np.random.default_rng(3)
    label = rng.normal(52, 14, 120).clip(10, 85)
    return label, label + rng.normal(0, 6, 120)


def test_against_scikit_learn(sample):
    label, prediction = sample
    assert mae(label, prediction) == pytest.approx(mean_absolute_error(label, prediction))
    assert rmse(label, prediction) == pytest.approx(root_mean_squared_error(label, prediction))
    assert r2(label, prediction) == pytest.approx(r2_score(label, prediction))


def test_geometric_mean_written_out():
    label, prediction = np.array([50.0, 60.0, 40.0]), np.array([52.0, 60.0, 32.0])
    by_hand = math.exp((math.log(2) + math.log(1e-3) + math.log(8)) / 3)
    assert geometric_mean_error(label, prediction) == pytest.approx(by_hand)
    assert geometric_mean_error(label, prediction, floor=0.5) == pytest.approx((2 * 0.5 * 8) ** (1 / 3))


def test_r2_of_equal_labels_is_undefined():
    assert np.isnan(r2(np.array([50.0, 50.0]), np.array([49.0, 51.0])))


@pytest.mark.parametrize("statistic", [mae, rmse, r2, geometric_mean_error, auc])
def test_statistics_reduce_the_last_axis(statistic, sample):
    label, prediction = (values.reshape(4, 30) for values in sample)
    label = label > 50 if statistic is auc else label
    rows = [statistic(*pair) for pair in zip(label, prediction, strict=True)]
    np.testing.assert_allclose(statistic(label, prediction), rows)


def test_auc_against_scikit_learn_with_ties(sample):
    label, prediction = sample
    score = np.round(-prediction / 5)
    for threshold in (35, 50, 60):
        assert auc(label < threshold, score) == pytest.approx(roc_auc_score(label < threshold, score))


def test_class_conventions():
    ef = np.array([0, 39.9, 40, 40.5, 41, 49.9, 50, 100])
    assert heart_failure_class(ef).tolist() == ["HFrEF"] * 2 + ["HFmrEF"] * 4 + ["HFpEF"] * 2
    assert heart_failure_class(ef, "esc2021").tolist() == ["HFrEF"] * 3 + ["HFmrEF"] * 3 + ["HFpEF"] * 2
    assert heart_failure_class(45.0) == "HFmrEF"
    with pytest.raises(ValueError, match="1 of 2"):
        heart_failure_class(np.array([50, np.nan]))


@pytest.mark.usefixtures("unchecked")
def test_only_two_conventions():
    with pytest.raises(ValueError, match="esc2021"):
        heart_failure_class(50.0, "esc")


def test_ef_scores_rows_are_the_metrics_of_each_class(sample):
    label, prediction = sample
    table = ef_scores(label, prediction, resamples=200)
    assert table.index.tolist() == ["all", "HFrEF", "HFmrEF", "HFpEF"]
    assert table.loc["all", "n"] == 120 == table["n"][1:].sum()
    for name in table.index:
        chosen = np.full(120, True) if name == "all" else heart_failure_class(label) == name
        row = table.loc[name]
        for metric, statistic in {"mae": mae, "gm": geometric_mean_error, "rmse": rmse, "r2": r2}.items():
            assert row[metric] == pytest.approx(statistic(label[chosen], prediction[chosen]))
            assert row[f"{metric}_low"] <= row[metric] <= row[f"{metric}_high"]
    weighted = (table["mae"] * table["n"])[1:].sum() / 120
    assert table.loc["all", "mae"] == pytest.approx(weighted)


def test_ef_scores_of_an_empty_class():
    label = np.array([60.0, 65.0])
    table = ef_scores(label, np.array([61.0, 63.0]), resamples=50)
    assert table.loc["HFrEF", "n"] == 0 and np.isnan(table.loc["HFrEF", "mae"])
    assert table.loc["all", "mae"] == 1.5


@pytest.mark.usefixtures("unchecked")
def test_ef_scores_refuse_faulty_input():
    label = np.array([60.0, 65.0])
    with pytest.raises(ValueError, match=r"1 of 2 items .* \[1\]"):
        ef_scores(label, np.array([61.0, np.nan]))
    with pytest.raises(ValueError, match="alike"):
        ef_scores(label, np.array([61.0]))


def test_auc_scores_say_why_one_is_missing(sample):
    label, prediction = sample
    table = auc_scores(label, prediction, (5, 50, 99), resamples=100)
    assert table.loc[50, "auc"] == pytest.approx(roc_auc_score(label < 50, -prediction))
    assert table.loc[50, "auc_low"] < table.loc[50, "auc"] < table.loc[50, "auc_high"]
    assert table.loc[50, "note"] == ""
    assert pd.isna(table.loc[5, "auc"]) and table.loc[5, "note"] == "no item below 5 %"
    assert pd.isna(table.loc[99, "auc_low"]) and table.loc[99, "note"] == "no item at or above 99 %"
