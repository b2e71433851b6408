"""Learning gates: a method that did not learn decides no claim. What counts as learnt stands here and nowhere else."""

from typing import NamedTuple

import numpy as np

from echolib.metrics.ejection import r2

LEAST_R2 = 0.3  # of EF on the test videos: the mean of the labels has 0
LEAST_BELOW_EQUAL = 0.2  # of a contrastive loss, below that of embeddings that are all equal
LARGEST_OF_MEAN_POSITION = 0.5  # of the distance of keypoints, as a share of that of their mean position
FEWEST_CELLS = 4  # of an activation map, in each direction


class Gate(NamedTuple):
    """Whether a method learnt what it was trained for, and the figure that says so, in words."""

    passed: bool
    figure: str

    @property
    def outcome(self) -> str:
        """As tables have it: "yes", or "no" with the figure."""
        return "yes" if self.passed else f"no: {self.figure}"


def ef_gate(label: np.ndarray, predictions: np.ndarray) -> Gate:
    """EF of the test videos: label (videos,), predictions (seeds, videos); by R2, averaged over seeds."""
    found = float(np.mean(r2(label, predictions)))
    return Gate(found >= LEAST_R2, f"R² {found:.2f}")


def contrastive_gate(loss: float, equal_loss: float) -> Gate:
    """A contrastive loss on the validation split beside that of embeddings that are all equal, log(2B - 1)."""
    return Gate(loss <= equal_loss - LEAST_BELOW_EQUAL, f"loss {loss:.2f}, equal embeddings {equal_loss:.2f}")


def keypoint_gate(distance: float, mean_position: float) -> Gate:
    """Distance of predicted keypoints beside that of the mean position of the labels, in the same unit."""
    share = distance / mean_position
    return Gate(share <= LARGEST_OF_MEAN_POSITION, f"{100 * share:.0f} % of the mean position's error")


def mask_gate(dice: float, mean_mask_dice: float) -> Gate:
    """Dice of predicted masks beside that of the mean training mask, predicted for every image."""
    return Gate(dice > mean_mask_dice, f"Dice {dice:.2f}, the mean mask {mean_mask_dice:.2f}")


def map_gate(rows: int, columns: int) -> Gate:
    """An activation map before it is interpolated to the image's size: its cells."""
    return Gate(min(rows, columns) >= FEWEST_CELLS, f"an activation map of {rows} x {columns} cells")
