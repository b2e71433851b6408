"""EchoNet-LVH on disk (MeasurementsList.csv, Batch*/*.avi) as tidy tables."""

import warnings
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from echolib.data.checks import (
    as_numbers,
    as_texts,
    check_files,
    check_one_split,
    check_splits,
    outside,
    read_csv,
    unsafe_names,
    whole_above,
)
from echolib.data.dataset_entry import DatasetEntry
from echolib.data.errors import DataError, Faults, TableFaults

MEASURES = ("LVPW", "LVID", "IVS")  # bottom to top in the parasternal long axis
WALL_KEYPOINTS = ("posterior_outer", "posterior_inner", "septum_left", "septum_right")  # their ends, as they meet
LENGTHS_CM = (0.05, 15.0)  # of a wall or a cavity
LARGEST_GAP_PX = 3.0  # two ends of one joint further apart than this are no joint
_LARGEST_RATIO, _LARGEST_ERROR_PX = 2.0, 5.0  # of one measurement's scale to that of its video; of its length
_NAMED = 5  # of what is left out
_PHASES = {"d": "ED", "s": "ES"}
_COLUMNS = ("HashedFileName", "Calc", "CalcValue", "Frame", "X1", "X2", "Y1", "Y2", "FPS", "Width", "Height")
_SPELLINGS = {"Frames": ("Frames", "NumFrames"), "Split": ("split", "Split")}  # files, and the dataset's own web page


class EchoNetLVH:
    """The EchoNet-LVH folder as three tables. No video is decoded.

    `videos`, one row per video: video (name without suffix), path, split ("train", "val", "test"), fps (NaN unknown),
    frames (0 where the file gives no number), height, width (pixels).

    `measurements`, one row per measurement: video, frame (0-based), measure ("IVS", "LVID", "LVPW"), phase ("ED",
    "ES"), length_cm, x1, y1, x2, y2 (pixels).

    `keypoints`, one row per frame that carries all three measures of one phase with joints no more than 3 px apart:
    video, split, frame, phase, points (float32 (4, 2): x, y from the posterior wall up to the septum, joints
    averaged), cm_per_px (summed lengths in cm by summed lengths in pixels). Frames that carry all three with wider
    joints are named in a warning.

    Raises DataError with every bad row: unknown measure or split, one video or one file in two splits, lengths, frames,
    sizes or coordinates that are no numbers, lengths outside 0.05 to 15 cm or at another scale than the video's others,
    points outside of the picture, one measure of one frame with two values, a frame past the last, names or links out
    of the folder, missing videos.
    """

    def __init__(self, root: str | PathLike):
        self.root = Path(root)
        faults = Faults(f"EchoNet-LVH in {self.root}", "correct the listed rows, or download the dataset again")
        self.videos, self.measurements = _read_tables(self.root, faults)
        faults.raise_any()
        self.keypoints = _join_keypoints(self.measurements, self.videos)

    def __repr__(self) -> str:
        return (
            f"EchoNetLVH({str(self.root)!r}): {len(self.videos)} videos, {len(self.measurements)} measurements, "
            f"{len(self.keypoints)} frames with keypoints"
        )


def _read_tables(root: Path, faults: Faults) -> tuple[pd.DataFrame, pd.DataFrame]:
    path = root / "MeasurementsList.csv"
    table = read_csv(path, _COLUMNS)
    for name, spellings in _SPELLINGS.items():
        present = [spelling for spelling in spellings if spelling in table.columns]
        if not present:
            raise DataError(f"{path} has no column {' or '.join(spellings)}")
        table = table.rename(columns={present[0]: name})
    rows = TableFaults(path.name, table, "")
    names = as_texts(table["HashedFileName"]).str.replace(r"\.avi$", "", case=False, regex=True)
    measurements = _measurements(rows, names)
    split = check_splits(rows, "Split", as_texts(table["Split"]))
    sizes = {side: as_numbers(table[side]) for side in ("Height", "Width")}
    for side, pixels in sizes.items():
        rows.where(~whole_above(pixels, 1), f"{side} of {{HashedFileName}} is {{{side}}}, not a whole number above 0")
    for column, values in {"Split": split, **sizes}.items():
        first = values.groupby(names).transform("first")
        rows.where((values != first) & values.notna(), f"{column} of {{HashedFileName}} is {{{column}}}, not as before")
    unsafe = unsafe_names(names)
    _check_plausible(rows, names, measurements, sizes)
    rows.where(unsafe, "HashedFileName {HashedFileName} is not a plain file name")
    folders = sorted(root.glob("Batch*")) or [root / "Batch1"]
    paths = check_files(rows, root, folders, ".avi", names[~unsafe].drop_duplicates())
    once = pd.DataFrame({"path": names.map(paths), "split": split}).drop_duplicates("path")
    check_one_split(rows, once["path"], once["split"])
    faults.extend(rows.lines)
    videos = pd.DataFrame(
        {
            "video": names,
            "path": names.map(paths),
            "split": split,
            "fps": as_numbers(table["FPS"]).where(lambda fps: fps > 0),
            "frames": as_numbers(table["Frames"]).fillna(0).astype("int64"),
            "height": sizes["Height"].fillna(0).astype("int64"),
            "width": sizes["Width"].fillna(0).astype("int64"),
        }
    )
    return videos.drop_duplicates("video").reset_index(drop=True), measurements


def _measurements(rows: TableFaults, names: pd.Series) -> pd.DataFrame:
    table = rows.table
    calc = as_texts(table["Calc"])
    known = calc.str[:-1].isin(MEASURES) & calc.str[-1:].isin(list(_PHASES))
    rows.where(~known, "Calc of {HashedFileName} is {Calc}, not IVS, LVID or LVPW with d or s")
    length, frame = as_numbers(table["CalcValue"]), as_numbers(table["Frame"])
    least, most = LENGTHS_CM
    rows.where(
        ~length.between(least, most),
        f"CalcValue of {{HashedFileName}} is {{CalcValue}}, not within {least:g} to {most:g} cm",
    )
    rows.where(~whole_above(frame, 0), "Frame {Frame} of {HashedFileName} is not a whole number from 0")
    # `Frames` is not always a number: then nothing can be said about the last frame.
    rows.where(
        frame >= as_numbers(table["Frames"]), "Frame {Frame} is past the last one of {HashedFileName} ({Frames} frames)"
    )
    ends = {name.lower(): as_numbers(table[name]) for name in ("X1", "Y1", "X2", "Y2")}
    bad = pd.concat(ends, axis=1).isna().any(axis=1)
    rows.where(bad, "a coordinate of {HashedFileName} {Calc} is not a number")
    measurements = pd.DataFrame(
        {
            "video": names,
            "frame": frame.fillna(-1).astype("int64"),
            "measure": calc.str[:-1],
            "phase": calc.str[-1:].map(_PHASES),
            "length_cm": length,
            **ends,
        }
    )
    return measurements.reset_index(drop=True)


def _check_plausible(rows: TableFaults, names: pd.Series, measurements: pd.DataFrame, sizes: dict) -> None:
    """Points inside of the picture, one value for one measure, one scale (cm per px) for one video."""
    ends = measurements[["x1", "y1", "x2", "y2"]].to_numpy()
    sides = np.column_stack([sizes["Width"], sizes["Height"]] * 2)
    rows.where(
        outside(ends, sides),
        "a point of {HashedFileName} {Calc} lies outside of the picture: ({X1}, {Y1}) to ({X2}, {Y2})",
    )
    keys = ["video", "frame", "phase", "measure"]
    several = measurements.drop_duplicates().duplicated(keys, keep=False)
    several = several.reindex(measurements.index, fill_value=False)
    rows.where(several, "{Calc} of {HashedFileName}, frame {Frame}, is there more than once with other values")
    pixels = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    length = measurements["length_cm"].to_numpy()
    # What is no length of a heart is a fault of its own.
    scale = pd.Series(
        np.where(
            (pixels > 0) & measurements["length_cm"].between(*LENGTHS_CM), length / np.maximum(pixels, 1e-9), np.nan
        )
    )
    usual = scale.groupby(names.to_numpy()).transform("median")
    ratio, error = scale / usual, np.abs(length / usual - pixels)
    rows.where(
        ((ratio > _LARGEST_RATIO) | (ratio < 1 / _LARGEST_RATIO)) & (error > _LARGEST_ERROR_PX),
        "CalcValue of {HashedFileName} {Calc} is {CalcValue} cm, which does not fit its points at its video's scale",
    )


def _join_keypoints(measurements: pd.DataFrame, videos: pd.DataFrame) -> pd.DataFrame:
    keys = ["video", "frame", "phase"]
    single = measurements.drop_duplicates([*keys, "measure"])
    wide = single.pivot(index=keys, columns="measure", values=["x1", "y1", "x2", "y2", "length_cm"])
    wide = wide.reindex(columns=pd.MultiIndex.from_product([["x1", "y1", "x2", "y2", "length_cm"], MEASURES])).dropna()
    first = np.stack([wide[axis][list(MEASURES)].to_numpy() for axis in ("x1", "y1")], axis=-1)  # (N, 3, 2)
    second = np.stack([wide[axis][list(MEASURES)].to_numpy() for axis in ("x2", "y2")], axis=-1)
    gaps = np.linalg.norm(second[:, :-1] - first[:, 1:], axis=-1)
    lengths = np.linalg.norm(second - first, axis=-1)
    joined = (gaps <= LARGEST_GAP_PX).all(axis=1) & (lengths > 0).all(axis=1)
    points = np.concatenate([first[:, :1], (second[:, :-1] + first[:, 1:]) / 2, second[:, -1:]], axis=1)
    table = wide.index.to_frame(index=False)
    table["points"] = list(points.astype("float32"))
    table["cm_per_px"] = wide["length_cm"].to_numpy().sum(axis=1) / np.maximum(lengths.sum(axis=1), 1e-9)
    if not joined.all():
        apart = [f"{row.video} frame {row.frame}" for row in table[~joined].itertuples()]
        more = f" and {len(apart) - _NAMED} more" if len(apart) > _NAMED else ""
        warnings.warn(
            f"MeasurementsList.csv: no keypoints from {len(apart)} of {len(table)} frames, whose measures do not join "
            f"within {LARGEST_GAP_PX:g} px: {', '.join(apart[:_NAMED])}{more}",
            stacklevel=3,
        )
    table = table[joined].merge(videos[["video", "split"]], on="video", how="left")
    return table[["video", "split", "frame", "phase", "points", "cm_per_px"]]


ENTRY = DatasetEntry(
    name="echonet_lvh",
    title="EchoNet-LVH",
    licence="Stanford research use agreement: no redistribution",
    citation='Duffy et al., "High-throughput precision phenotyping of left ventricular hypertrophy with cardiovascular '
    'deep learning", JAMA Cardiology 7(4), 2022, doi 10.1001/jamacardio.2021.6059',
    layout="MeasurementsList.csv and Batch*/*.avi",
    reader=EchoNetLVH,
    label_files=("MeasurementsList.csv",),
    image_folders=("Batch*",),
    tables=("keypoints",),
    keypoints=WALL_KEYPOINTS,
    phantom="echolib.phantom.writers.echonet_lvh",
)
