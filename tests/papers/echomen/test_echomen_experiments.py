"""EchoMEN's experiments: settings as published, seeds, and what each row trains."""

import pytest

from echolib.papers.echomen import experiments as echomen
from echolib.papers.profiles import PROFILES
from echolib.papers.sizes import with_seeds


def test_seeds_are_given_to_every_method():
    profile = with_seeds(PROFILES["demo"], 2)
    assert echomen.seeds_of(profile, "sqinv") == echomen.seeds_of(profile, "echomen") == (0, 1)
    assert with_seeds(profile, 0) is profile
    with pytest.raises(ValueError, match="number of seeds"):
        with_seeds(profile, -1)


def test_settings_as_published():
    paper, folder = PROFILES["paper"], "/data/EchoNet-Dynamic"
    first = echomen.stage1_experiment(paper, folder, 0)
    assert (first.schedule.epochs, first.schedule.decay_every, first.schedule.optimiser) == (40, 10, "sgd")
    assert (first.task.contrast_weight, first.task.reduction, first.task.denominator) == (0.5, "sum", "negatives")
    second = echomen.stage2_experiment(paper, first)
    assert (second.schedule.epochs, second.schedule.momentum, second.schedule.learning_rate) == (20, 0.0, 1e-4)
    model, _ = second.task.workload("cpu")
    assert sum(p.numel() for p in model.parameters()) == 67_590
    released = echomen.stage1_experiment(paper, folder, 0, "released")
    assert (released.schedule.epochs, released.schedule.decay_every) == (45, 15)
