"""Figures of EF under label imbalance: sample weights, experts by class, features in two dimensions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from echolib.metrics.ejection import CLASSES, heart_failure_class, mae
from echolib.report.style import GREY, PALETTE, axes_or_new, mark, panels


def sample_weights(ef, weights: Mapping[str, np.ndarray], *, data: str, axes: Axes | None = None) -> Figure:
    """Weight of a video in each expert's loss by its EF, over the histogram of EF (percent); log scale.

    ef (videos,), weights {expert: (videos,)}.
    """
    figure, axes = axes_or_new(axes, height=2.4)
    ef = np.asarray(ef, dtype=float)
    counts = axes.twinx()
    counts.hist(ef, bins=np.arange(0, 101, 2.5), color=GREY, alpha=0.18, linewidth=0)
    counts.set(ylabel="Training videos", ylim=(0, 1.4 * counts.get_ylim()[1]))
    counts.spines["right"].set_visible(True)
    order = np.argsort(ef)
    for number, (name, weight) in enumerate(weights.items()):
        axes.plot(ef[order], np.asarray(weight)[order], color=PALETTE[number], label=name, linewidth=1)
    axes.set(xlabel="Labelled EF (%)", ylabel="Weight of a video", yscale="log", zorder=2)
    axes.patch.set_visible(False)
    axes.set_ylim(top=20 * axes.get_ylim()[1])  # room for the legend
    axes.legend(loc="upper left", ncols=3, title=f"{data}, n = {len(ef):,}", title_fontsize=7, alignment="left")
    return figure


def errors_by_class(label, methods: Mapping[str, np.ndarray], *, data: str, axes: Axes | None = None) -> Figure:
    """MAE of each method over all videos and by class of heart failure as groups of bars; the thin line is the range
    over seeds. label (videos,), methods {name: (seeds, videos)}."""
    figure, axes = axes_or_new(axes, height=2.6)
    label = np.asarray(label, dtype=float)
    classes = heart_failure_class(label)
    groups = {"all": np.ones(len(label), bool)} | {name: classes == name for name in CLASSES}
    groups = {name: chosen for name, chosen in groups.items() if chosen.any()}
    width = 0.8 / len(methods)
    for number, (name, predictions) in enumerate(methods.items()):
        errors = np.stack([mae(label[chosen], np.atleast_2d(predictions)[:, chosen]) for chosen in groups.values()])
        place = np.arange(len(groups)) + (number - (len(methods) - 1) / 2) * width
        axes.bar(place, errors.mean(1), 0.92 * width, color=PALETTE[number % len(PALETTE)], label=name)
        axes.vlines(place, errors.min(1), errors.max(1), color="black", linewidth=0.7)
    words = [f"{name}\nn = {chosen.sum()}" for name, chosen in groups.items()]
    axes.set_xticks(range(len(groups)), words)
    axes.set(ylabel="Mean absolute error (EF points)")
    axes.set_ylim(0, 1.5 * axes.get_ylim()[1])
    columns = 3 if max(map(len, methods)) < 12 else 2
    axes.legend(loc="upper left", ncols=columns, title=data, title_fontsize=7, alignment="left")
    return figure


def feature_maps(maps: Sequence[tuple[str, np.ndarray, np.ndarray]], *, data: str) -> Figure:
    """Features in two dimensions, one panel a model, coloured by EF (percent).

    maps: (title, coordinates (videos, 2), ef (videos,)).
    """
    figure, axes = panels(1, len(maps), height=2.9)
    low, high = min(ef.min() for *_, ef in maps), max(ef.max() for *_, ef in maps)
    for panel, (title, points, ef) in zip(axes, maps, strict=True):
        drawn = panel.scatter(*points.T, c=ef, cmap="viridis", s=9, vmin=low, vmax=high, linewidth=0)
        panel.set(title=title, xticks=[], yticks=[], xlabel="first component")
        mark(panel, f"{data}, n = {len(ef):,}", "upper left")
    axes[0].set(ylabel="second component")
    figure.colorbar(drawn, ax=axes, label="Labelled EF (%)", shrink=0.8)
    return figure


def swept(table: pd.DataFrame, by: str, metrics: Mapping[str, str], *, data: str, xlabel: str) -> Figure:
    """Metrics (columns of `table`, {column: words}) against a swept parameter, one line each."""
    figure, axes = axes_or_new(None, height=2.3)
    for number, (column, words) in enumerate(metrics.items()):
        axes.plot(table[by], table[column], marker="o", color=PALETTE[number], label=words)
    axes.set(xlabel=xlabel, ylabel="Mean absolute error (EF points)", xticks=table[by])
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    axes.legend(loc="upper center", ncols=4)
    mark(axes, data, "lower right")
    return figure
