"""Fully developed speckle: complex Gaussian scatter seen through an anisotropic point-spread function in scan-line
coordinates, made once and looked up wherever the tissue has moved to."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

AXIAL_STEP_MM = 0.3
LATERAL_STEP_DEG = 0.35
AXIAL_FWHM_MM = 1.05
LATERAL_FWHM_DEG = 1.6


@dataclass(frozen=True)
class SpeckleBank:
    """grain (rows * columns, 2): the speckle's real and imaginary part, unit mean power; patches likewise: two smooth
    fields of unit variance, of about 5 and 10 mm, for patchy echogenicity. Rows step AXIAL_STEP_MM, columns
    LATERAL_STEP_DEG; both wrap."""

    grain: Tensor
    patches: Tensor
    rows: int
    columns: int

    @property
    def device(self) -> torch.device:
        return self.grain.device


def autocovariance_sigma(fwhm: float) -> float:
    """Width of the Gaussian amplitude point-spread function whose speckle has this intensity autocovariance FWHM.

    The intensity autocovariance is the squared field autocorrelation, exp(-d^2 / (2 sigma^2)).
    """
    return fwhm / 2.3548


def speckle_bank(generator: torch.Generator, device="cpu", rows: int = 768, columns: int = 512) -> SpeckleBank:
    """Draws a bank on the CPU generator (same seed, same bank on any device); periodic by Fourier filtering.

    numpy filters it: its transforms and sums do not depend on the number of threads.
    """
    v = np.fft.fftfreq(rows, AXIAL_STEP_MM)[:, None]
    h = np.fft.fftfreq(columns, LATERAL_STEP_DEG)[None]

    def field(axial: float, lateral: float) -> np.ndarray:
        real, imaginary = torch.randn(2, rows, columns, generator=generator).double().numpy()
        transfer = np.exp(-2 * np.pi**2 * ((v * axial) ** 2 + (h * lateral) ** 2))
        return np.fft.ifft2(np.fft.fft2(real + 1j * imaginary) * transfer)

    grain = field(autocovariance_sigma(AXIAL_FWHM_MM), autocovariance_sigma(LATERAL_FWHM_DEG))
    grain = grain / np.sqrt(np.mean(np.abs(grain) ** 2))
    slow = [field(1.8, 1.5).real, field(3.5, 5.5).real]
    fields = ((grain.real, grain.imag), [(p - p.mean()) / p.std() for p in slow])
    planes = (torch.from_numpy(np.stack(pair, -1).reshape(-1, 2)).float().to(device) for pair in fields)
    return SpeckleBank(*planes, rows, columns)


def _index(bank: SpeckleBank, depth_mm: Tensor, angle_deg: Tensor, shift: Tensor) -> Tensor:
    """Flat bank positions (N, T, H, W) of points; shift (N, T or 1, 2) in bank pixels, below 4096."""
    down, across = (shift[..., k, None, None].to(depth_mm.dtype) for k in range(2))
    # All operands are kept positive, so that truncation is a floor and wrapping an integer remainder.
    row = (depth_mm * (1 / AXIAL_STEP_MM)).add(down + 4 * bank.rows).to(torch.int32).remainder_(bank.rows)
    column = (angle_deg * (1 / LATERAL_STEP_DEG)).add(across + 4 * bank.columns).to(torch.int32)
    return row.mul_(bank.columns).add_(column.remainder_(bank.columns))


def grain(bank: SpeckleBank, depth_mm: Tensor, angle_deg: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Speckle, real and imaginary, of the tissue whose material lies at depth_mm, angle_deg (N, T, H, W); shift (N, 2)
    gives every heart its own tissue."""
    index = _index(bank, depth_mm, angle_deg, shift[:, None])
    return torch.nn.functional.embedding(index, bank.grain).unbind(-1)


def patches(bank: SpeckleBank, depth_mm: Tensor, angle_deg: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """The two smooth fields at the same kind of positions."""
    index = _index(bank, depth_mm, angle_deg, shift[:, None])
    return torch.nn.functional.embedding(index, bank.patches).unbind(-1)


def noise(
    bank: SpeckleBank, depth_mm: Tensor, angle_deg: Tensor, generator: torch.Generator, frames: int
) -> tuple[Tensor, Tensor]:
    """Speckle of its own for every frame (N, frames, H, W), real and imaginary: blood and electronic noise."""
    shift = torch.randint(0, 4096, (len(depth_mm), frames, 2), generator=generator).to(bank.device)
    return torch.nn.functional.embedding(_index(bank, depth_mm, angle_deg, shift), bank.grain).unbind(-1)
