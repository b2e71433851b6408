"""Frames side by side with masks, tracings and keypoints on them."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from echolib.geometry.tracings import mask_contour, tracing_polygon
from echolib.report.style import PAGE, PALETTE, STRUCTURE_COLOURS, panels

POINT_COLOURS = ["#E69F00", "#56B4E9", "#F0E442", "#D55E00"]


def frame_montage(
    frames: Sequence[np.ndarray],
    *,
    titles: Sequence[str] = (),
    masks: Sequence[Mapping[str, np.ndarray]] = (),
    tracings: Sequence[np.ndarray | None] = (),
    points: Sequence[np.ndarray | None] = (),
    columns: int = 4,
    width: float = PAGE,
    aspect: float = 1.0,
) -> Figure:
    """Frames, (H, W) or (H, W, 3) uint8, of pixels `aspect` times as high as wide, on a figure `width` inches wide.

    titles, masks, tracings and points have one entry per frame, or none at all. Masks {structure: (H, W) bool} become
    outlines named in a legend; a tracing (21, 4) its outline, long axis (dashed) and chords; points (n, 2), x and y in
    pixels, a line of dots.
    """
    for name, entries in {"titles": titles, "masks": masks, "tracings": tracings, "points": points}.items():
        if len(entries) not in (0, len(frames)):
            raise ValueError(f"{len(entries)} {name} for {len(frames)} frames")
    structures = list(dict.fromkeys(structure for entry in masks for structure in entry))
    margin = (0.2 if titles else 0.04, 0.22 if structures else 0)
    figure, axes = _grid(frames, min(columns, len(frames)), width, aspect, margin)
    colours = _colours(structures)
    for number, (panel, frame) in enumerate(zip(axes, frames, strict=False)):
        _show_frame(panel, np.asarray(frame), aspect, titles[number] if titles else "")
        for structure, mask in (masks[number] if masks else {}).items():
            panel.plot(*mask_contour(mask).T, color=colours[structure], linewidth=1.1)
        if tracings and tracings[number] is not None:
            _draw_tracing(panel, np.asarray(tracings[number], dtype=float))
        if points and points[number] is not None:
            _draw_points(panel, np.asarray(points[number], dtype=float))
    if structures:
        lines = [axes[0].plot([], [], color=colours[structure], linewidth=2)[0] for structure in structures]
        figure.legend(lines, structures, loc="outside lower center", ncols=len(structures))
    return figure


def _grid(
    frames: Sequence[np.ndarray], columns: int, width: float, aspect: float, margin: tuple[float, float]
) -> tuple[Figure, list[Axes]]:
    """A figure with a panel without axes for each frame, as high as the tallest needs; margin in inches above each row
    and below all."""
    rows = -(-len(frames) // columns)
    tallest = max(aspect * frame.shape[0] / frame.shape[1] for frame in map(np.asarray, frames))
    height = width / columns * tallest * rows + (rows * margin[0] + margin[1])
    figure, axes = panels(rows, columns, width=width, height=height)
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)
    for panel in axes:
        panel.set_axis_off()
    return figure, axes


def _colours(structures: Sequence[str]) -> dict[str, str]:
    """The fixed colour of a known structure; the others take what is left of the palette."""
    free = iter([colour for colour in POINT_COLOURS + PALETTE if colour not in STRUCTURE_COLOURS.values()])
    return {name: STRUCTURE_COLOURS.get(name) or next(free) for name in structures}


def _show_frame(axes: Axes, frame: np.ndarray, aspect: float, title: str) -> None:
    height, width = frame.shape[:2]
    axes.imshow(frame, cmap="gray", vmin=0, vmax=255, aspect=aspect, interpolation="nearest")
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    if title:
        axes.set_title(title, fontsize=7, fontweight="normal", pad=2)


def _draw_tracing(axes: Axes, tracing: np.ndarray) -> None:
    outline = tracing_polygon(tracing)
    colour = STRUCTURE_COLOURS["LV"]
    axes.plot(tracing[1:, [0, 2]].T, tracing[1:, [1, 3]].T, color=colour, linewidth=0.4, alpha=0.6)
    axes.plot(*np.concatenate([outline, outline[:1]]).T, color=colour, linewidth=1.1)
    axes.plot(tracing[0, [0, 2]], tracing[0, [1, 3]], color="white", linewidth=0.9, linestyle=(0, (3, 1.5)))


def _draw_points(axes: Axes, points: np.ndarray) -> None:
    axes.plot(*points.T, color="white", linewidth=0.7, alpha=0.8)
    colours = [POINT_COLOURS[number % len(POINT_COLOURS)] for number in range(len(points))]
    axes.scatter(*points.T, s=14, c=colours, edgecolors="black", linewidths=0.4, zorder=3)
