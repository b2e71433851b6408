"""Calibration of Gaussian predictions: closed forms, and what normal draws must give."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm
from torch.nn.functional import gaussian_nll_loss

from echolib.losses import gaussian_nll
from echolib.metrics import calibration_curve, expected_calibration_error, gaussian_coverage, interval_probability
from echolib.metrics.calibration import LEVELS


def drawn(scale: float = 1.0, count: int = 20_000):
    """Labels, means and standard deviations that are right where scale is 1 and too small by it elsewhere."""
    rng = np.random.default_rng(0)
    mean, sd = rng.uniform(20, 80, count), rng.uniform(2, 9, count)
    return mean + scale * sd * rng.standard_normal(count), mean, sd


def test_coverage_by_hand():
    label = np.array([0.0, 0.5, 1.0, 1.5, -2.0])
    assert gaussian_coverage(label, np.zeros(5), np.ones(5), 0.6826) == 0.4  # within 0.9998
    assert gaussian_coverage(label, np.zeros(5), np.ones(5), 0.6828) == 0.6
    assert gaussian_coverage(label, 0.0, 10.0, 0.5) == 1.0
    many = gaussian_coverage(np.stack([label, 9 * label]), 0.0, 1.0, 0.95)
    np.testing.assert_allclose(many, [0.8, 0.2])


def test_right_distributions_are_calibrated():
    label, mean, sd = drawn()
    np.testing.assert_allclose(calibration_curve(label, mean, sd), LEVELS, atol=0.012)
    assert expected_calibration_error(label, mean, sd) < 0.008
    assert kstest(interval_probability(label, mean, sd), "uniform").pvalue > 0.01


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_wrong_widths_cover_what_theory_says(scale):
    label, mean, sd = drawn(scale)
    expected = [2 * norm.cdf(norm.ppf(0.5 + level / 2) / scale) - 1 for level in LEVELS]
    np.testing.assert_allclose(calibration_curve(label, mean, sd), expected, atol=0.015)
    error = np.abs(np.subtract(expected, LEVELS)).mean()
    assert expected_calibration_error(label, mean, sd) == pytest.approx(error, abs=0.01)


def test_limits():
    label, mean, sd = drawn(count=500)
    assert expected_calibration_error(label, mean, 1e-9 * sd) == pytest.approx(np.mean(LEVELS))
    assert expected_calibration_error(label, mean, 1e9 * sd) == pytest.approx(1 - np.mean(LEVELS))
    assert expected_calibration_error(label, mean, sd, levels=(0.5,)) == abs(
        gaussian_coverage(label, mean, sd, 0.5) - 0.5
    )


def test_interval_probability_is_the_level_that_just_covers():
    label, mean, sd = (part[:50] for part in drawn())
    for y, m, s, level in zip(label, mean, sd, interval_probability(label, mean, sd), strict=True):
        one = np.array([[y], [m], [s]])
        assert gaussian_coverage(*one, min(level + 1e-6, 1 - 1e-12)) == 1
        assert gaussian_coverage(*one, level - 1e-6) == 0


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="level"):
        gaussian_coverage(np.zeros(1), 0.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="1 of 2 standard deviations"):
        gaussian_coverage(np.zeros(2), 0.0, np.array([1.0, 0.0]), 0.5)


def test_gaussian_nll_against_scipy_and_torch():
    generator = torch.Generator().manual_seed(0)
    mean, log_variance, target = torch.randn(3, 9, generator=generator, dtype=torch.float64)
    ours = gaussian_nll(mean, log_variance, target)
    theirs = -norm.logpdf(target, mean, (log_variance / 2).exp()).mean()
    assert float(ours) == pytest.approx(theirs, rel=1e-12)
    torch.testing.assert_close(ours, gaussian_nll_loss(mean, target, log_variance.exp(), full=True))


def test_gaussian_nll_is_least_at_the_moments_of_the_errors():
    errors = torch.tensor([1.0, -3.0, 2.0, 4.0])
    moments = torch.stack([errors.mean(), errors.var(correction=0).log()]).requires_grad_()
    least = gaussian_nll(moments[0].expand(4), moments[1].expand(4), errors)
    least.backward()
    torch.testing.assert_close(moments.grad, torch.zeros(2), atol=1e-6, rtol=0)
    for step in torch.tensor([[0.3, 0.0], [-0.3, 0.0], [0.0, 0.3], [0.0, -0.3]]):
        moved = moments.detach() + step
        assert bool(gaussian_nll(moved[0].expand(4), moved[1].expand(4), errors) > least)
