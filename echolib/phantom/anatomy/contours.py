"""Endocardium and epicardium of the left ventricle as contours in the heart frame.

A contour (N, T, P, 2) holds points (a, b), mm, from the septal hinge of the mitral valve over the apex to the lateral
hinge; it is open at the mitral plane.
"""

from functools import reduce

import torch
from torch import Tensor

from echolib.phantom.anatomy.heart import DISCS, Heart, Pose, end_diastolic_pose

SIDE_POINTS = 48
APICAL_REACH = 0.22  # share of the long axis over which the wall is as thick as at the apex
NORMAL_FILTER = (0.25, 0.5, 0.25)
NORMAL_PASSES = 6


def half_width_at(half_width: Tensor, fraction: Tensor) -> Tensor:
    """Half-widths (..., P), mm, at fractions (..., P) of the long axis, from those of the discs (..., 20).

    Interpolated linearly after division by the square root of the fraction, so that the apex is blunt.
    """
    root = fraction.clamp(min=0).sqrt()
    knots = ((torch.arange(DISCS, dtype=fraction.dtype, device=fraction.device) + 0.5) / DISCS).sqrt()
    position = (fraction * DISCS - 0.5).clamp(0, DISCS - 1)
    lower = position.floor().long().clamp(max=DISCS - 2)
    weight = position - lower
    profile = half_width / knots
    width = torch.gather(profile, -1, lower) * (1 - weight) + torch.gather(profile, -1, lower + 1) * weight
    return torch.where(position < DISCS - 1, width * root, half_width[..., -1:])


def endocardium(pose: Pose) -> Tensor:
    """Contour of the cavity (N, T, 2 * SIDE_POINTS - 1, 2)."""
    grid = torch.arange(SIDE_POINTS, dtype=pose.length.dtype, device=pose.length.device) / (SIDE_POINTS - 1)
    spacing = 1 - torch.cos(grid * torch.pi / 2)  # denser towards the apex, where the contour bends
    sides = []
    for side, sign in ((0, -1), (1, 1)):
        width = pose.half_width[..., side, :]
        hinge = 1 + sign * pose.plane_slope * width[..., -1] / pose.length
        fraction = spacing * hinge[..., None]
        b = sign * half_width_at(width, fraction)
        sides.append(torch.stack((fraction * pose.length[..., None], b), -1))
    return torch.cat((sides[0].flip(-2), sides[1][..., 1:, :]), -2)


def signed_area(polygon: Tensor) -> Tensor:
    """Signed area (...) of closed polygons (..., P, 2) by the shoelace formula."""
    following = polygon.roll(-1, -2)
    return (polygon[..., 0] * following[..., 1] - polygon[..., 1] * following[..., 0]).sum(-1) / 2


def band_area(inner: Tensor, outer: Tensor) -> Tensor:
    """Signed area (N, T), mm2, between two open contours (N, T, P, 2), positive when the outer one lies outside."""
    return signed_area(torch.cat((inner, outer.flip(-2)), -2))


def outward_normals(contour: Tensor) -> Tensor:
    """Unit normals (..., P, 2) of a contour (..., P, 2), pointing out of the cavity.

    Neighbouring normals are averaged, since the border of a real wall has no kinks.
    """
    tangent = torch.cat((contour[..., 1:2, :] - contour[..., :1, :], contour[..., 2:, :] - contour[..., :-2, :],
                         contour[..., -1:, :] - contour[..., -2:-1, :]), -2)  # fmt: skip
    normal = torch.stack((-tangent[..., 1], tangent[..., 0]), -1)
    normal = normal / normal.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    for _ in range(NORMAL_PASSES):
        padded = torch.cat((normal[..., :1, :], normal, normal[..., -1:, :]), -2)
        parts = (weight * padded[..., k : k + contour.shape[-2], :] for k, weight in enumerate(NORMAL_FILTER))
        normal = reduce(torch.add, parts)
    return normal / normal.norm(dim=-1, keepdim=True)


def wall_thickness(heart: Heart, contour: Tensor, length: Tensor) -> Tensor:
    """End-diastolic wall thickness (N, T, P), mm, at the points of an endocardium; length (N, T), mm, of its axis.

    It runs smoothly from the septum over the apex to the lateral wall and thins by up to 18 % towards the base.
    """
    fraction = contour[..., 0] / length[..., None]
    apical = torch.exp(-((fraction / APICAL_REACH) ** 2))
    lateral = torch.sigmoid(contour[..., 1] / 5)
    side = heart.wall[:, None, 1:2] * (1 - lateral) + heart.wall[:, None, 2:3] * lateral
    base = 1 - 0.18 * ((fraction - 0.85) / 0.15).clamp(0, 1)
    return (apical * heart.wall[:, None, :1] + (1 - apical) * side) * base


def epicardium(heart: Heart, pose: Pose, contour: Tensor) -> Tensor:
    """Outer contour (N, T, P, 2) of the myocardium around an endocardium of the same shape.

    The myocardium is incompressible: its area stays that of end diastole at every contraction. The outer points lie at
    scale * thickness along the normals; the area is quadratic in the scale, which is solved exactly.
    """
    reference = end_diastolic_pose(heart)
    reference_inner = endocardium(reference)
    reference_wall = wall_thickness(heart, reference_inner, reference.length)
    reference_outer = reference_inner + reference_wall[..., None] * outward_normals(reference_inner)
    target = band_area(reference_inner, reference_outer)
    offset = wall_thickness(heart, contour, pose.length)[..., None] * outward_normals(contour)
    plus, minus = band_area(contour, contour + offset), band_area(contour, contour - offset)
    square, linear = (plus + minus) / 2, (plus - minus) / 2
    scale = 2 * target / (linear + (linear.square() + 4 * square * target).clamp(min=0).sqrt())
    return contour + scale[..., None, None] * offset
