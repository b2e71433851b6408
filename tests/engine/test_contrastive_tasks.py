"""Pretraining and fine-tuning on a small phantom: which frames, which labels, which weights."""

import shutil

import numpy as np
import pytest
import torch

from echolib.data.loaders.images import MaskedImages, resize_images
from echolib.data.views import views
from echolib.engine import experiment as engine
from echolib.engine.experiment import Place
from echolib.engine.training import Schedule
from echolib.papers.contrastive import experiments as contrastive
from echolib.papers.profiles import PROFILES
from echolib.tasks.fine_tuning import FineTuning

SMOKE = PROFILES["smoke"]


@pytest.fixture(scope="module")
def place(tmp_path_factory, phantom_cache) -> Place:
    return Place(tmp_path_factory.mktemp("runs"), phantom_cache, torch.device("cpu"))


@pytest.fixture
def folders(phantom):
    return {"echonet_dynamic": phantom / "EchoNet-Dynamic", "camus": phantom / "CAMUS"}


def load(experiment, place):
    datasets = {source.dataset: source.open(place.cache) for source in experiment.data}
    return datasets, experiment.task.load(datasets, {}, place.device)


def test_frames_lie_strictly_between_ed_and_es(folders, place):
    experiment = contrastive.pretraining_experiment(SMOKE, folders, "simclr", "echonet", "unet")
    experiment = experiment.model_copy(update={"task": experiment.task.model_copy(update={"size": 112})})
    datasets, data = load(experiment, place)
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
    return copy


def test_camus_is_drawn_from_within_its_sequences(folders, place):
    experiment = contrastive.pretraining_experiment(SMOKE, folders, "simclr", "camus", "unet")
    assert experiment.data[0].sequences
    datasets, data = load(experiment, place)
    frames = datasets["camus"].frames
    assert len(data.names) == SMOKE.patients  # four-chamber
    for row, name in enumerate(data.names):
        within = resize_images(torch.from_numpy(frames.frames(name)[1:-1].copy()), experiment.task.size)
        first = int(data.first[row])
        assert torch.equal(data.pixels[first : first + int(data.count[row])], within)


def test_camus_without_sequences_is_drawn_from_ed_and_es(folders, place, tmp_path):
    camus = without_sequences(folders["camus"], tmp_path / "CAMUS")
    experiment = contrastive.pretraining_experiment(SMOKE, folders | {"camus": camus}, "simclr", "camus", "unet")
    assert not experiment.data[0].sequences
    _, data = load(experiment, place)
    assert len(data.names) == len(data.pixels) == 2 * SMOKE.patients
    assert {name.rsplit("_", 1)[1] for name in data.names} == {"ED", "ES"}


def test_views_are_drawn_for_each_image_and_from_the_generator_alone(folders):
    frames = torch.randint(0, 256, (1, 32, 32), dtype=torch.uint8).expand(4, 32, 32)
    state = torch.get_rng_state()
    first, again = (views(frames, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again) and torch.equal(torch.get_rng_state(), state)
    assert first.shape == (4, 1, 32, 32) and 0 <= float(first.min()) <= float(first.max()) <= 1 + 1e-5
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(views(frames, torch.Generator().manual_seed(4)), first)


def test_the_input_is_normalised_as_the_segmentations_is(folders, place):
    experiment = contrastive.pretraining_experiment(SMOKE, folders, "simclr", "camus", "unet")
    _, data = load(experiment, place)
    frames = data.pixels[:3]
    torch.testing.assert_close(data.network_input(frames.unsqueeze(1).float() / 255), data.normalise(frames))


@pytest.mark.parametrize("drawn_over", ["people", "images"])
def test_fractions_of_the_labels(folders, place, drawn_over):
    row = contrastive.TABLE2[0]
    kept = {}
    for fraction in (1.0, 0.5, 0.05):
        experiment = contrastive.fine_tuning_experiment(
            SMOKE, folders, row, "camus", fraction, 0, drawn_over=drawn_over
        )
        _, data = load(experiment, place)
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
    images = MaskedImages.of(next(iter(load(experiment, place)[0].values())), place.device)
    assert set(images.items.iloc[other.chosen(images.items, images.of_split["train"])]["name"]) != set(
        kept[0.5]["name"]
    )


def test_fine_tuning_starts_from_the_pretrained_encoder(folders, place):
    row = next(row for row in contrastive.TABLE2 if row.start == "byol" and row.network == "unet")
    experiment = contrastive.fine_tuning_experiment(SMOKE, folders, row, "camus", 0.5, 0)
    result = engine.run(experiment, place)
    encoder = engine.run(experiment.parents["encoder"], place)
    assert result.metrics["started_from"] == encoder.folder.name
    table = result.predictions
    assert {"lv_hausdorff_mm", "lv_surface_mm", "predicted_volume_ml"} <= set(table)
    assert (table["lv_dice"].between(0, 1)).all()
    assert len(encoder.predictions) == len(encoder.predictions["name"].unique())


def test_byol_keeps_its_target_across_an_interruption(folders, place):
    """The target is part of the resume state and moves after every step."""
    experiment = contrastive.pretraining_experiment(SMOKE, folders, "byol", "camus", "unet")
    task = experiment.task
    _, data = load(experiment, place)
    model, _ = task.build(data, {})
    before = {name: p.clone() for name, p in model.target.named_parameters()}
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    task.loss(model, task.batch(data, torch.arange(4), torch.Generator().manual_seed(0))).backward()
    optimiser.step()
    task.after_step(model, 0.5)
    assert any(not torch.equal(before[name], p) for name, p in model.target.named_parameters())
    assert any(name.startswith("target.") for name in model.state_dict())


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


def test_one_full_size_step_of_deeplab(folders, place):
    row = contrastive.TABLE2[0]
    paper = PROFILES["paper"]
    experiment = contrastive.fine_tuning_experiment(paper, folders, row, "camus", 1.0, 0)
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
