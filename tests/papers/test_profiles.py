"""Profiles: sizes of everything."""

import pytest

from echolib.papers.profiles import PROFILES, with_seeds


def test_profiles_change_sizes_alone():
    """Every profile has every field, and only `paper` follows the published schedules."""
    assert list(PROFILES) == ["smoke", "demo", "gpu", "paper"]
    assert [profile.published_schedules for profile in PROFILES.values()] == [False, False, False, True]
    sizes = [profile.clips for profile in PROFILES.values()][2:]
    assert [(clips.length, clips.size, clips.width, clips.blocks) for clips in sizes] == [(32, 112, 64, 2)] * 2


def test_seeds_are_the_profile_s_own_or_the_first_so_many():
    smoke = PROFILES["smoke"]
    assert with_seeds(smoke, 0) is smoke
    assert with_seeds(smoke, 3).seeds == with_seeds(smoke, 3).compared_seeds == (0, 1, 2)
    with pytest.raises(ValueError, match="not -1"):
        with_seeds(smoke, -1)
