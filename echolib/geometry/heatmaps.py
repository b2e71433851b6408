"""Points as Gaussian heat maps, and back to points finer than the cells of a map.

Points are (x, y) in cells with (0, 0) at the centre of the first cell.
"""

import torch
from torch import Tensor

from echolib.shapes import HeatMaps, PointTensor

REACH = 2  # cells on each side of the highest one that the peak is fitted to
FLOOR = 1e-4  # of the peak: lower values say nothing of where the peak is, and their logarithms would outweigh the rest


def heatmaps(points: PointTensor, height: int, width: int, sigma: float) -> HeatMaps:
    """Gaussians of height 1 around points.

    Parameters
    ----------
    points : (..., 2) x, y in cells.
    height, width : of a map, in cells.
    sigma : standard deviation in cells.

    Returns
    -------
    float32 (..., height, width); all 0 where a point is NaN.
    """
    points = points.float()
    across = torch.arange(width, device=points.device) - points[..., :1]
    down = torch.arange(height, device=points.device) - points[..., 1:]
    across, down = (torch.exp(-0.5 * (offset / sigma) ** 2) for offset in (across, down))
    return (down.unsqueeze(-1) * across.unsqueeze(-2)).nan_to_num(0.0)


def decode_heatmaps(maps: HeatMaps) -> PointTensor:
    """Where the peaks of maps are, between the cells as well.

    The logarithm of a Gaussian is a parabola: one is fitted by least squares to the logarithms of the 5 x 5 cells
    around the highest one, and its top is the point. Zhang et al. (CVPR 2020, "Distribution-Aware Coordinate
    Representation") take the derivatives of a Taylor series there, from 3 x 3 cells of a smoothed map. Exact on a
    Gaussian map of sigma >= 1 cell, whatever its height. A map without a peak of that form, such as a flat one, gives
    its highest cell.

    Parameters
    ----------
    maps : (..., height, width) of any scale; NaN counts as 0.

    Returns
    -------
    float32 (..., 2): x, y in cells, without gradient.

    Raises
    ------
    ValueError : a map is smaller than the fit.
    """
    height, width = maps.shape[-2:]
    if min(height, width) <= 2 * REACH:
        raise ValueError(f"maps of {height} x {width} cells are smaller than the fit: {2 * REACH + 1} cells")
    flat = maps.detach().float().nan_to_num(0.0).flatten(-2)
    peak, cell = flat.max(-1)
    row, column = cell // width, cell % width
    # The window stays within the map; the parabola reaches beyond its middle.
    top, left = row.clamp(REACH, height - 1 - REACH), column.clamp(REACH, width - 1 - REACH)
    near = torch.arange(-REACH, REACH + 1, device=maps.device)
    cells = ((top[..., None] + near)[..., None] * width + (left[..., None] + near)[..., None, :]).flatten(-2)
    window = flat.gather(-1, cells) / peak.unsqueeze(-1).clamp(min=torch.finfo(torch.float32).tiny)
    offset, fits = _top_of_parabola(window.clamp(min=FLOOR).log())
    fitted = torch.stack([left, top], -1) + offset
    highest = torch.stack([column, row], -1).float()
    near_highest = ((fitted - highest).abs() <= REACH).all(-1) & fits & (peak > 0)
    return torch.where(near_highest.unsqueeze(-1), fitted, highest)


def _top_of_parabola(logs: Tensor) -> tuple[Tensor, Tensor]:
    """The top (..., 2) of a + b x + c y + d x^2 + e y^2 + f x y fitted to logs (..., 25), and whether there is one."""
    # Products and sums, not a matrix product: mixed precision would round that to three digits.
    _, b, c, d, e, f = (logs.unsqueeze(-2) * _least_squares().to(logs.device)).sum(-1).unbind(-1)
    determinant = 4 * d * e - f * f
    is_top = (d < 0) & (e < 0) & (determinant > 0)
    safe = torch.where(is_top, determinant, 1.0)
    return torch.stack([(f * c - 2 * e * b) / safe, (f * b - 2 * d * c) / safe], -1), is_top


def _least_squares() -> Tensor:
    """(6, 25): from the values in the window to the coefficients of the parabola."""
    side = torch.arange(-REACH, REACH + 1, dtype=torch.float64)
    y, x = (axis.flatten() for axis in torch.meshgrid(side, side, indexing="ij"))
    design = torch.stack([torch.ones_like(x), x, y, x * x, y * y, x * y], -1)
    return torch.linalg.pinv(design).float()


def to_cells(points: PointTensor, stride: int) -> PointTensor:
    """Points (..., 2) in pixels of an image -> in cells of a map with one cell per `stride` x `stride` pixels."""
    return (points + 0.5) / stride - 0.5


def to_pixels(points: PointTensor, stride: int) -> PointTensor:
    """Points (..., 2) in cells of a map -> in pixels of the image; the inverse of `to_cells`."""
    return (points + 0.5) * stride - 0.5
