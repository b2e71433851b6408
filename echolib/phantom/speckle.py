"""Fully developed speckle: complex Gaussian scatter seen through an anisotropic point-spread function in scan-line
coordinates, made once and looked up wherever the tissue has moved to."""

from dataclasses import dataclass

import torch
from torch import Tensor

AXIAL_STEP_MM = 0.3
LATERAL_STEP_DEG = 0.35
AXIAL_FWHM_MM = 1.0
LATERAL_FWHM_DEG = 1.25


@dataclass(frozen=True)
class SpeckleBank:
    """pixels (rows * columns, 4): the speckle's real and imaginary part (unit mean power), and two smooth unit-variance
    fields of about 5 and 14 mm for patchy echogenicity. Rows step AXIAL_STEP_MM, columns LATERAL_STEP_DEG; both wrap."""

    pixels: Tensor
    rows: int
    columns: int


def autocovariance_sigma(fwhm: float) -> float:
    """Width of the Gaussian amplitude point-spread function whose speckle has this intensity autocovariance FWHM.

    The intensity autocovariance is the squared field autocorrelation, exp(-d^2 / (2 sigma^2)).
    """
    return fwhm / 2.3548


def speckle_bank(generator: torch.Generator, device="cpu", rows: int = 768, columns: int = 512) -> SpeckleBank:
    """Draws a bank on the CPU generator (same seed, same bank on any device); periodic by Fourier filtering."""
    v = torch.fft.fftfreq(rows, AXIAL_STEP_MM)[:, None]
    h = torch.fft.fftfreq(columns, LATERAL_STEP_DEG)[None]

    def field(axial: float, lateral: float) -> Tensor:
        white = torch.complex(*torch.randn(2, rows, columns, generator=generator))
        transfer = torch.exp(-2 * torch.pi**2 * ((v * axial) ** 2 + (h * lateral) ** 2))
        return torch.fft.ifft2(torch.fft.fft2(white) * transfer)

    grain = field(autocovariance_sigma(AXIAL_FWHM_MM), autocovariance_sigma(LATERAL_FWHM_DEG))
    grain = grain / grain.abs().square().mean().sqrt()
    patches = [field(1.8, 1.5).real, field(5.5, 3.6).real]
    patches = [(p - p.mean()) / p.std() for p in patches]
    pixels = torch.stack((grain.real, grain.imag, *patches), -1).reshape(-1, 4).contiguous()
    return SpeckleBank(pixels.to(device), rows, columns)


def look_up(bank: SpeckleBank, depth_mm: Tensor, angle_deg: Tensor, shift: Tensor) -> Tensor:
    """Bank values (..., 4) at material positions (N, T, H, W); shift (N, 2) in bank pixels gives every heart its own
    tissue."""
    shift = shift.to(depth_mm.dtype).reshape(-1, 1, 1, 1, 2)
    row = (depth_mm * (1 / AXIAL_STEP_MM) + shift[..., 0]).to(torch.int32).remainder_(bank.rows)
    column = (angle_deg * (1 / LATERAL_STEP_DEG) + shift[..., 1]).to(torch.int32).remainder_(bank.columns)
    return torch.nn.functional.embedding(row.mul_(bank.columns).add_(column), bank.pixels)


def noise_frames(bank: SpeckleBank, depth_mm: Tensor, angle_deg: Tensor, generator: torch.Generator, frames: int):
    """Speckle of its own for every frame: blood and electronic noise. Real and imaginary parts (N, frames, H, W)."""
    hearts = len(depth_mm)
    shift = torch.randint(0, 2**20, (hearts, frames, 1, 1, 2), generator=generator).to(bank.pixels.device)
    row = (depth_mm * (1 / AXIAL_STEP_MM)).to(torch.int32) + (shift[..., 0] % bank.rows).to(torch.int32)
    column = (angle_deg * (1 / LATERAL_STEP_DEG)).to(torch.int32) + (shift[..., 1] % bank.columns).to(torch.int32)
    index = row.remainder_(bank.rows).mul_(bank.columns).add_(column.remainder_(bank.columns))
    return torch.nn.functional.embedding(index, bank.pixels)
