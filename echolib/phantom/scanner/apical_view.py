"""The apical views: the echogenicity of every structure around the left ventricle.

Levels are on the grey scale of real frames. `apical_echogenicity` computes them at any pose; in a clip, those of end
diastole move with the tissue and only the mitral valve is drawn anew in every frame.
"""

import torch
from torch import Tensor

from echolib.phantom.anatomy.atrium import atrium_distance
from echolib.phantom.anatomy.beating_heart import BeatingHeart
from echolib.phantom.anatomy.heart import Heart, Pose, end_diastolic_pose
from echolib.phantom.anatomy.polar import FRACTION, NORMAL, RADIUS, SIDE, WALL, PolarContours, lookup, polar_contours
from echolib.phantom.anatomy.tissue_motion import TissueMotion
from echolib.phantom.scanner.acquisition import Acquisition, fourier_series
from echolib.phantom.scanner.echogenicity import gaussian, side_lobes, soft_step
from echolib.phantom.scanner.scan_geometry import ScanLines
from echolib.phantom.scanner.speckle import Speckle

BRIGHTEST_LAYER = (0.7, 0.42, 0.85)  # where in the wall of apex, septum and lateral wall: 0 at the cavity, 1 outside
# Leaflets of the mitral valve: share of the width of its plane, and the side of its hinge.
ANTERIOR_LEAFLET, POSTERIOR_LEAFLET = (0.60, 1.0), (0.46, -1.0)


class ApicalView:
    """The apical view of one beating heart, as `rendering.render` asks for it."""

    def __init__(self, beating: BeatingHeart, acquisition: Acquisition, speckle: Speckle):
        device = speckle.bank.device
        self.acquisition, self.speckle = acquisition, speckle
        self.heart = beating.heart.to(device, torch.float32)
        self.pose = beating.pose.to(device, torch.float32)
        self.mitral_opening = torch.from_numpy(beating.cycle.mitral_opening).to(device, torch.float32)[None]
        self.motion = TissueMotion(self.heart, self.pose)

    def end_diastolic_echogenicity(self, lines: ScanLines) -> Tensor:
        """Levels (1, 1, R, A) at end diastole, without the mitral valve."""
        pose = end_diastolic_pose(self.heart)
        contours = polar_contours(self.heart, pose)
        return apical_echogenicity(self.heart, pose, contours, self.acquisition, lines, self.speckle)

    def end_diastolic_position(self, lines: ScanLines, frames: slice) -> tuple[Tensor, Tensor]:
        """x and z (1, frames, R, A), mm, where the tissue at each sample lay at end diastole."""
        return self.motion.end_diastolic_position(lines.x_mm, lines.z_mm, frames)

    def add_mitral_valve(self, level: Tensor, acquisition: Acquisition, lines: ScanLines, frames: slice) -> Tensor:
        """Levels (1, frames, R, A) with the valve of those frames; see `add_mitral_valve`."""
        return add_mitral_valve(level, self.pose.frames(frames), self.mitral_opening[:, frames], acquisition, lines)


def apical_echogenicity(
    heart: Heart, pose: Pose, contours: PolarContours, acquisition: Acquisition, lines: ScanLines, speckle: Speckle
) -> Tensor:
    """Levels (N, T, R, A) of everything but the mitral valve; contours are those of the pose."""
    grid = acquisition.on_grid()
    a, b = pose.to_heart(lines.x_mm, lines.z_mm)
    radius, angle = contours.polar(a, b)
    row = lookup(wall_table(contours.table, pose, acquisition), angle)
    inner, wall, slant = row[..., 0], row[..., 1], row[..., 4]
    depth, thickness = (radius - inner) * slant, (wall * slant).clamp(min=3)
    outside = (radius - inner - wall) * slant
    fine, coarse = speckle.texture(lines.depth_mm, lines.angle_deg)
    facing = (row[..., 2] * lines.sine + row[..., 3] * lines.cosine).abs()
    myocardium = layered_wall(row, depth, thickness) + grid.specks * (fine - 0.3).clamp(min=0)
    myocardium = myocardium + grid.specular * facing * gaussian(depth * depth, 0.9)
    level = surroundings(heart, pose, grid, a, b, coarse, outside)
    level = level + (myocardium + grid.texture * 0.5 * coarse - level) * soft_step(-outside, 3.5) * soft_step(wall - 1)
    level = level + grid.texture * fine
    blood = cavity(grid, depth, fine) + chordae(pose, grid, a, b, fine)
    level = level + (blood - level) * soft_step(-depth)
    return level + side_lobes(level, grid.side_lobes)


def wall_table(table: Tensor, pose: Pose, acquisition: Acquisition) -> Tensor:
    """The wall by angle (N, T, ANGLES, 9), from the polar table (N, T, ANGLES, 8) of the contours.

    Columns: radius and thickness, mm; normal in the probe frame (2); cosine between ray and normal; level of the
    brightest layer (of septum, apex and lateral wall, brighter towards the base, with dropout), where in the wall it
    lies, and how much darker the inner and the outer border are.
    """
    angles = torch.linspace(-torch.pi, torch.pi, table.shape[2], device=table.device, dtype=table.dtype)
    along, across = pose.axes()
    normal = table[..., NORMAL]
    probe_normal = normal[..., :1] * along[:, :, None] + normal[..., 1:] * across[:, :, None]
    ray = torch.stack((-angles.cos(), angles.sin()), -1)
    slant = (normal * ray).sum(-1, keepdim=True).clamp(min=0.2)
    fraction, lateral = table[..., FRACTION], (table[..., SIDE] + 1) / 2
    apical = torch.exp(-((fraction / 0.2) ** 2))
    shares = torch.stack((apical, (1 - lateral) * (1 - apical), lateral * (1 - apical)), -1)
    peak = torch.stack((acquisition.apical_level, acquisition.septal_level, acquisition.lateral_level), -1)
    crest = peak.new_tensor(BRIGHTEST_LAYER).expand_as(peak)
    level, crest, inner_drop, outer_drop = (
        (shares * values[:, None, None]).sum(-1)
        for values in (peak, crest, acquisition.inner_drop, acquisition.outer_drop)
    )
    level = level + 10 * torch.sigmoid((fraction - 0.8) / 0.06)
    level = level + fourier_series(acquisition.dropout, angles[None, None])
    layers = torch.stack((level, crest, inner_drop, outer_drop), -1)
    return torch.cat((table[..., RADIUS : WALL + 1], probe_normal, slant, layers), -1)


def layered_wall(row: Tensor, depth: Tensor, thickness: Tensor) -> Tensor:
    """Levels across the wall, of this thickness (mm), at a depth (mm) from the cavity: brightest in one layer, darker
    towards both borders; row (N, T, R, A, 9) of the wall's table."""
    crest = row[..., 6] * thickness
    inwards = (1 - depth / crest).clamp_(0, 1)
    outwards = ((depth - crest) / (thickness - crest).clamp(min=1)).clamp_(0, 1)
    return row[..., 5] - row[..., 7] * inwards * inwards.sqrt() - row[..., 8] * outwards * outwards.sqrt()


def chordae(pose: Pose, grid: Acquisition, a: Tensor, b: Tensor, fine: Tensor) -> Tensor:
    """Specks of the chordae tendineae and the tips of the papillary muscles in the basal half of the cavity."""
    base = pose.length[..., None, None]
    weight = gaussian(((a - 0.78 * base) / 16).square() + ((b - 0.03 * base) / 11).square(), 1.0)
    return grid.chordae * weight * (1 + 2.2 * fine).clamp(min=0)


def cavity(grid: Acquisition, depth: Tensor, fine: Tensor) -> Tensor:
    """Blood, with trabeculae and papillary muscles near the wall; depth (mm) is negative in the cavity."""
    rim = torch.exp((depth * 0.16).clamp(-30, 0))
    return grid.noise_floor - 12 + (fine - 0.7).clamp(min=0) * grid.trabeculae * rim + 16 * rim * rim


def surroundings(
    heart: Heart, pose: Pose, grid: Acquisition, a: Tensor, b: Tensor, coarse: Tensor, outside: Tensor
) -> Tensor:
    """Everything but the left ventricle: right heart, left atrium, pericardium, lung and the tissue behind; outside is
    the distance (mm) beyond the epicardium."""
    base = pose.length[..., None, None]
    far = (outside - 8).clamp(min=0)
    level = torch.where(b < 0, grid.left_background - 0.2 * far, grid.right_background - grid.lung_loss * far)
    atrium_length = heart.atrium[:, None, None, None, 0]
    behind = soft_step(a - base - atrium_length - 2, 24) * soft_step(outside.new_tensor(34.0) - b, 30)
    level = level + (grid.deep_level - level) * behind
    lateral_hinge = gaussian((a - base - 4).square(), 9.0) * gaussian((outside - 2).square(), 7.0)
    level = level + (grid.annulus_level - 10 - level) * lateral_hinge * (b > 0)
    tricuspid_hinge = gaussian((a - base + 2).square(), 8.0) * gaussian((b + 46).square(), 10.0)
    level = level + 0.7 * (grid.deep_level - level) * tricuspid_hinge
    chamber = grid.noise_floor - 14 + grid.chamber_level
    if bool((heart.right_heart > 0).any()):
        level = add_right_heart(level, chamber, heart, pose, grid, a, b, outside)
    distance = atrium_distance(heart, pose, a, b)
    level = level + (0.6 + grid.chamber_visibility) * grid.specular * gaussian((distance + 1).square(), 1.4)
    inside = soft_step(distance, 4.0) * (0.6 + 0.4 * grid.chamber_visibility)
    return level + (chamber - level) * inside + grid.texture * 1.1 * coarse


def add_right_heart(
    level: Tensor, chamber: Tensor, heart: Heart, pose: Pose, grid: Acquisition, a: Tensor, b: Tensor, outside: Tensor
) -> Tensor:
    """Levels with the right ventricle beside the septum and the right atrium below it, of level `chamber`, with thin
    bright walls."""
    base = pose.length[..., None, None]
    right_heart = heart.right_heart[:, None, None, None]
    size = right_heart.clamp(min=0.3)
    septum = -(pose.half_width[..., 0, 10])[..., None, None] - heart.wall[:, None, None, None, 1]
    for centre_a, centre_b, half_a, half_b in (
        (0.66 * base, septum - 15 * size, 0.40 * base, 19 * size),
        (base + 24 * size, septum - 8 - 14 * size, 22 * size, 19 * size),
    ):
        oval = 1 - torch.hypot((a - centre_a) / half_a, (b - centre_b) / half_b)
        distance = torch.minimum(oval * half_b, outside - 1)
        border = gaussian((distance + 1).square(), 1.5)
        level = level + grid.chamber_visibility * grid.specular * border * (right_heart > 0)
        visible = 0.35 + 0.6 * grid.chamber_visibility
        level = level + (chamber - level) * soft_step(distance, 5.0) * visible * (right_heart > 0)
    return level


def add_mitral_valve(
    level: Tensor, pose: Pose, mitral_opening: Tensor, acquisition: Acquisition, lines: ScanLines
) -> Tensor:
    """Levels (N, T, R, A) with two mitral leaflets, which swing into the ventricle as the valve opens (N, T), and the
    bright annulus at their hinges. Changes `level` in place, only at the depths that the valve can reach; the
    acquisition is `on_grid`."""
    septal, lateral = -pose.half_width[..., 0, -1], pose.half_width[..., 1, -1]
    width = lateral - septal
    samples = valve_samples(pose, width, lines)
    if samples is None:
        return level
    a, b = pose.to_heart(lines.x_mm[:, :, samples], lines.z_mm[:, :, samples])
    near = level[:, :, samples]
    for hinge, (share, sign) in ((septal, ANTERIOR_LEAFLET), (lateral, POSTERIOR_LEAFLET)):
        hinge_a = pose.length + pose.plane_slope * hinge
        swing = mitral_opening * 1.25 + 0.12
        da, db = -(swing.sin() * share * width)[..., None, None], (sign * swing.cos() * share * width)[..., None, None]
        from_hinge_a, from_hinge_b = a - hinge_a[..., None, None], b - hinge[..., None, None]
        squared = leaflet_distance(from_hinge_a, from_hinge_b, da, db, sign)
        near.add_((acquisition.leaflet_level - near).clamp_(min=0).mul_(gaussian(squared, 0.95)))
        ring = gaussian(from_hinge_a.square_().addcmul_(from_hinge_b, from_hinge_b), 3.2).mul_(0.9)
        near.add_((acquisition.annulus_level - near).clamp_(min=0).mul_(ring))
    return level


def valve_samples(pose: Pose, width: Tensor, lines: ScanLines) -> slice | None:
    """The samples along the scan lines that the valve, of this width (N, T), mm, can reach; None if there are none."""
    reach = float(width.max()) * 0.65 + 12
    base_depth = pose.apex[..., 1] + pose.length * torch.cos(torch.deg2rad(pose.tilt))
    depth = lines.depth_mm[:, 0, :, 0]
    near = ((depth > base_depth.min() - reach) & (depth < base_depth.max() + reach + 25)).any(0).nonzero()
    return slice(int(near[0]), int(near[-1]) + 1) if len(near) else None


def leaflet_distance(from_hinge_a: Tensor, from_hinge_b: Tensor, da: Tensor, db: Tensor, sign: float) -> Tensor:
    """Squared distance (N, T, R, A), mm2, of points to a slightly bowed leaflet from its hinge to (da, db)."""
    t = (from_hinge_a * da).addcmul_(from_hinge_b, db).div_(da * da + db * db).clamp_(0, 1)
    bow = (t * t).sub_(t).mul_(-0.22 * sign)
    squared = (from_hinge_a - t * da).addcmul_(bow, db, value=-sign).square_()
    return squared.add_((from_hinge_b - t * db).addcmul_(bow, da, value=sign).square_())
