"""The scanner: scan lines of a sector, log compression, and the picture on a pixel grid."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sector:
    """N sectors (N,): depth_mm from the probe to the far edge, half_angle_deg, near_mm where scan lines begin."""

    depth_mm: Tensor
    half_angle_deg: Tensor
    near_mm: Tensor


@dataclass(frozen=True)
class View:
    """Where N pictures look: pixel centres are x = left + spacing * column, z = top + spacing * row, mm.

    left, top (N,), spacing (N, 2) as (row, column) mm a pixel; height, width in pixels.
    """

    left: Tensor
    top: Tensor
    spacing: Tensor
    height: int
    width: int

    def grid(self) -> tuple[Tensor, Tensor]:
        """x and z of all pixels, (N, 1, H, W), mm."""
        rows = torch.arange(self.height, dtype=self.left.dtype, device=self.left.device)
        columns = torch.arange(self.width, dtype=self.left.dtype, device=self.left.device)
        x = self.left[:, None] + self.spacing[:, 1:] * columns
        z = self.top[:, None] + self.spacing[:, :1] * rows
        shape = (len(self.left), 1, self.height, self.width)
        return x[:, None, None, :].expand(shape), z[:, None, :, None].expand(shape)


@dataclass(frozen=True)
class ScanLines:
    """Polar samples of N sectors: depth_mm, angle_deg (N, 1, R, A), their probe-frame x_mm, z_mm and unit beam."""

    depth_mm: Tensor
    angle_deg: Tensor
    x_mm: Tensor
    z_mm: Tensor
    sine: Tensor
    cosine: Tensor


def scan_lines(sector: Sector, samples: int, lines: int) -> ScanLines:
    """samples along each of the lines across every sector."""
    dtype, device = sector.depth_mm.dtype, sector.depth_mm.device
    along = (torch.arange(samples, dtype=dtype, device=device) + 0.5) / samples
    across = (torch.arange(lines, dtype=dtype, device=device) + 0.5) / lines * 2 - 1
    depth = (sector.depth_mm[:, None] * along)[:, None, :, None].expand(-1, 1, -1, lines)
    angle = (sector.half_angle_deg[:, None] * across)[:, None, None, :].expand(-1, 1, samples, -1)
    radian = torch.deg2rad(angle)
    sine, cosine = radian.sin(), radian.cos()
    return ScanLines(depth.contiguous(), angle.contiguous(), depth * sine, depth * cosine, sine, cosine)


def compress(power: Tensor, grey_per_db: Tensor) -> Tensor:
    """Log compression: grey levels of echo power (10 log10), in place."""
    return power.clamp_(min=1e-6).log10_().mul_(10 * grey_per_db)


def smooth_lines(grey: Tensor, strength: float) -> Tensor:
    """The scanner's post-filter: a three-tap smoothing along and across the scan lines; strength 0..0.5."""
    for axis in (-1, -2):
        size = grey.shape[axis] - 2
        outer = (grey.narrow(axis, 0, size) + grey.narrow(axis, 2, size)).mul_(strength / 2)
        inner = grey.narrow(axis, 1, size)
        inner.mul_(1 - strength).add_(outer)
    return grey


def scan_convert(grey: Tensor, sector: Sector, view: View) -> Tensor:
    """Polar grey levels (N, T, R, A) -> uint8 pictures (N, T, H, W), black outside the sector."""
    x, z = (t[:, 0] for t in view.grid())
    depth = torch.hypot(x, z)
    angle = torch.rad2deg(torch.atan2(x, z))
    down = depth / sector.depth_mm[:, None, None] * 2 - 1
    across = angle / sector.half_angle_deg[:, None, None]
    inside = (down <= 1) & (across.abs() <= 1) & (depth >= sector.near_mm[:, None, None])
    picture = torch.nn.functional.grid_sample(
        grey, torch.stack((across, down), -1), mode="bilinear", padding_mode="border", align_corners=False
    )
    return picture.clamp_(0, 255).mul_(inside[:, None]).round_().to(torch.uint8)
