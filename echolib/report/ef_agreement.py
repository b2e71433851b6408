"""How predictions of the ejection fraction agree with their labels: scatter, detection of a low EF, coverage.

Each function draws into given axes, or into a new figure of a column's width, and returns the figure. `data` names what
the numbers were measured on ("phantom", "CAMUS", ...) and is written into the figure.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from sklearn.metrics import roc_curve

from echolib.metrics.agreement import limits_of_agreement
from echolib.metrics.ejection import AUC_THRESHOLDS, auc, mae, r2
from echolib.report.style import GREY, PALETTE, axes_or_new, coloured, corner_note

DASHED = (0, (4, 2))


def ef_scatter(
    label: ArrayLike, prediction: ArrayLike, *, data: str, title: str = "", axes: Axes | None = None
) -> Figure:
    """Predicted against labelled EF, (items,) percent, with the identity and the least-squares line."""
    label, prediction = np.asarray(label, dtype=float), np.asarray(prediction, dtype=float)
    figure, axes = axes_or_new(axes, height=3.2)
    low = 5 * np.floor(min(label.min(), prediction.min()) / 5)
    high = 5 * np.ceil(max(label.max(), prediction.max()) / 5)
    ends = np.array([low, high])
    axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=DASHED, zorder=1)
    alpha = float(np.clip(30 / np.sqrt(len(label)) / 2, 0.25, 0.8))
    axes.scatter(label, prediction, s=9, color=PALETTE[0], alpha=alpha, linewidth=0, zorder=2)
    if len(label) > 1 and np.ptp(label) > 0:
        slope, offset = np.polyfit(label, prediction, 1)
        axes.plot(ends, slope * ends + offset, color=PALETTE[1], label=f"least squares, slope {slope:.2f}", zorder=3)
        axes.legend(loc="lower right", borderaxespad=0.2)
    axes.set(xlim=ends, ylim=ends, xlabel="Labelled EF (%)", ylabel="Predicted EF (%)", title=title, aspect="equal")
    scores = f"{data}, n = {len(label):,}\nMAE {mae(label, prediction):.2f} points"
    explained = r2(label, prediction)
    corner_note(axes, scores + (f"\nR² {explained:.3f}" if np.isfinite(explained) else ""))
    return figure


def bland_altman(reference: ArrayLike, measured: ArrayLike, *, data: str, axes: Axes | None = None) -> Figure:
    """Measured less reference over their mean, (items,) EF in percent, with bias and limits of agreement."""
    reference, measured = np.asarray(reference, dtype=float), np.asarray(measured, dtype=float)
    agreement = limits_of_agreement(measured, reference)
    figure, axes = axes_or_new(axes, height=3.0)
    axes.axhline(0, color=GREY, linewidth=0.8)
    alpha = float(np.clip(30 / np.sqrt(len(reference)) / 2, 0.25, 0.8))
    axes.scatter((reference + measured) / 2, measured - reference, s=9, color=PALETTE[0], alpha=alpha, linewidth=0)
    axes.axhline(agreement.bias, color=PALETTE[1], label=f"bias {agreement.bias:+.1f}")
    limits = (agreement.limit_low, agreement.limit_high)
    for limit, name in zip(limits, (f"limits of agreement {limits[0]:.1f}, {limits[1]:.1f}", None), strict=True):
        axes.axhline(limit, color=PALETTE[1], linestyle=DASHED, label=name)
    axes.set(xlabel="Mean of both EF (%)", ylabel="Measured - reference (EF points)")
    axes.legend(loc="lower right", borderaxespad=0.2)
    corner_note(axes, f"{data}, n = {len(reference):,}")
    return figure


def roc_curves(
    label: ArrayLike,
    prediction: ArrayLike,
    *,
    data: str,
    thresholds: Sequence[float] = AUC_THRESHOLDS,
    title: str = "",
    axes: Axes | None = None,
) -> Figure:
    """ROC curves for finding a labelled EF below each threshold by a low predicted EF; all in percent, (items,).

    A threshold that no label, or every label, is below is listed without a curve.
    """
    label, prediction = np.asarray(label, dtype=float), np.asarray(prediction, dtype=float)
    figure, axes = axes_or_new(axes, height=3.2)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=DASHED)
    for colour, threshold in coloured(thresholds):
        positive = label < threshold
        area = auc(positive, -prediction)
        if np.isfinite(area):
            false_positive, true_positive, _ = roc_curve(positive, -prediction)
            name = f"EF < {threshold} %: {area:.3f} (n = {positive.sum():,})"
        else:
            false_positive, true_positive, name = [], [], f"EF < {threshold} %: one class only"
        axes.plot(false_positive, true_positive, color=colour, label=name, drawstyle="steps-post")
    axes.set(xlim=(-0.01, 1), ylim=(0, 1.01), aspect="equal", title=title)
    axes.set(xlabel="1 − specificity", ylabel="Sensitivity")
    axes.legend(loc="lower right", title=f"AUC, {data}, n = {len(label):,}", title_fontsize=7, borderaxespad=0.2)
    return figure


def coverage_curves(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], *, data: str, axes: Axes | None = None
) -> Figure:
    """Observed against nominal coverage of central intervals, one line per model; the diagonal is calibrated.

    curves {model: (nominal, observed)}, both (levels,) between 0 and 1.
    """
    figure, axes = axes_or_new(axes, height=3.0)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
    for colour, (model, (nominal, observed)) in coloured(curves.items()):
        axes.plot(nominal, observed, marker="o", markersize=2.5, color=colour, label=model)
    axes.set(xlabel="Nominal coverage", ylabel="Share of test videos within", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend(loc="lower right")
    corner_note(axes, data)
    return figure
