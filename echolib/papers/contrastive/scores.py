"""The tables of contrastive pretraining, rebuilt from the predictions of finished experiments."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from echolib.engine.experiment import Result
from echolib.metrics.bootstrap import bootstrap_interval, paired_difference
from echolib.papers import published
from echolib.papers.contrastive.experiments import FRACTIONS, TABLE1, TABLE2, Row
from echolib.papers.echonet_dynamic.scores import mask_ef
from echolib.report.published import beside_published

Cells = Mapping[tuple[Row, float], Sequence[Result]]
NOT_AVAILABLE = "weights not available"


def column(fraction: float) -> str:
    """The column of a label fraction: dice_100, dice_50, dice_25, dice_5."""
    return f"dice_{100 * fraction:g}"


HEADINGS = {column(fraction): f"Dice {100 * fraction:g} %" for fraction in FRACTIONS}


def measured(results: Sequence[Result]) -> bool:
    """Whether a cell was computed from what its row says: there are results, and none fell back to random weights."""
    asked = [each for each in results if each.experiment.task.weights == "imagenet"]
    return bool(results) and not any(each.metrics["started_from"].startswith("random") for each in asked)


def dice_by_draw(results: Sequence[Result]) -> tuple[np.ndarray, np.ndarray]:
    """Dice of each test image (draws, images), and the person each image belongs to (images,)."""
    first = results[0].predictions
    order = first["name"]
    stacked = np.stack([each.predictions.set_index("name").loc[order, "lv_dice"].to_numpy() for each in results])
    return stacked, first["person"].to_numpy()


def _mean(dice: np.ndarray) -> np.ndarray:
    return dice.mean(-1).mean(0)


def fraction_table(cells: Cells, dataset: str, *, data: str, resamples: int) -> pd.DataFrame:
    """Table 1 ("echonet") or 2 ("camus"): mean Dice per image by label fraction, with 90 % intervals over people, mean
    over draws, beside the published mean."""
    rows = []
    for row in TABLE1 if dataset == "echonet" else TABLE2:
        ours: dict[str, object] = {"row": row.number, "start": row.words}
        for fraction in FRACTIONS:
            results, name = cells[row, fraction], column(fraction)
            if not measured(results):
                rows_data = NOT_AVAILABLE
                interval = (np.nan,) * 3
            else:
                dice, people = dice_by_draw(results)
                rows_data = data
                interval = bootstrap_interval(_mean, dice, resamples=resamples, groups=people)
            ours |= dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
            ours |= {"seeds": len(results), "data": rows_data}
        rows.append(ours)
    names = [column(fraction) for fraction in FRACTIONS]
    return beside_published(pd.DataFrame(rows), _published(dataset), ["row", "start"], names, data=data)


def _published(dataset: str) -> pd.DataFrame:
    rows = TABLE1 if dataset == "echonet" else TABLE2
    printed = published("contrastive_table1_echonet" if dataset == "echonet" else "contrastive_table2_camus")
    wide = printed.pivot(index="row", columns="fraction", values="dice_mean")
    wide.columns = [column(float(fraction)) for fraction in wide.columns]
    wide.insert(0, "start", [{row.number: row.words for row in rows}[number] for number in wide.index])
    return wide.reset_index()


def detail_table(cells: Cells) -> pd.DataFrame:
    """Every cell: Dice per image (mean, SD), pooled over pixels; where pixels have a size also the outlines' distances
    in mm and the error of EF from the masks against the human masks'. Means over draws."""
    rows = []
    for (row, fraction), results in cells.items():
        if measured(results):
            figures = pd.DataFrame([_figures(each.predictions) for each in results]).mean()
            rows.append({"start": row.words, "labels_percent": 100 * fraction} | figures.to_dict())
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def _figures(table: pd.DataFrame) -> dict[str, float]:
    pooled = 2 * table["lv_overlap_px"].sum() / (table["lv_predicted_px"].sum() + table["lv_true_px"].sum())
    figures = {"dice": table["lv_dice"].mean(), "dice_sd": table["lv_dice"].std(), "dice_pooled": pooled}
    if "lv_hausdorff_mm" in table:
        figures |= {name: table[f"lv_{name}"].mean() for name in ("hausdorff_mm", "surface_mm")}
        ef = mask_ef(table)
        figures["ef_mae"] = (ef["predicted"] - ef["from_masks"]).abs().mean()
    return figures


class Claim(NamedTuple):
    """The Dice of `better` is higher than that of `worse`, at each label fraction."""

    words: str
    better: str
    worse: str


TABLE1_CLAIMS = (
    *(
        Claim(f"SimCLR above {worse}, {words}", f"SimCLR (E), {words}", f"{start}, {words}")
        for words in ("DeepLabV3", "U-Net")
        for worse, start in (("random", "random"), ("BYOL", "BYOL (E)"))
    ),
    Claim("SimCLR above ImageNet, DeepLabV3", "SimCLR (E), DeepLabV3", "ImageNet, DeepLabV3"),
    Claim("ImageNet above random, DeepLabV3", "ImageNet, DeepLabV3", "random, DeepLabV3"),
    Claim("DeepLabV3 above U-Net, from SimCLR", "SimCLR (E), DeepLabV3", "SimCLR (E), U-Net"),
)
TABLE2_CLAIMS = (
    *TABLE1_CLAIMS,
    Claim("ImageNet above SimCLR (C), DeepLabV3", "ImageNet, DeepLabV3", "SimCLR (C), DeepLabV3"),
    *(
        Claim(f"{method} (E) above (C), {words}", f"{method} (E), {words}", f"{method} (C), {words}")
        for method in ("SimCLR", "BYOL")
        for words in ("DeepLabV3", "U-Net")
    ),
)


def claims_table(cells: Cells, claims: Sequence[Claim], *, resamples: int) -> pd.DataFrame:
    """Each claim at each label fraction: difference of mean Dice, paired over people and draws, and verdict; "not
    testable" where weights could not be had."""
    by_words = {(row.words, fraction): results for (row, fraction), results in cells.items()}
    rows = []
    for claim in claims:
        for fraction in FRACTIONS:
            row = {"claim": claim.words, "labels_percent": 100 * fraction}
            pair = [by_words[words, fraction] for words in (claim.worse, claim.better)]
            if not all(measured(results) for results in pair):
                rows.append(row | {"verdict": f"not testable: {NOT_AVAILABLE}"})
                continue
            (worse, people), (better, _) = (dice_by_draw(results) for results in pair)
            found = paired_difference(
                lambda label, dice: dice.mean(-1), np.zeros(len(people)), worse, better, groups=people,
                resamples=resamples,
            )  # fmt: skip
            row |= {"difference": found.estimate, "difference_low": found.low, "difference_high": found.high}
            rows.append(row | {"seeds": min(found.seeds), "verdict": found.verdict("higher")})
    return pd.DataFrame(rows)


def gain_by_fraction(claims: pd.DataFrame) -> pd.DataFrame:
    """Whether each gain is largest with the fewest labels: one row a claim with the gain at 5 % and at 100 %."""
    tested = claims.dropna(subset="difference")
    wide = tested.pivot(index="claim", columns="labels_percent", values="difference")
    table = pd.DataFrame({"gain_at_5": wide[5.0], "gain_at_100": wide[100.0]})
    return table.assign(largest_at_5=wide.idxmax(axis=1) == 5.0).reset_index()
