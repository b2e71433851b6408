"""What every reader checks: CSV columns, numbers, names that stay inside the dataset's folder."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from echolib.data.errors import DataError, Faults, TableFaults

SPLITS = ("train", "val", "test")


def read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A CSV file as a table whose index is the row number in the file (header = row 1).

    Raises DataError when the file is absent, empty, not a CSV or lacks one of `columns`.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: give the folder that holds {path.name}")
    try:
        # Empty cells alone mean "unknown"; a video may be called NA.
        table = pd.read_csv(path, keep_default_na=False, na_values=[""], encoding="utf-8-sig", low_memory=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a readable CSV table ({error}): download it again") from error
    table = table.rename(columns=lambda name: str(name).strip())
    lacking = [name for name in columns if name not in table.columns]
    if lacking:
        raise DataError(f"{path} has no column {', '.join(lacking)} (it has {', '.join(table.columns)})")
    table.index = pd.RangeIndex(2, len(table) + 2)
    return table


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
            if not entry.name.lower().endswith(suffix):
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
