"""Speckle, scan conversion and the in-memory sampler."""

import numpy as np
import pytest
import torch

from echolib.phantom import apical_frames
from echolib.phantom.scanner.speckle import (
    AXIAL_FWHM_MM,
    AXIAL_STEP_MM,
    LATERAL_FWHM_DEG,
    LATERAL_STEP_DEG,
    grain,
    noise,
    speckle_bank,
)
from echolib.phantom.scanner.ultrasound import Sector, View, compress, scan_convert, scan_lines
from echolib.phantom.statistics import REAL_FOUR_CHAMBER, frame_statistics


@pytest.fixture(scope="module")
def bank():
    return speckle_bank(torch.Generator().manual_seed(0))


def test_envelope_is_rayleigh(bank):
    envelope = bank.grain.square().sum(-1).sqrt()
    assert float(envelope.mean() / envelope.std()) == pytest.approx(1.91, abs=0.02)
    assert float(envelope.square().mean()) == pytest.approx(1, abs=1e-4)
    share = float((envelope < 0.5).float().mean())
    assert share == pytest.approx(1 - np.exp(-0.25), abs=0.01)  # the Rayleigh distribution function at 0.5


@pytest.mark.parametrize(
    ("axis", "step", "width"), [(0, AXIAL_STEP_MM, AXIAL_FWHM_MM), (1, LATERAL_STEP_DEG, LATERAL_FWHM_DEG)]
)
def test_speckle_has_the_stated_size(bank, axis, step, width):
    intensity = bank.grain.square().sum(-1).reshape(bank.rows, bank.columns)
    power = torch.fft.fft(intensity - intensity.mean(), dim=axis).abs().square()
    covariance = torch.fft.ifft(power, dim=axis).real.mean(1 - axis)
    covariance = (covariance / covariance[0]).numpy()
    below = int(np.argmax(covariance < 0.5))
    part = (covariance[below - 1] - 0.5) / (covariance[below - 1] - covariance[below])
    assert 2 * (below - 1 + part) * step == pytest.approx(width, rel=0.06)


def test_grain_follows_the_material_and_noise_does_not(bank):
    depth = torch.full((1, 1, 4, 300), 60.0) + torch.arange(4)[:, None] * 3
    angle = torch.linspace(-30, 30, 300).expand(1, 1, 4, 300)
    shift = torch.tensor([[10, 20]])
    first = grain(bank, depth, angle, shift)[0]
    torch.testing.assert_close(first, grain(bank, depth + AXIAL_STEP_MM * bank.rows, angle, shift)[0])
    frames = noise(bank, depth, angle, torch.Generator().manual_seed(1), 2)[0][0]
    assert abs(np.corrcoef(frames[0].flatten(), frames[1].flatten())[0, 1]) < 0.2


def test_log_compression_is_ten_log10_times_greys_per_decibel():
    power = torch.tensor([1.0, 10.0, 100.0])
    torch.testing.assert_close(compress(power.clone(), torch.tensor(2.0)), torch.tensor([0.0, 20.0, 40.0]))


def test_scan_conversion_puts_a_bright_arc_at_its_depth_and_blacks_the_outside():
    sector = Sector(torch.tensor([100.0]), torch.tensor([40.0]), torch.tensor([5.0]))
    lines = scan_lines(sector, 200, 100)
    grey = 200 * torch.exp(-(((lines.depth_mm - 60) / 2) ** 2))
    view = View(torch.tensor([-63.5]), torch.tensor([0.0]), torch.tensor([[1.0, 1.0]]), 110, 128)
    picture = scan_convert(grey, sector, view)[0, 0].numpy()
    rows, columns = np.nonzero(picture > 100)
    np.testing.assert_allclose(np.hypot(columns - 63.5, rows), 60, atol=2.5)
    z, x = np.mgrid[:110, :128]
    outside = (np.hypot(x - 63.5, z) > 100.5) | (np.abs(np.degrees(np.arctan2(x - 63.5, z))) > 40.5)
    assert picture[outside].max() == 0


def test_sampler_shapes_classes_and_seed():
    images, labels = apical_frames(5, 64, seed=3)
    assert images.shape == labels.shape == (5, 64, 64) and images.dtype == labels.dtype == torch.uint8
    assert all(set(label.unique().tolist()) == {0, 1, 2, 3} for label in labels)
    again = apical_frames(5, 64, seed=3)
    assert torch.equal(images, again[0]) and torch.equal(labels, again[1])
    assert not torch.equal(images, apical_frames(5, 64, seed=4)[0])


def test_sampler_does_not_depend_on_the_number_of_threads():
    threads = torch.get_num_threads()
    try:
        results = []
        for number in (1, 2):
            torch.set_num_threads(number)
            results.append(apical_frames(20, 48, seed=1, breadth=1.4))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(results[0][0], results[1][0]) and torch.equal(results[0][1], results[1][1])


def test_the_cavity_is_darker_than_the_wall():
    images, labels = (t.numpy() for t in apical_frames(24, 96, seed=0))
    figures = frame_statistics(images, labels, 1.6)
    assert (figures["myocardium_to_lv"] > 1).mean() > 0.9
    real = REAL_FOUR_CHAMBER.mean(axis=1)
    ratio = figures["myocardium_to_lv"].median() / real["myocardium_to_lv"]
    assert 0.75 < ratio < 1.25
    assert figures["tilt_deg"].mean() == pytest.approx(-10, abs=6)


def test_statistics_of_a_drawn_frame():
    label = np.zeros((200, 200), np.uint8)
    label[40:120, 80:120] = 1  # a box of 80 x 40 pixels
    label[120:150, 80:120] = 3
    image = np.full((200, 200), 50, np.uint8)
    image[label == 1] = 20
    row = frame_statistics(image[None], label[None], 0.5).iloc[0]
    assert row["lv_area_cm2"] == pytest.approx(80 * 40 * 0.25 / 100)
    assert row["atrium_area_cm2"] == pytest.approx(30 * 40 * 0.25 / 100)
    assert row["grey_lv"] == 20 and row["grey_background"] == 50
    assert row["base_depth_mm"] == pytest.approx(59.25, abs=0.6)
    assert row["long_axis_mm"] == pytest.approx(40, rel=0.05)
    assert row["local_sd_lv"] == 0
