"""How tissue has moved since end diastole: where each point of a picture lay at rest."""

import torch
from torch import Tensor

from echolib.phantom.anatomy.heart import Heart, Pose, pose
from echolib.phantom.anatomy.rays import lookup, ray_table

FADE_MM = 22.0  # beyond the ventricle, motion dies away over this distance


class Warp:
    """The motion of N hearts over T instants, ready to be asked for any of its frames."""

    def __init__(self, heart: Heart, state: Pose):
        table = ray_table(heart, state)
        inner, wall, rest_inner, rest_wall = table.rows[..., :4].unbind(-1)
        within = rest_inner / inner - 1
        through = torch.where(wall > 0.5, rest_wall / wall.clamp(min=0.5) - 1, torch.zeros_like(wall)).clamp(-0.9, 2)
        # By angle: endocardial radius, wall, and what each mm inside cavity and wall adds to the radius at rest.
        self.rows = torch.stack((inner, wall, within, through), -1)
        rest = pose(heart, torch.zeros_like(heart.length[:, :1]))
        self.centre = state.to_probe(table.centre[..., None, :])[..., 0, :]
        self.origin = rest.to_probe(table.rest_centre[:, :1, None])[..., 0, :]
        self.tilt = torch.deg2rad(state.tilt)
        self.turn = torch.deg2rad(rest.tilt - state.tilt)

    def rest_position(self, x_mm: Tensor, z_mm: Tensor, part: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """Probe-frame points (N, 1, H, W) at the frames `part` -> where that tissue lay at end diastole, x and z
        (N, frames, H, W).

        Along a ray from the cavity's centre the cavity and the wall are each stretched evenly, so that both contours
        come to lie on the contours at rest; outside, the displacement is the epicardium's, fading with distance.
        """
        centre, tilt = self.centre[:, part], self.tilt[:, part, None, None]
        x, z = x_mm - centre[..., 0, None, None], z_mm - centre[..., 1, None, None]
        radius = torch.hypot(x, z)
        row = lookup(self.rows[:, part], torch.atan2(x, -z).sub_(tilt))
        inner = row[..., 0]
        depth = radius - inner
        stretch = torch.minimum(radius, inner).mul_(row[..., 2])
        stretch.addcmul_(depth.clamp(min=0).minimum(row[..., 1]), row[..., 3])
        fade = depth.sub_(row[..., 1]).clamp_(min=0).mul_(1 / FADE_MM).square_().add_(1).reciprocal_()
        ratio = stretch.div_(radius.clamp_(min=0.1)).add_(1)
        turn, back = self.turn[:, part, None, None], (self.origin - centre)[..., None, None]
        cosine, sine = turn.cos(), turn.sin()
        moved_x = (x * cosine).addcmul_(z, sine, value=-1).mul_(ratio).sub_(x).add_(back[:, :, 0]).mul_(fade)
        moved_z = (x * sine).addcmul_(z, cosine).mul_(ratio).sub_(z).add_(back[:, :, 1]).mul_(fade)
        return moved_x.add_(x_mm), moved_z.add_(z_mm)
