"""The experiments of EchoNet-Dynamic: the paper's settings where the profile keeps them, ours elsewhere."""

from pathlib import Path

import pytest

from echolib.engine.schedule import NOT_TRAINED
from echolib.papers.echonet_dynamic.experiments import (
    NETWORKS,
    beat_to_beat_experiment,
    camus_experiment,
    ef_experiment,
    ef_experiments,
    protocol_note,
    segmentation_experiment,
)
from echolib.papers.profiles import PROFILES

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


@pytest.mark.parametrize("profile", ["smoke", "demo", "gpu"])
def test_elsewhere_networks_start_from_few_epochs_of_adamw(profile):
    sizes = PROFILES[profile]
    for network in NETWORKS:
        schedule = ef_experiments(sizes, FOLDER, network)[0].schedule
        assert (schedule.optimiser, schedule.decay, schedule.epochs) == ("adamw", "one_cycle", sizes.clips.epochs)
    clips = sizes.clips.model_copy(update={"size": 48, "epochs": 7})
    other = ef_experiment(sizes, FOLDER, "mc3_18", 2, clips=clips)
    assert (other.name, other.seed, other.schedule.epochs) == ("ef-mc3_18-48px-7epochs-seed2", 2, 7)
    assert camus_experiment(sizes, FOLDER).task.structures == ("lv", "epicardium", "atrium")


def test_what_differs_from_the_published_protocol_is_said():
    assert protocol_note(PROFILES["paper"]) == ""
    clips = PROFILES["paper"].clips
    ours = protocol_note(PROFILES["gpu"], clips)
    assert ours.startswith("Trained with AdamW at 0.0005 with a one-cycle rate")
    assert "; published: SGD at 0.0001 in steps of a tenth" in ours and "weights" not in ours and "px" not in ours
    sizes = clips.model_copy(update={"length": 16, "period": 4, "size": 64, "width": 16})
    small = PROFILES["paper"].model_copy(update={"clips": sizes, "weights": False})
    assert protocol_note(small) == (
        "Trained with random weights, 16 frames at period 4, 64 px, 16 channels and 2 blocks a stage; "
        "published: Kinetics weights, 32 frames at period 2, 112 px, 64 channels and 2 blocks a stage."
    )


def test_beat_to_beat_joins_what_was_trained():
    smoke = PROFILES["smoke"]
    beats = beat_to_beat_experiment(smoke, FOLDER)
    assert beats.schedule == NOT_TRAINED
    assert beats.parents["ef"] == ef_experiments(smoke, FOLDER, "r2plus1d_18")[0]
    other = ef_experiments(smoke, FOLDER, "mc3_18")[0]
    assert beat_to_beat_experiment(smoke, FOLDER, ef=other).parents["ef"] == other
