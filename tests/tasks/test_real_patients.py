"""Tasks on images of patients: pairs of frames with their masks, changed images, simulated ones to learn from."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from echolib.data.augmentation import Strength, moved
from echolib.data.selection import DataSelection
from echolib.engine.experiment import Experiment
from echolib.engine.schedule import Schedule
from echolib.losses.anchors import anchor_loss
from echolib.tasks import augmented_segmentation
from echolib.tasks.augmented_segmentation import AugmentedSegmentation, as_input, turns
from echolib.tasks.ef_regression import EFRegression
from echolib.tasks.semantic_pairs_ef import SemanticPairsEF
from echolib.tasks.simulated_segmentation import SimulatedSegmentation
from tests.tasks.opened import opened

PAIRS = {"network": "siamese_18", "width": 4, "blocks": 1, "clip_length": 2, "clip_period": 1, "clip_size": 32}
UNET = {"network": "unet", "width": 4, "size": 32, "structures": ("lv", "epicardium", "atrium")}


@pytest.fixture
def made(folders, context):
    """The data, model and first batch of a task on CAMUS."""

    def make(task):
        selection = DataSelection(dataset="camus", folder=folders["camus"], size=(64, 64))
        schedule = Schedule(epochs=1, batch_size=4, optimiser="adamw", learning_rate=1e-3)
        return opened(Experiment(name="patients", task=task, data=(selection,), schedule=schedule), context)

    return make


def test_every_ef_task_reads_pairs_of_images(made):
    task = EFRegression(**PAIRS, random_clips=1)
    data, model, (clips, ef) = made(task)
    assert clips.shape == (4, 3, 2, 32, 32) and ef.shape == (4,)
    with torch.no_grad():
        tables = task.predict(model.eval(), data)
    assert len(tables["predictions"]) == len(tables["clips"]) == len(data.of_split["test"])


def test_the_mask_branch_learns_from_the_human_masks_of_both_frames(made):
    task = SemanticPairsEF(**PAIRS, pad=0)
    data, model, (clips, ef, masks) = made(task)
    for row, item in enumerate(data.of_split["train"][:4].tolist()):
        assert torch.equal(masks[row].bool(), data.masks[item])
    assert (masks[:, 0].sum((1, 2)) > masks[:, 1].sum((1, 2))).all()  # ED before ES
    output = model.eval()(clips)  # without dropout
    written_out = sum(
        F.binary_cross_entropy_with_logits(output.masks[b, phase], masks[b, phase], reduction="sum")
        for b in range(4)
        for phase in range(2)
    )
    expected = anchor_loss(output.scores, output.offsets, ef) + 0.01 * written_out / 2 / 4
    torch.testing.assert_close(task.loss(model, (clips, ef, masks)), expected)


def test_masks_are_moved_as_their_images_are(made, monkeypatch):
    monkeypatch.setattr(augmented_segmentation, "STRENGTH", Strength(log_gamma=0, gain=0, field=0))
    task = AugmentedSegmentation(**UNET)
    data, _, _ = made(task)
    chosen = data.stored.of_split["train"][:4]
    pictures = 255 * data.targets[chosen, 1].to(torch.uint8)  # where the picture is the mask
    images, targets = task.augmented(pictures, data.targets[chosen], torch.Generator().manual_seed(1))
    assert images.shape == (4, 3, 32, 32) and targets.dtype == torch.bool
    white = images[:, 0] > -1.4
    assert (white & targets[:, 1]).sum() / targets[:, 1].sum() > 0.99
    assert (targets != data.targets[chosen]).any()


def test_turned_copies_are_turned_back(made):
    class Equivariant(nn.Module):
        """A network that does not care which way is up: the smoothed picture itself."""

        def forward(self, images):
            return F.avg_pool2d(images[:, :1], 9, 1, 4)

    data, _, _ = made(AugmentedSegmentation(**UNET))
    row, column = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    disc = (row - 15.5) ** 2 + (column - 15.5) ** 2 < 12**2  # of which no turn loses anything
    images, network = (disc * (60 + 5 * row)).to(torch.uint8).expand(4, -1, -1), Equivariant()
    turned, one = (
        AugmentedSegmentation(**UNET, test_turns_deg=turns).test_logits(network, data, images)
        for turns in ((8.0,), (0.0,))
    )
    torch.testing.assert_close(one, network(as_input(images.float() / 255)))
    left_turned = network(moved(as_input(images.float() / 255), turns(4, 8, images.device)))
    error, without = ((found - one)[..., 8:24, 8:24].abs().mean() for found in (turned, left_turned))
    assert error < 0.3 * without


def test_a_task_starts_from_another_segmenter_s_weights(made, folders, context):
    task = AugmentedSegmentation(**UNET)
    data, model, _ = made(task)

    class Parent:
        weights, folder = {name: tensor + 1 for name, tensor in model.state_dict().items()}, context.runs

    other, start = task.build(data, {"segmenter": Parent})
    assert start == context.runs.name
    assert all(torch.equal(tensor, Parent.weights[name]) for name, tensor in other.state_dict().items())


def test_who_learns_from_simulated_frames_is_tested_on_everybody(made):
    task = SimulatedSegmentation(**UNET, frames=12)
    data, model, (images, targets) = made(task)
    assert len(data.stored.of_split["test"]) == len(data.stored.items)
    assert images.shape == (4, 3, 32, 32) and targets.shape == (4, 3, 32, 32)
    assert data.frames.shape == (12, 32, 32) and task.training_items(data) == 12 - data.validated == 10
    assert task.names(data, torch.tensor([3])) == ["simulated frame 3"]
    model.eval()
    with torch.no_grad():
        assert len(task.predict(model, data)["predictions"]) == len(data.stored.items)
        assert set(task.validate(model, data)) == {"loss", "dice_lv", "dice_epicardium", "dice_atrium"}
