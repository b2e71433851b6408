"""The phantom as CAMUS: NIfTI images of the two- and four-chamber views with masks, settings and split lists."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from echolib.phantom.anatomy.beating_heart import BeatingHeart, draw_beating_heart
from echolib.phantom.anatomy.heart import DISCS, Heart, chords
from echolib.phantom.anatomy.labels import apical_labels
from echolib.phantom.anatomy.polar import polar_contours
from echolib.phantom.anatomy.population import camus_ejection_fraction, draw_hearts, heart_rates
from echolib.phantom.scanner.acquisition import draw_acquisitions
from echolib.phantom.scanner.apical_view import ApicalView
from echolib.phantom.scanner.rendering import render
from echolib.phantom.scanner.scan_geometry import PixelGrid, Sector, draw_sectors
from echolib.phantom.scanner.speckle import SpeckleBank, clip_speckle
from echolib.phantom.splits import assign_splits
from echolib.phantom.writers.cohorts import TRUTH_HEADER, truth_rows
from echolib.phantom.writers.formats import write_csv, write_nifti

SPACING_MM = 0.6
SAMPLES = (232, 136)
FPS = 55.6
VIEWS = ("2CH", "4CH")
FOLDERS = ("database_nifti", "database_split")
GRADES = (("Good", 0.66, 1.0), ("Medium", 0.33, 0.66), ("Poor", 0.0, 0.33))


@dataclass(frozen=True)
class Patients:
    """Everybody in the simulated CAMUS: one heart per view, same volumes in both."""

    names: list[str]
    splits: list[str]
    hearts: dict[str, Heart]
    heart_rate: np.ndarray
    quality: np.ndarray
    sex: list[str]
    age: np.ndarray


def draw_cohort(seed: int, count: int) -> Patients:
    """Draws the population: EF 44.2 +- 12, age 65 +- 14, two thirds men, quality 44/43/13 % good, medium, poor."""
    rng = np.random.default_rng([seed, 2])
    ejection = camus_ejection_fraction(rng, count)
    edv = np.clip(90 * np.exp(0.005 * (50 - ejection) + 0.36 * rng.standard_normal(count)), 35, 320)
    hearts = {view: draw_hearts(rng, ejection, edv, two_chamber=view == "2CH") for view in VIEWS}
    rate, _ = heart_rates(rng, count)
    grade = rng.choice(3, count, p=[0.44, 0.43, 0.13])
    quality = np.array([rng.uniform(*GRADES[g][1:]) for g in grade])
    sex = list(np.where(rng.random(count) < 2 / 3, "M", "F"))
    age = np.clip(65 + 14 * rng.standard_normal(count), 18, 95).astype(int)
    names = [f"patient{k:04d}" for k in range(1, count + 1)]
    splits = assign_splits(rng, ejection, ("training", "validation", "testing"))
    return Patients(names, splits, hearts, rate, quality, sex, age)


def biplane_volumes(clips: dict[str, BeatingHeart]) -> tuple[float, float]:
    """End-diastolic and end-systolic volume, mL, by discs of the two views' true chords on the longer axis."""
    volumes = []
    for moment in ("end_diastole", "end_systole"):
        widths, lengths = [], []
        for clip in clips.values():
            frame = getattr(clip, moment)
            one = clip.pose.frames(slice(frame, frame + 1))
            _, septal, lateral = chords(one)
            widths.append((lateral - septal)[0, 0])
            lengths.append(float(one.length))
        volumes.append(float(np.pi / 4 * (widths[0] * widths[1]).sum() * max(lengths) / DISCS / 1000))
    return volumes[0], volumes[1]


def half_sequence(rng: np.random.Generator, heart: Heart, rate: float) -> BeatingHeart:
    """A clip cut to the frames from end diastole to end systole."""
    frames = int(np.ceil(FPS * (60 / rate) * 2.2)) + 2
    clip = draw_beating_heart(rng, heart, rate, False, frames, FPS)
    part = slice(clip.end_diastole, max(clip.end_systole, clip.end_diastole + 1) + 1)
    state = clip.pose.frames(part)
    curve = type(clip.cycle)(**{k: v[part] for k, v in vars(clip.cycle).items()})
    return BeatingHeart(heart, state, curve, clip.volumes_ml[part], 0, len(curve.phase) - 1, rate, False)


def sector_view(sector: Sector) -> PixelGrid:
    """Pixels of SPACING_MM that hold exactly the sector."""
    half = float(sector.depth_mm * torch.sin(torch.deg2rad(sector.half_angle_deg)))
    height, width = int(float(sector.depth_mm) / SPACING_MM), int(2 * half / SPACING_MM)
    like = sector.depth_mm
    left = like.new_tensor([-SPACING_MM * (width - 1) / 2])
    return PixelGrid(left, like.new_tensor([SPACING_MM / 2]), like.new_tensor([[SPACING_MM] * 2]), height, width)


def write_item(root: Path, patients: Patients, index: int, seed: int, bank: SpeckleBank) -> dict:
    """Renders and writes both views of one patient; returns the truth rows."""
    name = patients.names[index]
    folder = root / "database_nifti" / name
    folder.mkdir()
    rate = float(patients.heart_rate[index])
    rng = np.random.default_rng([seed, 2, index])
    clips = {v: half_sequence(rng, h.select(slice(index, index + 1)), rate) for v, h in patients.hearts.items()}
    edv, esv = biplane_volumes(clips)
    rows = []
    for number, (view_name, clip) in enumerate(clips.items()):
        rows += write_view(folder, patients, index, view_name, clip, bank, [seed, 2, index, number], rng)
        write_settings(folder / f"Info_{view_name}.cfg", patients, index, clip, 100 * (edv - esv) / edv)
    return {"truth": rows, "split": (name, patients.splits[index]), "volumes": [name, esv, edv]}


def write_view(folder, patients, index, view_name, clip: BeatingHeart, bank, seed, rng) -> list[list]:
    """One view: sequence, end-diastolic and end-systolic frames, and their masks."""
    device = bank.device
    acquisition = draw_acquisitions(rng, patients.quality[index : index + 1]).to(device)
    sector = draw_sectors(rng, clip.heart.to(device))
    view = sector_view(sector)
    video = render(ApicalView(clip, acquisition, clip_speckle(bank, seed)), sector, view, SAMPLES)
    heart, state = clip.heart.to(device, torch.float32), clip.pose.to(device, torch.float32)
    labels = apical_labels(heart, state, polar_contours(heart, state), *view.coordinates())[0].cpu().numpy()
    stem = f"{patients.names[index]}_{view_name}"
    for label, pixels in (("", video), ("_gt", labels)):
        write_nifti(folder / f"{stem}_half_sequence{label}.nii.gz", pixels, SPACING_MM)
        write_nifti(folder / f"{stem}_ED{label}.nii.gz", pixels[0], SPACING_MM)
        write_nifti(folder / f"{stem}_ES{label}.nii.gz", pixels[-1], SPACING_MM)
    return truth_rows(stem, clip, round(float(patients.quality[index]), 3), SPACING_MM)


def write_settings(path: Path, patients: Patients, index: int, clip: BeatingHeart, ejection_fraction: float) -> None:
    """The Info file of one view; ED and ES are 1-based frames of the half sequence."""
    grade = next(name for name, low, _ in GRADES if patients.quality[index] >= low)
    frames = len(clip.volumes_ml)
    values = {
        "ED": 1, "ES": frames, "NbFrame": frames, "Sex": patients.sex[index], "Age": patients.age[index],
        "ImageQuality": grade, "EF": round(ejection_fraction, 3), "FrameRate": FPS,
    }  # fmt: skip
    path.write_text("".join(f"{key}: {value}\n" for key, value in values.items()), encoding="utf-8")


def write_tables(root: Path, truth: Path, rows: list[dict]) -> None:
    """Split lists and the truth."""
    folder = root / "database_split"
    for split in ("training", "validation", "testing"):
        names = [row["split"][0] for row in rows if row["split"][1] == split]
        (folder / f"subgroup_{split}.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    write_csv(truth / "CAMUS.csv", TRUTH_HEADER, [line for row in rows for line in row["truth"]])
    write_csv(truth / "CAMUS_volumes.csv", ["patient", "esv_ml", "edv_ml"], [row["volumes"] for row in rows])
