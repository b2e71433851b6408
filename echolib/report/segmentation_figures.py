"""Figures of segmentation: outlines over images, and Dice against the share of labels."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from echolib.report.style import PALETTE, mark, panels


def outlines(
    images: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
    methods: Mapping[str, Sequence[np.ndarray]],
    titles: Sequence[str],
) -> Figure:
    """Outlines of masks over images, one panel an image: the label in white, each method in its colour.

    images (H, W) grey, truth and each method's masks (H, W) bool, in the same order.
    """
    figure, axes = panels(1, len(images), height=2.6)
    for number, (panel, image, label, title) in enumerate(zip(axes, images, truth, titles, strict=True)):
        panel.imshow(image, vmin=0, vmax=255)
        panel.contour(label, [0.5], colors="white", linewidths=1.2)
        for colour, masks in zip(PALETTE, methods.values(), strict=False):
            if masks[number].any() and not masks[number].all():
                panel.contour(masks[number], [0.5], colors=colour, linewidths=0.9)
        panel.set(title=title, xticks=[], yticks=[])
    words = {"label": "0.6"} | dict(zip(methods, PALETTE, strict=False))
    lines = [axes[0].plot([], [], color=colour, label=name)[0] for name, colour in words.items()]
    figure.legend(handles=lines, loc="outside lower center", ncols=len(lines))
    return figure


def image_rows(rows: Sequence[Sequence[np.ndarray]], titles: Sequence[str]) -> Figure:
    """Grey images in rows, a title above each column."""
    figure, axes = panels(len(rows), len(rows[0]), height=1.45 * len(rows))
    for number, panel in enumerate(axes):
        row, place = divmod(number, len(rows[0]))
        panel.imshow(rows[row][place], vmin=0, vmax=255)
        panel.set(xticks=[], yticks=[], title=titles[place] if row == 0 else "")
    return figure


def dice_by_fraction(tables: Mapping[str, pd.DataFrame], columns: Mapping[str, float], *, data: str) -> Figure:
    """Mean Dice against the share of labels (percent, log scale), one panel a network, one line a start, with bands.

    tables: {panel title: rows with "start" and, for each column, its value, <column>_low and <column>_high}; columns:
    {column: percent}.
    """
    figure, axes = panels(1, len(tables), height=2.8, sharey=True)
    percent = list(columns.values())
    for panel, (title, table) in zip(axes, tables.items(), strict=True):
        for number, row in enumerate(table.dropna(subset=list(columns)).to_dict("records")):
            low, high = ([row[f"{name}_{end}"] for name in columns] for end in ("low", "high"))
            panel.fill_between(percent, low, high, color=PALETTE[number], alpha=0.13, linewidth=0)
            values = [row[name] for name in columns]
            panel.plot(percent, values, marker="o", markersize=3, color=PALETTE[number], label=row["start"])
        panel.set(xscale="log", xlabel="Training labels (%)", title=title)
        panel.set_xticks(percent, [f"{each:g}" for each in percent])
        panel.minorticks_off()
        panel.legend(loc="lower right")
    axes[0].set(ylabel="Dice")
    mark(axes[0], data)
    return figure
