"""The scanner: speckle, receive chain, scan conversion, what differs between scans, and frames in memory."""

import numpy as np
import pytest
import torch

from echolib.phantom import apical_frames
from echolib.phantom.anatomy.population import draw_hearts
from echolib.phantom.scanner.acquisition import (
    ECHOGENICITY,
    PRESETS,
    Acquisition,
    Normal,
    draw_acquisitions,
    fourier_series,
)
from echolib.phantom.scanner.echogenicity import EchogenicityMap, gaussian, side_lobes, soft_step
from echolib.phantom.scanner.receive_chain import b_mode, log_compress, receive_chain, smooth_lines
from echolib.phantom.scanner.scan_geometry import (
    PixelGrid,
    Sector,
    draw_sectors,
    fit_pixel_grids,
    scan_convert,
    scan_lines,
)
from echolib.phantom.scanner.speckle import (
    AXIAL_FWHM_MM,
    AXIAL_STEP_MM,
    LATERAL_FWHM_DEG,
    LATERAL_STEP_DEG,
    Speckle,
    clip_speckle,
    speckle_bank,
)


@pytest.fixture(scope="module")
def bank():
    return speckle_bank(torch.Generator().manual_seed(0))


def test_envelope_is_rayleigh(bank):
    envelope = bank.speckle.square().sum(-1).sqrt()
    assert float(envelope.mean() / envelope.std()) == pytest.approx(1.91, abs=0.02)
    assert float(envelope.square().mean()) == pytest.approx(1, abs=1e-4)
    share = float((envelope < 0.5).float().mean())
    assert share == pytest.approx(1 - np.exp(-0.25), abs=0.01)  # the Rayleigh distribution function at 0.5


@pytest.mark.parametrize(
    ("axis", "step", "width"), [(0, AXIAL_STEP_MM, AXIAL_FWHM_MM), (1, LATERAL_STEP_DEG, LATERAL_FWHM_DEG)]
)
def test_speckle_has_the_stated_size(bank, axis, step, width):
    intensity = bank.speckle.square().sum(-1).reshape(bank.rows, bank.columns)
    power = torch.fft.fft(intensity - intensity.mean(), dim=axis).abs().square()
    covariance = torch.fft.ifft(power, dim=axis).real.mean(1 - axis)
    covariance = (covariance / covariance[0]).numpy()
    below = int(np.argmax(covariance < 0.5))
    part = (covariance[below - 1] - 0.5) / (covariance[below - 1] - covariance[below])
    assert 2 * (below - 1 + part) * step == pytest.approx(width, rel=0.06)


def test_tissue_speckle_is_periodic_and_noise_is_new_in_every_frame(bank):
    depth = torch.full((1, 1, 4, 300), 60.0) + torch.arange(4)[:, None] * 3
    angle = torch.linspace(-30, 30, 300).expand(1, 1, 4, 300)
    speckle = Speckle(bank, torch.tensor([[10, 20]]), torch.Generator().manual_seed(1))
    first = speckle.tissue(depth, angle)[0]
    torch.testing.assert_close(first, speckle.tissue(depth + AXIAL_STEP_MM * bank.rows, angle)[0])
    frames = speckle.decorrelated(depth, angle, 2)[0][0]
    assert abs(np.corrcoef(frames[0].flatten(), frames[1].flatten())[0, 1]) < 0.2


def test_log_compression_is_ten_log10_times_greys_per_decibel():
    power = torch.tensor([1.0, 10.0, 100.0])
    torch.testing.assert_close(log_compress(power.clone(), torch.tensor(2.0)), torch.tensor([0.0, 20.0, 40.0]))


def test_scan_conversion_puts_a_bright_arc_at_its_depth_and_blacks_the_outside():
    sector = Sector(torch.tensor([100.0]), torch.tensor([40.0]), torch.tensor([5.0]))
    lines = scan_lines(sector, 200, 100)
    grey = 200 * torch.exp(-(((lines.depth_mm - 60) / 2) ** 2))
    grid = PixelGrid(torch.tensor([-63.5]), torch.tensor([0.0]), torch.tensor([[1.0, 1.0]]), 110, 128)
    image = scan_convert(grey, sector, grid)[0, 0].numpy()
    rows, columns = np.nonzero(image > 100)
    np.testing.assert_allclose(np.hypot(columns - 63.5, rows), 60, atol=2.5)
    z, x = np.mgrid[:110, :128]
    outside = (np.hypot(x - 63.5, z) > 100.5) | (np.abs(np.degrees(np.arctan2(x - 63.5, z))) > 40.5)
    assert image[outside].max() == 0


def test_random_frames_shapes_classes_and_seed():
    images, labels = apical_frames(5, 64, seed=3)
    assert images.shape == labels.shape == (5, 64, 64) and images.dtype == labels.dtype == torch.uint8
    assert all(set(label.unique().tolist()) == {0, 1, 2, 3} for label in labels)
    again = apical_frames(5, 64, seed=3)
    assert torch.equal(images, again[0]) and torch.equal(labels, again[1])
    assert not torch.equal(images, apical_frames(5, 64, seed=4)[0])


def test_random_frames_do_not_depend_on_the_number_of_threads():
    threads = torch.get_num_threads()
    try:
        results = []
        for number in (1, 2):
            torch.set_num_threads(number)
            results.append(apical_frames(20, 48, seed=1, variability=1.4))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(results[0][0], results[1][0]) and torch.equal(results[0][1], results[1][1])


def test_speckle_of_a_clip_is_its_seed(bank):
    depth, angle = torch.full((1, 1, 2, 5), 50.0), torch.linspace(-20, 20, 5).expand(1, 1, 2, 5)
    first, again, other = (clip_speckle(bank, seed) for seed in ([1, 2, 3], [1, 2, 3], [1, 2, 4]))
    assert torch.equal(first.shift, again.shift) and not torch.equal(first.shift, other.shift)
    assert torch.equal(first.decorrelated(depth, angle, 3)[1], again.decorrelated(depth, angle, 3)[1])


def test_texture_is_smooth_and_of_unit_variance(bank):
    fields = bank.texture.reshape(bank.rows, bank.columns, 2)
    torch.testing.assert_close(fields.std((0, 1)), torch.ones(2), rtol=1e-3, atol=0)
    steps = fields.diff(dim=0).square().mean((0, 1))
    assert (steps < 0.1).all() and steps[0] > steps[1]  # the second field is the coarser


def test_presets_order_gain_and_quality_orders_the_walls():
    good, poor = (
        draw_acquisitions(np.random.default_rng(0), np.full(4000, quality), "echonet") for quality in (1.0, 0.0)
    )
    for name in ("septal_level", "lateral_level", "apical_level", "side_lobes"):
        drop = (getattr(poor, name) - getattr(good, name)).mean()
        assert float(drop) == pytest.approx(ECHOGENICITY[name].poor, abs=1e-3)
    assert (poor.edge_shadow > good.edge_shadow).all() and poor.dropout.std() > 2 * good.dropout.std()
    for preset, (gain, offset) in PRESETS.items():
        scans = draw_acquisitions(np.random.default_rng(1), np.full(4000, 0.5), preset)
        assert float(scans.gain.mean()) == pytest.approx(gain.mean, abs=0.02)
        assert float(scans.offset.mean()) == pytest.approx(offset.mean, abs=1)
    mixed = draw_acquisitions(np.random.default_rng(1), np.full(4000, 0.5), "any").offset
    assert float((mixed > 22).float().mean()) == pytest.approx(0.5, abs=0.06)  # half raw, half clinical


def test_a_normal_distribution_of_several_components():
    rng = np.random.default_rng(0)
    values = Normal((2.0, -40.0), 3, positive=True).draw(rng, np.zeros(5000), 1.0)
    assert values.shape == (5000, 2) and (values >= 0).all()
    assert values[:, 1].mean() == pytest.approx(40, abs=0.2)
    tail = Normal(10.0, 0, poor=-4, bright_tail=2).draw(rng, np.full(5000, 0.5), 1.0)
    assert tail.min() >= 8 and tail.mean() == pytest.approx(9, abs=0.1)


def test_fourier_series_is_the_sum_of_its_waves():
    coefficients = torch.zeros(1, 2, 6)
    coefficients[0, 0, 1], coefficients[0, 1, 2] = 3.0, -2.0
    angle = torch.linspace(-3, 3, 40)[None]
    torch.testing.assert_close(fourier_series(coefficients, angle), 3 * (2 * angle).cos() - 2 * (3 * angle).sin())


def test_soft_borders():
    torch.testing.assert_close(soft_step(torch.tensor([-2.0, -0.6, 0, 0.6, 2]), 1.2), torch.tensor([0.0, 0, 0.5, 1, 1]))
    torch.testing.assert_close(gaussian(torch.tensor([0.0, 4.0]), 2.0), torch.tensor([1.0, float(np.exp(-0.5))]))


def test_side_lobes_lift_only_what_is_darker_than_its_surroundings():
    level = torch.full((1, 1, 64, 64), 100.0)
    level[..., 28:36, 28:36] = 20.0
    lifted = side_lobes(level, torch.tensor(-20.0))
    assert lifted[..., :8, :8].abs().max() < 1e-4 and lifted[..., 30:34, 30:34].min() > 20


def one_sector(depth_mm: float = 100.0) -> Sector:
    return Sector(torch.tensor([depth_mm]), torch.tensor([40.0]), torch.tensor([0.0]))


def test_echogenicity_map_returns_what_was_painted_also_beyond_the_sector():
    painted = EchogenicityMap(one_sector(), 200, 100, lambda lines: lines.depth_mm + 1000 * (lines.angle_deg > 0))
    depth = torch.tensor([10.0, 55.0, 99.0, 112.0]).reshape(1, 1, 4, 1)
    angle = torch.tensor([-44.0, -5.0, 5.0, 44.0]).reshape(1, 1, 1, 4)
    level = painted.look_up(depth.expand(1, 1, 4, 4).clone(), angle.expand(1, 1, 4, 4).clone())
    expected = depth + 1000 * (angle > 0)
    assert (level - expected).abs().max() < 0.2  # one step of the map is 0.25 mm


def plain_acquisition(**changes) -> Acquisition:
    drawn = draw_acquisitions(np.random.default_rng(0), np.ones(1))
    fields = {name: torch.zeros_like(v) if isinstance(v, torch.Tensor) else v for name, v in vars(drawn).items()}
    ones = {"grey_per_db": torch.tensor([2.0]), "gain": torch.ones(1), "clutter": torch.full((1,), -500.0)}
    return Acquisition(**{**fields, **ones, **changes})


def test_a_level_comes_out_as_its_grey_level_on_average(bank):
    lines = scan_lines(one_sector(), 300, 200)
    speckle = clip_speckle(bank, [0])
    mean_grey = {}
    for level in (60.0, 120.0):
        chain = receive_chain(plain_acquisition(), lines, speckle)
        position = (lines.depth_mm.expand(1, 2, 300, 200), lines.angle_deg.expand(1, 2, 300, 200))
        mean_grey[level] = float(b_mode(torch.full((1, 2, 300, 200), level), chain, speckle, *position).mean())
    # The mean logarithm of an exponential power lies 2.51 dB below that of its mean, at 2 grey levels per dB.
    assert mean_grey[120.0] - mean_grey[60.0] == pytest.approx(60, abs=0.5)
    assert mean_grey[120.0] == pytest.approx(120 - 2 * 2.51, abs=1.5)


def test_gain_offset_and_edge_shadow(bank):
    lines = scan_lines(one_sector(), 300, 200)
    levels = []
    for acquisition in (
        plain_acquisition(),
        plain_acquisition(gain=torch.tensor([2.0]), offset=torch.tensor([30.0]), edge_shadow=torch.tensor([[40.0, 0]])),
    ):
        speckle = clip_speckle(bank, [1])
        chain = receive_chain(acquisition, lines, speckle)
        position = lines.depth_mm.clone(), lines.angle_deg.clone()
        levels.append(b_mode(torch.full((1, 1, 300, 200), 150.0), chain, speckle, *position)[0, 0])
    middle, right = slice(90, 110), slice(180, 200)
    torch.testing.assert_close(levels[1][:, middle], 2 * (levels[0][:, middle] - 30), rtol=1e-4, atol=0.01)
    assert (levels[1][:, :10] / 2 + 30 - levels[0][:, :10]).mean() < -15
    torch.testing.assert_close(levels[1][:, right], 2 * (levels[0][:, right] - 30), rtol=1e-4, atol=0.01)


def test_smoothing_keeps_a_flat_image_and_halves_a_checkerboard():
    flat = torch.full((1, 1, 6, 6), 7.0)
    torch.testing.assert_close(smooth_lines(flat.clone(), 0.45), flat)
    board = ((torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1)[None, None]
    smoothed = smooth_lines(board.clone(), 0.25)
    torch.testing.assert_close(smoothed[..., 2:6, 2:6], board[..., 2:6, 2:6] * 0.25)


def test_drawn_sectors_hold_the_ventricle_and_their_grids_the_sector():
    rng = np.random.default_rng(0)
    heart = draw_hearts(rng, np.full(50, 55.0), np.full(50, 100.0))
    sector = draw_sectors(rng, heart, half_angle_deg=40, near_mm=3.0)
    base = (heart.apex[:, 0, 1] + heart.length[:, 0]).float()
    assert (sector.depth_mm >= base + 7.9).all() and (sector.half_angle_deg == 40).all() and (sector.near_mm == 3).all()
    x, z = fit_pixel_grids(rng, sector, 64).coordinates()
    half_width = sector.depth_mm * np.sin(np.deg2rad(40))
    assert (x.amax((1, 2, 3)) >= half_width * 0.98).all() and (z.amax((1, 2, 3)) >= sector.depth_mm * 0.98).all()
    closer = fit_pixel_grids(rng, sector, 64, fill=1.0)
    torch.testing.assert_close(closer.spacing[:, 0] * 64, sector.depth_mm * 1.02)
