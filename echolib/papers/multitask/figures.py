"""Figures of multi-task learning: test frames with labelled and predicted keypoints."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from echolib.engine.execution import trained_model
from echolib.engine.experiment import Result, RunContext
from echolib.papers.exhibits import Results, Setup
from echolib.report.overlays import keypoint_overlays

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
