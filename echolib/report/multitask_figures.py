"""Figures of multi-task learning: keypoints over frames, and differences with their intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from echolib.report.style import GREY, PALETTE, mark, panels


def points_over(
    images: Sequence[np.ndarray], truth: Sequence[np.ndarray], methods: Mapping[str, Sequence[np.ndarray]]
) -> Figure:
    """Keypoints over grey images (H, W), one panel an image: labels as white rings, each method's as crosses.

    truth and each method's points: (K, 2) x, y in pixels of the image, in the order of the images.
    """
    figure, axes = panels(1, len(images), height=7.0 / len(images) + 0.5)
    for number, (panel, image, label) in enumerate(zip(axes, images, truth, strict=True)):
        panel.imshow(image, vmin=0, vmax=255)
        panel.scatter(*label.T, s=40, facecolors="none", edgecolors="white", linewidths=1.0)
        for colour, points in zip(PALETTE[1:], methods.values(), strict=False):
            panel.scatter(*points[number].T, s=18, marker="x", color=colour, linewidths=1.0)
        panel.set(xticks=[], yticks=[])
    marks = [axes[0].scatter([], [], s=40, facecolors="none", edgecolors="0.6", label="label")]
    for colour, name in zip(PALETTE[1:], methods, strict=False):
        marks.append(axes[0].scatter([], [], s=18, marker="x", color=colour, label=name))
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks))
    return figure


def differences(table: pd.DataFrame, panels_by: Mapping[str, Sequence[str]], words: str, *, data: str) -> Figure:
    """Paired differences with their intervals around zero, one panel a unit, a line a claim.

    table: claim, difference, difference_low, difference_high and the column `words` that tells lines of one claim
    apart; panels_by {axis label: claims}.
    """
    figure, axes = panels(1, len(panels_by), width=7.0, height=2.4)
    for panel, (label, claims) in zip(axes, panels_by.items(), strict=True):
        part = table[table["claim"].isin(claims)].iloc[::-1]
        places = np.arange(len(part))
        panel.axvline(0, color=GREY, linewidth=0.8)
        panel.hlines(places, part["difference_low"], part["difference_high"], color=PALETTE[0])
        panel.plot(part["difference"], places, "o", color=PALETTE[0])
        panel.set_yticks(places, [f"{row.claim}\n({getattr(row, words)})" for row in part.itertuples()], fontsize=6)
        panel.set(xlabel=label, ylim=(-0.6, len(part) - 0.4))
    mark(axes[0], data, "lower left")
    return figure
