"""The true heart cycle of the phantom, against a heart written out by hand."""

import numpy as np
import pandas as pd
import pytest

from echolib.folders import DataFolders
from echolib.papers.exhibits import Setup
from echolib.papers.profiles import PROFILES
from echolib.papers.true_cycle import true_cycle, with_speed
from echolib.workspace import WorkspaceError


def test_speed_by_hand():
    truth = pd.DataFrame(
        {
            "item": ["b", "a", "a", "b", "a"],
            "frame": [1, 2, 0, 0, 1],
            "volume_ml": [50.0, 80.0, 100.0, 40.0, 70.0],
            "phase": [0.5, 0.9, 0.0, 0.0, 0.4],
        }
    )
    cycle = with_speed(truth)
    assert cycle["name"].tolist() == ["a", "a", "a", "b", "b"] and cycle["frame"].tolist() == [0, 1, 2, 0, 1]
    assert cycle["phase"].tolist() == [0.0, 0.4, 0.9, 0.0, 0.5]
    assert cycle["speed"].tolist() == pytest.approx([0.3, 0.1, 0.1, 0.2, 0.2])  # of 100 and 50 mL


def test_of_the_phantom_every_frame_is_known(phantom):
    cycle = true_cycle(Setup(PROFILES["smoke"], DataFolders({}, phantom)))
    assert cycle["phase"].between(0, 1).all() and (cycle["speed"] >= 0).all() and np.isfinite(cycle["speed"]).all()
    assert cycle["name"].nunique() == PROFILES["smoke"].phantom["echonet_dynamic"]


def test_of_real_videos_nobody_knows_it(tmp_path):
    with pytest.raises(WorkspaceError, match="known for the phantom alone"):
        true_cycle(Setup(PROFILES["smoke"], DataFolders({"echonet_dynamic": tmp_path}, tmp_path)))
