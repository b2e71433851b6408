"""Echogenicity, in grey levels, on the scan lines: soft borders, side lobes, and a map that moves with the tissue."""

from collections.abc import Callable

import torch
from torch import Tensor

from echolib.phantom.scanner.scan_geometry import ScanLines, Sector, scan_lines

EDGE_MM = 1.2


def soft_step(distance: Tensor, width: float = EDGE_MM) -> Tensor:
    """0 outside to 1 inside, linear over a border of this width, by distances (mm, positive inside)."""
    return (distance * (1 / width)).add_(0.5).clamp_(0, 1)


def gaussian(squared: Tensor, sigma: float) -> Tensor:
    """exp(-d^2 / (2 sigma^2)) of squared distances; its tail is cut where numbers would become subnormal and slow."""
    return (squared * (-0.5 / sigma**2)).clamp_(min=-30).exp_()


def side_lobes(level: Tensor, offset: Tensor) -> Tensor:
    """Grey levels (N, T, R, A) by which the blurred surroundings, moved by an offset (N, 1, 1, 1) below 0, lift dark
    regions."""
    small = torch.nn.functional.avg_pool2d(level, (8, 8), ceil_mode=True)
    small = torch.nn.functional.avg_pool2d(small, 3, 1, 1, count_include_pad=False)
    blurred = torch.nn.functional.interpolate(small, level.shape[-2:], mode="bilinear") + offset
    return torch.nn.functional.relu(blurred - level).mul_(0.7)


class EchogenicityMap:
    """The echogenicity of one heart at end diastole, computed once on scan lines FINER times as dense and looked up as
    the tissue moves. A margin beyond the sector serves tissue that moves into it."""

    FINER, MARGIN = 2, 1.15

    def __init__(self, sector: Sector, samples: int, lines: int, echogenicity: Callable[[ScanLines], Tensor]):
        self.rows, self.columns = (int(count * self.FINER * self.MARGIN) for count in (samples, lines))
        wide = Sector(sector.depth_mm * self.MARGIN, sector.half_angle_deg * self.MARGIN, sector.near_mm)
        self.depth, self.half_angle = wide.depth_mm.reshape(-1, 1, 1, 1), wide.half_angle_deg.reshape(-1, 1, 1, 1)
        self.level = echogenicity(scan_lines(wide, self.rows, self.columns)).reshape(-1, 1)

    def look_up(self, depth_mm: Tensor, angle_deg: Tensor) -> Tensor:
        """Grey levels (1, T, R, A) of the tissue that lay at depth_mm, angle_deg (1, T, R, A) at end diastole."""
        row = (depth_mm * (self.rows / self.depth)).to(torch.int32).clamp_(0, self.rows - 1)
        column = (angle_deg * (self.columns / (2 * self.half_angle))).add_(self.columns / 2).to(torch.int32)
        index = row.mul_(self.columns).add_(column.clamp_(0, self.columns - 1))
        return torch.nn.functional.embedding(index, self.level)[..., 0]
