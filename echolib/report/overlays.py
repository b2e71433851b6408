"""Images side by side, and what methods predict drawn over them: masks, keypoints, class activation maps.

Images are grey, (H, W), with levels from 0 to 255.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from echolib.report.style import PAGE, coloured, panels

OF_A_METHOD = {"s": 18, "marker": "x", "linewidths": 1.0}
OF_A_LABEL = {"s": 40, "facecolors": "none"}
ROOM = 0.35  # round labelled keypoints, as a share of how far they reach; panels show that part of an image


def image_grid(rows: Sequence[Sequence[np.ndarray]], titles: Sequence[str]) -> Figure:
    """Images in rows of equal length, with a title above each column."""
    figure, axes = panels(len(rows), len(rows[0]), height=1.45 * len(rows))
    for number, panel in enumerate(axes):
        row, column = divmod(number, len(rows[0]))
        panel.imshow(rows[row][column], vmin=0, vmax=255)
        panel.set(xticks=[], yticks=[], title=titles[column] if row == 0 else "")
    return figure


def mask_overlays(
    images: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    methods: Mapping[str, Sequence[np.ndarray]],
    titles: Sequence[str],
) -> Figure:
    """Outlines of masks over images, one panel per image: the label in white, each method in its colour.

    labels and each method's masks: (H, W) bool, in the order of the images.
    """
    figure, axes = panels(1, len(images), height=2.6)
    for number, (panel, image, label, title) in enumerate(zip(axes, images, labels, titles, strict=True)):
        panel.imshow(image, vmin=0, vmax=255)
        panel.contour(label, [0.5], colors="white", linewidths=1.2)
        for colour, masks in coloured(methods.values()):
            if masks[number].any() and not masks[number].all():
                panel.contour(masks[number], [0.5], colors=colour, linewidths=0.9)
        panel.set(title=title, xticks=[], yticks=[])
    colours = {"label": "0.6"} | {name: colour for colour, name in coloured(methods)}
    lines = [axes[0].plot([], [], color=colour, label=name)[0] for name, colour in colours.items()]
    figure.legend(handles=lines, loc="outside lower center", ncols=len(lines))
    return figure


def keypoint_overlays(
    images: Sequence[np.ndarray], labels: Sequence[np.ndarray], methods: Mapping[str, Sequence[np.ndarray]]
) -> Figure:
    """Keypoints over images, one panel per image: labels as white rings, those of each method as crosses, and a line
    from each ring to each of its crosses. Panels show the square round the labels, of one size, in which errors can be
    seen.

    labels and each method's keypoints: (K, 2), x and y in pixels of the image, in the order of the images.
    """
    figure, axes = panels(1, len(images), height=PAGE / len(images) + 0.5)
    side = max(np.ptp(label, axis=0).max() for label in labels) * (1 + 2 * ROOM)
    for number, (panel, image, label) in enumerate(zip(axes, images, labels, strict=True)):
        panel.imshow(image, vmin=0, vmax=255)
        panel.scatter(*label.T, **OF_A_LABEL, edgecolors="white", linewidths=1.0)
        for colour, keypoints in coloured(methods.values(), first=1):
            panel.scatter(*keypoints[number].T, **OF_A_METHOD, color=colour)
            ends = np.stack([label, keypoints[number]])
            panel.plot(ends[..., 0], ends[..., 1], color=colour, linewidth=0.7)
        (left, top), (right, bottom) = _square_round(label, side, image.shape)
        panel.set(xticks=[], yticks=[], xlim=(left, right), ylim=(bottom, top))
    handles = [axes[0].scatter([], [], **OF_A_LABEL, edgecolors="0.6", label="label")]
    for colour, name in coloured(methods, first=1):
        handles.append(axes[0].scatter([], [], s=18, marker="x", color=colour, label=name))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _square_round(points: np.ndarray, side: float, shape: tuple[int, ...]) -> np.ndarray:
    """Corners (2, 2), x and y, of a square round points (K, 2), moved into an image (H, W) where it fits into it."""
    size = np.asarray(shape[1::-1], float)
    sides = np.minimum(side, size)
    first = np.clip((points.min(0) + points.max(0) - sides) / 2, -0.5, size - sides - 0.5)
    return np.stack([first, first + sides])


def activation_overlays(
    rows: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]], titles: Sequence[str]
) -> Figure:
    """Class activation maps over frames, one row per model and one column per video, with the ventricle outlined in
    white.

    rows {model: one (frame (H, W), map (H, W), ventricle (H, W) bool) per video}. Each map is scaled from its lowest to
    its highest value.
    """
    columns = len(titles)
    figure, axes = panels(len(rows), columns, height=PAGE / columns * len(rows) + 0.3)
    for row, (model, videos) in enumerate(rows.items()):
        for column, (frame, activation, ventricle) in enumerate(videos):
            panel = axes[row * columns + column]
            panel.imshow(frame, vmin=0, vmax=255)
            low, high = activation.min(), activation.max()
            scaled = (activation - low) / max(high - low, 1e-12)
            panel.imshow(scaled, cmap="inferno", alpha=0.65 * scaled, vmin=0, vmax=1)
            panel.contour(ventricle, [0.5], colors="white", linewidths=0.8)
            panel.set(xticks=[], yticks=[], title=titles[column] if row == 0 else "")
        axes[row * columns].set_ylabel(model)
    return figure
