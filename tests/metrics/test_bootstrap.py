"""Intervals against loops and closed forms."""

import numpy as np
import pytest

from echolib.metrics import bootstrap_distribution, bootstrap_interval, mae, mean_and_spread, r2


def mean(values):
    return values.mean(axis=-1)


@pytest.fixture
def sample():
    rng = np.random.default_rng(1)
    label = rng.normal(55, 12, 400)
    return label, label + rng.normal(0, 5, 400)


def test_interval_of_a_mean_is_that_of_theory():
    values = np.random.default_rng(0).normal(3, 2, 1000)
    interval = bootstrap_interval(mean, values, level=0.90)
    half = 1.645 * values.std() / np.sqrt(1000)
    assert interval.estimate == values.mean()
    assert interval.low == pytest.approx(values.mean() - half, abs=0.01)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.01)
    wider = bootstrap_interval(mean, values, level=0.95)
    assert wider.low < interval.low < interval.high < wider.high


def test_blocks_agree_with_a_loop_over_resamples(sample):
    label, prediction = sample
    drawn = bootstrap_distribution(mae, label, prediction, resamples=2000, seed=5)
    rows = np.random.default_rng(5).integers(400, size=(2000, 400))
    by_loop = [np.abs(label[row] - prediction[row]).mean() for row in rows]
    np.testing.assert_allclose(drawn, by_loop)


def test_same_seed_same_interval(sample):
    assert bootstrap_interval(r2, *sample, seed=2) == bootstrap_interval(r2, *sample, seed=2)
    assert bootstrap_interval(r2, *sample, seed=2) != bootstrap_interval(r2, *sample, seed=3)


def test_patients_are_drawn_whole():
    """Counts of each item in a resample: equal within a patient, and patients of every size are drawn alike."""
    groups = np.array(["b", "a", "b", "c", "b", "a"])
    one_hot = np.eye(6)
    counts = bootstrap_distribution(lambda x: x.sum(axis=-1), one_hot, resamples=4000, groups=groups)
    assert counts.shape == (6, 4000)
    for group in "abc":
        of_group = counts[groups == group]
        assert (of_group == of_group[0]).all()
        assert of_group[0].mean() == pytest.approx(1, abs=0.05)
    patients = counts[[1, 0, 3]]
    np.testing.assert_array_equal(patients.sum(axis=0), 3)


def test_repeated_images_of_a_patient_widen_the_interval():
    values = np.repeat(np.random.default_rng(0).normal(0, 1, 50), 4)
    single = bootstrap_interval(mean, values, resamples=2000)
    grouped = bootstrap_interval(mean, values, resamples=2000, groups=np.repeat(np.arange(50), 4))
    assert grouped.high - grouped.low == pytest.approx(2 * (single.high - single.low), rel=0.15)


def test_undefined_resamples_are_left_out():
    interval = bootstrap_interval(lambda x: np.where(x.sum(axis=-1) > 1, 1.0, np.nan), np.array([1.0, 1.0, 0.0]))
    assert interval == (1.0, 1.0, 1.0)
    never = bootstrap_interval(lambda x: x.sum(axis=-1) * np.nan, np.ones(3), resamples=10)
    assert np.isnan(never.low) and np.isnan(never.high)


@pytest.mark.usefixtures("unchecked")
def test_faulty_input():
    with pytest.raises(ValueError, match="same items"):
        bootstrap_interval(mae, np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="same items"):
        bootstrap_interval(mean, np.ones(3), groups=np.ones(2))
    with pytest.raises(ValueError, match="one number"):
        bootstrap_interval(mean, np.ones((2, 3)))
    with pytest.raises(ValueError, match="coverage"):
        bootstrap_interval(mean, np.ones(3), level=90)
    with pytest.raises(ValueError, match="at least one resample"):
        bootstrap_distribution(mean, np.ones(3), resamples=0)


def test_mean_and_spread():
    assert mean_and_spread([1.0, 2.0, 3.0]) == (2.0, 1.0, 3)
    single = mean_and_spread([4.0])
    assert single.mean == 4.0 and np.isnan(single.sd) and single.count == 1
    with pytest.raises(ValueError, match="no values"):
        mean_and_spread([])
