"""Random changes of images: geometry that moves masks alike, contrast that leaves the background black."""

import math

import pytest
import torch

from echolib.data.augmentation import Strength, affine_maps, moved, recoloured, sector_normalised

STILL = Strength(rotation_deg=0, scale=0, aspect=0, shift=0, log_gamma=0, gain=0, field=0)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_without_strength_nothing_changes():
    images = torch.rand(3, 2, 12, 12)
    torch.testing.assert_close(moved(images, affine_maps(3, STILL, generator())), images)
    torch.testing.assert_close(recoloured(images[:, 0], STILL, generator()), images[:, 0])


def test_a_quarter_turn_is_torch_s_rotation():
    angle = math.pi / 2
    turn = torch.tensor([[[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0]]])
    image = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(moved(image, turn), image.rot90(1, (2, 3)), atol=1e-5, rtol=0)


def test_maps_stay_within_their_strength():
    maps = affine_maps(4000, Strength(), generator())
    area = torch.linalg.det(maps[:, :, :2])
    assert 0.64 - 1e-4 <= area.min() < 0.66 and 1.42 < area.max() <= 1.44 + 1e-4
    assert maps[:, :, 2].abs().max() <= 0.2
    assert torch.rad2deg(torch.atan2(maps[:, 1, 0], maps[:, 0, 0])).abs().max() <= 20 + 1e-3
    assert maps.mean(0)[:, :2].sub(torch.eye(2)).abs().max() < 0.03


def test_black_stays_black_and_white_stays_in_range():
    grey = torch.rand(8, 16, 16) * (torch.rand(8, 16, 16) > 0.5)
    changed = recoloured(grey, Strength(), generator())
    assert changed[grey == 0].eq(0).all() and changed.min() >= 0 and changed.max() <= 1
    assert (changed - grey).abs().mean() > 0.02


@pytest.mark.parametrize("gain", [0.5, 1.0])
def test_a_gain_does_not_matter_to_a_normalised_sector(gain):
    grey = torch.rand(2, 64, 64) * (torch.arange(64) > 9)
    found = sector_normalised(grey * gain)
    inside = grey > 0
    assert found[~inside].eq(-1.5).all()
    assert abs(float(found[inside].mean())) < 0.01 and abs(float(found[inside].std()) - 1) < 0.05
    torch.testing.assert_close(found, sector_normalised(grey), atol=0.05, rtol=0)
