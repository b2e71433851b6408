"""Chen and Li's tables and analyses, from made predictions and a made model."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from echolib.data.loaders.clips import EFVideos
from echolib.papers import published
from echolib.papers.ef_scores import claims_table, scores_table
from echolib.papers.profiles import PROFILES
from echolib.papers.tca import experiments as tca
from echolib.papers.tca import features as features
from echolib.papers.tca import scores as tables

LABEL = np.array([30.0, 45.0, 50.0, 60.0, 65.0, 70.0])
NAMES = [f"v{k}" for k in range(6)]


def made(random_clips=None, prediction=None, order=None):
    table = pd.DataFrame({"name": NAMES, "label": LABEL})
    if random_clips is not None:
        table["random_clips"] = random_clips
    table["prediction"] = LABEL if prediction is None else prediction
    return SimpleNamespace(predictions=table if order is None else table.iloc[order].reset_index(drop=True))


def test_readings_follow_the_first_rows_order_of_videos():
    rows = {"m0": [made(LABEL + 1)], "m1": [made(LABEL + 2, order=[5, 3, 1, 0, 2, 4]), made(LABEL - 2)]}
    found = tables.readings(rows, tca.TABLE2)
    np.testing.assert_array_equal(found[tca.TABLE2["m0"]], [LABEL + 1])
    np.testing.assert_array_equal(found[tca.TABLE2["m1"]], [LABEL + 2, LABEL - 2])
    every = tables.readings(rows, tca.TABLE2, "prediction")
    np.testing.assert_array_equal(every[tca.TABLE2["m1"]], [LABEL, LABEL])


def test_the_beat_to_beat_system_has_one_reading():
    beats = made(prediction=LABEL + 3)
    found = tables.readings({"r2plus1d": [made(LABEL)], "echonet_dynamic": [beats]}, tca.TABLE1)
    np.testing.assert_array_equal(found["EchoNet-Dynamic"], [LABEL + 3])


@pytest.mark.parametrize("name", ["tca_table1", "tca_table2", "tca_table3"])
def test_every_printed_row_stands_beside_ours(name):
    words = tables.NAMES[name]
    methods = {each: LABEL[None] + 2 for each in words.values()}
    table = tables.table(LABEL, methods, name, data="phantom", resamples=20).set_index("method")
    printed = published(name).set_index("method")
    assert set(printed.index) <= set(words)
    for key, row in printed.iterrows():
        assert table.loc[words[key], "mae_published"] == row["mae"]
        assert table.loc[words[key], "mae_difference"] == pytest.approx(2 - row["mae"])


def test_scores_by_hand():
    table = scores_table(LABEL, {"a": np.stack([LABEL + 1, LABEL - 3])}, resamples=20).iloc[0]
    assert (table["mae"], table["rmse"], table["seeds"]) == (2, 2, 2)
    total = ((LABEL - LABEL.mean()) ** 2).sum()
    assert table["r2"] == pytest.approx(1 - (6 * 1 + 6 * 9) / 2 / total)


def test_claims_compare_a_row_with_the_one_before():
    methods = {words: LABEL[None] + error for words, error in zip(tca.TABLE2.values(), (4, 3, 3, 1), strict=True)}
    found = claims_table(LABEL, methods, tables.CLAIMS, resamples=50)
    assert found["difference"].tolist() == [-1, 0, -2, -3]
    assert found["verdict"].tolist() == ["supported", "not supported", "supported", "supported"]


def test_noise_and_robustness_by_hand():
    m0, m3 = tca.TABLE2["m0"], tca.TABLE2["m3"]
    curves = {m0: {0.0: LABEL[None] + 1, 0.5: LABEL[None] + 7}, m3: {0.0: LABEL[None] + 2, 0.5: LABEL[None] - 4}}
    noise = tables.noise_table(LABEL, curves, data="phantom", resamples=20).set_index(["method", "noise"])
    assert noise["mae"].tolist() == [1, 7, 2, 4]
    assert noise.loc[(m3, 0.5), "mae_published"] == 4.92 and np.isnan(noise.loc[(m0, 0.5), "mae_published"])
    robust = tables.robustness_table(LABEL, curves, resamples=50).set_index("method")
    assert robust["added"].tolist() == [6, 2]
    assert robust.loc[m3, ["difference", "verdict"]].tolist() == [-4, "supported"]
    assert robust["claim"].notna().tolist() == [False, True]


def test_shares_of_activation():
    maps = object.__new__(features.Activations)
    maps.names, maps.ventricle = np.array(["a"]), np.zeros((1, 4, 4), bool)
    maps.ventricle[0, :2] = True
    maps.maps = np.full((1, 4, 4), -1.0)  # what speaks against the interval does not count
    maps.maps[0, 0, 0], maps.maps[0, 3, 3] = 3.0, 1.0
    assert maps.shares.tolist() == [0.75] and maps.areas.tolist() == [0.5]


def test_activation_is_compared_with_the_first_models():
    share = SimpleNamespace(names=["a", "b"], areas=np.array([0.2, 0.3]))
    maps = {words: SimpleNamespace(**vars(share), shares=np.array(each)) for words, each in
            (("M1", [0.1, 0.3]), ("M2", [0.1, 0.3]), ("M3", [0.3, 0.5]))}  # fmt: skip
    table = tables.activation_table(maps, resamples=50).set_index("method")
    assert table["inside"].tolist() == pytest.approx([0.2, 0.2, 0.4])
    assert table.loc["M3", "difference"] == pytest.approx(0.2) and table.loc["M3", "verdict"] == "supported"
    assert table.loc["M2", "verdict"] == "not supported" and pd.isna(table.loc["M1", "verdict"])


def test_degraded_videos_lose_the_share_of_pixels_and_nothing_else(phantom, phantom_cache):
    experiment = tca.ablation_experiments(PROFILES["smoke"], phantom / "EchoNet-Dynamic")["m0"][0]
    data = EFVideos.load(experiment.data[0].open(phantom_cache), 32, torch.device("cpu"))
    test, clean = data.of_split["test"], features.degraded(data, 0.0)
    starts = torch.zeros(len(test), dtype=torch.long)
    torch.testing.assert_close(clean.clips(clean.of_split["test"], starts, 4, 2), data.clips(test, starts, 4, 2))
    torch.testing.assert_close(clean.ef, data.ef[test])
    noisy = features.degraded(data, 0.3).frames.pixels
    kept = noisy == clean.frames.pixels
    assert bool((noisy[~kept] == 0).all())
    bright = clean.frames.pixels > 0
    assert float((~kept)[bright].float().mean()) == pytest.approx(0.3, abs=0.01)
    assert torch.equal(noisy, features.degraded(data, 0.3).frames.pixels)  # the same for every model


def test_gates_that_follow_the_speed_are_seen_to():
    phase = np.linspace(0, 0.9, 10)
    heart = pd.DataFrame({"name": "a", "phase": phase, "speed": abs(np.sin(2 * np.pi * phase))})
    gates = pd.concat([heart.assign(place="stage 1", excitation=heart["speed"] ** 2),
                       heart.assign(place="stage 2", excitation=-heart["speed"])])  # fmt: skip
    table = features.gate_table(gates).set_index("place")
    assert table["correlation"].tolist() == pytest.approx([1, -1]) and table.loc["stage 1", "steps"] == 10


def test_deep_gates_are_held_against_the_middle_of_their_frames():
    heart = pd.DataFrame({"name": ["a"] * 8 + ["b"] * 8, "step": list(range(8)) * 2, "phase": 0.0, "speed": range(16)})
    found = features._at_frames(np.array([[1.0, 2.0], [3.0, 4.0]]), heart, 8)
    assert found["speed"].tolist() == [2, 6, 10, 14] and found["excitation"].tolist() == [1, 2, 3, 4]
