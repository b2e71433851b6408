"""Tables of outlines of real patients: Dice, distances, EF of the masks, few labels."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from echolib.data.camus_folds import fold_table
from echolib.metrics.agreement import limits_of_agreement
from echolib.papers.contrastive.experiments import Start
from echolib.papers.contrastive.scores import HEADINGS, column, dice_by_draw, of_the_labels
from echolib.papers.echonet_dynamic.scores import EF_OF_MASKS, dice_table, mask_ef
from echolib.papers.exhibits import Figure, Results, Setup, Table, no_row
from echolib.papers.intervals import mean_columns
from echolib.papers.real_patients.folds import CrossValidated, over_folds
from echolib.papers.real_patients.outlines import (
    FEWEST,
    SEGMENTER,
    STRUCTURES,
    phantom_alone,
    pretrained,
    segmenter,
    taught,
)
from echolib.report.ef_agreement import bland_altman

DATA = ("camus",)
CROSS_VALIDATED = "CAMUS four-chamber images, cross-validated"
DOUBTED = 30.0  # EF points between label and human masks beyond which one of the two must be of something else
TITLES = EF_OF_MASKS | {f"{name}_fitted": f"{EF_OF_MASKS[name]}, fitted" for name in ("predicted", "from_masks")}
PAIRS = (  # of EF, the first less the second
    ("predicted", "from_masks"), ("predicted", "cfg"), ("from_masks", "cfg"),
    ("predicted_fitted", "cfg"), ("from_masks_fitted", "cfg"),
)  # fmt: skip


def _pooled(results: Results, setup: Setup) -> dict[str, list[CrossValidated]]:
    return setup.once(over_folds, results)


def _dice(results: Results, setup: Setup) -> pd.DataFrame:
    """By structure and phase, with the outlines' distances in mm."""
    (of_seeds,) = _pooled(results, setup).values()
    tables = [result.predictions for result in of_seeds]
    dice = dice_table(tables, STRUCTURES, resamples=setup.profile.resamples)
    both = pd.concat(tables)
    for distance in ("hausdorff", "surface"):
        by_row = [
            both.loc[(both["phase"] == phase) | (phase == "both"), f"{structure}_{distance}_mm"].mean()
            for structure, phase in zip(dice["structure"], dice["phase"], strict=True)
        ]
        dice[f"{distance}_mm"] = by_row
    return dice


def ef_of_masks(results: Results, setup: Setup) -> list[pd.DataFrame]:
    """`mask_ef` of each seed: predicted, from_masks, cfg, one row per patient whose masks give an EF; and the first two
    brought to the cfg's convention by a line (`fitted`)."""
    (of_seeds,) = _pooled(results, setup).values()
    of_masks = [mask_ef(result.predictions).dropna() for result in of_seeds]
    return [
        ef.assign(**{f"{name}_fitted": fitted(ef, name) for name in ("predicted", "from_masks")}) for ef in of_masks
    ]


def fitted(ef: pd.DataFrame, column: str) -> pd.Series:
    """EF by masks as the least-squares line through the other folds' patients makes the cfg's EF of it: discs in one
    view and the report follow different conventions."""
    folds, found = fold_table()["fold"].reindex(ef.index), pd.Series(np.nan, ef.index)
    for fold in folds.unique():
        others, own = ef[folds != fold], folds == fold
        if len(others) > 1 and np.ptp(others[column]) > 0:
            found[own] = np.polyval(np.polyfit(others[column], others["cfg"], 1), ef.loc[own, column])
    return found


def is_doubted(ef: pd.DataFrame) -> pd.Series:
    """Patients whose label and whose human masks lie further apart than any reader errs."""
    return (ef["from_masks"] - ef["cfg"]).abs() > DOUBTED


def _agreement(results: Results, setup: Setup) -> pd.DataFrame:
    """Bias, limits of agreement, MAE and r of EF by masks, with and without the patients in doubt; mean over seeds."""
    rows = []
    for first, second in PAIRS:
        of_seeds = [ef.dropna(subset=[first, second]) for ef in setup.once(ef_of_masks, results)]
        without = [ef[~is_doubted(ef)] for ef in of_seeds]
        for who, kept in (("everybody", of_seeds), ("without those in doubt", without)):
            both = [ef[[first, second]].to_numpy().T for ef in kept]
            figures = pd.DataFrame(limits_of_agreement(*pair)._asdict() for pair in both).mean()
            row: dict[str, object] = {"EF": TITLES[first], "against": TITLES[second], "patients": who}
            rows.append(row | {"n": len(kept[0])} | figures.to_dict())
    return pd.DataFrame(rows)


def _bland_altman(results: Results, setup: Setup) -> Drawing:
    ef = setup.once(ef_of_masks, results)[0].dropna()
    return bland_altman(ef["cfg"], ef["predicted_fitted"], data=setup.label(*DATA))


def _transfer(results: Results, setup: Setup) -> pd.DataFrame:
    """Dice of the ventricle without a label and with few: mean over draws, 90 % intervals over patients and draws."""
    rows = []
    for row, of_row in _pooled(results, setup).items():
        dice, people = dice_by_draw(of_row)
        line = {"start": row, "n": len(people)} | mean_columns(dice, people, "dice", setup)
        rows.append(line | {"dice_sd": dice.std(axis=1, ddof=1).mean(), "draws": len(of_row)})
    return pd.DataFrame(rows)


def phantom_and_few(setup: Setup) -> dict:
    """The phantom alone, and 5 % of the labels with and without it."""
    return {**phantom_alone(setup), **taught(setup)}


def _pretrained(results: Results, setup: Setup) -> pd.DataFrame:
    """One row per start: Dice at 100 and 5 % of the labels, mean over draws, 90 % intervals."""
    rows: dict[Start, dict[str, object]] = {}
    for (start, fraction), of_cell in _pooled(results, setup).items():
        row = rows.setdefault(start, {"start": start.title})
        row |= mean_columns(*dice_by_draw(of_cell), column(fraction), setup) | {"draws": len(of_cell)}
    return pd.DataFrame(rows.values())


OUTLINES = Table(
    name="outlines",
    caption=f"{SEGMENTER}: Dice, and distance of the outlines in mm. {CROSS_VALIDATED}; 90 % intervals over patients.",
    rows=segmenter,
    story=no_row,
    measure=_dice,
    data=DATA,
    headings={"hausdorff_mm": "Hausdorff (mm)", "surface_mm": "mean distance (mm)"},
    decimals=3,
)
AGREEMENT = Table(
    name="ef_of_masks",
    caption=(
        "EF by single-plane discs (points): bias is the first minus the second, limits of agreement bias ± 1.96 SD. "
        "Fitted: by a line through the other folds' patients, since one view and the report follow different "
        f"conventions. In doubt: label and human masks more than {DOUBTED:g} points apart. {CROSS_VALIDATED}."
    ),
    rows=segmenter,
    story=no_row,
    measure=_agreement,
    data=DATA,
    headings={"limit_low": "lower limit", "limit_high": "upper limit"},
    decimals=2,
)
BLAND_ALTMAN = Figure(
    name="bland_altman",
    caption=f"EF of predicted masks, fitted, less the label (Bland and Altman). {CROSS_VALIDATED}, first seed.",
    rows=segmenter,
    story=no_row,
    data=DATA,
    draw=_bland_altman,
)
TRANSFER = Table(
    name="from_phantom",
    caption=(
        f"Dice of the ventricle: taught by the phantom alone, and with {of_the_labels(FEWEST)} from random weights or "
        f"the phantom's, as many steps. {CROSS_VALIDATED}; mean over draws, 90 % intervals over patients and draws."
    ),
    rows=phantom_and_few,
    story=no_row,
    measure=_transfer,
    data=DATA,
    decimals=3,
)
PRETRAINED = Table(
    name="pretrained",
    caption=lambda setup: (
        f"Dice of the ventricle by share of the labels. {CROSS_VALIDATED}; (C) pretrained on the other folds' images, "
        f"(E) on {setup.label('echonet_dynamic')}. Mean over draws, 90 % intervals over patients and draws."
    ),
    rows=pretrained,
    story=no_row,
    measure=_pretrained,
    data=DATA,
    headings=HEADINGS,
    decimals=3,
)
