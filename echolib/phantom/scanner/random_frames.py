"""Random apical frames in memory: labelled images for training, without a folder."""

import numpy as np
import torch
from torch import Tensor

from echolib.phantom.anatomy.heart import pose_at
from echolib.phantom.anatomy.labels import apical_labels
from echolib.phantom.anatomy.polar import polar_contours
from echolib.phantom.anatomy.population import draw_hearts
from echolib.phantom.parallel import map_in_threads
from echolib.phantom.scanner.acquisition import draw_acquisitions
from echolib.phantom.scanner.apical_view import add_mitral_valve, apical_echogenicity
from echolib.phantom.scanner.receive_chain import b_mode, receive_chain
from echolib.phantom.scanner.scan_geometry import draw_sectors, fit_pixel_grids, scan_convert, scan_lines
from echolib.phantom.scanner.speckle import SHIFTS, Speckle, SpeckleBank, speckle_bank

BATCH = 16


def apical_frames(
    count: int, size: int, seed: int, device="cpu", variability: float = 1.0, two_chamber: bool = False
) -> tuple[Tensor, Tensor]:
    """Random apical frames of random hearts at random instants.

    variability multiplies the standard deviation of every random quantity: 1 is the population, more is domain
    randomisation. Returns images (count, size, size), uint8, and labels of that shape: 0 background, 1 cavity,
    2 myocardium, 3 left atrium.
    """
    bank = speckle_bank(torch.Generator().manual_seed(seed), device)
    sizes = [min(BATCH, count - start) for start in range(0, count, BATCH)]

    def batch(number: int) -> tuple[Tensor, Tensor]:
        return _frames(np.random.default_rng([seed, 4, number]), bank, sizes[number], size, variability, two_chamber)

    images, labels = zip(*map_in_threads(batch, len(sizes), bank.device), strict=True)
    return torch.cat(images), torch.cat(labels)


def _frames(
    rng: np.random.Generator, bank: SpeckleBank, count: int, size: int, variability: float, two_chamber: bool
) -> tuple[Tensor, Tensor]:
    """One batch of images and labels (count, size, size)."""
    device = bank.device
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    ejection_fraction = np.clip(48 + 14 * variability * rng.standard_normal(count), 10, 78)
    edv_ml = np.clip(98 * np.exp(0.38 * variability * rng.standard_normal(count)), 28, 340)
    heart = draw_hearts(rng, ejection_fraction, edv_ml, variability, two_chamber).to(device, torch.float32)
    contraction, opening = (torch.from_numpy(v).to(device, torch.float32)[:, None] for v in _instants(rng, count))
    preset = "any" if variability > 1 else "camus"
    acquisition = draw_acquisitions(rng, rng.beta(2.2, 1.4, count), preset, variability).to(device)
    sector = draw_sectors(rng, heart, variability)
    grid = fit_pixel_grids(rng, sector, size, variability)
    pose = pose_at(heart, contraction)
    contours = polar_contours(heart, pose)
    lines = scan_lines(sector, int(1.5 * size), int(1.25 * size))
    speckle = Speckle(bank, torch.from_numpy(rng.integers(0, SHIFTS, (count, 2))).to(device), generator)
    chain = receive_chain(acquisition, lines, speckle)
    level = apical_echogenicity(heart, pose, contours, acquisition, lines, speckle)
    level = add_mitral_valve(level, pose, opening, chain.acquisition, lines)
    grey = b_mode(level, chain, speckle, lines.depth_mm, lines.angle_deg)
    labels = apical_labels(heart, pose, contours, *grid.coordinates(), atrium_moves=False)
    return scan_convert(grey, sector, grid)[:, 0], labels[:, 0]


def _instants(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Contraction and mitral opening (count,) at random instants: 30 % end diastole, 30 % end systole, 40 % between;
    the valve is open in half of the frames, and never at end systole."""
    chosen = rng.random(count)
    contraction = np.select([chosen < 0.3, chosen < 0.6], [0.0, 1.0], rng.random(count))
    opening = np.where(rng.random(count) < 0.5, 0, rng.random(count)) * (contraction < 0.9)
    return contraction, opening
