"""What differs from scan to scan: echogenicity of every structure, artefacts, gain and contrast, from poor to good."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

HARMONICS = 6
SMOOTHING = 0.45
Preset = Literal["camus", "clinic", "echonet", "any"]


@dataclass(frozen=True)
class Acquisition:
    """N scans. Fields are (N,) unless said; grey levels are on the scale of the real CAMUS frames (cavity about 60,
    septum about 150 of 255) before gain and offset."""

    noise_floor: Tensor  # electronic noise and blood
    noise_floor_slope: Tensor  # its rise over 100 mm of depth
    septal_level: Tensor  # brightest layer of each wall
    lateral_level: Tensor
    apical_level: Tensor
    inner_drop: Tensor  # (N, 3) how much darker apex, septum and lateral wall are at the cavity
    outer_drop: Tensor  # (N, 3) and at the outer border
    specks: Tensor  # bright specks in the walls
    chamber_level: Tensor  # other cavities, above the noise floor
    chamber_visibility: Tensor  # 0..1, how well the borders of the other cavities show
    left_background: Tensor  # around the heart, in the image left (septal) and right (lateral) of it
    right_background: Tensor
    lung_loss: Tensor  # per mm beyond the lateral wall
    deep_level: Tensor  # tissue behind the atria
    annulus_level: Tensor
    leaflet_level: Tensor
    chordae: Tensor  # specks below the mitral valve
    specular: Tensor  # reflection of borders that face the beam
    texture: Tensor  # SD of the smooth unevenness of the tissue
    clutter: Tensor  # in the near field
    clutter_reach: Tensor  # mm
    side_lobes: Tensor  # level of the side lobes against what they smear, below 0
    trabeculae: Tensor
    dropout: Tensor  # (N, 2, HARMONICS) Fourier series of wall brightness around the ventricle
    beam_shading: Tensor  # (N, 2, HARMONICS) Fourier series of beam strength across the sector
    edge_shadow: Tensor  # (N, 2) loss at the left and right edge of the sector
    grey_per_db: Tensor
    depth_gain: Tensor  # grey levels per 100 mm that time-gain compensation leaves over
    gain: Tensor  # final grey level = gain * (grey level - offset)
    offset: Tensor
    smoothing: float  # of the post-filter, 0 to 0.5

    def to(self, device) -> "Acquisition":
        """The same scans on another device."""
        moved: dict[str, Any] = {name: v.to(device) if isinstance(v, Tensor) else v for name, v in vars(self).items()}
        return Acquisition(**moved)

    def on_grid(self) -> "Acquisition":
        """The same scans with the (N,) fields shaped (N, 1, 1, 1), to be combined with (N, T, R, A) samples."""
        shaped: dict[str, Any] = {
            name: v[:, None, None, None] if isinstance(v, Tensor) and v.ndim == 1 else v
            for name, v in vars(self).items()
        }
        return Acquisition(**shaped)


@dataclass(frozen=True)
class Normal:
    """A normal distribution whose mean falls or rises with poorness, from 0 (best) to 1 (worst image quality).

    mean: one number, or one for each of several components. poor: change of the mean from best to worst. positive: the
    absolute value is taken. bright_tail: scale of an exponential tail (mean 0.5) towards bright values.
    """

    mean: float | tuple[float, ...]
    sd: float
    poor: float = 0.0
    positive: bool = False
    bright_tail: float = 0.0

    def draw(self, rng: np.random.Generator, poorness: np.ndarray, variability: float) -> np.ndarray:
        """Values (N,) or (N, components) for scans of this poorness (N,); `variability` multiplies the SD."""
        mean = np.array(self.mean)
        values = mean + variability * self.sd * rng.standard_normal((len(poorness), *mean.shape))
        if self.poor:
            values = values + self.poor * poorness
        if self.bright_tail:
            values = values + self.bright_tail * rng.exponential(0.5, len(poorness))
        return np.abs(values) if self.positive else values


@dataclass(frozen=True)
class UniformPower:
    """A power of a number between 0 and 1: exponents above 1 favour the small."""

    exponent: float

    def draw(self, rng: np.random.Generator, poorness: np.ndarray, variability: float) -> np.ndarray:
        """Values (N,), whatever the poorness (N,) and the variability."""
        return rng.random(len(poorness)) ** self.exponent


# Settled by us on the grey levels of the real CAMUS four-chamber frames; drawn in this order.
ECHOGENICITY = {
    "noise_floor": Normal(55, 7),
    "noise_floor_slope": Normal(-4, 12),
    "septal_level": Normal(146, 18, poor=-26),
    "lateral_level": Normal(112, 18, poor=-18),
    "apical_level": Normal(108, 16, poor=-8),
    "inner_drop": Normal((16, 40, 34), 11, positive=True),
    "outer_drop": Normal((6, 42, 6), 10, positive=True),
    "specks": Normal(16, 8, positive=True),
    "chamber_level": Normal(8, 10),
    "chamber_visibility": UniformPower(1.5),
    "left_background": Normal(84, 16, bright_tail=22),
    "right_background": Normal(104, 16),
    "lung_loss": Normal(0.9, 0.4),
    "deep_level": Normal(140, 40),
    "annulus_level": Normal(162, 22, poor=-20),
    "leaflet_level": Normal(138, 26, poor=-24),
    "chordae": Normal(5, 11, positive=True),
    "specular": Normal(14, 12, positive=True),
    "texture": Normal(13, 3, positive=True),
    "clutter": Normal(106, 16),
    "clutter_reach": Normal(13, 6, positive=True),
    "side_lobes": Normal(-27, 6, poor=8),
    "trabeculae": Normal(22, 14, positive=True),
}
CONTRAST = {"grey_per_db": Normal(1.95, 0.26), "depth_gain": Normal(0, 16)}
# Gain and offset of each preset: the grey floor of raw scanner data, the darker and harder images of clinical archives,
# and harder still, grey levels as EchoNet-Dynamic's (mean 32.5, SD 49.9 over its training clips).
PRESETS = {
    "camus": (Normal(1.14, 0.16), Normal(0, 13)),
    "clinic": (Normal(1.4, 0.18), Normal(44, 13)),
    "echonet": (Normal(1.6, 0.16), Normal(54, 10)),
}
LOWEST_GAIN = 0.4


def draw_acquisitions(
    rng: np.random.Generator, quality: np.ndarray, preset: Preset = "camus", variability: float = 1.0
) -> Acquisition:
    """Scans of image quality (N,) from 0 (poor) to 1 (good), with gain and offset of a preset; "any" is "camus" or
    "clinic" for each scan. `variability` multiplies the standard deviations."""
    count, poorness = len(quality), 1 - quality
    hard = (rng.random(count) < 0.5) if preset == "any" else np.full(count, preset != "camus")
    dropout = _fourier_coefficients(rng, count, decay=0.8) * (10 + 14 * poorness)[:, None, None] * variability**0.5
    shading = _fourier_coefficients(rng, count, decay=0.7) * (7 + 9 * poorness)[:, None, None] * variability**0.5
    fields = {"dropout": dropout, "beam_shading": shading}
    for name, distribution in ECHOGENICITY.items():
        fields[name] = distribution.draw(rng, poorness, variability)
    fields["edge_shadow"] = np.abs(rng.standard_normal((count, 2))) * (16 + 22 * poorness)[:, None]
    for name, distribution in CONTRAST.items():
        fields[name] = distribution.draw(rng, poorness, variability)
    pairs = zip(PRESETS["echonet" if preset == "echonet" else "clinic"], PRESETS["camus"], strict=True)
    fields["gain"], fields["offset"] = (
        np.where(hard, *(distribution.draw(rng, poorness, variability) for distribution in pair)) for pair in pairs
    )
    fields["gain"] = fields["gain"].clip(LOWEST_GAIN)
    tensors = {name: torch.from_numpy(values).to(torch.float32) for name, values in fields.items()}
    return Acquisition(**tensors, smoothing=SMOOTHING)


def _fourier_coefficients(rng: np.random.Generator, count: int, decay: float) -> np.ndarray:
    """Coefficients (count, 2, HARMONICS) of the cosines and sines of a smooth random function."""
    return rng.standard_normal((count, 2, HARMONICS)) / np.arange(1, HARMONICS + 1) ** decay


def fourier_series(coefficients: Tensor, angle: Tensor) -> Tensor:
    """The series with coefficients (N, 2, HARMONICS), of cosines and sines, at angles (N or 1, ...), radians."""
    harmonic = torch.arange(1, HARMONICS + 1, dtype=angle.dtype, device=angle.device)
    phase = angle[..., None] * harmonic
    shape = (len(coefficients), *[1] * (angle.ndim - 1), HARMONICS)
    return (coefficients[:, 0].reshape(shape) * phase.cos() + coefficients[:, 1].reshape(shape) * phase.sin()).sum(-1)
