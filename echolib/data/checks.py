"""What every reader checks: CSV columns, numbers, names that stay inside the dataset's folder."""

import csv
import hashlib
import io
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from echolib.data.errors import DataError, Faults, TableFaults
from echolib.files import file_sha256

SPLITS = ("train", "val", "test")
OVERSHOOT = 0.05  # of the picture's side: so far outside of it observers may have set a point
_HEAD_BYTES = 1 << 16


def read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A CSV file as a table whose index is the row number in the file (header = row 1).

    Raises DataError when the file is absent, empty, not UTF-8, not a CSV, lacks one of `columns` or names one twice,
    holds no row, or a row has another number of fields than the header: all of these rows are listed.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: give the folder that holds {path.name}")
    text = read_text(path)
    header = _check_fields(path, text)
    lacking = [name for name in columns if name not in header]
    if lacking:
        raise DataError(f"{path} has no column {', '.join(lacking)} (it has {', '.join(header)})")
    # Empty cells alone mean "unknown"; a video may be called NA.
    options = {"keep_default_na": False, "na_values": [""], "index_col": False, "skip_blank_lines": False}
    try:
        table = pd.read_csv(io.StringIO(text), names=header, header=0, low_memory=False, **options)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path} is not a readable CSV table ({error}): download it again") from error
    if table.empty:
        raise DataError(f"{path} holds no row below its header: download it again")
    table.index = pd.RangeIndex(2, len(table) + 2)
    return table


def read_text(path: Path) -> str:
    """A text file, without empty lines at its end. Raises DataError when it cannot be read or is no UTF-8 text."""
    try:
        text = path.read_bytes().decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): download it again") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no UTF-8 text (at byte {error.start}): save it as UTF-8") from error
    if "\0" in text:
        raise DataError(f"{path} is no text (it holds a zero byte): download it again")
    return text


def _check_fields(path: Path, text: str) -> list[str]:
    """The names of the columns; refuses repeated ones, and rows of another length, whose values pandas would shift."""
    lines = text.replace("\r\n", "\n")
    reader = csv.reader(io.StringIO(lines, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if '"' in lines or "\r" in lines:
            lengths = np.fromiter(map(len, reader), "int64")
        else:  # the same, seven times as fast: tracings take 425,000 rows
            lengths = np.array([line.count(",") + bool(line) for line in lines.split("\n")[1:]], "int64")
    except csv.Error as error:
        raise DataError(
            f"{path} is not a readable CSV table (line {reader.line_num}: {error}): download it again"
        ) from error
    if not header:
        raise DataError(f"{path} is not a readable CSV table (it is empty): download it again")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(f"{path} has several columns called {', '.join(twice)}: keep one of each")
    faults = Faults(str(path), "give every row as many fields as the header, or download the file again")
    for place in np.flatnonzero(lengths != len(header)):
        faults.add(f"{path.name} row {place + 2}: has {lengths[place]} fields, the header {len(header)}")
    faults.raise_any()
    return header


def as_numbers(column: pd.Series) -> pd.Series:
    """The column as float64, NaN where a cell is empty or no finite number."""
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    return numbers.where(numbers.abs() != float("inf"))


def as_texts(column: pd.Series) -> pd.Series:
    """The column as stripped texts, "" where a cell is empty."""
    return column.astype(object).where(column.notna(), "").astype(str).str.strip()


def whole_above(numbers: pd.Series, least: int) -> pd.Series:
    """True where a number is whole and at least `least`."""
    return (numbers >= least) & (numbers % 1 == 0)


def check_splits(faults: TableFaults, column: str, texts: pd.Series) -> pd.Series:
    """The split in lower case; a fault for each one that is not train, val or test."""
    splits = texts.str.lower()
    faults.where(~splits.isin(SPLITS), f"{column} is {{{column}}}, not TRAIN, VAL or TEST")
    return splits


def unsafe_names(names: pd.Series) -> pd.Series:
    """True where a name is no plain file name: empty, with a separator, a drive or a dot-dot."""
    return names.str.contains(r"[/\\:\x00]", regex=True) | names.isin(["", ".", ".."])


def check_files(
    faults: Faults, root: Path, folders: Iterable[Path], suffix: str, names: Iterable[str]
) -> dict[str, str]:
    """Name (without suffix) -> path of every file with that suffix in the folders.

    Reads directory listings alone, so it costs the same for ten thousand videos. A fault for each of `names` that has
    no file, and for each whose file or folder is a link that leads out of `root`.
    """
    paths: dict[str, str] = {}
    escaping: set[str] = set()
    for folder in folders:
        if not folder.is_dir():
            faults.add(f"the folder {folder} is missing")
            continue
        folder_escapes = not inside(root, folder)
        for entry in os.scandir(folder):
            if not entry.name.lower().endswith(suffix) or not entry.is_file():
                continue
            name = entry.name[: -len(suffix)]
            if name in paths:
                faults.add(f"{entry.name} is in both {paths[name]} and {entry.path}")
            paths[name] = entry.path
            if folder_escapes or (entry.is_symlink() and not inside(root, entry.path)):
                escaping.add(name)
    for name in names:
        if name not in paths:
            faults.add(f"{name}{suffix} is missing")
        elif name in escaping:
            faults.add(f"{paths[name]} is a link that leads out of {root}")
    return paths


def inside(folder: str | Path, path: str | Path) -> bool:
    """True when the path, with every link followed, lies in the folder."""
    real = os.path.realpath(folder)
    return os.path.commonpath([real, os.path.realpath(path)]) == real


def outside(points: np.ndarray, sides: np.ndarray) -> pd.Series:
    """True for rows (N, coordinates) with one further outside of the picture than observers overshoot; in pixels."""
    return pd.DataFrame((points < -OVERSHOOT * sides) | (points > (1 + OVERSHOOT) * sides)).any(axis=1)


def check_percent(faults: Faults, source: str, ef: pd.Series) -> None:
    """One fault where EF seem to be given as fractions: none of those that are known is above 1."""
    known = ef.dropna()
    if len(known) and known.between(0, 1).all() and known.max() > 0:
        faults.add(f"{source}: no EF is above 1, the largest is {known.max():g}: they are fractions, multiply by 100")


def check_one_split(faults: Faults, paths: Iterable[str], splits: Iterable[str]) -> None:
    """A fault for every file that has the same content as one of another split.

    Only files of equal size are opened, and read beyond their first 64 kB only where these are equal; empty ones, which
    no decoder takes, are left alone.
    """
    pairs = [(path, split) for path, split in zip(paths, splits, strict=True) if isinstance(path, str)]
    groups: Mapping[tuple, list[tuple[str, str]]] = {(): pairs}
    try:
        for key in (os.path.getsize, _head_sha256, file_sha256):
            refined = defaultdict(list)
            for known, members in groups.items():
                for path, split in members:
                    refined[(*known, key(path))].append((path, split))
            groups = {
                known: rows for known, rows in refined.items() if known[0] and len({split for _, split in rows}) > 1
            }
    except OSError as error:
        faults.add(f"{error.filename} cannot be read ({error.strerror})")
        return
    for members in groups.values():
        first, split = members[0]
        for path, other in members[1:]:
            if other != split:
                faults.add(f"{os.path.basename(path)} ({other}) and {os.path.basename(first)} ({split}) are one file")


def _head_sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read(_HEAD_BYTES)).hexdigest()
