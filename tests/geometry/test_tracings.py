"""Tracings and outlines against hand-made shapes."""

import numpy as np
import pytest
from skimage.draw import polygon

from echolib.geometry import mask_contour, tracing_mask, tracing_polygon


def bullet(height=80.0, width=30.0, x=56.0, y=16.0):
    """A tracing of a half-ellipse with its apex at (x, y)."""
    depth = np.linspace(0.02, 1, 20)
    half = width / 2 * np.sqrt(1 - (1 - depth) ** 2)
    chords = np.stack([x - half, y + depth * height, x + half, y + depth * height], axis=1)
    return np.concatenate([[[x, y, x, y + height]], chords]).astype(np.float32)


def test_mask_leaves_out_the_axis_and_follows_the_chords():
    tracing = bullet()
    rounded = np.rint(tracing[1:]).astype(int)
    columns = np.concatenate([rounded[:, 0], rounded[::-1, 2]])
    rows = np.concatenate([rounded[:, 1], rounded[::-1, 3]])
    written_out = np.zeros((112, 112), dtype=bool)
    written_out[polygon(rows, columns, (112, 112))] = True
    mask = tracing_mask(tracing, 112, 112)
    assert mask.dtype == bool and mask.shape == (112, 112)
    np.testing.assert_array_equal(mask, written_out)
    moved_axis = tracing.copy()
    moved_axis[0] = [0, 0, 111, 111]
    np.testing.assert_array_equal(tracing_mask(moved_axis, 112, 112), mask)


def test_mask_area_of_a_half_ellipse():
    area = tracing_mask(bullet(), 112, 112).sum()
    assert area == pytest.approx(np.pi / 4 * 80 * 30, rel=0.03)


def test_coordinates_round_to_the_nearest_pixel():
    square = np.array([[5, 5, 5, 9], [2.4, 2.6, 6.4, 2.6], [2.4, 5.0, 6.4, 5.0], [2.4, 7.4, 6.4, 7.4]])
    mask = tracing_mask(square, 12, 12)
    assert np.argwhere(mask).min(axis=0).tolist() == [3, 2]
    assert np.argwhere(mask).max(axis=0).tolist() == [7, 6]


def test_mask_is_cut_at_the_image():
    mask = tracing_mask(bullet(x=0.0), 112, 112)
    assert mask[:, 0].any() and not mask[:, 40:].any()


def test_mirrored_tracing_gives_the_mirrored_mask():
    tracing = bullet(x=50.0)
    mirrored = tracing.copy()
    mirrored[:, [0, 2]] = 111 - tracing[:, [2, 0]]
    whole = np.rint(tracing)  # halves round to even, which is not symmetric
    mirrored_whole = whole.copy()
    mirrored_whole[:, [0, 2]] = 111 - whole[:, [2, 0]]
    np.testing.assert_array_equal(tracing_mask(mirrored_whole, 112, 112), tracing_mask(whole, 112, 112)[:, ::-1])


def test_polygon_order_and_refusal():
    outline = tracing_polygon(np.array([[0, 0, 0, 9], [1, 1, 2, 1], [3, 4, 5, 4]]))
    np.testing.assert_array_equal(outline, [[1, 1], [3, 4], [5, 4], [2, 1]])
    with pytest.raises(ValueError, match="two chords"):
        tracing_polygon(np.zeros((2, 4)))


def test_contour_is_closed_and_lies_half_a_pixel_outside():
    mask = np.zeros((10, 12), dtype=bool)
    mask[0:4, 3:8] = True  # touches the upper edge
    outline = mask_contour(mask)
    np.testing.assert_array_equal(outline[0], outline[-1])
    assert outline.min(axis=0).tolist() == [2.5, -0.5]
    assert outline.max(axis=0).tolist() == [7.5, 3.5]
    assert mask_contour(np.zeros((4, 4), dtype=bool)).shape == (0, 2)
