"""Beats in curves whose systoles are known."""

import numpy as np
import pytest

from echolib.geometry import beat_clip_starts, find_beats, key_frames


def curve(frames=200, cycle=50, first=30):
    """Area with its smallest value at first, first + cycle, ... and its largest half a cycle from it."""
    return 100 - 40 * np.cos(2 * np.pi * (np.arange(frames) - first) / cycle)


def test_systoles_and_the_diastoles_before_them():
    beats = find_beats(curve())
    assert beats.systoles.tolist() == [30, 80, 130, 180]
    assert beats.diastoles.tolist() == [5, 55, 105, 155]
    assert beats.pairs.tolist() == [[5, 30], [55, 80], [105, 130], [155, 180]]


@pytest.mark.parametrize("prominence", ["percentile", "reference", 20.0])
def test_noise_and_scale_change_nothing(prominence):
    noise = np.random.default_rng(0).normal(0, 2, 200)
    scale = 1.0 if isinstance(prominence, float) else 0.01
    beats = find_beats(scale * (curve() + noise), prominence=prominence)
    assert np.abs(beats.systoles - [30, 80, 130, 180]).max() <= 4


def test_shallow_dips_are_no_beats_and_close_dips_are_one():
    area = curve()
    area[55] -= 25  # a dropout in diastole, less than half the range
    assert find_beats(area).systoles.tolist() == [30, 80, 130, 180]
    area = curve(cycle=16, first=8)
    assert np.diff(find_beats(area, distance=20).systoles).min() >= 20
    assert np.diff(find_beats(area, distance=5).systoles).tolist() == [16] * 11


def test_reference_rule_takes_the_ranks():
    """200 values: ranks 1 and 153 from 0; a curve whose range by rank is far below that by percentile."""
    area = np.full(200, 10.0)
    area[160:] = 100.0  # the upper fifth lies above rank 153
    area[50] = area[100] = 4.0
    assert find_beats(area, prominence="reference").systoles.tolist() == [50, 100]  # (10 - 4) / 2 = 3 <= 6
    assert find_beats(area, prominence="percentile").systoles.tolist() == []  # (100 - 10) / 2 > 6


def test_flat_and_short_curves_have_no_beat():
    for area in (np.ones(100), np.ones(2), np.empty(0), np.linspace(0, 1, 64)):
        assert find_beats(area).pairs.shape == (0, 2)


@pytest.mark.usefixtures("unchecked")
def test_faulty_curves_are_refused():
    for area in (np.array([1.0, np.nan, 2.0]), np.ones((3, 3))):
        with pytest.raises(ValueError, match="one finite number per frame"):
            find_beats(area)
    with pytest.raises(ValueError, match="median"):
        find_beats(curve(), prominence="median")


def test_clip_starts_hold_the_systole_in_the_middle():
    assert beat_clip_starts(np.array([10, 80, 130])).tolist() == [0, 48, 98]
    assert beat_clip_starts(np.array([80]), length=16, period=4).tolist() == [48]
    assert beat_clip_starts(np.array([80, 130, 180]), frames=128).tolist() == [48, 65]  # 128 frames: starts 0 to 65
    assert beat_clip_starts(np.array([20, 40]), frames=50).tolist() == [0]
    assert beat_clip_starts(np.empty(0, dtype=int)).tolist() == []


def test_key_frames_of_a_noisy_cycle():
    frames = np.arange(120)
    phase = np.cos(2 * np.pi * frames / 40)
    found = key_frames(phase + 0.05 * np.random.default_rng(0).standard_normal(120))
    assert np.abs(found.end_diastoles - [0, 40, 80, 119]).max() <= 3
    assert np.abs(found.end_systoles - [20, 60, 100]).max() <= 3
    exact = key_frames(phase)
    assert exact.end_diastoles.tolist() == [0, 40, 80, 119] and exact.end_systoles.tolist() == [20, 60, 100]
    mirrored = key_frames(-phase)
    assert mirrored.end_systoles.tolist() == exact.end_diastoles.tolist()


def test_key_frames_of_one_sign_or_one_frame():
    assert [side.tolist() for side in key_frames(np.array([0.2, 0.4, 0.3]))] == [[1], []]
    assert [side.tolist() for side in key_frames(np.array([-0.2]))] == [[], [0]]
    for phase in (np.array([0.0, np.nan]), np.empty(0)):
        with pytest.raises(ValueError, match="one finite number per frame"):
            key_frames(phase)
