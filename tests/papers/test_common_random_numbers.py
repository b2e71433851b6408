"""Methods of one seed share what they can: initial weights, the order of videos, and the clips of every step."""

import pytest
import torch

from echolib.engine.execution import load
from echolib.engine.experiment import Experiment, RunContext
from echolib.engine.trainer import Trainer, initial_weights_seed, step_seed
from echolib.papers.echomen import experiments as echomen
from echolib.papers.profiles import PROFILES
from echolib.papers.sizes import with_seeds
from echolib.papers.tca import experiments as tca

SMOKE = with_seeds(PROFILES["smoke"], 2)
IMBALANCE = ("echonet", *echomen.RIVALS, "ldw_supcon", "unweighted_supcon")
ATTENTION = ("m0", "m1", "m2", "se", "me", "me_released", "tca")


def experiments_of(folder, seed: int = 1) -> dict[str, Experiment]:
    """Every method that reads EF with the base system's encoder, by name; M3, which needs masks first, is not here."""
    by_name = {method: echomen.rival_experiments(SMOKE, folder, method)[seed] for method in IMBALANCE[:-2]}
    by_name["ldw_supcon"] = echomen.stage1_experiment(SMOKE, folder, seed)
    by_name["unweighted_supcon"] = echomen.stage1_experiment(SMOKE, folder, seed, distance="none")
    rows = tca.ablation_experiments(SMOKE, folder) | tca.attention_experiments(SMOKE, folder)
    return by_name | {row: rows[row][seed] for row in ATTENTION}


@pytest.fixture(scope="module")
def opened(phantom, phantom_cache, tmp_path_factory):
    """Each of them with its data."""
    context = RunContext(tmp_path_factory.mktemp("runs"), phantom_cache, torch.device("cpu"))
    return {
        name: (experiment, load(experiment, {}, context))
        for name, experiment in experiments_of(phantom / "EchoNet-Dynamic").items()
    }


def initial_weights(experiment: Experiment, data) -> dict[str, torch.Tensor]:
    """Weights that an experiment begins with, by name, the network's own as in a network without an auxiliary."""
    torch.manual_seed(initial_weights_seed(experiment.seed))
    model, _ = experiment.task.build(data, {})
    return {name.removeprefix("network."): values for name, values in model.state_dict().items()}


@pytest.mark.parametrize("name", [*IMBALANCE, *ATTENTION])
def test_encoders_begin_with_the_same_weights(opened, name):
    base = initial_weights(*opened["echonet"])
    ours = initial_weights(*opened[name])
    encoder = [key for key in base if not key.startswith("fc.")]
    assert set(encoder) <= set(ours) and len(encoder) > 100
    assert [key for key in encoder if not torch.equal(ours[key], base[key])] == []
    if name in IMBALANCE:
        assert torch.equal(ours["fc.weight"], base["fc.weight"])
    other = experiments_of(opened[name][0].data[0].folder, seed=0)[name]
    changed = initial_weights(other, opened[name][1])
    assert not torch.equal(changed["layer1.0.conv1.0.0.weight"], base["layer1.0.conv1.0.0.weight"])


def batches_of(experiment: Experiment, data, epoch: int, tmp_path) -> list[torch.Tensor]:
    """The items of each step of an epoch."""
    trainer = Trainer(experiment.task, data, experiment.schedule, experiment.seed, tmp_path, torch.device("cpu"))
    return list(experiment.task.epoch(data, experiment.schedule.batch_size, trainer.generator(epoch)))


@pytest.mark.parametrize("name", [*IMBALANCE, *ATTENTION])
def test_every_step_shows_the_same_clips(opened, name, tmp_path):
    """A method that reads two views of each clip has those of the others as its first."""
    (base, base_data), (ours, data) = opened["echonet"], opened[name]
    for epoch in (0, 3):
        order, expected = batches_of(ours, data, epoch, tmp_path), batches_of(base, base_data, epoch, tmp_path)
        assert all(torch.equal(items, others) for items, others in zip(order, expected, strict=True))
    for step, items in enumerate(expected):
        generator = torch.Generator()
        generator.manual_seed(step_seed(base.seed, 3, step))
        clips, ef, *_ = base.task.batch(base_data, items, generator)
        generator.manual_seed(step_seed(ours.seed, 3, step))
        views, our_ef, *_ = ours.task.batch(data, items, generator)
        torch.testing.assert_close(views[: len(clips)], clips, rtol=0, atol=0)
        assert torch.equal(our_ef, ef)


def test_steps_draw_from_seeds_of_their_own():
    seeds = [step_seed(seed, epoch, step) for seed in range(3) for epoch in range(4) for step in range(50)]
    assert len(set(seeds)) == len(seeds)
