"""Chen and Li's tables and claims, from made predictions."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from echolib.folders import DataFolders
from echolib.papers.exhibits import ClaimsTable, Setup
from echolib.papers.profiles import PROFILES
from echolib.papers.published import published
from echolib.papers.tca import claims, robustness_tables, scores, tables
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
    tested = claims.PARTS.make(rows, setup)
    assert tested["difference"].tolist() == [-1, 0, -2]
    assert tested["verdict"].tolist() == ["supported", "equivalent", "supported"]
    assert tested["printed"].tolist() == pytest.approx(printed_steps("table_2", "m0", "m1", "m2", "m3"))


def printed_steps(table, *rows):
    """Differences of the printed MAE from each row to the next."""
    return list(np.diff(published("tca", table).set_index("method").loc[list(rows), "mae"]))


def test_a_model_that_did_not_learn_decides_nothing(setup):
    """Off by 12 points of labels with an SD of 13.4: R2 is 0.20."""
    errors = dict(zip(MODELS.values(), (4, 3, 12, 1), strict=True))
    rows = {model: [made(LABEL + error), made(LABEL + error)] for model, error in errors.items()}
    verdicts = claims.PARTS.make(rows, setup)["verdict"].tolist()
    unlearnt = f"not testable: {M2} did not learn (R² 0.20)"
    assert verdicts == ["supported", unlearnt, unlearnt]


def test_systems_and_attention_are_one_claim_each(setup):
    systems = {title: [made(LABEL + 3), made(LABEL + 3)] for title in SYSTEMS.values()} | {"M3": [made(LABEL + 1)] * 2}
    (claim,) = claims.AGAINST_SYSTEMS.make(systems, setup).to_dict("records")
    assert (claim["parts"], claim["verdict"], claim["difference"]) == ("4 of 4", "supported", -2)
    kinds = {title: [made(LABEL + 2), made(LABEL + 2)] for title in ATTENTION.values()}
    (claim,) = claims.AGAINST_ATTENTION.make(kinds, setup).to_dict("records")
    assert (claim["parts"], claim["verdict"]) == ("2 of 2", "equivalent")
    parts = claims.AGAINST_ATTENTION_IN_PARTS.make(kinds, setup)
    assert parts["condition"].tolist() == ["against SE", "against ME"]


@pytest.mark.parametrize("notebook", list(PAPER.notebooks))
def test_names_differ_and_claims_are_about_rows_that_are_there(notebook, setup):
    exhibits = PAPER.notebooks[notebook]
    assert len({exhibit.name for exhibit in exhibits}) == len(exhibits)
    for exhibit in exhibits:
        rows = exhibit.rows(setup)
        assert rows and all(rows.values())
        if isinstance(exhibit, ClaimsTable):
            parts = [part for claim in exhibit.claims(setup) for part in claim.parts]
            assert parts and {row for part in parts for row in (part.better, part.worse)} <= set(rows)


def test_the_story_is_what_each_part_adds_up_to_tca(setup):
    """M3 takes the masks of another network; the notebook on robustness tells no part of the story."""
    demo = Setup(PROFILES["demo"], setup.folders)
    assert list(tables.TABLE_2.rows_of(demo)) == [M0, M1, M2] and tables.TABLE_2.left_out(demo) == [M3]
    made_here = {exhibit.name for exhibit in PAPER.notebooks["30_tca_ablation"] if exhibit.is_made(demo)}
    assert made_here == {"table_2", "claims", "every_clip"}
    assert not any(exhibit.is_made(demo) for exhibit in PAPER.notebooks["31_tca_robustness"])
    assert f"In the larger profiles: {M3}. Trained with AdamW" in tables.TABLE_2.caption_for(demo)
    assert "64 px" in tables.TABLE_2.caption_for(demo)  # of these clips, not of the profile's
    rows = {model: [made(LABEL + 1), made(LABEL + 1)] for model in (M0, M1, M2)}
    table = tables.TABLE_2.make(rows, demo).set_index("method")
    assert table.loc[M3, "data"] == "in full" and np.isnan(table.loc[M3, "mae"])
    assert table.loc[M2, ["data", "learnt"]].tolist() == ["phantom", "yes"]
    assert claims.PARTS.make(rows, demo)["verdict"].tolist() == ["equivalent"] * 2 + ["not testable: in full"]


def test_every_model_of_table_2_reads_the_clips_of_its_own_sizes(setup):
    demo = Setup(PROFILES["demo"], setup.folders)
    sizes = demo.profile.attention
    for of_row in tables.TABLE_2.rows(demo).values():
        assert [experiment.seed for experiment in of_row] == [0, 1, 2]
        for experiment in of_row:
            task = experiment.task
            assert (task.clip_size, task.clip_length, task.width) == (sizes.size, sizes.length, sizes.width)
            assert experiment.schedule.epochs == sizes.epochs


def test_quality_of_pseudo_labels_is_described(setup):
    dice = pd.DataFrame({"dice_ed": [0.8, 1.0], "dice_es": [0.6, 0.8], "alpha": [0.7, 0.9]})
    quality = tables.PSEUDO_LABELS.make({"pseudo-labels": [SimpleNamespace(predictions=dice)]}, setup)
    assert quality.loc["mean"].tolist() == pytest.approx([0.9, 0.7, 0.8])
    assert quality.index.name == "over training videos" and quality.loc["min", "alpha"] == 0.7


def test_noise_by_hand(setup, monkeypatch):
    """Every table and claim rests on the same predictions, which are made once."""
    errors = {M0: (1, 7), M3: (2, -4)}
    rows = {model: [made(LABEL, errors=errors[model])] for model in errors}
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
    ((claim,),) = [claims.UNDER_NOISE.claims(setup)]
    evidence = claims.UNDER_NOISE.evidence(rows, setup, claim, claim.parts[0])
    assert evidence.score(evidence.label, evidence.better).tolist() == [2]
    assert evidence.score(evidence.label, evidence.worse).tolist() == [6]
    assert claim.expected == "lower" and len(calls) == 2  # models


def test_noise_tells_nothing_of_a_model_that_did_not_learn(setup, monkeypatch):
    """What counts is the clean prediction, not what noise adds to its error."""
    rows = {M0: [made(LABEL + 14)], M3: [made(LABEL)]}
    monkeypatch.setattr(
        scores, "under_noise", lambda results, context, shares: {share: LABEL[None] for share in shares}
    )
    (claim,) = claims.UNDER_NOISE.make(rows, setup).to_dict("records")
    assert claim["verdict"].startswith(f"not testable: {M0} did not learn")


def activation(*inside: float, cells: tuple[int, int] = (4, 4)) -> ActivationMaps:
    """Maps of one positive unit per video, of which a share lies in the ventricle, the first half of the image."""
    maps = np.zeros((len(inside), 4, 4))
    maps[:, 0, 0], maps[:, 3, 3] = inside, 1 - np.array(inside)
    maps[:, 2] = -1.0  # what speaks against the interval does not count
    ventricle = np.zeros((len(inside), 4, 4), bool)
    ventricle[:, :2] = True
    return ActivationMaps(np.array(NAMES[: len(inside)]), maps, maps, ventricle, cells)


def test_shares_of_activation():
    maps = activation(0.75)
    assert maps.shares.tolist() == [0.75] and maps.areas.tolist() == [0.5]


def with_maps(monkeypatch, maps):
    """Rows of two seeds, each with activation maps of its own: model -> (first seed's, second seed's)."""
    rows = {model: [made(LABEL, maps=of_seed) for of_seed in of_model] for model, of_model in maps.items()}
    monkeypatch.setattr(scores, "activation_maps", lambda result, context: result.maps)
    return rows


def test_activation_of_every_seed_is_compared_with_the_first_model(setup, monkeypatch):
    maps = {
        M1: (activation(0.1, 0.3), activation(0.2, 0.4)),
        M2: (activation(0.1, 0.3), activation(0.1, 0.3)),
        M3: (activation(0.3, 0.5), activation(0.4, 0.6)),
    }
    rows = with_maps(monkeypatch, maps)
    shares = robustness_tables.ACTIVATION_SHARES.make(rows, setup).set_index("method")
    assert shares["inside"].tolist() == pytest.approx([0.25, 0.2, 0.45])
    assert shares["ventricle_of_image"].tolist() == [0.5] * 3 and shares["n"].tolist() == [2] * 3
    assert shares["seeds"].tolist() == [2] * 3 and shares["fine_enough"].tolist() == ["yes"] * 3
    (claim,) = claims.OF_ACTIVATION.make(rows, setup).to_dict("records")
    assert claim["difference"] == pytest.approx(0.2) and claim["verdict"] == "supported"
    assert (claim["seeds"], claim["n"], claim["condition"]) == (2, 2, "against M1")
    one_seed = {model: of_model[:1] for model, of_model in rows.items()}
    assert claims.OF_ACTIVATION.make(one_seed, setup)["verdict"].tolist() == ["not testable: one seed"]


def test_a_map_of_2_x_2_cells_decides_nothing(setup, monkeypatch):
    """S-TCA's map at 32 px: too coarse to say where a network looks."""
    coarse = tuple(activation(0.3, 0.5, cells=(2, 2)) for _ in range(2))
    rows = with_maps(monkeypatch, {M1: (activation(0.1, 0.3),) * 2, M2: (activation(0.1, 0.3),) * 2, M3: coarse})
    shares = robustness_tables.ACTIVATION_SHARES.make(rows, setup).set_index("method")["fine_enough"]
    assert shares.to_dict() == {M1: "yes", M2: "yes", M3: "no: an activation map of 2 x 2 cells"}
    verdict = f"not testable: {M3} did not learn (an activation map of 2 x 2 cells)"
    assert claims.OF_ACTIVATION.make(rows, setup)["verdict"].tolist() == [verdict]


def test_activation_of_a_model_that_does_not_read_ef_decides_nothing(setup, monkeypatch):
    rows = with_maps(monkeypatch, {model: (activation(0.1, 0.3),) * 2 for model in (M1, M2, M3)})
    rows[M1] = [made(LABEL + 14, maps=result.maps) for result in rows[M1]]
    (verdict,) = claims.OF_ACTIVATION.make(rows, setup)["verdict"]
    assert verdict.startswith(f"not testable: {M1} did not learn (R² ")


def test_gates_that_follow_the_speed_are_seen_to():
    phase = np.linspace(0, 0.9, 10)
    heart = pd.DataFrame({"name": "a", "phase": phase, "speed": abs(np.sin(2 * np.pi * phase))})
    gates = pd.concat([heart.assign(stage="stage 1", excitation=heart["speed"] ** 2),
                       heart.assign(stage="stage 2", excitation=-heart["speed"])])  # fmt: skip
    table = scores.correlation_with_speed(gates).set_index("stage")
    assert table["correlation"].tolist() == pytest.approx([1, -1]) and table.loc["stage 1", "steps"] == 10
    still = scores.correlation_with_speed(gates.assign(excitation=0.0))
    assert still["correlation"].isna().all() and still["n"].tolist() == [0, 0]
