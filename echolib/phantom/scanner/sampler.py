"""Random hearts in memory: labelled apical frames for training, without a folder."""

import numpy as np
import torch
from torch import Tensor

from echolib.phantom.anatomy.heart import Heart, pose
from echolib.phantom.anatomy.labels import apical_labels
from echolib.phantom.anatomy.population import draw_hearts
from echolib.phantom.anatomy.rays import ray_table
from echolib.phantom.scanner.apical_view import apical_level, paint_valve
from echolib.phantom.scanner.look import draw_style
from echolib.phantom.scanner.receive_chain import receive, receiver
from echolib.phantom.scanner.speckle import SpeckleBank, patches, speckle_bank
from echolib.phantom.scanner.threads import in_threads
from echolib.phantom.scanner.ultrasound import Sector, View, scan_convert, scan_lines

BATCH = 16


def apical_frames(
    count: int, size: int, seed: int, device="cpu", breadth: float = 1.0, two_chamber: bool = False
) -> tuple[Tensor, Tensor]:
    """Random apical frames of random hearts at random instants.

    breadth scales every random variation: 1 is the population, more is domain randomisation.
    Returns images (count, size, size) uint8 and labels of that shape: 0 background, 1 cavity, 2 myocardium,
    3 left atrium.
    """
    generator = torch.Generator().manual_seed(seed)
    bank = speckle_bank(generator, device)
    starts = range(0, count, BATCH)
    sizes = [min(BATCH, count - start) for start in starts]
    results = in_threads(lambda k: _frames([seed, 4, k], bank, sizes[k], size, breadth, two_chamber), len(sizes), bank)
    images, labels = zip(*results, strict=True)
    return torch.cat(images), torch.cat(labels)


def _frames(seed, bank: SpeckleBank, count, size, breadth, two_chamber):
    """One batch of pictures and labels."""
    rng, device = np.random.default_rng(seed), bank.device
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    ejection = np.clip(48 + 14 * breadth * rng.standard_normal(count), 10, 78)
    edv = np.clip(98 * np.exp(0.38 * breadth * rng.standard_normal(count)), 28, 340)
    heart = draw_hearts(rng, ejection, edv, breadth, two_chamber).to(device, torch.float32)
    instant = rng.random(count)
    instant = np.select([instant < 0.3, instant < 0.6], [0.0, 1.0], rng.random(count))
    opening = np.where(rng.random(count) < 0.5, 0, rng.random(count)) * (instant < 0.9)
    contraction, opening = (torch.from_numpy(v).to(device, torch.float32)[:, None] for v in (instant, opening))
    style = draw_style(rng, rng.beta(2.2, 1.4, count), "any" if breadth > 1 else "camus", breadth).to(device)
    sector = draw_sector(rng, heart, breadth)
    view = fit_view(rng, sector, size, breadth)
    state = pose(heart, contraction)
    table = ray_table(heart, state)
    lines = scan_lines(sector, int(1.5 * size), int(1.25 * size))
    shift = torch.from_numpy(rng.integers(0, 4096, (count, 2))).to(device)
    scan = receiver(style, lines, patches(bank, lines.depth_mm, lines.angle_deg, shift)[1])
    level = apical_level(heart, state, table, style, lines, bank, shift)
    level = paint_valve(state, opening, scan.number, lines, level)
    at = (lines.depth_mm, lines.angle_deg)
    grey = receive(level, scan, *at, lines, bank, shift, generator, style.smoothing)
    labels = apical_labels(heart, state, table, *view.grid(), carried=False)
    return scan_convert(grey, sector, view)[:, 0], labels[:, 0]


def draw_sector(rng, heart: Heart, breadth: float = 1.0, half_angle=None, near=0.0) -> Sector:
    """Sectors (float32, on the hearts' device) deep enough for the ventricle and most of the left atrium.

    half_angle in degrees (default 37.3, as the real four-chamber frames); near: mm without picture at the probe.
    """
    count, like = len(heart), heart.length[:, 0].to(torch.float32)
    base = (heart.apex[:, 0, 1] + heart.length[:, 0]).cpu().double().numpy()
    atrium = heart.atrium[:, 0].cpu().double().numpy()
    depth = base + atrium * rng.uniform(0.75, 1.35, count) + 4 + 4 * breadth * rng.standard_normal(count)
    depth = np.maximum(depth, base + 8)
    if half_angle is None:
        half_angle = 37.3 + (breadth > 1) * rng.uniform(-4, 8, count)
    if breadth > 1:
        near = rng.uniform(0, 5, count) * (rng.random(count) < 0.5)
    fields = (depth, np.broadcast_to(half_angle, count), np.broadcast_to(near, count))
    return Sector(*(torch.tensor(np.array(v, dtype=np.float64)).to(like) for v in fields))


def fit_view(rng, sector: Sector, size: int, breadth: float = 1.0, fill: float = 0.0) -> View:
    """Square pictures that hold the whole sector, letterboxed; with breadth > 1 also zoomed, moved and stretched.

    fill 0..1 closes in until, at 1, the depth fills the picture and the sector's corners are cut.
    """
    count = len(sector.depth_mm)
    width = 2 * sector.depth_mm * torch.sin(torch.deg2rad(sector.half_angle_deg))
    extent = sector.depth_mm * 1.02
    extent = extent + (1 - fill) * (torch.maximum(width, extent) - extent)
    if breadth > 1:
        zoom, stretch = rng.uniform(0.85, 1.12, count), np.exp(rng.uniform(-0.12, 0.12, count))
        move = rng.uniform(-0.06, 0.06, (count, 2))
    else:
        zoom, stretch, move = np.ones(count), np.ones(count), np.zeros((count, 2))
    scale = np.stack([zoom * stretch, zoom / stretch], -1)
    spacing = extent[:, None] / size * torch.from_numpy(scale).to(extent)
    offset = torch.from_numpy(move).to(extent) * extent[:, None]
    left = -spacing[:, 1] * (size - 1) / 2 + offset[:, 0]
    top = sector.depth_mm / 2 - spacing[:, 0] * (size - 1) / 2 + offset[:, 1]
    return View(left, top, spacing, size, size)
