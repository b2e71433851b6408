"""Rhythm and the volume curve of a beat: when the ventricle ejects, fills, rests and is filled by the atrium."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rhythm:
    """One clip's beats: start time of each beat (s), its length (s), its strength (1 = the labelled beat)."""

    starts: np.ndarray
    lengths: np.ndarray
    strengths: np.ndarray
    atrial_kick: float


@dataclass(frozen=True)
class Cycle:
    """Per frame: contraction 0..1, mitral opening 0..1, beat number and phase 0..1 within the beat."""

    contraction: np.ndarray
    opening: np.ndarray
    beat: np.ndarray
    phase: np.ndarray


def rhythm(rng: np.random.Generator, heart_rate: float, seconds: float, irregular: bool) -> Rhythm:
    """Beats from before the clip until after it. Irregular beats vary in length by about 18 % and carry no atrial kick;
    a beat after a short one is weaker."""
    mean = 60 / heart_rate
    count = int(np.ceil(seconds / (0.5 * mean))) + 4
    spread = 0.18 if irregular else 0.015
    lengths = mean * np.clip(1 + spread * rng.standard_normal(count), 0.6, 1.6)
    before = np.concatenate([[mean], lengths[:-1]]) / mean
    strengths = np.clip(1 - (0.35 if irregular else 0.1) * np.maximum(0, 1 - before), 0.6, 1)
    starts = np.cumsum(lengths) - lengths - lengths[0] * (1 + rng.random())
    kick = 0.0 if irregular else rng.uniform(0.15, 0.38)
    return Rhythm(starts, lengths, strengths, kick)


def smooth_step(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, with zero slope and zero curvature at both ends."""
    x = np.clip(x, 0, 1)
    return x**3 * (10 - 15 * x + 6 * x * x)


def systole_seconds(beat_seconds: np.ndarray) -> np.ndarray:
    """End diastole to end systole: about 316 ms at 67 beats a minute, shorter in fast hearts (Weissler's trend)."""
    return 0.316 * (beat_seconds / 0.9) ** 0.45


def cycle(beats: Rhythm, times: np.ndarray) -> Cycle:
    """Contraction and mitral opening at times (T,), s.

    Isovolumic contraction, ejection, isovolumic relaxation, rapid filling, diastasis, atrial kick.
    """
    index = np.clip(np.searchsorted(beats.starts, times, side="right") - 1, 0, len(beats.starts) - 1)
    length, strength = beats.lengths[index], beats.strengths[index]
    since = times - beats.starts[index]
    systole = systole_seconds(length)
    ejection = smooth_step((since - 0.03) / (systole - 0.03))
    filling_start = systole + 0.06
    kick_seconds = np.minimum(0.14, 0.25 * (length - filling_start))
    room = length - filling_start - (kick_seconds if beats.atrial_kick else 0)
    rapid_seconds = np.clip(0.75 * room, 0.06, 0.2 if beats.atrial_kick else 0.3)
    rapid = smooth_step((since - filling_start) / rapid_seconds)
    kick = smooth_step((since - (length - kick_seconds)) / kick_seconds)
    contraction = strength * (ejection - (1 - beats.atrial_kick) * rapid - beats.atrial_kick * kick)
    early = smooth_step((since - filling_start + 0.02) / 0.06) * (
        1 - 0.65 * smooth_step((since - filling_start - 0.6 * rapid_seconds) / 0.15)
    )
    late = np.sin(np.pi * np.clip((since - length + kick_seconds) / kick_seconds, 0, 1)) * (beats.atrial_kick > 0)
    close = 1 - smooth_step((since - length + 0.04) / 0.04)
    opening = np.maximum(early * close, 0.8 * late)
    return Cycle(np.clip(contraction, 0, 1), np.clip(opening, 0, 1), index, since / length)
