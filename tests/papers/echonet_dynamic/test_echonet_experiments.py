"""The experiments of EchoNet-Dynamic: the paper's settings where the profile keeps them, ours elsewhere."""

from pathlib import Path

import pytest

from echolib.engine.schedule import NOT_TRAINED
from echolib.papers.echomen.experiments import rival_experiments
from echolib.papers.echonet_dynamic.experiments import (
    NETWORKS,
    beat_to_beat_experiment,
    camus_experiment,
    ef_experiment,
    ef_experiments,
    ef_schedule,
    protocol_note,
    segmentation_experiment,
)
from echolib.papers.profiles import PROFILES
from echolib.papers.sizes import with_seeds
from echolib.papers.tca.experiments import ablation_experiments

FOLDER = Path("/nowhere")  # an experiment is described without its data


def test_the_paper_s_settings_are_those_of_the_published_scripts():
    paper = PROFILES["paper"]
    first, *others = ef_experiments(paper, FOLDER, "r2plus1d_18")
    assert [experiment.seed for experiment in (first, *others)] == [0, 1, 2]
    ef = first.schedule
    assert (ef.optimiser, ef.learning_rate, ef.momentum, ef.weight_decay) == ("sgd", 1e-4, 0.9, 1e-4)
    assert (ef.epochs, ef.batch_size) == (45, 20)
    assert [ef.rate_at(epoch, steps_per_epoch=1) for epoch in (0, 14, 15, 30)] == pytest.approx(
        [1e-4, 1e-4, 1e-5, 1e-6]
    )
    task = first.task
    assert (task.clip_length, task.clip_period, task.clip_size, task.weights) == (32, 2, 112, "kinetics")
    segmentation = segmentation_experiment(paper, FOLDER)
    assert (segmentation.schedule.optimiser, segmentation.schedule.learning_rate) == ("sgd", 1e-5)
    assert segmentation.task.objective == "bce_sum"
    assert (segmentation.name, segmentation.seed) == ("echonet-deeplabv3-seed0", 0)
    assert segmentation_experiment(paper, FOLDER, 2).seed == 2


@pytest.mark.parametrize("profile", ["smoke", "demo", "full", "gpu"])
def test_elsewhere_networks_start_from_few_epochs_of_adamw(profile):
    sizes = PROFILES[profile]
    for network in NETWORKS:
        schedule = ef_experiments(sizes, FOLDER, network)[0].schedule
        assert (schedule.optimiser, schedule.decay, schedule.epochs) == ("adamw", "one_cycle", sizes.clips.epochs)
    camus = camus_experiment(sizes, FOLDER, 1)
    assert camus.task.structures == ("lv", "epicardium", "atrium")
    assert (camus.name, camus.seed) == ("camus-unet-seed1", 1)


@pytest.mark.parametrize("profile", ["smoke", "demo", "full", "gpu"])
def test_one_network_with_the_same_clips_and_schedule_is_one_experiment(profile):
    """Notebook 02, EchoMEN's rivals and TCA's baseline then share its training."""
    sizes = with_seeds(PROFILES[profile], 2)
    plain = ef_experiment(sizes, FOLDER, "r2plus1d_18", 1)
    clips, attention = sizes.clips, sizes.attention
    assert plain.name == f"ef-r2plus1d_18-{clips.size}px-{clips.epochs}epochs-seed1" and plain.seed == 1
    assert ef_experiments(sizes, FOLDER, "r2plus1d_18")[1] == rival_experiments(sizes, FOLDER, "echonet")[1] == plain
    baseline = ablation_experiments(sizes, FOLDER)["m0"][1]
    assert (baseline == plain) == (clips == attention)
    assert (baseline.task.clip_size, baseline.schedule) == (attention.size, ef_schedule(sizes, attention))
    longer = plain.schedule.model_copy(update={"epochs": 99})
    assert ef_experiment(sizes, FOLDER, "r2plus1d_18", 1, schedule=longer).name != plain.name


def test_what_differs_from_the_published_protocol_is_said():
    assert protocol_note(PROFILES["paper"]) == ""
    assert protocol_note(PROFILES["gpu"]) == (
        "Trained with AdamW at 0.0005 with a one-cycle rate, 16 frames at period 4; "
        "published: SGD at 0.0001 in steps of a tenth, 32 frames at period 2."
    )
    sizes = PROFILES["paper"].clips.model_copy(update={"length": 16, "period": 4, "size": 64, "width": 16})
    small = PROFILES["paper"].model_copy(update={"clips": sizes, "weights": False})
    assert protocol_note(small) == (
        "Trained with random weights, 16 frames at period 4, 64 px, 16 channels and 2 blocks a stage; "
        "published: Kinetics weights, 32 frames at period 2, 112 px, 64 channels and 2 blocks a stage."
    )
    demo = PROFILES["demo"]
    assert "64 px" in protocol_note(demo, demo.attention) and "64 px" not in protocol_note(demo)


def test_beat_to_beat_joins_what_was_trained():
    smoke = PROFILES["smoke"]
    beats = beat_to_beat_experiment(smoke, FOLDER)
    assert beats.schedule == NOT_TRAINED
    assert beats.parents["ef"] == ef_experiments(smoke, FOLDER, "r2plus1d_18")[0]
    other = ef_experiments(smoke, FOLDER, "mc3_18")[0]
    assert beat_to_beat_experiment(smoke, FOLDER, ef=other).parents["ef"] == other
