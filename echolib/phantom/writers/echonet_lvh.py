"""The phantom as EchoNet-LVH: parasternal long-axis clips in batches and MeasurementsList.csv."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from echolib.phantom.anatomy.beating_heart import draw_probe_motion
from echolib.phantom.anatomy.cardiac_cycle import Cycle, Rhythm, cycle_at, draw_rhythm, systole_seconds
from echolib.phantom.anatomy.long_axis import LongAxisHeart, caliper_points, long_axis_pose
from echolib.phantom.anatomy.population import draw_long_axis_hearts, heart_rates
from echolib.phantom.scanner.acquisition import draw_acquisitions
from echolib.phantom.scanner.parasternal_view import ParasternalView
from echolib.phantom.scanner.rendering import render
from echolib.phantom.scanner.scan_geometry import PixelGrid, Sector
from echolib.phantom.scanner.speckle import SpeckleBank, clip_speckle
from echolib.phantom.splits import assign_splits
from echolib.phantom.writers.cohorts import hashed_names, to_pixels
from echolib.phantom.writers.formats import write_csv, write_mjpg

BATCHES = 4
FOLDERS = tuple(f"Batch{batch}" for batch in range(1, BATCHES + 1))
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
    hearts: LongAxisHeart
    heart_rate: np.ndarray
    quality: np.ndarray


def draw_cohort(seed: int, count: int) -> LongAxisCohort:
    """Draws the population."""
    rng = np.random.default_rng([seed, 3])
    hearts = draw_long_axis_hearts(rng, count)
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
    beats = draw_rhythm(rng, rate, frames / fps, False)
    beats = Rhythm(beats.starts - beats.starts[1] + 0.1, beats.lengths, beats.amplitudes, beats.atrial_kick)
    beats.amplitudes[1] = 1.0
    times = np.arange(frames) / fps
    curve = cycle_at(beats, times)
    diastole = int(np.ceil(0.1 * fps - 1e-9))
    systole = min(frames - 1, round((0.1 + float(systole_seconds(beats.lengths[1])) + 0.02) * fps))
    now = long_axis_pose(heart, torch.from_numpy(curve.contraction)[None], draw_probe_motion(rng, times)[0])
    depth = float(heart.centre[0, 1] + heart.cavity[0, 0] / 2 + heart.wall[0, 0]) + rng.uniform(22, 50)
    preset = "clinic" if rng.random() < 0.8 else "camus"
    acquisition = draw_acquisitions(rng, cohort.quality[index : index + 1], preset).to(device)
    sector, view = lvh_view(rng, depth, device)
    opening = torch.from_numpy(curve.mitral_opening)[None]
    speckle = clip_speckle(bank, [seed, 3, index])
    video = render(ParasternalView(heart, now, opening, acquisition, speckle), sector, view, SAMPLES)
    write_mjpg(root / f"Batch{index % BATCHES + 1}" / f"{cohort.names[index]}.avi", video, fps)
    points = to_pixels(caliper_points(heart, now)[0].numpy(), view)
    listing = measurement_rows(cohort, index, points, {"d": diastole, "s": systole}, now, video.shape, fps)
    return {"listing": listing, "truth": truth_rows(cohort, index, now, curve, float(view.spacing[0, 0]))}


def lvh_view(rng: np.random.Generator, depth: float, device) -> tuple[Sector, PixelGrid]:
    """A sector and a picture of native size that holds it with a margin."""
    height, width = SIZES[rng.integers(len(SIZES))]
    half = rng.uniform(36, 44)
    spacing = max(depth / (height - 8), 2 * depth * np.sin(np.deg2rad(half)) / (width - 4))
    sector = Sector(*(torch.tensor([v], dtype=torch.float32, device=device) for v in (depth, half, rng.uniform(0, 4))))
    like = sector.depth_mm
    left, top = like.new_tensor([-spacing * (width - 1) / 2]), like.new_tensor([-spacing * rng.uniform(1, 5)])
    return sector, PixelGrid(left, top, like.new_tensor([[spacing, spacing]]), height, width)


def measurement_rows(cohort, index, points, moments, now, shape, fps) -> list[list]:
    """Six rows (septum, cavity, wall at both moments); about one clip in twenty lacks one of them."""
    rng = np.random.default_rng([index, len(cohort.names)])
    lengths = {"LVPW": now.wall, "LVID": now.cavity, "IVS": now.septum}
    rows = []
    for moment, frame in moments.items():
        for measure, lower, upper in MEASURES:
            (x1, y1), (x2, y2) = points[frame, lower], points[frame, upper]
            value = float(lengths[measure][0, frame]) / 10
            ends = [round(float(v), 3) for v in (x1, x2, y1, y2)]
            rows.append([cohort.names[index], f"{measure}{moment}", round(value, 5), frame, *ends,
                         shape[0], fps, shape[2], shape[1], cohort.splits[index]])  # fmt: skip
    if rng.random() < 0.05:
        rows.pop(rng.integers(len(rows)))
    return rows


def truth_rows(cohort, index, now, curve: Cycle, spacing: float) -> list[list]:
    """What only a simulation knows, one row per frame."""
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
