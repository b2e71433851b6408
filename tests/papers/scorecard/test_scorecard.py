"""The scorecard: claims as records keep them, gathered, counted, and drawn."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from echolib import report
from echolib.errors import UserError
from echolib.folders import DataFolders
from echolib.papers import claim_tests
from echolib.papers.claim_tests import recorded
from echolib.papers.claims import Claim, Comparison, Evidence
from echolib.papers.exhibits import ClaimsTable, Paper, Setup, Table, every_row, no_row
from echolib.papers.profiles import PROFILES
from echolib.papers.scorecard import contents, scores, tables

TABLE = pd.DataFrame(
    {
        "claim": ["lower", "also lower", "lower still", "lower again", "lower here too"],
        "condition": ["100 % of the labels", "50 % of the labels", "25 % of the labels", "5 % of the labels", ""],
        "quantity": "MAE",
        "difference": [-1.0, -0.5, 0.7, 0.0, np.nan],
        "difference_low": [-2.0, -1.0, 0.1, -0.1, np.nan],
        "difference_high": [-0.5, 0.1, 1.0, 0.1, np.nan],
        "smallest": [1.25, 0.9, 0.7, 0.2, np.nan],
        "seeds": [3, 3, 2, 5, np.nan],
        "parts": ["1 of 1", "2 of 3", "4 of 4", "1 of 1", "0 of 2"],
        "printed": [-0.5, np.nan, -0.1, -0.2, -0.3],
        "paper_could_tell": ["yes", "", "no", "no", ""],
        "verdict": ["supported", "open", "opposite", "equivalent", "not testable: too few items"],
    },
).reindex(columns=list(claim_tests.COLUMNS))
FIRST, SECOND, THIRD = "Contrastive pretraining", "TCA / S-TCA", "Multi-task"


def claims_of(paper: str, table: pd.DataFrame = TABLE) -> list[dict]:
    return recorded(table, paper=paper, data="phantom")


@pytest.fixture(autouse=True)
def declared(monkeypatch) -> dict[str, Paper]:
    """The papers that are declared: none, until a test adds one."""
    papers: dict[str, Paper] = {}
    monkeypatch.setattr(scores, "papers", lambda: papers)
    monkeypatch.setattr(scores, "is_run", lambda notebook, profile: not (profile == "demo" and notebook == "24_full"))
    return papers


@pytest.fixture
def setup(tmp_path) -> Setup:
    """Reports of two notebooks with claims, of one without, and of the scorecard, which claims nothing itself."""
    records = {"91_own": claims_of(SECOND, TABLE[4:]), "11_b": claims_of(FIRST, TABLE[:4]), "00_a": None, "90_d": []}
    for name, claims in records.items():
        (tmp_path / name).mkdir()
        record = {"notebook": name} | ({} if claims is None else {"claims": claims})
        (tmp_path / name / "record.json").write_text(json.dumps(record, allow_nan=False))
    return Setup(PROFILES["smoke"], DataFolders({}, Path("phantom")), reports=tmp_path)


def test_a_record_keeps_what_was_tested_and_can_be_written_as_json():
    entries = claims_of(FIRST)
    assert [entry["condition"] for entry in entries] == TABLE["condition"].tolist()
    assert entries[0]["difference"] == -1.0 and entries[0]["smallest"] == 1.25 and entries[4]["difference"] is None
    assert {(entry["paper"], entry["data"]) for entry in entries} == {(FIRST, "phantom")}
    assert json.loads(json.dumps(entries, allow_nan=False)) == entries


def test_claims_of_all_notebooks_with_their_outcomes(setup):
    claims = tables.CLAIMS.make({}, setup)
    assert list(claims.columns) == list(scores.COLUMNS)
    assert claims["notebook"].tolist() == ["11_b"] * 4 + ["91_own"]  # a number means nothing
    assert claims["paper"].tolist() == [FIRST] * 4 + [SECOND]
    assert scores.outcome(claims).tolist() == ["supported", "open", "opposite", "equivalent", "not testable"]
    counts = tables.SUMMARY.make({}, setup).set_index("paper")
    assert counts.loc[FIRST].tolist() == [4, 1, 1, 1, 1, 0]
    assert counts.loc[SECOND].tolist() == [1, 0, 0, 0, 0, 1]
    assert claims["parts"].tolist() == TABLE["parts"].tolist() and claims["seeds"].tolist()[:4] == [3, 3, 2, 5]
    saved = tables.CLAIMS.save(claims, setup, setup.reports).read_text()
    row = (
        f"| {FIRST} | lower | supported | 1 of 1 | 100 % of the labels | MAE | -0.500 | yes | -1.000 [-2.000, -0.500] |"
    )
    assert f"{row} 1.250 | 3 | phantom | 11_b |" in saved


def test_a_study_that_has_tested_nothing_yet(tmp_path):
    claims = scores.recorded_claims(tmp_path)
    assert claims.empty and scores.outcomes_by_paper(claims).empty
    assert len(report.claim_outcomes(scores.outcomes_by_paper(claims)).axes[0].patches) == 0


def claims_table(*sentences: str, story=no_row, parts: int = 2) -> ClaimsTable:
    """A table of claims of so many comparisons each, of which nothing has to be trained."""
    compared = tuple(Comparison(f"ours {k}", "theirs") for k in range(parts))

    def evidence(results, setup, claim, part) -> Evidence:
        raise AssertionError("nothing is tested for the scorecard")

    return ClaimsTable(
        name="claims",
        caption="",
        story=story,
        claims=lambda setup: [Claim(sentence, "MAE", "lower", compared) for sentence in sentences],
        evidence=evidence,
    )


def test_claims_that_no_record_holds_are_listed_with_the_reason(setup, declared):
    """Of a notebook that was not run yet, and of one that demo leaves to the larger profiles."""
    other = Table(name="table_1", caption="", measure=lambda results, setup: pd.DataFrame())
    declared |= {
        "without": Paper(title="No claims", notebooks={"01_x": (other,), "02_x": ()}),
        "first": Paper(title=FIRST, notebooks={"11_b": (claims_table("lower", "a new one", story=every_row), other)}),
        "third": Paper(
            title=THIRD, notebooks={"40_x": (claims_table("lower"), other), "24_full": (claims_table("lower"),)}
        ),
    }
    claims = tables.CLAIMS.make({}, setup)
    assert claims["notebook"].tolist() == ["11_b"] * 5 + ["24_full", "40_x", "91_own"]
    by_claim = claims.set_index(["notebook", "claim"])
    assert by_claim.loc[("11_b", "lower"), "verdict"] == "supported"  # as recorded, and once
    reason = "not testable: not run yet"
    missing = [("11_b", "a new one"), ("24_full", "lower"), ("40_x", "lower")]
    assert by_claim.loc[missing, "verdict"].tolist() == [reason] * 3
    assert by_claim.loc[missing, "parts"].tolist() == ["0 of 2"] * 3
    assert by_claim.loc[missing, "paper"].tolist() == [FIRST, THIRD, THIRD]
    assert by_claim.loc[missing, ["difference", "seeds"]].isna().all(axis=None)
    demo = Setup(PROFILES["demo"], setup.folders, reports=setup.reports)
    in_demo = tables.CLAIMS.make({}, demo).set_index(["notebook", "claim"])["verdict"]
    assert in_demo[missing].tolist() == [
        reason,
        *["not testable: in full"] * 2,
    ]  # "40_x" is run without it
    counts = tables.SUMMARY.make({}, demo).set_index("paper")
    assert counts.loc[FIRST].tolist() == [5, 1, 1, 1, 1, 1] and counts.loc[THIRD].tolist() == [2, 0, 0, 0, 0, 2]


def test_before_anything_is_run_every_claim_is_there(tmp_path, declared):
    declared["third"] = Paper(title=THIRD, notebooks={"40_x": (claims_table("lower", "higher"),)})
    claims = scores.all_claims(Setup(PROFILES["smoke"], DataFolders({}, Path("phantom")), reports=tmp_path))
    assert claims["claim"].tolist() == ["lower", "higher"] and list(claims.columns) == list(scores.COLUMNS)
    assert str(claims["seeds"].dtype) == "Int64" and set(scores.outcome(claims)) == {"not testable"}


def test_the_study_s_own_claims(tmp_path, monkeypatch):
    """About thirty of the papers, a dozen of real patients, each sentence once in a notebook; those that wait for the
    larger profiles are said to."""
    monkeypatch.undo()
    setup = Setup(PROFILES["demo"], DataFolders({}, Path("phantom")), reports=tmp_path)
    claims = scores.all_claims(setup)
    assert not claims.duplicated(["notebook", "claim"]).any()
    counts = claims["paper"].value_counts()
    assert 25 <= counts.drop("Real patients").sum() <= 35 and 10 <= counts["Real patients"] <= 15
    verdicts = claims.groupby("notebook")["verdict"].unique()
    assert verdicts["31_tca_robustness"].tolist() == ["not testable: in full"]
    assert set(verdicts["30_tca_ablation"]) == {"not testable: not run yet", "not testable: in full"}
    assert set(counts.index) == {"Contrastive pretraining", "EchoMEN", "TCA / S-TCA", "Multi-task", "Real patients"}


@pytest.mark.parametrize(
    ("content", "fault"),
    [("{", "is damaged"), (json.dumps({"claims": [{"claim": "lower"}]}), "a claim in it has no paper, verdict, parts")],
)
def test_a_broken_record_is_named(setup, content, fault):
    (setup.reports / "11_b" / "record.json").write_text(content)
    with pytest.raises(UserError, match=rf"11_b.record\.json:? {fault}"):
        scores.recorded_claims(setup.reports)


def test_each_paper_is_a_bar_with_its_counts(setup):
    (axes,) = tables.OUTCOMES.draw({}, setup).axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [FIRST, SECOND]
    assert sum(patch.get_width() for patch in axes.patches) == 5


def test_it_trains_nothing_and_is_made_again_with_the_records(setup):
    exhibits = contents.PAPER.notebooks["90_scorecard"]
    assert [exhibit.experiments(setup) for exhibit in exhibits] == [[], [], []]
    assert any(getattr(exhibit, "reads_records", False) for exhibit in exhibits)
