"""Fully developed speckle: complex Gaussian scattering seen through an anisotropic point-spread function.

A bank of it is made once, on a periodic grid of scan-line coordinates, and looked up wherever the tissue has moved to.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

AXIAL_STEP_MM = 0.3
LATERAL_STEP_DEG = 0.35
AXIAL_FWHM_MM = 1.05  # of the autocovariance of the speckle's intensity
LATERAL_FWHM_DEG = 1.6
SHIFTS = 4096  # shifts into the bank lie below this, so that sums with them stay positive


@dataclass(frozen=True)
class SpeckleBank:
    """A periodic grid of rows, AXIAL_STEP_MM apart, and columns, LATERAL_STEP_DEG apart; both tensors hold it row by
    row.

    speckle (rows * columns, 2): real and imaginary part, of unit mean power.
    texture (rows * columns, 2): two smooth fields of unit variance, with structures of about 5 and 10 mm, for uneven
        echogenicity.
    """

    speckle: Tensor
    texture: Tensor
    rows: int
    columns: int

    @property
    def device(self) -> torch.device:
        """Where the bank lies."""
        return self.speckle.device

    def index(self, depth_mm: Tensor, angle_deg: Tensor, shift: Tensor) -> Tensor:
        """Rows (N, T, H, W) of the tensors at points depth_mm, angle_deg (N, T, H, W); shift (N, T or 1, 2) in steps of
        the grid, from 0 to SHIFTS."""
        down, across = (shift[..., k, None, None].to(depth_mm.dtype) for k in range(2))
        # All operands are kept positive, so that truncation is a floor and wrapping an integer remainder.
        row = (depth_mm * (1 / AXIAL_STEP_MM)).add(down + 4 * self.rows).to(torch.int32).remainder_(self.rows)
        column = (angle_deg * (1 / LATERAL_STEP_DEG)).add(across + 4 * self.columns).to(torch.int32)
        return row.mul_(self.columns).add_(column.remainder_(self.columns))


def autocovariance_sigma(fwhm: float) -> float:
    """Standard deviation of the Gaussian amplitude point-spread function whose speckle has this FWHM of the intensity
    autocovariance, in the same unit.

    The intensity autocovariance is the squared field autocorrelation, exp(-d^2 / (2 sigma^2)).
    """
    return fwhm / 2.3548


def speckle_bank(generator: torch.Generator, device="cpu", rows: int = 768, columns: int = 512) -> SpeckleBank:
    """Draws a bank with a CPU generator (same seed, same bank on any device); periodic by Fourier filtering.

    numpy filters it: its transforms and sums do not depend on the number of threads.
    """
    axial_frequency = np.fft.fftfreq(rows, AXIAL_STEP_MM)[:, None]
    lateral_frequency = np.fft.fftfreq(columns, LATERAL_STEP_DEG)[None]

    def field(axial_sigma: float, lateral_sigma: float) -> np.ndarray:
        real, imaginary = torch.randn(2, rows, columns, generator=generator).double().numpy()
        width = (axial_frequency * axial_sigma) ** 2 + (lateral_frequency * lateral_sigma) ** 2
        return np.fft.ifft2(np.fft.fft2(real + 1j * imaginary) * np.exp(-2 * np.pi**2 * width))

    speckle = field(autocovariance_sigma(AXIAL_FWHM_MM), autocovariance_sigma(LATERAL_FWHM_DEG))
    speckle = speckle / np.sqrt(np.mean(np.abs(speckle) ** 2))
    smooth = [field(1.8, 1.5).real, field(3.5, 5.5).real]
    pairs = ((speckle.real, speckle.imag), [(values - values.mean()) / values.std() for values in smooth])
    speckle_plane, texture_plane = (
        torch.from_numpy(np.stack(pair, -1).reshape(-1, 2)).float().to(device) for pair in pairs
    )
    return SpeckleBank(speckle_plane, texture_plane, rows, columns)


@dataclass(frozen=True)
class Speckle:
    """The speckle of N scans: shift (N, 2) gives each heart tissue of its own within the bank; the generator, on the
    CPU, draws what changes from frame to frame."""

    bank: SpeckleBank
    shift: Tensor
    generator: torch.Generator

    def tissue(self, depth_mm: Tensor, angle_deg: Tensor) -> tuple[Tensor, Tensor]:
        """Speckle (N, T, H, W), real and imaginary, of the tissue that lay at depth_mm, angle_deg (N, T, H, W) at end
        diastole: it moves with the tissue."""
        index = self.bank.index(depth_mm, angle_deg, self.shift[:, None])
        real, imaginary = torch.nn.functional.embedding(index, self.bank.speckle).unbind(-1)
        return real, imaginary

    def texture(self, depth_mm: Tensor, angle_deg: Tensor) -> tuple[Tensor, Tensor]:
        """The fine and the coarse smooth field (N, T, H, W) of the tissue at such positions."""
        index = self.bank.index(depth_mm, angle_deg, self.shift[:, None])
        fine, coarse = torch.nn.functional.embedding(index, self.bank.texture).unbind(-1)
        return fine, coarse

    def decorrelated(self, depth_mm: Tensor, angle_deg: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Speckle (N, frames, H, W), real and imaginary, new in every frame, at depth_mm, angle_deg (N, 1, H, W): blood
        and electronic noise."""
        shift = torch.randint(0, SHIFTS, (len(depth_mm), frames, 2), generator=self.generator).to(self.bank.device)
        index = self.bank.index(depth_mm, angle_deg, shift)
        real, imaginary = torch.nn.functional.embedding(index, self.bank.speckle).unbind(-1)
        return real, imaginary


def clip_speckle(bank: SpeckleBank, seed: list[int]) -> Speckle:
    """The speckle of one clip, drawn with its own seed."""
    state = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1)
    generator = torch.Generator().manual_seed(state)
    return Speckle(bank, torch.randint(0, SHIFTS, (1, 2), generator=generator).to(bank.device), generator)
