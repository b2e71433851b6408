"""What multi-task learning claims: that both tasks together do better at each than a network for it alone."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from echolib.papers.claims import Claim, Evidence, mean_value
from echolib.papers.exhibits import Results, Setup
from echolib.papers.multitask.experiments import DESIGNS, Design, Row
from echolib.papers.multitask.scores import dice_of, errors_of


@dataclass(frozen=True, kw_only=True)
class DiceClaim(Claim):
    """A claim about the Dice of the ventricle in the test images of a dataset."""

    dataset: str


NEARER = "both tasks bring keypoints nearer"
RAISED = "both tasks raise the Dice of the ventricle"

_Difference = tuple[
    Row, Row, str, Literal["lower", "higher"]
]  # the better and the worse row, the quantity, its expected side
_MASKS: dict[Design, _Difference] = {
    design: (Row(design, None), Row(design, "segmentation"), "Dice", "higher") for design in DESIGNS
}
_POINTS: dict[Design, _Difference] = {
    design: (Row(design, None), Row(design, "keypoints"), "input px", "lower") for design in DESIGNS
}
CLAIMS = (
    DiceClaim(f"{RAISED}, CAMUS", *_MASKS["partial"], DESIGNS["partial"], dataset="camus"),
    DiceClaim(f"{RAISED}, EchoNet-Dynamic", *_MASKS["partial"], DESIGNS["partial"], dataset="echonet_dynamic"),
    Claim(NEARER, *_POINTS["partial"], DESIGNS["partial"]),
    DiceClaim(f"{RAISED}, CAMUS", *_MASKS["derived"], DESIGNS["derived"], dataset="camus"),
    Claim(NEARER, *_POINTS["derived"], DESIGNS["derived"]),
)


def ablation_evidence(results: Results, setup: Setup, claim: Claim) -> Evidence:
    """Dice of the ventricle of each test image, or the distance of each keypoint (px of the input), by both rows."""
    if isinstance(claim, DiceClaim):
        pair = [dice_of(results[row], claim.dataset, "lv") for row in (claim.worse, claim.better)]
    else:
        pair = [errors_of(results[row]) for row in (claim.worse, claim.better)]
    (worse, people), (better, _) = pair
    return Evidence(mean_value, np.zeros(len(people)), worse, better, people)
