"""The scorecard: claims as records keep them, gathered, counted, and drawn."""

import json

import numpy as np
import pandas as pd
import pytest

from echolib import report
from echolib.data.errors import DataError
from echolib.papers import scorecard

TABLE = pd.DataFrame(
    {
        "claim": ["lower", "also lower", "lower still", "lower here too", "a row that claims nothing"],
        "labels_percent": [100.0, 50.0, 25.0, 5.0, np.nan],
        "difference": [-1.0, -0.5, 0.7, np.nan, np.nan],
        "difference_low": [-2.0, -1.0, 0.1, np.nan, np.nan],
        "difference_high": [-0.5, 0.1, 1.0, np.nan, np.nan],
        "seeds": [3, 3, 1, np.nan, 3],
        "verdict": ["supported", "not supported", "not supported", "not testable: too few videos", np.nan],
    }
)


@pytest.fixture
def reports(tmp_path):
    """Two notebooks with claims, one whose record has none, and a scorecard's own, which does not count."""
    claims = scorecard.tested_claims(TABLE, quantity="MAE", condition="labels_percent", data="phantom")
    for name, found in {"11_b": claims[:3], "30_c": claims[3:], "00_a": None, "90_d": claims}.items():
        (tmp_path / name).mkdir()
        record = {"notebook": name} | ({} if found is None else {"claims": found})
        (tmp_path / name / "record.json").write_text(json.dumps(record, allow_nan=False))
    return tmp_path


def test_a_record_keeps_what_was_tested_and_can_be_written_as_json():
    entries = scorecard.tested_claims(TABLE, quantity="MAE", condition="labels_percent", data="phantom")
    assert [each["condition"] for each in entries] == ["100 % labels", "50 % labels", "25 % labels", "5 % labels"]
    assert entries[0]["difference"] == -1.0 and entries[3]["difference"] is None
    assert scorecard.tested_claims(TABLE.drop(columns="labels_percent"), quantity="", data="")[0]["condition"] == ""


def test_claims_of_all_notebooks_with_their_outcomes(reports):
    card = scorecard.scorecard(reports)
    assert list(card.columns) == list(scorecard.COLUMNS)
    assert card["notebook"].tolist() == ["11_b"] * 3 + ["30_c"]
    assert card["paper"].tolist() == ["Contrastive pretraining"] * 3 + ["TCA / S-TCA"]
    assert scorecard.outcome(card).tolist() == ["supported", "open", "opposite", "not testable"]
    counts = scorecard.summary(card).set_index("paper")
    assert counts.loc["Contrastive pretraining"].tolist() == [3, 1, 1, 1, 0]
    assert counts.loc["TCA / S-TCA"].tolist() == [1, 0, 0, 0, 1]
    assert scorecard.missing_papers(card) == ["EchoMEN", "Multi-task"]
    assert report.save_table(card, reports, "card", "All", decimals=3).is_file()


def test_a_study_that_has_tested_nothing_yet(tmp_path):
    card = scorecard.scorecard(tmp_path)
    assert card.empty and scorecard.summary(card).empty
    assert len(scorecard.missing_papers(card)) == 4
    report.outcomes(scorecard.summary(card))


def test_a_broken_record_is_named(reports):
    (reports / "30_c" / "record.json").write_text("{")
    with pytest.raises(DataError, match=r"30_c.record\.json: not a record"):
        scorecard.scorecard(reports)


def test_each_paper_is_a_bar_with_its_counts(reports):
    (axes,) = report.outcomes(scorecard.summary(scorecard.scorecard(reports))).axes
    assert [each.get_text() for each in axes.get_yticklabels()] == ["Contrastive pretraining", "TCA / S-TCA"]
    assert sum(patch.get_width() for patch in axes.patches) == 4
