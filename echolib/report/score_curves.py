"""Scores against what is varied: the share of labels, the share of noisy pixels, a parameter."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from echolib.metrics.ejection import mae, r2
from echolib.report.style import axes_or_new, coloured, corner_note, panels


def dice_by_fraction(tables: Mapping[str, pd.DataFrame], columns: Mapping[str, float], *, data: str) -> Figure:
    """Mean Dice against the share of training labels (log scale) with bands, one panel per network, one line per start.

    tables {panel title: one row per start, with "start" and, for each of `columns`, its Dice, <column>_low and
    <column>_high}; columns {column: percent of the labels}. Cells without a Dice are left out, and panels without any.
    """
    measured = {title: table.dropna(subset=list(columns), how="all") for title, table in tables.items()}
    measured = {title: table for title, table in measured.items() if len(table)}
    figure, axes = panels(1, len(measured), height=2.8, sharey=True)
    shares = list(columns.values())
    for panel, (title, table) in zip(axes, measured.items(), strict=True):
        for colour, row in coloured(table.to_dict("records")):
            names = [name for name in columns if row[name] == row[name]]
            of_row = [columns[name] for name in names]
            low, high = ([row[f"{name}_{end}"] for name in names] for end in ("low", "high"))
            panel.fill_between(of_row, low, high, color=colour, alpha=0.13, linewidth=0)
            panel.plot(of_row, [row[name] for name in names], marker="o", ms=3, color=colour, label=row["start"])
        panel.set(xscale="log", xlabel="Training labels (%)", title=title)
        panel.set_xticks(shares, [f"{share:g}" for share in shares])
        panel.minorticks_off()
        panel.legend(loc="lower right")
    axes[0].set(ylabel="Dice")
    corner_note(axes[0], data)
    return figure


def noise_curves(
    label: ArrayLike, curves: Mapping[str, Mapping[float, np.ndarray]], frames: Sequence[np.ndarray], *, data: str
) -> Figure:
    """MAE and R2 against the share of pixels set to 0, one line per model with its range over seeds; below, one frame
    at each share.

    label (videos,), curves {model: {share: predictions (seeds, videos)}}, percent; frames (H, W) grey, in the order of
    the shares.
    """
    figure, _ = panels(1, 1, width=7.0, height=4.0)
    figure.clear()
    # pyrefly: ignore[not-iterable]  (two subfigures come as an array)
    above, below = figure.subfigures(2, 1, height_ratios=[2.2, 1])
    shares = list(next(iter(curves.values())))
    scores = ((mae, "MAE (EF points)", "upper left"), (r2, "R²", "upper right"))
    for axes, (score, ylabel, corner) in zip(above.subplots(1, 2), scores, strict=True):
        for colour, (model, predictions) in coloured(curves.items()):
            by_seed = np.stack([score(label, predictions[share]) for share in shares])
            axes.fill_between(shares, by_seed.min(1), by_seed.max(1), color=colour, alpha=0.13, linewidth=0)
            axes.plot(shares, by_seed.mean(1), marker="o", color=colour, label=model)
        axes.set(xlabel="Share of pixels set to 0", ylabel=ylabel, xticks=shares)
        corner_note(axes, f"{data}, n = {len(label):,}", corner)
    axes.legend(loc="lower left")
    for panel, frame, share in zip(below.subplots(1, len(frames)), frames, shares, strict=True):
        panel.imshow(frame, vmin=0, vmax=255)
        panel.set(xticks=[], yticks=[])
        panel.set_title(f"{share:.0%}", loc="center")
    return figure


def parameter_sweep(table: pd.DataFrame, by: str, metrics: Mapping[str, str], *, data: str, xlabel: str) -> Figure:
    """MAE against a parameter that was swept: table has one row per value with the parameter in column `by` and the
    columns of metrics {column: name in the legend}, EF points."""
    figure, axes = axes_or_new(None, height=2.3)
    for colour, (column, name) in coloured(metrics.items()):
        axes.plot(table[by], table[column], marker="o", color=colour, label=name)
    axes.set(xlabel=xlabel, ylabel="Mean absolute error (EF points)", xticks=table[by])
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    axes.legend(loc="upper center", ncols=4)
    corner_note(axes, data, "lower right")
    return figure
