"""The parasternal long-axis view: right ventricle, septum, cavity, posterior wall, aortic root, left atrium.

Coordinates p and d are those of `long_axis`; levels are on the grey scale of real frames.
"""

import torch
from torch import Tensor

from echolib.phantom.anatomy.long_axis import (
    LongAxisHeart,
    LongAxisPose,
    WallLayers,
    end_diastolic_long_axis,
    long_axis_coordinates,
    long_axis_end_diastolic_position,
    wall_layers,
)
from echolib.phantom.scanner.acquisition import Acquisition, fourier_series
from echolib.phantom.scanner.echogenicity import gaussian, side_lobes, soft_step
from echolib.phantom.scanner.scan_geometry import ScanLines
from echolib.phantom.scanner.speckle import Speckle


class ParasternalView:
    """The parasternal long-axis view of one beating heart, as `rendering.render` asks for it: pose (1, T),
    mitral_opening (1, T) from 0 to 1."""

    def __init__(
        self,
        heart: LongAxisHeart,
        pose: LongAxisPose,
        mitral_opening: Tensor,
        acquisition: Acquisition,
        speckle: Speckle,
    ):
        device = speckle.bank.device
        self.acquisition, self.speckle = acquisition, speckle
        self.heart, self.pose = heart.to(device, torch.float32), pose.to(device, torch.float32)
        self.mitral_opening = mitral_opening.to(device, torch.float32)

    def end_diastolic_echogenicity(self, lines: ScanLines) -> Tensor:
        """Levels (1, 1, R, A) at end diastole, without the mitral valve."""
        pose = end_diastolic_long_axis(self.heart)
        return parasternal_echogenicity(self.heart, pose, self.acquisition, lines, self.speckle)

    def end_diastolic_position(self, lines: ScanLines, frames: slice) -> tuple[Tensor, Tensor]:
        """x and z (1, frames, R, A), mm, where the tissue at each sample lay at end diastole."""
        return long_axis_end_diastolic_position(self.heart, self.pose.frames(frames), lines.x_mm, lines.z_mm)

    def add_mitral_valve(self, level: Tensor, acquisition: Acquisition, lines: ScanLines, frames: slice) -> Tensor:
        """Levels (1, frames, R, A) with the leaflets of those frames."""
        opening = self.mitral_opening[:, frames]
        return add_mitral_leaflets(level, self.heart, self.pose.frames(frames), opening, acquisition, lines)


def parasternal_echogenicity(
    heart: LongAxisHeart, pose: LongAxisPose, acquisition: Acquisition, lines: ScanLines, speckle: Speckle
) -> Tensor:
    """Levels (N, T, R, A) of everything but the mitral valve."""
    grid = acquisition.on_grid()
    p, d = long_axis_coordinates(heart, pose, lines.x_mm, lines.z_mm)
    walls = wall_layers(heart, pose, p)
    fine, coarse = speckle.texture(lines.depth_mm, lines.angle_deg)
    brightness = fourier_series(acquisition.dropout, p / 40) * 0.7
    level = layered_tissue(grid, p, d, walls, brightness, coarse) + grid.texture * fine
    blood = grid.noise_floor - 12 + (fine - 0.9).clamp(min=0) * grid.trabeculae * 0.6
    from_apex = p + heart.apex_mm[:, None, None, None]
    inside = soft_step(torch.minimum(torch.minimum(walls.blood_above + d, walls.blood_below - d), from_apex))
    level = level + (blood - level) * inside
    aortic_wall = -walls.blood_above + heart.aorta_mm[:, None, None, None]
    posterior_aortic_wall = gaussian((d - aortic_wall).square(), 1.2) * soft_step(p - 22, 4)
    level = level + (grid.leaflet_level - level).clamp(min=0) * posterior_aortic_wall
    return level + side_lobes(level, grid.side_lobes)


def layered_tissue(
    grid: Acquisition, p: Tensor, d: Tensor, walls: WallLayers, brightness: Tensor, coarse: Tensor
) -> Tensor:
    """Chest wall, right ventricle, septum, posterior wall, pericardium and lung from top to bottom; brightness
    (N, T, R, A) varies the walls along p."""
    level = grid.left_background + 8 * coarse
    top, bottom = -walls.blood_above - walls.wall_above, walls.blood_below + walls.wall_below
    right_ventricle = torch.minimum(top - d, d - top + 22 - 0.12 * p)
    level = level + (grid.noise_floor - 6 + grid.chamber_level - level) * soft_step(right_ventricle, 5)
    border = gaussian((right_ventricle + 1).square(), 1.5)
    level = level + grid.chamber_visibility * grid.specular * border * (d < top - 8)
    below = (d - bottom - 4).clamp(min=0)
    level = torch.where(below > 0, grid.right_background - 0.6 * grid.lung_loss * below + 8 * coarse, level)
    septum, posterior = grid.septal_level - 16, grid.lateral_level + 4
    for start, end, mean in ((top, -walls.blood_above, septum), (walls.blood_below, bottom, posterior)):
        depth = torch.minimum(d - start, end - d)
        tissue = mean + brightness + 5 * coarse - 2.4 * depth.clamp(min=0, max=6)
        level = level + (tissue - level) * soft_step(depth, 2.0)
        level = level + grid.specular * (gaussian((d - start).square(), 0.9) + gaussian((d - end).square(), 0.9))
    pericardium = gaussian((d - bottom - 1.8).square(), 1.8)
    return level + (grid.annulus_level + 6 - level).clamp(min=0) * pericardium


def add_mitral_leaflets(
    level: Tensor,
    heart: LongAxisHeart,
    pose: LongAxisPose,
    mitral_opening: Tensor,
    acquisition: Acquisition,
    lines: ScanLines,
) -> Tensor:
    """Levels (N, T, R, A) with the anterior mitral leaflet, from the aortic root, and the posterior one, from the
    atrioventricular groove, as far open as mitral_opening (N, T); the acquisition is `on_grid`."""
    p, d = long_axis_coordinates(heart, pose, lines.x_mm, lines.z_mm)
    septum = -pose.cavity / 2 * 0.88
    anterior = (torch.full_like(septum, 24.0), septum + heart.aorta_mm[:, None] + 1.5)
    posterior = (torch.full_like(septum, 24.0), pose.cavity / 2 * 0.86)
    closed = (torch.full_like(septum, 8.0), (anterior[1] + posterior[1]) / 2)
    open_anterior = (torch.full_like(septum, 3.0), -pose.cavity / 2 * 0.45)
    open_posterior = (torch.full_like(septum, 10.0), pose.cavity / 2 * 0.75)
    for hinge, wide_open in ((anterior, open_anterior), (posterior, open_posterior)):
        tip = [shut + mitral_opening * (wide - shut) for shut, wide in zip(closed, wide_open, strict=True)]
        dp, dd = ((end - start)[..., None, None] for end, start in zip(tip, hinge, strict=True))
        from_hinge_p, from_hinge_d = p - hinge[0][..., None, None], d - hinge[1][..., None, None]
        t = ((from_hinge_p * dp + from_hinge_d * dd) / (dp * dp + dd * dd).clamp(min=1)).clamp(0, 1)
        squared = (from_hinge_p - t * dp).square() + (from_hinge_d - t * dd).square()
        level = level + (acquisition.leaflet_level - level).clamp(min=0) * gaussian(squared, 1.1)
    return level
