"""The scorecard: claims as records keep them, gathered, counted, and drawn."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from echolib import report
from echolib.errors import UserError
from echolib.folders import DataFolders
from echolib.papers import claims as paper_claims
from echolib.papers.exhibits import Paper, Setup
from echolib.papers.multitask import contents as multitask
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
        "verdict": ["supported", "open", "opposite", "equivalent", "not testable: too few items"],
    },
).reindex(columns=paper_claims.COLUMNS)
FIRST, SECOND, THIRD = "Contrastive pretraining", "TCA / S-TCA", "Multi-task"


def claims_of(paper: str, table: pd.DataFrame = TABLE) -> list[dict]:
    return paper_claims.tested_claims(table, paper=paper, data="phantom")


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
    saved = report.save_table(claims, setup.reports, "claims", "All", decimals=3).read_text()
    assert f"| {FIRST} | lower | 100 % of the labels | MAE | -1.000 [-2.000, -0.500] | 1.250 | 3 | supported |" in saved


def test_a_study_that_has_tested_nothing_yet(tmp_path):
    claims = scores.recorded_claims(tmp_path)
    assert claims.empty and scores.outcomes_by_paper(claims).empty
    assert len(report.claim_outcomes(scores.outcomes_by_paper(claims)).axes[0].patches) == 0


def test_papers_of_which_nothing_is_recorded_are_named(setup, monkeypatch):
    exhibits = multitask.PAPER.notebooks["40_multitask_ablation"]
    declared = {
        "without": Paper(title="No claims", notebooks={"01_x": exhibits[:1], "02_x": ()}),
        "third": Paper(title=THIRD, notebooks={"40_x": exhibits}),
        "fourth": Paper(title="An earlier one", notebooks={"12_x": exhibits[:1], "13_x": exhibits}),
        "first": Paper(title=FIRST, notebooks={"11_b": exhibits}),
    }
    monkeypatch.setattr(scores, "papers", lambda: declared)
    assert scores.untested_papers(scores.recorded_claims(setup.reports)) == ["An earlier one", THIRD]


@pytest.mark.parametrize(
    ("content", "fault"),
    [("{", "is damaged"), (json.dumps({"claims": [{"claim": "lower"}]}), "a claim in it has no paper, condition")],
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
