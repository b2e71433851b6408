"""Masks and keypoints of real patients by one network and by two; lengths and walls that follow from them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from echolib.papers.claims import Claim, Comparison, Evidence, check_learnt, mean_value
from echolib.papers.exhibits import ClaimsTable, Results, Setup, Table, no_row
from echolib.papers.gates import keypoint_gate, mask_gate
from echolib.papers.intervals import mean_columns
from echolib.papers.multitask.scores import dice_and_floor, dice_of, errors_of, keypoint_error_and_floor
from echolib.papers.real_patients.folds import CrossValidated, over_folds
from echolib.papers.real_patients.outlines import JOINT, MASKS, POINTS, joint

DATA = ("camus",)
NAMES = {JOINT: "one network for both", MASKS: "masks alone", POINTS: "keypoints alone"}


class Ends(NamedTuple):
    """Where the labels' and the predictions' columns lie in the tables of keypoints and of masks."""

    x: str
    y: str
    area: str


LABEL, PREDICTED = Ends("x", "y", "true_px"), Ends("x_predicted", "y_predicted", "predicted_px")


def length_and_wall(result: CrossValidated, ends: Ends) -> pd.DataFrame:
    """Of one seed, a row per image: length of the ventricle from apex to the middle of the annulus, and mean thickness
    of its wall, in mm.

    The thickness is the myocardium's area over the length of its two sides, each the chord from the apex to an end of
    the annulus.
    """
    points, task = result.predictions.dropna(subset=["error_mm"]), result.experiment.task
    mm = (points["error_mm"] / points["error_input_px"]).groupby(points["name"]).mean()  # of a pixel of the input
    xy = points.pivot(index="name", columns="point", values=[ends.x, ends.y])
    apex, left, right = (
        np.stack([xy[axis, point] for axis in (ends.x, ends.y)], -1)
        for point in ("apex", "annulus_left", "annulus_right")
    )
    length = np.linalg.norm(apex - (left + right) / 2, axis=-1)
    sides = np.linalg.norm(apex - left, axis=-1) + np.linalg.norm(apex - right, axis=-1)
    table = pd.DataFrame({"length_mm": length, "sides_mm": sides}, index=xy.index).mul(mm, axis=0)
    masks = result.table("masks").pivot(index="name", columns="structure", values=ends.area)
    stored = result.experiment.data[0].size
    assert stored is not None
    area_mm2 = (masks["epicardium"] - masks["lv"]).reindex(table.index) * (mm * task.size / stored[0]) ** 2
    return table.assign(wall_mm=area_mm2 / table.pop("sides_mm"))


def _size_errors(of_row: Sequence[CrossValidated]) -> dict[str, float]:
    """Mean absolute error of length and wall in mm, mean over seeds."""
    errors = [(length_and_wall(result, PREDICTED) - length_and_wall(result, LABEL)).abs().mean() for result in of_row]
    return pd.DataFrame(errors).mean().to_dict()


def _errors(results: Results, setup: Setup) -> pd.DataFrame:
    """Dice of the ventricle, distance of the keypoints, errors of length and wall, by network."""
    rows = []
    for row, of_row in setup.once(over_folds, results).items():
        line: dict[str, object] = {"network": NAMES[row], "seeds": len(of_row)}
        if row.has_masks:
            line |= mean_columns(*dice_of(of_row, DATA[0], "lv"), "dice", setup)
        if row.has_keypoints:
            line |= mean_columns(*errors_of(of_row, value="error_mm"), "points_mm", setup)
        rows.append(line | (_size_errors(of_row) if row.has_masks and row.has_keypoints else {}))
    return pd.DataFrame(rows)


def claims_of(setup: Setup) -> Sequence[Claim]:
    """The two sides of the abstract's ablation, where every image has both labels."""
    return (
        Claim("real patients: keypoints beside masks raise Dice", "Dice", "higher", (Comparison(JOINT, MASKS),)),
        Claim("real patients: masks beside keypoints bring them nearer", "mm", "lower", (Comparison(JOINT, POINTS),)),
    )


def _evidence(results: Results, setup: Setup, claim: Claim, part: Comparison) -> Evidence:
    rows, pair = setup.once(over_folds, results), []
    for row in (part.worse, part.better):
        if claim.quantity == "Dice":
            check_learnt({NAMES[row]: mask_gate(*dice_and_floor(rows[row], DATA[0]))})
            pair.append(dice_of(rows[row], DATA[0], "lv"))
        else:
            check_learnt({NAMES[row]: keypoint_gate(*keypoint_error_and_floor(rows[row]))})
            pair.append(errors_of(rows[row], value="error_mm"))
    (worse, people), (better, _) = pair
    return Evidence(mean_value, np.zeros(len(people)), worse, better, people)


TABLE = Table(
    name="joint",
    caption=(
        "Masks and keypoints found in them (apex, ends of the annulus) by one network and by two: Dice of the "
        "ventricle, distance of the keypoints, mean absolute errors of its length and of its mean wall. CAMUS, "
        "cross-validated; mean over seeds, 90 % intervals over patients and seeds."
    ),
    rows=joint,
    story=no_row,
    measure=_errors,
    data=DATA,
    headings={"points_mm": "keypoints (mm)", "length_mm": "length (mm)", "wall_mm": "wall (mm)"},
    decimals={"dice": 3, "points_mm": 2, "length_mm": 2, "wall_mm": 2},
)
CLAIMS = ClaimsTable(
    name="claims_joint",
    caption="One network less two, paired over patients and seeds, with 95 % intervals. CAMUS, cross-validated.",
    rows=joint,
    story=no_row,
    data=DATA,
    claims=claims_of,
    evidence=_evidence,
    decimals=3,
)
