"""Statistics of labelled frames."""

import numpy as np
import pytest

from echolib.phantom import apical_frames
from echolib.phantom.statistics import REAL_FOUR_CHAMBER, frame_statistics


def test_the_cavity_is_darker_than_the_wall():
    images, labels = (t.numpy() for t in apical_frames(24, 96, seed=0))
    figures = frame_statistics(images, labels, 1.6)
    assert (figures["myocardium_to_lv"] > 1).mean() > 0.9
    real = REAL_FOUR_CHAMBER.mean(axis=1)
    ratio = figures["myocardium_to_lv"].median() / real["myocardium_to_lv"]
    assert 0.75 < ratio < 1.25
    assert figures["tilt_deg"].mean() == pytest.approx(-10, abs=6)


def test_statistics_of_a_drawn_frame():
    label = np.zeros((200, 200), np.uint8)
    label[40:120, 80:120] = 1  # a box of 80 x 40 pixels
    label[120:150, 80:120] = 3
    image = np.full((200, 200), 50, np.uint8)
    image[label == 1] = 20
    row = frame_statistics(image[None], label[None], 0.5).iloc[0]
    assert row["lv_area_cm2"] == pytest.approx(80 * 40 * 0.25 / 100)
    assert row["atrium_area_cm2"] == pytest.approx(30 * 40 * 0.25 / 100)
    assert row["grey_lv"] == 20 and row["grey_background"] == 50
    assert row["base_depth_mm"] == pytest.approx(59.25, abs=0.6)
    assert row["long_axis_mm"] == pytest.approx(40, rel=0.05)
    assert row["local_sd_lv"] == 0
