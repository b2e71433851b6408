"""Wall measures by closed form; keypoints of made ventricles and of real ones."""

import numpy as np
import pytest
import torch

from echolib.geometry import apical_keypoints, lv_mass_g, relative_wall_thickness, wall_measures

SHAPE = (128, 120)


def test_wall_measures_on_a_slanted_line():
    along = np.array([3.0, -4.0]) / 5
    points = np.array([20.0, 90.0]) + np.array([0.0, 10, 57, 68])[:, None] * along
    ivs, lvid, lvpw = wall_measures(points, 0.1)
    assert (ivs, lvid, lvpw) == pytest.approx((1.1, 4.7, 1.0))
    many = wall_measures(np.stack([points, points + 7, points[::-1]]), np.array([0.1, 0.2, 0.1]))
    np.testing.assert_allclose(many.lvid, [4.7, 9.4, 4.7])
    np.testing.assert_allclose(many.ivs, [1.1, 2.2, 1.0])  # from top to bottom the walls change places
    tensors = wall_measures(torch.from_numpy(points), 0.1)
    assert all(isinstance(each, torch.Tensor) for each in tensors)
    assert [float(each) for each in tensors] == pytest.approx([1.1, 4.7, 1.0])


def test_relative_wall_thickness_and_mass():
    assert relative_wall_thickness(1.0, 5.0) == pytest.approx(0.4)
    shell = 0.8 * 1.04 * (7.0**3 - 5.0**3) + 0.6
    assert lv_mass_g(1.0, 5.0, 1.0) == pytest.approx(shell) and shell == pytest.approx(181.976)
    assert lv_mass_g(0.0, 4.0, 0.0) == pytest.approx(0.6)
    np.testing.assert_allclose(lv_mass_g(np.array([1.0, 0.9]), 5.0, np.array([1.0, 1.1])), shell)
    torch.testing.assert_close(lv_mass_g(*torch.tensor([1.0, 5.0, 1.0])), torch.tensor(shell))


def ventricle(tilt_deg, apex=(60.0, 18.0), length=70.0, width=44.0, gap=0.0):
    """Cavity and atrium: half an ellipse from the apex to a flat base, an ellipse below it, turned about the apex."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    angle = np.deg2rad(tilt_deg)
    x, y = columns - apex[0], rows - apex[1]
    down, side = x * np.sin(angle) + y * np.cos(angle), x * np.cos(angle) - y * np.sin(angle)
    cavity = ((down - length) / length) ** 2 + (side / (width / 2)) ** 2 < 1
    cavity &= (down > 0) & (down < length)
    atrium = ((down - length - gap) / 20) ** 2 + (side / (width / 2)) ** 2 < 1
    atrium &= down >= length + gap
    ends = np.array([[-width / 2, length], [width / 2, length]])  # (side, down)
    ends = np.stack([ends[:, 0] * np.cos(angle) + ends[:, 1] * np.sin(angle),
                     -ends[:, 0] * np.sin(angle) + ends[:, 1] * np.cos(angle)], axis=1)  # fmt: skip
    return cavity, atrium, np.concatenate([[apex], apex + ends])


@pytest.mark.parametrize("with_atrium", [True, False])
def test_keypoints_of_made_ventricles(with_atrium):
    made = [ventricle(tilt) for tilt in (-25, -10, 0, 10, 25)]
    cavities, atria, truth = (np.stack(each) for each in zip(*made, strict=True))
    found = apical_keypoints(cavities, atria=atria if with_atrium else None)
    assert found.shape == (5, 3, 2)
    error = np.linalg.norm(found - truth, axis=-1)
    assert error[:, 1:].max() < 2.5  # pixels, of a ventricle 70 long
    assert error[:, 0].max() < 3.5  # an upright apex is a row of pixels


def test_the_annulus_is_where_the_atrium_is():
    cavity, atrium, truth = ventricle(5)
    narrow = atrium & (np.arange(SHAPE[1]) > 55)
    apart = ventricle(5, gap=6.0)[1]
    left = apical_keypoints(cavity[None], atria=narrow[None])[0, 1]
    assert left[0] == pytest.approx(55.5, abs=1.5)  # cut short on the left
    without, touching_nothing = apical_keypoints(cavity[None]), apical_keypoints(cavity[None], atria=apart[None])
    np.testing.assert_array_equal(without, touching_nothing)
    assert np.linalg.norm(without[0] - truth, axis=-1).max() < 2.5


def test_pixels_that_are_not_square_and_empty_masks():
    cavity, atrium, truth = ventricle(12)
    tall = np.repeat(np.stack([cavity, np.zeros_like(cavity)]), 2, axis=1)
    found = apical_keypoints(tall, (0.5, 1.0), np.repeat(np.stack([atrium, atrium]), 2, axis=1))
    assert np.isnan(found[1]).all()
    assert np.linalg.norm((found[0] - [0, 0.5]) / [1, 2] - truth, axis=-1).max() < 2.5


def test_keypoints_of_camus_patients(camus_folder):
    from echolib.data import CAMUS, read_mask

    images = CAMUS(camus_folder).images
    images = images[images["phase"] == "ED"].iloc[:12]
    for row in images.itertuples():
        labels, spacing = read_mask(row.mask_path)
        apex, left, right = apical_keypoints(labels == 1, spacing, labels == 3)[0] * spacing[::-1]
        assert left[0] < right[0] and apex[1] < min(left[1], right[1])
        assert 15 < np.linalg.norm(right - left) < 55  # mm
        assert 55 < np.linalg.norm((left + right) / 2 - apex) < 120
