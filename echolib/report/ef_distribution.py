"""Distribution of the ejection fraction over a population, and the weight that a loss gives to each EF."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from echolib.metrics.ejection import CLASSES, heart_failure_class
from echolib.report.style import CLASS_COLOURS, GREY, PALETTE, axes_or_new, coloured

CLASS_EDGES = {"HFrEF": (0, 40), "HFmrEF": (40, 50), "HFpEF": (50, 100)}  # EF, percent


def ef_population(
    populations: Mapping[str, np.ndarray],
    *,
    bin_width: float = 2.5,
    convention: Literal["paper", "esc2021"] = "paper",
    title: str = "",
    axes: Axes | None = None,
) -> Figure:
    """Histogram of EF over the shaded classes of heart failure, with the share of each class in the first population.

    populations {name: EF (items,), percent}; bin_width in EF points; convention: as `heart_failure_class`.
    """
    figure, axes = axes_or_new(axes, height=2.3)
    bins = np.arange(0, 100 + bin_width, bin_width)
    for number, (name, ef) in enumerate(populations.items()):
        ef = np.asarray(ef, dtype=float)
        histogram = {"color": PALETTE[number], "bins": bins, "weights": np.full(len(ef), 100 / len(ef))}
        label = f"{name}, n = {len(ef):,}"
        if number == 0:
            axes.hist(ef, **histogram, label=label, histtype="stepfilled", alpha=0.4, linewidth=0, zorder=2)
            label = None
        axes.hist(ef, **histogram, label=label, histtype="step", linewidth=1.1, zorder=3)
    first = np.asarray(next(iter(populations.values())), dtype=float)
    classes = heart_failure_class(first, convention)
    colour = GREY if len(populations) == 1 else PALETTE[0]  # whose shares they are
    shade_classes(axes, {name: f"{name}\n{100 * np.mean(classes == name):.0f} %" for name in CLASSES}, colour)
    axes.set(xlim=(0, 100), xlabel="EF (%)", ylabel=f"Share (% per {bin_width:g} points)", title=title)
    axes.set_ylim(0, axes.get_ylim()[1] * (1.25 + 0.12 * len(populations)))  # room for class names and legend
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.86), borderaxespad=0.2)
    return figure


def sample_weights(ef: ArrayLike, weights: Mapping[str, np.ndarray], *, data: str, axes: Axes | None = None) -> Figure:
    """Weight of a video in each expert's loss by its EF (log scale), over the histogram of EF.

    ef (videos,), percent; weights {expert: (videos,)}.
    """
    figure, axes = axes_or_new(axes, height=2.4)
    ef = np.asarray(ef, dtype=float)
    counts = axes.twinx()
    counts.hist(ef, bins=np.arange(0, 101, 2.5), color=GREY, alpha=0.18, linewidth=0)
    counts.set(ylabel="Training videos", ylim=(0, 1.4 * counts.get_ylim()[1]))
    counts.spines["right"].set_visible(True)
    order = np.argsort(ef)
    for colour, (expert, weight) in coloured(weights.items()):
        axes.plot(ef[order], np.asarray(weight)[order], color=colour, label=expert, linewidth=1)
    axes.set(xlabel="Labelled EF (%)", ylabel="Weight of a video", yscale="log", zorder=2)
    axes.patch.set_visible(False)
    axes.set_ylim(top=20 * axes.get_ylim()[1])  # room for the legend
    axes.legend(loc="upper left", ncols=3, title=f"{data}, n = {len(ef):,}", title_fontsize=7, alignment="left")
    return figure


def shade_classes(axes: Axes, names: Mapping[str, str], colour: str = GREY) -> None:
    """Shades the EF range of each class of heart failure and writes its name {class: text} along the upper edge.

    The x axis is EF in percent; its limits stay.
    """
    left, right = axes.get_xlim()
    text = {"transform": axes.get_xaxis_transform(), "ha": "center", "va": "top", "fontsize": 6.5, "clip_on": True}
    for name, (low, high) in CLASS_EDGES.items():
        low, high = max(low, left), min(high, right)
        if low < high:
            axes.axvspan(low, high, color=CLASS_COLOURS[name], alpha=0.07, linewidth=0, zorder=0)
            axes.text((low + high) / 2, 0.98, names[name], color=colour, **text)
    axes.set_xlim(left, right)
