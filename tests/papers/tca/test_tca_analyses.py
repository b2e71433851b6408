"""Noise, activation maps and gates of small trained models, on a phantom."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from echolib.data.loaders.clips import EFVideos
from echolib.engine import execution
from echolib.engine.execution import trained_model
from echolib.engine.experiment import RunContext
from echolib.folders import DataFolders
from echolib.papers.exhibits import Results, Setup
from echolib.papers.profiles import PROFILES
from echolib.papers.tca import robustness_tables as tables
from echolib.papers.tca.activation import activation_maps, class_activation_maps
from echolib.papers.tca.experiments import MODELS, NOISE, ablation_experiments
from echolib.papers.tca.gates import _at_frames, _cycle_in_clips
from echolib.papers.tca.noise import degraded, noisy_frames
from echolib.papers.tca.scores import gates_in_cycle, noisy_predictions
from echolib.papers.true_cycle import true_cycle

SMOKE = PROFILES["smoke"]


@pytest.fixture(scope="module")
def setup(phantom, phantom_cache, tmp_path_factory) -> Setup:
    """The smoke profile on the phantom."""
    context = RunContext(tmp_path_factory.mktemp("runs"), phantom_cache, torch.device("cpu"))
    return Setup(SMOKE, DataFolders({}, phantom), context=context)


@pytest.fixture(scope="module")
def results(setup) -> Results:
    """M1 and M2, trained; M3 asks for masks besides."""
    rows = ablation_experiments(SMOKE, setup.folder("echonet_dynamic"))
    return {MODELS[row]: [execution.run(rows[row][0], setup.context)] for row in ("m1", "m2")}


def test_degraded_videos_lose_the_share_of_pixels_and_nothing_else(setup):
    experiment = ablation_experiments(SMOKE, setup.folder("echonet_dynamic"))["m0"][0]
    data = EFVideos.load(experiment.data[0].open(setup.context.cache), 32, torch.device("cpu"))
    test, clean = data.of_split["test"], degraded(data, 0.0)
    starts = torch.zeros(len(test), dtype=torch.long)
    torch.testing.assert_close(clean.clips(clean.of_split["test"], starts, 4, 2), data.clips(test, starts, 4, 2))
    torch.testing.assert_close(clean.ef, data.ef[test])
    noisy = degraded(data, 0.3).frames.pixels
    kept = noisy == clean.frames.pixels
    assert bool((noisy[~kept] == 0).all())
    bright = clean.frames.pixels > 0
    assert float((~kept)[bright].float().mean()) == pytest.approx(0.3, abs=0.01)
    assert torch.equal(noisy, degraded(data, 0.3).frames.pixels)  # the same for every model


def test_without_noise_a_model_predicts_as_before(setup, results):
    label, predictions = setup.once(noisy_predictions, results)
    for model, (result,) in results.items():
        assert list(predictions[model]) == list(NOISE)
        np.testing.assert_array_equal(label, result.predictions["label"])
        np.testing.assert_allclose(predictions[model][0.0][0], result.predictions["random_clips"], rtol=1e-5)
        assert abs(predictions[model][0.5] - predictions[model][0.0]).max() > 0
    clean, *_, noisiest = noisy_frames(results[MODELS["m1"]][0], setup.context, NOISE)
    assert clean.dtype == np.uint8 and (noisiest == 0).mean() > (clean == 0).mean()


def test_maps_lie_over_the_traced_diastoles(setup, results):
    (result,) = results[MODELS["m2"]]
    maps = activation_maps(result, setup.context)
    assert maps.names.tolist() == result.predictions["name"].tolist()
    assert maps.cells == (2, 2)  # 32 px at a stride of 16
    assert maps.maps.shape == maps.frames.shape == maps.ventricle.shape == (len(maps.names), 32, 32)
    assert ((maps.areas > 0) & (maps.areas < 0.5)).all() and ((maps.shares >= 0) & (maps.shares <= 1)).all()
    (selection,) = result.experiment.data
    dataset = selection.open(setup.context.cache)
    tracings = dataset.tables["tracings"].query("phase == 'ED'").set_index("video")
    data = EFVideos.load(dataset, 32, torch.device("cpu"))
    videos, traced = data.of_split["test"], torch.tensor(tracings.loc[maps.names, "frame"].to_numpy())
    task = result.experiment.task
    last = data.frames.counts[videos] - (task.clip_length - 1) * task.clip_period - 1
    clips = data.clips(videos, traced.minimum(last), task.clip_length, task.clip_period)
    frames = torch.from_numpy(maps.frames).float()
    assert np.corrcoef(clips[:, 0, 0].flatten(), frames.flatten())[0, 1] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("row", ["m1", "m2", "m3"])
def test_maps_add_up_to_the_score_of_the_chosen_interval(setup, row):
    """Of a network with random weights, M3's with its other pooling."""
    experiment = ablation_experiments(SMOKE, setup.folder("echonet_dynamic"))[row][0]
    data = EFVideos.load(experiment.data[0].open(setup.context.cache), 32, torch.device("cpu"))
    torch.manual_seed(0)
    task, videos = experiment.task, data.of_split["test"]
    model = task.make_network().eval()
    starts = task.middle(data, videos)
    maps = class_activation_maps(model, task, data, videos, starts)
    with torch.no_grad():
        score, interval = model(task.clips(data, videos, starts)).scores.max(1)
    bias = model.fc.classify.bias[interval].detach()  # to which no part of the image contributes
    torch.testing.assert_close(maps.mean((1, 2)), score - bias, rtol=1e-3, atol=1e-5)


def test_gates_are_those_of_the_trained_network(setup, results):
    (result,) = results[MODELS["m2"]]
    gates = setup.once(gates_in_cycle, {MODELS["m2"]: [result]})
    assert gates["stage"].unique().tolist() == [f"stage {number}" for number in (1, 2, 3, 4)]
    assert gates["phase"].between(0, 1).all()
    model, data = trained_model(result, setup.context)
    task, videos = result.experiment.task, data.of_split["test"]
    clips = data.clips(videos, task.middle(data, videos), task.clip_length, task.clip_period)
    block, attention = model.layer1
    with torch.no_grad():
        excitation = abs(attention.gate(block(model.stem(clips))) - 0.5).mean(1)
    first = gates[gates["stage"] == "stage 1"]
    assert first["name"].tolist() == np.repeat(result.predictions["name"], task.clip_length).tolist()
    np.testing.assert_allclose(first["excitation"], excitation.numpy().ravel(), rtol=1e-4, atol=1e-6)


def test_what_the_notebook_shows_of_trained_models(setup, results):
    m2 = {MODELS["m2"]: results[MODELS["m2"]]}
    for figure, rows in (
        (tables.NOISE_CURVES, results),
        (tables.ACTIVATION_MAPS, results),
        (tables.GATES_OVER_CYCLE, m2),
    ):
        drawing = figure.draw(rows, setup)
        assert drawing.axes
        plt.close(drawing)
    assert tables.GATES.make(m2, setup)["stage"].tolist() == [f"stage {number}" for number in (1, 2, 3, 4)]
    assert tables.ACTIVATION_SHARES.make(results, setup)["method"].tolist() == list(results)


def test_each_step_of_a_clip_has_its_moment_of_the_cycle(setup):
    cycle = true_cycle(setup)
    name = cycle["name"].iloc[0]
    video = cycle[cycle["name"] == name].reset_index(drop=True)
    in_clip = _cycle_in_clips(cycle, np.array([name]), np.array([3]), length=4, period=2)
    assert in_clip["phase"].tolist() == video["phase"].iloc[[3, 5, 7, 9]].tolist()
    assert in_clip["speed"].tolist() == video["speed"].iloc[[3, 5, 7, 9]].tolist()
    late = _cycle_in_clips(cycle, np.array([name]), np.array([len(video) - 2]), length=3, period=1)
    assert late["phase"].tolist() == video["phase"].iloc[[-2, -1, -1]].tolist()  # the last frame, repeated


def test_deep_gates_are_held_against_the_middle_of_their_frames():
    in_clips = pd.DataFrame(
        {"name": ["a"] * 8 + ["b"] * 8, "step": list(range(8)) * 2, "phase": 0.0, "speed": range(16)}
    )
    beside = _at_frames(np.array([[1.0, 2.0], [3.0, 4.0]]), in_clips, 8)
    assert beside["speed"].tolist() == [2, 6, 10, 14] and beside["excitation"].tolist() == [1, 2, 3, 4]
