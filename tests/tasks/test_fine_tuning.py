"""Fine-tuning on a small phantom: which labels, which weights it starts from, its optimiser."""

import numpy as np
import pytest
import torch

from echolib.data.loaders.images import MaskedImages
from echolib.engine import execution
from echolib.engine.schedule import Schedule
from echolib.papers.contrastive import experiments as contrastive
from echolib.papers.profiles import PROFILES
from echolib.tasks.fine_tuning import FineTuning

SMOKE = PROFILES["smoke"]


def load(experiment, context):
    datasets = {source.dataset: source.open(context.cache) for source in experiment.data}
    return datasets, experiment.task.load(datasets, {}, context.device)


@pytest.mark.parametrize("drawn_over", ["people", "images"])
def test_fractions_of_the_labels(folders, context, drawn_over):
    start = contrastive.STARTS["camus"][0]
    kept = {}
    for fraction in (1.0, 0.5, 0.05):
        experiment = contrastive.fine_tuning_experiment(
            SMOKE, folders, start, "camus", fraction, 0, drawn_over=drawn_over
        )
        _, data = load(experiment, context)
        kept[fraction] = data.stored.items.iloc[data.stored.of_split["train"]]
        assert set(kept[fraction]["split"]) == {"train"}
    people = kept[1.0]["person"].nunique()
    assert set(kept[0.05]["name"]) < set(kept[0.5]["name"]) < set(kept[1.0]["name"])
    if drawn_over == "people":
        assert kept[0.5]["person"].nunique() == int(np.ceil(people / 2))
        assert (kept[0.5].groupby("person").size() == 2).all()  # ED and ES stay together
    else:
        assert len(kept[0.5]) == int(np.ceil(len(kept[1.0]) / 2))
    other = FineTuning(fraction=0.5, draw=1, drawn_over=drawn_over)
    images = MaskedImages.of(next(iter(load(experiment, context)[0].values())), context.device)
    assert set(images.items.iloc[other.chosen(images.items, images.of_split["train"])]["name"]) != set(
        kept[0.5]["name"]
    )


def test_fine_tuning_starts_from_the_pretrained_encoder(folders, context):
    start = contrastive.Start("byol", "camus", "unet")
    experiment = contrastive.fine_tuning_experiment(SMOKE, folders, start, "camus", 0.5, 0)
    result = execution.run(experiment, context)
    encoder = execution.run(experiment.parents["encoder"], context)
    assert result.metrics["started_from"] == encoder.folder.name
    table = result.predictions
    assert {"lv_hausdorff_mm", "lv_surface_mm", "predicted_volume_ml"} <= set(table)
    assert (table["lv_dice"].between(0, 1)).all()
    assert len(encoder.predictions) == len(encoder.predictions["name"].unique())


def test_madgrad_and_the_schedules_as_published(folders):
    paper = PROFILES["paper"]
    simclr, byol = (contrastive.pretraining_schedule(paper, method) for method in ("simclr", "byol"))
    assert (simclr.epochs, simclr.learning_rate, simclr.weight_decay, simclr.warmup_epochs) == (300, 1e-3, 1e-6, 10)
    assert byol.learning_rate == 0.2 and byol.decay == "constant"
    assert simclr.rate_at(10 * 50, 50) == pytest.approx(1e-3) and simclr.rate_at(300 * 50 - 1, 50) < 1e-7
    deep, u = (contrastive.fine_tuning_schedule(paper, network) for network in ("deeplabv3", "unet"))
    assert (deep.learning_rate, u.learning_rate, deep.epochs, deep.batch_size) == (1e-4, 1e-5, 50, 128)


def test_madgrad_follows_its_recursion():
    """Twelve steps against the published recursion (Defazio and Jelassi 2021) written out in float64."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 1, bias=False).double()
    schedule = Schedule(epochs=1, batch_size=1, optimiser="madgrad", learning_rate=1e-2)
    optimiser = schedule.make_optimiser(layer)
    x0 = layer.weight.detach().clone()
    x, s, nu = x0.clone(), torch.zeros_like(x0), torch.zeros_like(x0)
    for k in range(12):
        inputs = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(k))
        layer.zero_grad()
        (layer(inputs) - 1).square().mean().backward()
        gradient = 2 * ((inputs @ x.T - 1) * inputs).mean(0, keepdim=True)
        optimiser.step()
        scale = (1e-2 + 1e-6) * (k + 1) ** 0.5
        s, nu = s + scale * gradient, nu + scale * gradient**2
        z = x0 - s / (nu ** (1 / 3) + 1e-6)
        x = 0.9 * x + 0.1 * z
        torch.testing.assert_close(layer.weight.detach(), x, rtol=1e-6, atol=1e-9)


def test_one_full_size_step_of_deeplab(folders, context):
    start = contrastive.STARTS["camus"][0]
    paper = PROFILES["paper"]
    experiment = contrastive.fine_tuning_experiment(paper, folders, start, "camus", 1.0, 0)
    task = experiment.task.model_copy(update={"weights": "none"})
    model, (images,) = task.workload("cpu")
    assert images.shape == (1, 3, 224, 224) and sum(p.numel() for p in model.parameters()) == 39_633_729
    optimiser = experiment.schedule.make_optimiser(model)
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    targets = torch.zeros(2, 1, 224, 224, dtype=torch.bool)
    targets[:, :, 60:160, 60:160] = True
    before = [p.detach().clone() for p in model.parameters()]
    loss = task.loss(model.train(), (images, targets))
    loss.backward()
    optimiser.step()
    assert bool(torch.isfinite(loss))
    assert all(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("fraction", [1.0, 0.05])
def test_every_fraction_takes_the_same_steps(folders, context, fraction):
    start = contrastive.STARTS["camus"][0]
    experiment = contrastive.fine_tuning_experiment(SMOKE, folders, start, "camus", fraction, 0)
    _, data = load(experiment, context)
    task, schedule = experiment.task, experiment.schedule
    batches = list(task.epoch(data, schedule.batch_size, torch.Generator().manual_seed(0)))
    assert len(batches) * schedule.epochs == SMOKE.contrastive.steps
    assert {len(batch) for batch in batches} == {schedule.batch_size}
    often = torch.bincount(torch.cat(batches), minlength=task.training_items(data))
    assert len(often) == task.training_items(data) and int(often.max() - often.min()) <= 1
    assert task.expected_items(experiment.data[0]) == schedule.batch_size * len(batches)


def test_epochs_of_each_label_once_as_published(folders, context):
    start = contrastive.STARTS["camus"][0]
    experiment = contrastive.fine_tuning_experiment(SMOKE, folders, start, "camus", 0.5, 0)
    task = experiment.task.model_copy(update={"images_per_epoch": None})
    _, data = load(experiment.model_copy(update={"task": task}), context)
    order = torch.cat(list(task.epoch(data, 4, torch.Generator().manual_seed(0))))
    assert sorted(order.tolist()) == list(range(task.training_items(data)))
    assert (
        contrastive.fine_tuning_experiment(PROFILES["paper"], folders, start, "camus", 0.5, 0).task.images_per_epoch
        is None
    )


def test_predictions_stand_beside_the_mean_mask_s(folders, context):
    experiment = contrastive.fine_tuning_experiment(SMOKE, folders, contrastive.STARTS["camus"][0], "camus", 0.5, 0)
    _, data = load(experiment, context)
    model, _ = experiment.task.build(data, {})
    with torch.no_grad():
        tables = experiment.task.predict(model.eval(), data)
    stored = data.stored
    average = (stored.labels[stored.of_split["train"]] == 1).float().mean(0).numpy() > 0.5
    expected = []
    for k in stored.of_split["test"].tolist():
        truth = stored.labels[k].numpy() == 1
        expected.append(2 * (average & truth).sum() / (average.sum() + truth.sum()))
    assert tables["predictions"]["lv_mean_mask_dice"].tolist() == pytest.approx(expected)
    assert experiment.task.metrics(tables)["dice_lv_mean_mask"] == pytest.approx(np.mean(expected))
