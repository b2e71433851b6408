"""The receive chain: from echogenicity to grey levels by shading, speckle, noise, log compression and filtering."""

from dataclasses import dataclass

import torch
from torch import Tensor

from echolib.phantom.scanner.acquisition import Acquisition, fourier_series
from echolib.phantom.scanner.scan_geometry import ScanLines
from echolib.phantom.scanner.speckle import Speckle

NEPER_PER_DB = 0.05 * 2.302585  # decibel of amplitude -> natural logarithm
DECORRELATION = 0.2  # amplitude of the part of the tissue's echo that changes from frame to frame


@dataclass(frozen=True)
class ReceiveChain:
    """What stays the same over the frames of N scans, on samples (N, 1, R, A): gain in grey levels, added to every
    level; amplitude of the noise; level of the near-field clutter. The acquisition is `on_grid`."""

    acquisition: Acquisition
    lines: ScanLines
    gain: Tensor
    noise: Tensor
    clutter: Tensor


def receive_chain(acquisition: Acquisition, lines: ScanLines, speckle: Speckle) -> ReceiveChain:
    """Depth gain, shadows, noise and clutter of N scans; the coarse texture of the speckle mottles the clutter."""
    grid = acquisition.on_grid()
    _, coarse = speckle.texture(lines.depth_mm, lines.angle_deg)
    across = lines.angle_deg[:, :, :1, :] / lines.angle_deg[:, :, :1, -1:]
    beam = fourier_series(acquisition.beam_shading, torch.deg2rad(lines.angle_deg[:, :, :1, :]) * 3)
    left, right = (acquisition.edge_shadow[:, side, None, None, None] for side in range(2))
    beam = beam - left * (-across - 0.45).clamp(min=0) - right * (across - 0.45).clamp(min=0)
    gain = beam + grid.depth_gain * (lines.depth_mm / 100 - 0.8)
    floor = grid.noise_floor + grid.noise_floor_slope * (lines.depth_mm / 100 - 0.7)
    noise = torch.exp(floor * (NEPER_PER_DB / grid.grey_per_db))
    clutter = grid.clutter + 6 * coarse - 0.06 * (lines.depth_mm - grid.clutter_reach).clamp(min=0).square()
    return ReceiveChain(grid, lines, gain, noise, clutter)


def b_mode(level: Tensor, chain: ReceiveChain, speckle: Speckle, depth_mm: Tensor, angle_deg: Tensor) -> Tensor:
    """Grey levels (N, T, R, A) of tissue of this echogenicity `level` (N, T, R, A), which is overwritten.

    depth_mm, angle_deg (N, T, R, A): where that tissue lay at end diastole. The echo is the sum of speckle that moves
    with the tissue, a part of it that decorrelates from frame to frame, and noise.
    """
    acquisition = chain.acquisition
    in_place = {"out": level} if level.shape == chain.clutter.shape else {}
    level = torch.maximum(level, chain.clutter, **in_place)
    tissue = level.add_(chain.gain).mul_(NEPER_PER_DB / acquisition.grey_per_db).exp_()
    real, imaginary = speckle.tissue(depth_mm, angle_deg)
    lines = chain.lines
    changing_real, changing_imaginary = speckle.decorrelated(lines.depth_mm, lines.angle_deg, level.shape[1])
    changing = (tissue * DECORRELATION).add_(chain.noise)
    real = (real * tissue).addcmul_(changing_real, changing)
    imaginary = (imaginary * tissue).addcmul_(changing_imaginary, changing)
    grey = log_compress(real.square_().addcmul_(imaginary, imaginary), acquisition.grey_per_db)
    grey = smooth_lines(grey, acquisition.smoothing)
    return grey.sub_(acquisition.offset).mul_(acquisition.gain)


def log_compress(power: Tensor, grey_per_db: Tensor) -> Tensor:
    """Log compression: grey levels of echo power, 10 log10 of it times the grey levels per dB; overwrites the power."""
    return power.clamp_(min=1e-6).log10_().mul_(10 * grey_per_db)


def smooth_lines(grey: Tensor, strength: float) -> Tensor:
    """The scanner's post-filter: smoothing by three taps along and across the scan lines (..., R, A), in place;
    strength from 0 to 0.5."""
    for axis in (-1, -2):
        size = grey.shape[axis] - 2
        outer = (grey.narrow(axis, 0, size) + grey.narrow(axis, 2, size)).mul_(strength / 2)
        inner = grey.narrow(axis, 1, size)
        inner.mul_(1 - strength).add_(outer)
    return grey
