"""Figures of the moving heart: the ventricle's area over the beats, and frames with what was traced or found."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from echolib.geometry.beats import Beats
from echolib.geometry.tracings import mask_contour, tracing_polygon
from echolib.report.style import PAGE, PALETTE, STRUCTURE_COLOURS, axes_or_new, panels

POINT_COLOURS = ["#E69F00", "#56B4E9", "#F0E442", "#D55E00"]


def area_over_time(
    area,
    beats: Beats,
    *,
    fps: float | None,
    unit: str = "px",
    clips: Sequence[tuple[int, int]] = (),
    title: str = "",
    axes: Axes | None = None,
) -> Figure:
    """Area of the ventricle over time with the end-diastolic and end-systolic frames of each beat.

    Parameters
    ----------
    area : (frames,) in `unit`.
    fps : frames per second; None puts frames instead of seconds on the axis.
    clips : (start, end) frames of the clips taken around the beats, drawn as bars below the curve.
    """
    area = np.asarray(area, dtype=float)
    figure, axes = axes_or_new(axes, height=1.9)
    rate = fps or 1
    time = np.arange(len(area)) / rate
    axes.plot(time, area, color=PALETTE[0], zorder=2)
    for frames, marker, colour, name in (
        (beats.diastoles, "^", PALETTE[2], "end diastole"),
        (beats.systoles, "v", PALETTE[1], "end systole"),
    ):
        look = {"color": colour, "markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.5}
        axes.plot(time[frames], area[frames], marker, label=name, zorder=3, **look)
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
    """Frames side by side with outlines of masks, tracings and keypoints on them.

    Parameters
    ----------
    frames : (height, width) or (height, width, 3) uint8 images.
    titles, masks, tracings, points : one entry a frame, or empty. A mask entry is {structure: (height, width) bool};
        its outline is drawn and named in a legend below. A tracing is (21, 4); its outline, long axis (dashed) and
        chords are drawn. Points are (n, 2) x, y in pixels.
    columns : frames in a row; width : of the figure in inches.
    aspect : height of a pixel over its width, for images with unequal spacing.
    """
    for name, entries in {"titles": titles, "masks": masks, "tracings": tracings, "points": points}.items():
        if len(entries) not in (0, len(frames)):
            raise ValueError(f"{len(entries)} {name} for {len(frames)} frames")
    columns = min(columns, len(frames))
    rows = -(-len(frames) // columns)
    tallest = max(aspect * frame.shape[0] / frame.shape[1] for frame in map(np.asarray, frames))
    structures = list(dict.fromkeys(name for entry in masks for name in entry))
    extra = rows * (0.2 if titles else 0.04) + (0.22 if structures else 0)
    figure, axes = panels(rows, columns, width=width, height=width / columns * tallest * rows + extra)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)
    colours = _colours(structures)
    for number, panel in enumerate(axes):
        panel.set_axis_off()
        if number >= len(frames):
            continue
        _show_frame(panel, np.asarray(frames[number]), aspect, titles[number] if titles else "")
        for name, mask in (masks[number] if masks else {}).items():
            panel.plot(*mask_contour(mask).T, color=colours[name], linewidth=1.1)
        if tracings and tracings[number] is not None:
            _draw_tracing(panel, np.asarray(tracings[number], dtype=float))
        if points and points[number] is not None:
            _draw_points(panel, np.asarray(points[number], dtype=float))
    if structures:
        lines = [axes[0].plot([], [], color=colours[name], linewidth=2)[0] for name in structures]
        figure.legend(lines, structures, loc="outside lower center", ncols=len(structures))
    return figure


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
