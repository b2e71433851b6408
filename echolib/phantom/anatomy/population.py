"""Who is scanned: ejection fractions, heart rates and sizes of the three simulated populations."""

import numpy as np
import torch

from echolib.phantom.anatomy.heart import DISCS, Heart, fit_systole, pose, volume_ml
from echolib.phantom.anatomy.measured import HALF_WIDTH, SHAPE_MODES, SYSTOLIC_RATIO


def stratified(rng: np.random.Generator, count: int) -> np.ndarray:
    """Uniform quantiles (count,) in random order, one in every 1/count of the population, so that small phantoms keep
    its shares."""
    return rng.permutation((np.arange(count) + rng.random(count)) / max(count, 1))


def echonet_ejection_fraction(rng: np.random.Generator, count: int) -> np.ndarray:
    """EF (count,), percent, from 8 to 86: mean 55.8, SD 12.4, left-skewed, 11/11/78 % below 40, 40 to 50 and from 50
    on, as the training split of EchoNet-Dynamic: healthy hearts near 60 and a broad group of failing ones."""
    from scipy.special import ndtr

    ef = np.linspace(8, 86, 1561)
    healthy, failing = ndtr((ef - 60.0) / 7.23), ndtr((ef - 37.0) / 14.6)
    below = 0.8075 * healthy + 0.1925 * failing
    share = (below - below[0]) / (below[-1] - below[0])
    return np.interp(stratified(rng, count), share, ef)


def camus_ejection_fraction(rng: np.random.Generator, count: int) -> np.ndarray:
    """EF (count,), percent: mean 44.2, SD 12, between 12 and 75, as the CAMUS label."""
    from scipy.special import ndtri

    return np.clip(44.2 + 12.0 * ndtri(stratified(rng, count).clip(1e-4, 1 - 1e-4)), 12, 75)


def end_diastolic_volume(rng: np.random.Generator, ejection_fraction: np.ndarray) -> np.ndarray:
    """EDV (N,), mL: log-normal, larger in failing hearts; over the EF population 91 +- 46 mL."""
    failing = np.clip(55 - ejection_fraction, 0, None)
    return np.clip(75 * np.exp(0.021 * failing + 0.4 * rng.standard_normal(len(failing))), 30, 340)


def heart_rates(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Beats a minute (count,), 45 to 120, median 70; and which hearts beat irregularly (8 %)."""
    return np.clip(70 * np.exp(0.2 * rng.standard_normal(count)), 45, 120), rng.random(count) < 0.08


def draw_hearts(
    rng: np.random.Generator,
    ejection_fraction: np.ndarray,
    edv_ml: np.ndarray,
    breadth: float = 1.0,
    two_chamber: bool = False,
) -> Heart:
    """Ventricles (float64) of the given EF (N,) and EDV (N,).

    Shapes, sizes and positions vary as in the real four-chamber frames times `breadth`.
    """
    count = len(edv_ml)

    def normal(*shape):
        return breadth * rng.standard_normal((count, *shape)).clip(-2.6, 2.6)

    length = 77.5 * (edv_ml / 95) ** 0.26 * np.exp(0.075 * normal())
    weights = normal(len(SHAPE_MODES)) * np.array([0.3, 1, 1, 1, 1])
    shape = np.clip(HALF_WIDTH + np.einsum("nk,ksd->nsd", weights, SHAPE_MODES), 0.03, None)
    disc_sum = (shape.sum(1) ** 2).sum(-1) * np.pi / 4 / DISCS * length**3 / 1000
    diastole = shape * (length * np.sqrt(edv_ml / disc_sum))[:, None, None]
    shortening = 0.155 * (ejection_fraction / 50) + 0.03 * normal()
    length_es = length * (1 - shortening.clip(0.01, 0.3))
    pattern = SYSTOLIC_RATIO * np.exp(0.05 * normal(2)[:, :, None] * np.linspace(-1, 1, DISCS))
    slope = np.deg2rad(np.clip(8.4 + 7.0 * normal(), -12, 28))
    slope_es = np.deg2rad(np.clip(np.rad2deg(slope) - 4.5 + 4.5 * normal(), -14, 26))
    tilt = np.clip(-11.5 + 7.4 * normal(), -36, 20)
    base_x = 10.3 + 7.5 * (-0.6 * (tilt + 11.5) / 7.4 + 0.8 * normal())
    scale = np.exp(0.1 * normal())
    wall = np.stack([11.0 + 2.3 * normal(), 11.4 + 2.0 * normal(), 11.6 + 1.8 * normal()], -1).clip(6, 20)
    apex_z = np.clip(31.4 + 0.6 * (wall[:, 0] - 11.0) + 6.5 * normal(), wall[:, 0] + 4, 60)
    apex_x = base_x + np.sin(np.deg2rad(tilt)) * length
    tilt_es = tilt + 3.0 + 3.0 * normal()
    descent = 2.1 + 1.8 * normal()
    apex_x_es = apex_x + 3.1 + 2.5 * normal()
    apex = np.stack([np.stack([apex_x, apex_z], -1), np.stack([apex_x_es, apex_z + descent], -1)], 1)
    hinge = diastole[:, :, -1].sum(1)
    atrium = np.stack([34 * scale * np.exp(0.25 * normal()), hinge * 0.58 + 3 + 2.5 * normal(), -6 + 6 * normal()], -1)
    fields = {
        "length": np.stack([length, length_es], -1),
        "half_width": np.stack([diastole, diastole * pattern], 1),
        "plane_slope": np.tan(np.stack([slope, slope_es], -1)),
        "wall": wall,
        "apex": apex,
        "tilt": np.stack([tilt, tilt_es], -1),
        "atrium": np.maximum(atrium, [15, 12, -30]),
        "right_heart": np.zeros(count) if two_chamber else np.exp(0.2 * normal()),
    }
    heart = Heart(**{name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in fields.items()})
    start = volume_ml(pose(heart, torch.zeros(count, 1, dtype=torch.float64)))[:, 0]
    grow = (torch.from_numpy(edv_ml) / start).sqrt()[:, None, None, None]
    heart = Heart(**{**vars(heart), "half_width": heart.half_width * grow})
    return fit_systole(heart, torch.from_numpy(np.asarray(ejection_fraction, dtype=np.float64)))
