"""What the data look like: populations, example frames, and how close the phantom comes to real frames."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from echolib.data.readers.camus import CAMUS, read_camus, read_camus_mask
from echolib.data.readers.echonet_dynamic import EchoNetDynamic
from echolib.data.readers.echonet_lvh import EchoNetLVH
from echolib.data.video import read_video
from echolib.metrics.ejection import heart_failure_class
from echolib.phantom.statistics import REAL_FOUR_CHAMBER, frame_statistics
from echolib.report.style import GREY, PALETTE, panels

# Ouyang et al. 2020 and the EchoNet-Dynamic site: mean and SD over all 10,030 videos
PUBLISHED_POPULATION = pd.DataFrame(
    {"mean": [55.7, 43.3, 91.0], "sd": [12.5, 34.5, 45.7]}, index=["ef_percent", "esv_ml", "edv_ml"]
)
PUBLISHED_CLASS_SHARES = {"HFrEF": 10.9, "HFmrEF": 11.3, "HFpEF": 77.8}  # percent; behind EchoMEN's Table 1
PUBLISHED_WALLS = {("IVS", "ED"): 1.07, ("LVPW", "ED"): 1.03, ("LVID", "ED"): 4.66, ("LVID", "ES"): 3.10}  # cm
DISCS = 20
COMMON_MM = 0.6
# mean width over length from apex to base of 499 CAMUS patients, as `measure_four_chamber` measures them
REAL_WIDTH = {
    "ED": (.26, .35, .41, .45, .49, .51, .53, .55, .56, .57, .57, .58, .59, .60, .60, .60, .59, .57, .54, .48),
    "ES": (.23, .30, .35, .38, .41, .43, .45, .46, .47, .48, .50, .51, .53, .54, .55, .56, .55, .54, .52, .49),
}  # fmt: skip
CLASS_LIMITS = {"HFrEF": "EF < 40", "HFmrEF": "40 <= EF < 50", "HFpEF": "EF >= 50"}
FIGURES = {
    "lv_area_cm2": "cavity area (cm2)",
    "long_axis_mm": "long axis (mm)",
    "max_width_mm": "greatest width (mm)",
    "tilt_deg": "tilt of the axis (degrees)",
    "apex_depth_mm": "depth of the apex (mm)",
    "base_depth_mm": "depth of the base (mm)",
    "myocardium_area_cm2": "myocardium in view (cm2)",
    "atrium_area_cm2": "atrium in view (cm2)",
    "grey_lv": "grey of the cavity",
    "grey_myocardium": "grey of the myocardium",
    "grey_background": "grey of the rest of the sector",
    "myocardium_to_lv": "grey, myocardium over cavity",
    "local_sd_lv": "local SD of the cavity",
    "local_sd_myocardium": "local SD of the myocardium",
    "speckle_axial_mm_lv": "speckle, axial (mm)",
    "speckle_lateral_mm_lv": "speckle, lateral (mm)",
}


def population_table(videos: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD of EF (percent) and volumes (mL) over all videos, beside EchoNet-Dynamic's."""
    ours = videos[list(PUBLISHED_POPULATION.index)].agg(["mean", "std"]).T.set_axis(["mean", "sd"], axis=1)
    return ours.join(PUBLISHED_POPULATION.add_suffix("_published")).rename_axis("quantity").reset_index()


def class_table(ef: np.ndarray) -> pd.DataFrame:
    """EchoMEN's Fig. 1 (a) and the shares behind (b): the classes of heart failure and how many videos each has."""
    classes = heart_failure_class(ef)
    rows = [
        {"class": name, "limits (%)": limits, "n": int((classes == name).sum())}
        | {"share": 100 * (classes == name).mean(), "share_published": PUBLISHED_CLASS_SHARES[name]}
        for name, limits in CLASS_LIMITS.items()
    ]
    return pd.DataFrame(rows)


def traced_examples(reader: EchoNetDynamic, efs: tuple[float, ...]) -> tuple[list[np.ndarray], list, list[str]]:
    """ED and ES frames of the test videos whose EF comes closest to `efs`, each once: frames, tracings, titles."""
    test = reader.videos[(reader.videos["split"] == "test") & (reader.videos["traced"] >= 2)].set_index("video")
    tracings = reader.tracings.set_index(["video", "phase"])["tracing"]
    instants = reader.tracings.set_index(["video", "phase"])["frame"]
    frames, drawn, titles = [], [], []
    for ef in efs:
        if test.empty:
            break
        row = test.loc[(test["ef_percent"] - ef).abs().idxmin()]
        test = test.drop(index=row.name)
        video = read_video(row["path"])
        for phase in ("ED", "ES"):
            frames.append(video[instants[row.name, phase]])
            drawn.append(tracings[row.name, phase])
            titles.append(f"{phase}, EF {row['ef_percent']:.0f} %")
    return frames, drawn, titles


def masked_examples(reader: CAMUS, count: int) -> tuple[list[np.ndarray], list[dict[str, np.ndarray]], list[str]]:
    """ED and ES four-chamber images of the first test patients with their masks: images, masks, titles."""
    images = _four_chamber(reader)
    images = images[images["split"] == "test"]
    chosen = images[images["patient"].isin(images["patient"].unique()[:count])].sort_values(["patient", "phase"])
    frames, masks, titles = [], [], []
    for row in chosen.itertuples():
        labels = read_camus_mask(row.mask_path)[0][0]
        frames.append(read_camus(row.path)[0][0])
        masks.append({"LV": labels == 1, "epicardium": np.isin(labels, [1, 2]), "atrium": labels == 3})
        titles.append(f"{row.patient}, {row.phase}")
    return frames, masks, titles


def measure_four_chamber(folder: Path, patients: int) -> pd.DataFrame:
    """`frame_statistics` of the four-chamber ED and ES images of evenly spaced patients, with a column phase.

    All at pixels of 0.6 mm: the grain of an image depends on the size of its pixels.
    """
    images = _four_chamber(CAMUS(folder))
    names = images["patient"].unique()
    names = names[np.linspace(0, len(names) - 1, min(patients, len(names))).round().astype(int)]
    rows = []
    for row in images[images["patient"].isin(names)].itertuples():
        pixels, spacing = read_camus(row.path)
        labels, _ = read_camus_mask(row.mask_path)
        shape = [round(n * mm / COMMON_MM) for n, mm in zip(pixels.shape[1:], spacing, strict=True)]
        pixels, labels = (torch.from_numpy(each)[None] for each in (pixels, labels))
        pixels = F.interpolate(pixels.float(), size=shape, mode="area").round().byte()[0].numpy()
        labels = F.interpolate(labels, size=shape, mode="nearest-exact")[0].numpy()
        rows.append(frame_statistics(pixels, labels, COMMON_MM).assign(phase=row.phase))
    return pd.concat(rows, ignore_index=True)


def statistics_table(measured: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Mean and SD of each figure at ED and ES for each measured dataset, beside 499 real CAMUS patients."""
    rows = []
    for figure, words in FIGURES.items():
        for phase in ("ED", "ES"):
            row = {"figure": words, "phase": phase, "real CAMUS": REAL_FOUR_CHAMBER.loc[figure, phase]}
            for name, frame in measured.items():
                part = frame.loc[frame["phase"] == phase, figure]
                row |= {name: part.mean(), f"SD, {name}": part.std()}
            rows.append(row)
    return pd.DataFrame(rows)


def _four_chamber(reader: CAMUS) -> pd.DataFrame:
    images = reader.images
    return images[(images["view"] == "4CH") & images["phase"].isin(["ED", "ES"]) & (images["mask_path"] != "")]


def width_figure(measured: Mapping[str, pd.DataFrame]) -> Figure:
    """Mean width of the cavity over its length from apex to base at ED and ES, one line a dataset; bands 10 to 90 %.

    measured: tables of `measure_four_chamber`.
    """
    figure, axes = panels(1, 2, height=2.3, sharey=True)
    position = (np.arange(DISCS) + 0.5) / DISCS
    for phase, panel in zip(("ED", "ES"), axes, strict=True):
        for number, (name, frame) in enumerate(measured.items()):
            widths = frame.loc[frame["phase"] == phase, [f"w{i:02d}" for i in range(DISCS)]]
            panel.plot(position, widths.mean(), color=PALETTE[number], label=name)
            low, high = widths.quantile(0.1), widths.quantile(0.9)
            panel.fill_between(position, low, high, color=PALETTE[number], alpha=0.15, linewidth=0)
        panel.plot(position, REAL_WIDTH[phase], color=GREY, linestyle=(0, (4, 2)), label="CAMUS, 499 patients")
        panel.set(xlim=(0, 1), xlabel="Apex to base (share of the axis)", title=phase)
    axes[0].set(ylim=(0, None), ylabel="Width / length of the axis")
    axes[0].legend(loc="lower center")
    return figure


def keypoint_examples(reader: EchoNetLVH, count: int) -> tuple[list[np.ndarray], list[np.ndarray], list[str]]:
    """The first annotated test frames with four points each: frames, points, titles."""
    chosen = reader.keypoints[reader.keypoints["split"] == "test"].head(count)
    paths = reader.videos.set_index("video")["path"]
    frames = [read_video(paths[row.video])[row.frame] for row in chosen.itertuples()]
    titles = [f"{row.phase}, {row.cm_per_px:.3f} cm per px" for row in chosen.itertuples()]
    return frames, list(chosen["points"]), titles


def wall_table(measurements: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD of each wall measure in cm at ED and ES, beside the published cohort's means."""
    lengths = measurements.groupby(["measure", "phase"])["length_cm"]
    table = lengths.agg(n="size", mean="mean", sd="std").reset_index()
    table["mean_published"] = [
        PUBLISHED_WALLS.get(key, np.nan) for key in zip(table["measure"], table["phase"], strict=True)
    ]
    return table
