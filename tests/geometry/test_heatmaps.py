"""Points to heat maps and back, against closed forms."""

import math

import pytest
import torch

from echolib.geometry import decode_heatmaps, heatmaps, to_cells, to_pixels


def random_points(shape, height, width, margin, seed=0):
    draw = torch.rand(*shape, 2, generator=torch.Generator().manual_seed(seed))
    return margin + draw * (torch.tensor([width, height]) - 1 - 2 * margin)


def test_maps_against_the_written_out_gaussian():
    points = torch.tensor([[[2.25, 5.5], [7.0, 0.0]]])
    maps = heatmaps(points, 8, 11, 1.7)
    assert maps.shape == (1, 2, 8, 11) and maps.dtype == torch.float32
    for k in range(2):
        x, y = points[0, k].tolist()
        for row in range(8):
            for column in range(11):
                expected = math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * 1.7**2))
                assert float(maps[0, k, row, column]) == pytest.approx(expected, rel=1e-5)
    assert float(maps[0, 1].max()) == 1 == float(maps[0, 1, 0, 7])


def test_mass_and_mean_of_a_map():
    maps = heatmaps(torch.tensor([[20.3, 15.8]]), 32, 40, 2.0)[0].double()
    assert float(maps.sum()) == pytest.approx(2 * math.pi * 4, rel=1e-5)
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(40.0), indexing="ij")
    assert float((maps * columns).sum() / maps.sum()) == pytest.approx(20.3, abs=1e-4)
    assert float((maps * rows).sum() / maps.sum()) == pytest.approx(15.8, abs=1e-4)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.5])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 250.0])
def test_decoding_exact_maps(sigma, scale):
    points = random_points((40, 5), 24, 30, margin=3)
    found = decode_heatmaps(scale * heatmaps(points, 24, 30, sigma))
    assert found.shape == points.shape and found.dtype == torch.float32
    assert float((found - points).abs().max()) < 2e-3


def test_decoding_up_to_the_border_of_a_map_and_a_little_beyond():
    points = torch.tensor([[0.0, 0.0], [15.0, 11.0], [-0.4, 5.3], [7.2, 11.45]])
    found = decode_heatmaps(heatmaps(points, 12, 16, 2.0))
    assert float((found - points).abs().max()) < 2e-3


def test_decoding_is_finer_than_the_highest_cell_under_noise():
    points = random_points((300,), 20, 20, margin=3, seed=1)
    maps = heatmaps(points, 20, 20, 2.0)
    noisy = maps + 0.01 * torch.randn(maps.shape, generator=torch.Generator().manual_seed(2))
    error = (decode_heatmaps(noisy) - points).norm(dim=-1)
    place = noisy.flatten(1).argmax(1)
    coarse = (torch.stack([place % 20, place // 20], -1) - points).norm(dim=-1)
    assert float(error.mean()) < 0.05 < 0.3 < float(coarse.mean())


def test_decoding_follows_a_shift_and_a_mirror():
    points = random_points((20,), 16, 16, margin=4, seed=3)
    maps = heatmaps(points, 16, 16, 1.5) ** 0.7  # a peak of another width
    found = decode_heatmaps(maps)
    moved = decode_heatmaps(maps.roll((1, 2), (-2, -1)))
    torch.testing.assert_close(moved - found, torch.tensor([2.0, 1.0]).expand(20, 2), atol=1e-3, rtol=0)
    mirrored = decode_heatmaps(maps.flip(-1))
    torch.testing.assert_close(mirrored[:, 0], 15 - found[:, 0], atol=1e-3, rtol=0)


def test_unlabelled_points_are_empty_maps_and_any_map_gives_a_point():
    points = torch.tensor([[[3.0, 4.0], [float("nan"), 4.0], [2.0, float("nan")]]])
    maps = heatmaps(points, 9, 9, 2.0)
    assert float(maps[0, 1:].abs().max()) == 0 and float(maps[0, 0].max()) == 1
    spike = torch.zeros(9, 9)
    spike[6, 1] = 1.0
    odd = [maps[0, 1], torch.full((9, 9), 0.5), torch.full((9, 9), -1.0), torch.full((9, 9), float("nan")), spike]
    found = decode_heatmaps(torch.stack(odd))
    assert bool(torch.isfinite(found).all()) and bool(((found >= 0) & (found <= 8)).all())
    assert found[-1].tolist() == pytest.approx([1, 6], abs=0.5)


def test_half_precision_around_the_decoding_does_not_reach_it():
    points = random_points((50,), 24, 24, margin=3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = decode_heatmaps(heatmaps(points, 24, 24, 2.0))
    assert float((found - points).abs().max()) < 2e-3


def test_maps_too_small_are_refused():
    with pytest.raises(ValueError, match="smaller than the fit"):
        decode_heatmaps(torch.zeros(4, 16))


def test_cells_and_pixels():
    points = torch.tensor([[-0.5, -0.5], [1.5, 1.5], [255.5, 12.0]])
    assert to_cells(points, 4)[:2].tolist() == [[-0.5, -0.5], [0.0, 0.0]]  # the outer corner; the first cell's centre
    torch.testing.assert_close(to_pixels(to_cells(points, 4), 4), points)
