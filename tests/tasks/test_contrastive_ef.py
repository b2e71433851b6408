"""EF with contrastive losses on a small phantom: what is compared, by which labels."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import rankdata

from echolib.losses import bin_labels, ldw_supcon, rank_n_contrast
from echolib.papers.echomen import experiments as echomen
from echolib.papers.profiles import PROFILES
from echolib.tasks.ldw_supcon_ef import mid_ranks
from tests.tasks.opened import opened

SMOKE = PROFILES["smoke"]


def test_stage_one_adds_the_contrastive_loss_of_two_crops(folder, context):
    experiment = echomen.stage1_experiment(SMOKE, folder, 0)
    _, model, (views, ef, label) = opened(experiment, context)
    torch.testing.assert_close(label, ef.floor())
    assert len(views) == 2 * len(ef) and not torch.equal(views[:4], views[4:])
    features = model.features(views)
    regression = F.mse_loss(model.network.fc(features[:4]).squeeze(1), ef)
    z = F.normalize(model.auxiliary(features), dim=1)
    contrast = ldw_supcon(z, bin_labels(ef).repeat(2), reduction="sum")
    torch.testing.assert_close(experiment.task.loss(model, (views, ef, label)), regression + 0.5 * contrast)


@pytest.mark.parametrize("settings", ["printed", "released"])
def test_the_ablation_takes_the_label_weights_away_and_nothing_else(folder, context, settings):
    full = echomen.stage1_experiment(SMOKE, folder, 0, settings)
    plain = echomen.stage1_experiment(SMOKE, folder, 0, settings, distance="none")
    assert plain.task == full.task.model_copy(update={"distance": "none"})
    assert (plain.schedule, plain.data, plain.seed) == (full.schedule, full.data, full.seed)
    _, model, (views, ef, label) = opened(plain, context)
    features = model.features(views)
    regression = F.mse_loss(model.network.fc(features[:4]).squeeze(1), ef)
    task, bins = full.task, bin_labels(ef, full.task.bin_width).repeat(2)
    options = {"temperature": task.temperature, "denominator": task.denominator, "reduction": task.reduction}
    contrast = ldw_supcon(F.normalize(model.auxiliary(features), dim=1), bins, distance="none", **options)
    expected = regression + task.contrast_weight * contrast
    torch.testing.assert_close(plain.task.loss(model, (views, ef, label)), expected)


def test_the_label_scale_reaches_the_loss(folder, context):
    experiment = echomen.stage1_experiment(SMOKE, folder, 0, label_scale=5.0, bin_width=0.5)
    _, model, (views, ef, label) = opened(experiment, context)
    torch.testing.assert_close(label, (ef / 0.5).floor())
    features = model.features(views)
    regression = F.mse_loss(model.network.fc(features[:4]).squeeze(1), ef)
    z = F.normalize(model.auxiliary(features), dim=1)
    contrast = ldw_supcon(z, label.repeat(2), label_scale=10.0, reduction="sum")  # in bins of half a point
    torch.testing.assert_close(experiment.task.loss(model, (views, ef, label)), regression + 0.5 * contrast)


def test_rank_n_contrast_compares_the_features_themselves_by_ef(folder, context):
    (experiment,) = echomen.rival_experiments(SMOKE, folder, "rank_n_contrast")
    _, model, (views, ef, label) = opened(experiment, context)
    torch.testing.assert_close(label, ef)
    features = model.features(views)
    regression = F.mse_loss(model.network.fc(features[:4]).squeeze(1), ef)
    contrast = rank_n_contrast(features, ef.repeat(2), temperature=2.0)
    torch.testing.assert_close(experiment.task.loss(model, (views, ef, label)), regression + contrast)


def test_released_settings_compare_mid_ranks_of_the_training_split(folder, context):
    experiment = echomen.stage1_experiment(SMOKE, folder, 0, "released")
    task = experiment.task
    assert (task.contrast_weight, task.distance, task.reduction, task.bin_width) == (0.75, "mid_rank", "mean", 0.05)
    assert (task.temperature, task.denominator) == (1 / 150, "all")
    data, model, batch = opened(experiment, context)
    train = data.of_split["train"]
    ranks = rankdata(np.floor(data.ef[train].numpy() / np.float32(0.05)))
    np.testing.assert_allclose(batch[2], ranks[:4] * 300 / len(train), rtol=1e-5)
    assert bool(torch.isfinite(task.loss(model, batch)))


def test_distances_do_not_depend_on_the_width_of_bins(folder, context):
    for width in (1.0, 0.05):
        experiment = echomen.stage1_experiment(SMOKE, folder, 0, bin_width=width)
        _, _, (_, ef, label) = opened(experiment, context)
        torch.testing.assert_close(label * width, ef, atol=1.001 * width, rtol=0)


def test_mid_ranks():
    population = torch.tensor([3.0, 1.0, 3.0, 7.0])
    assert mid_ranks(torch.tensor([1.0, 3.0, 7.0, 5.0]), population).tolist() == [1.0, 2.5, 4.0, 3.5]
    np.testing.assert_allclose(mid_ranks(population, population), rankdata(population))
