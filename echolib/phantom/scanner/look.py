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
    septum: Tensor  # brightest layer of each wall
    lateral: Tensor
    apical: Tensor
    inner: Tensor  # (N, 3) how much darker apex, septum and lateral wall are at the cavity
    outer: Tensor  # (N, 3) and at the outer border
    dots: Tensor  # bright specks in the walls
    chamber: Tensor  # other cavities, above the floor
    visible: Tensor  # 0..1, how well the borders of the other cavities show
    outer_left: Tensor
    outer_right: Tensor
    lung: Tensor  # loss per mm beyond the lateral wall
    deep: Tensor  # tissue behind the atria
    annulus: Tensor
    leaflet: Tensor
    chordae: Tensor  # specks below the valve
    specular: Tensor
    patchy: Tensor  # SD of the slow echogenicity field
    clutter: Tensor  # near field
    reach: Tensor  # of the near field, mm
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
    "echonet": harder still, grey levels as EchoNet-Dynamic's (mean 32.5, SD 49.9 over its training clips);
    "any": either, per scan.
    """
    count = len(quality)

    def normal(mean, sd):
        return mean + breadth * sd * rng.standard_normal(count)

    poor = 1 - quality
    clinic = (rng.random(count) < 0.5) if look == "any" else np.full(count, look != "camus")
    hard_gain, hard_offset = ((1.6, 0.16), (54, 10)) if look == "echonet" else ((1.4, 0.18), (44, 13))
    lobes = rng.standard_normal((count, 2, LOBES)) / np.arange(1, LOBES + 1) ** 0.8
    beams = rng.standard_normal((count, 2, LOBES)) / np.arange(1, LOBES + 1) ** 0.7

    def walls(means, sd):
        return np.abs(np.array(means) + breadth * sd * rng.standard_normal((count, 3)))

    values = {
        "floor": normal(55, 7),
        "floor_slope": normal(-4, 12),
        "septum": normal(146, 18) - 26 * poor,
        "lateral": normal(112, 18) - 18 * poor,
        "apical": normal(108, 16) - 8 * poor,
        "inner": walls((16, 40, 34), 11),
        "outer": walls((6, 42, 6), 10),
        "dots": np.abs(normal(16, 8)),
        "chamber": normal(8, 10),
        "visible": rng.random(count) ** 1.5,
        "outer_left": normal(84, 16) + 22 * rng.exponential(0.5, count),
        "outer_right": normal(104, 16),
        "lung": normal(0.9, 0.4),
        "deep": normal(140, 40),
        "annulus": normal(162, 22) - 20 * poor,
        "leaflet": normal(138, 26) - 24 * poor,
        "chordae": np.abs(normal(5, 11)),
        "specular": np.abs(normal(14, 12)),
        "patchy": np.abs(normal(13, 3)),
        "clutter": normal(106, 16),
        "reach": np.abs(normal(13, 6)),
        "haze": normal(-27, 6) + 8 * poor,
        "trabeculae": np.abs(normal(22, 14)),
        "dropout": lobes * (10 + 14 * poor)[:, None, None] * breadth**0.5,
        "shade": beams * (7 + 9 * poor)[:, None, None] * breadth**0.5,
        "edge_shadow": np.abs(rng.standard_normal((count, 2))) * (16 + 22 * poor)[:, None],
        "grey_per_db": normal(1.95, 0.26),
        "depth_gain": normal(0, 16),
        "gain": np.where(clinic, normal(*hard_gain), normal(1.14, 0.16)).clip(0.4),
        "offset": np.where(clinic, normal(*hard_offset), normal(0, 13)),
    }
    tensors = {name: torch.from_numpy(value).to(torch.float32) for name, value in values.items()}
    return Style(**tensors, smoothing=0.45)
