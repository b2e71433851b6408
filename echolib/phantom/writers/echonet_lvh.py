"""The phantom as EchoNet-LVH: parasternal long-axis clips in batches and MeasurementsList.csv."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from echolib.phantom.anatomy.motion import Cycle, Rhythm, cycle, rhythm, systole_seconds
from echolib.phantom.anatomy.population import heart_rates
from echolib.phantom.scanner.clips import PIECE, Painting, drift, polar, random_source
from echolib.phantom.scanner.look import draw_style
from echolib.phantom.scanner.parasternal_view import (
    LongAxis,
    draw_long_axes,
    paint_leaflets,
    parasternal_level,
    parasternal_rest,
    section,
    wall_points,
)
from echolib.phantom.scanner.receive_chain import receive, receiver
from echolib.phantom.scanner.speckle import SpeckleBank, patches
from echolib.phantom.scanner.ultrasound import Sector, View, scan_convert, scan_lines
from echolib.phantom.writers.echonet_dynamic import assign_splits, hashed_names, to_pixels
from echolib.phantom.writers.formats import write_csv, write_mjpg

BATCHES = 4
SAMPLES = (176, 112)
SIZES = ((150, 200), (168, 224), (192, 256))
HEADER = ["", "HashedFileName", "Calc", "CalcValue", "Frame", "X1", "X2", "Y1", "Y2",
          "Frames", "FPS", "Width", "Height", "split"]  # fmt: skip
TRUTH_HEADER = ["item", "frame", "septum_mm", "cavity_mm", "wall_mm", "phase", "beat", "heart_rate_bpm", "quality",
                "mm_per_px"]  # fmt: skip
MEASURES = (("LVPW", 0, 1), ("LVID", 1, 2), ("IVS", 2, 3))


@dataclass(frozen=True)
class LongAxisCohort:
    """Everybody in the simulated EchoNet-LVH."""

    names: list[str]
    splits: list[str]
    hearts: LongAxis
    heart_rate: np.ndarray
    quality: np.ndarray


def draw_cohort(seed: int, count: int) -> LongAxisCohort:
    """Draws the population."""
    rng = np.random.default_rng([seed, 3])
    hearts = draw_long_axes(rng, count)
    rate, _ = heart_rates(rng, count)
    names = hashed_names(rng, count)
    splits = assign_splits(rng, rng.random(count), ("train", "val", "test"))
    return LongAxisCohort(names, splits, hearts, rate, rng.beta(2.2, 1.4, count))


def write_item(root: Path, cohort: LongAxisCohort, index: int, seed: int, bank: SpeckleBank) -> dict:
    """Renders and writes one clip; returns its rows of the measurement list and of the truth."""
    rng = np.random.default_rng([seed, 3, index])
    device, heart = bank.device, cohort.hearts.select(slice(index, index + 1))
    fps, rate = float(rng.choice([30.0, 40.0, 50.0])), float(cohort.heart_rate[index])
    frames = int(np.clip(fps * 60 / rate * 1.3 + 4, 30, 72))
    beats = rhythm(rng, rate, frames / fps, False)
    beats = Rhythm(beats.starts - beats.starts[1] + 0.1, beats.lengths, beats.strengths, beats.atrial_kick)
    beats.strengths[1] = 1.0
    times = np.arange(frames) / fps
    curve = cycle(beats, times)
    diastole = int(np.ceil(0.1 * fps - 1e-9))
    systole = min(frames - 1, round((0.1 + float(systole_seconds(beats.lengths[1])) + 0.02) * fps))
    now = section(heart, torch.from_numpy(curve.contraction)[None], drift(rng, times)[0])
    depth = float(heart.centre[0, 1] + heart.cavity[0, 0] / 2 + heart.wall[0, 0]) + rng.uniform(22, 50)
    style = draw_style(rng, cohort.quality[index : index + 1], "clinic" if rng.random() < 0.8 else "camus").to(device)
    sector, view = lvh_view(rng, depth, device)
    video = render(heart, now, curve, style, sector, view, bank, [seed, 3, index])
    write_mjpg(root / f"Batch{index % BATCHES + 1}" / f"{cohort.names[index]}.avi", video, fps)
    points = to_pixels(wall_points(heart, now)[0].numpy(), view)
    listing = measurement_rows(cohort, index, points, {"d": diastole, "s": systole}, now, video.shape, fps)
    return {"listing": listing, "truth": truth_rows(cohort, index, now, curve, float(view.spacing[0, 0]))}


def lvh_view(rng: np.random.Generator, depth: float, device) -> tuple[Sector, View]:
    """A sector and a picture of native size that holds it with a margin."""
    height, width = SIZES[rng.integers(len(SIZES))]
    half = rng.uniform(36, 44)
    spacing = max(depth / (height - 8), 2 * depth * np.sin(np.deg2rad(half)) / (width - 4))
    sector = Sector(*(torch.tensor([v], dtype=torch.float32, device=device) for v in (depth, half, rng.uniform(0, 4))))
    like = sector.depth_mm
    left, top = like.new_tensor([-spacing * (width - 1) / 2]), like.new_tensor([-spacing * rng.uniform(1, 5)])
    return sector, View(left, top, like.new_tensor([[spacing, spacing]]), height, width)


def render(heart, now, curve: Cycle, style, sector, view, bank, seed) -> np.ndarray:
    """Pictures (T, H, W) uint8."""
    device = bank.device
    generator, shift = random_source(seed, device)
    heart = heart.to(device, torch.float32)
    opening = torch.from_numpy(curve.opening).to(device, torch.float32)[None]
    lines = scan_lines(sector, *SAMPLES)
    rest = section(heart, torch.zeros_like(heart.cavity[:, :1]))
    painting = Painting(sector, *SAMPLES, lambda fine: parasternal_level(heart, rest, style, fine, bank, shift))
    scan = receiver(style, lines, patches(bank, lines.depth_mm, lines.angle_deg, shift)[1])
    size, out = PIECE[device.type], []
    for start in range(0, opening.shape[1], size):
        part = slice(start, start + size)
        piece = type(now)(**{k: v[:, part].to(device, torch.float32) for k, v in vars(now).items()})
        position = polar(*parasternal_rest(heart, piece, lines))
        level = paint_leaflets(heart, piece, opening[:, part], scan.number, lines, painting.look_up(*position))
        grey = receive(level, scan, *position, lines, bank, shift, generator, style.smoothing)
        out.append(scan_convert(grey, sector, view)[0].cpu())
    return torch.cat(out).numpy()


def measurement_rows(cohort, index, points, moments, now, shape, fps) -> list[list]:
    """Six rows (septum, cavity, wall at both moments); about one clip in twenty lacks one of them."""
    rng = np.random.default_rng([index, len(cohort.names)])
    lengths = {"LVPW": now.wall, "LVID": now.cavity, "IVS": now.septum}
    rows = []
    for moment, frame in moments.items():
        for measure, lower, upper in MEASURES:
            (x1, y1), (x2, y2) = points[frame, lower], points[frame, upper]
            value = float(lengths[measure][0, frame]) / 10
            place = [round(float(v), 3) for v in (x1, x2, y1, y2)]
            rows.append([cohort.names[index], f"{measure}{moment}", round(value, 5), frame, *place,
                         shape[0], fps, shape[2], shape[1], cohort.splits[index]])  # fmt: skip
    if rng.random() < 0.05:
        rows.pop(rng.integers(len(rows)))
    return rows


def truth_rows(cohort, index, now, curve: Cycle, spacing: float) -> list[list]:
    """What only a simulation knows, one row a frame."""
    values = [t[0].numpy() for t in (now.septum, now.cavity, now.wall)]
    return [
        [cohort.names[index], k, *(round(float(v[k]), 4) for v in values), round(float(curve.phase[k]), 5),
         int(curve.beat[k]), round(float(cohort.heart_rate[index]), 2), round(float(cohort.quality[index]), 3),
         round(spacing, 6)]
        for k in range(len(curve.phase))
    ]  # fmt: skip


def write_tables(root: Path, truth: Path, rows: list[dict]) -> None:
    """MeasurementsList.csv in the dataset's own column order, and the truth."""
    listing = [line for row in rows for line in row["listing"]]
    write_csv(root / "MeasurementsList.csv", HEADER, [[k, *line] for k, line in enumerate(listing)])
    write_csv(truth / "EchoNet-LVH.csv", TRUTH_HEADER, [line for row in rows for line in row["truth"]])
