"""Dice and keypoint errors against loops."""

import numpy as np
import pytest
import torch

from echolib.metrics import dice, dice_per_image, keypoint_error, mean_mask_dice, overlap, pooled_dice


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
    counts = overlap(prediction, label)
    np.testing.assert_allclose(dice(*counts), by_image)
    assert pooled_dice(*counts) == pytest.approx(2 * shared / total)


def test_tensors_give_what_arrays_give(masks):
    prediction, label = masks
    tensors = overlap(torch.from_numpy(prediction), torch.from_numpy(label))
    for ours, theirs in zip(tensors, overlap(prediction, label), strict=True):
        assert ours.dtype == torch.int64
        np.testing.assert_array_equal(ours.numpy(), theirs)
    torch.testing.assert_close(dice(*tensors).double(), torch.from_numpy(dice_per_image(prediction, label)))
    assert float(pooled_dice(*tensors)) == pytest.approx(pooled_dice(*overlap(prediction, label)))


def test_the_mean_mask_against_loops(masks):
    """A pixel belongs to it where more than half of the training masks have it; an even split is outside."""
    training, label = masks
    mean = np.zeros((9, 11), dtype=bool)
    for row, column in np.ndindex(9, 11):
        mean[row, column] = sum(bool(mask[row, column]) for mask in training) > 3
    expected = [2 * (mean & mask).sum() / (mean.sum() + mask.sum()) for mask in label]
    np.testing.assert_allclose(mean_mask_dice(training, label), expected)
    tensors = mean_mask_dice(torch.from_numpy(training), torch.from_numpy(label))
    np.testing.assert_allclose(tensors.numpy(), expected, rtol=1e-6)
    same = np.stack([training[:1], label[:1]], 1).repeat(3, 0)  # by structure; all training masks alike
    np.testing.assert_allclose(mean_mask_dice(same, same), 1.0)


@pytest.mark.usefixtures("unchecked")
def test_no_mean_without_training_masks_of_the_same_shape(masks):
    training, label = masks
    for wrong in (training[:0], training[:, :4]):
        with pytest.raises(ValueError, match="training masks"):
            mean_mask_dice(wrong, label)


def test_masks_of_numbers_count_what_is_not_zero(masks):
    prediction, label = masks
    as_numbers = dice_per_image(255 * prediction.astype(np.uint8), label.astype(np.float32))
    np.testing.assert_array_equal(as_numbers, dice_per_image(prediction, label))


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
    assert pooled_dice(*overlap(prediction, label)) == pytest.approx(160 / 161)


def test_empty_masks_agree():
    empty = np.zeros((2, 4, 4), dtype=bool)
    one_is_not = empty.copy()
    one_is_not[1, 0, 0] = True
    for prediction, label in ((empty, one_is_not), (one_is_not, empty)):
        assert dice_per_image(prediction, label).tolist() == [1, 0]
        assert dice_per_image(torch.from_numpy(prediction), torch.from_numpy(label)).tolist() == [1, 0]
    assert pooled_dice(*overlap(empty, empty)) == 1 == dice(*np.zeros(3, dtype=int))


@pytest.mark.usefixtures("unchecked")
def test_masks_of_different_shape_are_refused():
    empty = np.zeros((2, 4, 4), dtype=bool)
    with pytest.raises(ValueError, match="different shape"):
        dice_per_image(empty, empty[0])


def test_keypoint_error_in_px_and_mm():
    label = np.array([[[0.0, 0.0], [10.0, 10.0]], [[5.0, 5.0], [7.0, 7.0]]])
    prediction = label + np.array([[[3.0, 4.0], [0.0, 0.0]], [[0.0, -2.0], [np.nan, 0.0]]])
    np.testing.assert_allclose(keypoint_error(prediction, label), [[5, 0], [2, np.nan]])
    np.testing.assert_allclose(keypoint_error(prediction, label, kind="axis"), [[3.5, 0], [1, np.nan]])
    np.testing.assert_allclose(keypoint_error(prediction, label, np.array([0.5, 2.0])), [[2.5, 0], [4, np.nan]])


@pytest.mark.usefixtures("unchecked")
def test_what_are_no_keypoints_is_refused():
    label = np.zeros((2, 2, 2))
    with pytest.raises(ValueError, match="points, 2"):
        keypoint_error(label[..., :1], label[..., :1])
    with pytest.raises(ValueError, match="distance"):
        keypoint_error(label, label, kind="l2")
