"""What changes over the cardiac cycle: the area of the ventricle, and what a model attends to at each phase."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from echolib.geometry.beats import Beats
from echolib.report.style import GREY, PALETTE, axes_or_new, coloured, panels


def area_over_time(
    area: ArrayLike,
    beats: Beats,
    *,
    fps: float | None,
    unit: str = "px",
    clips: Sequence[tuple[int, int]] = (),
    title: str = "",
    axes: Axes | None = None,
) -> Figure:
    """Area of the ventricle over time with the end-diastolic and end-systolic frames of each beat.

    area (frames,) in `unit`; fps: frames per second, or None, which puts frames instead of seconds on the axis;
    clips: (start, end) frames of the clips taken around the beats, drawn as bars below the curve.
    """
    area = np.asarray(area, dtype=float)
    figure, axes = axes_or_new(axes, height=1.9)
    rate = fps or 1
    time = np.arange(len(area)) / rate
    axes.plot(time, area, color=PALETTE[0], zorder=2)
    white_edge = {"markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.5, "zorder": 3}
    axes.plot(time[beats.diastoles], area[beats.diastoles], "^", label="end diastole", color=PALETTE[2], **white_edge)
    axes.plot(time[beats.systoles], area[beats.systoles], "v", label="end systole", color=PALETTE[1], **white_edge)
    low, high = (area.min(), area.max()) if len(area) else (0, 1)
    height = max(high - low, 1e-6)
    for number, (start, end) in enumerate(clips):
        level = low - height * (0.12 + 0.06 * (number % 3))
        name = "clip" if number == 0 else None
        axes.hlines(level, start / rate, end / rate, color="0.6", linewidth=1.5, label=name, zorder=1)
    axes.set_xlim(0, max(len(area) - 1, 1) / rate)
    axes.set_ylim(low - height * (0.36 if clips else 0.1), high + height * 0.3)
    axes.set(xlabel="Time (s)" if fps else "Frame", ylabel=f"LV area ({unit})", title=title)
    axes.legend(loc="upper center", ncols=3, borderaxespad=0.1, columnspacing=1.2)
    return figure


def mean_over_cycle(table: pd.DataFrame, value: str, ylabel: str, *, by: str, data: str, bins: int = 20) -> Figure:
    """Mean of a value over the true cardiac cycle, one line per group, over the mean speed of the ventricle's volume.

    table: one row per group and frame with phase (0 to 1 from end diastole on), speed (|dV/dt| in end-diastolic volumes
    per frame), the column `value` and the column `by`, which names the group.
    """
    figure, (axes,) = panels(width=5.0, height=2.6)
    edges = np.linspace(0, 1, bins + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    first = table[table[by] == table[by].iloc[0]]
    speed = first.groupby(np.digitize(first["phase"], edges[1:-1]))["speed"].mean()
    volume = axes.twinx()
    volume.fill_between(middle[speed.index], 100 * speed, color=GREY, alpha=0.18, linewidth=0)
    volume.set(ylabel="|dV/dt| (% of EDV a frame)", ylim=(0, None))
    volume.spines["right"].set_visible(True)
    for colour, (name, group) in coloured(table.groupby(by, sort=False)):
        mean = group.groupby(np.digitize(group["phase"], edges[1:-1]))[value].mean()
        axes.plot(middle[mean.index], mean, color=colour, label=name)
    axes.set(xlabel="Phase of the cycle (0: end diastole)", ylabel=ylabel, zorder=2)
    axes.patch.set_visible(False)
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    axes.legend(loc="upper left", ncols=4, title=data, title_fontsize=7, alignment="left")
    return figure
