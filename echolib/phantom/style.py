"""How a scan looks: grey levels of every structure, gain, clutter, shadows and dropout, drawn from poor to good."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

LOBES = 6


@dataclass(frozen=True)
class Style:
    """Per heart (N,), or (N, k): grey levels on the scale of the real frames (cavity about 60, septum about 150)."""

    floor: Tensor  # electronic noise and blood
    floor_slope: Tensor  # its rise over 100 mm of depth
    septum: Tensor
    lateral: Tensor
    apical: Tensor
    chamber: Tensor  # other cavities, above the floor
    outer_left: Tensor
    outer_right: Tensor
    deep: Tensor  # tissue behind the atria
    annulus: Tensor
    leaflet: Tensor
    specular: Tensor
    patchy: Tensor  # SD of the slow echogenicity field
    clutter: Tensor  # near field
    haze: Tensor  # side lobes into the cavity
    trabeculae: Tensor
    dropout: Tensor  # (N, 2, LOBES) Fourier series of wall brightness round the ventricle
    shade: Tensor  # (N, 2, LOBES) Fourier series of beam strength across the sector
    edge_shadow: Tensor  # (N, 2) loss at the left and right edge of the sector
    grey_per_db: Tensor
    depth_gain: Tensor  # grey per 100 mm
    gain: Tensor  # final grey = gain * (grey - offset)
    offset: Tensor
    smoothing: float

    def to(self, device) -> "Style":
        return Style(**{k: v.to(device) if isinstance(v, Tensor) else v for k, v in vars(self).items()})

    def select(self, index) -> "Style":
        return Style(**{k: v[index] if isinstance(v, Tensor) else v for k, v in vars(self).items()})


def draw_style(rng: np.random.Generator, quality: np.ndarray, look: str = "camus", breadth: float = 1.0) -> Style:
    """Styles for scans of quality (N,) 0 poor to 1 good.

    look "camus": the grey floor of raw scanner data; "clinic": the darker, harder pictures of clinical archives;
    "any": either, per scan.
    """
    count = len(quality)

    def normal(mean, sd):
        return mean + breadth * sd * rng.standard_normal(count)

    poor = 1 - quality
    clinic = {"camus": np.zeros(count), "clinic": np.ones(count), "any": rng.random(count) < 0.5}[look].astype(float)
    lobes = rng.standard_normal((count, 2, LOBES)) / np.arange(1, LOBES + 1) ** 0.8
    beams = rng.standard_normal((count, 2, LOBES)) / np.arange(1, LOBES + 1) ** 0.7
    floor = normal(52, 9)
    values = {
        "floor": floor,
        "floor_slope": normal(-2, 12),
        "septum": normal(135, 17) - 22 * poor,
        "lateral": normal(108, 17) - 20 * poor,
        "apical": normal(98, 16) - 8 * poor,
        "chamber": np.abs(normal(6, 8)),
        "outer_left": normal(88, 16),
        "outer_right": normal(88, 18),
        "deep": normal(122, 24),
        "annulus": normal(150, 20) - 15 * poor,
        "leaflet": normal(135, 22) - 20 * poor,
        "specular": np.abs(normal(22, 10)),
        "patchy": np.abs(normal(13, 3)),
        "clutter": normal(86, 14),
        "haze": normal(-26, 6) + 8 * poor,
        "trabeculae": np.abs(normal(30, 14)),
        "dropout": lobes * (9 + 14 * poor)[:, None, None] * breadth**0.5,
        "shade": beams * (5 + 8 * poor)[:, None, None] * breadth**0.5,
        "edge_shadow": np.abs(rng.standard_normal((count, 2))) * (16 + 22 * poor)[:, None],
        "grey_per_db": normal(2.3, 0.3),
        "depth_gain": normal(0, 9),
        "gain": np.where(clinic > 0, normal(1.3, 0.16), normal(1.0, 0.07)),
        "offset": np.where(clinic > 0, normal(40, 12), normal(0, 5)),
    }
    tensors = {name: torch.from_numpy(value).to(torch.float32) for name, value in values.items()}
    return Style(**tensors, smoothing=0.45)
