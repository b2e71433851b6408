"""Rhythm and volume curve of the heart: when the ventricle contracts, ejects, relaxes and fills."""

from dataclasses import dataclass

import numpy as np

# Durations of the phases of a beat, s.
ISOVOLUMIC_CONTRACTION_S = 0.03
ISOVOLUMIC_RELAXATION_S = 0.06
LONGEST_KICK_S = 0.14


@dataclass(frozen=True)
class Rhythm:
    """The beats of a clip: start (s), length (s) and amplitude (1: the whole stroke volume) of each, (beats,); and the
    share of the filling that the atrial kick does, 0 where there is none."""

    starts: np.ndarray
    lengths: np.ndarray
    amplitudes: np.ndarray
    atrial_kick: float


@dataclass(frozen=True)
class Cycle:
    """State of the heart at each frame (T,): contraction and mitral opening, from 0 to 1; the number of the beat, and
    the phase within it, from 0 (end diastole) to 1."""

    contraction: np.ndarray
    mitral_opening: np.ndarray
    beat: np.ndarray
    phase: np.ndarray


def draw_rhythm(rng: np.random.Generator, heart_rate: float, seconds: float, irregular: bool) -> Rhythm:
    """Beats that begin before and end after a clip of this length, at a heart rate in beats per minute.

    Irregular beats, as in atrial fibrillation, vary in length by about 18 % and have no atrial kick; a beat after a
    short one is weaker.
    """
    mean = 60 / heart_rate
    count = int(np.ceil(seconds / (0.5 * mean))) + 4
    variation = 0.18 if irregular else 0.015
    lengths = mean * np.clip(1 + variation * rng.standard_normal(count), 0.6, 1.6)
    previous = np.concatenate([[mean], lengths[:-1]]) / mean
    amplitudes = np.clip(1 - (0.35 if irregular else 0.1) * np.maximum(0, 1 - previous), 0.6, 1)
    starts = np.cumsum(lengths) - lengths - lengths[0] * (1 + rng.random())
    kick = 0.0 if irregular else rng.uniform(0.15, 0.38)
    return Rhythm(starts, lengths, amplitudes, kick)


def smooth_step(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, in between a polynomial with zero slope and curvature at both ends."""
    x = np.clip(x, 0, 1)
    return x**3 * (10 - 15 * x + 6 * x * x)


def systole_seconds(beat_seconds: np.ndarray) -> np.ndarray:
    """Time from end diastole to end systole, s, in beats of this length, s: about 316 ms at 67 beats per minute,
    shorter in fast hearts (the trend of Weissler's systolic time intervals)."""
    return 0.316 * (beat_seconds / 0.9) ** 0.45


def cycle_at(rhythm: Rhythm, times: np.ndarray) -> Cycle:
    """State of the heart at times (T,), s.

    A beat is isovolumic contraction, ejection, isovolumic relaxation, rapid filling, diastasis and atrial kick.
    """
    index = np.clip(np.searchsorted(rhythm.starts, times, side="right") - 1, 0, len(rhythm.starts) - 1)
    length, since = rhythm.lengths[index], times - rhythm.starts[index]
    systole = systole_seconds(length)
    ejection = smooth_step((since - ISOVOLUMIC_CONTRACTION_S) / (systole - ISOVOLUMIC_CONTRACTION_S))
    filling_start = systole + ISOVOLUMIC_RELAXATION_S
    kick_seconds = np.minimum(LONGEST_KICK_S, 0.25 * (length - filling_start))
    before_kick = length - filling_start - (kick_seconds if rhythm.atrial_kick else 0)
    rapid_seconds = np.clip(0.75 * before_kick, 0.06, 0.2 if rhythm.atrial_kick else 0.3)
    rapid = smooth_step((since - filling_start) / rapid_seconds)
    kick = smooth_step((since - (length - kick_seconds)) / kick_seconds)
    emptied = ejection - (1 - rhythm.atrial_kick) * rapid - rhythm.atrial_kick * kick
    contraction = rhythm.amplitudes[index] * emptied
    opening = mitral_opening(since, length, filling_start, rapid_seconds, kick_seconds, rhythm.atrial_kick > 0)
    return Cycle(np.clip(contraction, 0, 1), np.clip(opening, 0, 1), index, since / length)


def mitral_opening(
    since: np.ndarray, length: np.ndarray, filling_start: np.ndarray, rapid_seconds: np.ndarray,
    kick_seconds: np.ndarray, has_kick: bool,
) -> np.ndarray:  # fmt: skip
    """Opening of the mitral valve (T,), 0 shut to 1 wide open: the early (E) and the late (A) wave of filling.

    All times are (T,), s: since, since end diastole; length, of the beat; filling_start, after end diastole;
    rapid_seconds and kick_seconds, of rapid filling and of the atrial kick.
    """
    early = smooth_step((since - filling_start + 0.02) / 0.06) * (
        1 - 0.65 * smooth_step((since - filling_start - 0.6 * rapid_seconds) / 0.15)
    )
    late = np.sin(np.pi * np.clip((since - length + kick_seconds) / kick_seconds, 0, 1)) * has_kick
    shutting = 1 - smooth_step((since - length + 0.04) / 0.04)
    return np.maximum(early * shutting, 0.8 * late)
