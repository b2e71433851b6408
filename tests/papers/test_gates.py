"""Learning gates: on which side of each a method lies."""

import numpy as np
import pytest

from echolib.papers import gates


def test_ef_is_learnt_where_r2_is_high_enough_on_average_over_seeds():
    label = np.array([30.0, 40.0, 50.0, 60.0, 70.0])
    mean = np.full(5, 50.0)
    assert gates.ef_gate(label, np.stack([label, mean])).passed  # R2 1 and 0
    assert gates.ef_gate(label, mean[None]) == (False, "R² 0.00")
    assert (
        gates.ef_gate(label, mean[None]).outcome == "no: R² 0.00" and gates.ef_gate(label, label[None]).outcome == "yes"
    )


@pytest.mark.parametrize(("loss", "passed"), [(4.30, True), (4.40, False), (4.56, False)])
def test_a_contrastive_loss_leaves_the_plateau_of_equal_embeddings(loss, passed):
    assert gates.contrastive_gate(loss, 4.56).passed is passed


@pytest.mark.parametrize(("distance", "passed"), [(1.2, True), (1.5, False), (3.0, False)])
def test_keypoints_lie_nearer_than_half_of_the_mean_position(distance, passed):
    gate = gates.keypoint_gate(distance, 2.6)
    assert gate.passed is passed and gate.figure == f"{100 * distance / 2.6:.0f} % of the mean position's error"


def test_masks_are_better_than_the_mean_mask():
    assert gates.mask_gate(0.7, 0.6).passed
    assert not gates.mask_gate(0.6, 0.6).passed


@pytest.mark.parametrize(("cells", "passed"), [((2, 2), False), ((4, 4), True), ((7, 3), False)])
def test_an_activation_map_has_cells_enough(cells, passed):
    assert gates.map_gate(*cells).passed is passed
