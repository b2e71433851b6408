"""Learning curves: training and validation over the epochs."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from echolib.report.style import COLUMN, PAGE, PALETTE, axes_or_new
from echolib.report.tables import HEADINGS

MOST_INSIDE = 3  # experiments whose names fit into the axes
TRAINING_LINE = {"linewidth": 0.8, "linestyle": (0, (3, 1.5))}


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
    """Training (thin, dashed) and validation (solid) of each experiment; a dot marks the epoch whose weights are kept.

    logs {name: log.csv as a path or a frame} with epoch counted from 0, train_<metric> and val_<metric> where logged,
    and val_loss; kept {name: epoch from 0}, by default that of the lowest val_loss; unit: of the metric.
    """
    beside = len(logs) > MOST_INSIDE
    figure, axes = axes_or_new(axes, height=2.3, width=PAGE if beside else COLUMN)
    with_training = [
        _draw_log(axes, name, log, metric, PALETTE[number % len(PALETTE)], None if kept is None else kept[name])
        for number, (name, log) in enumerate(logs.items())
    ]
    if any(with_training):
        axes.plot([], [], color="0.3", **TRAINING_LINE, label="training")
    axes.plot([], [], "o", color="0.3", markeredgecolor="white", label="weights kept")
    name = HEADINGS[metric].partition(" (")[0] if metric in HEADINGS else metric.replace("_", " ").capitalize()
    axes.set(xlabel="Epoch", ylabel=f"{name} ({unit})" if unit else name, title=title)
    if logarithmic:
        axes.set_yscale("log")
    # pyrefly: ignore[unexpected-keyword]  (the locator of a linear axis has it, the base class does not)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if beside:
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
    else:
        axes.legend(loc="best", borderaxespad=0.2)
    return figure


def _draw_log(
    axes: Axes, name: str, log: pd.DataFrame | str | Path, metric: str, colour: str, kept: int | None
) -> bool:
    """Draws the curves of one experiment; tells whether the metric was logged in training, too."""
    log = log if isinstance(log, pd.DataFrame) else pd.read_csv(log)
    if f"val_{metric}" not in log:
        raise ValueError(f"the log of {name} has no val_{metric}; it has {', '.join(map(str, log))}")
    epochs, trained = log["epoch"] + 1, f"train_{metric}" in log
    if trained:
        axes.plot(epochs, log[f"train_{metric}"], color=colour, **TRAINING_LINE, alpha=0.8)
    axes.plot(epochs, log[f"val_{metric}"], color=colour, label=name)
    best = int(log["val_loss"].idxmin()) if kept is None else kept
    axes.plot(epochs[best], log[f"val_{metric}"][best], "o", color=colour, markeredgecolor="white")
    return trained
