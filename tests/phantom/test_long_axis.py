"""The heart in the parasternal long-axis view: its measures, its motion, and its image."""

import numpy as np
import pytest
import torch

from echolib.phantom.anatomy.long_axis import (
    caliper_points,
    end_diastolic_long_axis,
    long_axis_coordinates,
    long_axis_end_diastolic_position,
    long_axis_pose,
    wall_layers,
)
from echolib.phantom.anatomy.population import draw_long_axis_hearts
from echolib.phantom.scanner.acquisition import draw_acquisitions
from echolib.phantom.scanner.parasternal_view import ParasternalView
from echolib.phantom.scanner.rendering import render
from echolib.phantom.scanner.scan_geometry import PixelGrid, Sector
from echolib.phantom.scanner.speckle import clip_speckle, speckle_bank


@pytest.fixture(scope="module")
def hearts():
    return draw_long_axis_hearts(np.random.default_rng(0), 8)


def at(hearts, *contraction):
    return long_axis_pose(hearts, torch.tensor([contraction], dtype=torch.float64).expand(len(hearts.angle), -1))


def test_calipers_measure_the_walls(hearts):
    pose = at(hearts, 0.0, 0.5, 1.0)
    distances = caliper_points(hearts, pose).diff(dim=2).norm(dim=-1)
    torch.testing.assert_close(distances, torch.stack((pose.wall, pose.cavity, pose.septum), -1))
    assert (pose.cavity.diff(dim=1) < 0).all() and (pose.wall.diff(dim=1) > 0).all()


def test_caliper_points_lie_on_the_walls_at_the_origin(hearts):
    pose = at(hearts, 0.3)
    points = caliper_points(hearts, pose)
    x, z = (points[..., None, :, k] for k in range(2))
    p, d = long_axis_coordinates(hearts, pose, x, z)
    assert p.abs().max() < 1e-9
    layers = wall_layers(hearts, pose, p)
    lower, upper = layers.blood_below, -layers.blood_above
    expected = torch.stack(
        ((lower + layers.wall_below)[..., 0], lower[..., 1], upper[..., 2], (upper - layers.wall_above)[..., 3]), -1
    )
    torch.testing.assert_close(d, expected)


def test_tissue_motion_carries_the_calipers_back_to_end_diastole(hearts):
    pose = at(hearts, 0.8)
    points = caliper_points(hearts, pose)
    origin = long_axis_end_diastolic_position(hearts, pose, *(points[..., None, :, k] for k in range(2)))
    expected = caliper_points(hearts, end_diastolic_long_axis(hearts))
    torch.testing.assert_close(torch.stack(origin, -1)[:, :, 0], expected)


def test_nothing_moves_at_end_diastole(hearts):
    x, z = (t.double().expand(8, 1, 40, 60) for t in (torch.linspace(-50, 50, 60), torch.linspace(5, 140, 40)[:, None]))
    origin = long_axis_end_diastolic_position(hearts, end_diastolic_long_axis(hearts), x, z)
    torch.testing.assert_close(origin, (x, z))


def test_the_rendered_cavity_is_darker_than_the_septum(hearts):
    heart = hearts.select(slice(0, 1))
    pose = at(heart, *np.linspace(0, 1, 12))
    bank = speckle_bank(torch.Generator().manual_seed(0))
    acquisition = draw_acquisitions(np.random.default_rng(0), np.ones(1), "clinic")
    view = ParasternalView(heart, pose, torch.zeros(1, 12), acquisition, clip_speckle(bank, [5]))
    sector = Sector(torch.tensor([150.0]), torch.tensor([40.0]), torch.tensor([0.0]))
    grid = PixelGrid(torch.tensor([-96.0]), torch.tensor([0.0]), torch.tensor([[1.0, 1.0]]), 152, 193)
    video = render(view, sector, grid, (150, 100))
    assert video.shape == (12, 152, 193) and video.dtype == np.uint8
    x, z = grid.coordinates()
    p, d = (t[0].numpy() for t in long_axis_coordinates(heart, pose, x.double(), z.double()))
    septum, cavity = pose.septum[0, :, None, None].numpy(), pose.cavity[0, :, None, None].numpy()
    near_origin = np.abs(p) < 12
    in_cavity = near_origin & (np.abs(d) < cavity / 2 - 4)
    in_septum = near_origin & (d < -cavity / 2 - 2) & (d > -cavity / 2 - septum + 2)
    for frame in (0, 11):
        assert video[frame][in_septum[frame]].mean() > video[frame][in_cavity[frame]].mean() + 20
