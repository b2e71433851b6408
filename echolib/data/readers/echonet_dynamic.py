"""EchoNet-Dynamic on disk (FileList.csv, VolumeTracings.csv, Videos/*.avi) as tidy tables."""

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
    check_percent,
    check_splits,
    outside,
    read_csv,
    unsafe_names,
    whole_above,
)
from echolib.data.dataset_entry import DatasetEntry
from echolib.data.errors import Faults, TableFaults, shortened

ROWS_A_TRACING = 21  # the long axis, then 20 chords from apex to mitral plane
SMALLEST_PX = 1.0  # the area of a tracing, in pixels
FURTHEST_EF = 5  # points between a row's EF and that of its volumes, which in the published table are the same
FEWEST_ROWS = 12  # below it the interpolated outline would be a guess
_VIDEO_COLUMNS = ("FileName", "EF", "ESV", "EDV", "FrameHeight", "FrameWidth", "FPS", "NumberOfFrames", "Split")
_TRACING_COLUMNS = ("FileName", "X1", "Y1", "X2", "Y2", "Frame")


class EchoNetDynamic:
    """The EchoNet-Dynamic folder as two tables. No video is decoded.

    `videos`, one row per video: video (name without suffix), path, split ("train", "val", "test"), ef_percent, esv_ml,
    edv_ml, fps, frames, height, width (pixels), traced (how many of its frames carry a tracing; the reference work
    leaves out videos with fewer than two, here they stay).

    `tracings`, one row per tracing: video, frame (0-based), phase, area_px, tracing (float32 (21, 4): x1, y1, x2,
    y2 in pixels, row 0 = long axis). The phase is decided by area: a video's largest tracing is "ED", its smallest
    "ES", any further one "". Where several observers traced one frame there is a row for each, and the first decides.

    Raises DataError with every bad row: duplicates, an EF that is empty or outside 0 to 100, EF as fractions, an ESV
    that is not below its EDV, an unknown split, impossible numbers, a name that is no plain file name, a missing video,
    a link out of the folder, one file in two splits, a tracing past the last frame, of fewer than 12 rows, without an
    area or with a point further than 5 % of a side outside of the picture. Traced videos that FileList.csv lacks are
    left out with a warning; more of them than of listed ones are an error.
    """

    def __init__(self, root: str | PathLike):
        self.root = Path(root)
        faults = Faults(f"EchoNet-Dynamic in {self.root}", "correct the listed rows, or download the dataset again")
        self.videos = _read_videos(self.root, faults)
        self.tracings = _read_tracings(self.root, self.videos, faults)
        faults.raise_any()
        traced = self.tracings.drop_duplicates(["video", "frame"])["video"].value_counts()
        self.videos["traced"] = self.videos["video"].map(traced).fillna(0).astype("int64")

    def __repr__(self) -> str:
        return f"EchoNetDynamic({str(self.root)!r}): {len(self.videos)} videos, {len(self.tracings)} tracings"


def _bare(names: pd.Series) -> pd.Series:
    """File names without their suffix: third-party copies of FileList.csv carry `.avi` on some rows."""
    codes, different = pd.factorize(names, use_na_sentinel=False)  # 425,010 rows of tracings name 10,025 videos
    bare = as_texts(pd.Series(different)).str.replace(r"\.avi$", "", case=False, regex=True)
    return pd.Series(bare.to_numpy()[codes], index=names.index)


def _read_videos(root: Path, faults: Faults) -> pd.DataFrame:
    table = read_csv(root / "FileList.csv", _VIDEO_COLUMNS)
    rows = TableFaults("FileList.csv", table, "")
    names = _bare(table["FileName"])
    numbers = {name: as_numbers(table[name]) for name in _VIDEO_COLUMNS[1:-1]}
    unsafe = unsafe_names(names)
    rows.where(unsafe, "FileName {FileName} is not a plain file name")
    rows.where(names.duplicated(keep=False) & ~unsafe, "FileName {FileName} is listed more than once (Split {Split})")
    rows.where(~numbers["EF"].between(0, 100), "EF of {FileName} is {EF}, not within 0 to 100 percent")
    for volume in ("ESV", "EDV"):
        rows.where(~(numbers[volume] > 0), f"{volume} of {{FileName}} is {{{volume}}}, not above 0 mL")
    rows.where(
        numbers["ESV"] >= numbers["EDV"], "EDV of {FileName} is {EDV}, not above its ESV of {ESV} mL: are they swapped?"
    )
    check_percent(rows, "FileList.csv", numbers["EF"])
    rows.where(~(numbers["FPS"] > 0), "FPS of {FileName} is {FPS}, not above 0")
    for name in ("FrameHeight", "FrameWidth", "NumberOfFrames"):
        rows.where(~whole_above(numbers[name], 1), f"{name} of {{FileName}} is {{{name}}}, not a whole number above 0")
    split = check_splits(rows, "Split", as_texts(table["Split"]))
    paths = check_files(rows, root, [root / "Videos"], ".avi", names[~unsafe].drop_duplicates())
    check_one_split(rows, names.map(paths), split)
    faults.extend(rows.lines)
    if not rows.lines:
        _compare_with_volumes(table, numbers)
    whole = {name: numbers[name].fillna(0).astype("int64") for name in ("FrameHeight", "FrameWidth", "NumberOfFrames")}
    videos = pd.DataFrame(
        {
            "video": names,
            "path": names.map(paths),
            "split": split,
            "ef_percent": numbers["EF"],
            "esv_ml": numbers["ESV"],
            "edv_ml": numbers["EDV"],
            "fps": numbers["FPS"],
            "frames": whole["NumberOfFrames"],
            "height": whole["FrameHeight"],
            "width": whole["FrameWidth"],
        }
    )
    return videos.reset_index(drop=True)


def _compare_with_volumes(table: pd.DataFrame, numbers: dict[str, pd.Series]) -> None:
    """A warning that names rows whose EF is not that of their volumes: a number of theirs was changed."""
    by_volumes = 100 * (1 - numbers["ESV"] / numbers["EDV"])
    apart = (numbers["EF"] - by_volumes).abs() > FURTHEST_EF
    if apart.any():
        first = [f"row {row} ({table.loc[row, 'FileName']})" for row in table.index[apart][:5]]
        warnings.warn(
            f"FileList.csv: EF is more than {FURTHEST_EF} points from that of ESV and EDV in {apart.sum()} rows, such "
            f"as {', '.join(first)}: look at their numbers",
            stacklevel=4,
        )


def _read_tracings(root: Path, videos: pd.DataFrame, faults: Faults) -> pd.DataFrame:
    table = read_csv(root / "VolumeTracings.csv", _TRACING_COLUMNS)
    names = _bare(table["FileName"])
    listed = names.isin(videos["video"])
    if not listed.all():
        # One traced video of the official release is not in its FileList.csv; cut copies leave out more.
        unknown, known = sorted(names[~listed].unique()), names[listed].nunique()
        text = f"VolumeTracings.csv traces videos that FileList.csv lacks: {shortened(', '.join(unknown))}"
        if len(unknown) > known:
            faults.add(f"{text} ({len(unknown)} of {len(unknown) + known})")
            return pd.DataFrame({"video": [], "frame": []})
        warnings.warn(text, stacklevel=3)
        table, names = table[listed].copy(), names[listed]
    rows = TableFaults("VolumeTracings.csv", table, "")
    points = np.column_stack([as_numbers(table[name]) for name in ("X1", "Y1", "X2", "Y2")])
    frames = as_numbers(table["Frame"])
    of_video = videos.drop_duplicates("video").set_index("video")
    place = of_video.index.get_indexer(pd.Index(names))
    table["last"] = of_video["frames"].to_numpy()[place] - 1
    sides = of_video[["width", "height"] * 2].where(lambda px: px > 0).to_numpy()[place]
    # pyrefly: ignore[no-matching-overload]  (NumPy types the reduction along an axis as a scalar, too)
    rows.where(pd.Series(np.isnan(points).any(axis=1)), "a coordinate of {FileName}, frame {Frame}, is not a number")
    rows.where(
        outside(points, sides),
        "a point of {FileName}, frame {Frame}, lies outside of the picture: ({X1}, {Y1}) to ({X2}, {Y2})",
    )
    rows.where(~whole_above(frames, 0), "Frame {Frame} of {FileName} is not a whole number from 0")
    rows.where(frames > table["last"], "Frame {Frame} is past the last frame ({last}) of {FileName}")
    if not rows.lines:
        frames = frames.astype("int64")
        keys = pd.DataFrame({"video": names, "frame": frames})
        table["size"] = keys.groupby(["video", "frame"])["frame"].transform("size")
        rows.where(
            (table["size"] < FEWEST_ROWS) & ~keys.duplicated(),
            f"the tracing of {{FileName}}, frame {{Frame}}, has {{size}} rows, fewer than {FEWEST_ROWS}",
        )
        if not rows.lines:
            tracings = _tracing_table(keys, table["size"].to_numpy(), points)
            for flat in tracings[tracings["area_px"] < SMALLEST_PX].itertuples():
                faults.add(f"VolumeTracings.csv: the tracing of {flat.video}, frame {flat.frame}, encloses no area")
            return tracings
    faults.extend(rows.lines)
    return pd.DataFrame({"video": [], "frame": []})


def _tracing_table(keys: pd.DataFrame, sizes: np.ndarray, points: np.ndarray) -> pd.DataFrame:
    # A stable sort keeps the order of the rows inside a tracing, whatever the order of the tracings in the file.
    order = np.lexsort((keys["frame"].to_numpy(), pd.factorize(keys["video"])[0]))
    keys, sizes, points = keys.iloc[order], sizes[order], points[order]
    even = sizes % ROWS_A_TRACING == 0
    names, frames = keys["video"].to_numpy(), keys["frame"].to_numpy()
    parts: dict[str, list] = {
        "video": [names[even][::ROWS_A_TRACING]],
        "frame": [frames[even][::ROWS_A_TRACING]],
        "tracing": [points[even].reshape(-1, ROWS_A_TRACING, 4)],
    }
    odd = []
    for (name, frame), group in keys[~even].assign(row=np.flatnonzero(~even)).groupby(["video", "frame"], sort=False):
        odd.append(f"{name} frame {frame} ({len(group)})")
        parts["video"].append([name])
        parts["frame"].append([frame])
        parts["tracing"].append(_regular(points[group["row"].to_numpy()])[None])
    if odd:
        warnings.warn(
            f"VolumeTracings.csv: tracings without {ROWS_A_TRACING} rows, chords cut or interpolated: {', '.join(odd)}",
            stacklevel=4,
        )
    tracings = np.concatenate(parts["tracing"])
    table = pd.DataFrame({"video": np.concatenate(parts["video"]), "frame": np.concatenate(parts["frame"])})
    table["phase"], table["area_px"] = "", _polygon_areas(tracings[:, 1:])
    table["tracing"] = list(tracings.astype("float32"))
    first_row = pd.Series(range(len(table)), index=table["video"]).groupby(level=0).transform("min").to_numpy()
    table = table.iloc[np.lexsort((table["frame"], first_row))].reset_index(drop=True)
    return _with_phases(table)


def _regular(rows: np.ndarray) -> np.ndarray:
    """A tracing of 21 rows from one of another length: the first whole tracing, or too few chords interpolated."""
    if len(rows) >= ROWS_A_TRACING:
        return rows[:ROWS_A_TRACING]
    chords = rows[1:]
    where = np.linspace(0, len(chords) - 1, ROWS_A_TRACING - 1)
    columns = [np.interp(where, np.arange(len(chords)), column) for column in chords.T]
    return np.concatenate([rows[:1], np.stack(columns, axis=1)])


def _with_phases(table: pd.DataFrame) -> pd.DataFrame:
    """The table with "ED" at each video's largest and "ES" at its smallest area, only the first tracing of a frame."""
    ranked = table[~table.duplicated(["video", "frame"])].sort_values("area_px", kind="stable").groupby("video")
    several = ranked["frame"].transform("size") > 1
    for phase, rows in (("ES", ranked.head(1)), ("ED", ranked.tail(1))):
        table.loc[rows.index[several[rows.index]], "phase"] = phase
    return table


def _polygon_areas(chords: np.ndarray) -> np.ndarray:
    """Areas of the polygons along (x1, y1) and back along (x2, y2) by the shoelace formula. chords: (N, 20, 4)."""
    x = np.concatenate([chords[:, :, 0], chords[:, ::-1, 2]], axis=1)
    y = np.concatenate([chords[:, :, 1], chords[:, ::-1, 3]], axis=1)
    return 0.5 * np.abs((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1))


ENTRY = DatasetEntry(
    name="echonet_dynamic",
    title="EchoNet-Dynamic",
    licence="Stanford research use agreement: no redistribution",
    citation='Ouyang et al., "Video-based AI for beat-to-beat assessment of cardiac function", Nature 580, 2020, '
    "doi 10.1038/s41586-020-2145-8",
    layout="FileList.csv, VolumeTracings.csv and Videos/*.avi",
    reader=EchoNetDynamic,
    label_files=("FileList.csv", "VolumeTracings.csv"),
    image_folders=("Videos",),
    tables=("tracings",),
    structures=("lv",),
    phantom="echolib.phantom.writers.echonet_dynamic",
)
