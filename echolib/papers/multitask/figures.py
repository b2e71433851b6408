"""Figures of multi-task learning: how it learns, test frames with labelled and predicted keypoints."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from echolib.engine.execution import trained_model
from echolib.engine.experiment import Result, RunContext
from echolib.papers.exhibits import Results, Setup
from echolib.report.overlays import keypoint_overlays
from echolib.report.style import coloured, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


VALIDATED = {  # columns of log.csv that mean the same in every row, and what they are called
    "val_dice_camus_lv": "Dice of the ventricle, CAMUS",
    "val_keypoint_px": "Distance of keypoints (input px)",
}


def learning_curves(results: Results, setup: Setup) -> "Figure":
    """Dice and keypoints' distance on validation images over the epochs, first seed of each row; a dot marks the epoch
    whose weights are kept. Their losses would not compare: they have different parts."""
    figure, axes = panels(1, len(VALIDATED), height=3.0)
    for panel, (column, name) in zip(axes, VALIDATED.items(), strict=True):
        for colour, of_row in coloured(results.values()):
            if of_row and column in (log := of_row[0].log):
                best = log["val_loss"].idxmin()
                panel.plot(log["epoch"] + 1, log[column], color=colour)
                panel.plot(log["epoch"][best] + 1, log[column][best], "o", color=colour, markeredgecolor="white")
        panel.set(xlabel="Epoch", ylabel=name)
        panel.locator_params(axis="x", integer=True)
    lines = [axes[0].plot([], [], color=colour, label=row.title)[0] for colour, row in coloured(results)]
    lines += axes[0].plot([], [], "o", color="0.3", markeredgecolor="white", label="weights kept")
    figure.legend(handles=lines, loc="outside lower center", ncols=2)
    return figure


def keypoints_on_frames(results: Results, setup: Setup) -> "Figure":
    """Test frames with the keypoints that a joint network and its single-task rival predict."""
    first = {
        "keypoints only" if row.single_task else "both tasks": of_row[0] for row, of_row in results.items() if of_row
    }
    assert setup.context is not None
    return keypoint_overlays(*points_to_show(first, setup.context))


def points_to_show(
    results: Mapping[str, Result], context: RunContext, frames: int = 4
) -> tuple[list[np.ndarray], list[np.ndarray], dict[str, list[np.ndarray]]]:
    """Images at the input's size, labels and predictions by model of evenly spaced test items: the arguments of
    `report.keypoint_overlays`."""
    first = next(iter(results.values()))
    _, datasets = trained_model(first, context)
    dataset = next(dataset for dataset in datasets if dataset.name == first.predictions["dataset"].iloc[0])
    names = first.predictions.dropna(subset=["x"])["name"].unique()
    names = names[np.linspace(0, len(names) - 1, min(frames, len(names))).round().astype(int)]
    row = {name: number for number, name in enumerate(dataset.items["name"])}
    images = [dataset.images[row[name]].cpu().numpy() for name in names]

    def points(result: Result, columns: Sequence[str]) -> list[np.ndarray]:
        by_name = result.predictions.groupby("name")
        return [by_name.get_group(name)[list(columns)].to_numpy() for name in names]

    predicted = {model: points(result, ("x_predicted", "y_predicted")) for model, result in results.items()}
    return images, points(first, ("x", "y")), predicted
