"""One heart beating under a probe over the frames of a clip, with its labelled end-diastolic and end-systolic frame."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from echolib.phantom.anatomy.cardiac_cycle import Cycle, Rhythm, cycle_at, draw_rhythm, systole_seconds
from echolib.phantom.anatomy.heart import Heart, Pose, pose_at, volume_ml


@dataclass(frozen=True)
class BeatingHeart:
    """What a clip of T frames shows: the heart (N = 1, float64), its pose (1, T) and cycle (T,), exact volumes (T,) in
    mL, the labelled end-diastolic and end-systolic frames counted from 0, the rate in beats per minute, and whether the
    beats are irregular."""

    heart: Heart
    pose: Pose
    cycle: Cycle
    volumes_ml: np.ndarray
    end_diastole: int
    end_systole: int
    heart_rate: float
    irregular: bool


def draw_beating_heart(
    rng: np.random.Generator, heart: Heart, heart_rate: float, irregular: bool, frames: int, fps: float
) -> BeatingHeart:
    """Draws the beats and the probe's motion; the labelled beat has full amplitude and its systole lies in the clip."""
    rhythm = draw_rhythm(rng, heart_rate, frames / fps, irregular)
    ends = rhythm.starts + systole_seconds(rhythm.lengths)
    inside = np.flatnonzero((rhythm.starts >= 0) & (ends <= (frames - 1) / fps))
    if not len(inside):  # the clip is shorter than a beat and a half: time is shifted so that one systole fits
        rhythm = Rhythm(rhythm.starts - rhythm.starts[1], rhythm.lengths, rhythm.amplitudes, rhythm.atrial_kick)
        inside = np.array([1])
    labelled = int(rng.choice(inside))
    rhythm.amplitudes[labelled] = 1.0
    times = np.arange(frames) / fps
    cycle = cycle_at(rhythm, times)
    pose = pose_at(heart, torch.from_numpy(cycle.contraction)[None], *draw_probe_motion(rng, times))
    volumes = volume_ml(pose)[0].numpy()
    first = int(np.ceil(rhythm.starts[labelled] * fps - 1e-9))
    last = int(np.ceil((rhythm.starts[labelled] + rhythm.lengths[labelled]) * fps - 1e-9)) - 1
    end_systole = first + int(np.argmin(volumes[first : min(frames - 1, last) + 1]))
    return BeatingHeart(heart, pose, cycle, volumes, first, end_systole, heart_rate, irregular)


def draw_probe_motion(rng: np.random.Generator, times: np.ndarray) -> tuple[Tensor, Tensor]:
    """Breathing and an unsteady hand at times (T,), s: shift (1, T, 2), mm, and rotation (1, T), degrees, of the heart
    under the probe. Breaths take between 2.9 and 5.6 s."""
    rate = rng.uniform(0.18, 0.35)
    wave = np.sin(2 * np.pi * (rate * times[:, None] + rng.random(3)))
    motion = wave * rng.standard_normal(3) * np.array([1.0, 1.2, 0.8])
    return torch.from_numpy(motion[None, :, :2].copy()), torch.from_numpy(motion[None, :, 2].copy())
