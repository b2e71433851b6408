"""The motion of the tissue: where every point of an image lay at end diastole."""

import torch
from torch import Tensor

from echolib.phantom.anatomy.heart import Heart, Pose, end_diastolic_pose
from echolib.phantom.anatomy.polar import RADIUS, REFERENCE_WALL, lookup, polar_contours

FADE_MM = 22.0  # beyond the ventricle, motion dies away over this distance


class TissueMotion:
    """The motion of N hearts over T instants, to be evaluated at any of them."""

    def __init__(self, heart: Heart, pose: Pose):
        contours = polar_contours(heart, pose)
        inner, wall, reference_inner, reference_wall = contours.table[..., RADIUS : REFERENCE_WALL + 1].unbind(-1)
        cavity_strain = reference_inner / inner - 1
        wall_strain = torch.where(wall > 0.5, reference_wall / wall.clamp(min=0.5) - 1, torch.zeros_like(wall)).clamp(
            -0.9, 2
        )
        # By angle: endocardial radius, wall, and what each mm of cavity and of wall adds to the radius at end diastole.
        self.table = torch.stack((inner, wall, cavity_strain, wall_strain), -1)
        reference = end_diastolic_pose(heart)
        self.centre = pose.to_probe(contours.centre[..., None, :])[..., 0, :]
        self.reference_centre = reference.to_probe(contours.reference_centre[:, :1, None])[..., 0, :]
        self.tilt = torch.deg2rad(pose.tilt)
        self.rotation = torch.deg2rad(reference.tilt - pose.tilt)

    def end_diastolic_position(self, x_mm: Tensor, z_mm: Tensor, frames: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """Probe-frame points x_mm, z_mm (N, 1, H, W) at some of the frames -> x and z (N, frames, H, W), mm, where that
        tissue lay at end diastole.

        Along a ray from the centre of the cavity, cavity and wall are each stretched evenly, so that both contours come
        to lie on those of end diastole; outside, the displacement is the epicardium's, fading with distance.
        """
        centre, tilt = self.centre[:, frames], self.tilt[:, frames, None, None]
        x, z = x_mm - centre[..., 0, None, None], z_mm - centre[..., 1, None, None]
        radius = torch.hypot(x, z)
        row = lookup(self.table[:, frames], torch.atan2(x, -z).sub_(tilt))
        inner = row[..., 0]
        depth = radius - inner
        stretch = torch.minimum(radius, inner).mul_(row[..., 2])
        stretch.addcmul_(depth.clamp(min=0).minimum(row[..., 1]), row[..., 3])
        fade = depth.sub_(row[..., 1]).clamp_(min=0).mul_(1 / FADE_MM).square_().add_(1).reciprocal_()
        ratio = stretch.div_(radius.clamp_(min=0.1)).add_(1)
        rotation, shift = self.rotation[:, frames, None, None], (self.reference_centre - centre)[..., None, None]
        cosine, sine = rotation.cos(), rotation.sin()
        moved_x = (x * cosine).addcmul_(z, sine, value=-1).mul_(ratio).sub_(x).add_(shift[:, :, 0]).mul_(fade)
        moved_z = (x * sine).addcmul_(z, cosine).mul_(ratio).sub_(z).add_(shift[:, :, 1]).mul_(fade)
        return moved_x.add_(x_mm), moved_z.add_(z_mm)
