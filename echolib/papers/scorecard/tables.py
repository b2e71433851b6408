"""What the scorecard shows."""

from typing import TYPE_CHECKING

import pandas as pd

from echolib.papers.exhibits import Figure, Results, Setup, Table
from echolib.papers.scorecard.scores import outcomes_by_paper, recorded_claims
from echolib.report.claims import claim_outcomes

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


def claims_of_reports(results: Results, setup: Setup) -> pd.DataFrame:
    """Every claim that the other notebooks of the profile have recorded."""
    assert setup.reports is not None
    return recorded_claims(setup.reports)


def _summary(results: Results, setup: Setup) -> pd.DataFrame:
    return outcomes_by_paper(claims_of_reports(results, setup))


def _outcomes(results: Results, setup: Setup) -> "Drawing":
    return claim_outcomes(_summary(results, setup))


SUMMARY = Table(name="summary", caption="Claims by paper and outcome.", data=(), measure=_summary, reads_records=True)

OUTCOMES = Figure(name="outcomes", caption="How the claims of each paper ended on these data.", data=(), draw=_outcomes)

CLAIMS = Table(
    name="claims",
    caption="Every claim put to the test, 95 % intervals.",
    data=(),
    measure=claims_of_reports,
    decimals=3,
    reads_records=True,
)
