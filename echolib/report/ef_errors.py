"""Where predictions of the ejection fraction err: by labelled EF and by class of heart failure."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from echolib.metrics.bootstrap import bootstrap_interval
from echolib.metrics.ejection import CLASSES, heart_failure_class, mae
from echolib.report.ef_distribution import shade_classes
from echolib.report.style import PALETTE, axes_or_new, coloured, corner_note

MAE_LABEL = "Mean absolute error (EF points)"


def error_by_ef(
    methods: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    data: str,
    bin_width: float = 5,
    least: int = 5,
    title: str = "",
    axes: Axes | None = None,
) -> Figure:
    """Mean absolute error of EF in bins of the label, with 90 % bootstrap bands.

    methods {name: (label, prediction)}, both (items,), percent; bin_width in EF points; least: how many items a
    bin needs to be shown.
    """
    figure, axes = axes_or_new(axes, height=2.5)
    highest = 0.0
    for colour, (name, (label, prediction)) in coloured(methods.items()):
        bins = _errors_in_bins(np.asarray(label, float), np.asarray(prediction, float), bin_width, least)
        if len(bins):
            centre, error, low, high = bins.T
            axes.fill_between(centre, low, high, color=colour, alpha=0.18, linewidth=0, zorder=2)
            axes.plot(centre, error, color=colour, marker="o", markersize=3, label=name, zorder=3)
            highest = max(highest, high.max())
    labels = np.concatenate([np.asarray(label, dtype=float) for label, _ in methods.values()])
    limits = bin_width * np.floor(labels.min() / bin_width), bin_width * np.ceil(labels.max() / bin_width)
    axes.set(xlim=limits, ylim=(0, 1.3 * highest or 1), title=title, xlabel="Labelled EF (%)", ylabel=MAE_LABEL)
    shade_classes(axes, {name: name for name in CLASSES})
    axes.legend(loc="upper right", borderaxespad=0.2, bbox_to_anchor=(1, 0.9))
    corner_note(axes, data, "lower right")
    return figure


def _errors_in_bins(label: np.ndarray, prediction: np.ndarray, bin_width: float, least: int) -> np.ndarray:
    """Centre of the bin, MAE and the ends of its interval (bins, 4), for bins of at least `least` items."""
    bins, rows = np.floor(label / bin_width).astype(int), []
    for number in np.unique(bins):
        inside = bins == number
        if inside.sum() >= least:
            interval = bootstrap_interval(mae, label[inside], prediction[inside], resamples=1000)
            rows.append(((number + 0.5) * bin_width, *interval))
    return np.array(rows)


def errors_by_class(
    label: ArrayLike, methods: Mapping[str, np.ndarray], *, data: str, axes: Axes | None = None
) -> Figure:
    """MAE of each method over all videos and by class of heart failure, as groups of bars; thin lines span the seeds.

    label (videos,), methods {name: predictions (seeds, videos)}, percent.
    """
    figure, axes = axes_or_new(axes, height=2.6)
    label = np.asarray(label, dtype=float)
    classes = heart_failure_class(label)
    groups = {"all": np.ones(len(label), bool)} | {name: classes == name for name in CLASSES}
    groups = {name: members for name, members in groups.items() if members.any()}
    width = 0.8 / len(methods)
    for number, (name, predictions) in enumerate(methods.items()):
        errors = np.stack([mae(label[members], np.atleast_2d(predictions)[:, members]) for members in groups.values()])
        centre = np.arange(len(groups)) + (number - (len(methods) - 1) / 2) * width
        axes.bar(centre, errors.mean(1), 0.92 * width, color=PALETTE[number % len(PALETTE)], label=name)
        axes.vlines(centre, errors.min(1), errors.max(1), color="black", linewidth=0.7)
    axes.set_xticks(range(len(groups)), [f"{name}\nn = {members.sum()}" for name, members in groups.items()])
    axes.set(ylabel=MAE_LABEL)
    axes.set_ylim(0, 1.5 * axes.get_ylim()[1])
    columns = 3 if max(map(len, methods)) < 12 else 2
    axes.legend(loc="upper left", ncols=columns, title=data, title_fontsize=7, alignment="left")
    return figure
