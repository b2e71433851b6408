"""The two ways that the clip-loading benchmark compares give the same pixels."""

import numpy as np
import pytest

from echolib.data import FrameStore
from tests.benchmarks.clip_loading import FRAMES, normalised, opencv_clip, store_clip, write_videos


@pytest.mark.benchmark
def test_both_ways_load_the_same_clip(tmp_path):
    paths = write_videos(tmp_path, 3)
    store = FrameStore.build(tmp_path / "store", paths, workers=1, progress=False)
    for name, path in paths.items():
        for start in (0, 17, FRAMES - 64):
            rgb = store.lookup[store_clip(store, name, start)]
            np.testing.assert_array_equal(normalised(rgb), opencv_clip(path, start))
