"""Our numbers beside published ones."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd

NOT_MEASURED = "not measured"  # the data of a published row that ours lack
SIMULATED = "phantom"  # in the label of numbers that were not measured on a paper's own data, or not on these alone


def is_papers_data(label: str) -> bool:
    """Whether numbers with this label were measured on what the papers measured on, so that a difference says something
    of the method: a dataset's own name, neither the phantom nor a mixture with it ("phantom and CAMUS")."""
    return SIMULATED not in label.split(" and ")


def beside_published(
    ours: pd.DataFrame,
    published: pd.DataFrame,
    keys: str | Sequence[str],
    metrics: str | Sequence[str],
    *,
    data: str,
    seeds: int | None = None,
    layout: Literal["wide", "long"] = "wide",
    order: Literal["published", "ours"] = "published",
) -> pd.DataFrame:
    """Ours, published, our interval, seeds, and the dataset that ours was measured on; the difference where it is the
    paper's (`is_papers_data`).

    ours : keys, metrics and, where known, <metric>_low and <metric>_high; a column "seeds" overrides the argument.
    published : keys and metrics. Metrics that it does not have get no such columns; what one side lacks stays empty.
    keys : columns that identify a row in both.
    metrics : columns to compare.
    data : the dataset of ours, "phantom" where it is simulated; a column "data" of ours overrides it.
    seeds : how many seeds each of ours is the mean of.
    layout : "wide" is one row per key with <metric>, <metric>_low, <metric>_high, <metric>_published and
        <metric>_difference; "long" is one row per key and metric with ours, ours_low, ours_high, published, difference.
        A column of differences that would be empty in every row is left out.
    order : whose order the rows keep; those that only the other side has come last.

    Returns the keys first and seeds and data last.
    """
    keys, metrics = ([names] if isinstance(names, str) else list(names) for names in (keys, metrics))
    ours, published = _with_columns(ours, keys, "ours"), _with_columns(published, keys, "published")
    ours = _with_columns(ours, metrics, "ours")
    for frame, whose in ((ours, "ours"), (published, "published")):
        if (twice := frame.duplicated(keys)).any():
            raise ValueError(f"{whose} has several rows for {frame.loc[twice, keys].to_dict('records')}")
    sides = [published[keys], ours[keys]] if order == "published" else [ours[keys], published[keys]]
    rows = pd.concat(sides).drop_duplicates()
    both = _joined(rows, ours, published, metrics, data, seeds)
    columns = ("", "_low", "_high", "_published", "_difference")
    compared = [metric + suffix for metric in metrics for suffix in columns if metric + suffix in both]
    wide = both[[*keys, *compared, "seeds", "data"]]
    return wide if layout == "wide" else _long(wide, keys, metrics)


def _joined(
    rows: pd.DataFrame, ours: pd.DataFrame, published: pd.DataFrame, metrics: list[str], data: str, seeds: int | None
) -> pd.DataFrame:
    """Ours and the published metrics in the rows that the keys name, with differences, seeds and data."""
    keys = list(rows)
    known = [column for name in metrics for column in (name, f"{name}_low", f"{name}_high") if column in ours]
    ours = ours.assign(**{"seeds": ours.get("seeds", seeds), "measured": True})
    ours["data"] = ours["data"].fillna(data) if "data" in ours else data
    shared = [metric for metric in metrics if metric in published]
    printed = published[keys + shared].rename(columns={metric: f"{metric}_published" for metric in shared})
    both = rows.merge(ours[[*keys, *known, "seeds", "data", "measured"]], on=keys, how="left")
    both = both.merge(printed, on=keys, how="left")
    both["data"] = both["data"].where(both.pop("measured").notna(), NOT_MEASURED)
    both["seeds"] = both["seeds"].astype("Int64")
    same = both["data"].map(is_papers_data)
    for metric in shared:
        difference = (both[metric] - both[f"{metric}_published"]).where(same)
        if difference.notna().any():
            both[f"{metric}_difference"] = difference
    return both


def _with_columns(frame: pd.DataFrame, columns: list[str], whose: str) -> pd.DataFrame:
    """The frame with a named index as columns; refuses one that lacks a column."""
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    if missing := [column for column in columns if column not in frame]:
        raise ValueError(f"{whose} has no column {', '.join(missing)}; it has {', '.join(map(str, frame))}")
    return frame


def _long(wide: pd.DataFrame, keys: list[str], metrics: list[str]) -> pd.DataFrame:
    """One row per key and metric, keys in the order of the wide table."""
    names = {"": "ours", "_low": "ours_low", "_high": "ours_high", "_published": "published"}
    names["_difference"] = "difference"
    blocks = []
    for metric in metrics:
        block = wide[keys].assign(metric=metric)
        for suffix, name in names.items():
            if metric + suffix in wide:
                block[name] = wide[metric + suffix]
        blocks.append(block.assign(seeds=wide["seeds"], data=wide["data"]))
    return pd.concat(blocks).sort_index(kind="stable").reset_index(drop=True)
