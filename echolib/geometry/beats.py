"""Heart beats in the area of the left ventricle over time."""

from typing import Literal, NamedTuple

import numpy as np
from scipy.signal import find_peaks

from echolib.shapes import ClipStarts, Curve, FrameNumbers, FramePairs

Prominence = Literal["percentile", "reference"] | float | int


class Beats(NamedTuple):
    """One entry per beat, in frames: the largest area before each systole, and the systole itself."""

    diastoles: FrameNumbers
    systoles: FrameNumbers

    @property
    def pairs(self) -> FramePairs:
        """(beats, 2) array of end-diastolic and end-systolic frame."""
        return np.stack([self.diastoles, self.systoles], axis=1)


def find_beats(area: Curve, distance: int = 20, prominence: Prominence = "percentile") -> Beats:
    """End systoles as peaks of minus the area, and the end diastole before each.

    Ouyang et al. (Nature 2020) ask for peaks at least 20 frames from each other whose prominence is half of a robust
    range of the area. Its intended ends are the 5th and 95th percentile ("percentile"); their script takes the sorted
    areas at the ranks n^0.05 and n^0.95 ("reference"; for 200 frames the 2nd smallest and the 154th).

    Parameters
    ----------
    area : (frames,) area of the ventricle in any unit.
    distance : least number of frames between two systoles.
    prominence : the rule for the robust range, or the prominence itself in the area's unit.

    Returns
    -------
    Beats; empty where no peak qualifies (a clip shorter than a beat, a flat curve). A systole in the first or last
    frame is no peak and is left out.

    Raises
    ------
    ValueError : the area is not one finite number per frame, or no such rule.
    """
    area = np.asarray(area, dtype=np.float64)
    if area.ndim != 1 or not np.isfinite(area).all():
        raise ValueError(f"the area over time is one finite number per frame, got shape {area.shape}")
    if isinstance(prominence, str):
        prominence = _robust_range(area, prominence) / 2
    if len(area) < 3 or not prominence > 0:
        return Beats(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))
    systoles = find_peaks(-area, distance=distance, prominence=prominence)[0]
    begins = np.concatenate([[0], systoles[:-1]])[: len(systoles)]
    diastoles = [begin + area[begin:end].argmax() for begin, end in zip(begins, systoles, strict=True)]
    return Beats(np.array(diastoles, dtype=np.intp), systoles)


class KeyFrames(NamedTuple):
    """Frames of end diastole and end systole, one of either kind per half cycle."""

    end_diastoles: FrameNumbers
    end_systoles: FrameNumbers


def key_frames(phase: Curve, window: int = 5, passes: int = 3) -> KeyFrames:
    """Where a noisy phase curve, 1 at end diastole and -1 at end systole, has its extremes.

    The sign of the curve, smoothed by a moving mean of `window` frames `passes` times, tells the half cycles; in each
    the extreme of the curve itself is taken, the first of equals (after Reynaud et al. 2021).

    Parameters
    ----------
    phase : (frames,) finite, without unit.
    window, passes : of the smoothing; the window is an odd number of frames. The curve is continued by its end values.

    Returns
    -------
    KeyFrames; one of the two is empty where the smoothed curve never has its sign.

    Raises
    ------
    ValueError : the phase is not one finite number per frame, or there is no frame.
    """
    phase = np.asarray(phase, dtype=np.float64)
    if phase.ndim != 1 or not len(phase) or not np.isfinite(phase).all():
        raise ValueError(f"the phase over time is one finite number per frame, got shape {phase.shape}")
    smooth = phase
    for _ in range(passes):
        smooth = np.convolve(np.pad(smooth, window // 2, mode="edge"), np.full(window, 1 / window), mode="valid")
    diastolic = smooth >= 0
    end_diastoles, end_systoles = [], []
    for half_cycle in np.split(np.arange(len(phase)), np.flatnonzero(np.diff(diastolic)) + 1):
        if diastolic[half_cycle[0]]:
            end_diastoles.append(half_cycle[phase[half_cycle].argmax()])
        else:
            end_systoles.append(half_cycle[phase[half_cycle].argmin()])
    return KeyFrames(np.array(end_diastoles, dtype=np.intp), np.array(end_systoles, dtype=np.intp))


def beat_clip_starts(
    systoles: FrameNumbers, *, length: int = 32, period: int = 2, frames: int | None = None
) -> ClipStarts:
    """First frames of the clips that hold one beat each: max(0, ES - 32) for 32 frames at period 2.

    Parameters
    ----------
    systoles : (beats,) end-systolic frames.
    length, period : frames in a clip and the step between them; a clip spans length * period frames, ES at the middle.
    frames : number of frames in the video; where given, starts are held back so that the clip stays inside (at 0 for a
        video shorter than a clip).

    Returns
    -------
    (clips,) frame numbers in ascending order; starts that coincide are given once.
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
