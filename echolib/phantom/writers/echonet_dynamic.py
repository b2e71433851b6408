"""The phantom as EchoNet-Dynamic: MJPG clips of 112 x 112 pixels, FileList.csv and VolumeTracings.csv."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from echolib.phantom.anatomy.beating_heart import BeatingHeart, draw_beating_heart
from echolib.phantom.anatomy.heart import Heart, Pose, chords
from echolib.phantom.anatomy.population import draw_hearts, echonet_ejection_fraction, end_diastolic_volume, heart_rates
from echolib.phantom.scanner.acquisition import draw_acquisitions
from echolib.phantom.scanner.apical_view import ApicalView
from echolib.phantom.scanner.rendering import render
from echolib.phantom.scanner.scan_geometry import PixelGrid, draw_sectors, fit_pixel_grids
from echolib.phantom.scanner.speckle import SpeckleBank, clip_speckle
from echolib.phantom.splits import assign_splits, shares_of
from echolib.phantom.writers.cohorts import TRUTH_HEADER, hashed_names, to_pixels, truth_rows
from echolib.phantom.writers.formats import write_csv, write_mjpg

SIZE = 112
FOLDERS = ("Videos",)
SAMPLES = (136, 100)
# One laboratory, one preset: looks differ a quarter as much as between the patients of CAMUS, and no scan is as poor
# as the poorest there. With the full variety a narrow network does not learn EF from some hundred videos.
VARIABILITY = 0.25
POOREST = 0.5


@dataclass(frozen=True)
class Cohort:
    """Everybody in the simulated EchoNet-Dynamic: names, splits, hearts and how each is scanned."""

    names: list[str]
    splits: list[str]
    hearts: Heart
    heart_rate: np.ndarray
    irregular: np.ndarray
    quality: np.ndarray
    frames: np.ndarray
    fps: np.ndarray


def draw_cohort(seed: int, count: int) -> Cohort:
    """Draws the population."""
    rng = np.random.default_rng([seed, 1])
    ejection = echonet_ejection_fraction(rng, count)
    hearts = draw_hearts(rng, ejection, end_diastolic_volume(rng, ejection))
    rate, irregular = heart_rates(rng, count)
    fps = rng.choice([50.0, 50.0, 50.0, 50.0, 48.0, 55.0, 60.0, 40.0], count)
    frames = np.clip(fps * (1.5 * 60 / rate) + rng.exponential(6, count), 40, 120).astype(int)
    names = hashed_names(rng, count)
    quality = POOREST + (1 - POOREST) * rng.beta(2.2, 1.4, count)
    splits = assign_splits(rng, ejection, shares=shares_of("echonet_dynamic"))
    return Cohort(names, splits, hearts, rate, irregular, quality, frames, fps)


def tracing(state: Pose, frame: int, view: PixelGrid) -> np.ndarray:
    """The exact tracing (21, 4) x1, y1, x2, y2 in pixels: the long axis, then 20 chords from apex to mitral plane."""
    one = state.frames(slice(frame, frame + 1))
    a, septal, lateral = (t[0, 0] for t in chords(one))
    zero = torch.zeros(1, dtype=a.dtype)
    ends = [torch.stack((torch.cat((start, a)), torch.cat((zero, b))), -1) for start, b in
            ((zero, septal), (one.length[0], lateral))]  # fmt: skip
    points = [one.to_probe(end[None, None])[0, 0] for end in ends]
    return np.concatenate([to_pixels(point.numpy(), view) for point in points], -1)


def write_item(folder: Path, cohort: Cohort, index: int, seed: int, bank: SpeckleBank) -> dict:
    """Renders and writes one video; returns its rows of the three tables."""
    rng = np.random.default_rng([seed, 1, index])
    heart = cohort.hearts.select(slice(index, index + 1))
    fps, frames = float(cohort.fps[index]), int(cohort.frames[index])
    clip = draw_beating_heart(rng, heart, float(cohort.heart_rate[index]), bool(cohort.irregular[index]), frames, fps)
    quality = cohort.quality[index : index + 1]
    acquisition = draw_acquisitions(rng, quality, "echonet", VARIABILITY).to(bank.device)
    sector = draw_sectors(rng, heart.to(bank.device), half_angle_deg=rng.uniform(36, 45), near_mm=rng.uniform(0, 4))
    view = fit_pixel_grids(rng, sector, SIZE, fill=rng.uniform(0.8, 1.0))
    speckle = clip_speckle(bank, [seed, 1, index])
    video = render(ApicalView(clip, acquisition, speckle), sector, view, SAMPLES)
    write_mjpg(folder / "Videos" / f"{cohort.names[index]}.avi", video, fps)
    return video_rows(cohort, index, clip, view, fps)


def video_rows(cohort: Cohort, index: int, clip: BeatingHeart, view: PixelGrid, fps: float) -> dict:
    """File list, tracing and truth rows of one clip."""
    name = cohort.names[index]
    edv, esv = (float(clip.volumes_ml[k]) for k in (clip.end_diastole, clip.end_systole))
    ejection = 100 * (edv - esv) / edv
    listing = [name, ejection, esv, edv, SIZE, SIZE, fps, len(clip.volumes_ml), cohort.splits[index]]
    tracings = [
        [f"{name}.avi", *(round(float(v), 4) for v in row), frame]
        for frame in (clip.end_diastole, clip.end_systole)
        for row in tracing(clip.pose, frame, view)
    ]
    extra = (round(float(cohort.quality[index]), 3), float(view.spacing[0, 0]))
    return {"listing": listing, "tracings": tracings, "truth": truth_rows(name, clip, *extra)}


def write_tables(folder: Path, truth: Path, rows: list[dict]) -> None:
    """The dataset's two CSV files and the truth beside it."""
    header = ["FileName", "EF", "ESV", "EDV", "FrameHeight", "FrameWidth", "FPS", "NumberOfFrames", "Split"]
    write_csv(folder / "FileList.csv", header, [row["listing"] for row in rows])
    header = ["FileName", "X1", "Y1", "X2", "Y2", "Frame"]
    write_csv(folder / "VolumeTracings.csv", header, [line for row in rows for line in row["tracings"]])
    write_csv(truth / "EchoNet-Dynamic.csv", TRUTH_HEADER, [line for row in rows for line in row["truth"]])
