"""Features of a network in two dimensions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from echolib.report.style import corner_note, panels


def embedding_maps(maps: Sequence[tuple[str, np.ndarray, np.ndarray]], *, data: str) -> Figure:
    """Features in two dimensions, one panel per model, coloured by EF.

    maps: (title, coordinates (videos, 2), EF (videos,), percent) of each model.
    """
    figure, axes = panels(1, len(maps), height=2.9)
    low, high = min(ef.min() for *_, ef in maps), max(ef.max() for *_, ef in maps)
    for panel, (title, coordinates, ef) in zip(axes, maps, strict=True):
        points = panel.scatter(*coordinates.T, c=ef, cmap="viridis", s=9, vmin=low, vmax=high, linewidth=0)
        panel.set(title=title, xticks=[], yticks=[], xlabel="first component")
        corner_note(panel, f"{data}, n = {len(ef):,}", "upper left")
    axes[0].set(ylabel="second component")
    figure.colorbar(points, ax=axes, label="Labelled EF (%)", shrink=0.8)
    return figure
