"""Scores of contrastive pretraining, rebuilt from the predictions of finished experiments."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from echolib.engine.experiment import Result
from echolib.metrics.masks import pooled_dice
from echolib.metrics.variance import interval_over_seeds
from echolib.papers.claims import mean_value
from echolib.papers.contrastive.experiments import FRACTIONS, STARTS, Cell
from echolib.papers.echonet_dynamic.scores import mask_ef
from echolib.papers.exhibits import Setup
from echolib.papers.gates import mask_gate
from echolib.papers.published import published

Cells = Mapping[Cell, Sequence[Result]]
NOT_AVAILABLE = "weights not available"
PUBLISHED = {"echonet": "table_1", "camus": "table_2"}


def column(fraction: float) -> str:
    """The column of a label fraction: dice_100, dice_50, dice_25, dice_5."""
    return f"dice_{100 * fraction:g}"


def of_the_labels(fraction: float) -> str:
    """A label fraction in words: "5 % of the labels"."""
    return f"{100 * fraction:g} % of the labels"


COLUMNS = tuple(column(fraction) for fraction in FRACTIONS)
HEADINGS = {column(fraction): f"Dice {100 * fraction:g} %" for fraction in FRACTIONS}


def measured(results: Sequence[Result]) -> bool:
    """Whether a cell was computed from what its row says: there are results, and none fell back to random weights."""
    asked = [result for result in results if result.experiment.task.weights == "imagenet"]
    return bool(results) and not any(result.metrics["started_from"].startswith("random") for result in asked)


def dice_by_draw(results: Sequence[Result]) -> tuple[np.ndarray, np.ndarray]:
    """Dice of each test image (draws, images), and the person each image belongs to (images,)."""
    first = results[0].predictions
    order = first["name"]
    tables = [result.predictions.set_index("name") for result in results]
    return np.stack([table.loc[order, "lv_dice"].to_numpy() for table in tables]), first["person"].to_numpy()


def dice_and_floor(results: Sequence[Result]) -> tuple[float, float]:
    """Mean Dice over the draws of a cell, and that of the mean training mask as the prediction for every image."""
    both = [(result.metrics["dice_lv"], result.metrics["dice_lv_mean_mask"]) for result in results]
    dice, floor = np.mean(both, axis=0)
    return float(dice), float(floor)


def fraction_table(cells: Cells, setup: Setup, dataset: str) -> pd.DataFrame:
    """Table 1 ("echonet") or 2 ("camus"): Dice per image by label fraction, the mean over draws with 90 %
    intervals over people and draws. One row per start of which a cell was run."""
    rows, run, resamples = [], {start for start, _ in cells}, setup.profile.resamples
    for number, start in enumerate(STARTS[dataset], start=1):
        if start not in run:
            continue
        row: dict[str, object] = {"row": number, "start": start.title, "data": None}
        for fraction in FRACTIONS:
            results, name = cells.get((start, fraction)), column(fraction)
            if results is None:  # left to a larger profile
                row |= {name: np.nan, f"{name}_low": np.nan, f"{name}_high": np.nan}
                continue
            if measured(results):
                dice, people = dice_by_draw(results)
                interval = interval_over_seeds(
                    mean_value, np.zeros(len(people)), dice, resamples=resamples, groups=people
                )
            else:
                interval, row["data"] = (np.nan,) * 3, NOT_AVAILABLE
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True)) | {"seeds": len(results)}
        rows.append(row)
    return pd.DataFrame(rows)


def printed_table(dataset: str) -> pd.DataFrame:
    """The published mean Dice, one row per start: row, start, and a column per label fraction."""
    printed = published("contrastive", PUBLISHED[dataset])
    wide = printed.pivot(index="row", columns="fraction", values="dice_mean")
    wide.columns = [column(float(fraction)) for fraction in wide.columns]
    wide.insert(0, "start", [STARTS[dataset][number - 1].title for number in wide.index])
    return wide.reset_index()


def detail_table(cells: Cells, setup: Setup) -> pd.DataFrame:
    """Every cell: Dice per image (mean, SD), pooled over pixels; where pixels have a size also the outlines' distances
    in mm, the error of EF from the masks against the human masks', and the number of patients whose masks give no EF.
    Means over draws."""
    rows = []
    for (start, fraction), results in cells.items():
        if measured(results):
            figures = pd.DataFrame([_figures(result.predictions) for result in results]).mean()
            row = {"start": start.title, "labels_percent": 100 * fraction, "draws": len(results)}
            rows.append(row | figures.to_dict() | {"learnt": mask_gate(*dice_and_floor(results)).outcome})
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def _figures(table: pd.DataFrame) -> dict[str, float]:
    sums = [table[f"lv_{count}_px"].to_numpy() for count in ("overlap", "predicted", "true")]
    figures = {"dice": table["lv_dice"].mean(), "dice_sd": table["lv_dice"].std()}
    figures["dice_pooled"] = float(pooled_dice(*sums))
    if "lv_hausdorff_mm" in table:
        figures |= {name: table[f"lv_{name}"].mean() for name in ("hausdorff_mm", "surface_mm")}
        ef = mask_ef(table)
        readable = ef["predicted"].between(0, 100, inclusive="left")  # 100: nothing left of the ventricle at ES
        figures["ef_mae"] = (ef["predicted"] - ef["from_masks"])[readable].abs().mean()
        figures["ef_unreadable"] = float((~readable).sum())
    return figures
