"""Who is scanned: ejection fractions, heart rates, sizes and shapes of the simulated populations."""

import numpy as np
import torch

from echolib.phantom.anatomy.heart import DISCS, Heart, end_diastolic_pose, fit_ejection_fraction, volume_ml
from echolib.phantom.anatomy.long_axis import LongAxisHeart
from echolib.phantom.anatomy.shape_model import MEAN_HALF_WIDTH, SHAPE_MODES, SYSTOLIC_RATIO

LARGEST_DEVIATE = 2.6  # standard deviations; hearts beyond are not drawn
# Standard normal deviates of a heart and their shapes, in the order in which they are drawn.
DEVIATES = {
    "length": (), "shape": (len(SHAPE_MODES),), "shortening": (), "systolic_pattern": (2,), "plane": (), "plane_es": (),
    "tilt": (), "base_x": (), "atrium": (), "apical_wall": (), "septal_wall": (), "lateral_wall": (), "apex_depth": (),
    "tilt_es": (), "apex_descent": (), "apex_shift": (), "atrium_length": (), "atrium_width": (), "atrium_shift": (),
}  # fmt: skip
MODE_SCALE = np.array([0.3, 1, 1, 1, 1])  # of the first mode, overall width, little is left once the volume is given


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
    """EDV (N,), mL, given EF (N,), percent: log-normal, larger in failing hearts, 91 +- 46 mL over the population."""
    failing = np.clip(55 - ejection_fraction, 0, None)
    return np.clip(75 * np.exp(0.021 * failing + 0.4 * rng.standard_normal(len(failing))), 30, 340)


def heart_rates(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Beats per minute (count,), 45 to 120, median 70; and which hearts beat irregularly (8 %)."""
    return np.clip(70 * np.exp(0.2 * rng.standard_normal(count)), 45, 120), rng.random(count) < 0.08


def draw_hearts(
    rng: np.random.Generator,
    ejection_fraction: np.ndarray,
    edv_ml: np.ndarray,
    variability: float = 1.0,
    two_chamber: bool = False,
) -> Heart:
    """Ventricles (float64) of the given EF (N,), percent, and EDV (N,), mL.

    Shapes, sizes and positions vary as in the real four-chamber frames, their SDs multiplied by `variability`.
    """
    count = len(edv_ml)
    shapes = DEVIATES if two_chamber else DEVIATES | {"right_heart": ()}
    deviates = {
        name: variability * rng.standard_normal((count, *shape)).clip(-LARGEST_DEVIATE, LARGEST_DEVIATE)
        for name, shape in shapes.items()
    }
    ventricle = _ventricle(deviates, ejection_fraction, edv_ml)
    position = _position(deviates, ventricle["length"][:, 0])
    hinge_distance = ventricle["half_width"][:, 0, :, -1].sum(1)
    fields = ventricle | position | {"atrium": _atrium(deviates, hinge_distance)}
    fields["right_heart"] = np.zeros(count) if two_chamber else np.exp(0.2 * deviates["right_heart"])
    heart = Heart(**{name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in fields.items()})
    drawn_ml = volume_ml(end_diastolic_pose(heart))[:, 0]
    scale = (torch.from_numpy(edv_ml) / drawn_ml).sqrt()[:, None, None, None]
    heart = Heart(**{**vars(heart), "half_width": heart.half_width * scale})
    return fit_ejection_fraction(heart, torch.from_numpy(np.asarray(ejection_fraction, dtype=np.float64)))


def _ventricle(deviates: dict[str, np.ndarray], ejection_fraction: np.ndarray, edv_ml: np.ndarray) -> dict:
    """Length, half-widths and mitral plane at both ends of the beat; the long axis shortens with the EF."""
    length = 77.5 * (edv_ml / 95) ** 0.26 * np.exp(0.075 * deviates["length"])
    modes = np.einsum("nk,ksd->nsd", deviates["shape"] * MODE_SCALE, SHAPE_MODES)
    shape = np.clip(MEAN_HALF_WIDTH + modes, 0.03, None)
    disc_sum = (shape.sum(1) ** 2).sum(-1) * np.pi / 4 / DISCS * length**3 / 1000
    diastole = shape * (length * np.sqrt(edv_ml / disc_sum))[:, None, None]
    shortening = 0.155 * (ejection_fraction / 50) + 0.03 * deviates["shortening"]
    length_es = length * (1 - shortening.clip(0.01, 0.3))
    along = np.linspace(-1, 1, DISCS)
    pattern = SYSTOLIC_RATIO * np.exp(0.05 * deviates["systolic_pattern"][:, :, None] * along)
    plane = np.deg2rad(np.clip(8.4 + 7.0 * deviates["plane"], -12, 28))
    plane_es = np.deg2rad(np.clip(np.rad2deg(plane) - 4.5 + 4.5 * deviates["plane_es"], -14, 26))
    return {
        "length": np.stack([length, length_es], -1),
        "half_width": np.stack([diastole, diastole * pattern], 1),
        "plane_slope": np.tan(np.stack([plane, plane_es], -1)),
    }


def _position(deviates: dict[str, np.ndarray], length: np.ndarray) -> dict:
    """Walls, apex and tilt under the probe; the apex moves little, and a thick apical wall keeps it off the probe."""
    tilt = np.clip(-11.5 + 7.4 * deviates["tilt"], -36, 20)
    base_x = 10.3 + 7.5 * (-0.6 * (tilt + 11.5) / 7.4 + 0.8 * deviates["base_x"])
    apical, septal = 11.0 + 2.3 * deviates["apical_wall"], 11.4 + 2.0 * deviates["septal_wall"]
    wall = np.stack([apical, septal, 11.6 + 1.8 * deviates["lateral_wall"]], -1).clip(6, 20)
    apex_z = np.clip(31.4 + 0.6 * (wall[:, 0] - 11.0) + 6.5 * deviates["apex_depth"], wall[:, 0] + 4, 60)
    apex_x = base_x + np.sin(np.deg2rad(tilt)) * length
    tilt_es = tilt + 3.0 + 3.0 * deviates["tilt_es"]
    descent = 2.1 + 1.8 * deviates["apex_descent"]
    apex_x_es = apex_x + 3.1 + 2.5 * deviates["apex_shift"]
    apex = np.stack([np.stack([apex_x, apex_z], -1), np.stack([apex_x_es, apex_z + descent], -1)], 1)
    return {"wall": wall, "apex": apex, "tilt": np.stack([tilt, tilt_es], -1)}


def _atrium(deviates: dict[str, np.ndarray], hinge_distance: np.ndarray) -> np.ndarray:
    """Length, half-width and sideways shift (N, 3) of the left atrium, mm, given the width of the mitral plane (N,)."""
    length = 34 * np.exp(0.1 * deviates["atrium"]) * np.exp(0.25 * deviates["atrium_length"])
    half_width = hinge_distance * 0.58 + 3 + 2.5 * deviates["atrium_width"]
    shift = -6 + 6 * deviates["atrium_shift"]
    return np.maximum(np.stack([length, half_width, shift], -1), [15, 12, -30])


def draw_long_axis_hearts(rng: np.random.Generator, count: int) -> LongAxisHeart:
    """Hearts of a mixed cohort: septum 10.7, posterior wall 10.3, cavity 46.6 mm at end diastole (means), cavity
    31.0 mm at end systole; walls thicken as the cavity narrows."""

    def normal(mean: float | np.ndarray, sd: float) -> np.ndarray:
        return mean + sd * rng.standard_normal(count).clip(-2.5, 2.5)

    hypertrophy = rng.standard_normal(count)
    septum = np.clip(10.7 + 1.7 * hypertrophy + normal(0, 1.1), 6, 22)
    wall = np.clip(10.3 + 1.4 * hypertrophy + normal(0, 1.0), 6, 20)
    cavity = np.clip(normal(46.6, 5.6), 30, 70)
    shortening = np.clip(normal(0.335, 0.07), 0.08, 0.52)
    thickening = 1 + shortening * normal(0.95, 0.2).clip(0.3, 1.6)
    fields = {
        "septum": np.stack([septum, septum * (1 + 0.8 * (thickening - 1))], -1),
        "cavity": np.stack([cavity, cavity * (1 - shortening)], -1),
        "wall": np.stack([wall, wall * thickening], -1),
        "centre": np.stack([normal(-4, 6), 34 + septum + cavity / 2 + normal(0, 4)], -1),
        "angle": normal(4, 7),
        "apex_mm": normal(50, 6),
        "aorta_mm": normal(30, 3),
    }
    return LongAxisHeart(**{name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in fields.items()})
