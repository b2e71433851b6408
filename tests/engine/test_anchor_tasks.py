"""Chen and Li's tasks on a small phantom: pseudo-labels, what a batch holds, and what the losses add up to."""

import numpy as np
import pytest
import torch

from echolib.data.sampling import clip_index
from echolib.engine import experiment as engine
from echolib.engine.experiment import Place, trained_model
from echolib.engine.task import Parent
from echolib.losses import anchor_loss, auxiliary_loss, decode_anchors
from echolib.models.attention import attention_modules
from echolib.papers.profiles import PROFILES
from echolib.papers.tca import experiments as tca
from echolib.tasks.anchor_ef import AnchorEF
from echolib.tasks.pseudo_labels import MaskBank, pack, unpack

SMOKE = PROFILES["smoke"]


@pytest.fixture(scope="module")
def place(tmp_path_factory, phantom_cache) -> Place:
    return Place(tmp_path_factory.mktemp("runs"), phantom_cache, torch.device("cpu"))


@pytest.fixture(scope="module")
def folder(phantom):
    return phantom / "EchoNet-Dynamic"


@pytest.fixture(scope="module")
def labels(folder, place):
    return engine.run(tca.pseudo_labels_experiment(SMOKE, folder), place)


def opened(experiment, place, labels):
    datasets = {source.dataset: source.open(place.cache) for source in experiment.data}
    parents = {"pseudo_labels": Parent(labels.experiment.task, labels.folder)} if experiment.parents else {}
    data = experiment.task.load(datasets, parents, place.device)
    torch.manual_seed(0)
    model, start = experiment.task.build(data, parents)
    return data, model.train(), start


@pytest.mark.parametrize("width", [1, 7, 8, 32, 33])
def test_packed_masks_come_back(width):
    masks = torch.rand(3, 4, width, generator=torch.Generator().manual_seed(0)) > 0.5
    packed = pack(masks)
    assert packed.dtype == torch.uint8 and packed.shape == (3, 4, -(-width // 8))
    assert torch.equal(unpack(packed, width), masks)


def test_the_largest_and_the_smallest_existing_frame_are_chosen():
    masks = torch.zeros(7, 8, 8, dtype=torch.bool)
    sizes = [3, 5, 8, 1, 2, 6, 4]  # rows filled; video 0 has frames 0 to 2, video 1 the others
    for number, rows in enumerate(sizes):
        masks[number, :rows] = True
    area, first = masks.sum((1, 2)).float(), torch.tensor([0, 3])
    bank = MaskBank(pack(masks), area, first, torch.ones(2))
    index = torch.tensor([[0, 1, 2], [1, 2, 3]])
    exists = torch.tensor([[True, True, False], [True, True, True]])
    found = bank.extremes(torch.tensor([0, 1]), index, exists)
    assert torch.equal(found[0], masks[[1, 0]]) and torch.equal(found[1], masks[[5, 4]])


def test_pseudo_labels_cover_every_training_frame(folder, place, labels):
    experiment = labels.experiment
    (source,) = experiment.data
    items = source.open(place.cache).items
    train = items[(items["split"] == "train") & (items["traced"] >= 2)]
    bank = MaskBank.of(Parent(experiment.task, labels.folder), place.device)
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
    [("m1", {}), ("se", {}), ("me", {}), ("me_released", {}), ("m2", {"place": "block", "window": 5})],
)
def test_the_loss_of_an_anchored_encoder(folder, place, labels, row, fields):
    rows = tca.ablation_experiments(SMOKE, folder) | tca.attention_experiments(SMOKE, folder)
    experiment = rows[row][0]
    task = AnchorEF(**(experiment.task.model_dump() | fields))
    data, model, start = opened(experiment.model_copy(update={"task": task}), place, labels)
    clips, ef = task.batch(data, torch.arange(4), torch.Generator().manual_seed(0))
    assert start == "random" and len(attention_modules(model)) == (0 if row == "m1" else 4)
    model.eval()
    scores, offsets = model(clips)
    torch.testing.assert_close(task.loss(model, (clips, ef)), anchor_loss(scores, offsets, ef))
    torch.testing.assert_close(task.ejection_fraction(model(clips)), decode_anchors(scores, offsets))


def test_the_loss_and_the_batch_of_the_semantic_network(folder, place, labels):
    experiment = tca.ablation_experiments(SMOKE, folder)["m3"][0]
    task = experiment.task
    data, model, _ = opened(experiment, place, labels)
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


def test_every_row_runs_and_is_read_in_both_ways(folder, place, labels):
    for experiment in (
        tca.ablation_experiments(SMOKE, folder)["m3"][0],
        tca.comparison_experiments(SMOKE, folder)["mc3"][0],
    ):
        result = engine.run(experiment, place)
        table = result.predictions
        assert {"label", "prediction", "random_clips", "one_clip"} <= set(table)
        assert np.isfinite(table[["prediction", "random_clips"]]).all(axis=None)
        model, data = trained_model(result, place)
        again = experiment.task.predict_random_clips(model, data, data.of_split["test"])
        np.testing.assert_allclose(again.detach(), table["random_clips"], rtol=1e-4)


def test_weights_of_the_base_are_shared_with_the_other_paper(folder):
    from echolib.papers.echomen import experiments as echomen

    base = tca.ablation_experiments(SMOKE, folder)["m0"]
    assert base == echomen.rival_experiments(SMOKE, folder, "echonet")
