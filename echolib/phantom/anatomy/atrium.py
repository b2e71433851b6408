"""The left atrium below the mitral plane."""

import torch
from torch import Tensor

from echolib.phantom.anatomy.heart import Heart, Pose

DESCENT_SHARE = 0.85  # of the base's descent that lengthens the atrium: its roof stays, so it fills during systole


def atrium_distance(heart: Heart, pose: Pose, a: Tensor, b: Tensor) -> Tensor:
    """Approximate distance (N, T, H, W), mm, positive inside, to the border of the left atrium, at heart-frame points
    a, b (N, T, H, W). The atrium is a blunt oval cut by the mitral plane."""
    size, half_width, shift = (heart.atrium[:, None, None, None, k] for k in range(3))
    length = size + (heart.length[:, :1] - pose.length)[..., None, None] * DESCENT_SHARE
    below = a - pose.length[..., None, None] - pose.plane_slope[..., None, None] * b
    hinge_middle = ((pose.half_width[..., 1, -1] - pose.half_width[..., 0, -1]) / 2)[..., None, None]
    v = (b - hinge_middle - shift * (below / length).clamp(0, 1)) / half_width
    w = (below - 0.42 * length) / (0.58 * length)
    # 1 - s is three times the relative distance near the border s = 1 of |v|^3 + |w|^3 = s.
    oval = (1 - (v.abs() * v * v).add_(w.abs() * w * w)) / 3
    return torch.minimum(oval * torch.minimum(half_width, 0.58 * length), below)
