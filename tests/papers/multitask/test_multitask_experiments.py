"""Multi-task learning's rows, and what is made from a trained network: EF by discs, keypoints over frames, its cost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from echolib.data.errors import DataError
from echolib.engine import execution
from echolib.engine.experiment import RunContext, cost
from echolib.folders import DataFolders
from echolib.papers.cost import HOW_TIMED
from echolib.papers.exhibits import Setup
from echolib.papers.multitask import tables
from echolib.papers.multitask.biplane import biplane_ef, first_release
from echolib.papers.multitask.contents import PAPER
from echolib.papers.multitask.experiments import JOINT, ROWS, Row, ablation, experiment
from echolib.papers.profiles import PROFILES

SMOKE = PROFILES["smoke"]
SHORT = SMOKE.model_copy(update={"multitask": SMOKE.multitask.model_copy(update={"labels_per_epoch": 8})})
NOWHERE = DataFolders({name: Path("nowhere") for name in ("camus", "echonet_dynamic", "echonet_lvh")}, None)


@pytest.fixture(scope="module")
def setup(phantom, phantom_cache, tmp_path_factory) -> Setup:
    context = RunContext(tmp_path_factory.mktemp("runs"), phantom_cache, torch.device("cpu"))
    return Setup(SHORT, DataFolders({}, phantom), context=context)


@pytest.fixture(autouse=True)
def _one_thread(_two_threads):
    torch.set_num_threads(1)  # the networks are so small that threads would only wait for each other


@pytest.fixture(scope="module")
def joint(setup):
    """The joint network, trained for one short epoch."""
    torch.set_num_threads(1)
    return execution.run(experiment(setup, JOINT, 0), setup.context)


def test_every_row_sees_as_many_labels():
    setup = Setup(SMOKE, NOWHERE)
    experiments = [experiment(setup, row, 0) for row in ROWS]
    labels = SMOKE.multitask.labels_per_epoch
    images = [2 * labels] + 5 * [labels]  # only the first design's joint network has its labels on different images
    assert [described.task.training_items(None) for described in experiments] == images
    assert [cost(described).items for described in experiments] == images
    steps = {described.task.training_items(None) / described.schedule.batch_size for described in experiments}
    assert steps == {labels / SMOKE.multitask.labels_per_batch}
    assert [described.task.datasets for described in experiments[:4]] == [
        ("camus", "echonet_dynamic", "echonet_lvh"), ("camus", "echonet_dynamic"), ("echonet_lvh",), ("camus",)
    ]  # fmt: skip


def test_sizes_and_schedules():
    setup = Setup(PROFILES["paper"], NOWHERE)
    both, masks, points = (experiment(setup, row, 0) for row in ROWS[:3])
    task, schedule = both.task, both.schedule
    assert (task.size, task.width, task.keypoint_weight, task.sigma, task.weights) == (256, 64, 1.0, 1.5, "imagenet")
    assert (schedule.optimiser, schedule.learning_rate, schedule.weight_decay, schedule.decay) == (
        "adamw", 3e-4, 1e-4, "cosine"
    )  # fmt: skip
    both, masks, points = cost(both), cost(masks), cost(points)
    assert max(masks.parameters, points.parameters) < both.parameters < masks.parameters + points.parameters
    assert masks.gflop_per_item < both.gflop_per_item < masks.gflop_per_item + points.gflop_per_item
    for profile in PROFILES.values():
        sizes = profile.multitask
        # whole batches of every row, and in each as many masks of CAMUS as of EchoNet-Dynamic
        assert sizes.labels_per_epoch % sizes.labels_per_batch == sizes.labels_per_batch % 2 == 0


def test_every_exhibit_is_made_from_the_ablation():
    setup = Setup(PROFILES["full"], NOWHERE)
    exhibits = PAPER.notebooks["40_multitask_ablation"]
    asked = {described for exhibit in exhibits for described in exhibit.experiments(setup)}
    assert asked == {described for of_row in ablation(setup).values() for described in of_row}
    assert len(asked) == 6 * 5
    assert {exhibit.name: len(exhibit.experiments(setup)) for exhibit in exhibits} == {
        "learning_curves": 6, "dice": 20, "keypoints": 20, "keypoints_partial": 2, "keypoints_derived": 2,
        "claims": 30, "claims_parts": 30, "walls": 10, "ejection_fraction": 20, "biplane_release": 1, "cost": 0,
    }  # fmt: skip


def test_ef_of_human_masks_is_near_that_of_the_phantom(setup, joint):
    table = joint.table("ef")
    assert (table["masks_biplane"] - table["label"]).abs().max() < 6  # drawn masks against true chords
    model, data = execution.trained_model(joint, setup.context)
    camus = setup.folder("camus")
    elsewhere = biplane_ef(joint.experiment.task, model, data[0].normalise, camus, stored=SMOKE.camus_stored)
    both = table.merge(elsewhere, on="patient", suffixes=("", "_again"))
    assert len(both) == len(table)
    for name in ("masks_biplane", "masks_single_plane_4ch", "label"):
        np.testing.assert_allclose(both[name], both[f"{name}_again"], atol=1e-6)
    np.testing.assert_allclose(both["biplane"], both["biplane_again"], atol=1e-3)


def test_biplane_ef_of_the_first_release(camus_folder, setup, joint):
    """Anisotropic pixels: the human masks give the release's own EF, whatever the network gives."""
    folder = camus_folder / "biplane_1_5"
    if not folder.is_dir():
        pytest.skip("the five biplane patients of CAMUS's first release are not here")
    model, data = execution.trained_model(joint, setup.context)
    table = biplane_ef(joint.experiment.task, model, data[0].normalise, folder)
    assert len(table) == 5
    assert (table["masks_biplane"] - table["label"]).abs().max() < 2


def test_first_release_beside_the_patients(setup, joint, tmp_path):
    """The phantom's own patients in the place of the release's; one of them unknown to the dataset."""
    with pytest.raises(DataError, match=r"biplane_1_5: no such folder"):
        tables.BIPLANE_RELEASE.make({JOINT: [joint]}, setup)
    given = replace(setup, folders=DataFolders({"camus": tmp_path}, setup.folders.phantom))
    first_release(given).symlink_to(setup.folder("camus"))
    table = tables.BIPLANE_RELEASE.make({JOINT: [joint]}, given)
    assert len(table) == SMOKE.phantom["camus"] and set(table["split"]) == {"train", "val", "test"}
    assert given.label(*tables.BIPLANE_RELEASE.data) == "CAMUS"


def test_keypoints_over_evenly_spaced_test_frames(setup, joint):
    results = {Row("partial", None): [joint], Row("partial", "keypoints"): [joint]}
    figure = tables.KEYPOINTS_PARTIAL.draw(results, setup)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["label", "both tasks", "keypoints only"]
    points = joint.predictions
    names = points["name"].unique()
    assert len(figure.axes) == min(4, len(names))
    for panel, name in zip((figure.axes[0], figure.axes[-1]), (names[0], names[-1]), strict=True):
        own = points[points["name"] == name]
        rings, crosses = (panel.collections[number].get_offsets() for number in (0, 1))
        np.testing.assert_allclose(rings, own[["x", "y"]])
        np.testing.assert_allclose(crosses, own[["x_predicted", "y_predicted"]])
        assert panel.images[0].get_array().shape == (SMOKE.multitask.size, SMOKE.multitask.size)


def test_learning_curves_show_what_compares(setup, joint):
    """Dice and keypoints' distance of the rows that ran; the weights kept are marked."""
    figure = tables.LEARNING_CURVES.draw({JOINT: [joint], ROWS[1]: []}, setup)
    for panel, column in zip(figure.axes, ("val_dice_camus_lv", "val_keypoint_px"), strict=True):
        curve, kept = (line.get_xydata() for line in panel.lines[:2])
        np.testing.assert_allclose(curve, [(1, joint.log[column][0])])
        np.testing.assert_allclose(kept, curve)  # of a single epoch


def test_the_cost_needs_no_training(setup):
    table = tables.COST.make({}, setup).set_index("method")
    assert table.index.tolist() == [row.title for row in ROWS[:3]] + ["both single models"]
    assert table.loc[JOINT.title, "parameters"] == cost(experiment(setup, JOINT, 0)).parameters
    assert (table[["gflop", "ms_low"]] > 0).all(axis=None)
    assert tables.COST.caption_for(setup) == (
        f"One image through each network of the smoke profile, on cpu. {HOW_TIMED}."
    )
