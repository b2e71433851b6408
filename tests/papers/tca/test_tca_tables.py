"""Chen and Li's tables and claims, from made predictions."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from echolib.folders import DataFolders
from echolib.papers.exhibits import Setup
from echolib.papers.profiles import PROFILES
from echolib.papers.published import published
from echolib.papers.tca import robustness_tables, scores, tables
from echolib.papers.tca.activation import ActivationMaps
from echolib.papers.tca.contents import PAPER
from echolib.papers.tca.experiments import ATTENTION, MODELS, SYSTEMS

LABEL = np.array([30.0, 45.0, 50.0, 60.0, 65.0, 70.0])
NAMES = [f"v{k}" for k in range(6)]
M0, M1, M2, M3 = MODELS.values()


@pytest.fixture
def setup(tmp_path) -> Setup:
    """The smoke profile on a phantom that was never written; nothing is run."""
    profile = PROFILES["smoke"].model_copy(update={"resamples": 50})
    return Setup(profile, DataFolders({}, tmp_path), context=SimpleNamespace())


def made(random_clips=None, prediction=None, order=None, **others) -> SimpleNamespace:
    """A result with predictions for `LABEL`; order: of its videos."""
    table = pd.DataFrame({"name": NAMES, "label": LABEL})
    if random_clips is not None:
        table["random_clips"] = random_clips
    table["prediction"] = LABEL if prediction is None else prediction
    table = table if order is None else table.iloc[order].reset_index(drop=True)
    return SimpleNamespace(predictions=table, folder=object(), **others)


def test_predictions_follow_the_first_rows_order_of_videos(setup):
    rows = {M0: [made(LABEL + 1)], M1: [made(LABEL + 2, order=[5, 3, 1, 0, 2, 4]), made(LABEL - 2)]}
    label, by_row = scores.random_clip_predictions(rows, setup)
    np.testing.assert_array_equal(label, LABEL)
    np.testing.assert_array_equal(by_row[M0], [LABEL + 1])
    np.testing.assert_array_equal(by_row[M1], [LABEL + 2, LABEL - 2])
    every = tables.EVERY_CLIP.make(rows, setup).set_index("method")
    assert every.loc[M1, "mae"] == 0 and every.loc[M1, "seeds"] == 2


def test_the_beat_to_beat_system_has_one_prediction(setup):
    rows = {"R(2+1)D": [made(LABEL)], "EchoNet-Dynamic": [made(prediction=LABEL + 3)]}
    _, by_row = scores.random_clip_predictions(rows, setup)
    np.testing.assert_array_equal(by_row["EchoNet-Dynamic"], [LABEL + 3])


@pytest.mark.parametrize(
    ("table", "titles"),
    [(tables.TABLE_1, SYSTEMS), (tables.TABLE_2, MODELS), (tables.TABLE_3, ATTENTION)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_printed_row_stands_beside_ours(table, titles, setup):
    assert list(table.rows(setup)) == list(titles.values())
    ours = table.make({title: [made(LABEL + 2)] for title in titles.values()}, setup).set_index("method")
    printed = published("tca", table.name).set_index("method")
    assert set(printed.index) <= set(titles)
    for row, numbers in printed.iterrows():
        assert ours.loc[titles[row], "mae_published"] == numbers["mae"]
        assert ours.loc[titles[row], "mae"] == pytest.approx(2) and "mae_difference" not in ours


def test_scores_by_hand(setup):
    row = scores.random_clip_scores({"a": [made(LABEL + 1), made(LABEL - 3)]}, setup).iloc[0]
    assert (row["mae"], row["rmse"], row["seeds"]) == (2, 2, 2)
    total = ((LABEL - LABEL.mean()) ** 2).sum()
    assert row["r2"] == pytest.approx(1 - (6 * 1 + 6 * 9) / 2 / total)


def test_variants_of_tca_bring_their_parameters(setup):
    rows = {"after stages 1 to 4": [made(LABEL, metrics={"parameters": 7})]}
    variants = tables.PLACES.make(rows, setup)
    assert variants[["TCA", "parameters"]].values.tolist() == [["after stages 1 to 4", 7]]
    assert "after every block" in tables.PLACES.rows(Setup(PROFILES["gpu"], setup.folders))


def test_claims_compare_a_row_with_the_one_before(setup):
    errors = dict(zip(MODELS.values(), (4, 3, 3, 1), strict=True))
    rows = {model: [made(LABEL + error), made(LABEL + error)] for model, error in errors.items()}
    claims = tables.CLAIMS.make(rows, setup)
    assert claims["difference"].tolist() == [-1, 0, -2, -3]
    assert claims["verdict"].tolist() == ["supported", "equivalent", "supported", "supported"]


@pytest.mark.parametrize("notebook", list(PAPER.notebooks))
def test_names_differ_and_claims_are_about_rows_that_are_there(notebook, setup):
    exhibits = PAPER.notebooks[notebook]
    assert len({exhibit.name for exhibit in exhibits}) == len(exhibits)
    for exhibit in exhibits:
        rows = exhibit.rows(setup)
        assert rows and all(rows.values())
        assert {row for claim in getattr(exhibit, "claims", ()) for row in (claim.better, claim.worse)} <= set(rows)


def test_quality_of_pseudo_labels_is_described(setup):
    dice = pd.DataFrame({"dice_ed": [0.8, 1.0], "dice_es": [0.6, 0.8], "alpha": [0.7, 0.9]})
    quality = tables.PSEUDO_LABELS.make({"pseudo-labels": [SimpleNamespace(predictions=dice)]}, setup)
    assert quality.loc["mean"].tolist() == pytest.approx([0.9, 0.7, 0.8])
    assert quality.index.name == "over training videos" and quality.loc["min", "alpha"] == 0.7


def test_noise_by_hand(setup, monkeypatch):
    """Every table and claim rests on the same predictions, which are made once."""
    errors = {M0: (1, 7), M3: (2, -4)}
    rows = {model: [made(errors=errors[model])] for model in errors}
    calls = []

    def under_noise(results, context, shares):
        calls.append(results)
        clean, noisy = results[0].errors
        return {share: LABEL[None] + (noisy if share == 0.5 else clean) for share in shares}

    monkeypatch.setattr(scores, "under_noise", under_noise)
    noise = robustness_tables.NOISE_SCORES.make(rows, setup)
    assert noise["method"].tolist() == [M0] * 6 + [M3] * 6  # one curve after the other, not printed points first
    noise = noise.set_index(["method", "noise"])
    assert noise.loc[[(M0, 0.0), (M0, 0.5), (M3, 0.0), (M3, 0.5)], "mae"].tolist() == [1, 7, 2, 4]
    assert noise.loc[(M3, 0.5), "mae_published"] == 4.92 and np.isnan(noise.loc[(M0, 0.5), "mae_published"])
    added = robustness_tables.ROBUSTNESS.make(rows, setup)
    assert added.values.tolist() == [[M0, 6, 1], [M3, 2, 1]]
    claim = next(claim for claim in robustness_tables.CLAIMS_NOISE.claims if claim.better == M3)
    evidence = robustness_tables.CLAIMS_NOISE.evidence(rows, setup, claim)
    assert evidence.score(evidence.label, evidence.better).tolist() == [2]
    assert evidence.score(evidence.label, evidence.worse).tolist() == [6]
    assert claim.expected == "lower" and len(calls) == 2  # models


def activation(*inside: float) -> ActivationMaps:
    """Maps of one positive unit per video, of which a share lies in the ventricle, the first half of the image."""
    maps = np.zeros((len(inside), 4, 4))
    maps[:, 0, 0], maps[:, 3, 3] = inside, 1 - np.array(inside)
    maps[:, 2] = -1.0  # what speaks against the interval does not count
    ventricle = np.zeros((len(inside), 4, 4), bool)
    ventricle[:, :2] = True
    return ActivationMaps(np.array(NAMES[: len(inside)]), maps, maps, ventricle)


def test_shares_of_activation():
    maps = activation(0.75)
    assert maps.shares.tolist() == [0.75] and maps.areas.tolist() == [0.5]


def test_activation_is_compared_with_the_first_models(setup, monkeypatch):
    maps = {M1: activation(0.1, 0.3), M2: activation(0.1, 0.3), M3: activation(0.3, 0.5)}
    rows = {model: [made(model=model)] for model in maps}
    monkeypatch.setattr(scores, "activation_maps", lambda result, context: maps[result.model])
    shares = robustness_tables.ACTIVATION_SHARES.make(rows, setup).set_index("method")
    assert shares["inside"].tolist() == pytest.approx([0.2, 0.2, 0.4])
    assert shares["ventricle_of_image"].tolist() == [0.5] * 3 and shares["n"].tolist() == [2] * 3
    claims = robustness_tables.CLAIMS_ACTIVATION.make(rows, setup)
    assert claims["difference"].tolist() == pytest.approx([0, 0.2])
    assert set(claims["verdict"]) == {"not testable: one seed"} and claims["seeds"].tolist() == [1, 1]


def test_gates_that_follow_the_speed_are_seen_to():
    phase = np.linspace(0, 0.9, 10)
    heart = pd.DataFrame({"name": "a", "phase": phase, "speed": abs(np.sin(2 * np.pi * phase))})
    gates = pd.concat([heart.assign(stage="stage 1", excitation=heart["speed"] ** 2),
                       heart.assign(stage="stage 2", excitation=-heart["speed"])])  # fmt: skip
    table = scores.correlation_with_speed(gates).set_index("stage")
    assert table["correlation"].tolist() == pytest.approx([1, -1]) and table.loc["stage 1", "steps"] == 10
    still = scores.correlation_with_speed(gates.assign(excitation=0.0))
    assert still["correlation"].isna().all() and still["n"].tolist() == [0, 0]
