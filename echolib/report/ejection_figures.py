"""Figures of the ejection fraction: agreement, population, errors, detection of a low EF.

Each function draws into given axes or makes a figure of a column's width, and returns the figure. `data` names what the
numbers were measured on ("phantom", "CAMUS", ...) and is written into the figure.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from echolib.metrics.bootstrap import bootstrap_interval
from echolib.metrics.ejection import AUC_THRESHOLDS, CLASSES, auc, heart_failure_class, mae, r2
from echolib.report.style import CLASS_COLOURS, GREY, PALETTE, axes_or_new, mark

CLASS_EDGES = {"HFrEF": (0, 40), "HFmrEF": (40, 50), "HFpEF": (50, 100)}


def ef_scatter(label, prediction, *, data: str, title: str = "", axes: Axes | None = None) -> Figure:
    """Predicted against labelled EF (percent) with the identity and the least-squares line."""
    label, prediction = np.asarray(label, dtype=float), np.asarray(prediction, dtype=float)
    figure, axes = axes_or_new(axes, height=3.2)
    low = 5 * np.floor(min(label.min(), prediction.min()) / 5)
    high = 5 * np.ceil(max(label.max(), prediction.max()) / 5)
    ends = np.array([low, high])
    axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    alpha = float(np.clip(30 / np.sqrt(len(label)) / 2, 0.25, 0.8))
    axes.scatter(label, prediction, s=9, color=PALETTE[0], alpha=alpha, linewidth=0, zorder=2)
    if len(label) > 1 and np.ptp(label) > 0:
        slope, offset = np.polyfit(label, prediction, 1)
        axes.plot(ends, slope * ends + offset, color=PALETTE[1], label=f"least squares, slope {slope:.2f}", zorder=3)
        axes.legend(loc="lower right", borderaxespad=0.2)
    axes.set(xlim=ends, ylim=ends, xlabel="Labelled EF (%)", ylabel="Predicted EF (%)", title=title, aspect="equal")
    numbers = f"{data}, n = {len(label):,}\nMAE {mae(label, prediction):.2f} points"
    mark(axes, numbers + (f"\nR² {r2(label, prediction):.3f}" if np.isfinite(r2(label, prediction)) else ""))
    return figure


def ef_population(
    populations: Mapping[str, np.ndarray],
    *,
    bin_width: float = 2.5,
    convention: Literal["paper", "esc2021"] = "paper",
    title: str = "",
    axes: Axes | None = None,
) -> Figure:
    """Histogram of EF (percent) of each named population over the shaded classes of heart failure.

    The share of each class is written above it for the first population.
    """
    figure, axes = axes_or_new(axes, height=2.3)
    bins = np.arange(0, 100 + bin_width, bin_width)
    for number, (name, ef) in enumerate(populations.items()):
        ef = np.asarray(ef, dtype=float)
        weights = np.full(len(ef), 100 / len(ef))
        words = {"label": f"{name}, n = {len(ef):,}", "color": PALETTE[number], "bins": bins, "weights": weights}
        if number == 0:
            axes.hist(ef, **words, histtype="stepfilled", alpha=0.4, linewidth=0, zorder=2)
            words["label"] = None
        axes.hist(ef, **words, histtype="step", linewidth=1.1, zorder=3)
    first = np.asarray(next(iter(populations.values())), dtype=float)
    classes = heart_failure_class(first, convention)
    colour = GREY if len(populations) == 1 else PALETTE[0]  # whose shares they are
    _shade_classes(axes, {name: f"{name}\n{100 * np.mean(classes == name):.0f} %" for name in CLASSES}, colour)
    axes.set(xlim=(0, 100), xlabel="EF (%)", ylabel=f"Share (% per {bin_width:g} points)", title=title)
    axes.set_ylim(0, axes.get_ylim()[1] * (1.25 + 0.12 * len(populations)))  # room for words and legend
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.86), borderaxespad=0.2)
    return figure


def error_by_ef(
    methods: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    data: str,
    bin_width: float = 5,
    least: int = 5,
    title: str = "",
    axes: Axes | None = None,
) -> Figure:
    """Mean absolute error of EF in bins of the label, with 90 % bootstrap bands.

    Parameters
    ----------
    methods : {name: (label, prediction)}, EF in percent.
    bin_width, least : width of a bin in EF points, and how many items a bin needs to be shown.
    """
    figure, axes = axes_or_new(axes, height=2.5)
    highest = 0.0
    for number, (name, (label, prediction)) in enumerate(methods.items()):
        label, prediction = np.asarray(label, dtype=float), np.asarray(prediction, dtype=float)
        bins, rows = np.floor(label / bin_width).astype(int), []
        for each in np.unique(bins):
            chosen = bins == each
            if chosen.sum() >= least:
                interval = bootstrap_interval(mae, label[chosen], prediction[chosen], resamples=1000)
                rows.append(((each + 0.5) * bin_width, *interval))
        if rows:
            centre, error, low, high = np.array(rows).T
            axes.fill_between(centre, low, high, color=PALETTE[number], alpha=0.18, linewidth=0, zorder=2)
            axes.plot(centre, error, color=PALETTE[number], marker="o", markersize=3, label=name, zorder=3)
            highest = max(highest, high.max())
    labels = np.concatenate([np.asarray(label, dtype=float) for label, _ in methods.values()])
    limits = bin_width * np.floor(labels.min() / bin_width), bin_width * np.ceil(labels.max() / bin_width)
    axes.set(xlim=limits, ylim=(0, 1.3 * highest or 1), title=title)
    axes.set(xlabel="Labelled EF (%)", ylabel="Mean absolute error (EF points)")
    _shade_classes(axes, {name: name for name in CLASSES})
    axes.legend(loc="upper right", borderaxespad=0.2, bbox_to_anchor=(1, 0.9))
    mark(axes, data, "lower right")
    return figure


def roc_curves(
    label, prediction, *, data: str, thresholds=AUC_THRESHOLDS, title: str = "", axes: Axes | None = None
) -> Figure:
    """ROC curves for finding a labelled EF below each threshold (percent) by a low predicted EF.

    A threshold that no label, or every label, is below is listed without a curve.
    """
    label, prediction = np.asarray(label, dtype=float), np.asarray(prediction, dtype=float)
    figure, axes = axes_or_new(axes, height=3.2)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (4, 2)))
    for number, threshold in enumerate(thresholds):
        positive = label < threshold
        area = auc(positive, -prediction)
        if np.isfinite(area):
            false, true, _ = roc_curve(positive, -prediction)
            words = f"EF < {threshold} %: {area:.3f} (n = {positive.sum():,})"
        else:
            false, true, words = [], [], f"EF < {threshold} %: one class only"
        axes.plot(false, true, color=PALETTE[number], label=words, drawstyle="steps-post")
    axes.set(xlim=(-0.01, 1), ylim=(0, 1.01), aspect="equal", title=title)
    axes.set(xlabel="1 − specificity", ylabel="Sensitivity")
    axes.legend(loc="lower right", title=f"AUC, {data}, n = {len(label):,}", title_fontsize=7, borderaxespad=0.2)
    return figure


def _shade_classes(axes: Axes, words: Mapping[str, str], colour: str = GREY) -> None:
    """Colours the classes' ranges of EF and writes their words along the upper edge."""
    left, right = axes.get_xlim()
    for name, (low, high) in CLASS_EDGES.items():
        low, high = max(low, left), min(high, right)
        if low < high:
            axes.axvspan(low, high, color=CLASS_COLOURS[name], alpha=0.07, linewidth=0, zorder=0)
            place = (low + high) / 2
            axes.text(
                place,
                0.98,
                words[name],
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="top",
                fontsize=6.5,
                color=colour,
                clip_on=True,
            )
    axes.set_xlim(left, right)


def calibration(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], *, data: str, axes: Axes | None = None) -> Figure:
    """Observed against nominal coverage of central intervals, one line a model; calibrated ones lie on the diagonal.

    curves {model: (nominal, observed)}, both (levels,) between 0 and 1.
    """
    figure, axes = axes_or_new(axes, height=3.0)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
    for number, (name, (nominal, observed)) in enumerate(curves.items()):
        axes.plot(nominal, observed, marker="o", markersize=2.5, color=PALETTE[number], label=name)
    axes.set(xlabel="Nominal coverage", ylabel="Share of test videos within", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend(loc="lower right")
    mark(axes, data)
    return figure
