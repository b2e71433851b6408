"""Claims: what a paper says is better than what, and on what evidence."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from echolib.metrics.comparison import Expected
from echolib.papers.gates import Gate

# The largest difference that matters to nobody, by quantity; of another quantity no claim ends as "equivalent".
MARGINS = {
    "MAE (EF points)": 0.5,  # a tenth of the error of 4 to 5 points, and well below what two readers differ by
    "GM (EF points)": 0.5,  # as the mean of the same errors
    "added MAE (EF points)": 0.5,  # as the error that it is added to
    "|slope - 1|": 0.04,  # 0.5 EF points at one standard deviation of EF (12.4 points) from its mean
    "rank correlation": 0.05,  # a twentieth of perfect order
    "Dice": 0.01,  # a tenth of what two readers' outlines of a ventricle lack of agreement (Dice 0.9)
    "gain of Dice": 0.01,  # as Dice
    "mm": 0.1,  # a tenth of what two readers' outlines are apart (1 mm and more)
    "input px": 0.1,  # a tenth of the published 1.13 px; a reader's whole pixels alone scatter by 0.29 px
    "share of activation": 0.01,  # a tenth of what lies in the ventricle, a tenth of the image, when spread evenly
}


IN_FULL = "in full"  # what tables say of a row that a profile leaves to the larger ones


class NotTestable(Exception):
    """A comparison that these results cannot decide; its text is the reason."""


@dataclass(frozen=True)
class Comparison:
    """One difference that a claim predicts: a figure of `better` beside that of `worse`, two rows of a table.

    condition: where it is made ("HFrEF", "5 % of the labels"), "" for everywhere; printed: the paper's own difference,
    better minus worse, where its tables have both.
    """

    better: Hashable
    worse: Hashable
    condition: str = ""
    printed: float | None = None


@dataclass(frozen=True)
class Claim:
    """A statement of a paper, which may hold several comparisons: each rival, each fraction of the labels.

    quantity: the figure that differs, with its unit; expected: on which side of `worse`'s that of `better` lies.
    """

    sentence: str
    quantity: str
    expected: Expected
    parts: tuple[Comparison, ...]


class Evidence(NamedTuple):
    """What a comparison is tested on: the figure of each test item by both methods.

    score: statistic(label, prediction) over the last axis; label (items,); worse, better (seeds, items); people
    (items,): whom an item belongs to, drawn whole; None where each item is a person of its own; paper_people: how many
    the paper tested on, where that is known.
    """

    score: Callable[[np.ndarray, np.ndarray], np.ndarray | np.floating]
    label: np.ndarray
    worse: np.ndarray
    better: np.ndarray
    people: np.ndarray | None = None
    paper_people: int | None = None


def check_learnt(gates: Mapping[str, Gate]) -> None:
    """Raises NotTestable where a method of these did not learn: {method: gate}."""
    for method, gate in gates.items():
        if not gate.passed:
            raise NotTestable(f"{method} did not learn ({gate.figure})")


def mean_value(label: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The mean over items of a figure that each item has by itself, such as Dice; the label is not used."""
    return value.mean(-1)
