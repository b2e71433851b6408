"""Profiles: sizes of everything."""

import pytest

from echolib.papers import gates
from echolib.papers.profiles import PROFILES, whole_profiles
from echolib.papers.sizes import with_seeds


def test_profiles_change_sizes_alone():
    """Every profile has every field, only `paper` follows the published schedules, and only two leave rows out."""
    assert list(PROFILES) == ["smoke", "demo", "full", "gpu", "paper", "gpu_core"]
    assert [name for name, profile in PROFILES.items() if profile.published_schedules] == ["paper"]
    assert [name for name, profile in PROFILES.items() if profile.story_only] == ["demo", "gpu_core"]
    core, gpu = PROFILES["gpu_core"], PROFILES["gpu"]
    assert (core.clips, core.frames, core.phantom) == (gpu.clips, gpu.frames, gpu.phantom)
    assert whole_profiles() == ["full", "gpu", "paper"]
    sizes = [PROFILES[name].clips for name in ("gpu", "paper")]
    assert [(clips.size, clips.width, clips.blocks) for clips in sizes] == [(112, 64, 2)] * 2
    assert [(clips.length, clips.period) for clips in sizes] == [(16, 4), (32, 2)]


@pytest.mark.parametrize("name", ["demo", "full", "gpu", "paper", "gpu_core"])
def test_what_claims_compare_has_seeds_enough_and_maps_large_enough(name):
    profile = PROFILES[name]
    assert len(profile.seeds) >= 3 and len(profile.compared_seeds) >= 3
    assert min(gates.FEWEST_CELLS, profile.attention.size // 16) == gates.FEWEST_CELLS  # cells after the last stage


def test_seeds_are_the_profile_s_own_or_the_first_so_many():
    smoke = PROFILES["smoke"]
    assert with_seeds(smoke, 0) is smoke
    assert with_seeds(smoke, 3).seeds == with_seeds(smoke, 3).compared_seeds == (0, 1, 2)
    with pytest.raises(ValueError, match="not -1"):
        with_seeds(smoke, -1)
