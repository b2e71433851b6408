"""What the figures of multi-task learning show: test frames with labelled and predicted keypoints."""

from collections.abc import Mapping, Sequence

import numpy as np

from echolib.engine.experiment import Place, Result, trained_model


def points_to_show(
    results: Mapping[str, Result], place: Place, frames: int = 4
) -> tuple[list[np.ndarray], list[np.ndarray], dict[str, list[np.ndarray]]]:
    """Images at the input's size, labels and predictions by model of evenly spaced test items: the arguments of
    `report.points_over`."""
    first = next(iter(results.values()))
    _, data = trained_model(first, place)
    found = next(each for each in data if each.name == first.predictions["dataset"].iloc[0])
    names = first.predictions.dropna(subset=["x"])["name"].unique()
    names = names[np.linspace(0, len(names) - 1, min(frames, len(names))).round().astype(int)]
    row = {name: k for k, name in enumerate(found.items["name"])}
    images = [found.images[row[name]].cpu().numpy() for name in names]

    def points(result: Result, columns: Sequence[str]) -> list[np.ndarray]:
        by_name = result.predictions.groupby("name")
        return [by_name.get_group(name)[list(columns)].to_numpy() for name in names]

    predicted = {words: points(result, ("x_predicted", "y_predicted")) for words, result in results.items()}
    return images, points(first, ("x", "y")), predicted
