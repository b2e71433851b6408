"""Exact classes of image points in the apical views."""

import torch
from torch import Tensor

from echolib.phantom.anatomy.atrium import atrium_distance
from echolib.phantom.anatomy.heart import Heart, Pose, end_diastolic_pose
from echolib.phantom.anatomy.polar import RADIUS, WALL, PolarContours, lookup
from echolib.phantom.anatomy.tissue_motion import TissueMotion

BACKGROUND, CAVITY, MYOCARDIUM, ATRIUM = range(4)


def apical_labels(
    heart: Heart, pose: Pose, contours: PolarContours, x_mm: Tensor, z_mm: Tensor, *, atrium_moves: bool = True
) -> Tensor:
    """Classes (N, T, H, W), uint8, of probe-frame points x_mm, z_mm (N, 1, H, W): 0 background, 1 cavity, 2 myocardium,
    3 left atrium.

    contours are those of the pose. The atrium is that of end diastole, moved with the tissue, as in a rendered clip;
    with atrium_moves=False it is that of the pose itself, as in an image simulated at this pose.
    """
    a, b = pose.to_heart(x_mm, z_mm)
    radius, angle = contours.polar(a, b)
    inner, wall = lookup(contours.table[..., RADIUS : WALL + 1].contiguous(), angle).unbind(-1)
    outer = inner + wall
    labels = (radius < inner).to(torch.uint8) + MYOCARDIUM * ((radius >= inner) & (radius < outer)).to(torch.uint8)
    if atrium_moves:
        reference = end_diastolic_pose(heart)
        origin = TissueMotion(heart, pose).end_diastolic_position(x_mm, z_mm)
        distance = atrium_distance(heart, reference, *reference.to_heart(*origin))
    else:
        distance = atrium_distance(heart, pose, a, b)
    return torch.where((distance > 0) & (labels == BACKGROUND), ATRIUM, labels).to(torch.uint8)
