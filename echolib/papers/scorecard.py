"""The scorecard: every claim of the papers that the study put to the test, gathered from the notebooks' records."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from echolib.data.errors import DataError

PAPERS = {
    "1": "Contrastive pretraining",
    "2": "EchoMEN",
    "3": "TCA / S-TCA",
    "4": "Multi-task",
}  # by the first digit of a notebook's name
VERDICTS = ("supported", "opposite", "open", "not testable")
COLUMNS = (
    "paper", "claim", "condition", "quantity", "difference", "difference_low", "difference_high", "seeds", "verdict",
    "data", "notebook",
)  # fmt: skip


def tested_claims(table: pd.DataFrame, *, quantity: str, condition: str = "", data: str) -> list[dict[str, object]]:
    """A table of claims as a record keeps it: one entry a row that has a verdict.

    table: claim, verdict, difference, difference_low, difference_high and seeds, of which a claim that could not be
    tested has the first two. quantity: what differs, with its unit; condition: the column that says where the claim is
    made, "" for none; data: what it was tested on.
    """
    entries = []
    for _, row in table.dropna(subset="verdict").iterrows():
        numbers = {name: row.get(name, np.nan) for name in ("difference", "difference_low", "difference_high", "seeds")}
        entries.append(
            {
                "claim": row["claim"],
                "condition": _in_words(condition, row.get(condition, "")),
                "quantity": quantity,
                **{name: None if pd.isna(value) else float(value) for name, value in numbers.items()},
                "verdict": row["verdict"],
                "data": data,
            }
        )
    return entries


def _in_words(column: str, value: object) -> str:
    """A condition that is told by itself: "HFrEF", or "5 % labels" of a column labels_percent."""
    return f"{value:g} % {column.removesuffix('_percent')}" if column.endswith("_percent") else str(value)


def scorecard(reports: Path) -> pd.DataFrame:
    """All tested claims in the records below the reports of one profile: `COLUMNS`, in the order of the notebooks.

    verdict: "supported", "not supported", or "not testable" with the reason. Raises DataError for a record that cannot
    be read.
    """
    rows = []
    for path in sorted(reports.glob("[0-8]*/record.json")):
        try:
            entries = json.loads(path.read_text(encoding="utf-8")).get("claims", [])
        except ValueError as error:
            raise DataError(f"{path}: not a record ({error}); delete its folder and run the study again") from error
        name = path.parent.name
        rows += [{"paper": PAPERS.get(name[0], name), **entry, "notebook": name} for entry in entries]
    card = pd.DataFrame(rows, columns=list(COLUMNS))
    return card.assign(seeds=card["seeds"].astype("Int64"))


def outcome(card: pd.DataFrame) -> pd.Series:
    """Each claim's outcome, one of `VERDICTS`: "not supported" is "opposite" where the whole interval lies on the other
    side of zero than the claim has it, and "open" where it holds zero."""
    apart = (card["difference_low"] > 0) | (card["difference_high"] < 0)
    kind = np.where(apart, "opposite", "open")
    kind = np.where(card["verdict"] == "supported", "supported", kind)
    return pd.Series(np.where(card["verdict"].str.startswith("not testable"), "not testable", kind), card.index)


def summary(card: pd.DataFrame) -> pd.DataFrame:
    """How many claims of each paper ended how: paper, claims, and a column each of `VERDICTS`."""
    counts = pd.crosstab(card["paper"], outcome(card)).reindex(columns=list(VERDICTS), fill_value=0)
    counts = counts.reindex(card["paper"].drop_duplicates())
    counts.insert(0, "claims", counts.sum(axis=1))
    return counts.rename_axis(columns=None).reset_index()


def missing_papers(card: pd.DataFrame) -> list[str]:
    """The papers of which no claim has been tested yet."""
    return [paper for paper in PAPERS.values() if paper not in set(card["paper"])]
