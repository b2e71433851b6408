"""Claims: what a paper says is better than what, put to a paired test over the same test items and over seeds."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from echolib.metrics.comparison import paired_difference


class NotTestable(Exception):
    """A claim that these results cannot decide; its text is the reason."""


@dataclass(frozen=True)
class Claim:
    """A statement of a paper: a figure of `better` lies on the expected side of that of `worse`.

    better, worse: rows of the table; quantity: the figure that differs, with its unit; condition: where the claim is
    made ("HFrEF", "5 % of the labels"), "" for everywhere.
    """

    sentence: str
    better: Hashable
    worse: Hashable
    quantity: str
    expected: Literal["lower", "higher"]
    condition: str = ""


class Evidence(NamedTuple):
    """What a claim is tested on: the figure of each test item by both methods.

    score: statistic(label, prediction) over the last axis; label (items,); worse, better (seeds, items); people
    (items,): whom an item belongs to, drawn whole; None where each item is a person of its own.
    """

    score: Callable[[np.ndarray, np.ndarray], np.ndarray | np.floating]
    label: np.ndarray
    worse: np.ndarray
    better: np.ndarray
    people: np.ndarray | None = None


FEWEST_PEOPLE = 2
COLUMNS = (
    "claim", "condition", "quantity", "n", "difference", "difference_low", "difference_high", "smallest", "p", "seeds",
    "verdict",
)  # fmt: skip

# The largest difference that matters to nobody, by quantity; of another quantity no claim ends as "equivalent".
MARGINS = {
    "MAE (EF points)": 0.5,  # a tenth of the error of 4 to 5 points, and well below what two readers differ by
    "added MAE (EF points)": 0.5,  # as the error that it is added to
    "|slope - 1|": 0.04,  # 0.5 EF points at one standard deviation of EF (12.4 points) from its mean
    "Dice": 0.01,  # a tenth of what two readers' outlines of a ventricle lack of agreement (Dice 0.9)
    "input px": 0.1,  # a tenth of the published 1.13 px; a reader's whole pixels alone scatter by 0.29 px
    "share of activation": 0.01,  # a tenth of what lies in the ventricle, a tenth of the image, when spread evenly
}


def mean_value(label: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The mean over items of a figure that each item has by itself, such as Dice; the label is not used."""
    return value.mean(-1)


def claims_table(claims: Sequence[Claim], evidence: Callable[[Claim], Evidence], *, resamples: int) -> pd.DataFrame:
    """One row per claim (`COLUMNS`): better minus worse with its 95 % interval over people and seeds, the smallest
    difference that would have been found, p-value, the fewer seeds of the two, and a verdict by the quantity's margin
    (`MARGINS`): "supported", "opposite", "equivalent", "open", or "not testable: ..." with the reason."""
    table = pd.DataFrame([_row(claim, evidence, resamples) for claim in claims], columns=list(COLUMNS))
    return table.astype({"n": "Int64", "seeds": "Int64"})  # whole also beside a claim that has none


def _row(claim: Claim, evidence: Callable[[Claim], Evidence], resamples: int) -> dict[str, object]:
    row: dict[str, object] = {"claim": claim.sentence, "condition": claim.condition, "quantity": claim.quantity}
    try:
        score, *arrays, people = evidence(claim)
        label, worse, better = (np.asarray(values) for values in arrays)
        if (len(label) if people is None else len(np.unique(people))) < FEWEST_PEOPLE:
            raise NotTestable("too few items")
    except NotTestable as reason:
        return row | {"verdict": f"not testable: {reason}"}
    test = paired_difference(score, label, worse, better, groups=people, resamples=resamples)
    row |= {"n": len(label), "difference": test.estimate, "difference_low": test.low, "difference_high": test.high}
    row |= {"smallest": test.smallest, "p": test.p_value, "seeds": min(test.seeds)}
    return row | {"verdict": test.verdict(claim.expected, MARGINS.get(claim.quantity))}


def tested_claims(table: pd.DataFrame, *, paper: str, data: str) -> list[dict[str, object]]:
    """A table of claims as a notebook's record keeps it: one entry per claim. data: what it was tested on."""
    numbers = ("difference", "difference_low", "difference_high", "smallest", "seeds")
    entries = []
    for _, row in table.iterrows():
        entry = {"paper": paper, "data": data} | {name: row[name] for name in ("claim", "condition", "quantity")}
        entry |= {name: None if pd.isna(row[name]) else float(row[name]) for name in numbers}
        entries.append(entry | {"verdict": row["verdict"]})
    return entries
