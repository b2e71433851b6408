"""EchoMEN's tasks on a small phantom: what their batches hold, what their losses add up to, what they leave behind."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import rankdata

from echolib.engine import experiment as engine
from echolib.engine.experiment import Place, trained_model
from echolib.engine.features import frozen_features
from echolib.engine.task import Parent
from echolib.losses import bin_labels, ldw_supcon
from echolib.losses.label_frequency import expert_weights, frequency_weights
from echolib.models.experts import aggregate
from echolib.papers.echomen import experiments as echomen
from echolib.papers.profiles import PROFILES
from echolib.tasks.contrastive_ef import mid_ranks
from echolib.tasks.multi_expert import MultiExpertEF

SMOKE = PROFILES["smoke"]


@pytest.fixture(scope="module")
def place(tmp_path_factory, phantom_cache) -> Place:
    return Place(tmp_path_factory.mktemp("runs"), phantom_cache, torch.device("cpu"))


@pytest.fixture
def folder(phantom):
    return phantom / "EchoNet-Dynamic"


def opened(experiment, place):
    """The task's data, a fresh model in training mode, and one batch of four items."""
    datasets = {source.dataset: source.open(place.cache) for source in experiment.data}
    data = experiment.task.load(datasets, {}, place.device)
    torch.manual_seed(0)
    model, _ = experiment.task.build(data, {})
    return data, model.train(), experiment.task.batch(data, torch.arange(4), torch.Generator().manual_seed(0))


def test_weighted_videos(folder, place):
    (experiment,) = echomen.rival_experiments(SMOKE, folder, "sqinv")
    data, model, (clips, ef, weight) = opened(experiment, place)
    train = data.of_split["train"]
    torch.testing.assert_close(data.weight[train], frequency_weights(data.ef[train]))
    assert float(data.weight[data.of_split["test"]].abs().sum()) == 0
    expected = (weight * (model(clips).squeeze(1) - ef) ** 2).mean()
    torch.testing.assert_close(experiment.task.loss(model, (clips, ef, weight)), expected)


def test_feature_smoothing_sees_every_training_video_once_an_epoch(folder, place):
    (experiment,) = echomen.rival_experiments(SMOKE, folder, "dir")
    data, model, batch = opened(experiment, place)
    plain = experiment.task.loss(model, batch)
    with torch.no_grad():
        experiment.task.after_epoch(model.eval(), data)
    statistics = model.train().companion
    assert int(statistics.updates) == 1
    bins = data.ef[data.of_split["train"]].floor().long()
    assert statistics.seen.nonzero().flatten().tolist() == bins.unique().tolist()
    assert not torch.equal(experiment.task.loss(model, batch), plain)


def test_stage_one_adds_the_contrastive_loss_of_two_crops(folder, place):
    experiment = echomen.stage1_experiment(SMOKE, folder, 0)
    _, model, (views, ef, label) = opened(experiment, place)
    torch.testing.assert_close(label, ef.floor())
    assert len(views) == 2 * len(ef) and not torch.equal(views[:4], views[4:])
    features = model.features(views)
    regression = F.mse_loss(model.network.fc(features[:4]).squeeze(1), ef)
    z = F.normalize(model.companion(features), dim=1)
    contrast = ldw_supcon(z, bin_labels(ef).repeat(2), reduction="sum")
    torch.testing.assert_close(experiment.task.loss(model, (views, ef, label)), regression + 0.5 * contrast)


def test_released_settings_compare_mid_ranks_of_the_training_split(folder, place):
    experiment = echomen.stage1_experiment(SMOKE, folder, 0, "released")
    task = experiment.task
    assert (task.strength, task.distance, task.reduction, task.bin_width) == (0.75, "mid_rank", "mean", 0.05)
    assert (task.temperature, task.denominator) == (1 / 150, "all")
    data, model, batch = opened(experiment, place)
    train = data.of_split["train"]
    ranks = rankdata(np.floor(data.ef[train].numpy() / np.float32(0.05)))
    np.testing.assert_allclose(batch[2], ranks[:4] * 300 / len(train), rtol=1e-5)
    assert bool(torch.isfinite(task.loss(model, batch)))


def test_distances_do_not_depend_on_the_width_of_bins(folder, place):
    for width in (1.0, 0.05):
        experiment = echomen.stage1_experiment(SMOKE, folder, 0, bin_width=width)
        _, _, (_, ef, label) = opened(experiment, place)
        torch.testing.assert_close(label * width, ef, atol=1.001 * width, rtol=0)


def test_mid_ranks():
    population = torch.tensor([3.0, 1.0, 3.0, 7.0])
    assert mid_ranks(torch.tensor([1.0, 3.0, 7.0, 5.0]), population).tolist() == [1.0, 2.5, 4.0, 3.5]
    np.testing.assert_allclose(mid_ranks(population, population), rankdata(population))


@pytest.mark.parametrize("method", [key for key in echomen.METHODS if key != "echomen"])
def test_every_rival_trains_and_predicts(method, folder, place):
    (experiment,) = echomen.rival_experiments(SMOKE, folder, method)
    result = engine.run(experiment, place)
    assert np.isfinite(result.metrics["mae"]) and len(result.table("validation"))
    model, data = trained_model(result, place)
    again = experiment.task.predict_clips(model, data, data.of_split["test"], torch.zeros_like(data.of_split["test"]))
    assert bool(torch.isfinite(again).all())


def test_stage_two_learns_on_features_extracted_once(folder, place, monkeypatch):
    experiment = echomen.echomen_experiments(SMOKE, folder)[0]
    result = engine.run(experiment, place)
    encoder = engine.run(experiment.parents["encoder"], place)
    assert len(list(encoder.folder.glob("features-*.safetensors"))) == 1
    monkeypatch.setattr("echolib.engine.features._extract", lambda *args: pytest.fail("extracted again"))
    other = echomen.stage2_experiment(SMOKE, experiment.parents["encoder"], experts=2)
    assert len([name for name in engine.run(other, place).predictions if name.startswith("expert_")]) == 2

    table = result.predictions
    model, data = trained_model(result, place)
    with torch.no_grad():
        each, share = model(data.features.test)
    rows, mean = data.features.by_video("test", aggregate(each, share))
    by_name = table.set_index("name")["prediction"]
    names = data.features.videos["name"].to_numpy()[rows]
    np.testing.assert_allclose(by_name.loc[names], mean, rtol=1e-5)
    weights = table[[name for name in table if name.startswith("weight_")]]
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)


def test_features_are_those_of_the_trained_encoder(folder, place):
    experiment = echomen.stage1_experiment(SMOKE, folder, 0)
    result = engine.run(experiment, place)
    dataset = experiment.data[0].open(place.cache)
    found = frozen_features(Parent(experiment.task, result.folder), dataset, 2, place.device)
    model, data = trained_model(result, place)
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
        torch.testing.assert_close(weights[:, m], expert_weights(ef, power))
    subsets = MultiExpertEF(features=4, diversity="subsets").expert_weights(ef)
    assert subsets.argmax(1).tolist() == [0, 2, 2, 2, 1, 1, 2] and bool((subsets.sum(1) == 1).all())
    halves = MultiExpertEF(features=4, diversity="subsets", experts=2).expert_weights(ef)
    assert halves.sum(0).tolist() == [3, 4]
    assert torch.equal(MultiExpertEF(features=4, experts=1).expert_weights(ef), torch.ones(7, 1))
