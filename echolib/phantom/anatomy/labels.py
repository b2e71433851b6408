"""Exact classes of picture points in the apical views."""

import torch
from torch import Tensor

from echolib.phantom.anatomy.heart import Heart, Pose, pose
from echolib.phantom.anatomy.rays import RayTable, atrium_depth, heart_coordinates, lookup
from echolib.phantom.anatomy.warp import Warp


def apical_labels(
    heart: Heart, state: Pose, table: RayTable, x_mm: Tensor, z_mm: Tensor, carried: bool = True
) -> Tensor:
    """Classes of probe-frame points: 0 outside, 1 cavity, 2 myocardium, 3 left atrium.

    table is that of the pose; x_mm, z_mm (N, 1, H, W); uint8 result (N, T, H, W). The atrium is that of end diastole
    carried along by the tissue, or with carried=False that of the pose itself.
    """
    a, b = heart_coordinates(state, x_mm, z_mm)
    up, across = table.centre[..., 0, None, None] - a, b - table.centre[..., 1, None, None]
    radius, angle = torch.hypot(up, across), torch.atan2(across, up)
    row = lookup(table.rows[..., :2].contiguous(), angle)
    inner, outer = row[..., 0], row[..., 0] + row[..., 1]
    labels = (radius < inner).to(torch.uint8) + 2 * ((radius >= inner) & (radius < outer)).to(torch.uint8)
    if carried:
        rest = pose(heart, torch.zeros_like(heart.length[:, :1]))
        depth = atrium_depth(heart, rest, *heart_coordinates(rest, *Warp(heart, state).rest_position(x_mm, z_mm)))
    else:
        depth = atrium_depth(heart, state, a, b)
    return torch.where((depth > 0) & (labels == 0), 3, labels).to(torch.uint8)
