"""Sizes of contrastive pretraining: no cell is trained less than another, and none on maps too small."""

import pytest

from echolib.papers.contrastive.experiments import items_per_epoch
from echolib.papers.profiles import PROFILES

OURS = [profile for profile in PROFILES.values() if not profile.published_schedules]


@pytest.mark.parametrize("profile", OURS, ids=lambda profile: profile.name)
def test_epochs_share_out_the_steps(profile):
    sizes = profile.contrastive
    for steps, epochs, batch in (
        (sizes.steps, sizes.epochs, sizes.batch_size),
        (sizes.pretraining_steps, sizes.pretraining_epochs, sizes.pretraining_batch),
    ):
        assert items_per_epoch(steps, epochs, batch) * epochs == steps * batch


@pytest.mark.parametrize("profile", [profile for profile in OURS if profile.name != "smoke"], ids=lambda p: p.name)
def test_cells_that_are_compared_are_trained(profile):
    sizes = profile.contrastive
    assert sizes.steps >= 400 and len(sizes.draws) >= 3
    assert sizes.size // 8 >= 8  # cells of DeepLabV3's map, at stride 8


def test_the_paper_s_epochs_see_each_item_once():
    sizes = PROFILES["paper"].contrastive
    assert (sizes.epochs, sizes.pretraining_epochs, sizes.temperature) == (50, 300, 0.1)
    assert items_per_epoch(sizes.steps, sizes.epochs, sizes.batch_size) is None
    assert items_per_epoch(sizes.pretraining_steps, sizes.pretraining_epochs, sizes.pretraining_batch) is None
