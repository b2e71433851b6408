"""Populations against the published figures."""

import numpy as np
import pytest
import torch

from echolib.phantom.anatomy.heart import pose_at, volume_ml
from echolib.phantom.anatomy.population import (
    camus_ejection_fraction,
    draw_hearts,
    draw_long_axis_hearts,
    echonet_ejection_fraction,
    end_diastolic_volume,
    heart_rates,
)
from echolib.phantom.anatomy.shape_model import MEAN_HALF_WIDTH


def test_echonet_ejection_fraction():
    ef = echonet_ejection_fraction(np.random.default_rng(0), 20000)
    assert ef.mean() == pytest.approx(55.8, abs=0.7) and ef.std() == pytest.approx(12.4, abs=0.7)
    assert ((ef - ef.mean()) ** 3).mean() / ef.std() ** 3 < -0.7  # left-skewed
    assert [(ef < 40).mean(), ((ef >= 40) & (ef < 50)).mean()] == pytest.approx([0.11, 0.11], abs=0.005)


def test_a_small_phantom_keeps_the_shares():
    ef = echonet_ejection_fraction(np.random.default_rng(1), 36)
    assert (ef < 40).sum() in (3, 4) and (ef >= 50).sum() in (27, 28, 29)


def test_volumes():
    rng = np.random.default_rng(0)
    ef = echonet_ejection_fraction(rng, 20000)
    edv = end_diastolic_volume(rng, ef)
    assert edv.mean() == pytest.approx(91, abs=4) and edv.std() == pytest.approx(45.7, abs=6)
    esv = edv * (1 - ef / 100)
    assert esv.mean() == pytest.approx(43.3, abs=4) and esv.std() == pytest.approx(34.5, abs=6)


def test_camus_ejection_fraction():
    ef = camus_ejection_fraction(np.random.default_rng(0), 5000)
    assert ef.mean() == pytest.approx(44.2, abs=0.3) and ef.std() == pytest.approx(12.0, abs=0.4)


def test_heart_rates():
    rate, irregular = heart_rates(np.random.default_rng(0), 5000)
    assert rate.min() >= 45 and rate.max() <= 120 and 66 < np.median(rate) < 74
    assert 0.05 < irregular.mean() < 0.11


def test_shapes_are_the_measured_ones_on_average():
    rng = np.random.default_rng(2)
    heart = draw_hearts(rng, np.full(1500, 50.0), np.full(1500, 101.0))
    profile = (heart.half_width[:, 0] / heart.length[:, :1, None]).mean(0).numpy()
    np.testing.assert_allclose(profile / profile.sum(), MEAN_HALF_WIDTH / MEAN_HALF_WIDTH.sum(), rtol=0.05)
    assert heart.length[:, 0].mean() == pytest.approx(79, abs=3)
    assert heart.tilt[:, 0].mean() == pytest.approx(-11.5, abs=0.8)
    shortening = 1 - (heart.length[:, 1] / heart.length[:, 0]).mean()
    assert shortening == pytest.approx(0.155, abs=0.01)


def test_variability_widens_the_population():
    def tilt_sd(variability):
        heart = draw_hearts(np.random.default_rng(3), np.full(400, 50.0), np.full(400, 100.0), variability)
        return heart.tilt[:, 0].std()

    assert tilt_sd(1.5) > 1.3 * tilt_sd(1.0)


def test_extreme_hearts_stay_drawable():
    rng = np.random.default_rng(4)
    heart = draw_hearts(rng, rng.uniform(10, 80, 300), rng.uniform(30, 340, 300), variability=1.5)
    volume = volume_ml(pose_at(heart, torch.linspace(0, 1, 7, dtype=torch.float64).expand(300, 7)))
    assert torch.isfinite(volume).all() and (volume.diff(dim=1) < 0).all()


def test_wall_measures():
    heart = draw_long_axis_hearts(np.random.default_rng(0), 4000)
    means = [float(t[:, 0].mean()) for t in (heart.septum, heart.wall, heart.cavity)]
    assert means == pytest.approx([10.7, 10.3, 46.6], abs=0.4)
    assert float(heart.cavity[:, 1].mean()) == pytest.approx(31.0, abs=0.6)
    assert (heart.wall[:, 1] > heart.wall[:, 0]).all()
