"""The volume curve."""

import numpy as np
import pytest

from echolib.phantom.anatomy.cardiac_cycle import Rhythm, cycle_at, draw_rhythm, smooth_step, systole_seconds


def one_beat(length=1.0, kick=0.3):
    times = np.linspace(0, length, 1001)[:-1]
    return times, cycle_at(Rhythm(np.array([0.0]), np.array([length]), np.array([1.0]), kick), times)


def test_phases_of_a_beat():
    times, beat = one_beat()
    systole = float(systole_seconds(np.array(1.0)))
    assert beat.contraction[0] == 0 and beat.contraction.max() == pytest.approx(1, abs=1e-6)
    assert times[beat.contraction.argmax()] == pytest.approx(systole, abs=0.07)
    assert np.all(np.diff(beat.contraction[times < systole]) >= 0)  # ejection only empties
    assert np.all(np.diff(beat.contraction[times > systole + 0.07]) <= 1e-12)  # filling only fills
    diastasis = (times > 0.72) & (times < 0.84)
    assert np.ptp(beat.contraction[diastasis]) < 0.01  # rest before the atrial kick
    assert beat.contraction[diastasis].mean() == pytest.approx(0.3, abs=0.01)
    assert beat.contraction[-1] < 0.01


def test_valve_is_shut_in_systole_and_opens_twice():
    times, beat = one_beat()
    systole = float(systole_seconds(np.array(1.0)))
    assert beat.mitral_opening[(times > 0.001) & (times < systole)].max() == 0
    peaks = (beat.mitral_opening[1:-1] > beat.mitral_opening[:-2]) & (
        beat.mitral_opening[1:-1] >= beat.mitral_opening[2:]
    )
    assert len(np.flatnonzero(np.diff(np.flatnonzero(peaks)) > 30)) >= 1


def test_no_atrial_kick_in_irregular_hearts():
    beats = draw_rhythm(np.random.default_rng(0), 80, 6, irregular=True)
    assert beats.atrial_kick == 0
    regular = draw_rhythm(np.random.default_rng(0), 80, 6, irregular=False)
    variation = [np.std(r.lengths) / np.mean(r.lengths) for r in (beats, regular)]
    assert variation[0] > 0.08 > 0.03 > variation[1]


def test_beats_cover_the_clip_and_weaken_after_a_short_one():
    beats = draw_rhythm(np.random.default_rng(3), 70, 5, irregular=True)
    assert beats.starts[0] <= 0 and beats.starts[-1] + beats.lengths[-1] > 5
    np.testing.assert_allclose(np.diff(beats.starts), beats.lengths[:-1])
    early = beats.lengths[:-1] < 0.85 * 60 / 70
    assert (beats.amplitudes[1:][early] < 1).all()


def test_systole_shortens_in_fast_hearts_and_is_316_ms_at_67():
    assert float(systole_seconds(np.array(60 / 66.7))) == pytest.approx(0.316, abs=0.002)
    assert systole_seconds(np.array(0.5)) < systole_seconds(np.array(1.2))


def test_smooth_step_ends():
    x = np.array([-1.0, 0, 0.5, 1, 2])
    np.testing.assert_allclose(smooth_step(x), [0, 0, 0.5, 1, 1])


def test_every_rate_fills_completely():
    for rate in (45, 70, 95, 120):
        _, beat = one_beat(60 / rate)
        assert beat.contraction.max() > 0.99 and beat.contraction[-1] < 0.02
