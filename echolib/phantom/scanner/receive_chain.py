"""What the scanner makes of echo levels: gain, shadow, noise, speckle, log compression and filtering."""

from dataclasses import dataclass

import torch
from torch import Tensor

from echolib.phantom.scanner.look import LOBES, Style
from echolib.phantom.scanner.speckle import SpeckleBank, grain, noise
from echolib.phantom.scanner.ultrasound import ScanLines, compress, smooth_lines

NATURAL = 0.05 * 2.302585  # decibel of amplitude -> natural logarithm


@dataclass(frozen=True)
class Receiver:
    """The parts of a scan that do not move, (N, 1, R, A): gain added to every level, amplitude of the noise, level of
    the near-field clutter; and the style's numbers as (N, 1, 1, 1)."""

    gain: Tensor
    noise: Tensor
    clutter: Tensor
    number: dict[str, Tensor]


def numbers(style: Style) -> dict[str, Tensor]:
    """The style's one-number-a-heart fields, shaped (N, 1, 1, 1)."""
    return {k: v[:, None, None, None] for k, v in vars(style).items() if isinstance(v, Tensor) and v.ndim == 1}


def series(coefficients: Tensor, angle: Tensor) -> Tensor:
    """Fourier series (N, 2, LOBES) at angles (N or 1, ...): a smooth random function."""
    k = torch.arange(1, LOBES + 1, dtype=angle.dtype, device=angle.device)
    phase = angle[..., None] * k
    shape = (len(coefficients), *[1] * (angle.ndim - 1), LOBES)
    return (coefficients[:, 0].reshape(shape) * phase.cos() + coefficients[:, 1].reshape(shape) * phase.sin()).sum(-1)


def receiver(style: Style, lines: ScanLines, slow: Tensor) -> Receiver:
    """Depth gain, shadows, noise and clutter of N scans; slow (N, 1, R, A), a smooth field, mottles the clutter."""
    g = numbers(style)
    edge = lines.angle_deg[:, :, :1, :] / lines.angle_deg[:, :, :1, -1:]
    beam = series(style.shade, torch.deg2rad(lines.angle_deg[:, :, :1, :]) * 3)
    left, right = (style.edge_shadow[:, k, None, None, None] for k in range(2))
    beam = beam - left * (-edge - 0.45).clamp(min=0) - right * (edge - 0.45).clamp(min=0)
    gain = beam + g["depth_gain"] * (lines.depth_mm / 100 - 0.8)
    floor = g["floor"] + g["floor_slope"] * (lines.depth_mm / 100 - 0.7)
    clutter = g["clutter"] + 6 * slow - 0.06 * (lines.depth_mm - g["reach"]).clamp(min=0).square()
    return Receiver(gain, torch.exp(floor * (NATURAL / g["grey_per_db"])), clutter, g)


def receive(
    level: Tensor,
    receiver: Receiver,
    depth_mm: Tensor,
    angle_deg: Tensor,
    lines: ScanLines,
    bank: SpeckleBank,
    shift: Tensor,
    generator: torch.Generator,
    smoothing: float,
) -> Tensor:
    """Echo levels (N, T, R, A) of tissue whose material lies at depth_mm, angle_deg -> grey levels; `level` is used up.

    Echo = tissue speckle that moves with the tissue + a part that decorrelates from frame to frame + noise.
    """
    g = receiver.number
    per_grey = g["grey_per_db"]
    level = torch.maximum(level, receiver.clutter, out=level) if level.shape == receiver.clutter.shape else (
        torch.maximum(level, receiver.clutter)
    )  # fmt: skip
    tissue = level.add_(receiver.gain).mul_(NATURAL / per_grey).exp_()
    real, imaginary = grain(bank, depth_mm, angle_deg, shift)
    other_real, other_imaginary = noise(bank, lines.depth_mm, lines.angle_deg, generator, level.shape[1])
    changing = (tissue * 0.2).add_(receiver.noise)
    real = (real * tissue).addcmul_(other_real, changing)
    imaginary = (imaginary * tissue).addcmul_(other_imaginary, changing)
    grey = compress(real.square_().addcmul_(imaginary, imaginary), per_grey)
    grey = smooth_lines(grey, smoothing)
    return grey.sub_(g["offset"]).mul_(g["gain"])


def side_lobes(level: Tensor, drop: Tensor) -> Tensor:
    """How much the blurred surroundings, lowered by `-drop` grey levels, lift dark places."""
    small = torch.nn.functional.avg_pool2d(level, (8, 8), ceil_mode=True)
    small = torch.nn.functional.avg_pool2d(small, 3, 1, 1, count_include_pad=False)
    wide = torch.nn.functional.interpolate(small, level.shape[-2:], mode="bilinear") + drop
    return torch.nn.functional.relu(wide - level).mul_(0.7)
