"""The ventricle seen from a point inside it: both contours as radii by angle, so that any pixel is placed by one
arctangent and one table row."""

from dataclasses import dataclass

import torch
from torch import Tensor

from echolib.phantom.anatomy.heart import Heart, Pose, endocardium, epicardium, outward_normals, pose

ANGLES = 1024
CENTRE = 0.55  # of the long axis from the apex


@dataclass(frozen=True)
class RayTable:
    """Rows (N, T, ANGLES, 8): endocardial radius, wall thickness along the ray, both at rest, outward normal (a, b),
    fraction along the axis, side (-1 septal .. 1 lateral); and the centre (N, T, 2), also at rest, as (a, b)."""

    rows: Tensor
    centre: Tensor
    rest_centre: Tensor


def centre_of(state: Pose) -> Tensor:
    """A point (N, T, 2) inside the cavity from which every contour point is visible."""
    mid = (state.half_width[..., 1, 11] - state.half_width[..., 0, 11]) / 2
    return torch.stack((CENTRE * state.length, mid), -1)


def ray_angles(points: Tensor, centre: Tensor) -> Tensor:
    """Angle (...) of points about the centre: 0 towards the apex, negative on the septal side, +-pi to the base."""
    offset = points - centre[..., None, :]
    return torch.atan2(offset[..., 1], -offset[..., 0])


def ray_radii(polygon: Tensor, centre: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where rays from the centre leave an open polygon (F, P, 2) that runs from the septal to the lateral hinge.

    The base is closed by the straight mitral plane. Returns radii (F, ANGLES), the polygon segment each ray
    crosses (0 and P: mitral plane) and the part of it (0..1).
    """
    first, last = polygon[:, 0], polygon[:, -1]
    part = ((centre[:, 1] - first[:, 1]) / (last[:, 1] - first[:, 1]))[:, None]
    foot = (first + part * (last - first))[:, None]
    vertices = torch.cat((foot, polygon, foot), 1)
    angles = ray_angles(vertices, centre)
    angles[:, 0], angles[:, -1] = -torch.pi, torch.pi
    angles = angles.cummax(1).values.contiguous()
    step = 2 * torch.pi / ANGLES
    ray = (torch.arange(ANGLES, dtype=polygon.dtype, device=polygon.device) + 0.5) * step - torch.pi
    index = torch.searchsorted(angles, ray.expand(len(polygon), -1).contiguous(), right=True)
    index = (index - 1).clamp(0, vertices.shape[1] - 2)
    start = torch.gather(vertices, 1, index[..., None].expand(-1, -1, 2)) - centre[:, None]
    end = torch.gather(vertices, 1, (index + 1)[..., None].expand(-1, -1, 2)) - centre[:, None]
    edge = end - start
    direction = torch.stack((-ray.cos(), ray.sin()), -1)
    cross_start = start[..., 0] * edge[..., 1] - start[..., 1] * edge[..., 0]
    cross_ray = direction[..., 0] * edge[..., 1] - direction[..., 1] * edge[..., 0]
    radius = cross_start / torch.where(cross_ray.abs() < 1e-6, 1e-6, cross_ray)
    longest = torch.maximum(start.norm(dim=-1), end.norm(dim=-1))
    shortest = torch.minimum(start.norm(dim=-1), end.norm(dim=-1)) * 0.5
    radius = torch.minimum(torch.maximum(radius, shortest), longest)
    place = ((radius[..., None] * direction - start) * edge).sum(-1) / edge.square().sum(-1).clamp(min=1e-9)
    return radius, index, place.clamp(0, 1)


def ray_table(heart: Heart, state: Pose) -> RayTable:
    """Tables for N hearts at T instants; see `RayTable`."""
    hearts, times = state.length.shape
    contour = endocardium(state)
    centre = centre_of(state)
    flat, middle = contour.flatten(0, 1), centre.flatten(0, 1)
    radius, index, part = ray_radii(flat, middle)
    outer = epicardium(heart, state, contour).flatten(0, 1)
    wall = (ray_radii(outer_with_hinges(flat, outer), middle)[0] - radius).clamp(min=0)

    def along_contour(values: Tensor) -> Tensor:
        values = torch.cat((values[:, :1], values, values[:, -1:]), 1)
        index_ = index[..., None].expand(-1, -1, values.shape[-1])
        low, high = torch.gather(values, 1, index_), torch.gather(values, 1, index_ + 1)
        return low + part[..., None] * (high - low)

    normal = along_contour(outward_normals(contour).flatten(0, 1))
    place = along_contour((contour / state.length[..., None, None]).flatten(0, 1))
    side = torch.tanh(place[..., 1:] * 6)
    rest = pose(heart, torch.zeros_like(heart.length[:, :1]))
    rest_contour, rest_centre = endocardium(rest), centre_of(rest)
    rest_radius, _, _ = ray_radii(rest_contour[:, 0], rest_centre[:, 0])
    rest_outer = epicardium(heart, rest, rest_contour)[:, 0]
    rest_wall = ray_radii(outer_with_hinges(rest_contour[:, 0], rest_outer), rest_centre[:, 0])[0] - rest_radius
    repeated = [t.repeat_interleave(times, 0)[..., None] for t in (rest_radius, rest_wall.clamp(min=0))]
    rows = torch.cat((radius[..., None], wall[..., None], *repeated, normal, place[..., :1], side), -1)
    return RayTable(rows.unflatten(0, (hearts, times)), centre, rest_centre.expand_as(centre))


def outer_with_hinges(inner: Tensor, outer: Tensor) -> Tensor:
    """The epicardial contour closed onto the two hinges, so that beyond the mitral plane no wall is left."""
    return torch.cat((inner[:, :1], outer, inner[:, -1:]), 1)


def heart_coordinates(state: Pose, x_mm: Tensor, z_mm: Tensor) -> tuple[Tensor, Tensor]:
    """Probe-frame points -> (a, b) along and across the long axis, each (N, T, H, W), mm."""
    along, across = state.axis()
    dx, dz = x_mm - state.apex[..., 0, None, None], z_mm - state.apex[..., 1, None, None]
    a = dx * along[..., 0, None, None] + dz * along[..., 1, None, None]
    b = dx * across[..., 0, None, None] + dz * across[..., 1, None, None]
    return a, b


def lookup(rows: Tensor, angle: Tensor) -> Tensor:
    """Table rows (N, T, ANGLES, C) at angles (N, T, H, W), -2 pi to 2 pi -> (N, T, H, W, C)."""
    hearts, times, _, channels = rows.shape
    # The offset keeps the number positive, so that truncation is a floor; ANGLES is a power of two, so & wraps.
    index = (angle * (ANGLES / (2 * torch.pi))).add_(ANGLES * 2.5).to(torch.int32).bitwise_and_(ANGLES - 1)
    base = torch.arange(hearts * times, dtype=torch.int32, device=rows.device) * ANGLES
    index += base.reshape(hearts, times, 1, 1)
    return torch.nn.functional.embedding(index, rows.reshape(-1, channels))


def atrium_depth(heart: Heart, state: Pose, a: Tensor, b: Tensor) -> Tensor:
    """Approximate distance (mm, positive inside) to the border of the left atrium, a blunt oval cut by the mitral
    plane; its floor stays while the base descends, so it fills during systole."""
    size = [heart.atrium[:, None, None, None, k] for k in range(3)]
    length = size[0] + (heart.length[:, :1] - state.length)[..., None, None] * 0.85
    below = a - state.length[..., None, None] - state.plane_slope[..., None, None] * b
    hinge_middle = ((state.half_width[..., 1, -1] - state.half_width[..., 0, -1]) / 2)[..., None, None]
    v = (b - hinge_middle - size[2] * (below / length).clamp(0, 1)) / size[1]
    w = (below - 0.42 * length) / (0.58 * length)
    # 1 - s is three times the relative distance near the border s = 1 of |v|^3 + |w|^3 = s.
    oval = (1 - (v.abs() * v * v).add_(w.abs() * w * w)) / 3
    return torch.minimum(oval * torch.minimum(size[1], 0.58 * length), below)
