"""Geometry of a scan: the sector, its scan lines, and the pixel grid onto which they are converted."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from echolib.phantom.anatomy.heart import Heart

HALF_ANGLE_DEG = 37.3  # of the real CAMUS four-chamber frames


@dataclass(frozen=True)
class Sector:
    """N sectors (N,): depth_mm from the probe to the far edge, half_angle_deg, near_mm where scan lines begin."""

    depth_mm: Tensor
    half_angle_deg: Tensor
    near_mm: Tensor


@dataclass(frozen=True)
class PixelGrid:
    """Where the pixels of N images lie in the probe frame: centres are x = left + spacing * column and
    z = top + spacing * row, mm.

    left, top (N,), mm; spacing (N, 2) as (row, column), mm per pixel; height and width in pixels.
    """

    left: Tensor
    top: Tensor
    spacing: Tensor
    height: int
    width: int

    def coordinates(self) -> tuple[Tensor, Tensor]:
        """x and z of all pixels, (N, 1, H, W), mm."""
        rows = torch.arange(self.height, dtype=self.left.dtype, device=self.left.device)
        columns = torch.arange(self.width, dtype=self.left.dtype, device=self.left.device)
        x = self.left[:, None] + self.spacing[:, 1:] * columns
        z = self.top[:, None] + self.spacing[:, :1] * rows
        shape = (len(self.left), 1, self.height, self.width)
        return x[:, None, None, :].expand(shape), z[:, None, :, None].expand(shape)


@dataclass(frozen=True)
class ScanLines:
    """Samples of N sectors, R along each of A scan lines, (N, 1, R, A): depth_mm and angle_deg, their probe-frame x_mm
    and z_mm, and the sine and cosine of the angle, which are the direction of the beam."""

    depth_mm: Tensor
    angle_deg: Tensor
    x_mm: Tensor
    z_mm: Tensor
    sine: Tensor
    cosine: Tensor


def scan_lines(sector: Sector, samples: int, lines: int) -> ScanLines:
    """Evenly spaced scan lines across every sector, with evenly spaced samples along each."""
    dtype, device = sector.depth_mm.dtype, sector.depth_mm.device
    along = (torch.arange(samples, dtype=dtype, device=device) + 0.5) / samples
    across = (torch.arange(lines, dtype=dtype, device=device) + 0.5) / lines * 2 - 1
    depth = (sector.depth_mm[:, None] * along)[:, None, :, None].expand(-1, 1, -1, lines)
    angle = (sector.half_angle_deg[:, None] * across)[:, None, None, :].expand(-1, 1, samples, -1)
    radian = torch.deg2rad(angle)
    sine, cosine = radian.sin(), radian.cos()
    return ScanLines(depth.contiguous(), angle.contiguous(), depth * sine, depth * cosine, sine, cosine)


def polar_coordinates(x_mm: Tensor, z_mm: Tensor) -> tuple[Tensor, Tensor]:
    """Probe-frame points -> depth (mm) and angle (degrees) of the scan line through each."""
    return torch.hypot(x_mm, z_mm), torch.atan2(x_mm, z_mm).mul_(180 / torch.pi)


def scan_convert(grey: Tensor, sector: Sector, grid: PixelGrid) -> Tensor:
    """Grey levels (N, T, R, A) on scan lines -> images (N, T, H, W), uint8, black outside the sector."""
    x, z = (coordinate[:, 0] for coordinate in grid.coordinates())
    depth = torch.hypot(x, z)
    angle = torch.rad2deg(torch.atan2(x, z))
    down = depth / sector.depth_mm[:, None, None] * 2 - 1
    across = angle / sector.half_angle_deg[:, None, None]
    inside = (down <= 1) & (across.abs() <= 1) & (depth >= sector.near_mm[:, None, None])
    image = torch.nn.functional.grid_sample(
        grey, torch.stack((across, down), -1), mode="bilinear", padding_mode="border", align_corners=False
    )
    return image.clamp_(0, 255).mul_(inside[:, None]).round_().to(torch.uint8)


def draw_sectors(
    rng: np.random.Generator, heart: Heart, variability: float = 1.0, *, half_angle_deg=None, near_mm=0.0
) -> Sector:
    """Sectors (float32, on the hearts' device) deep enough for the ventricle and most of the left atrium.

    half_angle_deg and near_mm: one number or (N,); the half-angle is HALF_ANGLE_DEG by default. With variability
    above 1 both are drawn more widely than one scanner has them.
    """
    count, like = len(heart), heart.length[:, 0].to(torch.float32)
    base = (heart.apex[:, 0, 1] + heart.length[:, 0]).cpu().double().numpy()
    atrium = heart.atrium[:, 0].cpu().double().numpy()
    depth = base + atrium * rng.uniform(0.75, 1.35, count) + 4 + 4 * variability * rng.standard_normal(count)
    depth = np.maximum(depth, base + 8)
    if half_angle_deg is None:
        half_angle_deg = HALF_ANGLE_DEG + (variability > 1) * rng.uniform(-4, 8, count)
    if variability > 1:
        near_mm = rng.uniform(0, 5, count) * (rng.random(count) < 0.5)
    fields = (depth, np.broadcast_to(half_angle_deg, count), np.broadcast_to(near_mm, count))
    return Sector(*(torch.tensor(np.array(values, dtype=np.float64)).to(like) for values in fields))


def fit_pixel_grids(
    rng: np.random.Generator, sector: Sector, size: int, variability: float = 1.0, *, fill: float = 0.0
) -> PixelGrid:
    """Square grids of size x size pixels that hold the whole sector, letterboxed; with variability above 1 they are
    also zoomed, shifted and stretched.

    fill from 0 to 1 enlarges the sector until, at 1, its depth fills the image and its corners are cut off.
    """
    count = len(sector.depth_mm)
    width = 2 * sector.depth_mm * torch.sin(torch.deg2rad(sector.half_angle_deg))
    extent = sector.depth_mm * 1.02
    extent = extent + (1 - fill) * (torch.maximum(width, extent) - extent)
    if variability > 1:
        zoom, stretch = rng.uniform(0.85, 1.12, count), np.exp(rng.uniform(-0.12, 0.12, count))
        shift = rng.uniform(-0.06, 0.06, (count, 2))
    else:
        zoom, stretch, shift = np.ones(count), np.ones(count), np.zeros((count, 2))
    scale = np.stack([zoom * stretch, zoom / stretch], -1)
    spacing = extent[:, None] / size * torch.from_numpy(scale).to(extent)
    offset = torch.from_numpy(shift).to(extent) * extent[:, None]
    left = -spacing[:, 1] * (size - 1) / 2 + offset[:, 0]
    top = sector.depth_mm / 2 - spacing[:, 0] * (size - 1) / 2 + offset[:, 1]
    return PixelGrid(left, top, spacing, size, size)
