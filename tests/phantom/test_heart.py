"""The anatomy: exact volumes, conserved myocardium, motion of base and apex, motion of the tissue."""

import numpy as np
import pytest
import torch
from skimage.draw import polygon2mask

from echolib.phantom.anatomy.contours import band_area, endocardium, epicardium, half_width_at, signed_area
from echolib.phantom.anatomy.heart import Heart, chords, pose_at, volume_ml
from echolib.phantom.anatomy.labels import apical_labels
from echolib.phantom.anatomy.polar import polar_contours
from echolib.phantom.anatomy.population import draw_hearts
from echolib.phantom.anatomy.tissue_motion import TissueMotion


@pytest.fixture(scope="module")
def hearts() -> Heart:
    rng = np.random.default_rng(5)
    return draw_hearts(rng, rng.uniform(15, 75, 40), rng.uniform(50, 200, 40))


def at(heart: Heart, *contraction: float):
    return pose_at(heart, torch.tensor([contraction], dtype=torch.float64).expand(len(heart), -1))


def test_ejection_fraction_is_the_given_one_to_machine_precision():
    wanted = np.array([12.0, 35.5, 55.8, 78.0])
    heart = draw_hearts(np.random.default_rng(0), wanted, np.array([260.0, 150.0, 91.0, 60.0]))
    volumes = volume_ml(at(heart, 0, 1)).numpy()
    np.testing.assert_allclose(100 * (1 - volumes[:, 1] / volumes[:, 0]), wanted, atol=1e-6)
    np.testing.assert_allclose(volumes[:, 0], [260, 150, 91, 60], rtol=0.02)


def test_volume_is_the_disc_sum_of_chords_measured_on_the_drawn_contour(hearts):
    pose = at(hearts, 0.0, 0.4, 1.0)
    contour = endocardium(pose).numpy()
    a, _, _ = chords(pose)
    for heart in range(0, 40, 7):
        for time in range(3):
            points, levels = contour[heart, time], a[heart, time].numpy()
            closed = np.concatenate([points, points[:1]])
            widths = [np.ptp(crossings(closed, level)) for level in levels]
            expected = np.pi / 4 * np.square(widths).sum() * float(pose.length[heart, time]) / 20 / 1000
            assert float(volume_ml(pose)[heart, time]) == pytest.approx(expected, rel=0.01)


def crossings(closed: np.ndarray, level: float) -> np.ndarray:
    """Across-coordinates where a closed polygon crosses a = level."""
    a, b = closed.T
    before, after = a[:-1] - level, a[1:] - level
    hit = before * after < 0
    return (b[:-1] + (b[1:] - b[:-1]) * before / np.where(hit, before - after, 1))[hit]


def test_half_widths_meet_the_discs_and_close_at_the_apex(hearts):
    width = hearts.half_width[:, 0, 1]
    middles = ((torch.arange(20, dtype=torch.float64) + 0.5) / 20).expand(40, -1)
    torch.testing.assert_close(half_width_at(width, middles), width)
    assert half_width_at(width, torch.zeros(40, 1, dtype=torch.float64)).abs().max() == 0


def test_myocardium_keeps_its_area(hearts):
    pose = at(hearts, 0.0, 0.3, 0.7, 1.0)
    contour = endocardium(pose)
    area = band_area(contour, epicardium(hearts, pose, contour))
    torch.testing.assert_close(area, area[:, :1].expand_as(area), rtol=1e-9, atol=0)
    assert 1300 < area[:, 0].mean() < 3200  # mm2; real frames 2380 +- 450


def test_walls_thicken_base_descends_and_apex_stays(hearts):
    pose = at(hearts, 0.0, 1.0)
    contour = endocardium(pose)
    thickness = (epicardium(hearts, pose, contour) - contour).norm(dim=-1).mean(-1)
    assert (thickness[:, 1] > thickness[:, 0]).all()
    base = pose.to_probe(torch.stack((pose.length, torch.zeros_like(pose.length)), -1)[:, :, None])[:, :, 0, 1]
    descent = (base[:, 0] - base[:, 1]).mean()
    shift = (pose.apex[:, 1, 1] - pose.apex[:, 0, 1]).mean()
    assert 4 < descent < 12  # towards the probe; real frames 8.3 +- 3.2 mm
    assert 0.5 < shift < 4  # real frames 2.1 +- 2.3 mm


def test_labels_agree_with_polygons_filled_by_another_library(hearts):
    hearts = hearts.select(slice(0, 40, 5))
    pose = at(hearts, 0.0, 0.8)
    z, x = torch.meshgrid(torch.arange(320) * 0.5, torch.arange(360) * 0.5 - 90, indexing="ij")
    x, z = (t.double().expand(8, 1, 320, 360) for t in (x, z))
    labels = apical_labels(hearts, pose, polar_contours(hearts, pose), x, z).numpy()
    contour = endocardium(pose)
    outer = torch.cat((contour[..., :1, :], epicardium(hearts, pose, contour), contour[..., -1:, :]), -2)
    for polygon, classes in ((contour, (1,)), (outer, (1, 2))):
        pixels = (pose.to_probe(polygon) * 2 + torch.tensor([180.0, 0])).numpy()
        for heart in range(8):
            for time in range(2):
                mask = polygon2mask((320, 360), pixels[heart, time, :, ::-1])
                labelled = np.isin(labels[heart, time], classes)
                dice = 2 * (mask & labelled).sum() / (mask.sum() + labelled.sum())
                assert dice > 0.985


def test_atrium_lies_below_the_mitral_plane_and_touches_the_cavity(hearts):
    hearts = hearts.select(slice(0, 40, 4))
    pose = at(hearts, 0.5)
    z, x = torch.meshgrid(torch.arange(200) * 1.0, torch.arange(200) * 1.0 - 100, indexing="ij")
    x, z = (t.double().expand(10, 1, 200, 200) for t in (x, z))
    labels = apical_labels(hearts, pose, polar_contours(hearts, pose), x, z)
    a, _ = pose.to_heart(x, z)
    above = pose.length[..., None, None] * 0.75
    assert not ((labels == 3) & (a < above)).any()
    touching = (labels[..., :-1, :] == 1) & (labels[..., 1:, :] == 3)
    assert touching.any(-1).any(-1).all()


def test_tissue_motion_carries_both_contours_back_to_end_diastole(hearts):
    pose = at(hearts, 0.9)
    reference = at(hearts, 0.0)
    motion = TissueMotion(hearts, pose)
    for contour_of in (endocardium, lambda pose: epicardium(hearts, pose, endocardium(pose))):
        now, then = pose.to_probe(contour_of(pose))[:, :, 6:-6], reference.to_probe(contour_of(reference))
        x, z = (now[..., k][:, :, None] for k in range(2))
        back = torch.stack(motion.end_diastolic_position(x, z), -1)[:, 0, 0]
        distance = torch.cdist(back, refine(then[:, 0])).amin(-1)
        assert distance.mean() < 0.35 and distance.quantile(0.95) < 1.3  # mm


def refine(points: torch.Tensor) -> torch.Tensor:
    """Ten points per segment of contours (N, P, 2)."""
    part = torch.arange(10, dtype=points.dtype)[:, None] / 10
    return (points[:, :-1, None] * (1 - part) + points[:, 1:, None] * part).flatten(1, 2)


def test_area_of_a_square():
    square = torch.tensor([[0.0, 0], [2, 0], [2, 2], [0, 2]])
    assert signed_area(square) == 4
