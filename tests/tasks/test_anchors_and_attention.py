"""Chen and Li's tasks on a small phantom: pseudo-labels, what a batch holds, and what the losses add up to."""

import numpy as np
import pytest
import torch

from echolib.data.loaders.mask_bank import unpack
from echolib.data.sampling import clip_index
from echolib.engine import execution
from echolib.engine.execution import trained_model
from echolib.engine.task import Parent
from echolib.losses import anchor_loss, auxiliary_loss, decode_anchors
from echolib.models.channel_attention import attention_modules
from echolib.papers.profiles import PROFILES
from echolib.papers.tca import experiments as tca
from echolib.tasks.semantic_ef import mask_bank

SMOKE = PROFILES["smoke"]


@pytest.fixture(scope="module")
def labels(folder, context):
    return execution.run(tca.pseudo_labels_experiment(SMOKE, folder), context)


def opened(experiment, context, labels):
    datasets = {source.dataset: source.open(context.cache) for source in experiment.data}
    parents = {"pseudo_labels": Parent(labels.experiment.task, labels.folder)} if experiment.parents else {}
    data = experiment.task.load(datasets, parents, context.device)
    torch.manual_seed(0)
    model, start = experiment.task.build(data, parents)
    return data, model.train(), start


def test_pseudo_labels_cover_every_training_frame(folder, context, labels):
    experiment = labels.experiment
    (source,) = experiment.data
    items = source.open(context.cache).items
    train = items[(items["split"] == "train") & (items["traced"] >= 2)]
    bank = mask_bank(Parent(experiment.task, labels.folder), context.device)
    assert labels.predictions["name"].tolist() == train["name"].tolist()
    assert len(bank.packed) == len(bank.area) == train["frames"].sum()
    masks = unpack(bank.packed, experiment.task.size)
    size = experiment.parents["segmenter"].task.size
    assert size == experiment.task.size  # so that areas can be held against the masks
    torch.testing.assert_close(bank.area, masks.sum((1, 2)).float())
    np.testing.assert_allclose(bank.alpha, labels.predictions[["dice_ed", "dice_es"]].mean(axis=1), rtol=1e-6)
    assert bank.alpha.min() >= 0 and bank.alpha.max() <= 1


@pytest.mark.parametrize(
    ("row", "fields"),
    [("m1", {}), ("se", {}), ("me", {}), ("me_released", {}), ("m2", {"insert_after": "block", "window": 5})],
)
def test_the_loss_of_an_anchored_encoder(folder, context, labels, row, fields):
    rows = tca.ablation_experiments(SMOKE, folder) | tca.attention_experiments(SMOKE, folder)
    experiment = rows[row][0]
    task = experiment.task.model_copy(update=fields)
    data, model, start = opened(experiment.model_copy(update={"task": task}), context, labels)
    clips, ef = task.batch(data, torch.arange(4), torch.Generator().manual_seed(0))
    assert start == "random" and len(attention_modules(model)) == (0 if row == "m1" else 4)
    model.eval()
    scores, offsets = model(clips)
    torch.testing.assert_close(task.loss(model, (clips, ef)), anchor_loss(scores, offsets, ef))
    torch.testing.assert_close(task.ejection_fraction(model(clips)), decode_anchors(scores, offsets))


def test_the_loss_and_the_batch_of_the_semantic_network(folder, context, labels):
    experiment = tca.ablation_experiments(SMOKE, folder)["m3"][0]
    task = experiment.task
    data, model, _ = opened(experiment, context, labels)
    items = torch.arange(4)
    clips, ef, masks, alpha = batch = task.batch(data, items, torch.Generator().manual_seed(0))
    videos = data.of_split["train"][items]
    generator = torch.Generator().manual_seed(0)
    starts = task.starts(data, videos, generator)
    index, exists = clip_index(starts, data.frames.counts[videos], task.clip_length, task.clip_period)
    frames = data.bank.first[items].unsqueeze(1) + index
    areas = data.bank.area[frames]
    assert bool(exists.all())
    # a shift moves a part of a mask out at most
    assert bool((masks[:, 0].sum((1, 2)) <= areas.max(1).values).all())
    assert bool((masks[:, 0].sum((1, 2)) >= masks[:, 1].sum((1, 2)) - 8 * task.clip_size).all())
    torch.testing.assert_close(alpha, data.bank.alpha[items])
    output = model.eval()(clips)
    expected = anchor_loss(output.scores, output.offsets, ef) + 0.01 * auxiliary_loss(output.masks, masks, alpha)
    torch.testing.assert_close(task.loss(model, batch), expected)


def test_every_row_runs_and_is_read_in_both_ways(folder, context, labels):
    for experiment in (
        tca.ablation_experiments(SMOKE, folder)["m3"][0],
        tca.comparison_experiments(SMOKE, folder)["mc3"][0],
    ):
        result = execution.run(experiment, context)
        table = result.predictions
        assert {"label", "prediction", "random_clips", "one_clip"} <= set(table)
        assert np.isfinite(table[["prediction", "random_clips"]]).all(axis=None)
        model, data = trained_model(result, context)
        again = experiment.task.predict_random_clips(model, data, data.of_split["test"])
        np.testing.assert_allclose(again.detach(), table["random_clips"], rtol=1e-4)


def test_weights_of_the_base_are_shared_with_the_other_paper(folder):
    from echolib.papers.echomen import experiments as echomen

    base = tca.ablation_experiments(SMOKE, folder)["m0"]
    assert base == echomen.rival_experiments(SMOKE, folder, "echonet")
