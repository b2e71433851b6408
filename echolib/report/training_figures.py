"""Learning curves."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from echolib.report.style import COLUMN, PAGE, PALETTE, axes_or_new
from echolib.report.tables import HEADINGS

MOST_INSIDE = 3  # runs whose names fit into the axes


def learning_curves(
    logs: Mapping[str, pd.DataFrame | str | Path],
    *,
    metric: str = "loss",
    unit: str = "",
    kept: Mapping[str, int] | None = None,
    logarithmic: bool = False,
    title: str = "",
    axes: Axes | None = None,
) -> Figure:
    """Training (thin, dashed) and validation (solid) of each run over the epochs; a dot marks the epoch that is kept.

    Parameters
    ----------
    logs : {name: log.csv as a path or frame} with epoch counted from 0, train_<metric> and val_<metric> where logged,
        and val_loss.
    kept : {name: epoch from 0 whose weights were kept}; by default that of the lowest val_loss.
    metric, unit : what is drawn, and the unit for its axis.
    """
    beside = len(logs) > MOST_INSIDE
    figure, axes = axes_or_new(axes, height=2.3, width=PAGE if beside else COLUMN)
    trained = False
    for number, (name, log) in enumerate(logs.items()):
        log = log if isinstance(log, pd.DataFrame) else pd.read_csv(log)
        if f"val_{metric}" not in log:
            raise ValueError(f"the log of {name} has no val_{metric}; it has {', '.join(log)}")
        colour, epochs = PALETTE[number % len(PALETTE)], log["epoch"] + 1
        if f"train_{metric}" in log:
            trained = True
            axes.plot(epochs, log[f"train_{metric}"], color=colour, linewidth=0.8, linestyle=(0, (3, 1.5)), alpha=0.8)
        axes.plot(epochs, log[f"val_{metric}"], color=colour, label=name)
        epoch = log["val_loss"].idxmin() if kept is None else kept[name]
        axes.plot(epochs[epoch], log[f"val_{metric}"][epoch], "o", color=colour, markeredgecolor="white")
    if trained:
        axes.plot([], [], color="0.3", linewidth=0.8, linestyle=(0, (3, 1.5)), label="training")
    axes.plot([], [], "o", color="0.3", markeredgecolor="white", label="weights kept")
    words = HEADINGS[metric].partition(" (")[0] if metric in HEADINGS else metric.replace("_", " ").capitalize()
    axes.set(xlabel="Epoch", ylabel=f"{words} ({unit})" if unit else words, title=title)
    if logarithmic:
        axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    if beside:
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
    else:
        axes.legend(loc="upper right", borderaxespad=0.2)
    return figure
