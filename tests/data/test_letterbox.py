"""Fitting frames and points into another size."""

import numpy as np
import pytest
import torch

from echolib.data.letterbox import Letterbox, fit_frames, letterbox


def test_geometry():
    assert letterbox(100, 200, (50, 50)) == Letterbox(0.25, 12, 0)
    assert letterbox(200, 100, (50, 50)) == Letterbox(0.25, 0, 12)
    assert letterbox(112, 112, (112, 112)) == Letterbox(1.0, 0, 0)


@pytest.mark.parametrize(("shape", "size"), [((768, 1024), (112, 112)), ((37, 91), (64, 48)), ((20, 10), (90, 90))])
def test_points_there_and_back_and_inside(shape, size):
    box = letterbox(*shape, size)
    corners = np.array([[-0.5, -0.5], [shape[1] - 0.5, shape[0] - 0.5], [3.25, 7.5]])
    moved = box.apply_points(corners)
    np.testing.assert_allclose(box.invert_points(moved), corners)
    assert (moved >= -0.5).all() and (moved <= np.array(size[::-1]) - 0.5 + 1e-9).all()
    np.testing.assert_allclose(np.diff(moved[:2], axis=0), np.array(shape[::-1])[None] * box.scale)


@pytest.mark.parametrize(("shape", "size"), [((60, 90), (48, 48)), ((61, 47), (32, 40)), ((20, 31), (64, 64))])
def test_a_bright_spot_stays_under_its_point(shape, size):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    x, y = 0.6 * shape[1], 0.4 * shape[0]
    spot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.0**2))
    fitted = fit_frames(spot[None].round().astype("uint8"), size)[0].astype(float)
    rows, columns = np.mgrid[: size[0], : size[1]]
    centre = np.array([(fitted * columns).sum(), (fitted * rows).sum()]) / fitted.sum()
    np.testing.assert_allclose(centre, letterbox(*shape, size).apply_points([x, y]), atol=0.03)


def test_area_averages_whole_blocks():
    frames = np.random.default_rng(0).integers(0, 256, (3, 24, 36)).astype("uint8")
    expected = torch.nn.functional.avg_pool2d(torch.from_numpy(frames).double(), 4).round().numpy()
    np.testing.assert_allclose(fit_frames(frames, (6, 9)), expected, atol=1)
    assert (fit_frames(frames, (6, 9)) == expected).mean() > 0.95  # halves may round either way


def test_area_grows_as_linear_interpolation():
    frames = np.random.default_rng(0).integers(0, 256, (2, 12, 12)).astype("uint8")
    tensor = torch.from_numpy(frames).double()[None]
    expected = torch.nn.functional.interpolate(tensor, size=(30, 30), mode="bilinear", align_corners=False)[0].numpy()
    np.testing.assert_allclose(fit_frames(frames, (30, 30)), expected, atol=0.51)


def test_constant_frames_stay_constant_and_the_rest_is_black():
    fitted = fit_frames(np.full((2, 50, 100), 200, "uint8"), (40, 40))
    assert (fitted[:, 10:30] == 200).all() and (fitted[:, :10] == 0).all() and (fitted[:, 30:] == 0).all()


def test_labels_stay_labels_and_their_areas():
    labels = np.zeros((1, 90, 120), "uint8")
    labels[0, 20:60, 30:80], labels[0, 60:80, 40:70] = 1, 3
    fitted = fit_frames(labels, (45, 50), "nearest")
    assert set(np.unique(fitted)) == {0, 1, 3}
    scale = letterbox(90, 120, (45, 50)).scale
    for label in (1, 3):
        assert (fitted == label).sum() == pytest.approx((labels == label).sum() * scale**2, rel=0.1)


def test_same_size_is_the_same_array_and_unknown_kinds_are_refused():
    frames = np.zeros((1, 5, 6), "uint8")
    assert fit_frames(frames, (5, 6)) is frames
    with pytest.raises(ValueError, match="'cubic' is not"):
        fit_frames(frames, (5, 5), "cubic")
