"""The other EF systems on a small phantom: their clips, what their losses add up to, and tables of their own."""

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from echolib.data.sampling import random_starts
from echolib.engine import execution
from echolib.engine.execution import trained_model
from echolib.engine.experiment import cost
from echolib.losses import gaussian_nll
from echolib.papers.ef_systems import experiments as ef_systems
from echolib.papers.profiles import PROFILES
from echolib.tasks.uvt_ef import nearest, phase_of
from tests.tasks.opened import opened

SMOKE = PROFILES["smoke"]
RUNS = [
    ("bayesian", "own"),
    *((system, each) for system in ("uvt", "echognn", "echocotr") for each in ("own", "common")),
]


@pytest.fixture(autouse=True)
def one_thread():
    """On clips this small a second thread costs more than it gives."""
    torch.set_num_threads(1)


def made(folder, system, protocol="own"):
    (experiment,) = ef_systems.system_experiments(SMOKE, folder, system, protocol)
    return experiment


def loss_of(experiment, model, batch) -> torch.Tensor:
    torch.manual_seed(7)  # dropout
    return experiment.task.loss(model, batch)


@pytest.mark.parametrize(("system", "protocol"), RUNS)
def test_every_system_trains_and_predicts(system, protocol, folder, context):
    experiment = made(folder, system, protocol)
    result = execution.run(experiment, context)
    table = result.predictions
    assert np.isfinite(result.metrics["mae"]) and table["prediction"].notna().all()
    assert result.metrics["parameters"] == cost(experiment).parameters and cost(experiment).gflop_per_item > 0
    assert {"name", "label", "one_clip", "prediction", "clips"} <= set(table) and len(result.table("validation"))
    model, data = trained_model(result, context)
    with torch.no_grad():
        videos = data.of_split["test"]
        again = experiment.task.predict_clips(model, data, videos, experiment.task.middle(data, videos))
    by_name = table.set_index("name")["one_clip"].loc[data.videos["name"].iloc[videos.tolist()]]
    np.testing.assert_allclose(by_name, again, rtol=1e-4)


def test_echognns_loss(folder, context):
    experiment = made(folder, "echognn")
    _, model, (clips, _) = opened(experiment, context)
    ef = torch.tensor([29.9, 30.0, 54.9, 55.0])
    torch.manual_seed(7)
    graph = model(clips)
    classes = torch.tensor([0, 1, 2, 3])
    expected = (graph.ef - ef).abs().mean() / 100 + 0.001 * F.cross_entropy(graph.classes, classes)
    torch.testing.assert_close(loss_of(experiment, model, (clips, ef)), expected)


def test_frame_weights_are_those_of_the_middle_clips(folder, context):
    experiment = made(folder, "echognn")
    task, result = experiment.task, execution.run(experiment, context)
    table = result.table("frame_weights")
    model, data = trained_model(result, context)
    test = data.of_split["test"]
    names = data.videos["name"].iloc[test.tolist()].tolist()
    assert list(table) == ["name", "start", "frame", "weight"] and set(table["name"]) == set(names)
    with torch.no_grad():
        weights = model(task.clips(data, test, task.middle(data, test))).nodes
    for name, video, start, weight in zip(names, test, task.middle(data, test), weights, strict=True):
        rows = table[table["name"] == name]
        frames = int(start) + np.arange(task.clip_length) * task.clip_period
        kept = frames < int(data.frames.counts[video])
        np.testing.assert_array_equal(rows["frame"], frames[kept])
        assert (rows["start"] == int(start)).all()
        np.testing.assert_allclose(rows["weight"], weight[kept], rtol=1e-4)
        assert rows["weight"].between(0, 1).all()


def test_frames_past_the_end_of_a_short_video_have_no_weight(folder, context):
    experiment = made(folder, "echognn")
    data, model, _ = opened(experiment, context)
    longest = int(data.frames.counts.max())
    task = experiment.task.model_copy(update={"clip_period": longest // (experiment.task.clip_length - 1)})
    with torch.no_grad():
        table = task._frame_weights(model.eval(), data)
    counts = dict(zip(data.videos["name"], data.frames.counts.tolist(), strict=True))
    assert (table["frame"] < table["name"].map(counts)).all()
    assert table.groupby("name").size().min() < task.clip_length


def test_echocotr_learns_by_squared_error(folder, context):
    experiment = made(folder, "echocotr")
    _, model, (clips, ef) = opened(experiment, context)
    torch.manual_seed(7)
    expected = ((model(clips).squeeze(1) - ef) ** 2).mean()
    torch.testing.assert_close(loss_of(experiment, model, (clips, ef)), expected)


def test_uvt_knows_the_traced_frames(folder, context):
    experiment = made(folder, "uvt")
    data, _, _ = opened(experiment, context)
    tracings = experiment.data[0].open(context.cache).tables["tracings"]
    for row, name in enumerate(data.videos["name"]):
        of_video = tracings[tracings["video"] == name].set_index("phase")
        assert (int(data.ed[row]), int(data.es[row])) == (of_video.loc["ED", "frame"], of_video.loc["ES", "frame"])
        assert of_video.loc["ED", "area_px"] > of_video.loc["ES", "area_px"]


def test_uvts_mirrored_clips_stay_between_the_traced_frames(folder, context):
    """Their frames and phases, read back from the pixels."""
    experiment = made(folder, "uvt")
    task = experiment.task.model_copy(update={"clip_length": 16})
    data, _, _ = opened(experiment, context)
    clips, ef, phase = task.draw(data, torch.arange(6), torch.Generator().manual_seed(0))
    videos = data.of_split["train"][:6]
    torch.testing.assert_close(ef, data.ef[videos])
    assert clips.shape == (6, 3, 16, 32, 32) and not bool(phase.isnan().any())
    for clip, of_clip, video in zip(clips, phase, videos, strict=True):
        ed, es = int(data.ed[video]), int(data.es[video])
        between = torch.arange(min(ed, es), max(ed, es) + 1).unsqueeze(0)
        frames = data.frames_at(video.unsqueeze(0), between)[0].transpose(0, 1).flatten(1)
        index = between[0, torch.cdist(clip.transpose(0, 1).flatten(1), frames).argmin(1)]
        line = 2 * (index - es) / (ed - es) - 1
        torch.testing.assert_close(of_clip, line**3)
        assert len(index.unique()) > 3


def test_uvts_windows_know_the_phase_of_traced_frames_alone(folder, context):
    task = made(folder, "uvt", "common").task
    data, _, (clips, _, phase) = opened(made(folder, "uvt", "common"), context)
    videos = data.of_split["train"][:4]
    assert clips.shape[2] == phase.shape[1] == task.clip_length
    counts = data.frames.counts[videos]
    starts = random_starts(counts, task.clip_length, task.clip_period, torch.Generator().manual_seed(0))
    index = starts.unsqueeze(1) + torch.arange(task.clip_length) * task.clip_period
    ends = torch.stack([data.ed[videos], data.es[videos]], 1)
    inside = (index >= ends.amin(1, keepdim=True)) & (index <= ends.amax(1, keepdim=True))
    assert torch.equal(~phase.isnan(), inside)


def test_phase_to_learn():
    frames = torch.tensor([9, 10, 15, 20, 21])
    ed_first = phase_of(frames, torch.tensor(10), torch.tensor(20))
    torch.testing.assert_close(ed_first, torch.tensor([torch.nan, 1.0, 0.0, -1.0, torch.nan]), equal_nan=True)
    es_first = phase_of(frames, torch.tensor(20), torch.tensor(10))
    torch.testing.assert_close(es_first, -ed_first, equal_nan=True)


def test_uvts_loss_leaves_unknown_phases_out(folder, context):
    experiment = made(folder, "uvt", "common")
    _, model, (clips, ef, _) = opened(experiment, context)
    phase = torch.tensor([[1.0, 0.5, torch.nan, torch.nan]] * 4)
    torch.manual_seed(7)
    cycle = model(clips)
    of_ef = 5 * ((cycle.ef - ef) ** 2).mean() / 100**2
    expected = ((cycle.phase[:, :2] - torch.tensor([1.0, 0.5])) ** 2).mean() + of_ef
    torch.testing.assert_close(loss_of(experiment, model, (clips, ef, phase)), expected)
    torch.testing.assert_close(loss_of(experiment, model, (clips, ef, torch.full((4, 4), torch.nan))), of_ef)


def test_key_frames_lie_in_their_videos(folder, context):
    result = execution.run(made(folder, "uvt"), context)
    _, data = trained_model(result, context)
    table = result.table("key_frames").set_index("name")
    test = data.of_split["test"].tolist()
    names = data.videos["name"].iloc[test].tolist()
    assert table.index.tolist() == names
    assert table["ed_frame"].tolist() == data.ed[test].tolist() and table["es_frame"].tolist() == data.es[test].tolist()
    for column in ("predicted_ed", "predicted_es"):
        assert (table[column].to_numpy() < data.frames.counts[test].numpy()).all() and (table[column] >= 0).all()


def test_the_nearest_of_several_beats_is_taken():
    assert nearest(np.array([3, 40, 77]), 60, otherwise=5) == 77
    assert nearest(np.array([], dtype=int), 60, otherwise=5) == 5


def test_the_bayesian_network_learns_by_likelihood(folder, context):
    experiment = made(folder, "bayesian")
    _, model, (clips, ef) = opened(experiment, context)
    torch.manual_seed(7)
    mean, log_variance = model(clips)
    torch.testing.assert_close(loss_of(experiment, model, (clips, ef)), gaussian_nll(mean, log_variance, ef))


def test_uncertainty_of_videos_and_clips(folder, context):
    experiment = made(folder, "bayesian")
    result = execution.run(experiment, context)
    model, data = trained_model(result, context)
    state = torch.get_rng_state()
    with torch.no_grad():
        first, again = (experiment.task.predict(model, data) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, again[name])
        pd.testing.assert_frame_equal(table, result.table(name), check_exact=False, rtol=1e-4)
        assert (table[["epistemic_sd", "aleatoric_sd"]] > 0).all(axis=None)
    clips, videos = first["clips"], first["predictions"].set_index("name")
    for column in ("epistemic_sd", "aleatoric_sd"):
        by_video = (clips[column] ** 2).groupby(clips["name"]).mean() ** 0.5
        np.testing.assert_allclose(videos[column], by_video.loc[videos.index], rtol=1e-6)
    task = experiment.task.model_copy(update={"dropout": 0.0, "samples": 2})
    sure, _ = task.build(data, {})
    with torch.no_grad():
        table = task.predict(sure.eval(), data)["predictions"]
    np.testing.assert_allclose(table["epistemic_sd"], 0, atol=1e-3)
