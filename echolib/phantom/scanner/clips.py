"""One heart, one probe, one clip: beats, probe drift and rendering in pieces that fit a core's cache."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from echolib.phantom.anatomy.heart import Heart, Pose, pose, volume_ml
from echolib.phantom.anatomy.motion import Cycle, Rhythm, cycle, rhythm, systole_seconds
from echolib.phantom.anatomy.rays import ray_table
from echolib.phantom.anatomy.warp import Warp
from echolib.phantom.scanner.apical_view import apical_level, paint_valve
from echolib.phantom.scanner.look import Style
from echolib.phantom.scanner.receive_chain import receive, receiver
from echolib.phantom.scanner.speckle import SpeckleBank, patches
from echolib.phantom.scanner.ultrasound import Sector, View, scan_convert, scan_lines

PIECE = {"cpu": 10, "cuda": 256}


@dataclass(frozen=True)
class Clip:
    """One clip before it is rendered: heart (N = 1, float64), its pose (1, T), cycle, exact volumes (T,), and the
    labelled end-diastolic and end-systolic frames."""

    heart: Heart
    state: Pose
    cycle: Cycle
    volumes_ml: np.ndarray
    end_diastole: int
    end_systole: int
    heart_rate: float
    irregular: bool


def beat_clip(
    rng: np.random.Generator, heart: Heart, heart_rate: float, irregular: bool, frames: int, fps: float
) -> Clip:
    """A clip of whole motion whose labelled beat lies inside it, at full strength."""
    seconds = frames / fps
    beats = rhythm(rng, heart_rate, seconds, irregular)
    ends = beats.starts + systole_seconds(beats.lengths)
    inside = np.flatnonzero((beats.starts >= 0) & (ends <= (frames - 1) / fps))
    if not len(inside):  # the clip is shorter than a beat and a half: shift time so that one systole fits
        beats = Rhythm(beats.starts - beats.starts[1], beats.lengths, beats.strengths, beats.atrial_kick)
        inside = np.array([1])
    labelled = int(rng.choice(inside))
    beats.strengths[labelled] = 1.0
    times = np.arange(frames) / fps
    curve = cycle(beats, times)
    first = int(np.ceil(beats.starts[labelled] * fps - 1e-9))
    last = min(frames - 1, int(np.ceil((beats.starts[labelled] + beats.lengths[labelled]) * fps - 1e-9)) - 1)
    state = pose(heart, torch.from_numpy(curve.contraction)[None], *drift(rng, times))
    volumes = volume_ml(state)[0].numpy()
    end_diastole = first
    end_systole = first + int(np.argmin(volumes[first : last + 1]))
    return Clip(heart, state, curve, volumes, end_diastole, end_systole, heart_rate, irregular)


def drift(rng: np.random.Generator, times: np.ndarray) -> tuple[Tensor, Tensor]:
    """Breathing and an unsteady hand: shift (1, T, 2) mm and sway (1, T) degrees."""
    rate = rng.uniform(0.18, 0.35)
    wave = np.sin(2 * np.pi * (rate * times[:, None] + rng.random(3)))
    move = wave * rng.standard_normal(3) * np.array([1.0, 1.2, 0.8])
    return torch.from_numpy(move[None, :, :2].copy()), torch.from_numpy(move[None, :, 2].copy())


def pieces(state: Pose, size: int):
    """The pose in runs of at most `size` frames."""
    for start in range(0, state.length.shape[1], size):
        yield slice(start, start + size)


def render_apical(
    clip: Clip, style: Style, sector: Sector, view: View, bank: SpeckleBank, seed: list[int], samples: tuple[int, int]
) -> np.ndarray:
    """Pictures (T, H, W) uint8 of an apical clip; samples (along, across) the scan lines."""
    device = bank.device
    heart = clip.heart.to(device, torch.float32)
    opening = torch.from_numpy(clip.cycle.opening).to(device, torch.float32)[None]
    generator, shift = random_source(seed, device)
    lines = scan_lines(sector, *samples)
    rest = pose(heart, torch.zeros_like(heart.length[:, :1]))
    table = ray_table(heart, rest)
    painting = Painting(sector, *samples, lambda fine: apical_level(heart, rest, table, style, fine, bank, shift))
    scan = receiver(style, lines, patches(bank, lines.depth_mm, lines.angle_deg, shift)[1])
    out = []
    whole = clip.state.to(device, torch.float32)
    warp = Warp(heart, whole)
    for part in pieces(clip.state, PIECE[device.type]):
        state = whole.frames(part)
        depth, angle = polar(*warp.rest_position(lines.x_mm, lines.z_mm, part))
        level = paint_valve(state, opening[:, part], scan.number, lines, painting.look_up(depth, angle))
        grey = receive(level, scan, depth, angle, lines, bank, shift, generator, style.smoothing)
        out.append(scan_convert(grey, sector, view)[0].cpu())
    return torch.cat(out).numpy()


def polar(x_mm: Tensor, z_mm: Tensor) -> tuple[Tensor, Tensor]:
    """Probe-frame points -> depth (mm) and angle (degrees)."""
    return torch.hypot(x_mm, z_mm), torch.atan2(x_mm, z_mm).mul_(180 / torch.pi)


class Painting:
    """Echo levels at end diastole, painted once on scan lines twice as fine and looked up as tissue moves.

    A margin beyond the sector serves tissue that moves into it.
    """

    FINE, MARGIN = 2, 1.15

    def __init__(self, sector: Sector, along: int, across: int, paint):
        self.rows, self.columns = (int(n * self.FINE * self.MARGIN) for n in (along, across))
        wide = Sector(sector.depth_mm * self.MARGIN, sector.half_angle_deg * self.MARGIN, sector.near_mm)
        self.depth, self.half = wide.depth_mm.reshape(-1, 1, 1, 1), wide.half_angle_deg.reshape(-1, 1, 1, 1)
        self.level = paint(scan_lines(wide, self.rows, self.columns)).reshape(-1, 1)

    def look_up(self, depth_mm: Tensor, angle_deg: Tensor) -> Tensor:
        """Levels (1, T, R, A) at material positions of one heart."""
        row = (depth_mm * (self.rows / self.depth)).to(torch.int32).clamp_(0, self.rows - 1)
        column = (angle_deg * (self.columns / (2 * self.half))).add_(self.columns / 2).to(torch.int32)
        index = row.mul_(self.columns).add_(column.clamp_(0, self.columns - 1))
        return torch.nn.functional.embedding(index, self.level)[..., 0]


def random_source(seed: list[int], device) -> tuple[torch.Generator, Tensor]:
    """A generator of the clip's own, and its place (1, 2) in the speckle bank."""
    state = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1)
    generator = torch.Generator().manual_seed(state)
    return generator, torch.randint(0, 4096, (1, 2), generator=generator).to(device)
