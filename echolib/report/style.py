"""The style of every figure: sizes, fonts, colours."""

from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import Literal, TypeVar

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Item = TypeVar("Item")
COLUMN, PAGE = 3.4, 7.0  # widths in inches of one and of two columns
# After Okabe and Ito: distinct in every common form of colour vision.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F4A1E", "#444444"]
CLASS_COLOURS = {"HFrEF": "#D55E00", "HFmrEF": "#E69F00", "HFpEF": "#0072B2"}
STRUCTURE_COLOURS = {"LV": "#F0E442", "epicardium": "#56B4E9", "atrium": "#E69F00", "label": "#56B4E9"}
GREY = "#6B6B6B"


SETTINGS = {  # of Matplotlib; the font comes with it, so that a figure has the same bytes on every machine
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.labelpad": 3,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "patch.linewidth": 0.5,
    "figure.dpi": 150,
    "figure.facecolor": "white",
    "image.cmap": "gray",
}
Corner = Literal["upper left", "lower left", "lower right", "upper right"]


def style() -> None:
    """Sets the style of all figures drawn afterwards: sans serif of 8 points, thin spines, colours that people with
    every common form of colour vision can tell from each other."""
    sns.set_theme(context="paper", style="ticks", palette=PALETTE, rc=SETTINGS)


def coloured(items: Iterable[Item], first: int = 0) -> Iterator[tuple[str, Item]]:
    """Each item with its colour: the palette from its colour number `first` on, and over again."""
    return zip(cycle(PALETTE[first:]), items, strict=False)


def panels(
    rows: int = 1, columns: int = 1, *, width: float | None = None, height: float | None = None, **options
) -> tuple[Figure, list[Axes]]:
    """A figure and its axes row by row, not registered with pyplot; width and height in inches."""
    width = width or (COLUMN if columns == 1 else PAGE)
    figure = Figure(figsize=(width, height or 0.8 * width * rows / columns), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.flat)


def axes_or_new(axes: Axes | None, height: float, width: float = COLUMN) -> tuple[Figure, Axes]:
    """The given axes and their figure, or a new figure of a column's width."""
    if axes is not None:
        return axes.figure, axes  # pyrefly: ignore[bad-return]  (axes of a subfigure are never drawn into)
    figure, (axes,) = panels(width=width, height=height)
    return figure, axes


def corner_note(axes: Axes, text: str, corner: Corner = "upper left") -> None:
    """Writes a small grey note into a corner of the axes."""
    vertical, horizontal = corner.split()
    axes.text(
        {"left": 0.03, "right": 0.97}[horizontal],
        {"upper": 0.97, "lower": 0.03}[vertical],
        text,
        transform=axes.transAxes,
        ha=horizontal,
        va={"upper": "top", "lower": "bottom"}[vertical],
        fontsize=7,
        color=GREY,
        linespacing=1.3,
    )
