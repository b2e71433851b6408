"""Claims: the margin of each quantity, and what a row of the table says."""

import numpy as np
import pytest

from echolib.papers.claims import COLUMNS, MARGINS, Claim, Evidence, claims_table, mean_value
from echolib.papers.exhibits import ClaimsTable
from echolib.papers.registry import papers

CLAIMS = [
    claim
    for paper in papers().values()
    for exhibits in paper.notebooks.values()
    for exhibit in exhibits
    if isinstance(exhibit, ClaimsTable)
    for claim in exhibit.claims
]


def table_of(worse, better, quantity="Dice", people=None):
    claim = Claim("b above a", better="b", worse="a", quantity=quantity, expected="higher")
    evidence = Evidence(mean_value, np.zeros(worse.shape[-1]), worse, better, people)
    table = claims_table([claim], lambda _: evidence, resamples=200)
    assert tuple(table.columns) == COLUMNS
    return table.iloc[0]


@pytest.fixture
def same():
    """Dice of 40 images by two methods from three seeds, between which there is nothing of note."""
    rng = np.random.default_rng(0)
    return 0.9 + rng.normal(0, 0.02, 40) + rng.normal(0, 0.005, (2, 3, 40))


def test_every_quantity_that_papers_claim_has_its_margin():
    assert {claim.quantity for claim in CLAIMS} == set(MARGINS)


def test_only_a_quantity_with_a_margin_can_be_equivalent(same):
    assert table_of(*same)["verdict"] == "equivalent"
    assert table_of(*same, quantity="another")["verdict"] == "open"


def test_a_row_holds_what_could_have_been_found(same):
    row = table_of(same[0], same[1] + 0.05)
    assert row["verdict"] == "supported" and row["seeds"] == 3 and row["n"] == 40
    assert 0 < row["smallest"] < row["difference"] == pytest.approx(0.05, abs=0.005)
    assert row["difference_low"] < row["difference"] < row["difference_high"] and row["p"] < 0.05
    assert table_of(same[0] + 0.05, same[1])["verdict"] == "opposite"


def test_one_seed_or_one_person_decides_nothing(same):
    row = table_of(same[0], same[1, :1] + 0.5)
    assert row["verdict"] == "not testable: one seed" and row["seeds"] == 1 and np.isnan(row["smallest"])
    assert row["difference"] == pytest.approx(0.5, abs=0.01)
    assert table_of(*same, people=np.full(40, "p0"))["verdict"] == "not testable: too few items"
