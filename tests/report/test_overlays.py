"""Images side by side, with masks, keypoints and activation maps over them."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from echolib.report import (
    PALETTE,
    activation_overlays,
    image_grid,
    keypoint_overlays,
    mask_overlays,
    save_figure,
)


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 255, (20, 30), dtype=np.uint8)


@pytest.fixture
def mask():
    mask = np.zeros((20, 30), bool)
    mask[5:12, 6:14] = True
    return mask


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_images_in_rows_with_titles_above_the_columns(image):
    rows = [[image, 255 - image, image], [image // 2, image, image]]
    figure = image_grid(rows, ["a", "b", "c"])
    assert titles(figure) == ["a", "b", "c", "", "", ""]
    for axes, shown in zip(figure.axes, [*rows[0], *rows[1]], strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), shown)
        assert axes.images[0].get_clim() == (0, 255)


def test_outlines_of_masks_in_the_colours_of_their_methods(image, mask, tmp_path):
    methods = {"one": [mask, mask], "empty": [mask & False] * 2, "full": [mask | True] * 2}
    figure = mask_overlays([image] * 2, [mask] * 2, methods, ["easy", "hard"])
    assert titles(figure) == ["easy", "hard"]
    assert legend(figure) == ["label", *methods]
    colours = [contour.get_edgecolor()[0] for contour in figure.axes[0].collections]
    np.testing.assert_allclose(colours, [to_rgba("white"), to_rgba(PALETTE[0])])  # no outline: nothing, or all
    outline = figure.axes[0].collections[1].get_paths()[0].vertices
    np.testing.assert_allclose([outline.min(0), outline.max(0)], [[5.5, 4.5], [13.5, 11.5]])
    assert save_figure(figure, tmp_path, "masks").exists()


def test_keypoints_as_rings_and_crosses(image):
    label = [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0], [7.0, 8.0]])]
    methods = {"a": [points + 1 for points in label], "b": [points - 1 for points in label]}
    figure = keypoint_overlays([image] * 2, label, methods)
    assert legend(figure) == ["label", "a", "b"]
    for number, axes in enumerate(figure.axes):
        rings, *crosses = axes.collections[:3]
        np.testing.assert_allclose(rings.get_offsets(), label[number])
        assert len(rings.get_facecolor()) == 0
        for colour, points, cross in zip(PALETTE[1:], methods.values(), crosses, strict=False):
            np.testing.assert_allclose(cross.get_offsets(), points[number])
            np.testing.assert_allclose(cross.get_edgecolor()[0], to_rgba(colour))
        pairs = [pair for points in methods.values() for pair in zip(label[number], points[number], strict=True)]
        np.testing.assert_allclose([line.get_xydata() for line in axes.lines], pairs)


def test_keypoints_fill_a_square_of_one_size_within_the_image():
    image = np.zeros((100, 200), np.uint8)
    corner, middle = np.array([[1.0, 2.0], [11.0, 12.0]]), np.array([[100.0, 50.0], [120.0, 50.0]])
    first, second = keypoint_overlays([image] * 2, [corner, middle], {"a": [corner, middle]}).axes
    np.testing.assert_allclose([first.get_xlim(), first.get_ylim()], [(-0.5, 33.5), (33.5, -0.5)])
    np.testing.assert_allclose([second.get_xlim(), second.get_ylim()], [(93, 127), (67, 33)])  # 1.7 times 20 px


def test_activation_maps_are_scaled_to_their_own_range(image, mask):
    activation = np.linspace(-3, 5, image.size).reshape(image.shape)
    flat = np.full(image.shape, 2.0)
    videos = [(image, activation, mask), (image, flat, mask)]
    figure = activation_overlays({"M0": videos, "M1": videos}, ["EF 30 %", "EF 60 %"])
    assert titles(figure) == ["EF 30 %", "EF 60 %", "", ""]
    assert [axes.get_ylabel() for axes in figure.axes] == ["M0", "", "M1", ""]
    frame, overlay = figure.axes[0].images
    np.testing.assert_array_equal(frame.get_array(), image)
    np.testing.assert_allclose(overlay.get_array(), (activation + 3) / 8)
    np.testing.assert_allclose(overlay.get_alpha(), 0.65 * (activation + 3) / 8)
    assert (figure.axes[1].images[1].get_array() == 0).all()  # a map without differences is transparent
    assert len(figure.axes[0].collections) == 1  # the ventricle
