"""The ventricle in polar coordinates about a point inside its cavity: both contours as radii by angle.

Angles are 0 towards the apex, negative on the septal side and +-pi towards the base. With the contours tabulated by
angle, a pixel is classified by one arctangent and one look-up.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from echolib.phantom.anatomy.contours import endocardium, epicardium, outward_normals
from echolib.phantom.anatomy.heart import Heart, Pose, end_diastolic_pose

ANGLES = 1024
CENTRE = 0.55  # of the long axis from the apex
RADIUS, WALL, REFERENCE_RADIUS, REFERENCE_WALL = range(4)  # columns of a table
NORMAL = slice(4, 6)
FRACTION, SIDE = 6, 7


@dataclass(frozen=True)
class PolarContours:
    """Endocardium and wall of N hearts at T instants, tabulated at ANGLES rays from a centre in the cavity.

    table (N, T, ANGLES, 8): endocardial radius and wall thickness along the ray, both also at end diastole (mm),
        outward normal (a, b), fraction along the long axis, and side from -1 (septal) to 1 (lateral).
    centre, reference_centre (N, T, 2): the centre in the heart frame (a, b), now and at end diastole.
    """

    table: Tensor
    centre: Tensor
    reference_centre: Tensor

    def polar(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Heart-frame points a, b (N, T, H, W) -> radius (mm) and angle (radians) about the centre."""
        up, across = self.centre[..., 0, None, None] - a, b - self.centre[..., 1, None, None]
        return torch.hypot(up, across), torch.atan2(across, up)


def cavity_centre(pose: Pose) -> Tensor:
    """A point (N, T, 2) in the cavity, heart frame, from which every point of the contours is visible."""
    middle = (pose.half_width[..., 1, 11] - pose.half_width[..., 0, 11]) / 2
    return torch.stack((CENTRE * pose.length, middle), -1)


def polar_angles(points: Tensor, centre: Tensor) -> Tensor:
    """Angles (...) of points (..., P, 2) about centres (..., 2)."""
    offset = points - centre[..., None, :]
    return torch.atan2(offset[..., 1], -offset[..., 0])


def ray_crossings(contour: Tensor, centre: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where ANGLES rays from the centres (F, 2) cross open contours (F, P, 2), closed by the straight mitral plane.

    Returns, (F, ANGLES) each: the radius, mm; the segment of the contour that the ray crosses (0 and P are the mitral
    plane); and where along the segment, from 0 to 1.
    """
    vertices = close_at_mitral_plane(contour, centre)
    step = 2 * torch.pi / ANGLES
    ray = (torch.arange(ANGLES, dtype=contour.dtype, device=contour.device) + 0.5) * step - torch.pi
    segment = crossed_segments(vertices, centre, ray)
    start = torch.gather(vertices, 1, segment[..., None].expand(-1, -1, 2)) - centre[:, None]
    end = torch.gather(vertices, 1, (segment + 1)[..., None].expand(-1, -1, 2)) - centre[:, None]
    edge = end - start
    direction = torch.stack((-ray.cos(), ray.sin()), -1)
    cross_start = start[..., 0] * edge[..., 1] - start[..., 1] * edge[..., 0]
    cross_ray = direction[..., 0] * edge[..., 1] - direction[..., 1] * edge[..., 0]
    radius = cross_start / torch.where(cross_ray.abs() < 1e-6, 1e-6, cross_ray)
    longest = torch.maximum(start.norm(dim=-1), end.norm(dim=-1))
    shortest = torch.minimum(start.norm(dim=-1), end.norm(dim=-1)) * 0.5
    radius = torch.minimum(torch.maximum(radius, shortest), longest)
    along = ((radius[..., None] * direction - start) * edge).sum(-1) / edge.square().sum(-1).clamp(min=1e-9)
    return radius, segment, along.clamp(0, 1)


def close_at_mitral_plane(contour: Tensor, centre: Tensor) -> Tensor:
    """A contour (F, P, 2) between two copies of the point of its mitral plane that lies below the centre."""
    septal, lateral = contour[:, 0], contour[:, -1]
    share = ((centre[:, 1] - septal[:, 1]) / (lateral[:, 1] - septal[:, 1]))[:, None]
    foot = (septal + share * (lateral - septal))[:, None]
    return torch.cat((foot, contour, foot), 1)


def crossed_segments(vertices: Tensor, centre: Tensor, ray: Tensor) -> Tensor:
    """Index (F, ANGLES) of the segment between vertices (F, P + 2, 2) that the ray at each angle crosses."""
    angles = polar_angles(vertices, centre)
    angles[:, 0], angles[:, -1] = -torch.pi, torch.pi
    angles = angles.cummax(1).values.contiguous()
    index = torch.searchsorted(angles, ray.expand(len(vertices), -1).contiguous(), right=True)
    return (index - 1).clamp(0, vertices.shape[1] - 2)


def along_crossings(values: Tensor, segment: Tensor, along: Tensor) -> Tensor:
    """Values of the contour's points (F, P, C), interpolated linearly where the rays cross it: (F, ANGLES, C)."""
    values = torch.cat((values[:, :1], values, values[:, -1:]), 1)
    index = segment[..., None].expand(-1, -1, values.shape[-1])
    low, high = torch.gather(values, 1, index), torch.gather(values, 1, index + 1)
    return low + along[..., None] * (high - low)


def wall_along_rays(inner: Tensor, outer: Tensor, centre: Tensor, radius: Tensor) -> Tensor:
    """Wall thickness (F, ANGLES), mm, between endocardium and epicardium (F, P, 2) along the rays.

    The epicardium is closed onto the two hinges, so that no wall is left beyond the mitral plane.
    """
    closed = torch.cat((inner[:, :1], outer, inner[:, -1:]), 1)
    return (ray_crossings(closed, centre)[0] - radius).clamp(min=0)


def polar_contours(heart: Heart, pose: Pose) -> PolarContours:
    """Tabulates the contours of N hearts at T instants."""
    hearts, times = pose.length.shape
    contour, centre = endocardium(pose), cavity_centre(pose)
    inner, middle = contour.flatten(0, 1), centre.flatten(0, 1)
    radius, segment, along = ray_crossings(inner, middle)
    wall = wall_along_rays(inner, epicardium(heart, pose, contour).flatten(0, 1), middle, radius)
    normal = along_crossings(outward_normals(contour).flatten(0, 1), segment, along)
    position = along_crossings((contour / pose.length[..., None, None]).flatten(0, 1), segment, along)
    side = torch.tanh(position[..., 1:] * 6)
    reference = end_diastolic_pose(heart)
    reference_contour, reference_centre = endocardium(reference), cavity_centre(reference)
    reference_inner, reference_middle = reference_contour[:, 0], reference_centre[:, 0]
    reference_radius, _, _ = ray_crossings(reference_inner, reference_middle)
    reference_outer = epicardium(heart, reference, reference_contour)[:, 0]
    reference_wall = wall_along_rays(reference_inner, reference_outer, reference_middle, reference_radius)
    repeated = [values.repeat_interleave(times, 0)[..., None] for values in (reference_radius, reference_wall)]
    table = torch.cat((radius[..., None], wall[..., None], *repeated, normal, position[..., :1], side), -1)
    return PolarContours(table.unflatten(0, (hearts, times)), centre, reference_centre.expand_as(centre))


def lookup(table: Tensor, angle: Tensor) -> Tensor:
    """Rows of a table (N, T, ANGLES, C) at angles (N, T, H, W) between -2 pi and 2 pi -> (N, T, H, W, C)."""
    hearts, times, _, channels = table.shape
    # The offset keeps the number positive, so that truncation is a floor; ANGLES is a power of two, so & wraps.
    index = (angle * (ANGLES / (2 * torch.pi))).add_(ANGLES * 2.5).to(torch.int32).bitwise_and_(ANGLES - 1)
    first = torch.arange(hearts * times, dtype=torch.int32, device=table.device) * ANGLES
    index += first.reshape(hearts, times, 1, 1)
    return torch.nn.functional.embedding(index, table.reshape(-1, channels))
