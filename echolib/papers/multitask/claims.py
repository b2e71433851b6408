"""What multi-task learning claims: that both tasks together do better at each than a network for it alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from echolib.data.registry import entry
from echolib.papers.claims import Claim, Comparison, Evidence, check_learnt, mean_value
from echolib.papers.exhibits import ClaimsTable, Results, Setup
from echolib.papers.gates import keypoint_gate, mask_gate
from echolib.papers.multitask.experiments import DESIGNS, STORY, Design, Row, ablation
from echolib.papers.multitask.scores import dice_and_floor, dice_of, errors_of, keypoint_error_and_floor


@dataclass(frozen=True)
class DiceComparison(Comparison):
    """A comparison of the Dice of the ventricle in the test images of a dataset."""

    dataset: str = ""


def _masks(design: Design, dataset: str) -> DiceComparison:
    condition = f"{entry(dataset).title}, {DESIGNS[design]}"
    return DiceComparison(Row(design, None), Row(design, "segmentation"), condition, dataset=dataset)


def _points(design: Design) -> Comparison:
    return Comparison(Row(design, None), Row(design, "keypoints"), DESIGNS[design])


def claims(setup: Setup) -> Sequence[Claim]:
    """The two sides of the abstract's ablation."""
    masks = _masks("partial", "camus"), _masks("partial", "echonet_dynamic"), _masks("derived", "camus")
    points = tuple(_points(design) for design in DESIGNS)
    return (
        Claim("both tasks together raise the Dice of the ventricle", "Dice", "higher", masks),
        Claim("both tasks together bring keypoints nearer", "input px", "lower", points),
    )


def evidence(results: Results, setup: Setup, claim: Claim, part: Comparison) -> Evidence:
    """Dice of the ventricle of each test image, or the distance of each keypoint (px of the input), by both rows."""
    rows = part.worse, part.better
    if isinstance(part, DiceComparison):
        pair = [dice_of(results[row], part.dataset, "lv") for row in rows]
        gates = [mask_gate(*dice_and_floor(results[row], part.dataset)) for row in rows]
    else:
        pair = [errors_of(results[row]) for row in rows]
        gates = [keypoint_gate(*keypoint_error_and_floor(results[row])) for row in rows]
    check_learnt({row.title: gate for row, gate in zip(rows, gates, strict=True)})
    (worse, people), (better, _) = pair
    return Evidence(mean_value, np.zeros(len(people)), worse, better, people)


CLAIMS = ClaimsTable(
    name="claims",
    caption="Both tasks minus one, paired over people and seeds, with 95 % intervals.",
    rows=ablation,
    story=STORY.__contains__,
    data=("echonet_dynamic", "camus", "echonet_lvh"),
    claims=claims,
    evidence=evidence,
    decimals=3,
)
CLAIMS_IN_PARTS = CLAIMS.in_parts()
