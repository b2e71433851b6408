"""Dice and keypoint errors against loops."""

import numpy as np
import pytest

from echolib.metrics import dice, dice_per_image, dice_pooled, keypoint_error, overlap, pooled_dice


@pytest.fixture
def masks():
    rng = np.random.default_rng(0)
    return rng.random((6, 9, 11)) < 0.4, rng.random((6, 9, 11)) < 0.5


def test_dice_against_loops(masks):
    prediction, label = masks
    by_image, shared, total = [], 0, 0
    for p, q in zip(prediction, label, strict=True):
        both = sum(bool(a) and bool(b) for a, b in zip(p.flat, q.flat, strict=True))
        by_image.append(2 * both / (p.sum() + q.sum()))
        shared, total = shared + both, total + p.sum() + q.sum()
    np.testing.assert_allclose(dice_per_image(prediction, label), by_image)
    assert dice_pooled(prediction, label) == pytest.approx(2 * shared / total)
    counts = overlap(prediction, label)
    np.testing.assert_allclose(dice(*counts), by_image)
    assert pooled_dice(*counts) == dice_pooled(prediction, label)


def test_dice_is_symmetric_and_bounded(masks):
    prediction, label = masks
    np.testing.assert_array_equal(dice_per_image(prediction, label), dice_per_image(label, prediction))
    np.testing.assert_array_equal(dice_per_image(label, label), 1)
    np.testing.assert_array_equal(dice_per_image(~label, label), 0)


def test_pooled_dice_weighs_by_size():
    large, small = np.zeros((2, 10, 10), dtype=bool)
    large[:8], small[0, 0] = True, True
    prediction, label = np.stack([large, np.zeros_like(small)]), np.stack([large, small])
    assert dice_per_image(prediction, label).tolist() == [1, 0]
    assert dice_pooled(prediction, label) == pytest.approx(160 / 161)


def test_empty_masks_agree_and_shapes_must():
    empty = np.zeros((2, 4, 4), dtype=bool)
    assert dice_per_image(empty, empty).tolist() == [1, 1]
    assert dice_pooled(empty, empty) == 1
    with pytest.raises(ValueError, match="different shape"):
        dice_per_image(empty, empty[0])


def test_keypoint_error_in_px_and_mm():
    label = np.array([[[0.0, 0.0], [10.0, 10.0]], [[5.0, 5.0], [7.0, 7.0]]])
    prediction = label + np.array([[[3.0, 4.0], [0.0, 0.0]], [[0.0, -2.0], [np.nan, 0.0]]])
    np.testing.assert_allclose(keypoint_error(prediction, label), [[5, 0], [2, np.nan]])
    np.testing.assert_allclose(keypoint_error(prediction, label, kind="axis"), [[3.5, 0], [1, np.nan]])
    np.testing.assert_allclose(keypoint_error(prediction, label, [0.5, 2.0]), [[2.5, 0], [4, np.nan]])
    with pytest.raises(ValueError, match="points, 2"):
        keypoint_error(label[..., :1], label[..., :1])
    with pytest.raises(ValueError, match="distance"):
        keypoint_error(label, label, kind="l2")
