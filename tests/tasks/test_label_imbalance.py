"""The remedies for imbalance on a small phantom: what their batches hold, and what their losses add up to."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from echolib.engine import execution
from echolib.engine.execution import trained_model
from echolib.losses.inverse_frequency import frequency_weights
from echolib.papers.echomen import experiments as echomen
from echolib.papers.profiles import PROFILES
from tests.tasks.opened import opened

SMOKE = PROFILES["smoke"]


def test_weighted_videos(folder, context):
    (experiment,) = echomen.rival_experiments(SMOKE, folder, "sqinv")
    data, model, (clips, ef, weight) = opened(experiment, context)
    train = data.of_split["train"]
    torch.testing.assert_close(data.weight[train], frequency_weights(data.ef[train]))
    assert float(data.weight[data.of_split["test"]].abs().sum()) == 0
    expected = (weight * (model(clips).squeeze(1) - ef) ** 2).mean()
    torch.testing.assert_close(experiment.task.loss(model, (clips, ef, weight)), expected)


def test_feature_smoothing_sees_every_training_video_once_an_epoch(folder, context):
    (experiment,) = echomen.rival_experiments(SMOKE, folder, "dir")
    data, model, _ = opened(experiment, context)
    data = replace(data, ef=50 + data.ef.round() % 3)  # neighbouring bins of several videos: one alone has no variance
    videos = torch.arange(len(data.of_split["train"]))
    batch = experiment.task.batch(data, videos, torch.Generator().manual_seed(0))
    plain = experiment.task.loss(model, batch)
    with torch.no_grad():
        experiment.task.after_epoch(model.eval(), data)
    statistics = model.train().auxiliary
    assert int(statistics.updates) == 1
    bins = data.ef[data.of_split["train"]].floor().long()
    assert statistics.seen.nonzero().flatten().tolist() == bins.unique().tolist()
    assert not torch.equal(experiment.task.loss(model, batch), plain)


@pytest.mark.parametrize("method", [key for key in echomen.METHODS if key != "echomen"])
def test_every_rival_trains_and_predicts(method, folder, context):
    (experiment,) = echomen.rival_experiments(SMOKE, folder, method)
    result = execution.run(experiment, context)
    assert np.isfinite(result.metrics["mae"]) and len(result.table("validation"))
    model, data = trained_model(result, context)
    again = experiment.task.predict_clips(model, data, data.of_split["test"], torch.zeros_like(data.of_split["test"]))
    assert bool(torch.isfinite(again).all())
