"""How close the phantom comes to real four-chamber frames: size, shape and position of the ventricle, grey, speckle."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from echolib.data.image import read_image, read_mask
from echolib.data.readers.camus import CAMUS
from echolib.papers.exploration.examples import four_chamber_images
from echolib.phantom.statistics import PROFILE, REAL_FOUR_CHAMBER, frame_statistics
from echolib.report.style import GREY, coloured, panels

COMMON_MM = 0.6
# mean width over length from apex to base of 499 CAMUS patients, as `measure_four_chamber` measures them
REAL_WIDTH = {
    "ED": (.26, .35, .41, .45, .49, .51, .53, .55, .56, .57, .57, .58, .59, .60, .60, .60, .59, .57, .54, .48),
    "ES": (.23, .30, .35, .38, .41, .43, .45, .46, .47, .48, .50, .51, .53, .54, .55, .56, .55, .54, .52, .49),
}  # fmt: skip
QUANTITIES = {
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


def measure_four_chamber(folder: Path, patients: int) -> pd.DataFrame:
    """`frame_statistics` of the four-chamber ED and ES images of evenly spaced patients, with a column phase.

    All at pixels of 0.6 mm: the grain of an image depends on the size of its pixels.
    """
    images = four_chamber_images(CAMUS(folder))
    names = images["patient"].unique()
    names = names[np.linspace(0, len(names) - 1, min(patients, len(names))).round().astype(int)]
    rows = []
    for row in images[images["patient"].isin(names)].itertuples():
        pixels, spacing = read_image(row.path)
        labels, _ = read_mask(row.mask_path)
        shape = [round(n * mm / COMMON_MM) for n, mm in zip(pixels.shape[1:], spacing, strict=True)]
        pixels, labels = torch.from_numpy(pixels)[None], torch.from_numpy(labels)[None]
        pixels = F.interpolate(pixels.float(), size=shape, mode="area").round().byte()[0].numpy()
        labels = F.interpolate(labels, size=shape, mode="nearest-exact")[0].numpy()
        rows.append(frame_statistics(pixels, labels, COMMON_MM).assign(phase=row.phase))
    return pd.concat(rows, ignore_index=True)


def statistics_table(measured: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Mean and SD of each quantity at ED and ES for each measured dataset, beside 499 real CAMUS patients.

    measured: tables of `measure_four_chamber`, by label.
    """
    rows = []
    for quantity, heading in QUANTITIES.items():
        for phase in ("ED", "ES"):
            row = {"quantity": heading, "phase": phase, "real CAMUS": REAL_FOUR_CHAMBER.loc[quantity, phase]}
            for label, frame in measured.items():
                values = frame.loc[frame["phase"] == phase, quantity]
                row |= {label: values.mean(), f"SD, {label}": values.std()}
            rows.append(row)
    return pd.DataFrame(rows)


def width_figure(measured: Mapping[str, pd.DataFrame]) -> Figure:
    """Mean width of the cavity over its length from apex to base at ED and ES, one line per dataset; bands 10 to 90 %.

    measured: tables of `measure_four_chamber`, by label.
    """
    figure, axes = panels(1, 2, height=2.3, sharey=True)
    position = (np.arange(len(PROFILE)) + 0.5) / len(PROFILE)
    for phase, panel in zip(("ED", "ES"), axes, strict=True):
        for colour, (label, frame) in coloured(measured.items()):
            widths = frame.loc[frame["phase"] == phase, PROFILE]
            panel.plot(position, widths.mean(), color=colour, label=label)
            low, high = widths.quantile(0.1), widths.quantile(0.9)
            panel.fill_between(position, low, high, color=colour, alpha=0.15, linewidth=0)
        panel.plot(position, REAL_WIDTH[phase], color=GREY, linestyle=(0, (4, 2)), label="CAMUS, 499 patients")
        panel.set(xlim=(0, 1), xlabel="Apex to base (share of the axis)", title=phase)
    axes[0].set(ylim=(0, None), ylabel="Width / length of the axis")
    axes[0].legend(loc="lower center")
    return figure
