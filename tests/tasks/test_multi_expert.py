"""EchoMEN's second stage on a small phantom: features extracted once, each expert's weights."""

import numpy as np
import pytest
import torch

from echolib.engine import execution
from echolib.engine.execution import trained_model
from echolib.engine.features import frozen_features
from echolib.engine.task import Parent
from echolib.losses.expert_weights import expert_weights
from echolib.models.experts import aggregate
from echolib.papers.echomen import experiments as echomen
from echolib.papers.profiles import PROFILES
from echolib.tasks.multi_expert import MultiExpertEF

SMOKE = PROFILES["smoke"]


def test_stage_two_learns_on_features_extracted_once(folder, context, monkeypatch):
    experiment = echomen.echomen_experiments(SMOKE, folder)[0]
    result = execution.run(experiment, context)
    encoder = execution.run(experiment.parents["encoder"], context)
    assert len(list(encoder.folder.glob("features-*.safetensors"))) == 1
    monkeypatch.setattr("echolib.engine.features._extract", lambda *args: pytest.fail("extracted again"))
    other = echomen.stage2_experiment(SMOKE, experiment.parents["encoder"], experts=2)
    assert len([name for name in execution.run(other, context).predictions if name.startswith("expert_")]) == 2

    table = result.predictions
    model, data = trained_model(result, context)
    with torch.no_grad():
        each, share = model(data.features.test)
    rows, mean = data.features.by_video("test", aggregate(each, share))
    by_name = table.set_index("name")["prediction"]
    names = data.features.videos["name"].to_numpy()[rows]
    np.testing.assert_allclose(by_name.loc[names], mean, rtol=1e-5)
    weights = table[[name for name in table if name.startswith("weight_")]]
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)


def test_features_are_those_of_the_trained_encoder(folder, context):
    experiment = echomen.stage1_experiment(SMOKE, folder, 0)
    result = execution.run(experiment, context)
    dataset = experiment.data[0].open(context.cache)
    found = frozen_features(Parent(experiment.task, result.folder), dataset, 2, context.device)
    model, data = trained_model(result, context)
    videos, starts = data.every_clip("val", experiment.task.clip_length, experiment.task.clip_period, 16)
    with torch.no_grad():
        clips = data.clips(videos, starts, experiment.task.clip_length, experiment.task.clip_period)
        torch.testing.assert_close(found.val, model.features(clips), rtol=1e-4, atol=1e-5)
    assert len(found.train) == 2 * len(data.of_split["train"])


def test_by_video_averages_the_clips_of_each():
    features = torch.arange(10.0).view(5, 2)
    task = MultiExpertEF(features=2)
    holder = type("Found", (), {"test_row": torch.tensor([7, 7, 3, 7, 3])})()
    from echolib.engine.features import ClipFeatures

    rows, mean = ClipFeatures.by_video(holder, "test", features)
    assert rows.tolist() == [3, 7]
    torch.testing.assert_close(mean, torch.stack([features[[2, 4]].mean(0), features[[0, 1, 3]].mean(0)]))
    assert task.experts == 3


def test_each_expert_has_its_own_weights():
    ef = torch.tensor([20.5, 55.5, 55.2, 55.9, 45.0, 40.0, 50.0])
    weights = MultiExpertEF(features=4).expert_weights(ef)
    for m, power in enumerate((0.0, 0.5, 1.0)):
        printed = expert_weights(ef, power)
        torch.testing.assert_close(weights[:, m], printed / printed.mean())
    subsets = MultiExpertEF(features=4, diversity="subsets").expert_weights(ef)
    assert subsets.argmax(1).tolist() == [0, 2, 2, 2, 1, 1, 2] and bool(((subsets > 0).sum(1) == 1).all())
    torch.testing.assert_close(subsets.mean(0), torch.ones(3))
    halves = MultiExpertEF(features=4, diversity="subsets", experts=2).expert_weights(ef)
    assert (halves > 0).sum(0).tolist() == [3, 4]
    assert torch.equal(MultiExpertEF(features=4, experts=1).expert_weights(ef), torch.ones(7, 1))
    nobody_fails = MultiExpertEF(features=4, diversity="subsets").expert_weights(torch.tensor([55.0, 45.0]))
    assert nobody_fails.tolist() == [[0, 0, 2], [0, 2, 0]]


NORMS = (10.0, 22.0, 28.0, 40.0)  # of features after the last stage of a video network
STEPS = 100


def features_of_norm(norm, videos=2000):
    """Non-negative features (videos, 512) of that mean norm, some of which follow EF (videos,), in the shape of the
    population: most hearts healthy."""
    generator = torch.Generator().manual_seed(0)
    healthy, failing = torch.randn(2, videos, generator=generator).mul(torch.tensor([[6.0], [14.0]]))
    ef = torch.where(torch.rand(videos, generator=generator) < 0.23, 40 + failing, 64 + healthy).clamp(8, 90)
    loading = torch.randn(2, 512, generator=generator)
    hidden = torch.stack([(ef - 55.6) / 12.4, torch.randn(videos, generator=generator)], 1)
    features = (torch.rand(512, generator=generator) + 0.12 * hidden @ loading).relu()
    return features * norm / features.norm(dim=1).mean(), ef


def trained(norm, loss):
    """The weighted squared error of each expert of the published network, before and after `STEPS` batches of 20 by
    the published SGD on loss(task, model, features, ef, weights, rows)."""
    features, ef = features_of_norm(norm)
    task = MultiExpertEF()
    torch.manual_seed(0)
    model, _ = task.workload("cpu")
    weights, generator = task.expert_weights(ef), torch.Generator().manual_seed(1)
    optimiser = echomen.expert_schedule(PROFILES["paper"], echomen.SETTINGS["printed"]).make_optimiser(model)

    @torch.no_grad()
    def error():
        return (weights * (model(features)[0] - ef[:, None]) ** 2).mean(0)

    start = error()
    for _ in range(STEPS):
        rows = torch.randint(len(ef), (20,), generator=generator)
        optimiser.zero_grad()
        loss(task, model, features[rows], ef[rows], weights[rows], rows).backward()
        optimiser.step()
    return start, error()


@pytest.mark.parametrize("norm", NORMS)
def test_the_published_schedule_trains_every_expert(norm):
    def ours(task, model, features, ef, weights, rows):
        return task.loss(model, (features, ef, weights))

    start, end = trained(norm, ours)
    assert bool((end < 0.85 * start).all()), (start, end)


@pytest.mark.parametrize("norm", NORMS)
def test_the_printed_sum_leaves_all_bounds_above_a_norm_of_22(norm):
    """Why Eq. 3 is read as a mean."""
    _, labels = features_of_norm(norm)
    printed = torch.stack([expert_weights(labels, power) for power in (0.0, 0.5, 1.0)], 1)

    def as_printed(task, model, features, ef, weights, rows):
        return (printed[rows] * (model(features)[0] - ef[:, None]) ** 2).sum()

    start, end = trained(norm, as_printed)
    if norm > 22.4:  # 1e-4 * 20 * norm^2 > 1
        assert not bool((end[0] < 1e6).all())
    else:
        assert bool((end < start).all())
