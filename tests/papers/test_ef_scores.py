"""What the EF tables of several papers share, from made predictions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from echolib.folders import DataFolders
from echolib.papers.claims import Claim
from echolib.papers.ef_scores import ClassComparison, by_seed, ef_evidence_from, predictions_of, scores_table
from echolib.papers.exhibits import ClaimsTable, Setup
from echolib.papers.profiles import PROFILES

LABEL = np.array([30.0, 35.0, 40.0, 48.0, 55.0, 60.0, 62.0, 65.0])


class Made:
    """A finished experiment with given predictions, its videos in any order."""

    def __init__(self, prediction, order=None):
        names = [f"v{k}" for k in range(len(prediction))]
        table = pd.DataFrame({"name": names, "label": LABEL[: len(prediction)], "prediction": prediction})
        self.predictions = table if order is None else table.iloc[order].reset_index(drop=True)
        self.folder = Path(f"made-{id(self)}")


@pytest.fixture
def results():
    return {
        "near": [Made(LABEL + 1), Made(LABEL - 1, [7, 6, 5, 4, 3, 2, 1, 0])],
        "far": [Made(LABEL + 3), Made(LABEL + 3)],
        "nearer": [Made(LABEL + 0.5), Made(LABEL + 0.5)],
    }


def setup_with(**choices) -> Setup:
    return Setup(PROFILES["smoke"], DataFolders({}, Path("phantom")), choices)


ef_evidence = ef_evidence_from()


def claims_of(*claims, evidence=ef_evidence) -> ClaimsTable:
    return ClaimsTable(name="claims", caption="", claims=lambda setup: claims, evidence=evidence)


def lower(better, worse, group="all") -> Claim:
    part = ClassComparison(better, worse, group=group)
    return Claim(f"{better} than {worse}", "MAE (EF points)", "lower", (part,))


def test_predictions_stand_in_the_order_of_the_first_rows_videos(results):
    label, by_row = predictions_of(results | {"not run": []}, setup_with())
    np.testing.assert_array_equal(label, LABEL)
    np.testing.assert_array_equal(by_row["near"], np.stack([LABEL + 1, LABEL - 1]))
    assert list(by_row) == ["near", "far", "nearer"]
    np.testing.assert_array_equal(by_seed(results["far"], like=results["near"][1])[0], LABEL[::-1] + 3)


def test_claims_are_about_the_paired_error_of_two_rows(results):
    table = claims_of(lower("near", "far"), lower("near", "nearer")).make(results, setup_with())
    assert table["verdict"].tolist() == ["supported", "opposite"]
    assert table["difference"].tolist() == [-2.0, 0.5]
    assert table["n"].tolist() == [8, 8] and table["seeds"].tolist() == [2, 2]


@pytest.mark.parametrize(("choices", "videos"), [({}, 2), ({"convention": "esc2021"}, 3)])
def test_a_claim_about_a_class_is_tested_on_its_videos_alone(results, choices, videos):
    claim = lower("near", "far", "HFrEF")
    evidence = ef_evidence(results, setup_with(**choices), claim, claim.parts[0])
    np.testing.assert_array_equal(evidence.label, LABEL[:videos])
    np.testing.assert_array_equal(evidence.worse, np.stack([LABEL + 3] * 2)[:, :videos])
    np.testing.assert_array_equal(evidence.better, np.stack([LABEL + 1, LABEL - 1])[:, :videos])


def test_a_class_of_one_video_decides_nothing():
    results = {name: [Made(LABEL[:4] + off), Made(LABEL[:4] + off)] for name, off in {"near": 1, "far": 3}.items()}
    table = claims_of(lower("near", "far", "HFpEF"), lower("near", "far", "HFmrEF")).make(results, setup_with())
    assert table["verdict"].tolist() == ["not testable: too few items", "supported"]


def test_other_predictions_and_scores_are_read_once_for_all_claims(results):
    calls = []

    def halved(results, setup):
        calls.append(setup)
        label, by_row = predictions_of(results, setup)
        return label, {row: prediction / 2 for row, prediction in by_row.items()}

    def highest(label, prediction):
        return prediction.max(axis=-1)

    evidence, setup = ef_evidence_from(halved, score=highest, learnt=predictions_of), setup_with()
    table = claims_of(lower("near", "far"), lower("nearer", "far"), evidence=evidence).make(results, setup)
    assert table["difference"].tolist() == [(65 - 68) / 2, (65.5 - 68) / 2]
    assert calls == [setup]


def test_scores_are_means_over_seeds():
    methods = {"both sides": np.stack([LABEL + 3, LABEL - 1]), "mean": np.full((1, 8), LABEL.mean())}
    table = scores_table(LABEL, methods, resamples=50).set_index("method")
    assert table.loc["both sides", ["seeds", "mae", "rmse"]].tolist() == [2, 2, 2]
    apart = table.loc["both sides", ["mae_low", "mae_high"]].astype(float)  # seeds of 3 and 1: an error of 1, 1 degree
    assert apart.tolist() == pytest.approx([2 - 6.314, 2 + 6.314], abs=0.01)
    assert table.loc["both sides", "r2"] == pytest.approx(1 - 5 / LABEL.var())
    assert table.loc["mean", "r2"] == pytest.approx(0) and table.loc["mean", "seeds"] == 1


def test_a_row_that_did_not_learn_decides_nothing(results):
    results["mean"] = [Made(np.full(8, LABEL.mean())), Made(np.full(8, LABEL.mean()))]
    table = claims_of(lower("near", "mean"), lower("near", "far")).make(results, setup_with())
    assert table["verdict"].tolist() == ["not testable: mean did not learn (R² 0.00)", "supported"]


def test_a_table_says_which_row_learnt():
    methods = {"near": np.stack([LABEL + 1, LABEL - 1]), "mean": np.full((1, 8), LABEL.mean())}
    assert scores_table(LABEL, methods, resamples=50)["learnt"].tolist() == ["yes", "no: R² 0.00"]
