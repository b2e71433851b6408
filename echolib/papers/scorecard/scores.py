"""The scorecard's numbers: the claims that the records of a profile's notebooks hold, and how they ended."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from echolib.errors import UserError
from echolib.papers.claims import IN_FULL
from echolib.papers.exhibits import ClaimsTable, Setup, no_row
from echolib.papers.registry import is_run, papers
from echolib.provenance import read_record

VERDICTS = ("supported", "opposite", "equivalent", "open", "not testable")
COLUMNS = (
    "paper", "claim", "verdict", "parts", "condition", "quantity", "printed", "paper_could_tell", "difference",
    "difference_low", "difference_high", "smallest", "seeds", "data", "notebook",
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


def all_claims(setup: Setup) -> pd.DataFrame:
    """Every claim that the papers declare, in the order of the notebooks: as recorded, or why it is not.

    Raises UserError for a record that cannot be read.
    """
    assert setup.reports is not None
    recorded = recorded_claims(setup.reports)
    known = set(zip(recorded["notebook"], recorded["claim"], strict=True))
    declared = [row for row in declared_claims(setup) if (row["notebook"], row["claim"]) not in known]
    missing = pd.DataFrame(declared, columns=list(COLUMNS))
    both = pd.concat([part for part in (recorded, missing) if len(part)]) if len(missing) else recorded
    both = both.sort_values("notebook", kind="stable", ignore_index=True)
    return both.astype({"seeds": "Int64"})


def declared_claims(setup: Setup) -> list[dict[str, object]]:
    """The claims of every notebook, not tested: in a larger profile, or not yet."""
    rows: list[dict[str, object]] = []
    for paper in papers().values():
        for notebook, exhibits in paper.notebooks.items():
            for table in (exhibit for exhibit in exhibits if isinstance(exhibit, ClaimsTable)):
                left_out = setup.profile.story_only and table.story is no_row
                reason = IN_FULL if left_out or not is_run(notebook, setup.profile.name) else "not run yet"
                for claim in table.claims(setup):
                    row: dict[str, object] = {"paper": paper.title, "claim": claim.sentence, "quantity": claim.quantity}
                    row |= {"parts": f"0 of {len(claim.parts)}", "verdict": f"not testable: {reason}"}
                    rows.append(row | {"notebook": notebook})
    return rows
