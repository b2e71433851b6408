"""Claims put to the test: each comparison, the claim that is as strong as its weakest, and what the tables say."""

import json
from pathlib import Path

import numpy as np
import pytest

from echolib.folders import DataFolders
from echolib.papers.claim_tests import COLUMNS, claims_table, parts_table, put_to_test, recorded
from echolib.papers.claims import MARGINS, Claim, Comparison, Evidence, NotTestable, check_learnt, mean_value
from echolib.papers.exhibits import ClaimsTable, Setup
from echolib.papers.gates import ef_gate
from echolib.papers.profiles import PROFILES
from echolib.papers.registry import papers

CHOICES = {"settings": "printed", "denominator": "negatives"}
SETUP = Setup(PROFILES["smoke"], DataFolders({}, Path("phantom")), CHOICES)
TABLES = [
    exhibit
    for paper in papers().values()
    for exhibits in paper.notebooks.values()
    for exhibit in exhibits
    if isinstance(exhibit, ClaimsTable)
]
CLAIMS = [claim for table in TABLES for claim in table.claims(SETUP)]


def dice_with(gain: float, sd: float = 0.02, seeds: int = 3) -> Evidence:
    """Dice of 40 images by two methods from common seeds, the second better by a gain."""
    rng = np.random.default_rng(0)
    image = 0.8 + rng.normal(0, 0.02, 40)
    worse, better = image + rng.normal(0, sd / 4, (2, seeds, 40))
    return Evidence(mean_value, np.zeros(40), worse, better + gain)


def put(gains, expected="higher", quantity="Dice", **fields):
    """A claim of one comparison for each gain of `dice_with`, or for each reason why it cannot be tested."""

    def evidence(claim, part):
        if isinstance(part.better, str):
            raise NotTestable(part.better)
        return dice_with(part.better)._replace(**fields)

    parts = tuple(Comparison(gain, "worse", f"part {k}", printed=0.01) for k, gain in enumerate(gains))
    return put_to_test([Claim("better above worse", quantity, expected, parts)], evidence, resamples=200)


def verdict(gains, *options, **named):
    return put(gains, *options, **named)[0].verdict


def test_every_quantity_that_papers_claim_has_its_margin():
    assert {claim.quantity for claim in CLAIMS} == set(MARGINS)


def test_the_papers_make_about_thirty_claims_each_once():
    sentences = [claim.sentence for claim in CLAIMS]
    assert 35 <= len(set(sentences)) == len(sentences) <= 50  # a dozen of them put to real patients


def test_every_comparison_is_of_rows_of_its_table():
    for table in TABLES:
        rows = set(table.rows(SETUP)) | {"aggregated", "best expert"}
        for claim in table.claims(SETUP):
            assert {row for part in claim.parts for row in (part.better, part.worse)} <= rows, claim.sentence


def test_only_a_quantity_with_a_margin_can_be_equivalent():
    assert verdict([0.0]) == "equivalent"
    assert verdict([0.0], quantity="another") == "open"


def test_a_row_holds_what_could_have_been_found():
    row = claims_table(put([0.05], paper_people=1000)).iloc[0]
    assert row["verdict"] == "supported" and row["seeds"] == 3 and row["n"] == 40 and row["parts"] == "1 of 1"
    assert 0 < row["smallest"] < row["difference"] == pytest.approx(0.05, abs=0.005)
    assert row["difference_low"] < row["difference"] < row["difference_high"] and row["p"] < 0.05
    assert row["paper_smallest"] < row["printed"] == 0.01 and row["paper_could_tell"] == "yes"
    few = claims_table(put([0.05], paper_people=1)).iloc[0]
    assert (
        few["paper_smallest"] == pytest.approx(row["paper_smallest"] * np.sqrt(1000))
        and few["paper_could_tell"] == "no"
    )


@pytest.mark.parametrize(
    ("gains", "ends"),
    [
        ([0.05, 0.05], "supported"),
        ([0.05, 0.0], "equivalent"),
        ([0.05, -0.05], "opposite"),
        ([0.05, "in full"], "open"),  # a claim about all of them is not supported by some
        ([-0.05, "in full"], "opposite"),
        ([0.05, "one network did not learn"], "supported"),
        (["in full", "in full"], "not testable: in full"),
        (["in full", "one network did not learn"], "not testable: in full; one network did not learn"),
    ],
)
def test_a_claim_is_as_strong_as_its_weakest_comparison(gains, ends):
    assert verdict(gains) == ends


def test_many_looks_do_not_make_an_opposite():
    """One comparison of twenty just beyond its own interval: open, for so many looks would find one by chance."""
    (alone,) = put([-0.004])
    assert alone.parts[0].verdict == alone.verdict == "opposite"
    (among,) = put([0.05] * 19 + [-0.004])
    assert among.parts[-1].verdict == "opposite" and among.verdict == "open"


def test_the_comparison_that_decides_stands_in_the_row():
    row = claims_table(put([0.05, -0.05, 0.0, "in full"])).iloc[0]
    assert (row["verdict"], row["condition"], row["parts"]) == ("opposite", "part 1", "3 of 4")
    assert row["difference"] == pytest.approx(-0.05, abs=0.005)
    row = claims_table(put([0.05, 0.03, 0.06])).iloc[0]
    assert (row["verdict"], row["condition"]) == ("supported", "part 1")
    none = claims_table(put(["in full"])).iloc[0]
    assert none["parts"] == "0 of 1" and np.isnan(none["difference"]) and none["n"] is not None


def test_every_comparison_has_a_row_of_its_own():
    table = parts_table(put([0.05, -0.05, "in full"]))
    assert table["verdict"].tolist() == ["supported", "opposite", "not testable: in full"]
    assert list(table) == [name for name in COLUMNS if name != "parts"]


@pytest.mark.parametrize(("gain", "ends"), [(0.0, "supported"), (-0.05, "opposite"), (0.05, "supported")])
def test_as_good_as_is_within_the_margin(gain, ends):
    assert verdict([gain], "not lower") == ends


def test_one_seed_or_one_person_decides_nothing():
    one = claims_table(put([0.5], better=dice_with(0.5).better[:1])).iloc[0]
    assert one["verdict"] == "not testable: one seed" and one["seeds"] == 1 and np.isnan(one["smallest"])
    assert one["difference"] == pytest.approx(0.5, abs=0.01) and one["parts"] == "0 of 1"
    assert verdict([0.5], people=np.full(40, "p0")) == "not testable: too few items"


def test_a_method_that_did_not_learn_decides_nothing():
    label = np.linspace(30, 70, 9)
    check_learnt({"a": ef_gate(label, label[None] + 1)})
    with pytest.raises(NotTestable, match=r"^b did not learn \(R² 0.00\)$"):
        check_learnt({"a": ef_gate(label, label[None]), "b": ef_gate(label, np.full((1, 9), 50.0))})


def test_a_record_keeps_what_was_tested_and_can_be_written_as_json():
    entries = recorded(claims_table(put([0.05, "no weights"])), paper="A paper", data="phantom")
    assert entries[0]["verdict"] == "supported" and entries[0]["parts"] == "1 of 2" and entries[0]["seeds"] == 3
    assert (entries[0]["paper"], entries[0]["data"]) == ("A paper", "phantom")
    none = recorded(claims_table(put(["in full"])), paper="A paper", data="phantom")
    assert none[0]["difference"] is None and none[0]["seeds"] is None
    for kept in (entries, none):
        assert json.loads(json.dumps(kept, allow_nan=False)) == kept
