"""The other EF systems' settings: as published at full size, scaled elsewhere, and which experiments they ask for."""

import pytest

from echolib.papers.echomen import experiments as echomen
from echolib.papers.echomen.experiments import SETTINGS, encoder_schedule
from echolib.papers.echonet_dynamic.experiments import ef_task
from echolib.papers.ef_systems.experiments import (
    PROTOCOLS,
    SYSTEMS,
    own_clip,
    own_schedule,
    system_experiments,
    system_task,
)
from echolib.papers.profiles import PROFILES
from echolib.papers.published import published
from echolib.papers.sizes import with_seeds

PAPER = PROFILES["paper"]
FOLDER = "/data/EchoNet-Dynamic"


def test_own_protocols_as_published():
    clips = {system: tuple(own_clip(PAPER, system).values()) for system in SYSTEMS}
    assert clips == {"bayesian": (32, 2), "uvt": (128, 1), "echognn": (64, 1), "echocotr": (36, 4)}
    gnn, cotr, uvt = (own_schedule(PAPER, system) for system in ("echognn", "echocotr", "uvt"))
    assert (gnn.optimiser, gnn.learning_rate, gnn.weight_decay, gnn.batch_size) == ("adam", 1e-4, 1e-5, 80)
    rates = [gnn.rate_at(10 * epoch, 10) * 1e4 for epoch in (0, 49, 50, 149, 150, 199, 200, 249)]
    assert rates == pytest.approx([1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125])
    assert (cotr.optimiser, cotr.learning_rate, cotr.weight_decay, cotr.batch_size) == ("adamw", 1e-4, 1e-4, 25)
    assert (cotr.epochs, cotr.decay, cotr.decay_every) == (45, "step", 15)
    assert (uvt.optimiser, uvt.learning_rate, uvt.batch_size) == ("adamw", 1e-5, 2)


def test_full_size_networks_of_the_paper_profile():
    sizes = {"echognn": 1_764_695, "echocotr": 21_195_713, "uvt": 346_871_234, "bayesian": 31_301_151}
    for system, parameters in sizes.items():
        model, (clip,) = system_task(PAPER, system, "own").workload()
        assert sum(p.numel() for p in model.parameters()) == parameters
        assert clip.shape[2:] == (own_clip(PAPER, system)["clip_length"], 112, 112)
    assert (system_task(PAPER, "echognn", "own").dropout, system_task(PAPER, "echocotr", "own").dropout) == (0.5, 0.1)


def test_narrow_networks_are_less_deep():
    demo = PROFILES["demo"]
    assert system_task(demo, "echocotr", "own").depths == (2, 2, 4, 2)
    assert system_task(PAPER, "echocotr", "own").depths == (3, 4, 8, 3)
    uvt = system_task(demo, "uvt", "common")
    assert (uvt.blocks, uvt.layers, uvt.training_clips) == (1, 2, "window")


@pytest.mark.parametrize("name", list(PROFILES))
def test_the_common_protocol_is_echomens(name):
    profile = PROFILES[name]
    base = ef_task(profile, "r2plus1d_18")
    (rival, *_) = echomen.rival_experiments(profile, FOLDER, "focal_r")
    for system in SYSTEMS:
        (experiment, *_) = system_experiments(profile, FOLDER, system, "common")
        task = experiment.task
        assert experiment.schedule == rival.schedule
        assert (task.clip_length, task.clip_period, task.clip_size) == (
            base.clip_length,
            base.clip_period,
            base.clip_size,
        )
        assert (task.width, task.pad, task.test_stride) == (base.width, base.pad, base.test_stride)


@pytest.mark.parametrize("name", ["smoke", "demo", "full", "gpu"])
def test_small_profiles_keep_a_beat_in_a_clip(name):
    profile = PROFILES[name]
    span = (profile.clips.length - 1) * profile.clips.period
    for system in SYSTEMS:
        clip, schedule = own_clip(profile, system), own_schedule(profile, system)
        assert (clip["clip_length"] - 1) * clip["clip_period"] <= span + clip["clip_length"]
        common = encoder_schedule(profile, SETTINGS["printed"])
        assert (schedule.epochs, schedule.batch_size) == (common.epochs, common.batch_size)


def test_own_clips_scale_with_the_base_systems():
    sizes = PROFILES["demo"].clips.model_copy(update={"length": 8, "period": 8})
    profile = PROFILES["demo"].model_copy(update={"clips": sizes})
    clips = {system: tuple(own_clip(profile, system).values()) for system in SYSTEMS}
    assert clips == {"bayesian": (8, 8), "uvt": (8, 4), "echognn": (16, 4), "echocotr": (9, 7)}


def test_each_row_of_table_1_has_its_experiments():
    assert set(SYSTEMS.values()) == set(published("echomen", "table_1")["method"]) - set(echomen.METHODS)


def test_a_system_with_one_protocol_is_trained_once():
    """Outside `paper` the Bayesian network's own protocol is the common one."""
    one_seed = with_seeds(PROFILES["full"], 1)
    both = [system_experiments(one_seed, FOLDER, system, protocol) for system in SYSTEMS for protocol in PROTOCOLS]
    distinct = {experiment for of_row in both for experiment in of_row}
    assert len(distinct) == len({experiment.name for experiment in distinct}) == 7
    paper = [system_experiments(with_seeds(PAPER, 2), FOLDER, system, p) for system in SYSTEMS for p in PROTOCOLS]
    assert len({experiment for of_row in paper for experiment in of_row}) == 16
