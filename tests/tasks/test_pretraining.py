"""Pretraining on a small phantom: which frames, which views, which weights are kept."""

import shutil

import numpy as np
import pytest
import torch

from echolib.data.checksums import write_checksums
from echolib.data.loaders.images import resize_images
from echolib.data.views import views
from echolib.papers.contrastive import experiments as contrastive
from echolib.papers.profiles import PROFILES

SMOKE = PROFILES["smoke"]


def load(experiment, context):
    datasets = {source.dataset: source.open(context.cache) for source in experiment.data}
    return datasets, experiment.task.load(datasets, {}, context.device)


def test_frames_lie_strictly_between_ed_and_es(folders, context):
    experiment = contrastive.pretraining_experiment(SMOKE, folders, "simclr", "echonet", "unet")
    experiment = experiment.model_copy(update={"task": experiment.task.model_copy(update={"size": 112})})
    datasets, data = load(experiment, context)
    dataset = datasets["echonet_dynamic"]
    tracings = dataset.tables["tracings"]
    for row, name in enumerate(data.names):
        ends = sorted(tracings.loc[(tracings["video"] == name) & tracings["phase"].isin(["ED", "ES"]), "frame"])
        expected = dataset.frames.frames(name)[ends[0] + 1 : ends[1]]
        first = int(data.first[row])
        np.testing.assert_array_equal(data.pixels[first : first + int(data.count[row])], expected)
    generator = torch.Generator().manual_seed(0)
    drawn = {int(data.draw(torch.tensor([0]), generator).long().sum()) for _ in range(30)}
    assert len(drawn) > 1  # anew at each access


def test_byol_keeps_its_last_epoch_and_simclr_its_best(folders):
    simclr, byol = (
        contrastive.pretraining_experiment(SMOKE, folders, m, "echonet", "unet").task for m in ("simclr", "byol")
    )
    assert not simclr.is_better(2.0, best=1.0) and simclr.is_better(1.0, best=2.0)
    assert byol.is_better(2.0, best=1.0)


def without_sequences(camus, folder):
    """A copy of a CAMUS folder as it is often found: ED and ES images alone."""
    copy = shutil.copytree(camus, folder)
    for sequence in copy.rglob("*_sequence*"):
        sequence.unlink()
    write_checksums(copy)
    return copy


def test_camus_is_drawn_from_within_its_sequences(folders, context):
    experiment = contrastive.pretraining_experiment(SMOKE, folders, "simclr", "camus", "unet")
    assert experiment.data[0].options.sequences
    datasets, data = load(experiment, context)
    frames = datasets["camus"].frames
    assert len(data.names) == SMOKE.phantom["camus"]  # four-chamber
    for row, name in enumerate(data.names):
        within = resize_images(torch.from_numpy(frames.frames(name)[1:-1].copy()), experiment.task.size)
        first = int(data.first[row])
        assert torch.equal(data.pixels[first : first + int(data.count[row])], within)


def test_camus_without_sequences_is_drawn_from_ed_and_es(folders, context, tmp_path):
    camus = without_sequences(folders["camus"], tmp_path / "CAMUS")
    experiment = contrastive.pretraining_experiment(SMOKE, folders | {"camus": camus}, "simclr", "camus", "unet")
    assert not experiment.data[0].options.sequences
    _, data = load(experiment, context)
    assert len(data.names) == len(data.pixels) == 2 * SMOKE.phantom["camus"]
    assert {name.rsplit("_", 1)[1] for name in data.names} == {"ED", "ES"}


def test_views_are_drawn_for_each_image_and_from_the_generator_alone(folders):
    frames = torch.randint(0, 256, (1, 32, 32), dtype=torch.uint8).expand(4, 32, 32)
    state = torch.get_rng_state()
    first, again = (views(frames, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again) and torch.equal(torch.get_rng_state(), state)
    assert first.shape == (4, 1, 32, 32) and 0 <= float(first.min()) <= float(first.max()) <= 1 + 1e-5
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(views(frames, torch.Generator().manual_seed(4)), first)


def test_the_input_is_normalised_as_the_segmentations_is(folders, context):
    experiment = contrastive.pretraining_experiment(SMOKE, folders, "simclr", "camus", "unet")
    _, data = load(experiment, context)
    frames = data.pixels[:3]
    torch.testing.assert_close(data.network_input(frames.unsqueeze(1).float() / 255), data.normalise(frames))


def test_byol_keeps_its_target_across_an_interruption(folders, context):
    """The target is part of the resume state and moves after every step."""
    experiment = contrastive.pretraining_experiment(SMOKE, folders, "byol", "camus", "unet")
    task = experiment.task
    _, data = load(experiment, context)
    model, _ = task.build(data, {})
    before = {name: p.clone() for name, p in model.target.named_parameters()}
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    task.loss(model, task.batch(data, torch.arange(4), torch.Generator().manual_seed(0))).backward()
    optimiser.step()
    task.after_step(model, 0.5)
    assert any(not torch.equal(before[name], p) for name, p in model.target.named_parameters())
    assert any(name.startswith("target.") for name in model.state_dict())


@pytest.mark.parametrize("method", ["simclr", "byol"])
def test_both_datasets_take_the_same_steps(folders, context, method):
    for dataset in ("camus", "echonet"):
        experiment = contrastive.pretraining_experiment(SMOKE, folders, method, dataset, "unet")
        _, data = load(experiment, context)
        batches = list(experiment.task.epoch(data, experiment.schedule.batch_size, torch.Generator().manual_seed(0)))
        assert len(batches) * experiment.schedule.epochs == SMOKE.contrastive.pretraining_steps
        assert experiment.task.expected_items(experiment.data[0]) == sum(map(len, batches))


def test_the_prediction_says_how_far_embeddings_are_spread(folders, context):
    experiment = contrastive.pretraining_experiment(SMOKE, folders, "byol", "echonet", "unet")
    _, data = load(experiment, context)
    model, _ = experiment.task.build(data, {})
    with torch.no_grad():
        before = experiment.task.metrics(experiment.task.predict(model.eval(), data))
        torch.nn.init.zeros_(model.online[1][3].weight)
        collapsed = experiment.task.metrics(experiment.task.predict(model, data))
    assert 0 < before["spread"] <= 1 and collapsed["spread"] == 0
