"""The scorecard's numbers: the claims that the records of a profile's notebooks hold, and how they ended."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from echolib.errors import UserError
from echolib.papers.exhibits import ClaimsTable
from echolib.papers.registry import papers
from echolib.provenance import read_record

VERDICTS = ("supported", "opposite", "equivalent", "open", "not testable")
COLUMNS = (
    "paper", "claim", "condition", "quantity", "difference", "difference_low", "difference_high", "smallest", "seeds",
    "verdict", "data", "notebook",
)  # fmt: skip


def recorded_claims(reports: Path) -> pd.DataFrame:
    """All claims in the records below the reports of one profile: `COLUMNS`, in the order of the notebooks' names.

    verdict: one of `VERDICTS`, "not testable" with the reason. Raises UserError for a record that cannot be read.
    """
    rows = [row for path in sorted(reports.glob("*/record.json")) for row in _claims_of(path)]
    claims = pd.DataFrame(rows, columns=list(COLUMNS))
    return claims.assign(seeds=claims["seeds"].astype("Int64"))


def _claims_of(record: Path) -> Iterator[dict[str, object]]:
    """The claims that a notebook has recorded, which may be none."""
    again = "delete its folder and run the study again"
    for claim in read_record(record).get("claims", []):
        row = claim | {"notebook": record.parent.name}
        if missing := [name for name in COLUMNS if name not in row]:
            raise UserError(f"{record}: a claim in it has no {', '.join(missing)}; {again}")
        yield row


def outcome(claims: pd.DataFrame) -> pd.Series:
    """Each claim's outcome, one of `VERDICTS`: its verdict without the reason."""
    return claims["verdict"].str.split(":").str[0]


def outcomes_by_paper(claims: pd.DataFrame) -> pd.DataFrame:
    """How many claims of each paper ended how: paper, claims, and a column for each of `VERDICTS`."""
    counts = pd.crosstab(claims["paper"], outcome(claims)).reindex(columns=list(VERDICTS), fill_value=0)
    counts = counts.reindex(claims["paper"].drop_duplicates())
    counts.insert(0, "claims", counts.sum(axis=1))
    return counts.rename_axis(columns=None).reset_index()


def untested_papers(claims: pd.DataFrame) -> list[str]:
    """The papers that declare claims of which none is recorded yet, in the order of their notebooks."""
    declared = {
        notebook: paper.title
        for paper in papers().values()
        for notebook, exhibits in paper.notebooks.items()
        if any(isinstance(exhibit, ClaimsTable) for exhibit in exhibits)
    }
    titles = dict.fromkeys(declared[notebook] for notebook in sorted(declared))
    return [title for title in titles if title not in set(claims["paper"])]
