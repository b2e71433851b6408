"""Intervals of one method over its items and seeds."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from echolib.metrics import bootstrap_interval, interval_over_seeds, mae


def mean(label, values):
    return values.mean(axis=-1)


def test_one_seed_is_a_bootstrap_of_items():
    label, prediction = np.random.default_rng(0).normal(55, 12, (2, 50))
    expected = bootstrap_interval(mae, label, prediction)
    assert interval_over_seeds(mae, label, prediction) == expected
    assert interval_over_seeds(mae, label, prediction[None]) == expected


def test_without_items_effects_it_is_a_t_interval_over_seeds():
    of_seed = np.random.default_rng(0).normal(5, 1, 4)
    found = interval_over_seeds(mean, np.zeros(30), np.tile(of_seed[:, None], 30), level=0.9)
    expected = ttest_1samp(of_seed, 0).confidence_interval(0.9)
    assert found == pytest.approx((of_seed.mean(), expected.low, expected.high))


def test_alike_seeds_leave_the_items():
    values = np.random.default_rng(0).normal(5, 2, 300)
    found = interval_over_seeds(mean, np.zeros(300), np.tile(values, (3, 1)), resamples=20_000)
    expected = ttest_1samp(values, 0).confidence_interval(0.9)
    assert found == pytest.approx((values.mean(), expected.low, expected.high), rel=2e-3)


@pytest.mark.parametrize(("seeds", "items"), [(3, 80), (3, 1000), (5, 80), (5, 1000)])
def test_the_interval_holds_the_truth_as_often_as_it_says(seeds, items):
    """Errors with the spread over seeds that trainings were measured to have; the interval says 90 %."""
    rng, held = np.random.default_rng(seeds), []
    for trial in range(150):
        values = rng.gamma(1.5, 3.6, items) + rng.normal(0, 0.5, (seeds, 1)) + rng.normal(0, 2, (seeds, items))
        _, low, high = interval_over_seeds(mean, np.zeros(items), values, resamples=300, seed=trial)
        held.append(low <= 1.5 * 3.6 <= high)
    assert np.mean(held) >= 0.83  # 90 % less three standard deviations of 150 trials


def test_patients_are_drawn_whole():
    of_patient = np.random.default_rng(0).normal(0, 1, 40)
    values, patients = np.tile(of_patient.repeat(5), (3, 1)), np.arange(40).repeat(5)
    by_patient = interval_over_seeds(mean, np.zeros(200), values, groups=patients)
    by_item = interval_over_seeds(mean, np.zeros(200), values)
    assert by_patient.high - by_patient.low > 2 * (by_item.high - by_item.low)


@pytest.mark.usefixtures("unchecked")
def test_faulty_input():
    with pytest.raises(ValueError, match="coverage"):
        interval_over_seeds(mean, np.zeros(3), np.ones((2, 3)), level=90)
    with pytest.raises(ValueError, match="same items"):
        interval_over_seeds(mean, np.zeros(3), np.ones((2, 4)))
