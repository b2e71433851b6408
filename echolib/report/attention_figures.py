"""Figures of attention and robustness: noise, activation maps over frames, what a model heeds over the cycle."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from echolib.metrics.ejection import mae, r2
from echolib.report.style import GREY, PALETTE, mark, panels


def noise_curves(
    label, curves: Mapping[str, Mapping[float, np.ndarray]], frames: Sequence[np.ndarray], *, data: str
) -> Figure:
    """MAE and R2 against the share of pixels set to 0, one line a model with the range over seeds; below, a frame at
    each share.

    label (videos,), curves {model: {share: predictions (seeds, videos)}}, frames (H, W) grey in the order of shares.
    """
    figure, _ = panels(1, 1, width=7.0, height=4.0)
    figure.clear()
    top, bottom = figure.subfigures(2, 1, height_ratios=[2.2, 1])
    shares = list(next(iter(curves.values())))
    for axes, (score, words) in zip(top.subplots(1, 2), ((mae, "MAE (EF points)"), (r2, "R²")), strict=True):
        for number, (model, by_share) in enumerate(curves.items()):
            each = np.stack([score(label, by_share[share]) for share in shares])
            axes.fill_between(shares, each.min(1), each.max(1), color=PALETTE[number], alpha=0.13, linewidth=0)
            axes.plot(shares, each.mean(1), marker="o", color=PALETTE[number], label=model)
        axes.set(xlabel="Share of pixels set to 0", ylabel=words, xticks=shares)
        mark(axes, f"{data}, n = {len(label):,}", "upper left" if score is mae else "upper right")
    axes.legend(loc="lower left")
    for axes, frame, share in zip(bottom.subplots(1, len(frames)), frames, shares, strict=True):
        axes.imshow(frame, vmin=0, vmax=255)
        axes.set(xticks=[], yticks=[])
        axes.set_title(f"{share:.0%}", loc="center")
    return figure


def activation_overlays(
    rows: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]], titles: Sequence[str]
) -> Figure:
    """Class activation maps over the first frame of clips: a row a model, a column a video, the ventricle in white.

    rows {model: [(frame (H, W) grey, map (H, W), ventricle (H, W) bool) of each video]}. Each map from its lowest to
    its highest value.
    """
    columns = len(titles)
    figure, axes = panels(len(rows), columns, height=7.0 / columns * len(rows) + 0.3)
    for number, (model, videos) in enumerate(rows.items()):
        for place, (frame, activation, ventricle) in enumerate(videos):
            panel = axes[number * columns + place]
            panel.imshow(frame, vmin=0, vmax=255)
            low, high = activation.min(), activation.max()
            strength = (activation - low) / max(high - low, 1e-12)
            panel.imshow(strength, cmap="inferno", alpha=0.65 * strength, vmin=0, vmax=1)
            panel.contour(ventricle, [0.5], colors="white", linewidths=0.8)
            panel.set(xticks=[], yticks=[], title=titles[place] if number == 0 else "")
        axes[number * columns].set_ylabel(model)
    return figure


def over_cycle(table: pd.DataFrame, value: str, words: str, *, data: str, bins: int = 20) -> Figure:
    """The mean of a value over the true heart cycle, a line a place, over the mean speed of the volume.

    table: place, phase (0 to 1 from end diastole on), speed and the value; words: what the value is.
    """
    figure, (axes,) = panels(width=5.0, height=2.6)
    edges = np.linspace(0, 1, bins + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    first = table[table["place"] == table["place"].iloc[0]]
    speed = first.groupby(np.digitize(first["phase"], edges[1:-1]))["speed"].mean()
    heart = axes.twinx()
    heart.fill_between(middle[speed.index], 100 * speed, color=GREY, alpha=0.18, linewidth=0)
    heart.set(ylabel="|dV/dt| (% of EDV a frame)", ylim=(0, None))
    heart.spines["right"].set_visible(True)
    for number, (place, part) in enumerate(table.groupby("place", sort=False)):
        mean = part.groupby(np.digitize(part["phase"], edges[1:-1]))[value].mean()
        axes.plot(middle[mean.index], mean, color=PALETTE[number], label=place)
    axes.set(xlabel="Phase of the cycle (0: end diastole)", ylabel=words, zorder=2)
    axes.patch.set_visible(False)
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    axes.legend(loc="upper left", ncols=4, title=data, title_fontsize=7, alignment="left")
    return figure
