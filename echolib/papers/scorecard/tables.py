"""What the scorecard shows."""

from typing import TYPE_CHECKING

import pandas as pd

from echolib.papers.exhibits import Figure, Results, Setup, Table
from echolib.papers.scorecard.scores import all_claims, outcomes_by_paper
from echolib.report.claims import claim_outcomes

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


def claims_of_reports(results: Results, setup: Setup) -> pd.DataFrame:
    """Every claim of the papers, as the other notebooks of the profile have recorded it."""
    return all_claims(setup)


def _summary(results: Results, setup: Setup) -> pd.DataFrame:
    return outcomes_by_paper(claims_of_reports(results, setup))


def _outcomes(results: Results, setup: Setup) -> "Drawing":
    return claim_outcomes(_summary(results, setup))


SUMMARY = Table(name="summary", caption="Claims by paper and outcome.", data=(), measure=_summary, reads_records=True)

OUTCOMES = Figure(name="outcomes", caption="How the claims of each paper ended on these data.", data=(), draw=_outcomes)

CLAIMS = Table(
    name="claims",
    caption=(
        "Every claim of the papers. A claim of several comparisons is as strong as the one named beside it. Then the "
        "paper's own difference, ours with its 95 % interval, and the smallest that our items and seeds would find."
    ),
    headings={
        "parts": "tested",
        "condition": "decided by",
        "printed": "the paper's difference",
        "paper_could_tell": "could its test set tell?",
        "difference": "ours",
        "smallest": "smallest found",
    },
    data=(),
    measure=claims_of_reports,
    decimals=3,
    reads_records=True,
)
