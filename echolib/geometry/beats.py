"""Heart beats in the area of the left ventricle over time."""

from typing import Literal, NamedTuple

import numpy as np
from scipy.signal import find_peaks


class Beats(NamedTuple):
    """One entry a beat, in frames: the largest area before each systole, and the systole itself."""

    diastoles: np.ndarray
    systoles: np.ndarray

    @property
    def pairs(self) -> np.ndarray:
        """(beats, 2) array of end-diastolic and end-systolic frame."""
        return np.stack([self.diastoles, self.systoles], axis=1)


def find_beats(
    area, distance: int = 20, prominence: Literal["percentile", "reference"] | float = "percentile"
) -> Beats:
    """End systoles as peaks of minus the area, and the end diastole before each.

    Ouyang et al. (Nature 2020) ask for peaks at least 20 frames apart whose prominence is half of a robust range of
    the area. Its intended ends are the 5th and 95th percentile ("percentile"); their script takes the sorted areas at
    the ranks n^0.05 and n^0.95 ("reference"; for 200 frames the 2nd smallest and the 154th).

    Parameters
    ----------
    area : (frames,) area of the ventricle in any unit.
    distance : least number of frames between two systoles.
    prominence : the rule for the robust range, or the prominence itself in the area's unit.

    Returns
    -------
    Beats; empty where no peak qualifies (a clip shorter than a beat, a flat curve). A systole in the first or last
    frame is no peak and is not found.
    """
    area = np.asarray(area, dtype=np.float64)
    if area.ndim != 1 or not np.isfinite(area).all():
        raise ValueError(f"the area over time is one finite number a frame, got shape {area.shape}")
    if isinstance(prominence, str):
        prominence = _robust_range(area, prominence) / 2
    if len(area) < 3 or not prominence > 0:
        return Beats(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))
    systoles = find_peaks(-area, distance=distance, prominence=prominence)[0]
    begins = np.concatenate([[0], systoles[:-1]])[: len(systoles)]
    diastoles = [begin + area[begin:end].argmax() for begin, end in zip(begins, systoles, strict=True)]
    return Beats(np.array(diastoles, dtype=np.intp), systoles)


class KeyFrames(NamedTuple):
    """Frames of end diastole and end systole, one each a half cycle."""

    end_diastoles: np.ndarray
    end_systoles: np.ndarray


def key_frames(phase, window: int = 5, passes: int = 3) -> KeyFrames:
    """Where a noisy phase curve, 1 at end diastole and -1 at end systole, has its extremes.

    The sign of the curve, smoothed by a moving mean of `window` frames `passes` times, tells the half cycles; in each
    the extreme of the curve itself is taken, the first of equals (after Reynaud et al. 2021).

    Parameters
    ----------
    phase : (frames,) finite.
    window, passes : of the smoothing; frames are an odd number. The curve is continued by its end values.

    Returns
    -------
    KeyFrames; one of the two is empty where the smoothed curve never has its sign.
    """
    phase = np.asarray(phase, dtype=np.float64)
    if phase.ndim != 1 or not len(phase) or not np.isfinite(phase).all():
        raise ValueError(f"the phase over time is one finite number a frame, got shape {phase.shape}")
    smooth = phase
    for _ in range(passes):
        smooth = np.convolve(np.pad(smooth, window // 2, mode="edge"), np.full(window, 1 / window), mode="valid")
    diastolic = smooth >= 0
    cuts = np.flatnonzero(np.diff(diastolic)) + 1
    found = {True: [], False: []}
    for run in np.split(np.arange(len(phase)), cuts):
        sign = 1 if diastolic[run[0]] else -1
        found[bool(diastolic[run[0]])].append(run[(sign * phase[run]).argmax()])
    return KeyFrames(*(np.array(found[side], dtype=np.intp) for side in (True, False)))


def beat_clip_starts(systoles, *, length: int = 32, period: int = 2, frames: int | None = None) -> np.ndarray:
    """First frames of the clips that hold a beat each: max(0, ES - 32) for 32 frames at period 2.

    Parameters
    ----------
    systoles : (beats,) end-systolic frames.
    length, period : frames in a clip and the step between them; a clip spans length * period frames, ES at the middle.
    frames : number of frames in the video; where given, starts are held back so that the clip stays inside (at 0 for a
        video shorter than a clip). Starts that coincide are given once.
    """
    starts = np.maximum(0, np.asarray(systoles, dtype=np.intp) - length * period // 2)
    if frames is not None:
        starts = np.minimum(starts, max(0, frames - (length - 1) * period - 1))
    return np.unique(starts)


def _robust_range(area: np.ndarray, rule: str) -> float:
    if rule == "percentile":
        low, high = np.percentile(area, [5, 95]) if len(area) else (0.0, 0.0)
    elif rule == "reference":
        low, high = np.sort(area)[[int(len(area) ** 0.05), int(len(area) ** 0.95)]] if len(area) > 1 else (0.0, 0.0)
    else:
        raise ValueError(f'prominence is "percentile", "reference" or a number, got {rule!r}')
    return float(high - low)
